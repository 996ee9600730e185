"""The figures of an evaluation: what was measured of each speaker, as a table for a person and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

KINDS = ("real", "teacher", "zero-shot", "tuned")


@dataclass(frozen=True)
class Score:
    """One speaker, one kind of speech. Rates and scores are means over ``clips``; None: not measured."""

    speaker: str
    kind: str  # one of KINDS
    clips: int
    failed: int  # sentences that gave no sound, or one far longer than speech can be
    seconds: float  # of speech judged
    similarity: float | None = None  # to the speaker's test clips, which no voice has learnt from; cosine
    similarity_all: float | None = None  # to all of the speaker's real clips but the judged one
    nearest: str = ""
    margin: float | None = None  # similarity minus that to the nearest other speaker
    rank: int | None = None  # of the speaker among all, by the mean embedding
    first: float | None = None  # share of clips that are nearest to their own speaker
    wer: float | None = None  # English words heard otherwise
    syllables: float | None = None  # Mandarin syllables heard otherwise, tones not counted
    tones: float | None = None  # the same with tones
    per: float | None = None
    mos: float | None = None
    rtf: float | None = None  # seconds of computing per second of speech

    def to_row(self) -> str:
        """One line of the table under ``header()``."""
        return _line(_cells(self))


@dataclass(frozen=True)
class Report:
    scores: tuple[Score, ...]
    base: str
    notes: tuple[str, ...] = ()

    def of(self, kind: str) -> list[Score]:
        return [score for score in self.scores if score.kind == kind]

    def summary(self) -> list[Score]:
        """One row per kind: the mean over its speakers."""
        return [_mean(self.of(kind)) for kind in KINDS if self.of(kind)]

    def to_json(self) -> str:
        value: dict[str, Any] = {
            "base": self.base,
            "notes": list(self.notes),
            "summary": {
                kind: {
                    **{name: value for name, value in asdict(_mean(self.of(kind))).items() if name not in _NAMES},
                    "ranked_first": fmean(score.rank == 1 for score in self.of(kind)),
                }
                for kind in KINDS
                if self.of(kind)
            },
            "speakers": [asdict(score) for score in self.scores],
        }
        return json.dumps(value, indent=1, ensure_ascii=False)

    def to_summary(self) -> str:
        """Fixed-width text under the speakers' rows: the mean of each kind, ranks, and what could not be made."""
        lines = [_line(["-" * width for _, width in COLUMNS])]
        lines += [score.to_row() for score in self.summary()]
        ranked = [kind for kind in KINDS if self.of(kind) and kind != "teacher"]
        lines += [f"ranked first, {kind}: {_firsts(self.of(kind))}" for kind in ranked]
        return "\n".join([*lines, *self.notes])

    def to_table(self) -> str:
        return "\n".join([header(), *(score.to_row() for score in self.scores), self.to_summary()])


_NAMES = ("speaker", "kind", "nearest", "rank")
COLUMNS = (
    ("speaker", 12),
    ("speech", 9),
    ("clips", 5),
    ("failed", 6),
    ("similar", 7),
    ("to all", 6),
    ("margin", 7),
    ("nearest", 10),
    ("rank", 4),
    ("first", 5),
    ("WER", 6),
    ("syll.", 6),
    ("tones", 6),
    ("PER", 6),
    ("DNSMOS", 6),
    ("RTF", 6),
)


def header() -> str:
    """The titles of the table's columns."""
    return _line([title for title, _ in COLUMNS])


def _line(cells: Sequence[str]) -> str:
    pairs = zip(cells, COLUMNS, strict=True)
    return "  ".join(cell.ljust(width) if cell[:1].isalpha() else cell.rjust(width) for cell, (_, width) in pairs)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _cells(score: Score) -> list[str]:
    return [
        score.speaker,
        score.kind,
        str(score.clips),
        str(score.failed),
        _number(score.similarity, 3),
        _number(score.similarity_all, 3),
        _number(score.margin, 3),
        score.nearest or "-",
        "-" if score.rank is None else str(score.rank),
        _number(score.first, 2),
        _number(score.wer, 3),
        _number(score.syllables, 3),
        _number(score.tones, 3),
        _number(score.per, 3),
        _number(score.mos, 2),
        _number(score.rtf, 3),
    ]


def _firsts(scores: Sequence[Score]) -> str:
    return f"{sum(score.rank == 1 for score in scores)} of {len(scores)} speakers"


def _mean(scores: Sequence[Score]) -> Score:
    def mean(name: str) -> float | None:
        values = [value for value in (getattr(score, name) for score in scores) if value is not None]
        return fmean(values) if values else None

    return Score(
        speaker="mean",
        kind=scores[0].kind,
        clips=sum(score.clips for score in scores),
        failed=sum(score.failed for score in scores),
        seconds=sum(score.seconds for score in scores),
        similarity=mean("similarity"),
        similarity_all=mean("similarity_all"),
        margin=mean("margin"),
        first=mean("first"),
        wer=mean("wer"),
        syllables=mean("syllables"),
        tones=mean("tones"),
        per=mean("per"),
        mos=mean("mos"),
        rtf=mean("rtf"),
    )
