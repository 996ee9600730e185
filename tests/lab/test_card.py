"""What travels to a graphics card is what was learnt from here."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gpt_sovits.lab.alignment import taught_times
from gpt_sovits.lab.card import pack, unpack
from gpt_sovits.lab.codes import CodedCorpus
from gpt_sovits.lab.corpus import Corpus, evened, told
from gpt_sovits.lab.drawing import AcousticBatches, SemanticBatches, drawn_by
from gpt_sovits.models.native import save_tensors

CODES = (20, 34, 16, 60)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    rng = np.random.default_rng(0)
    frames = [2 * n for n in CODES]
    total = sum(frames)
    tone = np.sin(np.arange(total * 640) * 2 * np.pi * 220 / 32000) * 9000
    tone.astype(np.int16).tofile(folder / "wave.i16")
    rng.normal(-6, 1, (total, 80)).astype(np.float16).tofile(folder / "mel.f16")
    np.zeros((total, 3), np.float16).tofile(folder / "melody.f16")
    np.full(total, 220, np.float32).tofile(folder / "pitch.f32")
    start = 0
    with open(folder / "clips.jsonl", "w") as clips, open(folder / "codes.jsonl", "w") as rows:
        for number, count in enumerate(frames):
            clip = {"path": f"{number}.ogg", "speaker": "one", "language": ("en", "zh")[number % 2], "start": start}
            clip |= {"transcript": "Yes.", "bandwidth": 8000.0, "frames": count, "held_out": False}
            clips.write(json.dumps({**clip, "told": ["Y", "EH1", "S", "."] if number < 2 else []}) + "\n")
            rows.write(json.dumps({"path": clip["path"], "codes": count // 2, "phones": 4, "transcribed": True}) + "\n")
            start += count
    said = [np.minimum(np.arange(n) * 3 // n, 2) for n in CODES]
    tables = {"codebook": (8, 64), "prototypes": (733, 61), "said": (732, 8), "silent": (8,), "ends": (732, 16)}
    save_tensors(
        folder / "codes.safetensors",
        {
            **{name: torch.zeros(size) for name, size in tables.items()},
            "codes": torch.from_numpy(rng.integers(0, 8, sum(CODES))).short(),
            "phones": torch.tensor([93, 27, 75, 3] * len(CODES)).short(),
            "phone_of_code": torch.from_numpy(np.concatenate(said)).short(),
        },
    )
    return folder


def test_a_packed_corpus_is_learnt_from_as_the_one_it_was_packed_from(work: Path, tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    assert pack(work, tmp_path / "card", 1.0) == len(CODES)
    unpack(tmp_path / "card", tmp_path / "there", workers=1)
    here = {c.clip.path: c for c in CodedCorpus(Corpus(work), work).clips}
    there = CodedCorpus(Corpus(tmp_path / "there"), tmp_path / "there")
    assert len(there.clips) == len(here)
    for clip in there.clips:
        same = here[clip.clip.path]
        assert np.array_equal(clip.codes, same.codes) and np.array_equal(clip.phone_of_code, same.phone_of_code)
        assert clip.clip.told == same.clip.told and np.array_equal(clip.phones, same.phones)
        wave = there.example(clip).wave
        power = np.abs(np.fft.rfft(wave))
        assert abs(power.argmax() * 32000 / len(wave) - 220) < 20
        assert 0.1 < np.abs(wave).max() < 0.5


def test_batches_come_without_end_and_hold_both_languages(work: Path) -> None:
    coded = CodedCorpus(Corpus(work), work)
    acoustic = drawn_by(AcousticBatches(coded, 200, 0))
    languages = [language for _ in range(40) for language in next(acoustic)[1]]
    assert {"en", "zh", ""} == set(languages), "and a teacher's, which is of both"
    batch = next(drawn_by(SemanticBatches(coded, 300, 0)))
    assert batch.codes.shape[0] == batch.phones.shape[0]


def test_who_says_little_is_drawn_more_often_than_by_its_part(work: Path) -> None:
    clips = Corpus(work).clips
    few = evened([clips[0]] * 9 + [clips[3]], 0.0)
    assert few[-1] == pytest.approx(0.25) and few.sum() == pytest.approx(1.0)


def test_a_teachers_phone_ends_before_the_pause_that_its_time_holds(work: Path, tmp_path: Path) -> None:
    (tmp_path / "phones.jsonl").write_text(
        json.dumps({"path": "0.ogg", "lead": 0.16, "phones": ["Y", "EH1", "S", "."], "seconds": [0.1, 0.1, 0.4, 0.1]})
    )
    mel = np.fromfile(work / "mel.f16", np.float16).reshape(-1, 80)
    mel[18:40] = -11  # quiet after the first 0.06 s of the last phone
    mel.tofile(work / "mel.f16")
    assert told(tmp_path)["0.ogg"].phones[-1] == "."
    taught_times(Corpus(work), [tmp_path], work)
    row = json.loads((work / "alignment.jsonl").read_text())
    assert row["starts"] == [5, 10, 15] and row["ends"] == [10, 15, 18]
