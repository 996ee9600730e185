"""Mandarin tone changes, on one word of known part of speech.

Tones sit at the end of each final: ``i3`` -> third tone, ``5`` neutral. Rules follow the checkpoints' training
frontend: 不, 一, neutral tone, third tone, in this order.
"""

from __future__ import annotations

import re
from functools import cache

from gpt_sovits.text.data import table
from gpt_sovits.text.zh_words import Token, shortest_split

_PARTICLES = frozenset("吧呢哈啊呐噻嘛吖嗨哦哒额滴哩哟喽啰耶喔诶")
_DATE = re.compile(r"[一二三四五六七八九十]{1,3}[月日号]")
_STOPS = frozenset("：，；。？！“”‘’':,;.?!…")
_EACH = frozenset(
    ("处处 天天 年年 月月 日日 时时 事事 样样 种种 家家 户户 句句 字字 声声 步步 代代 夜夜 层层 重重 岁岁 世世").split()
)
_BEFORE_GE = frozenset("几有两半多各整每做是")


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(table("zh")[name])


def _tone(final: str, tone: int) -> str:
    return final[:-1] + str(tone)


def _is_neutral(word: str) -> bool:
    listed = _words("neutral")
    return word in listed or word[-2:] in listed


def all_third(finals: list[str]) -> bool:
    """Whether every syllable is third tone."""
    return all(final.endswith("3") for final in finals)


def _bu(word: str, finals: list[str]) -> None:
    if len(word) == 3 and word[1] == "不":
        finals[1] = _tone(finals[1], 5)
        return
    for i, char in enumerate(word[:-1]):
        if char == "不" and finals[i + 1].endswith("4"):
            finals[i] = _tone(finals[i], 2)


def _yi(word: str, finals: list[str]) -> None:
    if "一" not in word or all(char.isnumeric() for char in word) or _DATE.fullmatch(word):
        return
    if len(word) == 3 and word[1] == "一" and word[0] == word[2]:
        finals[1] = _tone(finals[1], 5)
    elif word.startswith("第一"):
        finals[1] = _tone(finals[1], 1)
    else:
        for i, char in enumerate(word[:-1]):
            if char == "一":
                if finals[i + 1].endswith("4"):
                    finals[i] = _tone(finals[i], 2)
                elif word[i + 1] not in _STOPS:
                    finals[i] = _tone(finals[i], 4)


def _last_is_neutral(word: str, pos: str) -> bool:
    last = word[-1]
    before = word[-2:-1]
    if last in _PARTICLES or last in "的地得":
        return True
    if len(word) == 1:
        return last in "了着过" and pos in ("ul", "uz", "ug")
    if last in "们子" and pos in ("r", "n") and word not in _words("not_neutral"):
        return True
    if last in "上下里" and pos in ("s", "l", "f") and (len(word) < 4 or pos != "l"):
        return True
    return last in "来去" and before in "上下进出回过起开"


def _neutral(word: str, pos: str, finals: list[str]) -> None:
    if pos[:1] in ("n", "v", "a") and word not in _words("not_neutral") and word not in _EACH:
        for i in range(1, len(word)):
            across = len(word) == 4 and i == 2 and word[0] != word[1]
            if word[i] == word[i - 1] and not across:
                finals[i] = _tone(finals[i], 5)
    ge = word.find("个")
    if _last_is_neutral(word, pos):
        finals[-1] = _tone(finals[-1], 5)
    elif word == "个" or (ge > 0 and (word[ge - 1].isnumeric() or word[ge - 1] in _BEFORE_GE)):
        finals[ge] = _tone(finals[ge], 5)
    elif _is_neutral(word):
        finals[-1] = _tone(finals[-1], 5)
    at = 0
    for part in shortest_split(word):
        at += len(part)
        if part and _is_neutral(part):
            finals[at - 1] = _tone(finals[at - 1], 5)


def _third(word: str, finals: list[str]) -> None:
    if len(word) == 2:
        if all_third(finals):
            finals[0] = _tone(finals[0], 2)
    elif len(word) == 3:
        cut = len(shortest_split(word)[0])
        if all_third(finals):
            for i in (0, 1) if cut == 2 else (1,) if cut == 1 else ():
                finals[i] = _tone(finals[i], 2)
        else:
            halves = [finals[:cut], finals[cut:]]
            for part, begin in zip(halves, (0, cut), strict=True):
                if len(part) == 2 and all_third(part):
                    finals[begin] = _tone(finals[begin], 2)
            if halves[1] and not all_third(halves[1]) and halves[0][-1].endswith("3") and halves[1][0].endswith("3"):
                finals[cut - 1] = _tone(finals[cut - 1], 2)
    elif len(word) == 4:
        for begin in (0, 2):
            if all_third(finals[begin : begin + 2]):
                finals[begin] = _tone(finals[begin], 2)


def change_tones(token: Token, finals: list[str]) -> list[str]:
    """Finals of ``token`` (one per character) after all tone changes."""
    word, pos = token
    finals = list(finals)
    _bu(word, finals)
    _yi(word, finals)
    _neutral(word, pos, finals)
    _third(word, finals)
    return finals


def erhua(token: Token, finals: list[str]) -> list[str]:
    """A word-final 儿 takes the tone of the syllable before it, except where it is a syllable of meaning."""
    word, pos = token
    if not word.endswith("儿") or finals[-1] not in ("er1", "er2", "er5"):
        return finals
    finals = [*finals[:-1], "er2" if finals[-1] == "er1" else finals[-1]]
    never = _words("not_erhua")
    if word not in _words("erhua") and (word in never or pos in ("a", "j", "nr")):
        return finals
    if len(finals) > 1 and word[-2:] not in never:
        finals[-1] = "er" + finals[-2][-1]
    return finals
