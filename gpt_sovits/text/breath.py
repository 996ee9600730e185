"""Where a reader would breathe in a long sentence that has no marks, English or Chinese."""

from __future__ import annotations

import re

from gpt_sovits.text.zh_words import Token, tag

_BEST = frozenset(
    "and but or nor so yet because although though while whereas unless until since if when whenever where wherever "
    "which who whom whose that than then before after as whether".split()
)
_GOOD = frozenset(
    "in on at by for with without from into onto over under through across between among during against about around "
    "behind beyond beside near toward towards to of".split()
)
_CLINGS = frozenset(  # what a reader never stops after
    "the a an my your his her its our their this that these those no some any every each of to in on at by for with "
    "from and or but very more most so too not is are was were be been being am has have had will would can could may "
    "might must shall should do does did i you he she we they it who which as if than mr mrs ms dr st".split()
)
_BEST_ZH = frozenset("然后 就 才 但 但是 而 而且 并 并且 又 还 也 于是 因为 所以 如果 虽然 不过 可是 或者".split())
_WORD = re.compile(r"[^\s]+")
_HAN = re.compile("[一-鿿]")


def breath(text: str, start: int, end: int) -> int | None:
    """The best place between two words of ``text[start:end]`` to breathe, in its second half; None for one word."""
    found = _places_zh(text, start, end) if _HAN.search(text, start, end) else _places(text, start, end)
    middle = start + (end - start) // 2
    best = max(((rank, place) for place, rank in found if place > middle), default=None)
    return best[1] if best else None


def _places(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """(start of a word, how good a place it is) for words between spaces."""
    words = list(_WORD.finditer(text, start, end))
    found = []
    for before, after in zip(words, words[1:], strict=False):
        rank = _rank(before.group().lower().strip("\"'“”‘’()"), after.group().lower().strip("\"'“”‘’()"))
        if rank and (before.group()[0].isdigit() or before.group()[0].isupper() and after.group()[0].isupper()):
            rank = 1
        found.append((after.start(), rank))
    return found


def _rank(before: str, after: str) -> int:
    if before in _CLINGS:
        return 0
    return 4 if after in _BEST else 3 if after in _GOOD else 2


def _places_zh(text: str, start: int, end: int) -> list[tuple[int, int]]:
    words = tag(text[start:end])
    found, at = [], start
    for before, after in zip(words, words[1:], strict=False):
        at += len(before[0])
        found.append((at, _rank_zh(before, after)))
    return found


def _rank_zh(before: Token, after: Token) -> int:
    if after[1][:1] in "uyx" or before[1][:1] in "pcmdr" or before[0].isascii() and after[0].isascii():
        return 0
    return 4 if after[0] in _BEST_ZH or after[1][:1] == "c" else 3 if after[1] == "p" else 2
