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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from gpt_sovits.dataset.align import FRAME_SECONDS
from gpt_sovits.errors import InputError

_PRIOR = 0.8  # how much of the encoder's preference for common phones is taken out
_RARE = 1e-3  # floor of a phone's share
_FLOOR = -20.0  # no frame costs a phone more
_SISTER = -1.0  # a phone said in another tone or stress
_ANYTHING = -2.0  # per frame of sound that is none of the words
_LOW = np.float32(-1e30)
_AGAINST, _CLEAR = -2.0, 4.0  # nats per phone; a word beyond them is as wrong or as right as any
_SLOPE = 3.0  # nats per second of evidence that take a confidence from 0.5 to 0.73
_SHORT_WORD = 3  # phones; shorter words are heard too badly to be called wrong


@dataclass(frozen=True)
class Thresholds:
    """Where wrong begins: what falls below (``gap``: rises above) is doubted.

    ``confident``: ``Proof.evidence`` of a piece that is learnt from, nats per second; ``sure``: of a piece that can
    hardly be another text; ``fitting``: share of a recording's speech that lies in sure pieces; ``word``: one word,
    nats per phone; ``gap``: nats for something between two words that the text does not have. ``zh``: what evidence in
    Mandarin is multiplied by, as the ears say less of it.
    """

    confident: float = 9.0
    sure: float = 16.0
    fitting: float = 0.28
    word: float = -0.6
    gap: float = 12.0
    zh: float = 2.0

    def weight(self, languages: Collection[str]) -> float:
        """What evidence in these languages is multiplied by: their mean, where there are several."""
        return sum(self.zh if language == "zh" else 1.0 for language in languages) / max(1, len(languages)) or 1.0

    @staticmethod
    def of(config: Mapping[str, Any]) -> Thresholds:
        """Those of a base's config; where it has none, the defaults. Raises ``InputError``.

        ``measured`` beside them says on whom, and how often they are wrong.
        """
        stored = config.get("alignment", {})
        known = {field.name for field in fields(Thresholds)}
        values = {k: v for k, v in stored.items() if k != "measured"} if isinstance(stored, Mapping) else {"": stored}
        if set(values) - known or not all(isinstance(value, int | float) for value in values.values()):
            raise InputError("The model's alignment settings are damaged.", "Measure them again or remove them.")
        return Thresholds(**{key: float(value) for key, value in values.items()})

    def to_dict(self) -> dict[str, float]:
        return asdict(self)

    def confidence(self, evidence: float) -> float:
        """``evidence`` of a piece on a scale from 0 to 1, the same with every encoder; below 0.5 is doubted."""
        return 1.0 / (1.0 + math.exp(min(50.0, (self.confident - evidence) / _SLOPE)))


@dataclass(frozen=True)
class Proof:
    """``words`` [W]: margin of each word per phone; ``gaps`` [W + 1]: evidence for something before, between, after.

    ``seconds``: of speech in the piece; ``weight``: see ``Thresholds.weight``.
    """

    words: tuple[float, ...]
    gaps: tuple[float, ...]
    phones: tuple[int, ...]  # how many each word has
    seconds: float = 0.0
    weight: float = 1.0

    @property
    def evidence(self) -> float:
        """What speaks for the text, per second of speech: the words' margins, none counting for more than a clear one.

        It parts right from wrong better than a mean over the phones (``fit``): of a wrong text few words find a place,
        and some of those fit well.
        """
        clear = (min(max(m, _AGAINST), _CLEAR) * n for m, n in zip(self.words, self.phones, strict=True))
        return self.weight * sum(clear) / max(self.seconds, 0.3) if self.words else -1e3

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


def fitting_share(proofs: Iterable[Proof], speech: float, thresholds: Thresholds) -> float:
    """Share of ``speech`` seconds that lies in pieces which are sure: 1 for a text that was read from end to end.

    What part of a recording says the text is the question, and neither a wrong sentence in it nor what was said beside
    the text changes what the rest is worth.
    """
    sure = sum(min(proof.seconds, speech) for proof in proofs if proof.evidence >= thresholds.sure)
    return min(1.0, sure / speech) if speech > 0 else 0.0


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


def softened(log_probs: np.ndarray, power: float = 0.5) -> np.ndarray:
    """Posteriors [T, V + 1] raised to ``power``: an encoder is far too sure of what it hears of people it never met.

    Without it the way through a whole recording would rather leave words out than believe in a mistaken phone.
    """
    scores = log_probs * np.float32(power)
    scores -= scores.max(axis=1, keepdims=True, initial=_LOW)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return scores


def prove(
    log_probs: np.ndarray,
    words: Sequence[Sequence[int]],
    sisters: Mapping[int, Sequence[int]] | None = None,
    *,
    speech: float | None = None,
    weight: float = 1.0,
) -> Proof:
    """Test ``words`` (phone ids of each) against the ``unbiased`` posteriors [T, V + 1] of one piece of speech.

    ``speech``: seconds of speech in it, where that is known; else all of it counts.
    """
    seconds = FRAME_SECONDS * len(log_probs) if speech is None else speech
    counts = tuple(len(word) for word in words)
    phones = [phone for word in words for phone in word]
    if not phones or 2 * len(log_probs) < len(phones):
        return Proof((-1e3,) * len(words), (0.0,) * (len(words) + 1), counts, seconds, weight)
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
    return Proof(tuple(per_phone), tuple(float(e) for e in np.maximum(best - silent, 0.0)), counts, seconds, weight)


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
    columns, blank = phone_columns(log_probs, phones, sisters)
    scores = np.repeat(blank[:, None], 2 * len(phones) + 1, axis=1)
    scores[:, 1::2] = np.stack([columns[phone] for phone in phones], axis=1)
    return scores, np.maximum(blank, _ANYTHING)


def phone_columns(
    log_probs: np.ndarray, phones: Sequence[int], sisters: Mapping[int, Sequence[int]]
) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """Score of each phone [T] and of the blank [T], against the likeliest class of the frame."""
    loudest = log_probs.max(axis=1)
    blank = np.maximum(log_probs[:, -1] - loudest, _FLOOR)
    columns: dict[int, np.ndarray] = {}
    for phone in set(phones):
        others = [s for s in sisters.get(phone, ()) if s != phone]
        column = log_probs[:, phone]
        if others:
            column = np.maximum(column, log_probs[:, others].max(axis=1) + _SISTER)
        columns[phone] = np.maximum(column - loudest, _FLOOR)
    return columns, blank


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
