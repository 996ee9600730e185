"""Timings to subtitles: SubRip (.srt) and WebVTT (.vtt), from the text as it was written, not as it was normalised.

A piece of speech that is too long to read at once becomes several cues; inside a piece the time is shared out by the
length of the text, a Han character counting as two letters.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gpt_sovits.audio import Audio

LONGEST = 84  # letters of a cue: two lines
LINE = 42
_CLAUSE = re.compile(r"(?:[^,;:，、；：。！？!?…]|[,:：](?=\d))*[,;:，、；：。！？!?….”’\"')）]*\s*")


class Spoken(Protocol):
    """What synthesis yields: ``seconds_from`` is when the piece begins in the whole."""

    @property
    def text(self) -> str: ...

    @property
    def audio(self) -> Audio: ...

    @property
    def seconds_from(self) -> float: ...


@dataclass(frozen=True)
class Cue:
    """``text`` is shown from ``start`` to ``end`` seconds."""

    start: float
    end: float
    text: str


def cues(pieces: Iterable[Spoken]) -> list[Cue]:
    """Cues of the pieces of a speech, in order."""
    found: list[Cue] = []
    for piece in pieces:
        found += split_cue(Cue(piece.seconds_from, piece.seconds_from + piece.audio.seconds, piece.text.strip()))
    return [cue for cue in found if cue.text]


def split_cue(cue: Cue, longest: int = LONGEST, starts: Sequence[tuple[int, float]] = ()) -> list[Cue]:
    """The cue itself, or several at clauses (in the worst case words), none with more than ``longest`` letters.

    ``starts``: where in the text words begin, and when, in seconds of the whole; a part begins with its first such
    word. Without them the time is shared out.
    """
    parts = _parts(cue.text, longest)
    total = sum(map(_width, parts))
    if len(parts) < 2 or not total:
        return [cue]
    edges, shared, at = [cue.start], cue.start, 0
    for part, following in itertools.pairwise(parts):
        at += len(part)
        shared += (cue.end - cue.start) * _width(part) / total
        begins = next((when for place, when in starts if at <= place < at + len(following)), shared)
        edges.append(min(max(begins, edges[-1]), cue.end))
    edges.append(cue.end)
    return [Cue(*edge, part.strip()) for edge, part in zip(itertools.pairwise(edges), parts, strict=True)]


def srt(items: Sequence[Cue]) -> str:
    """A SubRip file."""
    blocks = [
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{_lines(cue.text)}\n"
        for number, cue in enumerate(items, 1)
    ]
    return "\n".join(blocks)


def vtt(items: Sequence[Cue]) -> str:
    """A WebVTT file; the characters that mean markup there are escaped."""
    blocks = [f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_escape(_lines(cue.text))}\n" for cue in items]
    return "\n".join(["WEBVTT\n", *blocks])


def _width(text: str) -> int:
    return sum(2 if ord(char) >= 0x1100 else 1 for char in text)


def _parts(text: str, longest: int) -> list[str]:
    """Consecutive parts that together are ``text``, each at most ``longest`` wide where a cut can be found."""
    if _width(text) <= longest:
        return [text]
    target = _width(text) / -(-_width(text) // longest)  # parts of about equal length
    parts = [""]
    for unit in _units(text, longest):
        joined = _width(parts[-1]) + _width(unit)
        if parts[-1] and (joined > longest or joined - target > target - _width(parts[-1])):
            parts.append("")
        parts[-1] += unit
    return parts


def _units(text: str, longest: int) -> list[str]:
    units: list[str] = []
    for clause in _CLAUSE.findall(text):
        if _width(clause) <= longest:
            units += [clause] if clause else []
        else:  # words, or single characters where nothing is between them
            units += re.findall(r"[\u1100-\U0010ffff]|[^\s\u1100-\U0010ffff]+\s*|\s+", clause)
    return units


def _lines(text: str) -> str:
    """One or two lines of about equal length, without blank ones: a blank line would end the cue."""
    text = " ".join(text.split())
    if _width(text) <= LINE:
        return text
    units = _units(text, LINE // 2)
    best, gap = text, _width(text)
    for count in range(1, len(units)):
        first, second = "".join(units[:count]).strip(), "".join(units[count:]).strip()
        if first and second and abs(_width(first) - _width(second)) < gap:
            best, gap = f"{first}\n{second}", abs(_width(first) - _width(second))
    return best


def _clock(seconds: float, mark: str) -> str:
    milliseconds = max(0, round(seconds * 1000))
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, rest = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{mark}{rest:03d}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
