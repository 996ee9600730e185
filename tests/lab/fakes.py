"""A studio and judges without networks: a speaker is a pitch, and a voice repeats what it was given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from gpt_sovits.audio import Audio, read_audio, write_wav
from gpt_sovits.errors import InputError
from gpt_sovits.services.jobs import TrainingRequest

RATE = 16000
PITCHES = {"low": 220.0, "middle": 440.0, "high": 880.0}


def tone(pitch: float, seconds: float = 2.0) -> Audio:
    return Audio(0.3 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * RATE)) / RATE).astype(np.float32), RATE)


def pitch_of(audio: Audio) -> float:
    spectrum = np.abs(np.fft.rfft(audio.samples))
    return float(np.argmax(spectrum)) * audio.rate / len(audio.samples)


def embed(audio: Audio) -> np.ndarray:
    """A bump at the pitch, one bin per semitone: near pitches have near embeddings."""
    bins = 12 * np.log2(pitch_of(audio) / 55.0) - np.arange(64)
    bump = np.exp(-(bins**2) / 50.0)
    return bump / np.linalg.norm(bump)


@dataclass(frozen=True)
class FakeSpeech:
    audio: Audio


class FakeStudio:
    """Zero-shot voices are a third too high, tuned ones exact; what was trained is kept for the test to see."""

    def __init__(self) -> None:
        self.trained: dict[str, dict[str, Any]] = {}
        self.speech = SimpleNamespace(reference_voice=self.reference_voice, speak=self.speak)
        self.jobs = SimpleNamespace(run=self.run)

    def session(self) -> FakeStudio:
        return self

    def reference_voice(self, clip: Path, transcript: str = "", language: str = "auto", base: str = "mini") -> float:
        return pitch_of(read_audio(clip)) * 2 ** (4 / 12)

    def run(self, request: TrainingRequest) -> float:
        heard = read_audio(request.recording)
        self.trained[request.name] = {"seconds": heard.seconds, **asdict(request), "consent": request.consent}
        return pitch_of(heard.between(0.5, 1.5))

    def speak(self, text: str, voice: float, **given: Any) -> Iterator[FakeSpeech]:
        if "unspeakable" in text:
            raise InputError("There is nothing to say.", "Write some words.")
        if "runaway" in text:
            yield FakeSpeech(tone(voice, 60.0))
        elif "silent" in text:
            yield FakeSpeech(Audio(np.zeros(RATE, np.float32), RATE))
        else:
            yield FakeSpeech(tone(voice, 1.0))
            yield FakeSpeech(tone(voice, 1.0))


def write_voices(folder: Path, transcripts: tuple[str, ...] = ("a red house", "the old sea")) -> Path:
    """Three speakers, two train and two test clips each."""
    lines = ["path\tspeaker\tlanguage\ttranscript\tsplit"]
    for name, pitch in PITCHES.items():
        for index, split in enumerate(("train", "train", "test", "test")):
            file = f"{name}{index}.wav"
            write_wav(folder / file, tone(pitch * (1 + 0.002 * index), 4.0))
            lines.append(f"{file}\t{name}\ten\t{transcripts[index % len(transcripts)]}\t{split}")
    (folder / "metadata.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
