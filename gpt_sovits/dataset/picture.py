"""A recording as a picture: the waveform with its trouble marked, and below it the spectrogram.

It holds no letters: the page beside it explains the colours.

Letters in shapes: H and W pixels.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gpt_sovits.audio import Audio, peak, resample
from gpt_sovits.dataset.assess import Assessment
from gpt_sovits.dataset.vad import Span

WIDTH, WAVE, SPECTRUM, GAP = 1200, 140, 160, 6
_COLOURS = ((251, 249, 245), (15, 110, 110), (176, 172, 164), (190, 40, 30), (250, 224, 219))
PAPER, SPEECH, PAUSE, TROUBLE, SHADE = (np.array(colour, np.float32) for colour in _COLOURS)
_RATE = 16_000
_RANGE = 70.0  # dB of the spectrogram


def draw(audio: Audio, assessment: Assessment, trouble: Sequence[Span] = ()) -> np.ndarray:
    """The picture, uint8 [H, W, 3]. ``trouble``: stretches to shade; clipped moments are marked anyway."""
    wave = np.broadcast_to(PAPER, (WAVE, WIDTH, 3)).copy()
    seconds = max(audio.seconds, 1e-3)
    for span in trouble:
        first, last = (min(WIDTH, max(0, round(t / seconds * WIDTH))) for t in (span.start, span.end))
        wave[:, first : max(last, first + 2)] = SHADE
    edges = np.linspace(0, len(audio.samples), WIDTH + 1).astype(int)
    scale = (WAVE / 2 - 4) / max(peak(audio), 1e-3)
    top = 0.995 * peak(audio)
    speech = _columns(assessment.spans, seconds)
    rows = np.arange(WAVE)
    clipping = any(problem.kind == "clipping" for problem in assessment.problems)
    for x in range(WIDTH):
        part = audio.samples[edges[x] : max(edges[x + 1], edges[x] + 1)]
        high, low = (WAVE / 2 - scale * float(v) for v in (part.max(initial=0.0), part.min(initial=0.0)))
        stuck = clipping and int((np.abs(part) >= top).sum()) >= 3
        wave[(rows >= high - 0.5) & (rows <= low + 0.5), x] = TROUBLE if stuck else SPEECH if speech[x] else PAUSE
    gap = np.broadcast_to(PAPER, (GAP, WIDTH, 3))
    return np.concatenate([wave, gap, spectrogram(audio)]).round().clip(0, 255).astype(np.uint8)


def png(picture: np.ndarray) -> bytes:
    """uint8 [H, W, 3] as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def portrait(audio: Audio, bands: int = 48) -> list[float]:
    """How a voice sounds on the whole, as ``bands`` numbers from 0 to 1: its level from 80 Hz to 8 kHz."""
    samples = resample(audio, _RATE).samples
    size = 1024
    padded = np.pad(samples, (0, max(size, size - len(samples))))
    starts = np.arange(0, len(padded) - size + 1, size // 2)
    power = np.square(np.abs(np.fft.rfft(padded[starts[:, None] + np.arange(size)] * np.hanning(size), axis=1)))
    loud = power[power.sum(axis=1) >= np.median(power.sum(axis=1))].mean(axis=0)
    edges = np.geomspace(80.0, _RATE / 2, bands + 1) * size / _RATE
    centres = np.sqrt(edges[:-1] * edges[1:])
    levels = 10 * np.log10(np.interp(centres, np.arange(len(loud)), loud) + 1e-10)
    return [round(float(each), 3) for each in np.clip((levels - levels.max() + _RANGE) / _RANGE, 0, 1)]


def _columns(spans: Sequence[Span], seconds: float) -> np.ndarray:
    inside = np.zeros(WIDTH, bool)
    for span in spans:
        inside[int(span.start / seconds * WIDTH) : int(np.ceil(span.end / seconds * WIDTH))] = True
    return inside


def spectrogram(audio: Audio) -> np.ndarray:
    """uint8 `[SPECTRUM, WIDTH, 3]`; 0 to 8 kHz from the bottom up, one window per column."""
    samples = resample(audio, _RATE).samples
    size = 512
    padded = np.pad(samples, (0, size))
    starts = np.linspace(0, max(0, len(samples) - 1), WIDTH).astype(int)
    power = np.square(np.abs(np.fft.rfft(padded[starts[:, None] + np.arange(size)] * np.hanning(size), axis=1)))
    bins = np.linspace(size // 2, 0, SPECTRUM).astype(int)
    levels = 10 * np.log10(power[:, bins].T + 1e-10)
    shade = np.clip((levels - (np.percentile(levels, 99.5) - _RANGE)) / _RANGE, 0, 1)[..., None].astype(np.float32)
    dark = np.array((6, 45, 48), np.float32)
    mixed = np.where(shade < 0.5, PAPER + (SPEECH - PAPER) * 2 * shade, SPEECH + (dark - SPEECH) * (2 * shade - 1))
    return mixed.round().clip(0, 255).astype(np.uint8)
