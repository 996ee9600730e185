"""A folder of voices to judge: recordings and ``metadata.tsv`` (path, speaker, language, transcript, optional split).

``split`` is ``train`` (may be learnt from) or ``test`` (kept apart for judging); without it the first half of each
speaker's clips, at least one, is for learning and the rest for judging.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from gpt_sovits.errors import InputError, MissingError

COLUMNS = ("path", "speaker", "language", "transcript")
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Recording:
    """One clip of one speaker, with what is said in it."""

    path: Path
    speaker: str
    language: str
    transcript: str


@dataclass(frozen=True)
class Speaker:
    """``train`` may be learnt from, ``test`` is only ever judged; both hold at least one recording."""

    name: str
    train: tuple[Recording, ...]
    test: tuple[Recording, ...]


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a tab-separated table with a header line and no quoting."""
    if not path.is_file():
        raise MissingError(f"There is no file {path.name} in {path.parent}.", "Name a folder that has one.")
    with open(path, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def read_folder(folder: Path) -> list[Speaker]:
    """The speakers of ``folder`` in the order of its table. Raises ``MissingError`` or ``InputError``."""
    rows = read_table(folder / "metadata.tsv")
    if not rows:
        raise InputError(f"metadata.tsv in {folder} has no rows.", f"Add one row per recording: {', '.join(COLUMNS)}.")
    if absent := [name for name in COLUMNS if name not in rows[0]]:
        raise InputError(f"metadata.tsv lacks the column {absent[0]!r}.", f"It needs {', '.join(COLUMNS)}.")
    speakers: dict[str, list[tuple[Recording, str]]] = {}
    for row in rows:
        path = (folder / row["path"]).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise MissingError(f"metadata.tsv names {row['path']!r}, which is not in the folder.", "Correct its path.")
        split = row.get("split") or ""
        if split and split not in SPLITS:
            raise InputError(f"metadata.tsv has the split {split!r}.", "Use train, test or leave it empty.")
        recording = Recording(path, row["speaker"], row["language"] or "auto", row["transcript"] or "")
        speakers.setdefault(row["speaker"], []).append((recording, split))
    return [_divided(name, clips) for name, clips in speakers.items()]


def _divided(name: str, clips: list[tuple[Recording, str]]) -> Speaker:
    if not any(split for _, split in clips):
        half = max(1, len(clips) // 2)
        clips = [(clip, "train" if index < half else "test") for index, (clip, _) in enumerate(clips)]
    train = tuple(clip for clip, split in clips if split == "train")
    test = tuple(clip for clip, split in clips if split != "train")
    if not train or not test:
        raise InputError(f"Speaker {name!r} has no recording to {'judge' if train else 'learn from'}.", "Add one.")
    return Speaker(name, train, test)
