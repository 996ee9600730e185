"""A studio that hums instead of speaking: the facade's signatures, quick, and without any model.

Each voice is a pitch. A mix is the pitch between.
"""

from __future__ import annotations

import io
import itertools
import re
import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.events import CancelToken
from gpt_sovits.jobs.intake import Intake
from gpt_sovits.settings import Settings
from gpt_sovits.storage.erase import Scan
from gpt_sovits.storage.journal import Entry
from gpt_sovits.storage.word_lists import WordLists
from gpt_sovits.voices.manifest import VersionCard
from gpt_sovits.voices.terms import Terms

RATE = 32000


@dataclass(frozen=True)
class FakeAudio:
    samples: np.ndarray
    rate: int = RATE


@dataclass(frozen=True)
class FakeSpeech:
    audio: FakeAudio
    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class FakeVoice:
    id: str
    name: str
    pitch: float
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class FakeCard:
    id: str
    name: str
    consent: Any = None
    base: str = "mini"
    created: str = "2026-11-22T10:00:00+00:00"
    seconds_of_speech: float = 61.4
    versions: tuple[VersionCard, ...] = (VersionCard("r1", 1, "2026-11-22T10:00:00+00:00", "", 61.4, True),)
    kind: str = "trained"
    parents: tuple[str, ...] = ()
    parent_names: tuple[str, ...] = ()
    parent_shares: tuple[float, ...] = ()
    default_version: str = "r1"
    frozen: bool = False
    locked: bool = False
    signer: str = ""
    terms: Terms = Terms()


@dataclass(frozen=True)
class FakeFacts:
    memory_gib: float = 2.0
    speed: str = "medium"
    summary: str = "trained on 5000 hours: clear and steady"


@dataclass(frozen=True)
class FakeModel:
    name: str
    version: str
    installed: bool
    bundled: bool = False
    size: int = 1_500_000_000
    missing: tuple[str, ...] = ()
    trainable: bool = True
    facts: FakeFacts = FakeFacts()


@dataclass(frozen=True)
class FakeErrand:
    kind: str
    name: str
    state: str = "running"
    stage: str = "download"
    message: str = "v2/s2G.pth"
    action: str = ""
    done: int = 0
    total: int = 1_000_000_000

    @property
    def active(self) -> bool:
        return self.state in ("running", "stopping")

    @property
    def fraction(self) -> float:
        return self.done / self.total


