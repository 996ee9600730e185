"""Cut a recording into pieces of 2 to 10 seconds at pauses, without losing anything that is speech.

All pauses that the voice activity detector found are candidates, and so is, in speech that nobody paused in, its
quietest moment. The cheapest set of cuts is found by dynamic programming over the candidates: long pauses and ends of
sentences are good places, the middle of a word is a bad one, and pieces of four to five seconds are preferred.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpt_sovits.audio import Audio, frame_levels
from gpt_sovits.dataset.vad import Span

SHORTEST, PREFERRED, LONGEST = 2.0, 4.5, 10.0  # seconds of a piece
MARGIN = 0.15  # seconds of pause that a piece keeps at each end
LONG_PAUSE = 1.5  # a pause that no piece may hold inside
_FRAME = 0.02


@dataclass(frozen=True)
class _Cut:
    """Between ``left`` (where speech ends) and ``right`` (where it goes on), at a price."""

    left: float
    right: float
    cost: float


def slice_speech(
    audio: Audio,
    spans: Sequence[Span],
    *,
    words: Sequence[tuple[float, float]] = (),
    sentence_ends: Sequence[float] = (),
) -> list[Span]:
    """Pieces in order, not overlapping, that hold all ``spans``; empty without speech.

    ``words``: start and end of each word, where an alignment is known: pieces are then not cut inside a word.
    ``sentence_ends``: times at which a sentence ends; a pause near one is the best place.
    """
    if not spans:
        return []
    cuts = _candidates(audio, spans, words, sentence_ends)
    edges = [_Cut(0.0, spans[0].start, 0.0), *cuts, _Cut(spans[-1].end, audio.seconds, 0.0)]
    chosen = _cheapest(edges)
    pieces = []
    for first, last in zip(chosen, chosen[1:], strict=False):
        before, after = edges[first], edges[last]
        start = max(before.right - MARGIN, (before.left + before.right) / 2 if first else 0.0)
        end = min(after.left + MARGIN, (after.left + after.right) / 2 if last + 1 < len(edges) else audio.seconds)
        pieces.append(Span(start, end))
    return pieces


def _cheapest(edges: list[_Cut]) -> list[int]:
    """Numbers of the edges at which to cut, first and last included."""
    best = [0.0] + [math.inf] * (len(edges) - 1)
    source = [0] * len(edges)
    for end in range(1, len(edges)):
        for start in range(end - 1, -1, -1):
            seconds = edges[end].left - edges[start].right
            if start < end - 1:
                inner = edges[start + 1]
                if seconds > LONGEST or inner.right - inner.left > LONG_PAUSE:
                    break  # starting even earlier would hold the same pause or be longer still
            cost = best[start] + edges[end].cost + _length_cost(seconds)
            if cost < best[end]:
                best[end], source[end] = cost, start
    chosen = [len(edges) - 1]
    while chosen[-1]:
        chosen.append(source[chosen[-1]])
    return chosen[::-1]


def _length_cost(seconds: float) -> float:
    short = 6.0 * max(0.0, SHORTEST - seconds)
    return short + (seconds - PREFERRED) ** 2 / 6.0 if seconds <= LONGEST else 50.0 + seconds


def _candidates(
    audio: Audio, spans: Sequence[Span], words: Sequence[tuple[float, float]], sentence_ends: Sequence[float]
) -> list[_Cut]:
    pauses = [(a.end, b.start) for a, b in zip(spans, spans[1:], strict=False)]
    starts = np.array([word[0] for word in words])
    stops = np.array([word[1] for word in words])
    ends = np.asarray(sentence_ends, np.float64)
    cuts = []
    for left, right in pauses:
        pause, middle = right - left, (left + right) / 2
        cost = 1.0 / (pause + 0.1)
        if pause < 0.3 and ((starts + 0.05 < middle) & (middle < stops - 0.05)).any():
            cost += 8.0  # the silence before a plosive, not a pause
        if len(ends) and np.abs(ends - middle).min() < pause / 2 + 0.15:
            cost -= 1.5
        cuts.append(_Cut(left, right, max(cost, 0.05)))
    for span in spans:
        if span.seconds > LONGEST * 0.6:
            cuts += _quiet_moments(audio, span, starts, stops)
    return sorted(cuts, key=lambda cut: cut.left)


def _quiet_moments(audio: Audio, span: Span, starts: np.ndarray, stops: np.ndarray) -> list[_Cut]:
    """Within speech without a pause: the quietest moment of every second, between two words if that is known."""
    levels = frame_levels(audio.between(span.start, span.end), frame=_FRAME)
    smooth = np.convolve(levels, np.ones(5) / 5, mode="same")
    times = span.start + (np.arange(len(smooth)) + 0.5) * _FRAME
    if len(starts):
        inside = np.array([((starts + 0.03 < t) & (t < stops - 0.03)).any() for t in times])
        smooth = smooth + 40.0 * inside
    size = round(1.0 / _FRAME)
    cuts = []
    for first in range(size, len(smooth) - size, size):
        at = first + int(np.argmin(smooth[first : first + size]))
        if at + size // 2 < len(smooth):
            cuts.append(_Cut(float(times[at]), float(times[at]), 12.0))
    return cuts
