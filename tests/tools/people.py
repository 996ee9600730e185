"""People that no base was trained on, a minute each, and what is done to recordings: for the tables of this folder.

Readers are those of ``lab/heldout.txt`` in ../shared/corpus; invented voices are those of ../shared/corpus_teacher.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import signal

from gpt_sovits.audio import Audio, normalize
from gpt_sovits.lab.corpus import HELD_OUT
from gpt_sovits.lab.evaluation.folder import read_table
from gpt_sovits.lab.evaluation.heldout import read_clips, sentence

ROOM_TONE = 10 ** (-75 / 20)


@dataclass(frozen=True)
class Person:
    """A recording of about a minute, the sentences in it, and where each begins and ends in seconds."""

    name: str
    language: str
    audio: Audio
    sentences: tuple[str, ...]
    times: tuple[tuple[float, float], ...]


def people(shared: Path, *, seconds: float = 60.0) -> Iterator[Person]:
    """Readers first, then the invented voices, each in English and in Mandarin."""
    table = read_table(shared / "corpus" / "metadata.tsv")
    for name in HELD_OUT.read_text(encoding="utf-8").split():
        yield _person(name, "en", shared / "corpus", [row for row in table if row["speaker"] == name], seconds)
    table = read_table(shared / "corpus_teacher" / "metadata.tsv")
    for name in sorted({row["speaker"] for row in table}):
        for language in ("en", "zh"):
            rows = [row for row in table if row["speaker"] == name and row["language"] == language]
            if len(rows) > 5:
                yield _person(f"{name}-{language}", language, shared / "corpus_teacher", rows, seconds)


def _person(name: str, language: str, corpus: Path, rows: list[dict[str, str]], seconds: float) -> Person:
    rng = np.random.default_rng(sum(map(ord, name)))
    parts: list[np.ndarray] = []
    sentences: list[str] = []
    times: list[tuple[float, float]] = []
    now = 0.0
    rate = 32_000
    for row, clip in read_clips(corpus, rows):
        if now >= seconds:
            break
        sound = normalize(clip)
        pause = rng.normal(0.0, ROOM_TONE, round(rng.uniform(0.3, 0.8) * rate)).astype(np.float32)
        times.append((now, now + sound.seconds))
        parts += [sound.samples, pause]
        sentences.append(sentence(row["transcript"]))
        now += sound.seconds + len(pause) / rate
    return Person(name, language, Audio(np.concatenate(parts), rate), tuple(sentences), tuple(times))


def plain(samples: np.ndarray, rate: int) -> np.ndarray:
    return samples


def noisy(samples: np.ndarray, rate: int, below: float = 15.0) -> np.ndarray:
    """Pink-like noise, ``below`` dB under the recording."""
    noise = np.random.default_rng(1).normal(0.0, 1.0, len(samples))
    noise = signal.lfilter(*signal.butter(1, 800, fs=rate), noise) + 0.2 * noise
    return samples + noise / noise.std() * samples.std() * 10 ** (-below / 20)


def in_a_room(samples: np.ndarray, rate: int, seconds: float = 0.45) -> np.ndarray:
    """Reverberation that falls by 60 dB within ``seconds``."""
    time = np.arange(round(0.5 * rate)) / rate
    response = np.random.default_rng(2).normal(0.0, 1.0, len(time)) * 10 ** (-3 * time / seconds)
    response *= 0.9 / np.sqrt(np.square(response).sum())
    response[0] = 1.0
    echoed = signal.fftconvolve(samples, response)[: len(samples)]
    return 0.8 * echoed / np.abs(echoed).max()


def by_telephone(samples: np.ndarray, rate: int) -> np.ndarray:
    """300 to 3400 Hz, in the 8 bits of a telephone."""
    band = signal.sosfilt(signal.butter(4, (300, 3400), "band", fs=rate, output="sos"), samples)
    top = np.abs(band).max()
    code = np.round(np.sign(band) * np.log1p(255 * np.abs(band) / top) / np.log(256) * 127) / 127
    return np.sign(code) * (256 ** np.abs(code) - 1) / 255 * top


def faster(samples: np.ndarray, rate: int, factor: float = 1.15) -> np.ndarray:
    """Tempo and pitch, as a faster tape."""
    return np.interp(np.arange(0, len(samples) - 1, factor), np.arange(len(samples)), samples)


def slower(samples: np.ndarray, rate: int) -> np.ndarray:
    return faster(samples, rate, 0.87)


CHANGES = {"plain": plain, "noise": noisy, "room": in_a_room, "telephone": by_telephone, "faster": faster,
           "slower": slower}  # fmt: skip


def changed(audio: Audio, change: str) -> Audio:
    return Audio(CHANGES[change](audio.samples, audio.rate).astype(np.float32), audio.rate)
