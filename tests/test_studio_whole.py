"""The whole path with the real networks at toy size: a recording becomes a voice that speaks, is mixed and kept.

Only the alignment of words and sound is replaced: a base of random weights cannot hear.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import read_audio, resample, silence, write_wav
from gpt_sovits.dataset.training_set import Slice, TrainingSet
from gpt_sovits.encoding import write_audio
from gpt_sovits.errors import InputError, MissingError, RefusedError
from gpt_sovits.jobs.run import Parts, real_parts
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.text import phonemize
from gpt_sovits.voices.consent import Consent

from .random_base import write_random_base

DATA = Path(__file__).parent / "data"


def cut_evenly(recording, script, language, encoder, *, version, work_dir, anyway, on_event, cancel) -> TrainingSet:
    audio = resample(read_audio(recording), 32000)
    words = script.split()
    pieces = []
    for index in range(8):
        path = work_dir / f"{index}.wav"
        write_wav(path, audio.between(index * 5, index * 5 + 5))
        text = " ".join(words[index * 12 : index * 12 + 12])
        pieces.append(
            Slice(path, text, "en", phonemize(text, "en", version), index * 5.0, index * 5.0 + 5, 0.9, index == 7)
        )
    return TrainingSet(tuple(pieces), 40.0, report=None)  # type: ignore[arg-type]  # nobody reads it here


def parts(settings: Settings) -> Parts:
    return replace(real_parts(settings), build_dataset=cut_evenly)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    write_random_base(tmp_path / "models" / "mini")
    return Studio(Settings(tmp_path / "data", threads=1, bundled_models=tmp_path / "models"), parts=parts)


def test_from_a_recording_to_speech_and_a_mix(studio: Studio) -> None:
    consent = Consent(who="Reader", purpose="a test", statement="I agree.")
    script = (DATA / "one_minute.txt").read_text(encoding="utf-8")
    voice_id = studio.jobs.run(
        TrainingRequest("Reader", DATA / "one_minute.opus", script=script, language="en", consent=consent, max_steps=3)
    )
    voice = studio.voices.load(voice_id)
    assert {key.split(".")[0] for key in voice.delta} == {"acoustic", "semantic"}
    assert voice.made_by["steps"] == 6 and voice.made_by["plan"]["acoustic_steps"] == 3
    assert studio.voices.sample(voice_id).startswith(b"RIFF") and studio.voices.verify() == []
    kept = [path.name for path in studio.settings.jobs_dir.glob("j*/**/*") if path.is_file()]
    assert sorted(kept) == ["25.wav", "50.wav", "75.wav"], "of a finished job only its samples stay"
    proof = voice.made_by["proof"]
    assert proof["seconds"] > 0.3 and -1 <= proof["similarity"] <= 1 and proof["phone_error"] >= 0

    def said(who, seed: int = 1) -> np.ndarray:
        return np.concatenate(
            [piece.audio.samples for piece in studio.speech.speak("Hello there, friend.", who, seed=seed)]
        )

    first = said(voice_id)
    assert np.array_equal(first, said(voice_id)) and np.abs(first).max() > 0
    clip = studio.speech.reference_voice(
        DATA / "short_clip.opus", (DATA / "short_clip.txt").read_text(encoding="utf-8")
    )
    assert not np.array_equal(first, said(clip))
    assert np.array_equal(first, said(studio.voices.mix(voice_id, clip, 0.0)))
    assert np.array_equal(said(clip), said(studio.voices.mix(voice_id, clip, 1.0)))
    with pytest.raises(RefusedError):
        studio.voices.save(studio.voices.mix(voice_id, clip, 0.5), "without consent")
    assert len(said(studio.voices.save(studio.voices.mix(voice_id, voice_id, 0.3), "kept")))


def test_bad_recordings_are_refused_at_the_door(studio: Studio, tmp_path: Path) -> None:
    consent = Consent(who="Reader", purpose="a test", statement="I agree.")
    minute = read_audio(DATA / "one_minute.opus")
    empty, text, short = tmp_path / "empty.wav", tmp_path / "text.wav", tmp_path / "short.wav"
    quiet, endless = tmp_path / "quiet.wav", tmp_path / "endless.flac"
    empty.write_bytes(b"")
    text.write_text("this is not sound")
    write_wav(short, minute.between(3, 5))
    write_wav(quiet, silence(60, 16000))
    write_audio(endless, silence(3 * 3600, 8000))
    for path, sentence in (
        (empty, "is empty"),
        (text, "not a sound file"),
        (short, "only 2 seconds of speech"),
        (quiet, "is silent"),
        (endless, "180 minutes long"),
    ):
        with pytest.raises(InputError, match=sentence):
            studio.jobs.create(TrainingRequest("Bad", path, script="hello", consent=consent))
    assert [path for path in studio.settings.data_dir.rglob("*") if path.is_file()] == []
    assert studio.jobs.list() == [] and studio.voices.list() == []


def test_texts_that_cannot_be_spoken_and_very_long_ones(studio: Studio) -> None:
    clip = studio.speech.reference_voice(DATA / "short_clip.opus")
    for text in ("", "   ", "...!?", "\x00"):
        with pytest.raises(InputError, match="nothing to speak"):
            studio.speech.speak(text, clip)
    with pytest.raises(MissingError):
        studio.speech.speak("Hello.", "v" + "0" * 20)
    text = ((DATA / "one_minute.txt").read_text(encoding="utf-8").strip() + " ") * 40
    pieces = list(itertools.islice(studio.speech.speak(text[:20_000], clip, seed=0), 12))
    assert [text[piece.start : piece.end] for piece in pieces] == [piece.text for piece in pieces]
    assert all(before.end <= after.start for before, after in itertools.pairwise(pieces))
