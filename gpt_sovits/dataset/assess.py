"""Is this recording good enough for a voice? Measured before anything is stored, and said in words.

``open_recording`` is the door: it reads a file and refuses, in one sentence, what can never work (silence, too little
speech, too long, not a sound file). ``assess`` measures the rest and gives a verdict with one sentence of advice per
problem. Levels are dB of full scale; speech and pauses are told apart by the voice activity detector.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gpt_sovits.audio import MAX_SECONDS, Audio, frame_levels, level, peak, read_audio, resample, tracks
from gpt_sovits.dataset.rhythm import beat
from gpt_sovits.dataset.speakers import listen_for_voices, voices_beside
from gpt_sovits.dataset.vad import Span, speech_spans
from gpt_sovits.errors import InputError

MIN_SPEECH = 10.0  # seconds of speech below which no voice is trained
SILENT = 10 ** (-60 / 20)  # a peak under -60 dB is no recording
NOISY = 22.0  # dB; from here on noise is taken out before training
MUSIC = 0.4  # of the pauses; with music it is nearly all of them, and a few hold a whine, a ring or a room's echo
BESIDE = (
    0.04,
    0.4,
)  # share and seconds of the pauses with a voice: a clean one 0.00 to 0.01, 12 dB under 0.05 up
BEAT = 5.0  # times chance; speech 2 to 3, a tick that is 25 dB under it 16 (tests/tools/spoiled_people.py)
NOTES = 0.6  # of what has a pitch; speech 0.1 to 0.4, in a room more, singing 0.7 and up
DROPOUTS = 6.0  # a minute; nobody's speech has holes of digital silence
MOST_TRACKS = 8  # of a film that are listened to
LONG_PAUSE = 12.0  # seconds within the recording that are worth a word
_FRAME = 0.02
_DIGITAL_SILENCE = -90.0  # dB: a 16 bit step back and forth is no room that one hears

_REPEATED = "The same words are said again and again: read many different sentences."

GOOD, USABLE, RECORD_AGAIN = "good", "usable", "record_again"


@dataclass(frozen=True)
class Problem:
    """``kind`` is a stable name, ``severe`` means that the result will disappoint, ``advice`` is one sentence."""

    kind: str
    severe: bool
    advice: str


@dataclass(frozen=True)
class Assessment:
    """What was measured. ``level``, ``noise``, ``snr`` in dB, ``bandwidth`` and ``hum`` in Hz (hum 0: none).

    ``clipped``: share of samples stuck at the loudest value. ``reverberation``: seconds in which sound falls by 60 dB.
    ``foreign``: share of the time in which something that is not speech is nearly as loud as the speech.
    ``speakers``: how many people seem to speak; ``voiced``: share of the speech that has a pitch; ``music``: share of
    the pauses with steady tones; ``beside``: with somebody else's voice; ``dropouts``: holes in the speech, a minute of
    it; ``beat``, ``notes``: see ``dataset.rhythm``. ``spans``: where speech is; ``trouble``: where something else is
    loud.
    """

    seconds: float
    rate: int
    speech_seconds: float
    level: float
    peak: float
    clipped: float
    noise: float
    snr: float
    bandwidth: float
    hum: float
    reverberation: float
    foreign: float
    spans: tuple[Span, ...]
    problems: tuple[Problem, ...]
    speakers: int = 1
    voiced: float = 1.0
    music: float = 0.0
    beside: float = 0.0
    dropouts: float = 0.0
    beat: float = 1.0
    notes: float = 0.0
    trouble: tuple[Span, ...] = ()

    def repeated(self) -> Assessment:
        """The same, told that the same words are said again and again, which is a beat too."""
        known = tuple(problem for problem in self.problems if problem.kind != "beat")
        return replace(self, problems=(*known, Problem("repeated", False, _REPEATED)))

    @property
    def verdict(self) -> str:
        """good, usable or record_again."""
        if any(problem.severe for problem in self.problems):
            return RECORD_AGAIN
        return USABLE if self.problems else GOOD

    @property
    def advice(self) -> str:
        """What to do, most important first; empty for a good recording."""
        return " ".join(p.advice for p in sorted(self.problems, key=lambda p: not p.severe))


def open_recording(
    path: Path | str, *, min_speech: float = MIN_SPEECH, max_seconds: float = MAX_SECONDS
) -> tuple[Audio, Assessment]:
    """Read and judge a recording; of a film the track with most speech.

    Raises ``InputError`` when no voice can come of it.
    """
    audio, spans = _most_speech(Path(path), max_seconds)
    if peak(audio) < SILENT:
        raise InputError("The recording is silent.", "Please check that the right microphone is on and record again.")
    spoken = sum(span.seconds for span in spans)
    if spoken < 0.3:
        raise InputError("No speech was found in the recording.", "Please record somebody who speaks.")
    if spoken < min_speech:
        raise InputError(
            f"There are only {spoken:.0f} seconds of speech in the recording; at least {min_speech:.0f} are needed.",
            "Please record more; about one minute is best.",
        )
    return audio, assess(audio, spans)


def _most_speech(path: Path, max_seconds: float) -> tuple[Audio, list[Span]]:
    """The sound, and where speech is in it, of the track that holds most of it."""
    best = read_audio(path, max_seconds=max_seconds)
    spans = speech_spans(best)
    for track in range(1, min(MOST_TRACKS, tracks(path))):
        audio = read_audio(path, max_seconds=max_seconds, track=track)
        found = speech_spans(audio)
        if sum(span.seconds for span in found) > 1.1 * sum(span.seconds for span in spans):
            best, spans = audio, found
    return best, spans


def assess(audio: Audio, spans: list[Span] | None = None) -> Assessment:
    """Measure a recording. ``spans``: where speech is, when that is known already."""
    spans = speech_spans(audio) if spans is None else spans
    levels = frame_levels(audio, frame=_FRAME)
    speech, pause = _masks(spans, len(levels))
    sounding = levels > _DIGITAL_SILENCE
    speech_level = _power_mean(levels[speech & sounding])
    noise = _noise(levels, speech, pause, sounding)
    snr = speech_level - noise
    loud_pause = pause & (levels > speech_level - 15.0) & (levels > noise + 6.0)
    measured: dict[str, Any] = {
        "seconds": audio.seconds,
        "speech_seconds": float(sum(span.seconds for span in spans)),
        "level": level(audio),
        "peak": peak(audio),
        "clipped": clipped_share(audio),
        "noise": noise,
        "snr": snr,
        "bandwidth": bandwidth(audio, speech, pause),
        "hum": hum(audio),
        "reverberation": reverberation(levels),
        "foreign": float(loud_pause.sum() / max(1, len(levels))),
        "music": steady_tones(audio, pause, speech_level),
    }
    voices = listen_for_voices(audio, spans)
    beside, seconds = voices_beside(audio)
    measured |= {"speakers": voices.count, "voiced": voices.voiced, "beside": beside if seconds > BESIDE[1] else 0.0}
    measured |= {"dropouts": dropouts(audio, speech_level), "beat": beat(audio), "notes": voices.notes}
    longest = max((b.start - a.end for a, b in zip(spans, spans[1:], strict=False)), default=0.0)
    problems = _problems({**measured, "longest_pause": longest})
    trouble = tuple(_runs(loud_pause))
    return Assessment(rate=audio.rate, spans=tuple(spans), **measured, problems=tuple(problems), trouble=trouble)


def _problems(m: dict[str, float]) -> list[Problem]:
    explained = m["speakers"] > 1 or m["music"] > MUSIC or m["hum"] > 0 or m["reverberation"] > 0.7  # all have a pitch
    rules = [
        ("speakers", m["speakers"] > 1, True,
         "Two people seem to speak: record one alone, as the voice would become a mixture."),
        ("voices", m["beside"] > BESIDE[0] and not explained, m["beside"] > 2.5 * BESIDE[0],
         "Somebody else is heard in the background: switch it off, or record where nobody else speaks."),
        ("dropouts", m["dropouts"] > DROPOUTS, m["dropouts"] > 4 * DROPOUTS,
         "The sound breaks off again and again: record on the device itself, not over a call or a weak connection."),
        ("singing", m["notes"] > NOTES, True,
         "This is sung: record how you speak, as a voice that learns from singing speaks in tunes."),
        ("beat", m["beat"] > BEAT, False,
         "Something ticks in time, a clock or a metronome: record where it cannot be heard."),
        ("whisper", m["voiced"] < 0.25, True,
         "This is whispered: record your everyday voice, as a whisper has no pitch to learn."),
        ("music", m["music"] > MUSIC and m["hum"] == 0, m["music"] > 0.5 and m["snr"] < 25,
         "Music plays behind the voice: turn it off and record again, as it cannot be taken out."),
        ("noise", m["snr"] < NOISY, m["snr"] < 10, "It is noisy: record in a quiet room, close to the microphone."),
        ("clipping", m["clipped"] > 2e-4, m["clipped"] > 5e-3,
         "The loud parts are cut off: lower the microphone's level or move a little away."),
        ("quiet", m["level"] < -42, m["level"] < -55, "The recording is very quiet: speak closer to the microphone."),
        ("bandwidth", m["bandwidth"] < 5000 and m["snr"] > 15, m["bandwidth"] < 2800,
         "The sound is dull like a telephone's: use a better microphone or the app's own recorder."),
        ("hum", m["hum"] > 0, False, "Mains hum is in the recording: try another socket or a battery."),
        ("reverberation", m["reverberation"] > 0.7 and m["snr"] > 15, m["reverberation"] > 1.5,
         "The room echoes: choose one with curtains or soft furniture."),
        ("foreign", m["foreign"] > 0.08, m["foreign"] > 0.3,
         "Something other than speech is loud, perhaps music: record the voice alone."),
        ("pause", m["longest_pause"] > LONG_PAUSE, False,
         "A long stretch without speech is left out: check that nothing is missing there."),
        ("short", m["speech_seconds"] < 30, False, "More speech makes the voice better: about one minute is best."),
    ]  # fmt: skip
    return [Problem(kind, bool(severe), advice) for kind, present, severe, advice in rules if present]


def _runs(mask: np.ndarray, *, join: float = 0.5) -> list[Span]:
    """Stretches of a mask over frames, those with less than ``join`` seconds between them as one."""
    spans: list[Span] = []
    for index in np.flatnonzero(mask):
        start, end = float(index * _FRAME), float((index + 1) * _FRAME)
        if spans and start - spans[-1].end < join:
            spans[-1] = Span(spans[-1].start, end)
        else:
            spans.append(Span(start, end))
    return [span for span in spans if span.seconds >= 0.1]


def steady_tones(audio: Audio, pause: np.ndarray, speech_level: float) -> float:
    """Share of the pauses in which tones hold still for a fifth of a second, as music does and breath does not.

    ``pause``: frames without speech [F]. Tones that are 45 dB under the speech do not count, nor do those that never
    change (a fan, a screen).
    """
    rate, size = 16_000, 1024
    sound = resample(audio, rate).samples
    hop = round(2 * _FRAME * rate)
    frames = (len(sound) - size) // hop
    if frames < 8 or not pause.any():
        return 0.0
    quiet = pause[: 2 * frames : 2]
    wide = np.convolve(quiet, np.ones(6), mode="valid") == 6  # six windows in a row without speech
    starts = np.flatnonzero(wide)
    if len(starts) < 10:
        return 0.0
    starts = starts[:: max(1, len(starts) // 600)]
    window = np.hanning(size)
    low, high, side = 8, 260, 12  # bins: 125 to 4060 Hz; a neighbourhood of nearly 200 Hz on each side
    held_tones: list[np.ndarray] = []
    for first in starts:
        parts = np.stack([sound[(first + k) * hop : (first + k) * hop + size] for k in range(6)])
        power = np.square(np.abs(np.fft.rfft(parts * window, axis=1))[:, : high + side]) / np.square(window).sum()
        held = 10.0 * np.log10(power.min(axis=0) + 1e-12)
        around = np.median(np.lib.stride_tricks.sliding_window_view(held, 2 * side + 1), axis=1)
        excess = held[low + side : high] - around[low : high - side]
        level = 10.0 * np.log10(power.mean(axis=0).sum() / size * 2 + 1e-12)
        held_tones.append((excess > 15.0) & (level > speech_level - 45.0))
    tones = np.array(held_tones)
    always = np.convolve(tones.mean(axis=0) > 0.9, np.ones(17), mode="same") > 0  # with the skirts
    return float(((tones & ~always).sum(axis=1) >= 2).mean())


def dropouts(audio: Audio, speech_level: float) -> float:
    """Holes of silence in the middle of loud speech, for each minute: lost packets, a cable that comes loose.

    A hole lasts 10 to 200 ms, is 50 dB under the speech, and the sound is gone and back within 10 ms.
    """
    levels = frame_levels(audio, frame=0.005)
    empty = levels < min(speech_level - 50.0, -60.0)
    edges = np.flatnonzero(np.diff(np.r_[False, empty, False].astype(np.int8)))
    holes = 0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if 2 <= end - start <= 40 and start >= 2 and end + 2 <= len(levels):
            around = max(levels[start - 2 : start]), max(levels[end : end + 2])
            holes += min(around) > speech_level - 15.0
    return 60.0 * holes / max(audio.seconds, 1.0)


def _masks(spans: list[Span], frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames that are surely speech and frames that are surely not (0.1 s away from any), both bool [frames]."""
    speech = np.zeros(frames, bool)
    near = np.zeros(frames, bool)
    for span in spans:
        speech[round(span.start / _FRAME) : round(span.end / _FRAME)] = True
        near[max(0, round((span.start - 0.1) / _FRAME)) : round((span.end + 0.1) / _FRAME)] = True
    return speech, ~near


