"""The embedded base's content encoder: log-mel and melody in, phonetic content and phone posteriors out.

Stands where the official bases have HuBERT (same interface: 16 kHz wave in, `[B, C, T]` at 50 Hz out), at
a fraction of its size: convolutional residual blocks with depthwise kernels (ConvNeXt, Liu et al. 2022) at
25 Hz between a 50 Hz stem and a 50 Hz head. Knows nothing of speakers or languages: every band of the log-mel
is normalised over the clip, and pitch is given relative to the clip's median.

Where it is known which phone is said when (recordings with a transcript, that voices are learnt from), the content is
guided: drawn towards the mean of what the encoder says in that phone. So the codes of a small, often mistaken encoder
mean one phone each, and whoever learns to speak from codes is not taught its mistakes.

Letters: B batch, L samples at 16 kHz, T frames at 50 Hz, D trunk width, C content width, V phone symbols.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gpt_sovits.errors import InputError
from gpt_sovits.features.pitch import track_pitch_batch
from gpt_sovits.features.spectral import mel_filterbank

SAMPLE_RATE = 16000
HOP = 320  # 20 ms: 50 frames/s
WINDOW = 640
FFT = 1024
MELODY_CHANNELS = 3  # relative log2 pitch, voicing, loudness


@dataclass(frozen=True)
class MiniContentConfig:
    """Sizes of the encoder. ``phonetic`` is the bottleneck that the phone posteriors are read from."""

    bands: int = 80
    stem: int = 160
    hidden: int = 224
    blocks: int = 7
    kernel: int = 7
    phonetic: int = 61
    symbols: int = 732
    melody_weight: float = 1.0
    guidance: float = 0.0  # share of the known phone's prototype in guided content, 0 to 1

    @property
    def width(self) -> int:
        """C, the number of content channels."""
        return self.phonetic + MELODY_CHANNELS

    @staticmethod
    def from_dict(values: dict[str, Any]) -> MiniContentConfig:
        unknown = set(values) - {f.name for f in fields(MiniContentConfig)}
        if unknown:
            raise InputError(f"The content encoder's config has unknown settings: {', '.join(sorted(unknown))}.")
        return MiniContentConfig(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def mel_bank(bands: int) -> Tensor:
    """Slaney-style triangular filters `[bands, FFT // 2 + 1]` from 0 to 8 kHz."""
    return mel_filterbank(SAMPLE_RATE, FFT, bands)


def log_mel(wave: Tensor, bank: Tensor) -> Tensor:
    """Natural-log mel magnitudes `[B, T, bands]` of waves `[B, L]`, `T = L // HOP`; frames are centred on hops."""
    frames = wave.shape[-1] // HOP
    side = (FFT - HOP) // 2
    padded = functional.pad(wave, (side, FFT - HOP - side))
    window = torch.hann_window(WINDOW, device=wave.device)
    spectrum = torch.stft(padded, FFT, HOP, WINDOW, window, center=False, return_complex=True).abs()
    return (bank @ spectrum).clamp_min(1e-5).log().transpose(1, 2)[:, :frames]


def melody(pitch: np.ndarray, mel: np.ndarray) -> np.ndarray:
    """Side channels `[T, 3]`: log2 pitch around the clip's median (interpolated where unvoiced), voicing, loudness.

    ``pitch`` `[T]` in Hz with 0 for unvoiced frames, ``mel`` `[T, bands]` natural-log mel magnitudes.
    """
    frames = len(pitch)
    out = np.zeros((frames, MELODY_CHANNELS), np.float32)
    voiced = np.flatnonzero(pitch > 0)
    if len(voiced):
        log2 = np.log2(pitch[voiced])
        curve = np.interp(np.arange(frames), voiced, log2 - np.median(log2))
        padded = np.pad(curve, 1, mode="edge")
        out[:, 0] = np.clip((padded[:-2] + padded[1:-1] + padded[2:]) / 3, -1.0, 1.0) * 2
        out[voiced, 1] = 1.0
    loudness = mel.mean(1)
    out[:, 2] = np.clip((loudness - np.percentile(loudness, 95)) / 4 + 1, -1.0, 1.5)
    return out


def normalise(mel: Tensor, mask: Tensor) -> Tensor:
    """Zero mean per band, unit variance overall, over the valid frames. ``mel`` `[B, T, N]`, ``mask`` `[B, T, 1]`."""
    count = mask.sum(1, keepdim=True).clamp_min(1.0)
    centred = (mel - (mel * mask).sum(1, keepdim=True) / count) * mask
    scale = (centred.square().sum((1, 2), keepdim=True) / (count * mel.shape[2])).clamp_min(1e-4).sqrt()
    return centred / scale


class Block(nn.Module):
    """Depthwise convolution, layer norm, two-layer perceptron, residual. `[B, T, D]` to `[B, T, D]`."""

    def __init__(self, width: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(
            width, width, kernel, padding=dilation * (kernel // 2), dilation=dilation, groups=width
        )
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)
        nn.init.normal_(self.outer.weight, std=0.02)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = self.depthwise((x * mask).transpose(1, 2)).transpose(1, 2)
        return x + self.outer(functional.gelu(self.inner(self.norm(y))))


class MiniContentEncoder(nn.Module):
    """Content features and phone posteriors of 16 kHz speech."""

    sample_rate = SAMPLE_RATE
    bank: Tensor
    prototypes: Tensor

    def __init__(self, config: MiniContentConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("bank", mel_bank(config.bands), persistent=False)
        self.register_buffer("prototypes", torch.zeros(config.symbols + 1, config.phonetic))
        self.stem = nn.Conv1d(config.bands + MELODY_CHANNELS, config.stem, 5, padding=2)
        self.down = nn.Conv1d(config.stem, config.hidden, 4, stride=2, padding=1)
        self.blocks = nn.ModuleList(
            Block(config.hidden, config.kernel, dilation=1 + i % 2) for i in range(config.blocks)
        )
        self.up = nn.Linear(config.hidden, 2 * config.stem)
        self.head = nn.Conv1d(config.stem, config.stem, 3, padding=1)
        self.norm = nn.LayerNorm(config.stem)
        self.phonetic = nn.Linear(config.stem, config.phonetic)
        self.classify = nn.Linear(config.phonetic, config.symbols + 1)

    def encode(self, mel: Tensor, melody_channels: Tensor, mask: Tensor) -> Tensor:
        """Phonetic bottleneck `[B, T, phonetic]`, bounded to (-1, 1), of mel `[B, T, bands]` and melody `[B, T, 3]`.

        ``mask`` `[B, T, 1]` is 1 for valid frames. T may be odd.
        """
        frames = mel.shape[1]
        x = torch.cat([normalise(mel, mask), melody_channels], dim=2) * mask
        if frames % 2:
            x, mask = functional.pad(x, (0, 0, 0, 1)), functional.pad(mask, (0, 0, 0, 1))
        stem = functional.gelu(self.stem(x.transpose(1, 2))).transpose(1, 2) * mask
        y = self.down(stem.transpose(1, 2)).transpose(1, 2)
        half = mask[:, ::2]
        for block in self.blocks:
            y = block(y, half)
        y = self.up(y * half).reshape(stem.shape) + stem
        y = y + functional.gelu(self.head((y * mask).transpose(1, 2))).transpose(1, 2)
        return torch.tanh(self.phonetic(self.norm(y)))[:, :frames]

    def log_posteriors(self, phonetic: Tensor) -> Tensor:
        """Log-probabilities `[B, T, V + 1]`; the last class is the CTC blank."""
        return self.classify(phonetic).log_softmax(-1)

    def guided(self, phonetic: Tensor, said: Tensor) -> Tensor:
        """``phonetic`` `[..., T, phonetic]` drawn towards the prototypes of the classes ``said`` `[..., T]`.

        The last class is silence. A class without a prototype (all zero: it was not in the corpus) draws nothing.
        """
        towards = self.prototypes.to(phonetic)[said]
        known = towards.abs().amax(-1, keepdim=True) > 0
        return torch.where(known, phonetic + self.config.guidance * (towards - phonetic), phonetic)

    def _inputs(self, wave: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        wave = wave.reshape(-1, wave.shape[-1])
        if wave.shape[-1] < 2 * HOP:
            raise InputError("The audio is shorter than a twentieth of a second.", "Give a longer clip.")
        mel = log_mel(wave.float(), self.bank)
        pitch = track_pitch_batch([row for row in wave.detach().cpu()])
        side = np.stack([melody(p[: mel.shape[1]], m.numpy()) for p, m in zip(pitch, mel.detach().cpu(), strict=True)])
        return mel, torch.from_numpy(side).to(mel), torch.ones(*mel.shape[:2], 1, device=mel.device)

    def forward(self, wave: Tensor, said: Tensor | None = None) -> Tensor:
        """Content features `[B, C, T]` at 50 Hz of 16 kHz waves `[B, L]`, `T = L // 320`.

        ``said`` `[B, T]`: the phone of every frame where it is known, see ``guided``.
        """
        mel, side, mask = self._inputs(wave)
        phonetic = self.encode(mel, side, mask)
        return self.content(phonetic if said is None else self.guided(phonetic, said), side)

    def content(self, phonetic: Tensor, melody_channels: Tensor) -> Tensor:
        """Join the phonetic bottleneck and the melody into content features `[B, C, T]`."""
        return torch.cat([phonetic, melody_channels * self.config.melody_weight], dim=2).transpose(1, 2)

    def phone_logits(self, wave: Tensor) -> Tensor:
        """Phone log-probabilities `[B, T, V + 1]` of 16 kHz waves `[B, L]`; index V is the CTC blank."""
        mel, side, mask = self._inputs(wave)
        return self.log_posteriors(self.encode(mel, side, mask))
