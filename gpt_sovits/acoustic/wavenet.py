"""Gated convolution stack (WN), the posterior encoder built on it, and the invertible flow.

Shapes: x [B, C, T], mask [B, 1, T], style [B, gin, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.weight_norm import NormConv1d


class WN(nn.Module):
    def __init__(self, hidden: int, kernel: int, layers: int, gin: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.in_layers = nn.ModuleList(
            NormConv1d(hidden, 2 * hidden, kernel, padding=kernel // 2) for _ in range(layers)
        )
        self.res_skip_layers = nn.ModuleList(
            NormConv1d(hidden, 2 * hidden if i < layers - 1 else hidden, 1) for i in range(layers)
        )
        self.cond_layer = NormConv1d(gin, 2 * hidden * layers, 1)

    def forward(self, x: Tensor, mask: Tensor, style: Tensor) -> Tensor:
        """x is already masked; returns the sum of the skip outputs, masked."""
        conditions = self.cond_layer(style).chunk(len(self.in_layers), dim=1)
        last = len(self.in_layers) - 1
        out: Tensor | None = None
        for i, (inner, join, condition) in enumerate(
            zip(self.in_layers, self.res_skip_layers, conditions, strict=True)
        ):
            content, gate = (inner(x) + condition).chunk(2, dim=1)
            skip = join(torch.tanh(content) * torch.sigmoid(gate))
            if i < last:
                residual, skip = skip.split(self.hidden, dim=1)
                x = (x + residual) * mask
            out = skip if out is None else out + skip
        return x * 0 if out is None else out * mask


class PosteriorEncoder(nn.Module):
    """``enc_q``: linear spectrogram [B, F, T] -> mean and log deviation [B, Z, T]; training only."""

    def __init__(self, bins: int, latent: int, hidden: int, kernel: int, layers: int, gin: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(bins, hidden, 1)
        self.enc = WN(hidden, kernel, layers, gin)
        self.proj = nn.Conv1d(hidden, 2 * latent, 1)

    def forward(self, spectrogram: Tensor, mask: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        x = self.enc(self.pre(spectrogram) * mask, mask, style)
        mean, log_std = (self.proj(x) * mask).chunk(2, dim=1)
        return mean, log_std


class Coupling(nn.Module):
    """Mean-only affine coupling: the second half is shifted by a function of the first."""

    def __init__(self, latent: int, hidden: int, kernel: int, layers: int, gin: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(latent // 2, hidden, 1)
        self.enc = WN(hidden, kernel, layers, gin)
        self.post = nn.Conv1d(hidden, latent // 2, 1)
        nn.init.zeros_(self.post.weight)  # starts as the identity
        nn.init.zeros_(self.post.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, mask: Tensor, style: Tensor, reverse: bool = False) -> Tensor:
        kept, moved = x.chunk(2, dim=1)
        shift = self.post(self.enc(self.pre(kept) * mask, mask, style)) * mask
        moved = (moved - shift) * mask if reverse else shift + moved * mask
        return torch.cat([kept, moved], dim=1)


class Flip(nn.Module):
    """Reverses the channels, so that the next coupling moves the other half."""

    def forward(self, x: Tensor, mask: Tensor, style: Tensor, reverse: bool = False) -> Tensor:
        return x.flip(1)


class Flow(nn.Module):
    """Posterior latent -> prior latent; ``reverse=True`` goes back. Volume preserving."""

    def __init__(self, latent: int, hidden: int, kernel: int, layers: int, couplings: int, gin: int) -> None:
        super().__init__()
        self.flows = nn.ModuleList()
        for _ in range(couplings):
            self.flows.extend([Coupling(latent, hidden, kernel, layers, gin), Flip()])

    def forward(self, x: Tensor, mask: Tensor, style: Tensor, reverse: bool = False) -> Tensor:
        for step in reversed(self.flows) if reverse else self.flows:
            x = step(x, mask, style, reverse)
        return x
