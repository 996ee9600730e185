"""From phone posteriors per frame to the phones that were said."""

from __future__ import annotations

import numpy as np

SWITCH_COST = 2.5  # nats; a phone that is only ahead for a frame or two does not count as said


def decode_phones(log_probs: np.ndarray, blank: int, switch_cost: float = SWITCH_COST) -> list[int]:
    """Phones on the best path through a loop of all phones, in which every change of class has a price.

    ``log_probs`` `[T, V + 1]`; class ``blank`` is silence. Viterbi over T frames; with a price of 0 this is the best
    class per frame with repeats merged.
    """
    frames, classes = log_probs.shape
    if not frames:
        return []
    total = log_probs[0].astype(np.float64)
    came_from = np.empty((frames, classes), np.int32)
    own = np.arange(classes, dtype=np.int32)
    for t in range(1, frames):
        best = int(total.argmax())
        change = total[best] - switch_cost
        stays = total >= change
        came_from[t] = np.where(stays, own, best)
        total = np.where(stays, total, change) + log_probs[t]
    state = int(total.argmax())
    path = [state]
    for t in range(frames - 1, 0, -1):
        state = int(came_from[t, state])
        path.append(state)
    path.reverse()
    return [c for i, c in enumerate(path) if c != blank and (i == 0 or path[i - 1] != c)]
