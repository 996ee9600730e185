"""Cutting a long text into pieces that are spoken one at a time; every piece keeps its offsets."""

from __future__ import annotations

import re

from gpt_sovits.text.types import Piece

_SENTENCE = re.compile(r"[^。！？!?…\n]*?(?:[。！？!?…\n]+[”’」』\"')）]*|(?<!\d)\.(?!\d)[”’\"')]*(?=\s|$)|$)", re.S)
_CLAUSE = re.compile(r"[^，、；：,;:]*(?:[，、；：,;:]+(?!\d)|$)|.", re.S)


def _weight(text: str) -> int:
    """Roughly how many phones: 2 per Han character, 0.9 per other letter or digit."""
    return sum(2 if "一" <= char <= "鿿" else 1 for char in text if char.isalnum())


def split_text(text: str, language: str = "auto", *, shortest: int = 12, longest: int = 120) -> list[Piece]:
    """Sentences of ``text`` as pieces of about ``shortest`` to ``longest`` phones, in order, blanks left out."""
    cuts: list[tuple[int, int]] = []
    for sentence in _SENTENCE.finditer(text):
        if not sentence.group():
            continue
        if _weight(sentence.group()) <= longest:
            cuts.append(sentence.span())
            continue
        begin = sentence.start()
        for clause in _CLAUSE.finditer(text, sentence.start(), sentence.end()):
            if _weight(text[begin : clause.end()]) > longest and clause.start() > begin:
                cuts.append((begin, clause.start()))
                begin = clause.start()
        cuts.append((begin, sentence.end()))
    merged: list[tuple[int, int]] = []
    for begin, end in cuts:
        if merged and _weight(text[slice(*merged[-1])]) < shortest:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    if len(merged) > 1 and _weight(text[slice(*merged[-1])]) < shortest:
        last = merged.pop()
        merged[-1] = (merged[-1][0], last[1])
    pieces = []
    for begin, end in merged:
        body = text[begin:end]
        if any(char.isalnum() for char in body):
            lead = len(body) - len(body.lstrip())
            pieces.append(Piece(body.strip(), begin + lead, begin + lead + len(body.strip())))
    return pieces
