"""How loud speech is, and speech at an even loudness: ITU-R BS.1770-4, K-weighted and gated.

Every piece of a speech is measured by itself and brought to one level, so nothing has to be known of what follows: a
word alone, a long sentence, a quiet clip's voice and a mix are as loud as each other. A piece that is shorter than the
standard's blocks is measured over itself. Peaks are held by a limiter that looks between the samples too. What is not
speech, silence or a hiss, is never raised.

The weighting is done on the spectrum: pyloudnorm, with which the tests compare it, brings SciPy along (113 MB, and 1.5
seconds before the first word).

Letters: L samples, K blocks, C control points (2000 a second).
"""

from __future__ import annotations

import math

import numpy as np
import soxr

from gpt_sovits.audio import Audio, frame_levels, resample
from gpt_sovits.features.pitch import track_pitch

LOUDNESS = -18.0  # LUFS at which everything is spoken
CEILING = -1.0  # dB of full scale that the true peak stays under
FAINTEST = -50.0  # LUFS; what is fainter holds no speech
_BLOCK = 0.4  # seconds over which BS.1770 measures, every quarter of that
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0
_OFFSET = -0.691
_SHELF = (1681.974450955533, 3.999843853973347, 0.7071752369554196)  # Hz, dB, Q: the head
_LOW_CUT = (38.13547087602444, 0.5003270373238773)  # Hz, Q
_RING = 0.1  # seconds after which the low cut has died away
_SILENCE = -120.0
_OVERSAMPLING = 4  # BS.1770-4, annex 2
_MARGIN = 0.2  # dB between the limiter and the ceiling
_CONTROL = 2000  # Hz
_REACH = 30  # control points to either side of a peak: 15 ms
_ROUNDS = 4
_STEADY_DB = 8.0  # speech comes and goes by more than this
_PITCH_RATE = 16000


def loudness(audio: Audio) -> float:
    """Integrated loudness in LUFS, over one block as long as the sound where it is shorter than 0.4 s; -120 for none."""
    return _gated(_weighted(np.trim_zeros(audio.samples), audio.rate), audio.rate)


def _weighted(samples: np.ndarray, rate: int) -> np.ndarray:
    """K-weighted samples `[L]`: what the head adds and what is too low to be heard taken away."""
    if not len(samples):
        return np.zeros(0)
    size = 1 << (len(samples) + round(_RING * rate) - 1).bit_length()
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)  # one sample later
    spectrum = np.fft.rfft(samples, size) * _response(_shelf(rate), z) * _response(_low_cut(rate), z)
    return np.fft.irfft(spectrum, size)[: len(samples)]


def _shelf(rate: int) -> tuple[list[float], list[float]]:
    hertz, gain, quality = _SHELF
    k = math.tan(math.pi * hertz / rate)
    high = 10.0 ** (gain / 20.0)
    band = high**0.4996667741545416
    b = [high + band * k / quality + k * k, 2 * (k * k - high), high - band * k / quality + k * k]
    return b, [1 + k / quality + k * k, 2 * (k * k - 1), 1 - k / quality + k * k]


def _low_cut(rate: int) -> tuple[list[float], list[float]]:
    hertz, quality = _LOW_CUT
    k = math.tan(math.pi * hertz / rate)
    whole = 1 + k / quality + k * k
    return [whole, -2 * whole, whole], [whole, 2 * (k * k - 1), 1 - k / quality + k * k]


def _response(filter_: tuple[list[float], list[float]], z: np.ndarray) -> np.ndarray:
    b, a = filter_
    return (b[0] + z * (b[1] + z * b[2])) / (a[0] + z * (a[1] + z * a[2]))


