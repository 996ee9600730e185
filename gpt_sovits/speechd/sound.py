"""Rate, pitch and volume of a sound, by FFmpeg's filters: what is ready need not be made anew for another rate."""

from __future__ import annotations

from typing import Any

import av
import av.filter
import numpy as np

from gpt_sovits.audio import Audio

FASTEST = 3.0  # times, at rate 100; at -100 a third
_SEMITONES = 6.0  # at pitch 100

_QUIET, _LEAD = 0.015, 0.015  # of the peak; seconds that stay before what is louder


def prompt(audio: Audio) -> Audio:
    """The sound without what is hardly heard before it: who presses a key waits for the rest."""
    loud = np.flatnonzero(np.abs(audio.samples) > _QUIET * np.abs(audio.samples).max(initial=1e-9))
    first = max(0, int(loud[0]) - round(_LEAD * audio.rate)) if len(loud) else 0
    return Audio(audio.samples[first:], audio.rate)


def turned(audio: Audio, *, rate: int = 0, pitch: int = 0, volume: int = 100) -> Audio:
    """The sound at speech-dispatcher's rate, pitch and volume, each from -100 to 100; 0, 0, 100 leave it as it is."""
    higher = 2.0 ** (_SEMITONES / 12 * pitch / 100)
    gain = 2.0 ** ((volume - 100) / 50)
    samples = altered(audio, FASTEST ** (rate / 100), higher).samples if rate or pitch else audio.samples
    return Audio(np.clip(samples * gain, -1.0, 1.0).astype(np.float32), audio.rate)


def altered(audio: Audio, faster: float, higher: float = 1.0) -> Audio:
    """The sound so many times as fast and as high, in as many steps as keep each tempo within what one does well."""
    if not len(audio.samples):
        return audio
    graph = av.filter.Graph()
    last: Any = graph.add_abuffer(sample_rate=audio.rate, format="flt", layout="mono")
    steps = [("asetrate", str(round(audio.rate * higher))), ("aresample", str(audio.rate))] if higher != 1.0 else []
    tempo = faster / higher
    while tempo > 2.0 or tempo < 0.5:
        part = 2.0 if tempo > 2.0 else 0.5
        steps.append(("atempo", str(part)))
        tempo /= part
    steps += [("atempo", f"{tempo:.4f}"), ("aformat", "sample_fmts=flt"), ("abuffersink", "")]
    for name, options in steps:
        step = graph.add(name, options) if options else graph.add(name)
        last.link_to(step)
        last = step
    graph.configure()
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(audio.samples[None], np.float32), format="flt", layout="mono"
    )
    frame.sample_rate, frame.pts = audio.rate, 0
    graph.push(frame)
    graph.push(None)
    found = []
    while True:
        try:
            found.append(graph.pull().to_ndarray().reshape(-1))  # type: ignore[union-attr]
        except (av.error.BlockingIOError, av.error.EOFError):
            return Audio(np.concatenate(found) if found else np.zeros(0, np.float32), audio.rate)
