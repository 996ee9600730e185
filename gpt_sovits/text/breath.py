"""Where a reader would breathe in a long English sentence that has no marks."""

from __future__ import annotations

import re

from gpt_sovits.text.en_abbreviations import SHORTENED
from gpt_sovits.text.en_tables import MONTHS, SCALES, UNITS

_COUNTED = frozenset((*UNITS, *MONTHS, *SCALES, "million", "billion", "thousand", "a.m", "p.m", "am", "pm", "AM", "PM"))
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
        if rank and _one_thing(before.group(), after.group()):
            rank = -1
        if rank > 0 and (before.group()[0].isdigit() or before.group()[0].isupper() and after.group()[0].isupper()):
            rank = 1
        if best is None or (rank, place) >= best:
            best = (rank, place)
    return best[1] if best and best[0] >= 0 else None


_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)?,")
_DASH = re.compile(r"[-–—~]+")
_SHORT = re.compile(
    r"(?i)(?:[a-z]\.)+|(?:" + "|".join(sorted(SHORTENED)) + r"|inc|pp?|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\."
)


def _one_thing(before: str, after: str) -> bool:
    """Whether two words are one number, range, name or address: 5 to 8, 10 – 20, 3 km, No. 7, St. Mary, John F. Ray."""
    if before in ("§", "§§", "#", "№") or _DASH.fullmatch(before) or _DASH.fullmatch(after) or _SHORT.fullmatch(before):
        return True
    number = before[-1].isdigit()
    if re.match(r"\(?\d", after) and (before[-1] == ")" or number or _DAY.fullmatch(before) and after[:4].isdigit()):
        return True
    return number and (after in ("to", "x", "×", "by", "and") or after[0].isdigit() or after.rstrip(".,;") in _COUNTED)


def _rank(before: str, after: str) -> int:
    if before in _CLINGS:
        return 0
    return 4 if after in _BEST else 3 if after in _GOOD else 2