class FakeLibrary:
    """Models that arrive a tenth at a time, whenever somebody looks; v4 is out of reach."""

    sites = ("https://huggingface.co", "https://hf-mirror.com")
    inbox = Path("/data/import")

    def __init__(self) -> None:
        names = ("v1", "v2", "v2Pro", "v2ProPlus", "v3", "v4")
        self.models = {"mini": FakeModel("mini", "mini", True, bundled=True, size=22_000_000)}
        self.models |= {name: FakeModel(name, name, False) for name in names}
        self.taken: list[tuple[list[str], str]] = []
        self.asked: list[tuple[str, str]] = []
        self.chosen = "mini"
        self._errand: FakeErrand | None = None

    def choose(self, name: str) -> None:
        self.chosen = name

    def cards(self) -> list[FakeModel]:
        return list(self.models.values())

    def cards_and_shared(self) -> tuple[list[FakeModel], int]:
        return self.cards(), 900_000_000

    transcriber, writes_down = "whisper-base", False
    paces = {"mini": 4.25}

    def size(self, name: str) -> int:
        return self.models[name].size if name in self.models else 145_000_000

    def terms(self, name: str) -> tuple[str, ...]:
        return ("GPT-SoVITS: MIT licence, by RVC-Boss", "chinese-hubert-base: MIT licence, by TencentGameMate")

    def digests(self, name: str) -> tuple[tuple[str, str], ...]:
        return (("gpt.ckpt", "ab" * 32),)

    @property
    def errand(self) -> FakeErrand | None:
        now = self._errand
        if now is not None and now.state == "running" and now.name == "v4":
            self._errand = replace(
                now,
                state="failed",
                message="The download site https://huggingface.co cannot be reached.",
                action="Go online and try again.",
            )
        elif now is not None and now.state == "running":
            self._errand = replace(now, done=now.done + now.total // 10)
            if self._errand.done >= now.total:
                self._errand = replace(self._errand, state="done")
                self.models[now.name] = replace(self.models[now.name], installed=True)
        elif now is not None and now.state == "stopping":
            self._errand = replace(now, state="stopped")
        return self._errand

    def download(self, name: str, *, accept_licences: bool, site: str = "") -> None:
        assert accept_licences
        self.asked.append((name, site))
        self._errand = FakeErrand("download", name)

    def take_in(self, paths: Sequence[Path] = (), *, version: str = "", name: str = "", replace: bool = False) -> None:
        if not paths:
            raise InputError(f"The folder {self.inbox} is empty.", "Put the files there first.")
        self.taken.append(([path.name for path in paths], version))

    def stop(self) -> None:
        if self._errand is not None:
            self._errand = replace(self._errand, state="stopping")

    def remove(self, name: str) -> None:
        self.models[name] = replace(self.models[name], installed=False)


class FakeStudio:
    def __init__(self, voices: tuple[str, ...] = ("Anna", "Ben")) -> None:
        self._numbers = itertools.count(1)
        self.manners: list[float | None] = []
        self.cards = {card.id: card for card in (FakeCard(f"v{n:04d}", name) for n, name in enumerate(voices))}
        self.pitches = {voice_id: 160.0 + 80.0 * n for n, voice_id in enumerate(self.cards)}
        self.spoken: list[str] = []
        self._place = tempfile.TemporaryDirectory()
        self.lexicon = WordLists(Path(self._place.name)).of("local")
        self.models = FakeLibrary()
        self.voices = SimpleNamespace(
            list=lambda: list(self.cards.values()),
            size=lambda voice_id: 1_000_000,
            put_aside=lambda: [],
            some_hidden=lambda: False,
            invented=lambda: [],  # so that a test has the voices that it made
            load=self._voice,
            sample=self._sample,
            rename=self._rename,
            delete=self._delete,
            destroy=self._destroy,
            is_open=lambda voice_id: not self.cards[self._voice(voice_id).id].locked,
            journal=self._journal,
            freeze=self._freeze,
            mix=self._mix,
            save=self._save,
        )
        self.speech = SimpleNamespace(
            speak=self._speak,
            lines=lambda text, voice, language="auto": (),
            reference_voice=lambda clip, transcript="": FakeVoice("clip", "clip", 420.0),
        )
        self.house = SimpleNamespace(report=lambda whole: {"problem": "not here"})
        self.takes = SimpleNamespace(list=lambda: [])
        self.desk = SimpleNamespace(read=lambda part: {}, write=lambda part, value: None)
        self.jobs = SimpleNamespace(
            scripts=lambda: [],
            intake=Intake(Settings(Path(self._place.name)), "local"),
            writes_down=lambda: False,
            shown=lambda: ([], []),
            ahead=dict,
        )

    def session(self, user: str) -> FakeStudio:
        return self

    def _voice(self, voice_id: str, version: str | None = None) -> FakeVoice:
        if voice_id not in self.cards:
            raise MissingError(f"There is no voice {voice_id!r}.", "Choose one from the list of voices.")
        return FakeVoice(voice_id, self.cards[voice_id].name, self.pitches[voice_id])

    def _sample(self, voice_id: str, version: str | None = None) -> bytes:
        if self.cards[self._voice(voice_id).id].kind == "mix":
            raise MissingError("This voice has no sample.", "")
        piece = next(self._speak("A sample.", voice_id))
        made = io.BytesIO()
        with wave.open(made, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes((piece.audio.samples * 32767).astype("<i2").tobytes())
        return made.getvalue()

    def _rename(self, voice_id: str, name: str) -> None:
        if not name.strip():
            raise InputError("The voice has no name.", "Type a name for it.")
        self.cards[voice_id] = replace(self.cards[self._voice(voice_id).id], name=name.strip())

    def _delete(self, voice_id: str) -> None:
        del self.cards[self._voice(voice_id).id]

    def _destroy(self, voice_id: str, *, mixes: bool = False) -> Scan:
        self._delete(voice_id)
        return Scan(files=12, bytes=3456, found=())

    def _journal(self, voice_id: str | None = None) -> list[Entry]:
        return [Entry(1, "2026-11-22T10:00:00+00:00", "trained", str(voice_id), {"seconds": 61})]

    def _freeze(self, voice_id: str, *, passphrase: str = "") -> None:
        if not passphrase:
            raise InputError("There is no passphrase.", "Choose one; unfreezing the voice will ask for it.")
        self.cards[voice_id] = replace(self.cards[voice_id], frozen=True)

    def _speak(
        self,
        text: str,
        voice: FakeVoice | str,
        *,
        language: str = "auto",
        speed: float = 1.0,
        pause: float = 0.3,
        seed: int | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[FakeSpeech]:
        chosen = self._voice(voice) if isinstance(voice, str) else voice
        sentences = [part for part in re.findall(r"[^.!?。！？]+[.!?。！？]*", text) if re.search(r"\w", part)]
        if not sentences:
            raise InputError("There is nothing in this text that can be spoken.", "Type a sentence.")
        if "boom" in text:
            raise ZeroDivisionError("a bug")
        self.spoken.append(text)
        for sentence in sentences:
            if cancel is not None:
                cancel.check()
            seconds = np.arange(int(RATE * 0.4 / speed)) / RATE
            tone = (
                0.3
                * np.sin(2 * np.pi * chosen.pitch * seconds)
                * np.minimum(1, np.minimum(seconds, seconds[::-1]) * 50)
            )
            yield FakeSpeech(FakeAudio(tone.astype(np.float32)), sentence)

    def _mix(self, a: str, b: str, ratio: float, *, manner: float | None = None) -> FakeVoice:
        one, other = self._voice(a), self._voice(b)
        self.manners.append(manner)
        return FakeVoice("mix", "mix", one.pitch + ratio * (other.pitch - one.pitch), (a, b))

    def _save(self, mixed: FakeVoice, name: str) -> str:
        if not name.strip():
            raise InputError("The voice has no name.", "Type a name for it.")
        voice_id = f"v{next(self._numbers):04d}"
        names = tuple(self.cards[parent].name for parent in mixed.parents)
        self.cards[voice_id] = FakeCard(voice_id, name.strip(), kind="mix", parents=mixed.parents, parent_names=names)
        self.pitches[voice_id] = mixed.pitch
        return voice_id
