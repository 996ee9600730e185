"""Cantonese: the Chinese normaliser's numbers, then Jyutping per character, two phones per syllable."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from gpt_sovits.text.data import table
from gpt_sovits.text.symbols import MARKS, symbols
from gpt_sovits.text.tracked import Tracked

_MONEY = re.compile(r"(?:HK)?\$ ?(\d+(?:\.\d+)?)")
_DASHES = re.compile(r"—{2,}|…{2,}(?=\w)")
_MARKS = {ord(old): new for old, new in zip("：；，。！？\n·、～~:;", ",,,.!?.,,--,,", strict=True)}
_DOTS = re.compile(r"\.{3}")
_DELETED = re.compile(r"[^㐀-䶿一-鿿\U00020000-\U0003134f!?…,.\-]+")
_HAN = re.compile(r"[㐀-䶿一-鿿\U00020000-\U0003134f]")
_TILDE_END = re.compile(r"[～~](?=$|[\s。！？!?，,])")


@lru_cache(maxsize=65536)
def _jyutping(text: str) -> tuple[str | None, ...]:
    import ToJyutping

    return tuple(reading.split()[0] if reading else None for _, reading in ToJyutping.get_jyutping_list(text))


@cache
def _syllables() -> dict[str, tuple[str, str]]:
    return {name: (pair[0], pair[1]) for name, pair in table("yue")["syllables"].items() if len(pair) == 2}


def jyutping_phones(jyutping: str) -> tuple[str, str] | None:
    """``hoeng1`` -> ("Yh", "Yoeng1"); None when the phone table cannot spell it."""
    base, tone = jyutping[:-1], jyutping[-1:]
    pair = _syllables().get(base)
    if pair is None or tone not in "123456":
        return None
    phones = (pair[0], pair[1] + tone)
    return phones if all(phone in symbols() for phone in phones) else None


@lru_cache(maxsize=65536)
def _readable(char: str) -> bool:
    reading = _jyutping(char)[0]
    return reading is not None and jyutping_phones(reading) is not None


def normalize(text: Tracked) -> Tracked:
    """The whole Cantonese normalisation of one span; runs of marks are kept."""
    text = text.sub(_MONEY, lambda match: f"{match[1]}蚊").sub(_TILDE_END, "").sub(_DASHES, "，")
    from gpt_sovits.text import zh_normalize  # late: see ``readers``

    text = zh_normalize.spell_out(zh_normalize.prepare(text))
    text = text.map_chars(_MARKS).sub(_DOTS, "…").sub(_DELETED, "")
    return text.sub(_HAN, lambda match: None if _readable(match[0]) else "")


def g2p(norm_text: str) -> tuple[list[str], list[int], list[str]]:
    """(phones, phones per character, Jyutping per character with "" at marks)."""
    phones: list[str] = []
    word2ph: list[int] = []
    readings: list[str] = []
    for part in re.findall(r"[^!?…,.\-]{1,400}|[!?…,.\-]", norm_text):
        if part in MARKS:
            phones.append(part)
            word2ph.append(1)
            readings.append("")
            continue
        for char, reading in zip(part, _jyutping(part), strict=True):
            pair = jyutping_phones(reading or "") or jyutping_phones(_jyutping(char)[0] or "")
            phones += pair or ()
            word2ph.append(len(pair or ()))
            readings.append(reading or "")
    return phones, word2ph, readings
