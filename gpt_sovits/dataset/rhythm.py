"""What is not told speech: something that beats in time, notes that are held, the same words over and over.

Letters in shapes: F frames, V phones of the table (class V is the CTC blank).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gpt_sovits.audio import Audio, resample
from gpt_sovits.dataset.vad import Span
from gpt_sovits.features.phone_decoding import decode_phones
from gpt_sovits.features.phone_errors import edit_distance

RATE = 16_000
_STEP = 0.01  # seconds between two looks at the sound
_LOW, _HIGH = 1500.0, 7000.0  # Hz; clicks are sharp
_SLOWEST, _FASTEST = 0.6, 4.2  # beats a second
_HARMONICS = 6
_LONGEST = 150.0  # seconds that are looked at
_STILL = 35.0  # cents that a held note may move
_HELD = 0.24  # seconds that make a note; in speech the pitch moves on
_SAME = 0.5  # share of the phones that may differ in words that are said again
_FEWEST = 6  # phones that can be told from others
_MOST = 60  # pieces that are compared


def beat(audio: Audio) -> float:
    """How much more of the sound's attacks keeps one strict time than chance would have: 1 is chance.

    The spectrum of the attacks' strength is a comb where something ticks: thin lines at the beat and its multiples.
    People have a rhythm, but no line that thin.
    """
    sound = resample(audio, RATE).samples[: round(_LONGEST * RATE)]
    size = round(_STEP * RATE)
    count = len(sound) // size
    if count * _STEP < 10.0:
        return 1.0
    power = np.square(np.abs(np.fft.rfft(sound[: count * size].reshape(count, size) * np.hanning(size), axis=1)))
    bins = np.fft.rfftfreq(size, 1 / RATE)
    loud = np.log(power[:, (bins > _LOW) & (bins < _HIGH)].sum(axis=1) + 1e-6)
    attacks = np.maximum(np.diff(loud), 0.0)
    attacks -= attacks.mean()
    lines = np.square(np.abs(np.fft.rfft(attacks * np.hanning(len(attacks)), 4 * len(attacks))))
    hertz = np.fft.rfftfreq(4 * len(attacks), _STEP)
    around = round(1.0 / hertz[1])  # as strong as what lies within half a hertz on each side
    mean = np.convolve(lines, np.ones(around) / around, mode="same")
    lines = lines / np.maximum(mean, 1e-12)
    beats = np.arange(np.searchsorted(hertz, _SLOWEST), np.searchsorted(hertz, _FASTEST))
    combs = sum(lines[beats * harmonic] for harmonic in range(1, _HARMONICS + 1)) / _HARMONICS
    return float(np.max(combs, initial=1.0))


def held_notes(pitch: np.ndarray, step: float) -> float:
    """Share of the voiced frames, pitch in Hz [F] every ``step`` seconds, that lie in a note which is held."""
    size = round(_HELD / step)
    if len(pitch) < size or not (pitch > 0).any():
        return 0.0
    cents = np.where(pitch > 0, 1200.0 * np.log2(np.maximum(pitch, 1.0)), np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(cents, size)
    still = windows.max(axis=1) - windows.min(axis=1) < 2 * _STILL  # of a pause not a number, which is never less
    inside = np.convolve(still, np.ones(size), mode="full") > 0
    return float(inside.sum() / (pitch > 0).sum())


def said_again(log_probs: np.ndarray, pieces: Sequence[Span], step: float) -> float:
    """Share of the speech in ``pieces`` that says what an earlier piece said, from posteriors [F, V + 1]."""
    heard: list[list[int]] = []
    again = total = 0.0
    for piece in pieces[:_MOST]:
        sound = log_probs[round(piece.start / step) : round(piece.end / step)]
        phones = list(decode_phones(sound.astype(np.float32), log_probs.shape[1] - 1)) if len(sound) else []
        if len(phones) < _FEWEST:
            continue
        total += piece.seconds
        if any(edit_distance(phones, before) <= _SAME * max(len(phones), len(before)) for before in heard):
            again += piece.seconds
        else:
            heard.append(phones)
    return again / total if total else 0.0
