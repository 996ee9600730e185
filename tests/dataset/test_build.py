"""A recording and what was read become pieces that can be trained on; what does not fit is dropped and said."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from gpt_sovits.audio import Audio, concatenate, frame_levels, level, peak, read_audio, resample, silence, write_wav
from gpt_sovits.dataset.build import LISTEN_RATE, build_dataset, listen
from gpt_sovits.dataset.recognise import Scribe, Written
from gpt_sovits.dataset.training_set import FILE, TrainingSet
from gpt_sovits.dataset.transcript import script_words
from gpt_sovits.dataset.vad import speech_spans
from gpt_sovits.errors import CancelledError, InputError, MissingError, UnfitError
from gpt_sovits.events import CancelToken

DATA = Path(__file__).parents[1] / "data"
SENTENCES = [
    ("He could, but what would he do?", 0.0, 4.235),
    ("She smiled for the first time that day.", 4.635, 8.98),
    ("There was something in front of her.", 9.38, 13.375),
    ("It will only be a moment.", 13.775, 16.95),
]
SCRIPT = " ".join(text for text, _, _ in SENTENCES)
SECONDS = 17.2
BLANK = 732


class Listener:
    """Hears the phones of each sentence evenly spread over the speech in it, rather surely."""

    def __init__(self, audio: Audio, sentences=SENTENCES) -> None:
        rng = np.random.default_rng(0)
        frames = round(audio.seconds * 50)
        heard = np.full(frames, BLANK)
        spans = speech_spans(audio)
        for text, start, end in sentences:
            ids = [i for word in script_words(text, "en") for i in word.ids]
            loud = np.zeros(frames, bool)
            for span in spans:
                loud[round(max(span.start, start) * 50) : round(min(span.end, end) * 50)] = True
            places = np.flatnonzero(loud)
            heard[places] = [ids[k * len(ids) // len(places)] for k in range(len(places))]
        odds = rng.normal(0.0, 1.5, (frames, BLANK + 1))
        odds[np.arange(frames), heard] += 9.0
        self.log_probs = torch.from_numpy(odds).log_softmax(-1)[None]
        self.calls = 0

    def phone_logits(self, wave: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.log_probs[:, : wave.shape[1] // 320]


def listening(folder: Path) -> tuple[Any, Path]:
    """A base that hears a recording, and the recording."""
    audio = resample(read_audio(DATA / "one_minute.opus").between(0, SECONDS), 24000)
    write_wav(folder / "mine.wav", audio)
    return SimpleNamespace(ear=Listener(audio), config={}, symbols_version="v2"), folder / "mine.wav"


@pytest.fixture(scope="module")
def audio() -> Audio:
    return resample(read_audio(DATA / "one_minute.opus").between(0, SECONDS), 24000)


@pytest.fixture(scope="module")
def listener(audio) -> Listener:
    return Listener(audio)


@pytest.fixture(scope="module")
def recording(audio, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "recording.wav"
    write_wav(path, audio)
    return path


@pytest.fixture(scope="module")
def built(recording, listener, tmp_path_factory) -> tuple[TrainingSet, Path]:
    folder = tmp_path_factory.mktemp("built")
    return build_dataset(recording, SCRIPT, "en", listener, work_dir=folder), folder


def letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha())


def test_pieces_hold_the_words_that_sound_in_them(built):
    found, _ = built
    assert letters("".join(piece.text for piece in found.slices)) == letters(SCRIPT)  # nothing lost, nothing twice
    for piece in found.slices:
        said = "".join(letters(t) for t, a, b in SENTENCES if piece.start - 0.3 < (a + b) / 2 < piece.end + 0.3)
        assert letters(piece.text) in said or said in letters(piece.text)
        assert piece.confidence > 0.3 and len(piece.phones.ids) > 5 and 1.5 < piece.seconds < 10.5
    assert found.report.transcript == "text" and not found.report.dropped and not found.report.remarks
    assert found.report.assessment.speech_seconds > 10


def test_pieces_are_32_khz_files_of_an_even_level(built):
    found, folder = built
    for piece in found.slices:
        sound = read_audio(piece.audio_path)
        assert sound.rate == 32000 and abs(sound.seconds - piece.seconds) < 0.01 and peak(sound) > 0.05
    assert abs(found.seconds - sum(p.seconds for p in found.slices)) < 1e-6
    assert len(found.held_out) == (1 if len(found.slices) >= 4 else 0)
    assert len(found.training) + len(found.held_out) == len(found.slices)
    assert sorted(p.name for p in folder.iterdir()) == sorted([FILE, *(s.audio_path.name for s in found.slices)])


def test_a_saved_set_is_the_same_value(built):
    found, folder = built
    assert TrainingSet.load(folder).slices == tuple(
        piece.replaced(phones=TrainingSet.load(folder).slices[i].phones) for i, piece in enumerate(found.slices)
    )
    for again, piece in zip(TrainingSet.load(folder).slices, found.slices, strict=True):
        assert again.phones.ids == piece.phones.ids and again.phones.spans == piece.phones.spans
    assert TrainingSet.load(folder).report == found.report


def test_an_interrupted_job_does_not_listen_twice(built, recording, listener):
    found, folder = built
    calls = listener.calls
    assert len(build_dataset(recording, SCRIPT, "en", listener, work_dir=folder).slices) == len(found.slices)
    assert listener.calls == calls
    (folder / found.slices[0].audio_path.name).rename(folder / "gone")
    build_dataset(recording, SCRIPT, "en", listener, work_dir=folder)
    assert listener.calls > calls and (folder / found.slices[0].audio_path.name).is_file()
    (folder / "gone").unlink()


def test_a_noisy_recording_is_cleaned_and_that_is_kept(audio, listener, tmp_path):
    noise = np.random.default_rng(0).normal(0, 10 ** ((level(audio) - 15) / 20), len(audio.samples))
    write_wav(tmp_path / "noisy.wav", Audio((audio.samples + noise).astype(np.float32), audio.rate))
    found = build_dataset(tmp_path / "noisy.wav", SCRIPT, "en", listener, work_dir=tmp_path / "set")
    assert found.report.cleaned == TrainingSet.load(tmp_path / "set").report.cleaned == ("noise",)
    start = resample(read_audio(found.slices[0].audio_path), 24000)
    assert frame_levels(start).min() < frame_levels(Audio(noise.astype(np.float32), 24000)).mean() - 3


def test_wrong_text_is_refused(recording, listener, tmp_path):
    wrong = "Purple elephants juggle bright yellow oranges beneath the icy mountain, while nobody ever laughs at them."
    with pytest.raises(InputError, match="does not fit the text"):
        build_dataset(recording, wrong, "en", listener, work_dir=tmp_path)
    assert not (tmp_path / FILE).exists()
    with pytest.raises(InputError, match="no word"):
        build_dataset(recording, "?!", "en", listener, work_dir=tmp_path)


def test_a_doubted_text_is_believed_when_the_person_or_a_transcriber_knows_better(recording, listener, tmp_path):
    wrong = "Purple elephants juggle bright yellow oranges beneath the icy mountain, while nobody ever laughs at them."
    made = build_dataset(recording, wrong, "en", listener, work_dir=tmp_path / "a", anyway=True)
    assert made.slices and all(piece.confidence < 0.5 for piece in made.slices)
    with pytest.raises(UnfitError, match="does not fit"):
        build_dataset(recording, wrong, "en", listener, work_dir=tmp_path / "b", scribe=heard_by_a_machine(SCRIPT))
    found = heard_by_a_machine("Purple elephants juggle bright yellow oranges beneath an icy mountain.")
    assert build_dataset(recording, wrong, "en", listener, work_dir=tmp_path / "c", scribe=found).slices


def heard_by_a_machine(text: str) -> Scribe:
    return lambda audio, language, cancel: Written(text, "en")


def test_a_sentence_that_is_not_in_the_text_is_not_trained_on(recording, listener, tmp_path):
    script = " ".join(text for text, _, _ in SENTENCES[:2] + SENTENCES[3:])
    found = build_dataset(recording, script, "en", listener, work_dir=tmp_path)
    assert any(note.kind == "added" and 9 < note.time[0] < 13 for note in found.report.remarks)
    unread = sum(max(0.0, min(p.end, 13.4) - max(p.start, 9.4)) for p in found.slices)
    assert unread < 2.0 and len(found.report.dropped) >= 1


def test_a_sentence_that_was_not_read_is_named(recording, listener, tmp_path):
    script = SENTENCES[0][0] + " The quick brown fox jumps over a lazy dog. " + " ".join(t for t, _, _ in SENTENCES[1:])
    found = build_dataset(recording, script, "en", listener, work_dir=tmp_path)
    skipped = [note.text for note in found.report.remarks if note.kind == "skipped"]
    assert any("quick brown fox" in text for text in skipped)
    assert "fox" not in "".join(piece.text for piece in found.slices)


def test_without_a_text_the_heard_phones_are_used(recording, listener, tmp_path):
    found = build_dataset(recording, "", "auto", listener, work_dir=tmp_path)
    assert found.report.transcript == "phones" and len(found.slices) >= 2
    names = [name for piece in found.slices for name in piece.phones.phones]
    assert all(piece.text == "" for piece in found.slices) and len(names) > 60 and "UNK" not in names


def test_stopping_leaves_no_finished_set(recording, listener, tmp_path):
    token = CancelToken()
    seen = []

    def stop_when_listening(event):
        seen.append(event.kind)
        if event.kind == "align":
            token.cancel()

    with pytest.raises(CancelledError):
        build_dataset(recording, SCRIPT, "en", listener, work_dir=tmp_path, on_event=stop_when_listening, cancel=token)
    assert not (tmp_path / FILE).exists() and seen[0] == "assess" and "listen" in seen


def test_windows_are_joined_without_a_seam():
    class Echo:
        def phone_logits(self, wave):
            frames = wave.shape[1] // 320
            return wave[:, : frames * 320].reshape(1, frames, 320).mean(-1, keepdim=True).expand(1, frames, 3)

    rng = np.random.default_rng(0)
    long = Audio(rng.uniform(-1, 1, LISTEN_RATE * 47 + 123).astype(np.float32), LISTEN_RATE)
    found = listen(long, Echo())
    padded = np.pad(long.samples, (0, -len(long.samples) % 320)).reshape(-1, 320).mean(1)
    assert found.shape == (len(padded), 3) and np.abs(found[:, 0] - padded).max() < 1e-3


def test_a_damaged_or_absent_set_is_said(tmp_path):
    with pytest.raises(MissingError):
        TrainingSet.load(tmp_path)
    (tmp_path / FILE).write_text(json.dumps({"format": 99}))
    with pytest.raises(InputError, match="damaged"):
        TrainingSet.load(tmp_path)


def test_too_little_speech_is_refused_before_anything_is_written(audio, listener, tmp_path):
    write_wav(tmp_path / "short.wav", concatenate([audio.between(0, 4), silence(8, audio.rate)]))
    with pytest.raises(InputError, match="at least 10"):
        build_dataset(tmp_path / "short.wav", SCRIPT, "en", listener, work_dir=tmp_path / "set")
    assert not (tmp_path / "set").exists()
