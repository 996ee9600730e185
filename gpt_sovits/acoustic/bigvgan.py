"""BigVGAN v2: natural-log mel [B, M, T] -> waveform [B, 1, T * product(rates)], the vocoder of v3.

Periodic activations are applied at twice the sampling rate between a pair of low-pass filters.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.acoustic.config import BigVGANConfig
from gpt_sovits.acoustic.weight_norm import NormConv1d, NormConvTranspose1d

TAPS = 12
RATIO = 2


def low_pass_filter(taps: int = TAPS, cutoff: float = 0.25, half_width: float = 0.3) -> Tensor:
    """Kaiser-windowed sinc of sum 1, [1, 1, taps]; cutoff and width in cycles per sample."""
    attenuation = 2.285 * (taps // 2 - 1) * math.pi * 4 * half_width + 7.95
    window = torch.kaiser_window(taps, periodic=False, beta=0.1102 * (attenuation - 8.7), dtype=torch.float64)
    time = torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2
    kernel = 2 * cutoff * window * torch.sinc(2 * cutoff * time)
    return (kernel / kernel.sum()).float().view(1, 1, taps)


class SnakeBeta(nn.Module):
    """x + sin(x * e^alpha)^2 / (e^beta + 1e-9), one alpha and beta per channel, stored as logarithms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        rate, size = self.alpha.exp()[:, None], self.beta.exp()[:, None]
        return x + torch.sin(x * rate).square() / (size + 1e-9)


class _Upsample(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", low_pass_filter())

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, 2T]."""
        kernel, channels = self.get_buffer("filter"), x.shape[1]
        x = F.pad(x, (TAPS // 2 - 1, TAPS // 2 - 1), mode="replicate")
        x = RATIO * F.conv_transpose1d(x, kernel.expand(channels, -1, -1), stride=RATIO, groups=channels)
        return x[..., 15:-15]


class _LowPass(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", low_pass_filter())

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, 2T] -> [B, C, T]."""
        kernel, channels = self.get_buffer("filter"), x.shape[1]
        x = F.pad(x, (TAPS // 2 - 1, TAPS // 2), mode="replicate")
        return F.conv1d(x, kernel.expand(channels, -1, -1), stride=RATIO, groups=channels)


class _Downsample(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lowpass = _LowPass()

    def forward(self, x: Tensor) -> Tensor:
        return self.lowpass(x)


class AliasFreeActivation(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.act = SnakeBeta(channels)
        self.upsample = _Upsample()
        self.downsample = _Downsample()

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(self.act(self.upsample(x)))


class AMPBlock(nn.Module):
    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            NormConv1d(channels, channels, kernel, dilation=d, padding=(kernel - 1) * d // 2) for d in dilations
        )
        self.convs2 = nn.ModuleList(
            NormConv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations
        )
        self.activations = nn.ModuleList(AliasFreeActivation(channels) for _ in range(2 * len(dilations)))

    def forward(self, x: Tensor) -> Tensor:
        pairs = zip(self.convs1, self.convs2, self.activations[::2], self.activations[1::2], strict=True)
        for first, second, before, between in pairs:
            x = x + second(between(first(before(x))))
        return x


class BigVGAN(nn.Module):
    def __init__(self, config: BigVGANConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.blocks_per_stage = len(config.block_kernels)
        self.conv_pre = NormConv1d(config.bands, channels, 7, padding=3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(config.rates, config.kernels, strict=True):
            up = NormConvTranspose1d(channels, channels // 2, kernel, stride=rate, padding=(kernel - rate) // 2)
            self.ups.append(nn.ModuleList([up]))
            channels //= 2
            self.resblocks.extend(AMPBlock(channels, size, config.block_dilations) for size in config.block_kernels)
        self.activation_post = AliasFreeActivation(channels)
        self.conv_post = NormConv1d(channels, 1, 7, padding=3, bias=False)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.conv_pre(mel)
        count = self.blocks_per_stage
        for stage, up in enumerate(self.ups):
            x = up[0](x)  # type: ignore[index]
            total: Tensor | None = None
            for block in self.resblocks[stage * count : (stage + 1) * count]:
                out = block(x)
                total = out if total is None else total + out
            x = x if total is None else total / count
        return self.conv_post(self.activation_post(x)).clamp(-1.0, 1.0)
