"""Texts for a teacher to read: made up here, so that a few hours hold every sound in every place.

Three inventories are gone through again and again in a new order, so that any beginning of the corpus is even: every
Mandarin syllable with each of its tones, every English phone at the beginning, in the middle and at the end of a
word, and every pair of English phones that the dictionary knows. Around them stand sentences from templates:
statements, questions, requests, lists, names, numbers, dates, one word, sixty words, both languages in one.
"""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from gpt_sovits.text.data import FOLDER, pronunciations
from gpt_sovits.text.zh_g2p import pinyin_phones, readable

K = TypeVar("K")

KINDS = ("en words", "zh words", "en", "zh", "mixed", "en numbers", "zh numbers", "en long", "zh long", "one word")
# how often each kind is drawn, of a hundred
SHARES = {"en words": 14, "zh words": 16, "en": 18, "zh": 22, "mixed": 10, "en numbers": 4, "zh numbers": 4,
          "en long": 4, "zh long": 4, "one word": 4}  # fmt: skip

WORDS: dict[str, list[str]] = json.loads(Path(__file__).with_name("teacher_words.json").read_text(encoding="utf-8"))


def english_inventory() -> dict[tuple[str, ...], list[str]]:
    """Words of the dictionary for every (place, phone) and every pair of neighbouring phones, stress left out."""
    found: dict[tuple[str, ...], list[str]] = {}
    for word, spoken in pronunciations().items():
        if not (word.isascii() and word.isalpha() and 3 <= len(word) <= 11):
            continue
        phones = ["".join(c for c in phone if not c.isdigit()) for phone in spoken.split()]
        keys: set[tuple[str, ...]] = {("first", phones[0]), ("last", phones[-1])}
        keys |= {("inner", phone) for phone in phones[1:-1]}
        keys |= set(itertools.pairwise(phones))
        for key in keys:
            found.setdefault(key, []).append(word)
    return {key: words for key, words in found.items() if len(words) >= 3}


def mandarin_inventory(words: Sequence[str]) -> dict[str, list[str]]:
    """Words that hold each syllable with its tone, e.g. ``ma3``; ``words`` are simplified, two to four characters."""
    from pypinyin import Style, lazy_pinyin

    found: dict[str, list[str]] = {}
    for word in words:
        for syllable in set(lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)):
            if pinyin_phones(syllable) is not None:
                found.setdefault(syllable, []).append(word)
    return found


def mandarin_words(count: int = 40000) -> list[str]:
    """The most frequent words of two to four readable characters."""
    _, _, rest = gzip.decompress((FOLDER / "zh_words.txt.gz").read_bytes()).decode("utf-8").partition("\n")
    names, _, values = rest.partition("\n\n")
    usable = [
        (int(value.split(" ")[0]), word)
        for word, value in zip(names.split("\n"), values.split("\n"), strict=True)
        if 2 <= len(word) <= 4 and all(readable(char) and "\u4e00" <= char <= "\u9fff" for char in word)
    ]
    return [word for _, word in sorted(usable, reverse=True)[:count]]


class _Rounds(Generic[K]):
    """Every key once in a new order, then again."""

    def __init__(self, keys: Sequence[K], rng: np.random.Generator) -> None:
        self._keys, self._rng = list(keys), rng
        self._left: list[int] = []

    def __next__(self) -> K:
        if not self._left:
            self._left = [int(i) for i in self._rng.permutation(len(self._keys))]
        return self._keys[self._left.pop()]


