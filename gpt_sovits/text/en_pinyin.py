"""Chinese names in English text that no dictionary holds: pinyin syllables as an English speaker says them."""

from __future__ import annotations

import re

_INITIALS = {
    "": "", "b": "B", "p": "P", "m": "M", "f": "F", "d": "D", "t": "T", "n": "N", "l": "L", "g": "G", "k": "K",
    "h": "HH", "j": "JH", "q": "CH", "x": "SH", "zh": "JH", "ch": "CH", "sh": "SH", "r": "R", "z": "Z", "c": "T S",
    "s": "S", "y": "Y", "w": "W",
}  # fmt: skip
_FINALS = {
    "a": "AA", "o": "AO", "e": "AH", "i": "IY", "u": "UW", "ai": "AY", "ei": "EY", "ao": "AW", "ou": "OW",
    "an": "AA N", "en": "AH N", "ang": "AA NG", "eng": "AH NG", "ong": "UH NG", "er": "ER", "ia": "Y AA", "ie": "Y EH",
    "iao": "Y AW", "iu": "Y OW", "ian": "Y EH N", "in": "IH N", "iang": "Y AA NG", "ing": "IH NG", "iong": "Y UH NG",
    "ua": "W AA", "uo": "W AO", "uai": "W AY", "ui": "W EY", "uan": "W AA N", "un": "UH N", "uang": "W AA NG",
    "ue": "W EH",
}  # fmt: skip
_AFTER_PALATAL = {"uan": "W EH N", "ue": "W EH"}  # and after y: yuan
_SYLLABLE = (
    "(?:[jqx](?:i(?:a(?:ng?|o)?|e|u|ng?|ong)?|u(?:an|e|n)?)|y(?:i(?:ng?)?|a(?:ng?|o)?|e|o(?:ng|u)?|u(?:an|e|n)?)"
    "|(?:[zc]h|[zcsr]|sh)(?:i|a(?:ng?|o|i)?|e(?:ng?)?|o(?:ng|u)|u(?:a(?:ng?|i)?|o|i|n)?)|w(?:a(?:ng?|i)?|ei|eng?|o|u)"
    "|[bpm](?:a(?:ng?|o|i)?|o|ei|eng?|i(?:ao|an|e|ng?)?|u)|f(?:ang?|a|ei|eng?|ou|u)"
    "|[dtnl](?:a(?:ng?|o|i)?|e(?:i|ng?)?|i(?:a(?:ng?|o)|e|u|ng?)?|o(?:ng|u)|u(?:an|o|i|n)?)"
    "|[gkh](?:a(?:ng?|o|i)?|e(?:i|ng?)?|o(?:ng|u)|u(?:a(?:ng?|i)?|o|i|n)?)|er|ang?|ai|ao|en|ou)"
)
_PARTS = re.compile(f"({_SYLLABLE})(?=(?:{_SYLLABLE})*$)")
_MARKED = re.compile("^(?:x|q(?!u[aeio])|zh)|zh|q(?!u[aeio])i|xi[aeou]|xu|xin|iang|uang|iong")
_SIZES = re.compile("([zcs]h|[bpmfdtnlgkhjqxrzcsyw]?)(.+)")


def mandarin(word: str) -> list[str] | None:
    """ARPAbet of a lower-case word that is spelled in pinyin throughout and holds what no English word does, else None.

    The first syllable bears the stress.
    """
    if not _MARKED.search(word) or not re.fullmatch(f"{_SYLLABLE}+", word):
        return None
    phones: list[str] = []
    at = 0
    while at < len(word):
        part = _PARTS.match(word, at)
        if part is None:
            return None
        phones += _sounds(part[1], "1" if at == 0 else "0")
        at = part.end()
    return phones


def _sounds(syllable: str, stress: str) -> list[str]:
    cut = _SIZES.fullmatch(syllable)
    initial, final = (cut[1], cut[2]) if cut else ("", syllable)
    sound = _FINALS[final]
    if final == "i" and initial in ("zh", "ch", "sh", "r", "z", "c", "s"):
        sound = "ER" if initial in ("zh", "ch", "sh") else "AH"
    elif initial in ("j", "q", "x", "y") and final in _AFTER_PALATAL:
        sound = _AFTER_PALATAL[final]
    elif final == "an" and initial == "y":
        sound = "EH N"
    vowels = [phone + stress if phone[0] in "AEIOU" else phone for phone in sound.split()]
    return [*_INITIALS[initial].split(), *vowels]
