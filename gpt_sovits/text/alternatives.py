"""In which other ways a word is read somewhere: for a person who hears that it came out wrong."""

from __future__ import annotations

from itertools import islice, product

from gpt_sovits.text.data import table
from gpt_sovits.text.en_g2p import lookup, spell
from gpt_sovits.text.zh_g2p import pinyin_phones

_MOST = 6


def alternatives(word: str, language: str, present: str = "") -> tuple[str, ...]:
    """Readings of ``word`` besides ``present``, as the text's marks take them; the most usual first, six at most.

    Chinese words get those of their characters that the dictionary knows, the first character changing last; English
    ones those of words that are written alike; abbreviations and unknown words their letters.
    """
    if language in ("zh", "yue"):
        from pypinyin import Style, pinyin

        known = pinyin(word, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True, errors="ignore")
        readings = [[each for each in one if pinyin_phones(each)] for one in known]
        found = [" ".join(each) for each in islice(product(*readings), 40)] if len(known) == len(word) else []
    elif language == "en":
        plain = word.lower()
        alike = table("en_homograph_weights")["words"].get(plain, {}).get("readings", ())
        usual = " ".join(lookup(plain) or ())
        found = [usual, *alike, *table("en_homographs").get(plain, ())[1:]]
        if plain.isalpha() and plain.isascii() and (word.isupper() or not usual):
            found.append(" ".join(spell(plain)))
    else:
        found = []
    return tuple(each for each in dict.fromkeys(found) if each and each != present)[:_MOST]
