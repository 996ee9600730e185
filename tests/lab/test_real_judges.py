"""The judges' own packages, on real speech. They are development extras: an absent one skips and says how to get it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import Audio, read_audio
from gpt_sovits.errors import ResourceError
from gpt_sovits.features.phone_errors import error_rate
from gpt_sovits.lab.evaluation.intelligibility import pocketsphinx_recognizer, words
from gpt_sovits.lab.evaluation.naturalness import dnsmos_rater
from gpt_sovits.lab.evaluation.optional import judge_package
from gpt_sovits.lab.evaluation.similarity import resemblyzer_embedder

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


def test_pocketsphinx_hears_words(minute: Audio) -> None:
    need("pocketsphinx")
    said = words((DATA / "short_clip.txt").read_text(encoding="utf-8"))
    recognize = pocketsphinx_recognizer()
    assert error_rate(said, recognize(read_audio(DATA / "short_clip.opus"))).rate < 0.8
    assert error_rate(said, recognize(minute.between(0, 3))).rate > 0.8


def test_a_missing_judge_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(ResourceError, match="pip install -r requirements-dev.txt"):
        pocketsphinx_recognizer()
