"""A person's own readings: word -> reading, per language, longest word first."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from gpt_sovits.errors import InputError
from gpt_sovits.text.markup import Region
from gpt_sovits.text.reading import Given, parse_reading
from gpt_sovits.text.types import LANGUAGES

MAXIMUM = 20_000


@dataclass(frozen=True)
class Entry:
    """``word`` is read as ``reading``. A word in lower case matches any case, one with capitals only itself.

    ``language`` "" means any.
    """

    word: str
    reading: str
    language: str = ""


@dataclass(frozen=True)
class Lexicon:
    """Entries as a value: pass it to ``phonemize``."""

    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        for entry in self.entries:
            parse_reading(entry.reading, entry.word)

    @cached_property
    def _given(self) -> Mapping[str, tuple[Entry, Given]]:
        return {entry.word: (entry, parse_reading(entry.reading, entry.word)) for entry in self.entries}

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if not self.entries:
            return None
        words = sorted(self._given, key=len, reverse=True)
        return re.compile("|".join(map(_bounded, words)))

    def find(self, text: str, taken: Iterable[tuple[int, int]] = (), language: str = "auto") -> list[Region]:
        """Where entries apply in ``text``; places in ``taken`` are left alone (markup is stronger)."""
        if self._pattern is None:
            return []
        held = list(taken)
        found = []
        for match in self._pattern.finditer(text):
            entry, given = self._given.get(match.group()) or self._given[match.group().lower()]
            free = all(match.end() <= start or match.start() >= end for start, end in held)
            if free and (language in ("auto", "auto_yue", entry.language) or not entry.language):
                found.append(Region(match.start(), match.end(), given, "lexicon"))
        return found

    @staticmethod
    def from_csv(text: str) -> Lexicon:
        """Rows of word, reading and, if wanted, language; a heading row and empty rows are skipped."""
        entries = []
        for number, row in enumerate(csv.reader(io.StringIO(text.lstrip("\ufeff"))), 1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or cells[0].lower() in ("word", "词", "词语"):
                continue
            if len(cells) < 2 or not cells[0] or not cells[1]:
                raise InputError(f"Row {number} of the word list has no reading.", "Write: word, reading, language.")
            language = cells[2].lower() if len(cells) > 2 else ""
            if language and language not in LANGUAGES:
                raise InputError(f"Row {number}: {language!r} is not a language.", f"Use {', '.join(LANGUAGES)}.")
            entries.append(Entry(cells[0], cells[1], language))
        if len(entries) > MAXIMUM:
            raise InputError(f"A word list may hold {MAXIMUM} words.", "Split it, or keep the words that you need.")
        return Lexicon(tuple(entries))

    def to_csv(self) -> str:
        """The same table back."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("word", "reading", "language"))
        writer.writerows((entry.word, entry.reading, entry.language) for entry in self.entries)
        return out.getvalue()


def _bounded(word: str) -> str:
    """The word, not inside a longer one where letters would run on."""
    body = re.escape(word)
    if word == word.lower() and word != word.upper():
        body = f"(?i:{body})"
    start = r"(?<![A-Za-z])" if word[0].isascii() and word[0].isalpha() else ""
    end = r"(?![A-Za-z])" if word[-1].isascii() and word[-1].isalpha() else ""
    return f"{start}{body}{end}"