class Texts:
    """Draws (kind, text) for ever. ``read``: sentences of real people by language, said among the made ones."""

    def __init__(self, rng: np.random.Generator, read: Mapping[str, Sequence[str]] | None = None) -> None:
        self.rng = rng
        self.read = {language: list(texts) for language, texts in (read or {}).items()}
        self._english = english_inventory()
        words = mandarin_words()
        self._common = words[:4000]
        self._mandarin = mandarin_inventory(words)
        self._english_round = _Rounds(sorted(self._english), rng)
        self._mandarin_round = _Rounds(sorted(self._mandarin), rng)
        lot = [kind for kind, share in SHARES.items() for _ in range(share)]
        self._kinds = _Rounds(lot, rng)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        while True:
            kind = next(self._kinds)
            yield kind, self.make(kind)

    def make(self, kind: str) -> str:
        """A text of the kind, one of ``KINDS``."""
        language, _, rest = kind.partition(" ")
        if kind == "mixed":
            return self._mixed()
        if kind == "one word":
            return str(
                self._any(["Yes.", "No!", "Really?", "好。", "是吗？", "Stop!", self._word() + ".", self._han() + "。"])
            )
        if rest == "words":
            return self._word_list(language)
        if rest == "numbers":
            return self._number(language)
        if rest == "long":
            return self._long(language)
        if self.read.get(language) and self.rng.random() < 0.4:
            return str(self._any(self.read[language]))
        return self._sentence() if language == "en" else self._mandarin_sentence()

    def _any(self, choices: Sequence[str]) -> str:
        return choices[int(self.rng.integers(len(choices)))]

    def _of(self, list_name: str) -> str:
        return self._any(WORDS[list_name])

    def _word(self) -> str:
        return self._any(self._english[next(self._english_round)])

    def _han(self) -> str:
        return self._any(self._mandarin[next(self._mandarin_round)])

    def _word_list(self, language: str) -> str:
        count = int(self.rng.integers(3, 7))
        if language == "en":
            words = [self._word() for _ in range(count)]
            if self.rng.random() < 0.4:
                return f"The {words[0]} {self._of('past')} the {words[1]}, and {self._of('names')} said {words[2]}."
            return ", ".join(words).capitalize() + "."
        words = [self._han() for _ in range(count)]
        if self.rng.random() < 0.5:
            return f"{self._of('zh_people')}说{words[0]}和{words[1]}，{self._of('zh_times')}{words[2]}。"
        return "，".join(words) + "。"

    def _sentence(self) -> str:
        a, b, c = (self._of("nouns") for _ in range(3))
        one, two = self._of("adjectives"), self._of("adjectives")
        name, verb, did = self._of("names"), self._of("today"), self._of("past")
        place, at, when = self._of("places"), self._of("placed"), self._of("when")
        return self._any([
            f"The {one} {a} {did} the {b} {at} the {c}.",
            f"{name} {did} a {two} {a} in {place} {when}.",
            f"Did {name} {verb} the {a} {when}?",
            f"Why would the {a} {verb} the {one} {b}?",
            f"Where is the {one} {a} that {name} {did}?",
            f"Please {verb} the {a} and the {b}.",
            f"{self._of('openers')}, the {a} was {one}, but the {b} was {two}.",
            f"If you {verb} the {a}, {name} will {self._of('today')} the {b}.",
            f"We saw the {a}, the {b}, and the {c} {at} the {self._of('nouns')}.",
            f"{self._of('phrases').capitalize()}, {name}!",
            f"{self._of('phrases').capitalize()}.",
            f"Isn't the {a} as {one} as the {b}?",
            f"There is nothing {at} the {a} but a {two} {b}.",
            f"I think {self._word()} is a {one} {a}.",
            f"{name}'s {a} is {one}, isn't it?",
        ])  # fmt: skip

    def _mandarin_sentence(self) -> str:
        who, other, thing = self._of("zh_people"), self._of("zh_names"), self._of("zh_things")
        verb, when, place, adj = self._of("zh_verbs"), self._of("zh_times"), self._of("zh_places"), self._of("zh_adj")
        word, more = self._any(self._common), self._han()
        return self._any([
            f"{when}{who}在{place}{verb}{thing}。",
            f"{who}{verb}{thing}，{self._of('zh_joins')}{other}没有{verb}{self._of('zh_things')}。",
            f"{other}的{thing}很{adj}，{self._of('zh_tails')}？",
            f"为什么{who}{when}不去{place}？",
            f"{place}的{thing}比{self._of('zh_places')}的{adj}多了。",
            f"请把{thing}给{other}。",
            f"谁{verb}了我的{thing}？",
            f"{self._of('zh_phrases')}，{other}。",
            f"{self._of('zh_phrases')}！",
            f"如果{when}下雨，{who}就在{place}{verb}{thing}。",
            f"{thing}、{self._of('zh_things')}和{self._of('zh_things')}都在{place}。",
            f"{who}觉得{word}非常{adj}。",
            f"{other}告诉{who}，{more}就是{word}的意思。",
            f"{word}{more}{self._any(self._common)}。",
            f"你知道{more}吗？",
            f"从{place}到{self._of('zh_places')}要走很久，{who}有点儿{adj}。",
        ])  # fmt: skip

    def _number(self, language: str) -> str:
        n, m = int(self.rng.integers(2, 100)), int(self.rng.integers(100, 20000))
        hour, minute = int(self.rng.integers(1, 12)), int(self.rng.integers(0, 60))
        year, day = int(self.rng.integers(1801, 2050)), int(self.rng.integers(1, 29))
        month = int(self.rng.integers(12))
        if language == "en":
            return self._any([
                f"It costs {n} dollars and {day} cents.", f"The {self._of('nouns')} weighs {m} pounds.",
                f"Meet me at {hour}:{minute:02d} on {self._of('days')}.",
                f"She was born on {WORDS['months'][month]} {day}, {year}.", f"About {n}% of {m} people agreed.",
                f"Turn to page {n}, line {day}.", f"{n} times {day} is {n * day}.",
            ])  # fmt: skip
        return self._any([
            f"一共{m}块钱。", f"现在是{hour}点{minute}分。", f"他生于{year}年{month + 1}月{day}日。",
            f"大约有百分之{n}的人同意。", f"这条路长{n}.{day}公里。", f"{n}加{day}等于{n + day}。",
            f"请打开第{n}页，看第{day}行。",
        ])  # fmt: skip

    def _long(self, language: str) -> str:
        parts = int(self.rng.integers(2, 4))
        make = self._sentence if language == "en" else self._mandarin_sentence
        return (" " if language == "en" else "").join(make() for _ in range(parts))

    def _mixed(self) -> str:
        lists = {
            "en": "nouns", "en2": "nouns", "place": "zh_places", "adj": "zh_adj", "name": "names", "city": "places",
            "zhname": "zh_names", "zhphrase": "zh_phrases", "person": "zh_people", "verb": "past", "day": "days",
        }  # fmt: skip
        values = {name: self._of(list_name) for name, list_name in lists.items()}
        values |= {"phrase": self._of("phrases").capitalize(), "zh": self._han()}
        return self._of("mixed").format(**values)


__all__ = ["KINDS", "SHARES", "Texts", "english_inventory", "mandarin_inventory", "mandarin_words"]
