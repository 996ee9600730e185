"""Words that stand out: longer, higher, wider in melody and louder, and what follows them a little less of all that.

What speakers do where they put focus (Xu and Xu 2005 for English, Xu 1999 for Mandarin: the pitch range of the word
widens, that of what follows narrows), each by more than listeners need to notice it: 1.5 to 3 semitones ('t Hart
1981), a fifth of the duration (Klatt 1976), 1 dB.

Letters: B batch, N bands, P phones, T frames (50/s), R render frames (100/s).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LONGER = 1.3
HIGHER = 3.0  # semitones
WIDER = 0.35  # of the distance of each frame's pitch from the mean
LOUDER = 0.46  # natural-log amplitude: 4 dB
AFTER = -0.4  # how much what follows gives way, up to the next word that stands out
_EDGE = 5  # frames over which it comes and goes


def lengthened(stress: Tensor) -> Tensor:
    """Which frame to say when `[T']`, where the frames of ``stress`` `[T]` (0 or 1) take longer."""
    ends = (1 + (LONGER - 1) * stress).cumsum(0)
    times = torch.arange(int(ends[-1].round()), device=stress.device) + 0.5
    return torch.searchsorted(ends, times.to(ends)).clamp_max(len(stress) - 1)


def prominence(stress: Tensor) -> Tensor:
    """How much each frame stands out `[T]`: 1 where it is stressed, ``AFTER`` behind that, without steps."""
    behind = stress.cummax(0).values * (1 - stress)
    told = functional.pad((stress + AFTER * behind)[None, None], (_EDGE // 2, _EDGE // 2), mode="replicate")
    return functional.avg_pool1d(told, _EDGE, 1)[0, 0]


def stressed_pitch(log_pitch: Tensor, voiced: Tensor, told: Tensor) -> Tensor:
    """Log2 pitch `[B, T]` as the ``told`` prominence `[T]` moves it; ``voiced`` `[B, T]` bool."""
    mean = (log_pitch * voiced).sum(1, keepdim=True) / voiced.sum(1, keepdim=True).clamp_min(1)
    return log_pitch + told * (HIGHER / 12 + WIDER * (log_pitch - mean))


def stressed_level(envelope: Tensor, told: Tensor) -> Tensor:
    """Natural-log amplitudes `[B, N, R]` as the ``told`` prominence `[T]` moves them."""
    return envelope + LOUDER * told.repeat_interleave(2)
