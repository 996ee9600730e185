"""ERes2NetV2 (Chen et al. 2024): 16 kHz speech to the speaker vector that v2Pro and v2ProPlus listen to.

The network under the names of its official file. The vector is the fused map before pooling, averaged over time:
2048 channels x 10 bands, channel-major. Letters: B rows, L samples, T frames, C channels, F bands.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.errors import InputError
from gpt_sovits.features.transformer import fill
from gpt_sovits.torchaudio_compat import kaldi

SAMPLE_RATE = 16000
FRAME = 400  # samples of a frame of the filter bank
BANDS = 80
CHANNELS = 64
BASE_WIDTH, SCALE, EXPANSION = 24, 4, 4
BLOCKS = (3, 4, 6, 3)
LIMIT = 20.0  # activations are clipped to 0 .. 20
SPEAKER_WIDTH = CHANNELS * 8 * EXPANSION * (BANDS // 8)  # 20480


def fbank(wave: Tensor) -> Tensor:
    """Kaldi's log mel filter bank energies [B,T,80] of wave [B,L] in [-1, 1]; T = (L - 400) // 160 + 1."""
    bands = [kaldi.fbank(row[None], num_mel_bins=BANDS, sample_frequency=SAMPLE_RATE, dither=0.0) for row in wave]
    return torch.stack(bands)


def _clip(x: Tensor) -> Tensor:
    return x.clamp(0.0, LIMIT)


class Fusion(nn.Module):
    """Attentional feature fusion: weighs two maps [B,C,F,T] against each other, point by point."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 4
        self.local_att = nn.Sequential(
            nn.Conv2d(2 * channels, inner, 1),
            nn.BatchNorm2d(inner),
            nn.SiLU(),
            nn.Conv2d(inner, channels, 1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        weight = 1.0 + torch.tanh(self.local_att(torch.cat((x, y), dim=1)))
        return x * weight + y * (2.0 - weight)


class Block(nn.Module):
    """Residual block whose middle is ``SCALE`` narrow convolutions, each fed with the one before."""

    def __init__(self, inputs: int, planes: int, stride: int, fused: bool) -> None:
        super().__init__()
        width, outputs = planes * BASE_WIDTH // 64, planes * EXPANSION
        self.conv1 = nn.Conv2d(inputs, width * SCALE, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width * SCALE)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(SCALE))
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(SCALE))
        self.fuse_models = nn.ModuleList(Fusion(width) for _ in range(SCALE - 1)) if fused else None
        self.conv3 = nn.Conv2d(width * SCALE, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        parts = _clip(self.bn1(self.conv1(x))).chunk(SCALE, dim=1)
        done: list[Tensor] = []
        for index, (part, conv, norm) in enumerate(zip(parts, self.convs, self.bns, strict=True)):
            if index:
                fusion = None if self.fuse_models is None else self.fuse_models[index - 1]
                part = done[-1] + part if fusion is None else fusion(done[-1], part)
            done.append(_clip(norm(conv(part))))
        return _clip(self.bn3(self.conv3(torch.cat(done, dim=1))) + self.shortcut(x))


class ERes2NetV2(nn.Module):
    """The frozen speaker encoder."""

    sample_rate = SAMPLE_RATE
    width = SPEAKER_WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(CHANNELS)
        inputs = CHANNELS
        for stage, blocks in enumerate(BLOCKS):
            layer = nn.Sequential()
            for index in range(blocks):
                stride = 2 if stage and not index else 1
                layer.append(Block(inputs, CHANNELS << stage, stride, fused=stage >= 2))
                inputs = (CHANNELS << stage) * EXPANSION
            setattr(self, f"layer{stage + 1}", layer)
        self.layer3_ds = nn.Conv2d(inputs // 2, inputs, 3, 2, padding=1, bias=False)
        self.fuse34 = Fusion(inputs)

    def maps(self, features: Tensor) -> dict[str, Tensor]:
        """All stages [B,C,F,T] of filter bank energies [B,T,80], by name."""
        x = F.relu(self.bn1(self.conv1(features.transpose(1, 2)[:, None])))  # the stem alone has no upper limit
        stages: dict[str, Tensor] = {}
        for name in ("layer1", "layer2", "layer3", "layer4"):
            x = stages[name] = getattr(self, name)(x)
        stages["layer3_ds"] = self.layer3_ds(stages["layer3"])
        stages["fuse34"] = self.fuse34(stages["layer4"], stages["layer3_ds"])
        return stages

    @torch.no_grad()
    def forward(self, wave: Tensor) -> Tensor:
        """Speaker vectors [B,20480] of waves [B,L] in [-1, 1]."""
        if wave.shape[-1] < FRAME:
            raise InputError("This recording is too short to know a voice from.", "Record at least one second.")
        return self.maps(fbank(wave))["fuse34"].flatten(1, 2).mean(-1)


def load_speaker_encoder(state: Mapping[str, Tensor]) -> ERes2NetV2:
    """Build the encoder from the official tensors (any float type); the unused head ``seg_1`` is left out."""
    with torch.device("meta"):
        model = ERes2NetV2()
    fill(model, {key: _as_float(value) for key, value in state.items() if not key.startswith("seg_1.")})
    return model


def _as_float(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value
