"""A reading that a person gives for a word: pinyin, Jyutping, ARPAbet, IPA between slashes, ``spell``, ``=`` words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gpt_sovits.errors import InputError
from gpt_sovits.text import en_g2p
from gpt_sovits.text.symbols import symbols
from gpt_sovits.text.yue import jyutping_phones
from gpt_sovits.text.zh_g2p import pinyin_phones
from gpt_sovits.text.zh_numbers import DIGITS

HELP = "Write pinyin (zhang3), Jyutping, ARPAbet (L AY1 V), IPA between slashes (/laɪv/), spell, or = and other words."
_PINYIN = re.compile(r"[a-zA-ZüÜ:]+[1-5]")
_JYUTPING = re.compile(r"[a-z]+[1-6]")
_IPA: dict[str, str] = {
    "tʃ": "CH", "dʒ": "JH", "t͡ʃ": "CH", "d͡ʒ": "JH", "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW",
    "ɔɪ": "OY", "ɔː": "AO", "ɑː": "AA", "iː": "IY", "uː": "UW", "ɜː": "ER", "ɜr": "ER", "ɝ": "ER", "ɚ": "ER",
    "ər": "ER", "ɪə": "IY AH", "eə": "EH", "ʊə": "UH AH", "θ": "TH", "ð": "DH", "ʃ": "SH", "ʒ": "ZH", "ŋ": "NG",
    "j": "Y", "ɹ": "R", "r": "R", "ɡ": "G", "g": "G", "h": "HH", "ɪ": "IH", "i": "IY", "ɛ": "EH", "e": "EH",
    "æ": "AE", "ɑ": "AA", "ɒ": "AA", "a": "AA", "ɔ": "AO", "o": "OW", "ʊ": "UH", "u": "UW", "ʌ": "AH", "ə": "AH",
    "ɐ": "AH", "ɜ": "ER", "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "f": "F", "v": "V", "s": "S", "z": "Z",
    "m": "M", "n": "N", "l": "L", "ɫ": "L", "w": "W", "ʔ": "T", "ɾ": "T", "x": "K",
}  # fmt: skip
_IPA_SCAN = re.compile("|".join(sorted(map(re.escape, _IPA), key=len, reverse=True)) + "|[ˈˌ]")
_IPA_SIGN = re.compile("[ˈˌəɪʊɛɔæʌθðʃʒŋɑɜɝɚɹɐɒ]")
_VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())


@dataclass(frozen=True)
class Given:
    """Phones that replace a word's own; ``pinyin`` holds one syllable per character when it was given as pinyin.

    ``text``: as it was given; ``words``: it is other words to say.
    """

    phones: tuple[str, ...]
    pinyin: tuple[str, ...] = ()
    text: str = ""
    words: bool = False


def from_ipa(ipa: str) -> tuple[str, ...]:
    """ARPAbet for American-style IPA; a stress mark counts for the vowel after it, unmarked vowels get 0."""
    phones: list[str] = []
    stress = "0"
    for match in _IPA_SCAN.finditer(re.sub("[./\\s‿]", "", ipa)):
        if match.group() in "ˈˌ":
            stress = "1" if match.group() == "ˈ" else "2"
            continue
        for phone in _IPA[match.group()].split():
            if phone in _VOWELS:
                phones.append(phone + stress)
                stress = "0"
            else:
                phones.append(phone)
    vowels = [i for i, phone in enumerate(phones) if phone[-1].isdigit()]
    if vowels and not any(phones[i][-1] == "1" for i in vowels):
        phones[vowels[0]] = phones[vowels[0]][:-1] + "1"
    return tuple(phones)


def parse_reading(reading: str, word: str) -> Given:
    """The phones meant by ``reading`` for ``word``; ``InputError`` when nothing fits."""
    reading = unicodedata.normalize("NFKC", reading).strip()
    if reading.lower() == "spell":
        return Given(tuple(en_g2p.spell(word)), text="spell")
    if reading.startswith("=") and reading[1:].strip():
        return Given(_phones_of(reading[1:].strip()), text=reading[1:].strip(), words=True)
    if len(reading) > 2 and (reading[0] == "/" == reading[-1] or reading[0] == "[" and reading[-1] == "]"):
        phones = from_ipa(reading[1:-1])
        if phones:
            return Given(phones, text=reading)
    if _IPA_SIGN.search(reading) and not _IPA_SCAN.sub("", re.sub("[./\\s‿]", "", reading)):
        return Given(from_ipa(reading), text=reading)
    parts = _plain_pinyin(reading) or reading.split()
    if parts and all(map(_PINYIN.fullmatch, parts)) and not all(part in symbols() for part in parts):
        syllables = [pinyin_phones(part) for part in parts]
        if all(syllables) and _too_few(parts, word):
            raise InputError(f"The reading {reading!r} for {word!r} is not understood.", HELP)
        if all(syllables):
            spelled = tuple(part.lower().replace("u:", "v").replace("ü", "v") for part in parts)
            return Given(tuple(phone for pair in syllables if pair for phone in pair), spelled, reading)
    cantonese = _jyutping(parts)
    if cantonese:
        return Given(cantonese, text=reading)
    upper = tuple(part.upper() for part in parts)
    if parts and all(_is_arpabet(part) for part in upper):
        return Given(tuple(p + "1" if p in _VOWELS else p for p in upper), text=reading)
    raise InputError(f"The reading {reading!r} for {word!r} is not understood.", HELP)


def _too_few(parts: list[str], word: str) -> bool:
    """Whether a character of ``word`` would lose its sound; 儿 may lie in the syllable before it."""
    own = word.strip()
    return len(parts) + own.count("儿") < len(own) and all(map(_HAN.match, own))


_TONES = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
_JOINED = re.compile(r"[a-zü:]{1,6}[1-5]", re.IGNORECASE)
_GLIDE = re.compile(r"[\s,'’·\-/]+")


def _plain_pinyin(reading: str) -> list[str]:
    """``háng``, ``chóngqìng`` and ``chong2qing4`` as ``hang2``, ``chong2 qing4``; nothing for what is no pinyin."""
    words = [word for word in _GLIDE.split(reading) if word]
    found: list[str] = []
    for word in words:
        split = _JOINED.findall(word) if "".join(_JOINED.findall(word)) == word else _toned(word)
        if not split or not all(map(pinyin_phones, split)):
            return []
        found += split
    return found


def _toned(word: str) -> list[str]:
    """Syllables of a word that bears tone marks; a syllable without one is neutral."""
    letters: list[str] = []
    tones: list[str] = []
    for char in unicodedata.normalize("NFD", word.lower()):
        if char in _TONES and letters:
            tones[-1] = _TONES[char]
        elif char == "\u0308" and letters:
            letters[-1] = "v"
        else:
            letters.append(char)
            tones.append("")
    if not any(tones) or len(letters) > 40:
        return []
    best: list[list[str] | None] = [[]] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(end - 1, max(-1, end - 7), -1):
            before, tone = best[start], "".join(tones[start:end])
            syllable = "".join(letters[start:end]) + (tone or "5")
            if before is not None and len(tone) < 2 and syllable.isascii() and pinyin_phones(syllable):
                if best[end] is None or len(before) + 1 <= len(best[end] or ()):
                    best[end] = [*before, syllable]
    return best[-1] or []


def _is_arpabet(phone: str) -> bool:
    return phone in _VOWELS or re.fullmatch("[A-Z]{1,2}[0-2]?", phone) is not None and phone in symbols()


def _jyutping(parts: list[str]) -> tuple[str, ...]:
    pairs = [jyutping_phones(part) if _JYUTPING.fullmatch(part) else None for part in parts]
    return tuple(phone for pair in pairs if pair for phone in pair) if all(pairs) else ()


def in_chinese(given: Given, word: str) -> tuple[str, ...]:
    """The phones of ``given`` for ``word`` inside Chinese: there the digits of what is spelled are Chinese."""
    if given.text != "spell" or not any(char.isdigit() for char in word):
        return given.phones
    parts = (_phones_of(char) if char in DIGITS else en_g2p.spell(char) for char in map(_digit, word))
    return tuple(phone for part in parts for phone in part)


def _digit(char: str) -> str:
    return DIGITS[int(char)] if char in "0123456789" else char


def in_cantonese(given: Given) -> tuple[str, ...]:
    """The phones of ``given`` inside Cantonese: what could be Jyutping is, and other words are read in Cantonese."""
    if given.pinyin:
        return _jyutping(given.text.lower().split()) or given.phones
    return _phones_of(given.text, "yue") if given.words and _HAN.search(given.text) else given.phones


_HAN = re.compile("[㐀-鿿]")
_KANA = re.compile("[ぁ-ヿ]")
_HANGUL = re.compile("[가-힣]")


def _phones_of(words: str, chinese: str = "zh") -> tuple[str, ...]:
    from gpt_sovits.text.frontend import phonemize_span

    scripts = (("ja", _KANA), ("ko", _HANGUL), (chinese, _HAN))
    language = next((name for name, script in scripts if script.search(words)), "en")
    found = phonemize_span(words, language).phones
    found = found[1:] if found[:1] == (",",) and language == "en" else found
    return found[:-1] if language == "ko" and found[-1:] == (".",) else found
