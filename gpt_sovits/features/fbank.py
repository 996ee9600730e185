"""Kaldi-style log mel filter bank energies, as the speaker encoder was trained on.

Letters: B rows, L samples at 16 kHz, T frames (10 ms apart), M = 80 bands.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

SAMPLE_RATE = 16000
FRAME, SHIFT, FFT = 400, 160, 512  # 25 ms windows every 10 ms
BANDS, LOWEST = 80, 20.0  # Hz; the highest is the Nyquist frequency
PREEMPHASIS = 0.97
FLOOR = 2.0**-23


def _mel(hz: Tensor) -> Tensor:
    return 1127.0 * torch.log1p(hz / 700.0)


@lru_cache(maxsize=1)
def _constants() -> tuple[Tensor, Tensor]:
    """Povey window [FRAME] and triangles [M, FFT/2]; the Nyquist bin belongs to none."""
    window = torch.hann_window(FRAME, periodic=False, dtype=torch.float64).pow(0.85)
    low, high = _mel(torch.tensor([LOWEST, SAMPLE_RATE / 2], dtype=torch.float64)).tolist()
    edges = low + (high - low) / (BANDS + 1) * torch.arange(BANDS + 2, dtype=torch.float64)[:, None]
    bins = _mel(torch.arange(FFT // 2, dtype=torch.float64) * SAMPLE_RATE / FFT)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return window.float(), torch.minimum(rising, falling).clamp_min(0).float()


def fbank(wave: Tensor) -> Tensor:
    """[B,T,M] of wave [B,L] in [-1, 1]; only whole frames, T = (L - 400) // 160 + 1. No dither."""
    window, triangles = (value.to(wave.device) for value in _constants())
    frames = wave.unfold(-1, FRAME, SHIFT)
    frames = frames - frames.mean(-1, keepdim=True)
    previous = torch.cat((frames[..., :1], frames[..., :-1]), dim=-1)
    spectrum = torch.fft.rfft((frames - PREEMPHASIS * previous) * window, FFT)
    power = spectrum.real.square() + spectrum.imag.square()
    return (power[..., : FFT // 2] @ triangles.T).clamp_min(FLOOR).log()
