"""The pitch tracker hears the right note, and silence and noise as unvoiced."""

import numpy as np
import pytest

from gpt_sovits.features.pitch import track_pitch, track_pitch_batch


def harmonics(hertz: np.ndarray | float, seconds: float = 1.0) -> np.ndarray:
    count = int(16000 * seconds)
    phase = np.cumsum(np.broadcast_to(hertz, count) / 16000) * 2 * np.pi
    return (sum(np.sin(k * phase) / k for k in range(1, 12)) * 0.1).astype(np.float32)


@pytest.mark.parametrize("hertz", [80.0, 131.5, 220.0, 310.0, 440.0])
def test_steady_tone(hertz: float) -> None:
    pitch = track_pitch(harmonics(hertz))
    assert len(pitch) == 50
    middle = pitch[5:-5]
    assert (middle > 0).all()
    assert np.abs(middle / hertz - 1).max() < 0.01


def test_glide_is_followed() -> None:
    target = np.linspace(120, 240, 32000)
    pitch = track_pitch(harmonics(target, 2.0))[5:-5]
    expected = target[np.arange(5, 95) * 320 + 160]
    assert np.abs(pitch / expected - 1).max() < 0.03


def test_noise_and_silence_are_unvoiced() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 16000).astype(np.float32)
    assert (track_pitch(noise) > 0).mean() < 0.1
    assert not track_pitch(np.zeros(16000, np.float32)).any()


def test_batch_gives_what_single_gives() -> None:
    waves = [harmonics(150.0, 0.5), harmonics(200.0, 1.1), np.zeros(4000, np.float32)]
    for one, many in zip([track_pitch(w) for w in waves], track_pitch_batch(waves), strict=True):
        np.testing.assert_allclose(one, many)