def _gated(weighted: np.ndarray, rate: int) -> float:
    """Loudness of K-weighted samples `[L]`: of the blocks that are no silence, those within 10 LU of their mean."""
    block = min(round(_BLOCK * rate), len(weighted))
    if block < 16 or not np.isfinite(weighted).all():
        return _SILENCE
    sums = np.concatenate([[0.0], np.cumsum(np.square(weighted, dtype=np.float64))])
    starts = np.arange(0, len(weighted) - block + 1, max(1, block // 4))
    powers = np.maximum(sums[starts + block] - sums[starts], 0.0) / block  # [K]
    for gate in (_ABSOLUTE_GATE, None):
        if not len(powers):
            break
        powers = powers[powers > 10.0 ** (((_lufs(powers) + _RELATIVE_GATE if gate is None else gate) - _OFFSET) / 10)]
    return _lufs(powers)


def _lufs(powers: np.ndarray) -> float:
    mean = float(powers.mean()) if len(powers) else 0.0
    return max(_SILENCE, _OFFSET + 10.0 * math.log10(mean)) if mean > 0 else _SILENCE


def true_peak(audio: Audio) -> float:
    """Largest value between the samples too, in dB of full scale; -120 for silence."""
    highest = float(_envelope(audio).max(initial=0.0))
    return 20.0 * math.log10(highest) if highest > 1e-6 else _SILENCE


def _envelope(audio: Audio) -> np.ndarray:
    """Largest absolute value at and after each sample `[L]`, before the next one."""
    count = len(audio.samples)
    if not count:
        return np.zeros(0, np.float32)
    fine = np.abs(soxr.resample(audio.samples, audio.rate, _OVERSAMPLING * audio.rate, quality="MQ"))
    fine = np.pad(fine, (0, max(0, _OVERSAMPLING * count - len(fine))))[: _OVERSAMPLING * count]
    return np.maximum(fine.reshape(count, _OVERSAMPLING).max(1), np.abs(audio.samples))


def is_speech(audio: Audio) -> bool:
    """Whether there is something that may be raised: neither silence nor a hiss without pitch that never changes."""
    return loudness(audio) >= FAINTEST and _comes_and_goes(audio)


def _comes_and_goes(audio: Audio) -> bool:
    levels = frame_levels(Audio(np.trim_zeros(audio.samples), audio.rate))
    if not len(levels) or float(np.subtract(*np.percentile(levels, [95, 20]))) > _STEADY_DB:
        return True
    return bool((track_pitch(resample(audio, _PITCH_RATE).samples) > 0).any())


def even(audio: Audio, target: float = LOUDNESS, ceiling: float = CEILING) -> Audio:
    """The same speech at ``target`` LUFS with its true peak below ``ceiling`` dB.

    What is no speech (``is_speech``) is lowered where it is louder than that, and else stays as it is. Samples that are
    no numbers become silence.
    """
    samples = np.nan_to_num(audio.samples.astype(np.float32), posinf=0.0, neginf=0.0)
    audio = Audio(samples, audio.rate)
    weighted = _weighted(samples, audio.rate)
    measured = _gated(weighted, audio.rate)
    gain = target - measured
    fixed = gain > 0 and (measured < FAINTEST or not _comes_and_goes(audio))
    gain = 0.0 if fixed else gain
    envelope = _envelope(audio)
    highest = 10.0 ** ((ceiling - _MARGIN) / 20.0)
    for _ in range(_ROUNDS):
        curve = _limiter(envelope * 10.0 ** (gain / 20.0), highest, audio.rate) * 10.0 ** (gain / 20.0)
        missing = target - _gated(weighted * curve, audio.rate)  # the curve is slow: it could as well come first
        if fixed or abs(missing) < 0.1:
            break
        gain += missing
    return Audio((samples * curve).astype(np.float32), audio.rate)


def _limiter(envelope: np.ndarray, highest: float, rate: int) -> np.ndarray | float:
    """A smooth factor `[L]`, at most 1, that keeps ``envelope`` `[L]` under ``highest``; looks 15 ms ahead and back."""
    if not len(envelope) or float(envelope.max()) <= highest:
        return 1.0
    step = max(1, rate // _CONTROL)
    count = -(-len(envelope) // step)
    peaks = np.pad(envelope, (0, count * step - len(envelope))).reshape(count, step).max(1)  # [C]
    wanted = np.minimum(1.0, highest / np.maximum(peaks, 1e-9))
    around = np.pad(wanted, 2 * _REACH + 1, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(around, 2 * _REACH + 3).min(1)
    window = np.hanning(2 * _REACH + 3)[1:-1]
    smooth = np.convolve(lowest, window / window.sum(), mode="valid")
    return np.interp(np.arange(len(envelope)) / step - 0.5, np.arange(count), smooth)
