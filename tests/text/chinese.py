"""Tables of Chinese sentences with what a listener should hear, and how they are compared.

``cases/zh_spoken.tsv``: kind, text, spoken text ("|" between equally good ones; spaces, capitals and the last mark do
not count). ``cases/zh_readings.tsv``: kind, text, ``word=pinyin`` pairs ("@2": from its third character on).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from gpt_sovits.text import phonemize
from gpt_sovits.text.types import Phones

FOLDER = Path(__file__).parent / "cases"


def rows(name: str) -> Iterator[tuple[str, str, str]]:
    """(kind, text, what should be heard) of every line of a table; ``\\n`` stands for a new line."""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        kind, text, wanted = line.split("\t")
        yield kind, text.replace("\\n", "\n"), wanted


def _plain(spoken: str) -> str:
    return re.sub(r"[\s]", "", spoken).lower().strip(".,!…")


def spoken_problem(text: str, wanted: str) -> str | None:
    """What is said instead of any of ``wanted``; None when it is right."""
    said = _plain(phonemize(text).norm_text)
    return None if said in map(_plain, wanted.split("|")) else said


def _syllables(found: Phones, text: str) -> list[tuple[str, str]]:
    """(character, pinyin) in order: of the text where a reading covers it one to one, else as it is spoken."""
    out = []
    for reading in found.readings:
        if reading.why == "mark" or reading.language != "zh":
            continue
        pinyin = reading.reading.split()
        own = text[reading.start : reading.end]
        chars = own if len(own) == len(pinyin) and not any(c.isdigit() for c in own) else reading.text
        out += list(zip(chars, pinyin, strict=False))
    return out


def reading_problem(text: str, wanted: str) -> str | None:
    """The words that are read otherwise; None when all are right."""
    syllables = _syllables(phonemize(text), text)
    chars = "".join(char for char, _ in syllables)
    at = 0
    problems = []
    for part in wanted.split(";"):
        place, _, answers = part.partition("=")
        answers, _, end = answers.partition("@") if "@" in answers and "|" not in answers else (answers, "", "")
        word, skip = place, end
        choices = []
        for answer in answers.split("|"):
            answer, _, own = answer.partition("@")
            choices.append(answer.split())
            skip = own or skip
        found = chars.find(word, at)
        if found < 0:
            problems.append(f"{word} absent from {chars}")
            continue
        begin = found + int(skip or 0)
        at = found + 1
        got = [[pinyin for _, pinyin in syllables[begin : begin + len(choice)]] for choice in choices]
        if all(a != b for a, b in zip(got, choices, strict=True)):
            problems.append(f"{word}: {' '.join(got[0])}, want {answers}")
    return "; ".join(problems) or None
