"""Does a piece of speech say its text? Evidence for every word of it, and for words between that are not in it.

Each word is put to the test: by how much does the best path that reads it beat the best one that hears anything else
in its place? And each gap between two words: by how much does anything beat silence there? Both are Viterbi margins,
computed for all words at once from a forward and a backward pass over the piece (as in word posteriors by lattice,
Wessel et al. 2001). They are in nats and depend on the encoder, so what counts as wrong is a ``Thresholds`` value that
travels with a base (``alignment`` in its config.json; ``python -m gpt_sovits.lab.evaluation.transcripts`` measures it).

Letters in shapes: T frames (20 ms), V phones of the table (class V is the CTC blank), S states, W words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from gpt_sovits.errors import InputError

_PRIOR = 0.8  # how much of the encoder's preference for common phones is taken out
_RARE = 1e-3  # floor of a phone's share
_FLOOR = -20.0  # no frame costs a phone more
_SISTER = -1.0  # a phone said in another tone or stress
_ANYTHING = -2.0  # per frame of sound that is none of the words
_LOW = np.float32(-1e30)
_SHORT_WORD = 3  # phones; shorter words are heard too badly to be called wrong


@dataclass(frozen=True)
class Thresholds:
    """Where wrong begins, in nats per phone (``gap``: nats): what falls below (``gap``: rises above) is doubted.

    ``confident``: mean of a piece's words; ``fitting``: ``joint_fit`` of a whole recording; ``word``: one word;
    ``gap``: something between two words that the text does not have.
    """

    confident: float = 2.5
    fitting: float = 2.5
    word: float = -0.6
    gap: float = 12.0

    @staticmethod
    def of(config: Mapping[str, Any]) -> Thresholds:
        """Those of a base's config; where it has none, the defaults. Raises ``InputError``."""
        values = config.get("alignment", {})
        known = {field.name for field in fields(Thresholds)}
        numbers = isinstance(values, Mapping) and all(isinstance(v, int | float) for v in values.values())
        if not numbers or set(values) - known:
            raise InputError("The model's alignment settings are damaged.", "Measure them again or remove them.")
        return Thresholds(**{key: float(value) for key, value in values.items()})

    def to_dict(self) -> dict[str, float]:
        return asdict(self)

    def confidence(self, fit: float) -> float:
        """``fit`` of a piece on a scale from 0 to 1 that means the same with every encoder; below 0.5 is doubted."""
        return 1.0 / (1.0 + math.exp(min(50.0, self.confident - fit)))


@dataclass(frozen=True)
class Proof:
    """``words`` [W]: margin of each word per phone; ``gaps`` [W + 1]: evidence for something before, between, after."""

    words: tuple[float, ...]
    gaps: tuple[float, ...]
    phones: tuple[int, ...]  # how many each word has

    @property
    def fit(self) -> float:
        """Mean margin over the phones of the piece; very low without any."""
        total = sum(self.phones)
        return sum(m * n for m, n in zip(self.words, self.phones, strict=True)) / total if total else -1e3

    def wrong_words(self, thresholds: Thresholds) -> list[int]:
        """Numbers of the words that were probably not said."""
        pairs = enumerate(zip(self.words, self.phones, strict=True))
        return [k for k, (margin, count) in pairs if count >= _SHORT_WORD and margin < thresholds.word]

    def extra_gaps(self, thresholds: Thresholds) -> list[int]:
        """Numbers of the gaps in which something was probably said; gap k is before word k."""
        return [k for k, evidence in enumerate(self.gaps) if evidence > thresholds.gap]


def joint_fit(pieces: Sequence[tuple[float, int]]) -> float:
    """Median of (fit, phones) of pieces, each counted by its phones: one wrong sentence does not spoil a recording."""
    ordered = sorted(pieces)
    half, passed = sum(phones for _, phones in ordered) / 2, 0
    for fit, phones in ordered:
        passed += phones
        if passed >= half:
            return fit
    return -1e3


def shares(log_probs: np.ndarray) -> np.ndarray:
    """How much of a recording each class seems to fill [V + 1], from its posteriors [T, V + 1]."""
    return np.exp(log_probs.astype(np.float32)).mean(axis=0)


