"""What rooms, streets and telephones do to the speech that the ear learns from."""

from __future__ import annotations

import numpy as np

from gpt_sovits.lab.ear import echoing, narrow, noisy, spoiled

BURST = 40


def speech() -> np.ndarray:
    """Log-mel `[120, 80]`: silence, ten loud frames, silence."""
    mel = np.full((120, 80), -9.0, np.float32)
    mel[BURST : BURST + 10] = 0.0
    return mel


def test_an_echo_sounds_on_after_the_speech_and_never_before_it() -> None:
    heard = echoing(speech(), np.random.default_rng(0))
    assert np.allclose(heard[:BURST], -9.0, atol=0.5)
    after = heard[BURST + 10 :].mean(1)
    assert after[0] > -5.0 and (np.diff(after) <= 0.01).all()


def test_noise_lies_under_the_speech_and_over_the_silence() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        heard = noisy(speech(), rng)
        assert heard[BURST : BURST + 10].mean() > heard[:BURST].mean() > -9.0
        assert (heard >= speech() - 1e-3).all()


def test_a_telephone_takes_the_highest_bands() -> None:
    heard = narrow(speech(), np.random.default_rng(2))
    assert heard[BURST : BURST + 10, 62:].max() < -8.0 and heard[BURST + 5, 40] == 0.0


def test_what_is_spoiled_keeps_its_places() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        mel, side, near = spoiled(speech(), np.zeros((120, 3), np.float32), rng)
        assert len(mel) == len(side) == len(near) and np.isfinite(mel).all() and near.max() <= 119
