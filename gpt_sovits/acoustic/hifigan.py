"""HiFi-GAN generator: latent or mel frames -> waveform. The decoder of v1/v2 and the vocoder of v4.

Shapes: x [B, C, T], style [B, gin, 1], wave [B, 1, T * product(rates)].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.acoustic.config import HiFiGANConfig
from gpt_sovits.acoustic.weight_norm import NormConv1d, NormConvTranspose1d

SLOPE = 0.1
FINAL_SLOPE = 0.01  # before the last convolution, as published


class ResidualBlock(nn.Module):
    """For each dilation: x += conv(lrelu(dilated conv(lrelu(x))))."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            NormConv1d(channels, channels, kernel, dilation=d, padding=(kernel - 1) * d // 2) for d in dilations
        )
        self.convs2 = nn.ModuleList(
            NormConv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, SLOPE)), SLOPE))
        return x


class HiFiGAN(nn.Module):
    """``gin`` 0 builds an unconditioned vocoder."""

    def __init__(self, config: HiFiGANConfig, inputs: int, gin: int = 0) -> None:
        super().__init__()
        channels = config.channels
        self.blocks_per_stage = len(config.block_kernels)
        self.conv_pre = nn.Conv1d(inputs, channels, 7, padding=3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(config.rates, config.kernels, strict=True):
            self.ups.append(
                NormConvTranspose1d(channels, channels // 2, kernel, stride=rate, padding=(kernel - rate) // 2)
            )
            channels //= 2
            self.resblocks.extend(
                ResidualBlock(channels, size, config.block_dilations) for size in config.block_kernels
            )
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=config.final_bias)
        self.cond = nn.Conv1d(gin, config.channels, 1) if gin else None
        self._initialise()

    def _initialise(self) -> None:
        for part in (self.ups, self.resblocks):
            for module in part.modules():
                if isinstance(module, NormConv1d | NormConvTranspose1d):
                    nn.init.normal_(module.weight_v, 0.0, 0.01)
                    module.reset_gain()

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        x = self.conv_pre(x)
        if self.cond is not None and style is not None:
            x = x + self.cond(style)
        count = self.blocks_per_stage
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            total: Tensor | None = None
            for block in self.resblocks[stage * count : (stage + 1) * count]:
                out = block(x)
                total = out if total is None else total + out
            x = x if total is None else total / count
        return torch.tanh(self.conv_post(F.leaky_relu(x, FINAL_SLOPE)))
