"""A text cut as upstream's program cuts it (cut0 to cut5), for whoever wants the pieces that they know from there.

The full stops at which cut3 and cut4 cut stay where short pieces are joined again, where upstream loses them.
"""

from __future__ import annotations

import re
from itertools import pairwise

from gpt_sovits.text.tracked import Tracked

CUTS = ("cut0", "cut1", "cut2", "cut3", "cut4", "cut5")
_ENDS = "，。？！,.?!~:：—…"
_REPEATED = re.compile(r"[!?…,.-]{2,}")
_CLAUSE = re.compile(f"——|[{_ENDS}]")
_AT = {  # where a method cuts, and what it takes away
    "cut3": re.compile("(?P<gone>。)"),
    "cut4": re.compile(r"(?<!\d)(?P<gone>\.)(?!\d)"),
    "cut5": re.compile(r"[,;?!、，。？！：…]|(?<!\d)\.|\.(?!\d)"),
}
_GROUP, _COLLECTED = 4, 50  # clauses of cut1; characters of cut2
_SHORT_HEAD, _SHORT, _LONGEST = 4, 5, 510  # characters of a first clause, and of a piece

Span = tuple[int, int]


def prepared(source: Tracked, language: str) -> Tracked:
    """The first of several marks in a row; a full stop before a first clause of fewer than four characters."""
    source = source.sub(_REPEATED, lambda found: found.group()[0])
    text = source.text.lstrip("\n")
    first = _CLAUSE.split(text, maxsplit=1)[0]
    if not first or len(first.strip()) >= _SHORT_HEAD:
        return source
    at = len(source) - len(text)
    place = (source.starts[at],)
    mark = "." if language == "en" else "。"
    return Tracked(mark + text, place + source.starts[at:], place + source.ends[at:])


def cut(text: str, begin: int, end: int, method: str) -> list[Span]:
    """The pieces of ``text[begin:end]``, in order; some may have nothing in them that is spoken."""
    if method == "cut0":
        spans = [(begin, end)]
    elif method in _AT:
        spans = _between(text, begin, end, _AT[method])
    else:
        clauses = [span for span in _between(text, begin, end, _CLAUSE) if span[0] < span[1]]
        spans = _fours(clauses) if method == "cut1" else _fifties(clauses)
    lines = [line for span in spans for line in _between(text, *span, re.compile("(?P<gone>\n)"))]
    joined = _joined([(a, b) for a, b in lines if any(char.isalnum() for char in text[a:b])])
    if method in ("cut3", "cut4"):
        joined = [(a, b + 1 if b < end and _AT[method].match(text, b, end) else b) for a, b in joined]
    return [part for span in joined for part in _shortened(text, *span)]


def _between(text: str, begin: int, end: int, mark: re.Pattern[str]) -> list[Span]:
    """The stretches that end with a mark, or before it, where its group ``gone`` matches."""
    found, start = [], begin
    for match in mark.finditer(text, begin, end):
        gone = "gone" in mark.groupindex
        found.append((start, match.start() if gone else match.end()))
        start = match.end()
    return [*found, (start, end)]


def _fours(clauses: list[Span]) -> list[Span]:
    starts = [*range(0, len(clauses), _GROUP)]
    edges = [*starts[:-1], len(clauses)] if len(starts) > 1 else [0, len(clauses)]
    return [(clauses[a][0], clauses[b - 1][1]) for a, b in pairwise(edges) if a < b]


def _fifties(clauses: list[Span]) -> list[Span]:
    found: list[Span] = []
    begins = None
    for start, end in clauses:
        begins = start if begins is None else begins
        if end - begins > _COLLECTED:
            found.append((begins, end))
            begins = None
    if begins is not None:
        found.append((begins, clauses[-1][1]))
    if len(found) > 1 and found[-1][1] - found[-1][0] < _COLLECTED:
        found[-2:] = [(found[-2][0], found[-1][1])]
    return found


def _joined(spans: list[Span]) -> list[Span]:
    """Pieces of fewer than five characters join those that follow, at the end the one before."""
    found: list[Span] = []
    held, size = None, 0
    for start, end in spans:
        held, size = (start if held is None else held), size + end - start
        if size >= _SHORT:
            found.append((held, end))
            held, size = None, 0
    if held is not None:
        found[-1:] = [(found[-1][0] if found else held, spans[-1][1])]
    return found


def _shortened(text: str, begin: int, end: int) -> list[Span]:
    """The stretch, or parts of at most 510 characters that end with a mark where one can be found."""
    found, start = [], begin
    for place in [*(match.end() for match in _CLAUSE.finditer(text, begin, end)), end]:
        while place - start > _LONGEST:
            last = max((at for at in (m.end() for m in _CLAUSE.finditer(text, start, start + _LONGEST))), default=0)
            found.append((start, last or start + _LONGEST))
            start = found[-1][1]
    return [*found, (start, end)]
