"""Speech comes out equally loud, long or short, whoever speaks; noise and silence stay what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import Audio, read_audio
from gpt_sovits.loudness import CEILING, LOUDNESS, even, loudness, true_peak

RATE = 32000


def tone(hertz: float, seconds: float, gain: float, rate: int = RATE) -> Audio:
    return Audio((gain * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32), rate)


def speech() -> Audio:
    return read_audio(Path(__file__).parent / "data" / "short_clip.opus")


@pytest.mark.parametrize("rate", [24000, 32000, 44100, 48000])
def test_the_tone_of_the_standard_is_as_loud_as_it_says(rate: int) -> None:
    """BS.1770: a sine of 997 Hz at full scale in one channel is -3.01 LUFS."""
    assert loudness(tone(997, 3.0, 1.0, rate)) == pytest.approx(-3.01, abs=0.05)
    assert loudness(tone(997, 3.0, 0.1, rate)) == pytest.approx(-23.01, abs=0.05)


def test_pauses_do_not_count_and_bass_counts_less() -> None:
    loud = tone(997, 3.0, 0.1).samples
    paused = Audio(np.concatenate([loud, np.zeros(6 * RATE, np.float32), loud]), RATE)
    assert loudness(paused) == pytest.approx(-23.0, abs=0.3)
    assert loudness(tone(40, 3.0, 0.1)) < -25.0 < loudness(tone(3000, 3.0, 0.1))


@pytest.mark.parametrize("gain", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("seconds", [0.2, 0.45, 1.3, 8.0])
def test_long_and_short_loud_and_quiet_come_out_alike(gain: float, seconds: float) -> None:
    whole = speech()
    start = float(np.abs(whole.samples).argmax()) / whole.rate
    piece = whole.between(max(0.0, start - seconds / 2), start + seconds / 2)
    made = even(Audio(gain * piece.samples, piece.rate))
    assert loudness(made) == pytest.approx(LOUDNESS, abs=1.0)
    assert true_peak(made) <= CEILING


def test_what_is_no_speech_is_never_raised() -> None:
    rng = np.random.default_rng(0)
    for gain in (1e-4, 3e-3, 0.02):
        hiss = Audio((gain * rng.standard_normal(RATE)).astype(np.float32), RATE)
        assert loudness(even(hiss)) <= loudness(hiss) + 0.1
    assert not even(Audio(np.zeros(RATE, np.float32), RATE)).samples.any()
    broken = even(Audio(np.full(RATE, np.nan, np.float32), RATE))
    assert np.isfinite(broken.samples).all()
