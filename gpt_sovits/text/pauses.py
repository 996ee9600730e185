"""How long a reader rests after a piece: by the mark that ends it, longer between paragraphs and after a heading.

Everything is a multiple of the pause after a sentence, which the person chooses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from gpt_sovits.text.tracked import Tracked
from gpt_sovits.text.types import Piece

PARAGRAPH, HEADING, LINE, BREATH = 2.0, 2.5, 1.0, 0.35
COMMA = 0.5
_CLOSERS = "”’」』》〉）)】]\"'*_ "
_MARKS = (  # what a piece ends with, and the pause after it
    (re.compile(r"(?:…|\.\.\.|～|~)$"), 1.3),
    (re.compile(r"[。．.!?！？]$"), 1.0),
    (re.compile(r"[;；:：]$"), 0.8),
    (re.compile(r"[—–-]$"), 0.6),
    (re.compile(r"[,，、]$"), COMMA),
)
_BLANK = re.compile(r"\n[^\S\n]*\n")


def with_rests(source: Tracked, found: Sequence[tuple[tuple[int, int], Piece]]) -> list[Piece]:
    """The pieces, each at its place in ``source``, with what follows them: the last one rests for nothing."""
    out = []
    for number, ((start, end), piece) in enumerate(found):
        following = found[number + 1][0][0] if number + 1 < len(found) else None
        rest = 0.0 if following is None else _rest(source.text[start:end], source.text[end:following])
        out.append(replace(piece, rest=rest, goes_on=rest == BREATH))
    return out


def _rest(said: str, between: str) -> float:
    said = said.rstrip(_CLOSERS)[-3:]
    mark = next((share for pattern, share in _MARKS if pattern.search(said)), None)
    if _BLANK.search(between):
        return HEADING if mark is None else max(PARAGRAPH, mark)
    if mark is not None:
        return mark
    return LINE if "\n" in between else BREATH
