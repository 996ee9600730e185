"""The judges' own packages, on real speech. They are development extras: an absent one skips and says how to get it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import Audio, read_audio
from gpt_sovits.errors import ResourceError
from gpt_sovits.lab.evaluation.naturalness import dnsmos_rater
from gpt_sovits.lab.evaluation.optional import judge_package
from gpt_sovits.lab.evaluation.similarity import resemblyzer_embedder
from gpt_sovits.lab.evaluation.whisper import VARIABLE, Whisper, find_model

DATA = Path(__file__).resolve().parent.parent / "data"


@pytest.fixture(scope="module")
def minute() -> Audio:
    return read_audio(DATA / "one_minute.opus")


def need(package: str) -> None:
    try:
        judge_package(package)
    except ResourceError as error:
        pytest.skip(str(error))


def test_resemblyzer_tells_speakers_apart(minute: Audio) -> None:
    need("resemblyzer")
    embed = resemblyzer_embedder()
    first, second = embed(minute.between(0, 10)), embed(minute.between(20, 30))
    other = embed(read_audio(DATA / "short_clip.opus"))
    assert first @ second > 0.85
    assert first @ second > first @ other + 0.15


def test_dnsmos_prefers_clean_speech(minute: Audio) -> None:
    need("speechmos.dnsmos")
    rate = dnsmos_rater()
    clean = minute.between(0, 4)
    noise = np.random.default_rng(0).normal(0.0, 0.05, len(clean.samples)).astype(np.float32)
    noisy = Audio(clean.samples + noise, clean.rate)
    assert 1.0 < rate(noisy).overall < rate(clean).overall < 5.0


def test_whisper_hears_words_in_a_recording(minute: Audio) -> None:
    need("faster_whisper")
    try:
        judge = Whisper()
    except ResourceError as error:
        pytest.skip(str(error))
    text = (DATA / "short_clip.txt").read_text(encoding="utf-8")
    heard = judge.judge(read_audio(DATA / "short_clip.opus"), text, "en")
    assert heard.words.rate is not None and heard.words.rate < 0.35, heard.text
    other = judge.judge(minute.between(0, 3), text, "en")
    assert other.words.rate is not None and other.words.rate > 0.7


def test_a_missing_judge_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(ResourceError, match="pip install -r requirements.txt"):
        Whisper(Path("anywhere"))


def test_a_missing_model_says_where_it_belongs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(ResourceError, match=f"faster-whisper-base into models/whisper-base, or name .* {VARIABLE}"):
        find_model()
