"""Where a reader would breathe in a long stretch of Chinese that has no marks."""

from __future__ import annotations

import re

from gpt_sovits.text.zh_words import tag

_OPENS = frozenset(
    "但 但是 可是 不过 然而 而 而且 并且 所以 因此 因为 由于 如果 虽然 尽管 即使 只要 只有 除非 无论 不管 于是 "
    "然后 后来 接着 同时 另外 此外 例如 比如 甚至 或者 或 以及 和 与 以便 直到 当 其中 也 又 就 才 却 都 还".split()
)
_CLOSES = frozenset("了 吗 呢 吧 啊 呀 嘛 啦 时 后 前 以后 以前 之后 之前 时候 的话 来说 而言 等 们".split())
_CLINGS_AFTER = ("u", "y", "f", "q", "k", "g", "zg")  # what a reader never separates from the word before it
_CLINGS_BEFORE = ("p", "c", "m", "d", "r", "h", "b", "uj", "x", "eng")  # ... from the word after it
_NAMES = ("nr", "ns", "nt", "nz")  # names that no list has are often cut in two
_HAN = re.compile("[一-鿿]")
_LOOK = 8  # characters beyond the end, which tell whether a word ends there


def breath(text: str, start: int, end: int) -> int | None:
    """The best place between two words of ``text[start:end]`` to breathe, in its second half; None without Han.

    Never before a particle or a measure word, after a preposition, or beside a number.
    """
    if not _HAN.search(text, start, end):
        return None
    tokens = tag(text[start : end + _LOOK])
    middle = start + (end - start) // 2
    best: tuple[int, int] | None = None
    place = start
    for before, after in zip(tokens, tokens[1:], strict=False):
        place += len(before[0])
        if place > end:
            break
        rank = _rank(before, after)
        if place - len(before[0]) > start and text[place - len(before[0]) - 1].isdigit():
            rank = min(rank, after[0][0] != "每")  # 11立方米每秒
        if place > middle and rank and (best is None or (rank, place) >= best):
            best = (rank, place)
    return best[1] if best else None


def _rank(before: tuple[str, str], after: tuple[str, str]) -> int:
    if not (_HAN.match(before[0][-1]) and _HAN.match(after[0][0])):
        return 0
    if after[1].startswith(_CLINGS_AFTER) or after[0] in _CLOSES:
        return 0
    if after[0] in _OPENS:
        return 5 if len(after[0]) > 1 else 4 if len(before[0]) > 1 else 1
    if before[0] in _CLOSES:
        return 4
    if before[1].startswith(_CLINGS_BEFORE) or before[0] in ("的", "不", "没", "是", "在"):
        return 1 if len(before[0]) > 1 and len(after[0]) > 1 else 0
    if len(before[0]) == 1 and len(after[0]) == 1 or before[1].startswith(_NAMES) and after[1].startswith("n"):
        return 1
    return 3 if len(before[0]) > 1 and len(after[0]) > 1 else 2
