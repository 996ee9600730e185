"""What is said of recordings that are spoiled on purpose, and of clean ones: false alarms and misses, as Markdown.

    python -m tests.tools.spoiled_people [--every 3]

People as in ``people.py``, none of whom anything was set on except the bounds of ``dataset/assess.py``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy import linalg, signal

from gpt_sovits.audio import Audio, concatenate, level, peak, resample
from gpt_sovits.dataset.align import FRAME_SECONDS
from gpt_sovits.dataset.assess import assess
from gpt_sovits.dataset.build import AGAIN, LISTEN_RATE, listen
from gpt_sovits.dataset.ears import Ears, ears_of
from gpt_sovits.dataset.rhythm import said_again
from gpt_sovits.dataset.slice import slice_speech
from gpt_sovits.families.base import load_base
from gpt_sovits.settings import Settings
from gpt_sovits.versions import EMBEDDED
from tests.conftest import SHARED
from tests.tools.people import CHANGES, Person, changed, people
from tests.tools.two_people import alternating

SECONDS = 45.0


def added(audio: Audio, other: np.ndarray, below: float) -> Audio:
    """``other`` mixed in, ``below`` dB under the speech."""
    other = np.resize(other, len(audio.samples))
    scale = 10 ** ((level(audio) - below) / 20) / np.sqrt(np.mean(np.square(other)))
    return Audio((audio.samples + scale * other).astype(np.float32), audio.rate)


def chords(audio: Audio, rng: np.random.Generator) -> np.ndarray:
    """Three notes with their overtones, new ones each second."""
    time = np.arange(len(audio.samples)) / audio.rate
    out = np.zeros(len(time))
    for second in range(int(audio.seconds) + 1):
        here = slice(second * audio.rate, (second + 1) * audio.rate)
        for note in rng.choice([0, 3, 5, 7, 10, 12], 3, replace=False):
            pitch = 220.0 * 2 ** (note / 12)
            out[here] += sum(np.sin(2 * np.pi * h * pitch * time[here]) / h for h in (1, 2, 3, 4))
    return out


def plucked(audio: Audio, rng: np.random.Generator) -> np.ndarray:
    """A melody of notes that die away, two to four a second."""
    length = round(1.2 * audio.rate)
    time = np.arange(length) / audio.rate
    out = np.zeros(len(audio.samples) + 2 * audio.rate)
    at = 0
    while at < len(audio.samples):
        pitch = 196.0 * 2 ** (rng.integers(0, 20) / 12)
        out[at : at + length] += sum(
            np.sin(2 * np.pi * h * pitch * time) * np.exp(-time * (2 + h)) / h for h in range(1, 7)
        )
        at += round(rng.choice([0.25, 0.375, 0.5]) * audio.rate)
    return out[: len(audio.samples)]


def metronome(audio: Audio, rng: np.random.Generator) -> np.ndarray:
    """A click of 10 ms each half second."""
    out = np.zeros(len(audio.samples))
    length = round(0.01 * audio.rate)
    click = np.sin(2 * np.pi * 1800 * np.arange(length) / audio.rate) * np.hanning(length)
    for at in range(0, len(out) - length, audio.rate // 2):
        out[at : at + length] += click
    return out


def holes(audio: Audio, rng: np.random.Generator) -> Audio:
    """Fifteen packets of 40 ms lost each minute, in the speech."""
    samples = audio.samples.copy()
    loud = np.flatnonzero(np.abs(samples) > 0.2 * peak(audio))
    for place in rng.choice(loud, round(audio.seconds / 4)):
        samples[place : place + round(0.04 * audio.rate)] = 0.0
    return Audio(samples, audio.rate)


def repeated(person: Person) -> Audio:
    """The same sentence over and over."""
    start, end = person.times[0]
    one = person.audio.between(start, end + 0.4)
    return concatenate([one] * max(4, round(SECONDS / one.seconds)))


def sung(audio: Audio, rng: np.random.Generator) -> Audio:
    """The same throat on notes of a scale, drawn out by half: linear prediction, and pulses that hold their pitch."""
    sound = resample(audio, 16_000).samples
    hop, size, order = 160, 480, 18
    notes = 130.8 * 2 ** (np.array([0, 2, 4, 5, 7, 9]) / 12)
    state, phase, left, note, out = np.zeros(order), 0.0, 0, notes[0], []
    for at in range(0, len(sound) - size, hop):
        part = sound[at : at + size] * np.hanning(size)
        likeness = np.correlate(part, part, "full")[size - 1 : size + order] + np.r_[1e-6, np.zeros(order)]
        throat = linalg.solve_toeplitz(likeness[:order], likeness[1:])
        strength = np.sqrt(max(likeness[0] - throat @ likeness[1:], 1e-9) * 2 / size)
        if left <= 0:
            note, left = rng.choice(notes), int(rng.integers(30, 70))
        left -= 1
        turns = phase + np.cumsum(np.full(hop * 3 // 2, note / 16_000))
        pulses = np.diff(np.floor(np.r_[phase, turns])) * np.sqrt(16_000 / note)
        phase = turns[-1] % 1.0
        breath = 0.05 * rng.normal(size=len(pulses))
        made, state = signal.lfilter([strength], np.r_[1, -throat], pulses + breath, zi=state)
        out.append(made)
    return Audio(np.concatenate(out).astype(np.float32), 16_000)


Fault = Callable[[Person, Person, Audio, np.random.Generator], Audio]
FAULTS: dict[str, tuple[set[str], Fault]] = {  # what is heard of it is one of these kinds
    "two people in turn": ({"speakers"}, lambda p, o, a, rng: alternating(p, o)),
    "television, 12 dB below": ({"voices", "speakers"}, lambda p, o, a, rng: added(a, o.audio.samples, 12.0)),
    "music of chords, 12 dB below": ({"music", "foreign"}, lambda p, o, a, rng: added(a, chords(a, rng), 12.0)),
    "music of chords, 20 dB below": ({"music", "foreign"}, lambda p, o, a, rng: added(a, chords(a, rng), 20.0)),
    "plucked music, 12 dB below": ({"music", "foreign"}, lambda p, o, a, rng: added(a, plucked(a, rng), 12.0)),
    "plucked music, 20 dB below": ({"music", "foreign"}, lambda p, o, a, rng: added(a, plucked(a, rng), 20.0)),
    "dropouts": ({"dropouts"}, lambda p, o, a, rng: holes(a, rng)),
    "metronome, 15 dB below": ({"beat", "foreign", "music"}, lambda p, o, a, rng: added(a, metronome(a, rng), 15.0)),
    "clipped": ({"clipping"}, lambda p, o, a, rng: Audio(np.clip(a.samples * 6 / peak(a), -1, 1), a.rate)),
    "sung": ({"singing"}, lambda p, o, a, rng: sung(a, rng)),
    "the same sentence again and again": ({"repeated"}, lambda p, o, a, rng: repeated(p)),
}
# of these a single voice is never accused
HEARD = {"speakers", "voices", "music", "foreign", "dropouts", "singing", "beat", "repeated"}


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--every", type=int, default=1, help="only every n-th person")
    given = options.parse_args(argv)
    settings = Settings(Path(tempfile.gettempdir()) / "spoiled", threads=1)
    ears = ears_of(load_base(EMBEDDED, settings), lambda name: load_base(name, settings))
    everybody = [p for p in people(SHARED, seconds=SECONDS) if p.language == "en"]
    chosen = everybody[:: given.every]
    sys.stdout.write("| recording | recordings | named | what else |\n|---|---|---|---|\n")
    for change in CHANGES:
        wrong = [_kinds(changed(person.audio, change), ears) & HEARD for person in chosen]
        accused = sorted(kind for kinds in wrong for kind in kinds)
        sys.stdout.write(f"| single, {change} | {len(chosen)} | {sum(map(bool, wrong))} | {', '.join(accused)} |\n")
        sys.stdout.flush()
    for name, (kinds, make) in FAULTS.items():
        found = []
        for number, person in enumerate(chosen):
            same = [p for p in everybody if (p.name[:2] == "so") == (person.name[:2] == "so") and p is not person]
            other = same[(7 * number + 3) % len(same)]
            found.append(_kinds(make(person, other, person.audio, np.random.default_rng(number)), ears))
        named = sum(bool(each & kinds) for each in found)
        rest = sorted({kind for each in found for kind in each & HEARD - kinds})
        sys.stdout.write(f"| {name} | {len(found)} | {named} | {', '.join(rest)} |\n")
        sys.stdout.flush()
    return 0


def _kinds(audio: Audio, ears: Ears) -> set[str]:
    found = assess(audio)
    heard = listen(resample(audio, LISTEN_RATE), ears)
    again = said_again(heard, slice_speech(audio, list(found.spans)), FRAME_SECONDS) > AGAIN
    return {problem.kind for problem in (found.repeated() if again else found).problems}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
