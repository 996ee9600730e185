"""Which phone sounds in each 50 Hz frame: an alignment's states turned into phones, pauses kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BLANK = 732
LEAST_FRAMES = 2  # of 20 ms, that a phone lasts when speech is aligned; one more in the first alignments


def fill_blanks(path: np.ndarray, loudness: np.ndarray, reach: int = 6) -> np.ndarray:
    """Give blank frames between phones to the nearest phone, unless they are quiet or far from any.

    ``path`` `[T]` phone ids with BLANK, ``loudness`` `[T]` mean log-mel. Used on the spiky paths that CTC leaves.
    """
    frames = np.flatnonzero(path != BLANK)
    if not len(frames):
        return path
    where = np.arange(len(path))
    right = np.searchsorted(frames, where).clip(0, len(frames) - 1)
    left = (right - 1).clip(0)
    nearest = np.where(np.abs(frames[left] - where) <= np.abs(frames[right] - where), frames[left], frames[right])
    threshold = np.percentile(loudness, 5) + 0.25 * (np.percentile(loudness, 95) - np.percentile(loudness, 5))
    take = (path == BLANK) & (np.abs(nearest - where) <= reach) & (loudness > threshold)
    return np.where(take, path[nearest], path)


def phone_per_frame(states: np.ndarray, phones: Sequence[int], loudness: np.ndarray) -> np.ndarray:
    """Phone id or BLANK of every frame `[T]` of an alignment, with ``fill_blanks``."""
    classes = np.full(2 * len(phones) + 1, BLANK, np.int64)
    classes[1::2] = phones
    return fill_blanks(classes[states], loudness)
