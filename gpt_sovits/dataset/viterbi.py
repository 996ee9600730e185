"""Forced alignment: the best path of a known phone sequence through CTC posteriors (Graves et al. 2006, 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def viterbi(log_probs: np.ndarray, phones: Sequence[int], blank: int) -> np.ndarray | None:
    """Class per frame `[T]` (phone ids and ``blank``) of the best path that says ``phones``.

    ``log_probs`` `[T, V + 1]`. Returns None when the sequence cannot fit into T frames.
    """
    states = ctc_states(log_probs, phones, blank)
    if states is None:
        return None
    classes = np.full(2 * len(phones) + 1, blank, np.int64)
    classes[1::2] = phones
    return classes[states]


def ctc_states(log_probs: np.ndarray, phones: Sequence[int], blank: int) -> np.ndarray | None:
    """State per frame `[T]` of the best path; state 2k+1 is phone k, even states are the blanks around it."""
    return ctc_states_batch([log_probs], [phones], blank)[0]


def ctc_states_batch(
    log_probs: Sequence[np.ndarray], phones: Sequence[Sequence[int]], blank: int, least: int = 1
) -> list[np.ndarray | None]:
    """``ctc_states`` of many utterances at once; the search runs over all of them frame by frame.

    ``least``: frames that every phone lasts at least, where an utterance is long enough for that (its phones would
    take three quarters of it); fewer where it is not. Without it, phones that the posteriors are unsure of shrink to a
    single frame, and an encoder that learns from its own alignment never hears them again.
    """
    rows = len(log_probs)
    stays_for = [
        max(1, min(least, int(0.75 * len(lp) / max(1, len(p))))) for lp, p in zip(log_probs, phones, strict=True)
    ]
    counts = np.array([len(p) * (d + 1) + 1 for p, d in zip(phones, stays_for, strict=True)])
    lengths = np.array([len(lp) for lp in log_probs])
    width, longest = int(counts.max()), int(lengths.max())
    low = np.float32(-1e30)
    scores = np.full((rows, longest, width), low, np.float32)
    may_skip = np.zeros((rows, width), bool)
    may_stay = np.zeros((rows, width), bool)
    for row, (lp, said, d) in enumerate(zip(log_probs, phones, stays_for, strict=True)):
        place = np.arange(counts[row]) % (d + 1)  # 0 is a blank, 1 to d are the frames that a phone must last
        classes = np.full(counts[row], blank, np.int64)
        classes[place > 0] = np.repeat(np.asarray(said, np.int64), d)
        scores[row, : lengths[row], : counts[row]] = lp[:, classes]
        may_stay[row, : counts[row]] = (place == 0) | (place == d)
        first = np.flatnonzero(place == 1)[1:]
        may_skip[row, first] = classes[first] != classes[first - 2]
    total = np.full((rows, width), low, np.float32)
    total[:, :2] = scores[:, 0, :2]
    back = np.zeros((rows, longest, width), np.int8)
    final = total.copy()
    options = np.full((3, rows, width), low, np.float32)
    for t in range(1, longest):
        options[0] = np.where(may_stay, total, low)
        options[1, :, 1:] = total[:, :-1]
        options[2, :, 2:] = np.where(may_skip[:, 2:], total[:, :-2], low)
        choice = options.argmax(0)
        back[:, t] = choice
        total = options.max(0) + scores[:, t]
        ended = lengths == t + 1
        if ended.any():
            final[ended] = total[ended]
    out: list[np.ndarray | None] = []
    for row, d in enumerate(stays_for):
        last = counts[row] - 1
        state = last if last == 0 or final[row, last] >= final[row, last - 1] else last - 1
        if final[row, state] < -1e29:
            out.append(None)
            continue
        path = np.empty(lengths[row], np.int64)
        for t in range(lengths[row] - 1, -1, -1):
            path[t] = state
            state -= int(back[row, t, state])
        out.append(2 * (path // (d + 1)) + (path % (d + 1) > 0))
    return out
