"""Speaking for somebody who is still writing: line by line, and what was said a moment ago is not made again."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpt_sovits.audio import Audio
    from gpt_sovits.voices.voice import Voice

_MOST_BYTES = 96 * 2**20  # of remembered sound: about twelve minutes
NOTED_EVERY = 3600.0  # seconds between two lines of the journal about listening while writing


@dataclass(frozen=True)
class Line:
    """What is spoken at once, a sentence as a rule: ``text == original[start:end]``.

    ``said`` is the text without its marks for pauses and pace, which are ``pause`` (seconds, None: the usual) and
    ``speed``. ``rest``: the usual pause after it, as a share of the one after a sentence; ``numbers``: the language in
    which its numbers without a word are read ("": the voice's own).
    """

    start: int
    end: int
    text: str
    said: str
    speed: float = 1.0
    pause: float | None = None
    rest: float = 1.0
    numbers: str = ""

    def pause_after(self, usual: float) -> float:
        """Seconds of silence after it, where ``usual`` ones follow a sentence."""
        return usual * self.rest if self.pause is None else self.pause

    @property
    def key(self) -> str:
        """The same for lines that are spoken in the same way."""
        return _digest(self.said, self.speed, self.pause, self.numbers)


class LineCache:
    """The lines that were spoken last, in memory only. Safe to use from several threads."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._lines: OrderedDict[str, tuple[Audio, frozenset[str]]] = OrderedDict()
        self._noted: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Audio | None:
        with self._lock:
            found = self._lines.get(key)
            if found is None:
                return None
            self._lines.move_to_end(key)
            return found[0]

    def put(self, key: str, audio: Audio, voices: Sequence[str]) -> None:
        """``voices``: the ids of the voices that are heard in it."""
        with self._lock:
            if key in self._lines or audio.samples.nbytes > self._most:
                return
            self._lines[key] = (audio, frozenset(voices))
            self._size += audio.samples.nbytes
            while self._size > self._most:
                _, (oldest, _) = self._lines.popitem(last=False)
                self._size -= oldest.samples.nbytes

    def forget(self, voice_id: str) -> None:
        """Drop every sound of a voice and of its mixes."""
        with self._lock:
            for key in [key for key, (_, voices) in self._lines.items() if voice_id in voices]:
                self._size -= self._lines.pop(key)[0].samples.nbytes

    def is_news(self, user: str, voice_id: str) -> bool:
        """Whether it is time to write down again that the user listens to a voice."""
        now = time.monotonic()
        with self._lock:
            last = self._noted.get((user, voice_id))
            if last is not None and now - last < NOTED_EVERY:
                return False
            self._noted[user, voice_id] = now
            return True


def identity(voice: Voice) -> tuple[str, ...] | None:
    """What tells a voice's sound from others': a stored one's version, or a mix's parts. None for a passing one."""
    if voice.id:
        return voice.id, voice.version_id or ""
    if voice.made_by.get("kind") != "mix" or not all(voices_of(voice)):
        return None
    return ("mix", json.dumps([voice.made_by["parents"], voice.made_by["manners"]], sort_keys=True))


def voices_of(voice: Voice) -> list[str]:
    """The ids of the stored or invented voices that are heard in a voice; "" for one that is not stored."""
    parents = [str(parent["voice"]) for parent in voice.made_by.get("parents", ())]
    return [voice.id, *parents] if voice.id else parents


def sound_key(user: str, voice: Voice, line: Line, manner: Sequence[object]) -> str | None:
    """The name of a line's sound in the cache; None where it cannot be told from another's."""
    who = identity(voice)
    return None if who is None else _digest(user, who, line.said, line.speed, line.numbers, *manner)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()[:24]
