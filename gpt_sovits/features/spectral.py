"""Spectrograms: linear magnitude, mel filter banks, natural-log mels.

Shapes: B batch, L samples, F = n_fft//2+1 bins, M mel bands, T frames (T = L // hop when hop divides L).
Waves are float in [-1, 1]. Windows and banks are values: build them once, pass them in.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gpt_sovits.errors import InputError
from gpt_sovits.torchaudio_compat import functional

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


def mel_filterbank(rate: int, n_fft: int, bands: int, fmin: float = 0.0, fmax: float | None = None) -> Tensor:
    """Triangles on Slaney's mel scale, of equal area, float32 [bands, n_fft//2+1]."""
    bank = functional.melscale_fbanks(
        n_fft // 2 + 1, fmin, fmax or rate / 2, bands, rate, norm="slaney", mel_scale="slaney"
    )
    return torch.as_tensor(bank).T.contiguous()


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
