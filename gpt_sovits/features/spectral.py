"""Spectrograms: linear magnitude, mel filter banks, natural-log mels.

Shapes: B batch, L samples, F = n_fft//2+1 bins, M mel bands, T frames (T = L // hop when hop divides L).
Waves are float in [-1, 1]. Windows and banks are values: build them once, pass them in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gpt_sovits.errors import InputError

MEL_FLOOR = 1e-5  # smallest mel magnitude before the logarithm
V3_MEL_MIN, V3_MEL_MAX = -12.0, 2.0  # natural-log range that the flow-matching models map to [-1, 1]


@dataclass(frozen=True)
class MelConfig:
    """Settings of one mel spectrogram; the window is as long as ``n_fft``, bands span 0 Hz to Nyquist."""

    rate: int
    n_fft: int
    hop: int
    bands: int

    def bank(self) -> Tensor:
        """Filter bank [M, F]."""
        return mel_filterbank(self.rate, self.n_fft, self.bands)


MEL_TRAIN = MelConfig(rate=32000, n_fft=2048, hop=640, bands=128)  # reconstruction loss of v1, v2, v2Pro
MEL_V3 = MelConfig(rate=24000, n_fft=1024, hop=256, bands=100)
MEL_V4 = MelConfig(rate=32000, n_fft=1280, hop=320, bands=100)


def linear_spectrogram(wave: Tensor, n_fft: int = 2048, hop: int = 640, win: int | None = None) -> Tensor:
    """Magnitude spectrogram [B, F, T] of wave [B, L]; reflect padding of (n_fft - hop) / 2 on both sides."""
    win = win or n_fft
    pad = (n_fft - hop) // 2
    if wave.shape[-1] <= pad:
        raise InputError("The recording is too short to analyse.", "Use at least a tenth of a second of sound.")
    wave = F.pad(wave.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    window = torch.hann_window(win, dtype=wave.dtype, device=wave.device)
    spectrum = torch.stft(wave, n_fft, hop, win, window, center=False, return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-8).sqrt()


def _hz_to_mel(hz: Tensor) -> Tensor:
    """Slaney scale: linear below 1 kHz (200/3 Hz per mel), logarithmic above (27 mels per factor 6.4)."""
    log_part = 15.0 + torch.log(hz.clamp_min(1e-9) / 1000.0) * (27.0 / math.log(6.4))
    return torch.where(hz >= 1000.0, log_part, hz * 3.0 / 200.0)


def _mel_to_hz(mel: Tensor) -> Tensor:
    log_part = 1000.0 * torch.exp((mel - 15.0) * (math.log(6.4) / 27.0))
    return torch.where(mel >= 15.0, log_part, mel * 200.0 / 3.0)


def mel_filterbank(rate: int, n_fft: int, bands: int, fmin: float = 0.0, fmax: float | None = None) -> Tensor:
    """Slaney-style triangles with area normalisation, float32 [bands, n_fft//2+1]."""
    top = rate / 2 if fmax is None else fmax
    limits = _hz_to_mel(torch.tensor([fmin, top], dtype=torch.float64))
    edges = _mel_to_hz(torch.linspace(float(limits[0]), float(limits[1]), bands + 2, dtype=torch.float64))
    bins = torch.linspace(0.0, rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    width = edges.diff()
    rising = (bins - edges[:-2, None]) / width[:-1, None]
    falling = (edges[2:, None] - bins) / width[1:, None]
    triangles = torch.minimum(rising, falling).clamp_min(0.0)
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).float()


def spectrogram_to_mel(spectrogram: Tensor, bank: Tensor) -> Tensor:
    """Natural-log mel [B, M, T] of a magnitude spectrogram [B, F, T]."""
    return torch.matmul(bank.to(spectrogram), spectrogram).clamp_min(MEL_FLOOR).log()


def mel_spectrogram(wave: Tensor, config: MelConfig, bank: Tensor | None = None) -> Tensor:
    """Natural-log mel [B, M, T] of wave [B, L] at ``config.rate``; pass ``bank`` to avoid rebuilding it."""
    bank = config.bank() if bank is None else bank
    return spectrogram_to_mel(linear_spectrogram(wave, config.n_fft, config.hop), bank)


def normalize_mel(mel: Tensor) -> Tensor:
    """Natural-log mel to the [-1, 1] range of v3 and v4 (no clipping)."""
    return (mel - V3_MEL_MIN) / (V3_MEL_MAX - V3_MEL_MIN) * 2 - 1


def denormalize_mel(mel: Tensor) -> Tensor:
    """Inverse of ``normalize_mel``."""
    return (mel + 1) / 2 * (V3_MEL_MAX - V3_MEL_MIN) + V3_MEL_MIN
