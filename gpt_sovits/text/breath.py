"""Where a reader would breathe in a long English sentence that has no marks."""

from __future__ import annotations

import re

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
_WORD = re.compile(r"[^\s]+")


def breath(text: str, start: int, end: int) -> int | None:
    """The best place between two words of ``text[start:end]`` to breathe, in its second half; None without spaces."""
    words = list(_WORD.finditer(text, start, end))
    best: tuple[int, int] | None = None
    middle = start + (end - start) // 2
    for before, after in zip(words, words[1:], strict=False):
        place = after.start()
        if place <= middle:
            continue
        rank = _rank(before.group().lower().strip("\"'“”‘’()"), after.group().lower().strip("\"'“”‘’()"))
        if rank and (before.group()[0].isdigit() or before.group()[0].isupper() and after.group()[0].isupper()):
            rank = 1
        if best is None or (rank, place) >= best:
            best = (rank, place)
    return best[1] if best else None


def _rank(before: str, after: str) -> int:
    if before in _CLINGS:
        return 0
    return 4 if after in _BEST else 3 if after in _GOOD else 2
