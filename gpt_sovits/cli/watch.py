"""``gpt_sovits watch``: say what is copied, or what is added to a file, until Ctrl-C."""

from __future__ import annotations

import queue
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpt_sovits.audio import Audio, concatenate
from gpt_sovits.cli.playing import Player
from gpt_sovits.cli.speaking import in_a_row
from gpt_sovits.cli.texts import MAX_TEXT_FILE
from gpt_sovits.encoding import write_audio
from gpt_sovits.errors import CancelledError, InputError, MissingError, ResourceError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.files import read_whole
from gpt_sovits.services.session import Session
from gpt_sovits.voices.manifest import VoiceCard

CLIPBOARD = "clipboard"
_LOOK_SECONDS = 0.25


class Clipboard:
    """What was copied since the last look; the newest is meant, so it ends what is being said."""

    interrupts = True

    def __init__(self) -> None:
        import pyperclip

        self._paste: Callable[[], str] = pyperclip.paste
        self._failure = pyperclip.PyperclipException
        self._last = self._read()

    def look(self) -> str:
        last, self._last = self._last, self._read()
        return self._last if self._last != last else ""

    def _read(self) -> str:
        try:
            return str(self._paste())
        except self._failure as error:
            raise ResourceError("The clipboard cannot be read.", "Install wl-clipboard or xclip.") from error


class Growing:
    """What was added to a file since the last look, by whole lines; where it was written anew, all of it."""

    interrupts = False

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise MissingError(f"There is no text file {path}.", "Check its name.")
        self._path, self._seen = path, read_whole(path, MAX_TEXT_FILE)

    def look(self) -> str:
        try:
            data = read_whole(self._path, MAX_TEXT_FILE) if self._path.is_file() else self._seen
        except OSError:
            return ""  # it is being replaced
        if data == self._seen:
            return ""
        added = data[len(self._seen) :] if data.startswith(self._seen) else data
        whole = added.rfind(b"\n") + 1
        if not whole and data.startswith(self._seen):
            return ""  # half a line
        whole = whole or len(added)
        self._seen = data[: len(data) - len(added) + whole]
        return added[:whole].decode("utf-8-sig", "replace")


def watch_texts(source: str, mouth: Mouth, most: int) -> None:
    """Speak every new text, at most ``most`` (0: without end). A failure is told and the next text awaited."""
    said, pause = 0, threading.Event()
    try:
        looked = Clipboard() if source.casefold() == CLIPBOARD else Growing(Path(source))
        print(f"{mouth.name} says what comes from {source}. Ctrl-C ends it.", file=sys.stderr, flush=True)
        while not most or said < most:
            text = looked.look()
            if text.strip():
                mouth.say(text, instead=looked.interrupts)
                said += 1
            mouth.raise_failure()
            pause.wait(_LOOK_SECONDS)
    finally:
        mouth.close(at_once=not most)


class Mouth:
    """Says texts one after the other in a thread, or the newest instead of the one before: aloud, or into files
    ``format`` of the folder ``out``."""

    def __init__(
        self, session: Session, card: VoiceCard, way: dict[str, Any], seed: int | None, out: Path | None, format: str
    ) -> None:
        if out is not None and not out.is_dir():
            raise InputError(f"There is no folder {out}.", "Name one that is there.")
        self.name = card.name
        self._session, self._voice, self._way, self._seed = session, card.id, way, seed
        self._out, self._format = out, format
        self._player = Player() if out is None else None
        self._texts: queue.Queue[tuple[str, CancelToken] | None] = queue.Queue()
        self._now = CancelToken()
        self._count = 0
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def say(self, text: str, *, instead: bool) -> None:
        if instead:
            self._stop()
            self._now = CancelToken()
        self._texts.put((text, self._now))

    def raise_failure(self) -> None:
        if self._failed is not None:
            raise self._failed

    def close(self, *, at_once: bool) -> None:
        if at_once:
            self._stop()
        self._texts.put(None)
        self._thread.join()
        self.raise_failure()

    def _stop(self) -> None:
        self._now.cancel()
        if self._player is not None:
            self._player.stop()

    def _run(self) -> None:
        try:
            while (found := self._texts.get()) is not None:
                self._one(*found)
        except Exception as error:  # noqa: BLE001  # told by the thread that waits
            self._failed = error

    def _one(self, text: str, cancel: CancelToken) -> None:
        sounds = list[Audio]()
        seed = secrets.randbelow(2**31) if self._seed is None else self._seed
        try:
            pieces = self._session.speech.speak(text, self._voice, **self._way, seed=seed, cancel=cancel)
            for piece in pieces:
                cancel.check()
                if self._player is None:
                    sounds.append(piece.audio)
                else:
                    self._player.play(piece.audio)
            if self._player is not None and not cancel.cancelled:
                self._player.end()
            elif sounds and self._out is not None:
                self._count += 1
                path = self._out / f"{self._count:04d}.{self._format}"
                label = self._session.speech.label(self._voice)
                write_audio(path, concatenate(sounds), label=label)
                print(path, flush=True)
        except CancelledError:
            return
        except VoiceError as error:
            if not cancel.cancelled:
                print(f"{in_a_row(text)}: {error}", file=sys.stderr)
