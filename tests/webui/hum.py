"""A real studio whose voices hum: all is the program's own, only the networks are not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gpt_sovits.audio import Audio
from gpt_sovits.errors import InputError
from gpt_sovits.events import CancelToken
from gpt_sovits.settings import Settings
from gpt_sovits.storage.registry import Registry
from gpt_sovits.studio import Studio
from gpt_sovits.synthesis import Speech
from tests.storage.conftest import make_voice, stage

RATE = 32000
SENTENCE_SECONDS = 0.5


class Hum:
    """Half a second for each sentence, its pitch from the seed. ``hold``: pieces after the first wait for it."""

    def __init__(self) -> None:
        self.hold: threading.Event | None = None
        self.cancels: list[CancelToken] = []
        self.spoken: list[str] = []
        self.forgotten: list[str] = []

    def speak(self, voice: Any, text: str, *, cancel: CancelToken | None = None, **manner: Any) -> Iterator[Speech]:
        if not any(map(str.isalnum, text)):
            raise InputError("There is nothing to say.", "Type a text with words in it.")
        if not 0.5 <= manner["speed"] <= 2:
            raise InputError(f"A speed of {manner['speed']:g} is not possible.", "Choose between 0.5 and 2.")
        self.cancels.append(cancel or CancelToken())
        self.spoken.append(text)
        return self._pieces(text, manner.get("seed") or 0, self.cancels[-1])

    def _pieces(self, text: str, seed: int, cancel: CancelToken) -> Iterator[Speech]:
        clock, at = 0.0, 0
        for number, sentence in enumerate(text.split(". ")):
            while number and self.hold is not None and not self.hold.wait(0.02):
                cancel.check()
            cancel.check()
            time = np.arange(round(SENTENCE_SECONDS * RATE)) / RATE
            audio = Audio((0.3 * np.sin(2 * np.pi * (200 + seed % 100) * time)).astype(np.float32), RATE)
            yield Speech(audio, sentence, at, at + len(sentence), clock, ())
            clock, at = clock + SENTENCE_SECONDS, at + len(sentence) + 2

    def forget(self, voice_id: str) -> None:
        self.forgotten.append(voice_id)


def humming(folder: Path, *owners: str, **options: Any) -> tuple[Studio, Hum, dict[str, str]]:
    """A studio in which each owner has a voice "voice of OWNER"; their ids."""
    hum, ids = Hum(), {}
    studio = Studio(Settings(folder / "data"), synthesizer=hum, **options)  # type: ignore[arg-type]
    registry = Registry(studio.settings.registry_dir)
    recording = folder / "r.wav"
    recording.write_bytes(bytes(range(256)) * 8)
    for seed, owner in enumerate(owners):
        voice = make_voice(seed, owner=owner.rstrip("0123456789"))
        ids[owner] = registry.admit(voice.owner, f"voice of {owner}", stage(folder / "jobs", voice, recording)).voice
    return studio, hum, ids
