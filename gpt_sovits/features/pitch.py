"""Fundamental frequency and voicing of speech.

Normalised autocorrelation of windowed frames divided by that of the window, then the cheapest path through
the candidates (Boersma, "Accurate short-term analysis of the fundamental frequency", 1993, sections 2 and 3).
Letters: L samples, T frames, K candidates per frame, F FFT size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch


def filled_log_pitch(pitch: np.ndarray, fallback: float = 160.0) -> np.ndarray:
    """Natural log of pitch `[T]`, linear between voiced frames, constant at the ends."""
    voiced = np.flatnonzero(pitch > 0)
    if not len(voiced):
        return np.full(len(pitch), np.log(fallback), np.float32)
    return np.interp(np.arange(len(pitch)), voiced, np.log(pitch[voiced])).astype(np.float32)


@dataclass(frozen=True)
class PitchConfig:
    """Constants of the tracker. Costs are those of Boersma 1993, per 10 ms."""

    rate: int = 16000
    hop: int = 320
    window: int = 800  # three periods at 60 Hz
    floor: float = 60.0  # Hz
    ceiling: float = 500.0  # Hz
    candidates: int = 6
    silence: float = 0.03
    voicing: float = 0.45
    octave: float = 0.01
    octave_jump: float = 0.35
    voice_change: float = 0.14


DEFAULT = PitchConfig()


def _autocorrelation(wave: torch.Tensor, config: PitchConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Corrected autocorrelation `[T, lags]` of every frame, and each frame's peak amplitude `[T]`."""
    frames = max(1, wave.shape[-1] // config.hop)
    left = (config.window - config.hop) // 2
    padded = torch.nn.functional.pad(wave, (left, config.window))
    pieces = padded.unfold(0, config.window, config.hop)[:frames]
    peak = pieces.abs().amax(-1)
    window = torch.hann_window(config.window, periodic=False, dtype=wave.dtype)
    size = 1 << (2 * config.window - 1).bit_length()
    lags = int(config.rate / config.floor) + 2

    def correlate(x: torch.Tensor) -> torch.Tensor:
        return torch.fft.irfft(torch.fft.rfft(x, size).abs().square(), size)[..., :lags]

    own = correlate((pieces - pieces.mean(-1, keepdim=True)) * window)
    reference = correlate(window)
    own = own / own[:, :1].clamp_min(1e-9)
    return own / (reference / reference[0]), peak


def _candidates(wave: torch.Tensor, config: PitchConfig) -> tuple[np.ndarray, np.ndarray]:
    """Strengths and frequencies `[T, K+1]`; candidate 0 is "unvoiced" with frequency 0."""
    correlation, peak = _autocorrelation(wave, config)
    loudness = peak / peak.max().clamp_min(1e-6)
    first = int(config.rate / config.ceiling)
    lag = torch.arange(first, correlation.shape[1] - 1)
    before, middle, after = correlation[:, first - 1 : -2], correlation[:, first:-1], correlation[:, first + 1 :]
    is_peak = (middle > before) & (middle >= after) & (middle > 0.2)
    rough = middle - config.octave * torch.log2(config.floor * lag / config.rate)
    strength, index = torch.where(is_peak, rough, rough.new_tensor(-1e3)).topk(config.candidates, dim=-1)
    # parabolic interpolation of the chosen maxima
    left, right = before.gather(1, index), after.gather(1, index)
    bend = (left - 2 * middle.gather(1, index) + right).clamp_max(-1e-6)
    shift = (0.5 * (left - right) / bend).clamp(-0.5, 0.5)
    strength = strength - 0.25 * (left - right) * shift
    hertz = config.rate / (index + first + shift)
    unvoiced = config.voicing + (2.0 - (loudness / config.silence) / (1.0 + config.voicing)).clamp_min(0.0)
    scores = torch.cat([unvoiced[:, None], strength], dim=1)
    return scores.numpy(), torch.cat([torch.zeros_like(unvoiced)[:, None], hertz], dim=1).numpy()


def track_pitch(wave: np.ndarray | torch.Tensor, config: PitchConfig = DEFAULT) -> np.ndarray:
    """Fundamental frequency in Hz, 0 where unvoiced, float32 `[T]` with `T = max(1, L // hop)`.

    ``wave``: mono float samples `[L]` at ``config.rate``.
    """
    return track_pitch_batch([wave], config)[0]


def track_pitch_batch(waves: Sequence[np.ndarray | torch.Tensor], config: PitchConfig = DEFAULT) -> list[np.ndarray]:
    """``track_pitch`` of several waves; the path search runs over all of them at once."""
    found = [_candidates(torch.as_tensor(w, dtype=torch.float32).reshape(-1), config) for w in waves]
    lengths = [len(scores) for scores, _ in found]
    scores = np.full((len(found), max(lengths), config.candidates + 1), -1e3, np.float32)
    scores[:, :, 0] = 0.0
    hertz = np.zeros_like(scores)
    for row, (s, h) in enumerate(found):
        scores[row, : len(s)], hertz[row, : len(h)] = s, h
    paths = _best_path(scores, hertz, config)
    return [path[:length] for path, length in zip(paths, lengths, strict=True)]


def _best_path(scores: np.ndarray, hertz: np.ndarray, config: PitchConfig) -> np.ndarray:
    """Viterbi through candidate strengths `[B, T, K]`; returns the frequencies on the best path `[B, T]`."""
    scale = 0.01 * config.rate / config.hop  # the costs are given per 10 ms
    log2 = np.log2(np.maximum(hertz, 1.0))
    voiced = hertz > 0
    rows, frames, count = scores.shape
    total = scores[:, 0].copy()
    back = np.zeros((rows, frames, count), np.int64)
    for t in range(1, frames):
        both = voiced[:, t - 1, :, None] & voiced[:, t, None, :]
        one = voiced[:, t - 1, :, None] ^ voiced[:, t, None, :]
        jump = np.abs(log2[:, t - 1, :, None] - log2[:, t, None, :])
        options = total[:, :, None] - scale * (config.octave_jump * jump * both + config.voice_change * one)
        back[:, t] = options.argmax(1)
        total = options.max(1) + scores[:, t]
    path = np.empty((rows, frames), np.int64)
    path[:, -1] = total.argmax(1)
    every = np.arange(rows)
    for t in range(frames - 1, 0, -1):
        path[:, t - 1] = back[every, t, path[:, t]]
    return np.take_along_axis(hertz, path[:, :, None], 2)[:, :, 0].astype(np.float32)
