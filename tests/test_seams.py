"""Pieces join without a click: silence goes, no sound does, and the pause is exact."""

from __future__ import annotations

import numpy as np

from gpt_sovits.seams import finished, trimmed

RATE = 32000


def sound(seconds: float, decibels: float, hertz: float = 300.0) -> np.ndarray:
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return (0.3 * 10 ** (decibels / 20) * wave).astype(np.float32)


def test_silence_goes_and_soft_ends_stay() -> None:
    rng = np.random.default_rng(0)
    quiet = (1e-4 * rng.standard_normal(RATE // 2)).astype(np.float32)
    hiss = (0.3 * 10 ** (-28 / 20) * rng.standard_normal(RATE // 5)).astype(np.float32)  # a final s
    said = np.concatenate([hiss, sound(0.6, 0.0), hiss])
    kept = trimmed(np.concatenate([quiet, said, quiet]), RATE)
    assert len(said) <= len(kept) <= len(said) + 0.12 * RATE
    energy = float(np.square(said[: len(hiss)]).sum())
    assert float(np.square(kept[: len(hiss) + round(0.04 * RATE)]).sum()) > 0.95 * energy
    assert float(np.square(kept[-len(hiss) - round(0.07 * RATE) :]).sum()) > 0.95 * energy


def test_a_sound_that_begins_at_once_does_not_click() -> None:
    kept = trimmed(sound(0.5, 0.0, 440.0) + 0.2, RATE)
    assert abs(kept[0]) < 0.01 and abs(kept[-1]) < 0.01 and len(kept) >= 0.49 * RATE


def test_the_pause_is_exact_and_nothing_breaks_on_nothing() -> None:
    made = finished(sound(0.7, -30.0), RATE, 0.25, -18.0)
    assert not made.samples[-round(0.25 * RATE) :].any() and made.samples[-round(0.26 * RATE) :].any()
    for empty in (np.zeros(0, np.float32), np.zeros(900, np.float32), np.full(900, np.nan, np.float32)):
        assert np.isfinite(finished(empty, RATE, 0.1, -18.0).samples).all()
