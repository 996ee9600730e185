"""Which word was spoken when: forced alignment of a known text with the phone posteriors of a recording.

The best path through CTC posteriors (Graves et al. 2006), found by Viterbi with three liberties, because people do not
read exactly what is written:

* between two words anything may sound at a price per frame, so coughs, repeats and unread remarks find a place;
* words may be left out at a price per phone, so skipped sentences and a half-read script are found;
* a phone also accepts its sisters of another tone or stress at a small price.

Only a band of states around the best one is kept per frame, so that half an hour against a long text stays within
some 300 MB. Nothing here knows about sound or networks: posteriors in, times out.

Letters in shapes: T frames (20 ms), V phones of the table (class V is the CTC blank), S states, U distinct phones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gpt_sovits.events import CancelToken

FRAME_SECONDS = 0.02
_FLOOR = -10.0  # no frame costs a phone more: one misread phone must not cost a sentence
_SISTER = -1.0  # a phone said in another tone or stress
_FOREIGN = -2.5  # per frame of something that is not in the text
_SKIP_PHONE = -2.0  # per phone of words left out ...
_SKIP = -8.0  # ... and for each such place
_UNREAD = -30.0  # at most this for all that was not read before the first or after the last word
_LOW = np.float32(-1e30)
_RECENTRE = 25  # frames between two moves of the band


@dataclass(frozen=True)
class WordTime:
    """When word ``index`` was spoken (seconds). ``confidence`` 0 to 1; a skipped word has none and no length.

    ``phones``: start and end of each of its phones.
    """

    index: int
    start: float
    end: float
    confidence: float
    phones: tuple[tuple[float, float], ...] = ()

    @property
    def skipped(self) -> bool:
        return not self.phones


@dataclass(frozen=True)
class Alignment:
    """``words`` in order, one per given word; ``foreign``: seconds (start, end) of speech that is not in the text."""

    words: tuple[WordTime, ...]
    foreign: tuple[tuple[float, float], ...]

    @property
    def confidence(self) -> float:
        """Of the words that were spoken, see ``joint_confidence``."""
        return joint_confidence([word for word in self.words if not word.skipped])


def joint_confidence(words: Sequence[WordTime]) -> float:
    """Geometric mean over all phones of the words, 0 without any.

    It tells right text from wrong better than the plain mean does (ten words at a time, embedded encoder, 12 unknown
    speakers: area under the curve 0.977 against 0.965), because one word that cannot have been said weighs more.
    """
    weights = [len(word.phones) for word in words]
    if not sum(weights):
        return 0.0
    return float(np.exp(np.average([np.log(word.confidence + 1e-5) for word in words], weights=weights)))


def sister_groups(names: Sequence[str]) -> dict[int, tuple[int, ...]]:
    """id -> ids of the phones that differ from it in the tone or stress digit alone, itself included."""
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        groups.setdefault(re.sub(r"\d$", "", name), []).append(index)
    return {index: tuple(group) for group in groups.values() for index in group}


def align(
    log_probs: np.ndarray,
    words: Sequence[Sequence[int]],
    *,
    sisters: Mapping[int, Sequence[int]] | None = None,
    band: int = 2400,
    cancel: CancelToken | None = None,
) -> Alignment:
    """Align ``words`` (phone ids of each, at least one phone in all) with ``log_probs`` [T, V + 1] of a recording.

    ``band`` is the number of states kept per frame; 2400 states are about 1200 phones, a hundred seconds of speech.
    """
    lattice = _Lattice.of(log_probs, words, sisters or {})
    path = lattice.best_path(min(band, len(lattice.columns)), cancel or CancelToken())
    return _read(path, lattice, words)


@dataclass
class _Lattice:
    """States 0..S-1: odd ones are phones, even ones the gaps around them; some gaps are word boundaries."""

    scores: np.ndarray  # [T, U + 2] log score of each distinct phone, then of the blank, then of a word boundary
    columns: np.ndarray  # [S] column of each state in ``scores``
    may_jump: np.ndarray  # [S] whether a state may follow the one two before it
    boundaries: np.ndarray  # states that are word boundaries, one more than words
    skip_cost: np.ndarray  # cumulated cost of leaving out all words before each boundary
    blank: np.ndarray  # [T] whether the blank is likeliest

    @staticmethod
    def of(log_probs: np.ndarray, words: Sequence[Sequence[int]], sisters: Mapping[int, Sequence[int]]) -> _Lattice:
        phones = np.array([phone for word in words for phone in word], np.int64)
        distinct, which = np.unique(phones, return_inverse=True)
        blank = log_probs.shape[1] - 1
        scores = np.empty((len(log_probs), len(distinct) + 2), np.float32)
        for column, phone in enumerate(distinct.tolist()):
            others = [s for s in sisters.get(phone, ()) if s != phone]
            scores[:, column] = log_probs[:, phone]
            if others:
                np.maximum(scores[:, column], log_probs[:, others].max(axis=1) + _SISTER, out=scores[:, column])
        np.maximum(scores, _FLOOR, out=scores)
        scores[:, -2] = np.maximum(log_probs[:, blank], 2 * _FLOOR)
        loudest = log_probs.max(axis=1)
        scores[:, -1] = np.maximum(scores[:, -2], loudest + _FOREIGN)
        columns = np.full(2 * len(phones) + 1, len(distinct), np.int64)
        columns[1::2] = which
        counts = np.cumsum([0, *(len(word) for word in words)])
        boundaries = 2 * counts
        columns[boundaries] = len(distinct) + 1
        may_jump = np.zeros(len(columns), bool)
        may_jump[3::2] = phones[1:] != phones[:-1]
        return _Lattice(
            scores, columns, may_jump, boundaries, -_SKIP_PHONE * counts, log_probs[:, blank] >= loudest - 1e-6
        )

    def best_path(self, band: int, cancel: CancelToken) -> np.ndarray:
        """State of each frame [T]."""
        frames, states = len(self.scores), len(self.columns)
        back = np.zeros((frames, band), np.int8)
        jumps: list[tuple[np.ndarray, np.ndarray]] = []
        lows = np.zeros(frames, np.int64)
        low = 0
        total = np.full(band, _LOW, np.float32)
        total[: min(2, band)] = self.scores[0, self.columns[: min(2, band)]]
        options = np.full((3, band), _LOW, np.float32)
        for t in range(frames):
            if t % _RECENTRE == 0 and t:
                cancel.check()
                wanted = min(max(low, low + int(total.argmax()) - band // 3), states - band)
                if wanted > low:
                    total = np.concatenate([total[wanted - low :], np.full(wanted - low, _LOW, np.float32)])
                    low = wanted
            lows[t] = low
            if t:
                columns, may_jump = self.columns[low : low + band], self.may_jump[low : low + band]
                options[0] = total
                options[1, 1:] = total[:-1]
                options[2, 2:] = np.where(may_jump[2:], total[:-2], _LOW)
                best = options.argmax(axis=0)
                back[t] = best
                total = np.take_along_axis(options, best[None], 0)[0] + self.scores[t, columns]
            jumps.append(self._skip_words(total, low, band))
        return self._trace(total, back, lows, jumps)

    def _skip_words(self, total: np.ndarray, low: int, band: int) -> tuple[np.ndarray, np.ndarray]:
        """Let every boundary be reached from any earlier one within the same frame. Changes ``total``.

        Returns the boundaries that gained by it and where each came from (numbers of boundaries).
        """
        first, last = np.searchsorted(self.boundaries, (low, low + band))
        if last - first < 2:
            return _NONE, _NONE
        places = self.boundaries[first:last] - low
        value = total[places]
        reach = value + self.skip_cost[first:last]
        record = np.maximum.accumulate(reach)
        source = np.maximum.accumulate(np.where(reach >= record, np.arange(len(reach)), 0))
        offered = record - self.skip_cost[first:last] + _SKIP
        if first == 0:  # nothing was read yet: the beginning of the text may be left out cheaply
            late = value[0] + _UNREAD > offered
            offered[late], source[late] = value[0] + _UNREAD, 0
        gains = np.flatnonzero(offered > value)
        total[places[gains]] = offered[gains]
        return gains + first, source[gains] + first

    def _trace(
        self, total: np.ndarray, back: np.ndarray, lows: np.ndarray, jumps: list[tuple[np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        frames = len(back)
        low = lows[-1]
        ends = np.arange(low, low + len(total))
        boundary = np.searchsorted(self.boundaries, ends)  # the next boundary at or after each state
        unread = np.maximum(self.skip_cost[boundary] - self.skip_cost[-1], _UNREAD)
        finished = self.boundaries[boundary] - ends <= 1  # in a gap between words or in a word's last phone
        state = low + int(np.where(finished, total + unread, 2 * _LOW).argmax())
        path = np.empty(frames, np.int64)
        for t in range(frames - 1, -1, -1):
            gained, source = jumps[t]
            number = np.searchsorted(self.boundaries[gained], state)
            if number < len(gained) and self.boundaries[gained[number]] == state:
                state = int(self.boundaries[source[number]])
            path[t] = state
            state -= int(back[t, state - lows[t]])
        return path


def _read(path: np.ndarray, lattice: _Lattice, words: Sequence[Sequence[int]]) -> Alignment:
    """Turn states into times."""
    count = len(lattice.columns) // 2
    first = np.full(count, -1, np.int64)
    last = np.full(count, -1, np.int64)
    likelihood = np.full(count, _LOW, np.float32)
    for t in np.flatnonzero(path % 2):
        phone = path[t] // 2
        if first[phone] < 0:
            first[phone] = t
        last[phone] = t
        likelihood[phone] = max(likelihood[phone], lattice.scores[t, lattice.columns[path[t]]])
    times: list[WordTime] = []
    at, now = 0, 0.0
    for index, word in enumerate(words):
        span = slice(at, at + len(word))
        at += len(word)
        if not len(word) or (first[span] < 0).any():
            times.append(WordTime(index, now, now, 0.0))
            continue
        starts = [*(first[span] * FRAME_SECONDS), (last[span.stop - 1] + 1) * FRAME_SECONDS]
        now = float(starts[-1])
        confidence = float(np.exp(likelihood[span].mean()))
        pairs = tuple((float(a), float(b)) for a, b in zip(starts, starts[1:], strict=False))
        times.append(WordTime(index, float(starts[0]), now, confidence, pairs))
    return Alignment(tuple(_touch(times)), _foreign(path, lattice))


def _touch(times: list[WordTime]) -> list[WordTime]:
    """Posteriors peak inside the sounds: widen words to meet their neighbours, or by 60 ms beside a pause."""
    spoken = [word for word in times if not word.skipped]
    edges: dict[int, list[float]] = {word.index: [word.start - 0.06, word.end + 0.06] for word in spoken}
    for left, right in zip(spoken, spoken[1:], strict=False):
        if right.start - left.end < 0.2:
            edges[left.index][1] = edges[right.index][0] = (left.end + right.start) / 2
    out = []
    for word in times:
        if not word.skipped:
            start, end = max(0.0, edges[word.index][0]), edges[word.index][1]
            inner = [start, *(b for _, b in word.phones[:-1]), end]
            phones = tuple(zip(inner, inner[1:], strict=False))
            word = WordTime(word.index, start, end, word.confidence, phones)
        out.append(word)
    return out


def _foreign(path: np.ndarray, lattice: _Lattice) -> tuple[tuple[float, float], ...]:
    """Stretches with at least three sounding frames that the path spent between two words."""
    between = np.isin(path, lattice.boundaries) & ~lattice.blank
    stretches: list[list[int]] = []
    for t in np.flatnonzero(between).tolist():
        if stretches and t - stretches[-1][1] <= 15 and (path[stretches[-1][1] : t] == path[t]).all():
            stretches[-1][1] = t
            stretches[-1][2] += 1
        else:
            stretches.append([t, t, 1])
    return tuple((a * FRAME_SECONDS, (b + 1) * FRAME_SECONDS) for a, b, sounding in stretches if sounding >= 3)


def greedy(log_probs: np.ndarray, *, start: float = 0.0, end: float = np.inf) -> tuple[int, ...]:
    """Likeliest phones between two times: the best class per frame, repeats joined, blanks (class V) left out."""
    first, last = round(start / FRAME_SECONDS), len(log_probs)
    if end < last * FRAME_SECONDS:
        last = round(end / FRAME_SECONDS)
    best = log_probs[first:last].argmax(axis=1)
    changed = np.r_[True, best[1:] != best[:-1]] if len(best) else np.zeros(0, bool)
    return tuple(best[changed & (best != log_probs.shape[1] - 1)].tolist())


_NONE = np.zeros(0, np.int64)
