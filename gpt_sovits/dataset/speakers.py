"""Does one person speak here, and with a voice? From the timbre and pitch of the speech alone, without a network.

The speech is cut into stretches of a few seconds. Each is described by the mean cepstra (Davis and Mermelstein 1980)
and pitch of its voiced frames, seen along the directions in which people differ most for how much one person varies
(linear discriminant analysis; ``speakers.json``, by ``tests/tools/two_people.py`` from 383 people). Two groups are
two people when they lie further apart than one person's moods do.

A second measure joins the stretches bottom-up; it finds a throat that differs in size alone.

Letters in shapes: F frames (20 ms), D features, K directions, N stretches.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from gpt_sovits.audio import Audio, frame_levels, resample
from gpt_sovits.dataset.rhythm import held_notes
from gpt_sovits.dataset.vad import Span
from gpt_sovits.features.pitch import track_pitch
from gpt_sovits.features.spectral import mel_filterbank

RATE = 16_000
STRETCH = 2.5  # seconds of speech that are described together
LONGEST = 150.0  # seconds of speech that are looked at; longer recordings are sampled
LEAST = 4  # stretches that a second person must have; fewer differ by what is said
TWO = 0.91  # spread between the two groups over that within: of 40 joins of two unknown people 38 are over it, of 41
# single ones none (tests/tools/two_people.py)
FEW, FURTHER = 18, 0.08  # stretches under which chance alone parts one person; how much further for each that lacks:
# of 16 single people after 30 s and 40 s two each were called two, and now none; of 14 joins 11 and 13, now 9 and 9
APART, MANY = 3.0, 5  # the same for stretches that are joined bottom-up, and how many a second person must have then
_FRAME, _ENOUGH = 0.02, 50  # seconds; frames of pauses that are needed to hear anybody in them
_PITCH = 6.0  # what an octave counts beside the cepstra
_VOICED = 15  # frames that describe a stretch
_HOP, _WINDOW, _FFT, _BANDS, _CEPSTRA = 320, 640, 1024, 26, 12


@dataclass(frozen=True)
class Voices:
    """``voiced``: share of the loud speech frames that have a pitch; ``distance``: of the two groups, see ``TWO``;
    ``notes``: share of what has a pitch that is held like a note."""

    count: int
    voiced: float
    distance: float
    notes: float = 0.0


def listen_for_voices(audio: Audio, spans: Sequence[Span]) -> Voices:
    """How many people speak in ``spans``: 1, or 2 for more than one."""
    described = describe(audio, spans)
    if described is None:
        return Voices(1, 1.0, 0.0)
    stretches, voiced, notes = described
    distance, smaller = two_groups(np.array([each.mean(axis=0) for each in stretches]))
    apart, fewer = joined_bottom_up([each for each in stretches if len(each) >= 25])
    surely = TWO + FURTHER * max(0, FEW - len(stretches))
    two = distance > surely and smaller >= LEAST or apart > APART and fewer >= MANY
    return Voices(2 if two else 1, voiced, distance, notes)


def describe(audio: Audio, spans: Sequence[Span]) -> tuple[list[np.ndarray], float, float] | None:
    """Features of the voiced frames [F, D] of each stretch, the voiced share of the loud ones, and the share of held
    notes; None if too few."""
    wanted, chosen = sum(span.seconds for span in spans), list(spans)
    if wanted > LONGEST:
        chosen = chosen[:: int(np.ceil(wanted / LONGEST))]
    sound = resample(audio, RATE)
    rows: list[np.ndarray] = []
    melody: list[np.ndarray] = []
    voiced = loud = 0
    for span in chosen:
        count = max(1, round(span.seconds / STRETCH))
        for number in range(count):
            start = span.start + number * span.seconds / count
            cepstra, pitch, loudness = _frames(sound.between(start, start + span.seconds / count).samples)
            if not len(pitch):
                continue
            melody.append(pitch)
            strong = loudness > np.percentile(loudness, 90) - 4.0
            sung = strong & (pitch > 0)
            voiced, loud = voiced + int(sung.sum()), loud + int(strong.sum())
            if sung.sum() >= _VOICED:
                rows.append(np.column_stack([cepstra[sung], _PITCH * np.log2(pitch[sung])]))
    if loud < 25:
        return None
    return rows, voiced / loud, held_notes(np.concatenate(melody), _FRAME)


def _frames(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cepstra [F, D - 1], pitch in Hz (0: none) [F] and loudness [F] of 16 kHz sound."""
    wave = torch.from_numpy(np.ascontiguousarray(samples))
    frames = len(wave) // _HOP
    if frames < 5:
        return np.zeros((0, _CEPSTRA)), np.zeros(0), np.zeros(0)
    pitch = np.asarray(track_pitch(wave))[:frames]
    pieces = torch.nn.functional.pad(wave, (160, _WINDOW)).unfold(0, _WINDOW, _HOP)[:frames]
    power = torch.fft.rfft(pieces * torch.hann_window(_WINDOW), _FFT).abs().square()
    mel = (power @ mel_filterbank(RATE, _FFT, _BANDS).T + 1e-8).log().numpy()
    order = np.arange(1, _CEPSTRA + 1)[:, None] * (np.arange(_BANDS) + 0.5) * np.pi / _BANDS
    return mel @ np.cos(order).T * (2 / _BANDS), pitch, mel.mean(axis=1)


