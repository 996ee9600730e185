"""The reference frontend's splitting methods cut0 to cut5, and the list of pieces that its pipeline speaks."""

from __future__ import annotations

import re
from collections.abc import Callable

_ENDS = frozenset("，。？！,.?!~:：—…")
_MARKS = frozenset("!?…,.-")
_CUT5 = frozenset(",.;?!、，。？！;：…")
_SHORT_HEAD = 4
_SHORT_PIECE = 5
_LONGEST = 510


def _speaks(piece: str, silent: frozenset[str] = _MARKS | {" "}) -> bool:
    return not set(piece) <= silent


def _clauses(text: str) -> list[str]:
    """Cut after each end mark; …… counts as 。 and —— as ，; a missing last mark is added."""
    text = text.replace("……", "。").replace("——", "，")
    if text and text[-1] not in _ENDS:
        text += "。"
    parts = []
    begin = 0
    for i, char in enumerate(text):
        if char in _ENDS:
            parts.append(text[begin : i + 1])
            begin = i + 1
    return parts


def _cut0(text: str) -> list[str] | None:
    return [text] if _speaks(text) else None


def _cut1(text: str) -> list[str]:
    text = text.strip("\n")
    clauses = _clauses(text)
    cuts = list(range(0, len(clauses), 4))[:-1] if len(clauses) > 4 else []
    if not cuts:
        return [text]
    cuts = cuts if cuts[-1] != len(clauses) else cuts[:-1]
    return ["".join(clauses[a:b]) for a, b in zip(cuts, [*cuts[1:], None], strict=True)]


def _cut2(text: str) -> list[str]:
    text = text.strip("\n")
    clauses = _clauses(text)
    if len(clauses) < 2:
        return [text]
    pieces = []
    piece = ""
    for clause in clauses:
        piece += clause
        if len(piece) > 50:
            pieces.append(piece)
            piece = ""
    if piece:
        pieces.append(piece)
    if len(pieces) > 1 and len(pieces[-1]) < 50:
        pieces[-2:] = [pieces[-2] + pieces[-1]]
    return pieces


def _cut3(text: str) -> list[str]:
    return text.strip("\n").strip("。").split("。")


def _cut4(text: str) -> list[str]:
    return re.split(r"(?<!\d)\.(?!\d)", text.strip("\n").strip("."))


def _cut5(text: str) -> list[str]:
    text = text.strip("\n")
    pieces = []
    piece = ""
    for i, char in enumerate(text):
        piece += char
        between = 0 < i < len(text) - 1 and text[i - 1].isdigit() and text[i + 1].isdigit()
        if char in _CUT5 and not (char == "." and between):
            pieces.append(piece)
            piece = ""
    pieces.append(piece)
    return [piece for piece in pieces if _speaks(piece, _CUT5)]


_METHODS: dict[str, Callable[[str], list[str] | None]] = {
    "cut0": _cut0, "cut1": _cut1, "cut2": _cut2, "cut3": _cut3, "cut4": _cut4, "cut5": _cut5,
}  # fmt: skip


def cut(text: str, method: str) -> str:
    """``text`` with a newline at each cut of ``method``."""
    pieces = _METHODS[method](text)
    if pieces is None:
        return "\n"
    if method == "cut2" and len(pieces) == 1:
        return pieces[0]
    return "\n".join(piece for piece in pieces if method == "cut5" or _speaks(piece))


def _merge_short(pieces: list[str]) -> list[str]:
    if len(pieces) < 2:
        return pieces
    merged: list[str] = []
    held = ""
    for piece in pieces:
        held += piece
        if len(held) >= _SHORT_PIECE:
            merged.append(held)
            held = ""
    if held:
        if merged:
            merged[-1] += held
        else:
            merged.append(held)
    return merged


def _cut_long(piece: str) -> list[str]:
    if len(piece) <= _LONGEST:
        return [piece]
    pieces = [""]
    for clause in re.findall(r"[^，。？！,.?!~:：—…]*[，。？！,.?!~:：—…]|[^，。？！,.?!~:：—…]+", piece):
        if pieces[-1] and len(pieces[-1]) + len(clause) > _LONGEST:
            pieces.append("")
        pieces[-1] += clause
    return pieces


def segments(text: str, method: str, language: str = "zh") -> list[str]:
    """The pieces that the reference pipeline sends to its frontend for ``text``."""
    stop = "." if language == "en" else "。"
    text = re.sub(r"([!?…,.\-])[!?…,.\-]+", r"\1", text).strip("\n")
    if not text:
        return []
    head = re.split("[，。？！,.?!~:：—…]", text, maxsplit=1)[0].strip()
    if text[0] not in _ENDS and len(head) < _SHORT_HEAD:
        text = stop + text
    pieces = [piece for piece in cut(text, method).split("\n") if piece not in ("", " ")]
    out = []
    for piece in _merge_short(pieces):
        if not piece.strip() or not re.search(r"\w", piece):
            continue
        if piece[-1] not in _ENDS:
            piece += stop
        out += _cut_long(piece)
    return out
