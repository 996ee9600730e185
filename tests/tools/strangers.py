"""Is the right text of people the base never met accepted, and another one refused? Prints the table as Markdown.

    python -m tests.tools.strangers [--every 3] [--part 0/2]

Each person's minute meets five texts: the right one, another person's, the second half of the right one, the right one
within others, and the right one with its sentences shuffled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpt_sovits.audio import write_wav
from gpt_sovits.dataset.build import build_dataset
from gpt_sovits.dataset.ears import Ears, ears_of
from gpt_sovits.errors import InputError, UnfitError
from gpt_sovits.families.base import load_base
from gpt_sovits.settings import Settings
from tests.conftest import SHARED
from tests.tools.people import CHANGES, Person, changed, people

TEXTS = ("right", "wrong", "half", "more", "shuffled")


@dataclass(frozen=True)
class Outcome:
    """``seconds`` that would be learnt from; of a refused text none."""

    person: str
    change: str
    text: str
    seconds: float
    speech: float
    said: str


def texts_of(person: Person, others: Sequence[Person]) -> dict[str, str]:
    """The five texts."""
    rng = np.random.default_rng(len(person.name))
    unlike = [p for p in others if p.language == person.language and not set(p.sentences) & set(person.sentences)]
    one, two = (unlike[k] for k in rng.choice(len(unlike), 2, replace=False))
    said = person.sentences
    shuffled = [said[k] for k in rng.permutation(len(said))]
    half = said[len(said) // 2 :]
    more = [*one.sentences[:5], *said, *two.sentences[:5]]
    return dict(zip(TEXTS, map(" ".join, (said, one.sentences, half, more, shuffled)), strict=True))


def try_texts(person: Person, change: str, texts: dict[str, str], ears: Ears) -> list[Outcome]:
    out = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.wav"
        write_wav(path, changed(person.audio, change))
        for name, text in texts.items():
            try:
                made = build_dataset(path, text, person.language, ears, work_dir=Path(folder) / name)
                speech = made.report.assessment.speech_seconds
                out.append(Outcome(person.name, change, name, made.seconds, speech, ""))
            except UnfitError as error:
                out.append(Outcome(person.name, change, name, 0.0, 0.0, str(error)))
            except InputError as error:
                out.append(Outcome(person.name, change, name, 0.0, 0.0, f"other: {error}"))
    return out


def table(found: Sequence[Outcome]) -> str:
    lines = [
        "| language | recording | text | people | accepted | of the speech kept (median) |",
        "|---|---|---|---|---|---|",
    ]
    keys = sorted({(f.person.endswith("-zh"), f.change, TEXTS.index(f.text)) for f in found})
    for mandarin, change, text in keys:
        rows = [f for f in found if (f.person.endswith("-zh"), f.change, f.text) == (mandarin, change, TEXTS[text])]
        taken = [f for f in rows if f.seconds > 0]
        kept = np.median([f.seconds / max(f.speech, 1e-9) for f in taken]) if taken else 0.0
        language = "zh" if mandarin else "en"
        lines.append(f"| {language} | {change} | {TEXTS[text]} | {len(rows)} | {len(taken)} | {kept:.0%} |")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--every", type=int, default=1, help="only every n-th person's changed recordings")
    options.add_argument("--part", default="0/1", help="k/n: every n-th person from the k-th on")
    options.add_argument("--details", action="store_true", help="print each outcome too")
    given = options.parse_args(argv)
    part, parts = map(int, given.part.split("/"))
    settings = Settings(Path(tempfile.gettempdir()) / "strangers", threads=1)
    ears = ears_of(load_base("mini", settings), lambda name: load_base(name, settings))
    everybody = list(people(SHARED))
    found: list[Outcome] = []
    for number, person in enumerate(everybody):
        if number % parts != part:
            continue
        texts = texts_of(person, everybody)
        for change in CHANGES if number % given.every == 0 else ("plain",):
            wanted = texts if change == "plain" else {k: texts[k] for k in ("right", "wrong")}
            found += try_texts(person, change, wanted, ears)
            if given.details:
                for each in found[-len(wanted) :]:
                    sys.stdout.write(f"{each}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{table(found)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