def _power_mean(levels: np.ndarray) -> float:
    return float(10.0 * np.log10(np.mean(10.0 ** (levels / 10.0)))) if len(levels) else -120.0


def _noise(levels: np.ndarray, speech: np.ndarray, pause: np.ndarray, sounding: np.ndarray) -> float:
    """Level of the pauses (20th percentile: a slammed door or a tune does not count), else of the quietest speech."""
    quiet = levels[pause & sounding]
    if len(quiet) >= 10:
        return float(np.percentile(quiet, 20))
    if pause.sum() >= 10:  # the pauses are digital silence, as a noise gate leaves it
        return _DIGITAL_SILENCE
    return float(np.percentile(levels[speech], 3)) if speech.any() else _DIGITAL_SILENCE


def clipped_share(audio: Audio) -> float:
    """Share of samples in runs of three or more within 0.5 % of the loudest value."""
    top = np.abs(audio.samples) >= 0.995 * peak(audio)
    if peak(audio) < 0.05:
        return 0.0
    runs = top[:-2] & top[1:-1] & top[2:]
    return float(runs.sum() / max(1, len(runs)))


def _spectra(audio: Audio, mask: np.ndarray, size: int, limit: int = 4000) -> np.ndarray:
    """Mean power spectrum [size // 2 + 1] of up to ``limit`` windows that begin in the masked frames."""
    hop = round(_FRAME * audio.rate)
    starts = np.flatnonzero(mask) * hop
    starts = starts[starts + size <= len(audio.samples)]
    if not len(starts):
        return np.zeros(size // 2 + 1)
    starts = starts[:: max(1, len(starts) // limit)]
    window = np.hanning(size)
    total = np.zeros(size // 2 + 1)
    for block in np.array_split(starts, max(1, len(starts) // 256)):
        frames = audio.samples[block[:, None] + np.arange(size)] * window
        total += np.square(np.abs(np.fft.rfft(frames, axis=1))).sum(axis=0)
    return total / (len(starts) * np.square(window).sum())


def bandwidth(audio: Audio, speech: np.ndarray, pause: np.ndarray) -> float:
    """Highest frequency (Hz) at which speech is 3 dB over the noise and within 75 dB of its strongest band."""
    size = 1024
    voice, noise = _spectra(audio, speech, size), _spectra(audio, pause, size)
    width = max(1, round(250 * size / audio.rate))
    count = len(voice) // width
    bands = [spectrum[: count * width].reshape(count, width).mean(axis=1) for spectrum in (voice, noise)]
    present = (bands[0] > 2.0 * bands[1]) & (bands[0] > bands[0].max(initial=0.0) * 10**-7.5) & (bands[0] > 1e-13)
    highest = np.flatnonzero(present)
    return float((highest[-1] + 1) * width * audio.rate / size) if len(highest) else 0.0


def hum(audio: Audio, *, limit: int = 120) -> float:
    """50.0 or 60.0 when at least two of the mains' first harmonics stand 15 dB out of their surroundings, else 0.

    Speech comes and goes while hum stays, so each 1 Hz bin is judged by its 20th percentile over the recording.
    """
    size = audio.rate
    starts = np.arange(0, len(audio.samples) - size + 1, size // 2)
    if not len(starts):
        return 0.0
    starts = starts[:: max(1, len(starts) // limit)]
    window = np.hanning(size)
    top = 320  # Hz; the fifth harmonic of 60 and its surroundings
    powers = [np.square(np.abs(np.fft.rfft(audio.samples[s : s + size] * window)[:top])) for s in starts]
    spectrum = np.percentile(powers, 20, axis=0) / np.square(window).sum()
    best, best_excess = 0.0, 0.0
    for mains in (50, 60):
        excesses = []
        for harmonic in range(mains, 5 * mains, mains):
            around = np.r_[spectrum[harmonic - 20 : harmonic - 4], spectrum[harmonic + 5 : harmonic + 21]]
            line = spectrum[harmonic - 1 : harmonic + 2].max()
            excess = 10.0 * np.log10((line + 1e-15) / (np.median(around) + 1e-15))
            if excess > 15.0 and line > 1e-6:
                excesses.append(excess)
        if len(excesses) >= 2 and sum(excesses) > best_excess:
            best, best_excess = float(mains), sum(excesses)
    return best


def reverberation(levels: np.ndarray) -> float:
    """Seconds in which the sound decays by 60 dB, from the steepest steady falls of the level; 0 when none is seen.

    ``levels``: dB per 20 ms [frames]. A dry voice gives 0.2 to 0.4 s, a bathroom more than 1 s.
    """
    smooth = np.convolve(levels, np.ones(3) / 3, mode="valid") if len(levels) > 3 else levels
    falls: list[float] = []
    start = 0
    for index in range(1, len(smooth) + 1):
        falling = index < len(smooth) and smooth[index] < smooth[index - 1] and smooth[index] > _DIGITAL_SILENCE + 5
        if not falling:
            drop, length = smooth[start] - smooth[index - 1], index - 1 - start
            if drop > 18.0 and length >= 4 or drop > 6.0 and length >= 9:
                falls.append(60.0 * length * _FRAME / drop)
            start = index
    return float(np.percentile(falls, 40)) if len(falls) >= 3 else 0.0