@cache
def _directions() -> np.ndarray:
    """[D, K]"""
    return np.array(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))["directions"])


def voices_beside(audio: Audio) -> tuple[float, float]:
    """Share and seconds of the pauses in which somebody else is heard: a television, a room full of people.

    Pauses are what lies 0.2 s away from the loud speech; a voice has a pitch for a tenth of a second, at most 26 dB
    under it. (A person's own last vowels are nearer, breath has no pitch, and an echo falls too fast.)
    """
    sound = resample(audio, RATE)
    size = round(_FRAME * RATE)
    levels = frame_levels(sound, frame=_FRAME)
    top = np.percentile(levels, 90) if len(levels) else 0.0
    near = np.convolve(levels > top - 10.0, np.ones(21), mode="same") > 0
    quiet = np.flatnonzero(~near)[: round(LONGEST / _FRAME)]
    quiet = quiet[(quiet + 1) * size <= len(sound.samples)]
    if len(quiet) < _ENOUGH:
        return 0.0, 0.0
    wave = sound.samples[quiet[:, None] * size + np.arange(size)].reshape(-1)
    pitch = np.asarray(track_pitch(torch.from_numpy(wave)))[: len(quiet)]
    voiced = (levels[quiet[: len(pitch)]] > top - 26.0) & (pitch > 0)
    runs = np.convolve(voiced, np.ones(5), mode="valid") >= 5
    heard = np.convolve(runs, np.ones(5), mode="full") > 0
    return float(heard.mean()), float(heard.sum() * _FRAME)


def two_groups(stretches: np.ndarray) -> tuple[float, int]:
    """Spread between the two groups that part the stretches [N, D] best over that within, and the smaller one's size.

    Two means (Lloyd 1982) from the middle of each of the three widest directions.
    """
    if len(stretches) < 2 * LEAST:
        return 0.0, 0
    seen = stretches @ _directions()
    seen = seen - seen.mean(axis=0)
    whole = np.square(seen).sum()
    best, smaller = 0.0, 0
    for axis in np.linalg.svd(seen, full_matrices=False)[2][:3]:
        side = seen @ axis > np.median(seen @ axis)
        for _ in range(20):
            if min(side.sum(), (~side).sum()) < LEAST:
                break
            one, other = seen[side].mean(axis=0), seen[~side].mean(axis=0)
            nearer = np.square(seen - one).sum(axis=1) < np.square(seen - other).sum(axis=1)
            if (nearer == side).all():
                break
            side = nearer
        count = int(min(side.sum(), (~side).sum()))
        if count < LEAST:
            continue
        within = sum(np.square(part - part.mean(axis=0)).sum() for part in (seen[side], seen[~side]))
        if whole / max(within, 1e-9) - 1.0 > best:
            best, smaller = float(whole / max(within, 1e-9) - 1.0), count
    return best, smaller


def joined_bottom_up(stretches: Sequence[np.ndarray]) -> tuple[float, int]:
    """Distance between the two groups that bottom-up joining of stretches (frames [F, D] each) leaves, and the smaller
    one's size. By the generalised likelihood ratio of Gaussians (Gish et al. 1991)."""
    groups = [_Moments.of(each) for each in stretches]
    if len(groups) < 2 * MANY:
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
