"""The block that the embedded base is built of (Liu et al., "A ConvNet for the 2020s", 2022), in one dimension."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, layer norm over channels, two-layer perceptron, scaled residual. `[B, C, T]`.

    ``modulation`` `[B, 2C, 1]`: what to scale (beside 1) and to shift the normalised channels by.
    """

    def __init__(self, channels: int, kernel: int, expansion: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.inner = nn.Linear(channels, expansion * channels)
        self.outer = nn.Linear(expansion * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.3))

    def forward(self, x: Tensor, modulation: Tensor | None = None) -> Tensor:
        y = self.norm(self.depthwise(x).transpose(1, 2))
        if modulation is not None:
            scale, shift = modulation.transpose(1, 2).chunk(2, dim=2)
            y = y * (1 + scale) + shift
        return x + (self.scale * self.outer(functional.gelu(self.inner(y)))).transpose(1, 2)
