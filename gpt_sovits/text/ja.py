"""Japanese, an extra: OpenJTalk's labels -> phones with pitch marks.

``[`` rises after the first mora, ``]`` falls, ``#`` borders an accent phrase. ``#`` is in no phone table: it becomes
``UNK``, and since the checkpoints were trained with that, it stays. v1 was trained without any pitch mark.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from functools import lru_cache
from types import ModuleType

from gpt_sovits.errors import ResourceError
from gpt_sovits.text.tracked import Tracked
from gpt_sovits.versions import FIRST_PHONES, PHONES

PACKAGE = "pyopenjtalk-plus==0.4.1.post10"
_SPOKEN = re.compile("[A-Za-z0-9々\u3040-\u30ff\u4e00-\u9fff０-９Ａ-Ｚａ-ｚｦ-ﾝ]+")
_MARKS = dict(zip("：；，。！？\n·、", ",,,.!?.,,", strict=True))
_MARK_RUN = re.compile(r"([!?…,.\-])[!?…,.\-]+")
_A = re.compile(r"/A:(-?\d+)\+(\d+)\+(\d+)/")
_F = re.compile(r"/F:(\d+)_")
_PHONE = re.compile(r"-([^+]*)\+")
_SPLIT_PHONES = {"gw": ("g", "w"), "kw": ("k", "w")}


@lru_cache(maxsize=1)
def _engine() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pyopenjtalk
    except ImportError as error:
        raise ResourceError("Japanese is not installed.", f"Run: pip install {PACKAGE}") from error
    return pyopenjtalk


def require() -> None:
    """Raises ``ResourceError`` with the command to install Japanese when it is missing."""
    _engine()


def available() -> bool:
    """Whether the engine is installed."""
    try:
        _engine()
    except ResourceError:
        return False
    return True


def _numbers(label: str) -> tuple[int, int, int, int]:
    a, f = _A.search(label), _F.search(label)
    return (int(a[1]), int(a[2]), int(a[3]), int(f[1]) if f else -1) if a else (-50, -50, -50, -1)


@lru_cache(maxsize=4096)
def _stretch(text: str, pitch: bool) -> tuple[str, ...]:
    """Phones of characters that OpenJTalk reads."""
    labels = _engine().extract_fullcontext(text)
    phones: list[str] = []
    for i, label in enumerate(labels):
        found = _PHONE.search(label)
        phone = found[1] if found else "sil"
        if phone == "sil":
            continue
        if phone == "pau":
            phones.append("_")
            continue
        if pitch and phone in "AEIOU":
            phone = phone.lower()
        phones += _SPLIT_PHONES.get(phone, (phone,))
        if not pitch or i + 1 == len(labels):
            continue
        to_fall, place, places_left, size = _numbers(label)
        following = _numbers(labels[i + 1])[1]
        if places_left == 1 and following == 1 and phone in (*"aeiouAEIOUN", "cl"):
            phones.append("#")
        elif to_fall == 0 and following == place + 1 and place != size:
            phones.append("]")
        elif place == 1 and following == 2:
            phones.append("[")
    return tuple(phones)


_DIGITS = dict(zip("0123456789", "ゼロ いち に さん よん ご ろく なな はち きゅう".split(), strict=True))


def _fraction(match: re.Match[str]) -> str:
    return match[1] + "てん" + "".join(_DIGITS[char] for char in match[2])


_RULES = (
    (re.compile("[％%]"), "パーセント"),
    (re.compile(r"(?<!\d)(\d{1,2}):([0-5]\d)(?!\d)"), lambda m: f"{m[1]}時{m[2]}分" if int(m[2]) else f"{m[1]}時"),
    (re.compile(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])"), _fraction),
    (re.compile(r"(?<![\dA-Za-z])[\-−](?=\d)"), "マイナス"),
    (_MARK_RUN, lambda m: m[1]),
)


def normalize(text: Tracked) -> Tracked:
    """Percent signs, clock times, decimals and minus in words; a run of half-width marks becomes its first."""
    for pattern, new in _RULES:
        text = text.sub(pattern, new)
    return text


def g2p(norm_text: str, version: str = PHONES) -> list[tuple[int, int, tuple[str, ...]]]:
    """(start, end, phones) of every stretch and mark of ``norm_text``."""
    parts: list[tuple[int, int, tuple[str, ...]]] = []
    at = 0
    for match in [*_SPOKEN.finditer(norm_text), None]:
        stop = match.start() if match else len(norm_text)
        for i in range(at, stop):
            if norm_text[i] != " " and unicodedata.category(norm_text[i])[0] != "C" or norm_text[i] == "\n":
                parts.append((i, i + 1, (_MARKS.get(norm_text[i], norm_text[i]),)))
        if match:
            parts.append((*match.span(), _stretch(match.group().lower(), version != FIRST_PHONES)))
            at = match.end()
    return parts
