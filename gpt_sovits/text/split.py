"""Cutting a long text into pieces that are spoken one at a time; every piece keeps its offsets.

Sentences first; a sentence that is too long is cut at clause marks, then inside quotations, then at spaces. Never
inside a number, an abbreviation or a markup tag. Pieces that are too short join a neighbour of their paragraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpt_sovits.text.markup import TAG
from gpt_sovits.text.types import Piece

_CLOSERS = "”’」』》〉）)】]\"'"
_OPEN, _CLOSE = "“「『《（(【", "”」』》）)】"
_MARK = re.compile(rf"(?:[。！？!?…～~]+|\.+|[，、；：,;:]+|—{{2,}}|--+)[{re.escape(_CLOSERS)}]*|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Mt|Jr|Sr|vs|etc|e\.g|i\.e|a\.m|p\.m|No|Inc|Ltd|Co|Corp|Gen|Sen|Gov|Capt|Lt|Col|Rev"
    r"|Fig|Vol|approx|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)|(?:\b[A-Za-z]\.)+[A-Za-z]|\b[A-Z])$",
    re.IGNORECASE,
)
_SPEED_TAG = re.compile(r"speed[ =:]?(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class _Cut:
    """A place where the text may be cut: 3 paragraph, 2 sentence, 1 clause, 0 only in need."""

    at: int
    strength: int


def _weight(text: str) -> int:
    """About how many phones: two for a Han character or kana, four for a digit, one for a letter."""
    total = 0
    for char in text:
        if "぀" <= char <= "鿿" or "가" <= char <= "힣":
            total += 2
        elif char.isdigit():
            total += 4
        elif char.isalpha():
            total += 1
    return total


def _strength(text: str, match: re.Match[str], depth: int) -> int | None:
    """How well the text may be cut after this mark; None for not at all."""
    mark = match.group()
    before, rest = text[max(0, match.start() - 12) : match.start()], text[match.end() : match.end() + 3]
    after = rest[:1]
    if mark[0] == "\n":
        return 3
    digits = before[-1:].isdigit() and after.isdigit()
    if digits and mark[0] in ".,:，：":
        return None
    if mark[0] == "." and len(mark.rstrip(_CLOSERS)) == 1:
        if after and not after.isspace() and after.isascii():
            return None
        if _ABBREVIATION.search(before) and rest.strip():
            return 0
    if mark[0] in ",;:" and after and not after.isspace() and after.isascii():
        return None
    inside = depth > 0 and not any(char in _CLOSE for char in mark)
    if inside:
        return 0
    if mark[-1] in _CLOSERS and rest.lstrip()[:1].islower():
        return 1
    return 2 if mark[0] in "。！？!?…～~." else 1


def _cuts(text: str, begin: int, end: int) -> list[_Cut]:
    """Every permitted cut of ``text[begin:end]``, the last one at ``end``."""
    protected = [tag.span() for tag in TAG.finditer(text, begin, end)]
    found: dict[int, int] = {}
    depth = 0
    at = begin
    for match in _MARK.finditer(text, begin, end):
        for char in text[at : match.end()]:
            depth = max(0, depth + (char in _OPEN) - (char in _CLOSE))
        at = match.end()
        if any(start < match.end() < stop for start, stop in protected):
            continue
        if match.group()[0] == "\n":
            depth = 0
        strength = _strength(text, match, depth)
        if strength is not None:
            found[match.end()] = strength
    found[end] = 3
    return [_Cut(place, strength) for place, strength in sorted(found.items())]


def _hard(text: str, begin: int, end: int, longest: int) -> list[tuple[int, int]]:
    """Cuts a stretch without usable marks at spaces, or else between characters."""
    parts = []
    start = begin
    total = 0
    space = -1
    i = begin
    while i < end:
        total += _weight(text[i])
        if text[i].isspace():
            space = i + 1
        if total > longest and i > start:
            run = text[i - 1].isascii() and text[i - 1].isalnum() and text[i].isascii() and text[i].isalnum()
            cut = space if space > start else i
            if run and space <= start and total < 2 * longest:
                i += 1
                continue
            parts.append((start, cut))
            start = i = cut
            total, space = 0, -1
            continue
        i += 1
    parts.append((start, end))
    return parts


def _pack(text: str, begin: int, cuts: list[_Cut], longest: int) -> list[tuple[int, int]]:
    """Pieces of one sentence that is too long: as few as possible, at its strongest inner cuts."""
    strengths = sorted({cut.strength for cut in cuts}, reverse=True)
    end = cuts[-1].at
    for least in strengths:
        places = [cut.at for cut in cuts if cut.strength >= least]
        spans = list(zip([begin, *places[:-1]], places, strict=True))
        if len(spans) > 1 and (least == strengths[-1] or all(_weight(text[a:b]) <= longest for a, b in spans)):
            break
    else:
        return _hard(text, begin, end, longest)
    packed: list[tuple[int, int]] = []
    for a, b in spans:
        if packed and _weight(text[packed[-1][0] : b]) <= longest:
            packed[-1] = (packed[-1][0], b)
        elif _weight(text[a:b]) > longest:
            packed += _hard(text, a, b, longest)
        else:
            packed.append((a, b))
    return packed


def _sentences(text: str, begin: int, end: int, longest: int) -> list[list[tuple[int, int]]]:
    """Pieces per paragraph, no piece over ``longest`` where the text allows it."""
    paragraphs: list[list[tuple[int, int]]] = [[]]
    start = begin
    held: list[_Cut] = []
    for cut in _cuts(text, begin, end):
        held.append(cut)
        if cut.strength < 2:
            continue
        whole = _weight(text[start : cut.at]) <= longest
        paragraphs[-1] += [(start, cut.at)] if whole else _pack(text, start, held, longest)
        start, held = cut.at, []
        if cut.strength == 3:
            paragraphs.append([])
    return paragraphs


def _join_short(text: str, spans: list[tuple[int, int]], shortest: int, longest: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        if joined:
            before = _weight(text[slice(*joined[-1])])
            here = _weight(text[begin:end])
            if (before < shortest or here < shortest) and before + here <= max(longest, 2 * shortest):
                joined[-1] = (joined[-1][0], end)
                continue
        joined.append((begin, end))
    return joined


def _parts(text: str) -> list[tuple[int, int, float | None, float]]:
    """(start, end, pause after, speed) of the stretches between pause tags and around speed tags."""
    parts: list[tuple[int, int, float | None, float]] = []
    at = 0
    for tag in TAG.finditer(text):
        speed = _SPEED_TAG.fullmatch((tag["say"] or "").strip())
        if tag["pause"]:
            parts.append((at, tag.start(), min(max(float(tag["pause"]), 0.05), 10.0), 1.0))
        elif speed:
            parts.append((at, tag.start(), None, 1.0))
            parts.append((*tag.span("text"), None, min(max(float(speed[1]), 0.5), 2.0)))
        else:
            continue
        at = tag.end()
    return [*parts, (at, len(text), None, 1.0)]


def split_text(text: str, language: str = "auto", *, shortest: int = 12, longest: int = 120) -> list[Piece]:
    """Pieces of about ``shortest`` to ``longest`` phones, in order; stretches with nothing to speak are left out.

    Every letter and digit of ``text`` that is outside markup lies in exactly one piece.
    """
    pieces: list[Piece] = []
    for begin, end, pause, speed in _parts(text):
        spans = [
            span
            for paragraph in _sentences(text, begin, end, longest)
            for span in _join_short(text, paragraph, shortest, longest)
        ]
        found = []
        for a, b in spans:
            body = text[a:b].strip()
            if any(char.isalnum() for char in body):
                start = a + text[a:b].index(body)
                found.append(Piece(body, start, start + len(body), None, speed))
        if found and pause is not None:
            last = found[-1]
            found[-1] = Piece(last.text, last.start, last.end, pause, speed)
        elif pieces and pause is not None:
            last = pieces[-1]
            pieces[-1] = Piece(last.text, last.start, last.end, (last.pause or 0.0) + pause, last.speed)
        pieces += found
    return pieces
