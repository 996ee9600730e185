"""In which other ways a word is read somewhere: for a person who hears that it came out wrong."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

from gpt_sovits.text.data import table
from gpt_sovits.text.en_g2p import lookup, spell
from gpt_sovits.text.zh_g2p import pinyin_phones

_MOST = 6


def alternatives(word: str, language: str, present: str = "") -> tuple[str, ...]:
    """Readings of ``word`` besides ``present``, as the text's marks take them; the most usual first, six at most.

    Chinese words get those of their characters, first where one alone differs; English ones those of words that are
    written alike; abbreviations and unknown words their letters.
    """
    if language in ("zh", "yue"):
        from pypinyin import Style, pinyin

        way: dict[str, Any] = {"style": Style.TONE3, "neutral_tone_with_five": True, "errors": "ignore"}
        usual = [each[0] for each in pinyin(word, **way)]
        known = [pinyin(char, heteronym=True, **way) for char in word[:8]]
        readings = [[each for each in one[0] if pinyin_phones(each)] for one in known if one]
        ways = (usual, *map(list, islice(product(*readings), 200))) if len(readings) == len(word) else ()
        found = [" ".join(each) for each in sorted(ways, key=lambda each: _apart(each, usual))]
    elif language == "en":
        plain = word.lower()
        alike = table("en_homograph_weights")["words"].get(plain, {}).get("readings", ())
        listed = " ".join(lookup(plain) or ())
        found = [listed, *alike, *table("en_homographs").get(plain, ())[1:]]
        if plain.isalpha() and plain.isascii() and (word.isupper() or not listed):
            found.append(" ".join(spell(plain)))
    else:
        found = []
    return tuple(each for each in dict.fromkeys(found) if each and each != present)[:_MOST]


def _apart(one: list[str], other: list[str]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=False))
