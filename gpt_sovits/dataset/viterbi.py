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
    log_probs: Sequence[np.ndarray], phones: Sequence[Sequence[int]], blank: int
) -> list[np.ndarray | None]:
    """``ctc_states`` of many utterances at once; the search runs over all of them frame by frame."""
    rows = len(log_probs)
    counts = np.array([2 * len(p) + 1 for p in phones])
    lengths = np.array([len(lp) for lp in log_probs])
    width, longest = int(counts.max()), int(lengths.max())
    low = np.float32(-1e30)
    scores = np.full((rows, longest, width), low, np.float32)
    may_skip = np.zeros((rows, width), bool)
    for row, (lp, said) in enumerate(zip(log_probs, phones, strict=True)):
        classes = np.full(counts[row], blank, np.int64)
        classes[1::2] = said
        scores[row, : lengths[row], : counts[row]] = lp[:, classes]
        may_skip[row, 3 : counts[row] : 2] = classes[3::2] != classes[1:-2:2]
    total = np.full((rows, width), low, np.float32)
    total[:, :2] = scores[:, 0, :2]
    back = np.zeros((rows, longest, width), np.int8)
    final = total.copy()
    options = np.full((3, rows, width), low, np.float32)
    for t in range(1, longest):
        options[0] = total
        options[1, :, 1:] = total[:, :-1]
        options[2, :, 2:] = np.where(may_skip[:, 2:], total[:, :-2], low)
        choice = options.argmax(0)
        back[:, t] = choice
        total = options.max(0) + scores[:, t]
        ended = lengths == t + 1
        if ended.any():
            final[ended] = total[ended]
    out: list[np.ndarray | None] = []
    for row in range(rows):
        last = counts[row] - 1
        state = last if last == 0 or final[row, last] >= final[row, last - 1] else last - 1
        if final[row, state] < -1e29:
            out.append(None)
            continue
        path = np.empty(lengths[row], np.int64)
        for t in range(lengths[row] - 1, -1, -1):
            path[t] = state
            state -= int(back[row, t, state])
        out.append(path)
    return out
