"""Discriminators of the adversarial training: one over the waveform, several over its periods.

Shapes: wave [B, 1, L]; scores [B, N]; feature maps are every activation and the final output.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.acoustic.weight_norm import NormConv1d, NormConv2d

SLOPE = 0.1


class ScaleDiscriminator(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        sizes = (width, 4 * width, 16 * width, 64 * width, 64 * width)
        layers = [NormConv1d(1, width, 15, padding=7)]
        for i in range(4):
            layers.append(NormConv1d(sizes[i], sizes[i + 1], 41, stride=4, padding=20, groups=4 ** (i + 1)))
        layers.append(NormConv1d(sizes[4], sizes[4], 5, padding=2))
        self.convs = nn.ModuleList(layers)
        self.conv_post = NormConv1d(sizes[4], 1, 3, padding=1)

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        return _run(self.convs, self.conv_post, wave)


class PeriodDiscriminator(nn.Module):
    def __init__(self, period: int, width: int = 32) -> None:
        super().__init__()
        self.period = period
        sizes = (1, width, 4 * width, 16 * width, 32 * width, 32 * width)
        self.convs = nn.ModuleList(
            NormConv2d(sizes[i], sizes[i + 1], (5, 1), stride=(3 if i < 4 else 1, 1), padding=(2, 0)) for i in range(5)
        )
        self.conv_post = NormConv2d(sizes[-1], 1, (3, 1), padding=(1, 0))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        wave = F.pad(wave, (0, -wave.shape[-1] % self.period), mode="reflect")
        return _run(self.convs, self.conv_post, wave.view(wave.shape[0], 1, -1, self.period))


def _run(convs: nn.ModuleList, last: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    maps = []
    for conv in convs:
        x = F.leaky_relu(conv(x), SLOPE)
        maps.append(x)
    x = last(x)
    maps.append(x)
    return x.flatten(1), maps


class Discriminators(nn.Module):
    """Default widths are the published ones; smaller ones (scale: multiples of 4) train a small decoder on a CPU."""

    def __init__(self, periods: tuple[int, ...], scale_width: int = 16, period_width: int = 32) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList([ScaleDiscriminator(scale_width)])
        self.discriminators.extend(PeriodDiscriminator(period, period_width) for period in periods)

    def forward(self, wave: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Scores and feature maps, one entry per discriminator."""
        results = [discriminator(wave) for discriminator in self.discriminators]
        return [scores for scores, _ in results], [maps for _, maps in results]
