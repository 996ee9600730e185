"""Memory while sentences are spoken in ever other voices and mixes: does it stay where it was after the first hundred?

    python -m tests.tools.memory_curve [--sentences 1000] [--every 50] [--seed 0] [--bare]

Three invented voices, two that are learnt in a few steps, mixes of any two at any ratio, and a voice from a clip, in
both languages, from a few words to three sentences at a time. Prints the resident memory, what the C library holds of
it (in use, free) and the number of Python objects; ends with the growth since the hundredth. ``--bare`` gives nothing
back.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gpt_sovits import memory
from gpt_sovits.audio import read_audio, write_wav
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.voice import Voice

ROOT = Path(__file__).resolve().parents[2]
MINUTE = ROOT / "tests" / "data" / "one_minute.opus"
STEPS = 4  # of each part of a training
REST = 1.5  # seconds of silence before memory is looked at, after which what speaking left is given back
WARM = 100  # sentences before what is kept is all there


class _Heap(ctypes.Structure):
    """``struct mallinfo2`` of glibc."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def heap() -> tuple[float, float]:
    """MB that the C library's main arena and mapped blocks hold in use, and MB that lie free in the arena."""
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = _Heap
    told = ask()
    return (told.uordblks + told.hblkhd) / 1e6, told.fordblks / 1e6


def resident() -> tuple[float, float]:
    """MB of this process that lie in memory, and how many of them are its own, not of files."""
    _, all_of_it, of_files = Path("/proc/self/statm").read_text(encoding="ascii").split()[:3]
    page = os.sysconf("SC_PAGE_SIZE") / 1e6
    return int(all_of_it) * page, (int(all_of_it) - int(of_files)) * page


def learnt(studio: Studio, name: str, begin: float, folder: Path) -> str:
    """The id of a voice that is learnt in a few steps, by a process of its own."""
    recording = folder / f"{name}.wav"
    write_wav(recording, read_audio(MINUTE).between(begin, begin + 20.0))
    consent = Consent(who=name, purpose="a test", statement="The recording is licensed for this use.")
    studio.jobs.create(TrainingRequest(name, recording, consent=consent, max_steps=STEPS))
    command = [sys.executable, "-m", "gpt_sovits.jobs.worker", "--data", str(studio.settings.data_dir), "--one"]
    subprocess.run(command, cwd=ROOT, check=True)
    return studio.voices.find(name).id


def chosen(studio: Studio, ids: Sequence[str], clip: Path, rng: random.Random) -> Voice | str:
    """One voice, a mix of two at any ratio, or one from a clip."""
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(ids)
    if kind < 0.9:
        return studio.voices.mix(*rng.sample(ids, 2), rng.random())
    return studio.speech.reference_voice(clip)


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sentences", type=int, default=1000)
    options.add_argument("--every", type=int, default=50)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--data", type=Path, help="a data folder of such a run, with its voices (default: a new one)")
    options.add_argument("--bare", action="store_true", help="give nothing back, to see what grows")
    given = options.parse_args(argv)
    if given.bare:
        memory.Heap.give_back = lambda self: None  # type: ignore[method-assign]
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(Settings(given.data or Path(folder) / "data", threads=1))
        own = [card.id for card in studio.voices.list()]
        own = own or [learnt(studio, name, begin, Path(folder)) for name, begin in (("One", 0.0), ("Two", 25.0))]
        ids = [card.id for card in studio.voices.invented()] + own
        clip = Path(folder) / "clip.wav"
        write_wav(clip, read_audio(MINUTE).between(2.0, 8.0))
        said = [part for page in studio.jobs.scripts() for part in re.findall(r"[^.?!。？！]+[.?!。？！]", page.text)]
        first = now = own_now = 0.0
        sys.stdout.write(f"{'said':>5} {'resident MB':>11} {'own':>5} {'in use':>7} {'free':>6} {'objects':>8}\n")
        for number in range(1, given.sentences + 1):
            text = " ".join(rng.choices(said, k=rng.randint(1, 3))) + f" {rng.randrange(10 ** rng.randint(1, 6))}."
            for _ in studio.speech.speak(text, chosen(studio, ids, clip, rng), seed=number):
                pass
            if number % given.every == 0 or number in (WARM, given.sentences):
                time.sleep(REST)
                (now, own_now), (used, free) = resident(), heap()
                first = now if number == min(WARM, given.sentences) else first
                row = f"{number:5} {now:11.0f} {own_now:5.0f} {used:7.0f} {free:6.0f} {len(gc.get_objects()):8}\n"
                sys.stdout.write(row)
                sys.stdout.flush()
        trim = memory.trimmer()
        if trim is not None:
            trim(0)
            sys.stdout.write(f"lay free in the C library: {now - resident()[0]:.0f} MB\n")
        sys.stdout.write(f"after {WARM}: {first:.0f} MB, at the end: {now:.0f} MB, {now / first - 1:+.1%}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
