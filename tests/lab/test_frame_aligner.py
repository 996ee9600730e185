"""Mandarin aligned by a teacher's example, on a made corpus whose phones are bands of sound."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt_sovits.lab.alignment import add_alignment, load_alignment
from gpt_sovits.lab.corpus import BANDS, Clip, Corpus
from gpt_sovits.lab.frame_aligner import align_mandarin, known_frames, learn_frames, phones_of, toneless_classes
from gpt_sovits.text import symbols

TEXT = "妈妈爱他"
FRAMES = 60


def sounding(phones: list[int], rng: np.random.Generator) -> tuple[np.ndarray, list[int], list[int]]:
    """Log-mel `[FRAMES, BANDS]` in which each phone sounds in bands of its own, initials shorter than finals."""
    mel = rng.normal(-8.0, 0.2, (FRAMES, BANDS))
    classes, at, starts, ends = toneless_classes(), int(rng.integers(2, 6)), [], []
    for k, phone in enumerate(phones):
        length = int(rng.integers(2, 5) if k % 2 == 0 else rng.integers(5, 9))
        band = classes[phone] * 7 % (BANDS - 8)
        mel[at : at + length, band : band + 8] += 7.0
        starts.append(at)
        at += length
        ends.append(at)
    return mel, starts, ends


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[int]]]:
    """A prepared corpus: 40 clips of a teacher, whose times are known, and 5 of people; and when their phones begin."""
    folder = tmp_path_factory.mktemp("corpus")
    rng, rows, mels, truth, known = np.random.default_rng(3), [], [], {}, []
    for number in range(45):
        told = number < 40
        row: dict[str, Any] = {
            "path": f"{number}.wav", "speaker": "t" if told else "p", "language": "zh", "transcript": TEXT,
            "bandwidth": 8000.0, "start": number * FRAMES, "frames": FRAMES, "held_out": False, "guess": "",
            "told": ["m"] if told else [],
        }  # fmt: skip
        rows.append(row)
        phones = phones_of(clip_of(row))
        mel, starts, ends = sounding(phones, rng)
        mels.append(mel)
        if told:
            known.append({"path": row["path"], "phones": phones, "starts": starts, "ends": ends})
        truth[row["path"]] = starts
    (folder / "clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    np.concatenate(mels).astype(np.float16).tofile(folder / "mel.f16")
    total = 45 * FRAMES
    np.zeros((total, 3), np.float16).tofile(folder / "melody.f16")
    np.zeros(total, np.float32).tofile(folder / "pitch.f32")
    np.zeros(total * 640, np.int16).tofile(folder / "wave.i16")
    add_alignment(folder, known)
    return folder, truth


def clip_of(row: dict[str, Any]) -> Clip:

    return Clip(**{**row, "told": tuple(row["told"])})


def test_tones_make_no_class_of_their_own() -> None:
    classes, ids = toneless_classes(), symbols().ids
    assert classes[ids["a1"]] == classes[ids["a4"]] != classes[ids["ai1"]]


def test_people_are_aligned_as_the_teacher_speaks(work: tuple[Path, dict[str, list[int]]]) -> None:
    folder, truth = work
    corpus = Corpus(folder)
    assert len(known_frames(corpus, folder, toneless_classes())) == 40
    network = learn_frames(corpus, folder, minutes=0.15, clock=time.process_time)
    assert align_mandarin(corpus, folder, network) == 5
    found = load_alignment(folder)
    pairs = [zip(found[path][1], truth[path], strict=True) for path in (f"{number}.wav" for number in range(40, 45))]
    apart = [abs(a - b) for pair in pairs for a, b in pair]
    assert np.mean(apart) < 1.0, apart
    phones, starts, ends = found["40.wav"]
    assert phones == tuple(phones_of(corpus.clips[40])) and all(a < b for a, b in zip(starts, ends, strict=True))
