"""Cleaning lowers what disturbs and leaves the voice alone; good recordings are not touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import Audio, level, read_audio, resample
from gpt_sovits.dataset.assess import assess
from gpt_sovits.dataset.clean import clean, reduce_noise, remove_hum
from gpt_sovits.dataset.vad import Span, speech_spans

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def speech() -> Audio:
    return resample(read_audio(DATA / "one_minute.opus").between(0, 20), 24000)


def with_noise(audio: Audio, snr: float) -> tuple[Audio, np.ndarray]:
    noise = np.random.default_rng(0).normal(0, 10 ** ((level(audio) - snr) / 20), len(audio.samples))
    return Audio((audio.samples + noise).astype(np.float32), audio.rate), noise


def distortion(clean_samples: np.ndarray, samples: np.ndarray) -> float:
    """Signal to distortion in dB, gain left out."""
    gain = np.dot(clean_samples, samples) / np.dot(clean_samples, clean_samples)
    rest = samples - gain * clean_samples
    return float(10 * np.log10(np.dot(gain * clean_samples, gain * clean_samples) / np.dot(rest, rest)))


def test_good_recordings_are_left_alone(speech):
    found = clean(speech, assess(speech))
    assert found.audio is speech and found.steps == ()


def test_noise_is_lowered_and_the_voice_kept(speech):
    noisy, _ = with_noise(speech, 15)
    found = clean(noisy, assess(noisy))
    assert found.steps == ("noise",) and len(found.audio.samples) == len(noisy.samples)
    assert distortion(speech.samples, found.audio.samples) > distortion(speech.samples, noisy.samples) + 3
    assert assess(found.audio).snr > assess(noisy).snr + 7
    assert abs(level(found.audio) - level(speech)) < 1.5


def test_lowered_noise_does_not_chirp(speech):
    """Musical noise is single bins that stick out for a moment: what is left must be as even as noise is."""
    noisy, _ = with_noise(speech, 15)
    spans = speech_spans(speech)
    cleaned = reduce_noise(noisy, spans)
    quiet = np.ones(len(speech.samples), bool)
    for span in spans:
        quiet[round((span.start - 0.1) * 24000) : round((span.end + 0.1) * 24000)] = False

    def peakiness(samples: np.ndarray) -> float:
        frames = samples[quiet][: quiet.sum() // 512 * 512].reshape(-1, 512) * np.hanning(512)
        power = np.square(np.abs(np.fft.rfft(frames, axis=1)))[:, 4:-4]
        return float(np.percentile(power, 99.9) / np.median(power))

    assert peakiness(cleaned.samples) < 3 * peakiness(noisy.samples)


def test_hum_is_subtracted(speech):
    time = np.arange(len(speech.samples)) / speech.rate
    mains = sum(0.02 / k * np.sin(2 * np.pi * 50.06 * k * time + k) for k in (1, 2, 3))
    humming = Audio((speech.samples + mains).astype(np.float32), speech.rate)
    assert assess(humming).hum == 50.0
    found = clean(humming, assess(humming))
    assert "hum" in found.steps and assess(found.audio).hum == 0.0
    left = remove_hum(humming, 50.0).samples - speech.samples
    inner = slice(speech.rate, -speech.rate)
    assert np.square(left[inner]).sum() < 0.03 * np.square(mains[inner]).sum()


def test_without_pauses_nothing_is_guessed(speech):
    assert reduce_noise(speech, [Span(0.0, speech.seconds)]) is speech
    tiny = Audio(np.zeros(100, np.float32), 24000)
    assert remove_hum(tiny, 50.0) is tiny
