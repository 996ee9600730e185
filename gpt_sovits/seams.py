"""How pieces of speech join: what is silence at their ends goes, nothing of the sound does, and a pause follows.

Letters: L samples.
"""

from __future__ import annotations

import numpy as np

from gpt_sovits.audio import Audio, frame_levels
from gpt_sovits.loudness import even

_FRAME = 0.01  # seconds
_BELOW = 38.0  # dB under the loud frames at which sound has died away ...
_ABOVE_FLOOR, _SOFTEST = 6.0, 30.0  # ... or this much above what is heard where nothing is said, and under the loud
_EDGE = 0.004  # seconds in which a sound that begins or ends at once is faded
_BEFORE, _AFTER = 0.03, 0.06  # seconds that are kept around the sound, in which it fades


def finished(wave: np.ndarray, rate: int, pause: float, level: float | None) -> Audio:
    """Samples `[L]` at an even loudness of ``level`` LUFS (None: as they are), trimmed, faded, and an exact pause."""
    wave = np.nan_to_num(wave.astype(np.float32), posinf=0.0, neginf=0.0)
    if level is None:
        peak = float(np.abs(wave).max(initial=0.0))
        wave = wave / peak if peak > 1.0 else wave
    wave = trimmed(wave, rate)
    if level is not None:
        wave = even(Audio(wave, rate), level).samples
    return Audio(np.concatenate([wave, np.zeros(round(pause * rate), np.float32)]), rate)


def trimmed(wave: np.ndarray, rate: int) -> np.ndarray:
    """Without what is silence before the first and after the last sound; only silence is faded."""
    levels = frame_levels(Audio(wave, rate), frame=_FRAME)
    if not len(levels) or levels.max() <= -90.0:
        return wave
    loud, floor = float(np.percentile(levels, 95)), float(np.percentile(levels, 5))
    threshold = max(loud - _BELOW, min(floor + _ABOVE_FLOOR, loud - _SOFTEST))
    sounding = np.flatnonzero(levels > threshold)
    size = round(_FRAME * rate)
    before, after = round(_BEFORE * rate), round(_AFTER * rate)
    first, last = int(sounding[0]) * size, (int(sounding[-1]) + 1) * size
    begin, end = max(0, first - before), min(len(wave), last + after)
    wave = wave[begin:end].copy()
    edge = min(len(wave) // 2, round(_EDGE * rate))
    for length, part in ((max(first - begin, edge), wave), (max(end - last, edge), wave[::-1])):
        part[:length] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / max(1, length))).astype(np.float32)
    return wave
