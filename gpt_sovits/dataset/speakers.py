"""Does one person speak here, and with a voice? From the timbre and pitch of the speech alone, without a network.

The speech is cut into stretches of a few seconds. Each is described by the cepstra (Davis and Mermelstein 1980) and the
pitch of its voiced frames. The stretches are joined bottom-up into two groups by the generalised likelihood ratio of
Gaussians (Gish et al. 1991), and the groups are two people when they differ by more than one person's moods do.

Letters in shapes: F frames (20 ms), D features, N stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gpt_sovits.audio import Audio, resample
from gpt_sovits.dataset.vad import Span
from gpt_sovits.features.pitch import track_pitch
from gpt_sovits.features.spectral import mel_filterbank

RATE = 16_000
STRETCH = 2.5  # seconds of speech that are described together
LONGEST = 150.0  # seconds of speech that are looked at; longer recordings are sampled
LEAST = 5  # stretches that a second person must have; fewer differ by what is said
TWO = 2.4  # distance of two people: 32 of 36 joins of two unknown speakers are over it, none of 12 single ones
_HOP, _WINDOW, _FFT, _BANDS, _CEPSTRA = 320, 640, 1024, 26, 12


@dataclass(frozen=True)
class Voices:
    """``voiced``: share of the loud speech frames that have a pitch; ``distance``: of the two most different groups."""

    count: int
    voiced: float
    distance: float


def listen_for_voices(audio: Audio, spans: Sequence[Span]) -> Voices:
    """How many people speak in ``spans``: 1, or 2 for more than one."""
    described = _describe(audio, spans)
    if described is None:
        return Voices(1, 1.0, 0.0)
    stretches, voiced = described
    distance, smaller = _two_groups(stretches)
    return Voices(2 if distance > TWO and smaller >= LEAST else 1, voiced, distance)


def _describe(audio: Audio, spans: Sequence[Span]) -> tuple[list[np.ndarray], float] | None:
    """Features of the voiced frames [F, D] of each stretch, and the voiced share of all loud frames."""
    wanted, chosen = sum(span.seconds for span in spans), list(spans)
    if wanted > LONGEST:
        chosen = chosen[:: int(np.ceil(wanted / LONGEST))]
    sound = resample(audio, RATE)
    parts = [sound.between(span.start, span.end).samples for span in chosen]
    wave = torch.from_numpy(np.concatenate(parts) if parts else np.zeros(0, np.float32))
    frames = len(wave) // _HOP
    if frames < 50:
        return None
    pitch = np.asarray(track_pitch(wave))[:frames]
    pieces = torch.nn.functional.pad(wave, (160, _WINDOW)).unfold(0, _WINDOW, _HOP)[:frames]
    power = torch.fft.rfft(pieces * torch.hann_window(_WINDOW), _FFT).abs().square()
    mel = (power @ mel_filterbank(RATE, _FFT, _BANDS).T + 1e-8).log().numpy()
    order = np.arange(1, _CEPSTRA + 1)[:, None] * (np.arange(_BANDS) + 0.5) * np.pi / _BANDS
    cepstra = mel @ np.cos(order).T * (2 / _BANDS)
    loudness = mel.mean(axis=1)
    loud = loudness > np.percentile(loudness, 90) - 4.0
    with_pitch = loud & (pitch > 0)
    features = np.concatenate([cepstra, np.log2(np.maximum(pitch, 50.0))[:, None]], axis=1)
    size = round(STRETCH * RATE / _HOP)
    stretches = []
    for start in range(0, frames - size // 2, size):
        chosen_frames = features[start : start + size][with_pitch[start : start + size]]
        if len(chosen_frames) >= 25:
            stretches.append(chosen_frames)
    return stretches, float(with_pitch.sum() / max(1, loud.sum()))


def _two_groups(stretches: Sequence[np.ndarray]) -> tuple[float, int]:
    """Distance between the two groups that bottom-up joining leaves, and the stretches of the smaller one."""
    groups = [_Moments.of(each) for each in stretches]
    if len(groups) < 2 * LEAST:
        return 0.0, 0
    while len(groups) > 2:
        pairs = [(_distance(a, b) * min(a.count, b.count), i, j) for i, a in enumerate(groups)
                 for j, b in enumerate(groups[:i])]  # fmt: skip
        _, i, j = min(pairs)
        joined = groups[i] + groups[j]
        groups = [each for k, each in enumerate(groups) if k not in (i, j)] + [joined]
    return _distance(*groups), min(each.stretches for each in groups)


@dataclass(frozen=True)
class _Moments:
    """Sums that Gaussians are made of, so that groups can be joined."""

    count: int
    first: np.ndarray
    second: np.ndarray
    stretches: int = 1

    @staticmethod
    def of(frames: np.ndarray) -> _Moments:
        return _Moments(len(frames), frames.sum(axis=0), frames.T @ frames)

    def __add__(self, other: _Moments) -> _Moments:
        stretches = self.stretches + other.stretches
        return _Moments(self.count + other.count, self.first + other.first, self.second + other.second, stretches)

    @property
    def mean(self) -> np.ndarray:
        return self.first / self.count

    @property
    def covariance(self) -> np.ndarray:
        mean = self.mean
        return self.second / self.count - np.outer(mean, mean) + 1e-3 * np.eye(len(mean))


def _distance(a: _Moments, b: _Moments) -> float:
    """Mahalanobis distance of the means under the spread that both have in common."""
    spread = (a.count * a.covariance + b.count * b.covariance) / (a.count + b.count)
    apart = a.mean - b.mean
    return float(np.sqrt(apart @ np.linalg.solve(spread, apart)))
