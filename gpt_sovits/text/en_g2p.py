"""Normalised English -> ARPAbet phones, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpt_sovits.text.data import pronunciations
from gpt_sovits.text.en_spell import guess
from gpt_sovits.text.symbols import MARKS

_TOKEN = re.compile(r"[A-Za-z][A-Za-z'\-]+[A-Za-z]|[A-Za-z]+|\S")
_SPELLED = frozenset(("ae", "ai", "ar", "ios", "hud", "os"))
_VOICELESS = frozenset(("P", "T", "K", "F", "TH", "HH"))
_HISSING = frozenset(("S", "Z", "SH", "ZH", "CH", "JH"))


@dataclass(frozen=True)
class EnglishWord:
    """``norm_text[start:end]`` and how it is read."""

    text: str
    start: int
    end: int
    phones: tuple[str, ...]
    why: str


def spell(word: str) -> list[str]:
    """Letter by letter."""
    names = pronunciations()
    return [phone for char in word.lower() if char.isalpha() for phone in letter(char, names)]


def letter(char: str, names: dict[str, str]) -> list[str]:
    """The name of one letter."""
    return "EY1".split() if char == "a" else names[char].split()


def with_s(phones: list[str]) -> list[str]:
    """A plural, possessive or third-person s."""
    last = phones[-1]
    return phones + (["S"] if last in _VOICELESS else ["AH0", "Z"] if last in _HISSING else ["Z"])


def read_word(word: str) -> tuple[list[str], str]:
    """(phones, why) of one word, without its context."""
    names = pronunciations()
    low = word.lower()
    if len(word) == 1:
        return (["EY1"] if word == "A" else names[low].split()), "dictionary"
    if low in names and low not in _SPELLED:
        return names[low].split(), "dictionary"
    if len(word) <= 3 and low.isalpha():
        return spell(low), "rule"
    if low.endswith("'s"):
        stem, why = read_word(low[:-2])
        return with_s(stem), why
    if "-" in word or "'" in word:
        parts = [read_word(part)[0] for part in re.split(r"[-']", word) if part]
        return [phone for part in parts for phone in part], "rule"
    return guess(low), "guess"


def g2p(norm_text: str) -> tuple[list[str], list[EnglishWord]]:
    """Phones of normalised text (at least 4: a pause is put in front of less) and its words."""
    phones: list[str] = []
    words = []
    for match in _TOKEN.finditer(norm_text):
        token = match.group()
        if token[0].isalpha():
            found, why = read_word(token)
        else:
            found, why = (["-"] if token == "'" else [token] if token in MARKS else []), "mark"
        phones += found
        words.append(EnglishWord(token, match.start(), match.end(), tuple(found), why))
    if len(phones) < 4:
        phones = [",", *phones]
    return phones, words