def unbiased(log_probs: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Posteriors [T, V + 1] without the encoder's preference for what is common in the recording (its ``shares``).

    A hybrid's division by the priors (Bourlard and Morgan 1994), the priors taken from the recording itself, so a
    speaker whose every vowel sounds like "ah" to the encoder is understood better.
    """
    if not len(log_probs):
        return log_probs
    scores = log_probs.astype(np.float32)
    scores -= np.float32(_PRIOR) * np.log(share + _RARE)
    top = scores.max(axis=1, keepdims=True)
    scores -= top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    return scores


def prove(
    log_probs: np.ndarray, words: Sequence[Sequence[int]], sisters: Mapping[int, Sequence[int]] | None = None
) -> Proof:
    """Test ``words`` (phone ids of each) against the ``unbiased`` posteriors [T, V + 1] of one piece of speech."""
    counts = tuple(len(word) for word in words)
    phones = [phone for word in words for phone in word]
    if not phones or 2 * len(log_probs) < len(phones):
        return Proof((-1e3,) * len(words), (0.0,) * (len(words) + 1), counts)
    scores, anything = _scores(log_probs.astype(np.float32), phones, sisters or {})
    blank = scores[:, 0].copy()
    gaps = 2 * np.cumsum([0, *counts])
    scores[:, gaps] = anything[:, None]  # between words anything may sound
    jumps = np.zeros(scores.shape[1], bool)
    jumps[3::2] = np.array(phones[1:]) != np.array(phones[:-1])
    forward, backward = _passes(scores, jumps)
    best = float(forward[-1, -2:].max())
    without = (forward[:, gaps[:-1]] + backward[:, gaps[1:]]).max(axis=0)  # from the gap before a word to the next
    margins = best - np.maximum(without, _LOW)
    silent = _silent_gaps(scores, blank, forward, backward, gaps, jumps)
    per_phone = [float(m) / n if n else 0.0 for m, n in zip(margins, counts, strict=True)]
    return Proof(tuple(per_phone), tuple(float(e) for e in np.maximum(best - silent, 0.0)), counts)


def _silent_gaps(
    scores: np.ndarray,
    blank: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    gaps: np.ndarray,
    jumps: np.ndarray,
) -> np.ndarray:
    """Score of the best path on which nothing sounds in a gap, for each gap [W + 1]; the other gaps stay free."""
    frames, states = scores.shape
    before = np.full((frames + 1, len(gaps)), _LOW, np.float32)  # last phone before the gap ends at frame t - 1
    before[1:, gaps > 0] = forward[:, gaps[gaps > 0] - 1]
    before[0, gaps == 0] = 0.0
    after = np.full((frames + 1, len(gaps)), _LOW, np.float32)  # first phone after the gap begins at frame t
    inner = gaps < states - 1
    after[:-1, inner] = scores[:, gaps[inner] + 1] + backward[:, gaps[inner] + 1]
    after[-1, ~inner] = 0.0
    joined = jumps[np.minimum(gaps + 1, states - 1)] | (gaps == 0) | ~inner
    best = np.where(joined, (before + after).max(axis=0), _LOW)
    held = np.full(len(gaps), _LOW, np.float32)
    for t in range(frames):
        held = np.maximum(held, before[t]) + blank[t]
        best = np.maximum(best, held + after[t + 1])
    return best


def _scores(
    log_probs: np.ndarray, phones: Sequence[int], sisters: Mapping[int, Sequence[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Score of each state [T, 2 P + 1] and of any sound at all [T], both against the likeliest class of the frame."""
    loudest = log_probs.max(axis=1)
    blank = np.maximum(log_probs[:, -1] - loudest, _FLOOR)
    columns: dict[int, np.ndarray] = {}
    for phone in set(phones):
        others = [s for s in sisters.get(phone, ()) if s != phone]
        column = log_probs[:, phone]
        if others:
            column = np.maximum(column, log_probs[:, others].max(axis=1) + _SISTER)
        columns[phone] = np.maximum(column - loudest, _FLOOR)
    scores = np.repeat(blank[:, None], 2 * len(phones) + 1, axis=1)
    scores[:, 1::2] = np.stack([columns[phone] for phone in phones], axis=1)
    return scores, np.maximum(blank, _ANYTHING)


def _passes(scores: np.ndarray, jumps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best score of a path up to and with frame t in state s, and of the rest after it, both [T, S]."""
    forward = np.full_like(scores, _LOW)
    forward[0, :2] = scores[0, :2]
    for t in range(1, len(scores)):
        last, now = forward[t - 1], forward[t]
        np.copyto(now, last)
        np.maximum(now[1:], last[:-1], out=now[1:])
        np.maximum(now[2:], np.where(jumps[2:], last[:-2], _LOW), out=now[2:])
        now += scores[t]
    backward = np.full_like(scores, _LOW)
    backward[-1, -2:] = 0.0
    for t in range(len(scores) - 2, -1, -1):
        after, now = backward[t + 1] + scores[t + 1], backward[t]
        np.copyto(now, after)
        np.maximum(now[:-1], after[1:], out=now[:-1])
        np.maximum(now[:-2], np.where(jumps[2:], after[2:], _LOW), out=now[:-2])
    return forward, backward
