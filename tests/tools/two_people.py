"""One person or two? 41 people alone and 40 pairs that alternate; ``--learn`` makes dataset/speakers.json anew.

    python -m tests.tools.two_people [--learn]

The directions are learnt from the people that bases are trained on; the table is about people that are left out.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gpt_sovits.audio import Audio, concatenate
from gpt_sovits.dataset import speakers
from gpt_sovits.dataset.vad import Span, speech_spans
from gpt_sovits.lab.corpus import HELD_OUT
from gpt_sovits.lab.evaluation.folder import read_table
from gpt_sovits.lab.evaluation.heldout import read_clips
from tests.conftest import SHARED
from tests.tools.people import CHANGES, Person, changed, people

PAIRS = 40
KEPT = 8  # directions
CLIPS = 7  # of each person to learn from


def learn() -> np.ndarray:
    """Directions [D, K]: the widest generalised eigenvectors of the spread between people over that within."""
    held = set(HELD_OUT.read_text(encoding="utf-8").split())
    table = [row for row in read_table(SHARED / "corpus" / "metadata.tsv") if row["speaker"] not in held]
    counts: dict[str, int] = {}
    rows = []
    for row in table:
        counts[row["speaker"]] = counts.get(row["speaker"], 0) + 1
        if row["speaker"][:2] in ("so", "ls") and counts[row["speaker"]] <= CLIPS:
            rows.append(row)
    for name in ("kathleen", "pmatthes", "aishellS0150", "aishellS0252"):
        own = [row for row in table if row["speaker"] == name]
        rows += own[:: max(1, len(own) // 25)][:25]
    found: dict[str, list[np.ndarray]] = {}
    for row, clip in read_clips(SHARED / "corpus", rows):
        described = speakers.describe(clip, [Span(0.0, clip.seconds)])
        if described is not None:
            found.setdefault(row["speaker"], []).extend(each.mean(axis=0) for each in described[0])
    each = [np.array(stretches) for stretches in found.values() if len(stretches) >= 4]
    within = sum((x - x.mean(axis=0)).T @ (x - x.mean(axis=0)) for x in each) / sum(len(x) - 1 for x in each)
    within += 1e-3 * np.trace(within) / len(within) * np.eye(len(within))
    between = np.cov(np.array([x.mean(axis=0) for x in each]).T)
    white = np.linalg.cholesky(np.linalg.inv(within))
    values, vectors = np.linalg.eigh(white.T @ between @ white)
    return white @ vectors[:, np.argsort(-values)][:, :KEPT]


def alternating(one: Person, other: Person) -> Audio:
    """A sentence of each in turn."""
    parts = []
    for (a, b), (c, d) in zip(one.times[::2], other.times[1::2], strict=False):
        parts += [one.audio.between(a, b + 0.3), other.audio.between(c, d + 0.3)]
    return concatenate(parts)


def said_to_be_two(audio: Audio) -> tuple[bool, float]:
    found = speakers.listen_for_voices(audio, speech_spans(audio))
    return found.count > 1, found.distance


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--learn", action="store_true", help="write dataset/speakers.json")
    if options.parse_args(argv).learn:
        rows = [[round(float(value), 5) for value in row] for row in learn()]
        about = "rows: 12 cepstra and 6 x log2 pitch; columns: directions, widest first; by tests/tools/two_people.py"
        path = Path(speakers.__file__).with_suffix(".json")
        path.write_text(json.dumps({"about": about, "directions": rows}, indent=1) + "\n", encoding="utf-8")
        return 0
    everybody = [person for person in people(SHARED) if person.language == "en"]
    sys.stdout.write("| recording | recordings | said to be two people | distance: lowest, median, highest |\n")
    sys.stdout.write("|---|---|---|---|\n")
    for change in CHANGES:
        _line(f"one person, {change}", [said_to_be_two(changed(p.audio, change)) for p in everybody])
    rng = random.Random(4)
    pairs: set[tuple[str, str]] = set()
    found = []
    while len(pairs) < PAIRS:
        one, other = rng.sample(everybody, 2)
        if (one.name[:2] == "so") == (other.name[:2] == "so") and (one.name, other.name) not in pairs:
            pairs.add((one.name, other.name))
            found.append(said_to_be_two(alternating(one, other)))
    _line("two people in turn", found)
    return 0


def _line(name: str, found: Sequence[tuple[bool, float]]) -> None:
    distances = [distance for _, distance in found]
    spread = f"{min(distances):.2f}, {np.median(distances):.2f}, {max(distances):.2f}"
    sys.stdout.write(f"| {name} | {len(found)} | {sum(two for two, _ in found)} | {spread} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
