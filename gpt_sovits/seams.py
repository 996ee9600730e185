"""How pieces of speech join: what is silence at their ends goes, nothing of the sound does, and a pause follows.

Pauses follow the text: short where a sentence goes on, longer after it, longer still between paragraphs and after a
heading. All are multiples of the pause after a sentence, which the person chooses.

Letters: L samples.
"""

from __future__ import annotations

import re

import numpy as np

from gpt_sovits.audio import Audio, frame_levels
from gpt_sovits.loudness import even

SENTENCE, PARAGRAPH, HEADING, TRAILING, LINE = 1.0, 2.0, 2.5, 1.3, 1.0
COLON, DASH, COMMA, BREATH = 0.8, 0.6, 0.5, 0.35
_CLOSERS = "”’」』》〉）)】]\"'*_ "
_MARKS = (  # what a piece ends with, and the pause after it
    (re.compile(r"(?:…|\.\.\.|～|~)$"), TRAILING),
    (re.compile(r"[。．.!?！？]$"), SENTENCE),
    (re.compile(r"[;；:：]$"), COLON),
    (re.compile(r"[—–-]$"), DASH),
    (re.compile(r"[,，、]$"), COMMA),
)
_FRAME = 0.01  # seconds
_BELOW = 38.0  # dB under the loud frames at which sound has died away ...
_ABOVE_FLOOR = 6.0  # ... or this much above what is heard where nothing is said
_BEFORE, _AFTER = 0.03, 0.06  # seconds that are kept around the sound, in which it fades


def pause_after(text: str, start: int, end: int, following: int | None, usual: float) -> float:
    """Seconds of silence after ``text[start:end]``, before the piece that begins at ``following`` (None: the last)."""
    if following is None:
        return 0.0
    said = text[start:end].rstrip(_CLOSERS)
    mark = next((share for pattern, share in _MARKS if pattern.search(said)), None)
    between = text[end:following]
    if re.search(r"\n[^\S\n]*\n", between):
        return usual * (HEADING if mark is None else max(PARAGRAPH, mark))
    if mark is None:
        return usual * (LINE if "\n" in between else BREATH)
    return usual * mark


def stops_for_breath(text: str, start: int, end: int, following: int) -> bool:
    """Whether the piece ends inside a sentence, at no mark and no line's end."""
    said = text[start:end].rstrip(_CLOSERS)
    return "\n" not in text[end:following] and not any(pattern.search(said) for pattern, _ in _MARKS)


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
    threshold = max(loud - _BELOW, min(floor + _ABOVE_FLOOR, loud - _BELOW / 2))
    sounding = np.flatnonzero(levels > threshold)
    size = round(_FRAME * rate)
    before, after = round(_BEFORE * rate), round(_AFTER * rate)
    first, last = int(sounding[0]) * size, (int(sounding[-1]) + 1) * size
    begin, end = max(0, first - before), min(len(wave), last + after)
    wave = wave[begin:end].copy()
    for length, reverse in ((first - begin, False), (end - last, True)):
        if length > 1:
            ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)
            if reverse:
                wave[-length:] *= ramp[::-1]
            else:
                wave[:length] *= ramp
    return wave
