"""Joins two overlapping pieces of a waveform where they agree best (SOLA)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def sola(first: Tensor, second: Tensor, overlap: int, search: int = 320) -> Tensor:
    """Cross-fade the end of ``first`` [L1] into ``second`` [L2] over ``overlap`` samples.

    The start inside ``second`` is the offset 0..``search`` at which the overlap correlates best.
    """
    tail = first[-overlap:]
    head = second[: overlap + search]
    overlap_products = F.conv1d(head[None, None], tail[None, None])[0, 0]
    energy = F.conv1d(head.square()[None, None], torch.ones_like(tail)[None, None])[0, 0]
    offset = int((overlap_products / (energy + 1e-8).sqrt()).argmax())
    second = second[offset:]
    window = torch.hann_window(2 * overlap, dtype=first.dtype, device=first.device)
    middle = tail * window[overlap:] + second[:overlap] * window[:overlap]
    return torch.cat([first[:-overlap], middle, second[overlap:]])
