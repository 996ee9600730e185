"""Make a spoiled recording better without making it worse: hum out, rumble out, steady noise lower.

Nothing is done to a good recording. Noise is lowered by at most 12 dB with the decision-directed Wiener rule (Ephraim
and Malah 1984), whose smoothed gains do not chirp; hum is not filtered but measured and subtracted, so that speech at
the same frequencies stays. Loudness is set later, where the pieces are written.

Letters in shapes: L samples, F frames, B bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpt_sovits.audio import Audio
from gpt_sovits.dataset.assess import Assessment
from gpt_sovits.dataset.vad import Span
from gpt_sovits.events import CancelToken

RUMBLE = 60.0  # Hz; nobody's voice is lower
REDUCTION = 12.0  # dB by which noise is lowered at most
_BLOCK = 2048  # frames of one transform: bounds memory


@dataclass(frozen=True)
class Cleaned:
    """``steps`` names what was done: hum, noise. Empty: ``audio`` is the very recording."""

    audio: Audio
    steps: tuple[str, ...]


def clean(audio: Audio, assessment: Assessment, *, cancel: CancelToken | None = None) -> Cleaned:
    """Repair what the assessment names: hum, and noise where pauses tell what it is like."""
    kinds = {problem.kind for problem in assessment.problems}
    steps = []
    if "hum" in kinds:
        audio = remove_hum(audio, assessment.hum)
        steps.append("hum")
    if "noise" in kinds:
        quieter = reduce_noise(audio, assessment.spans, cancel=cancel)
        if quieter is not audio:
            audio = quieter
            steps.append("noise")
    return Cleaned(audio, tuple(steps))


def remove_hum(audio: Audio, mains: float, *, harmonics: int = 6, window: float = 4.0) -> Audio:
    """Subtract the mains' tone and its harmonics, measured anew in every ``window`` seconds.

    Each window is projected on sine and cosine of each harmonic, so only about half a hertz is removed. The mains'
    frequency itself wanders by some hundredths of a hertz; it is measured first.
    """
    size = round(window * audio.rate)
    if len(audio.samples) < size:
        return audio
    mains = _exact_mains(audio, mains)
    hop = size // 2
    hann = np.hanning(size + 1)[:-1]
    padded = np.pad(audio.samples.astype(np.float64), (hop, size))
    estimate = np.zeros(len(padded))
    time = np.arange(size) / audio.rate
    waves = np.exp(-2j * np.pi * mains * np.outer(np.arange(1, harmonics + 1), time))
    for start in range(0, len(padded) - size + 1, hop):
        weights = waves @ (padded[start : start + size] * hann) * (2.0 / hann.sum())
        estimate[start : start + size] += hann * (weights.conj() @ waves).real
    result = padded - estimate
    return Audio(result[hop : hop + len(audio.samples)].astype(np.float32), audio.rate)


def _exact_mains(audio: Audio, mains: float) -> float:
    """Within 0.3 Hz of ``mains``: the frequency at which the second harmonic holds most energy."""
    size = min(len(audio.samples), 20 * audio.rate)
    samples = audio.samples[:size] * np.hanning(size)
    time = np.arange(size) / audio.rate
    candidates = np.arange(mains - 0.3, mains + 0.301, 0.02)
    energy = [abs(np.dot(samples, np.exp(-2j * np.pi * 2 * f * time))) for f in candidates]
    return float(candidates[int(np.argmax(energy))])


def reduce_noise(audio: Audio, spans: Sequence[Span], *, cancel: CancelToken | None = None) -> Audio:
    """Lower steady noise by up to ``REDUCTION`` dB and take out rumble.

    What the noise is like is learned from where nobody speaks; the very recording comes back when that is less than
    a third of a second.
    """
    cancel = cancel or CancelToken()
    size = 1 << max(8, round(np.log2(0.04 * audio.rate)))
    hop = size // 4
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    frames = -(-len(audio.samples) // hop) + 3
    padded = np.pad(audio.samples, (size - hop, frames * hop - len(audio.samples)))
    pauses = _pause_frames(spans, frames, hop / audio.rate, size / audio.rate)
    if pauses.sum() * hop < 0.33 * audio.rate:
        return audio
    noise = _noise_power(padded, pauses, window, hop)
    bins = np.arange(size // 2 + 1) * audio.rate / size
    low_cut = np.clip((bins - RUMBLE / 2) / (RUMBLE / 2), 0.0, 1.0).astype(np.float32)
    floor = np.float32(10 ** (-REDUCTION / 20))
    out = np.zeros(len(padded), np.float32)
    before = np.ones(size // 2 + 1, np.float32)
    for first in range(0, frames, _BLOCK):
        cancel.check()
        count = min(_BLOCK, frames - first)
        spectra = np.fft.rfft(_frames(padded, first, count, size, hop) * window, axis=1).astype(np.complex64)
        ratio = (np.square(np.abs(spectra)) / noise).astype(np.float32)
        gains = np.empty_like(ratio)
        for index in range(count):  # each frame's gain leans on the one before: this is what keeps it from chirping
            prior = 0.96 * before + 0.04 * np.maximum(ratio[index] - 1.0, 0.0)
            gains[index] = np.maximum(prior / (1.0 + prior), floor)
            before = np.square(gains[index]) * ratio[index]
        pieces = np.fft.irfft(spectra * gains * low_cut, size, axis=1).astype(np.float32) * window
        for index in range(count):
            start = (first + index) * hop
            out[start : start + size] += pieces[index]
    out /= 1.5  # squared Hann windows at a quarter's hop add up to 1.5
    return Audio(out[size - hop : size - hop + len(audio.samples)], audio.rate)


def _frames(samples: np.ndarray, first: int, count: int, size: int, hop: int) -> np.ndarray:
    """[count, size] views of consecutive frames."""
    part = samples[first * hop : first * hop + (count - 1) * hop + size]
    return np.lib.stride_tricks.sliding_window_view(part, size)[::hop]


def _pause_frames(spans: Sequence[Span], frames: int, hop: float, size: float) -> np.ndarray:
    """Which frames [F] lie wholly where nobody speaks. Frame k covers ``size`` seconds and ends at (k + 1) ``hop``."""
    silent = np.ones(frames, bool)
    for span in spans:
        first = int(max(0.0, span.start - 0.05) / hop)
        silent[first : int((span.end + 0.05 + size) / hop) + 1] = False
    silent[:3] = silent[-4:] = False  # these hold padding
    return silent


def _noise_power(padded: np.ndarray, pauses: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    """Power of the noise per bin [B]: median over the pauses, corrected to the mean of noise, smoothed over bins."""
    size = len(window)
    chosen = np.flatnonzero(pauses)
    chosen = chosen[:: max(1, len(chosen) // 1500)]
    powers = np.stack([np.square(np.abs(np.fft.rfft(padded[k * hop : k * hop + size] * window))) for k in chosen])
    power = np.median(powers, axis=0) / np.log(2.0)
    smooth = np.convolve(np.pad(power, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    return np.maximum(np.maximum(power, smooth), 1e-12).astype(np.float32)
