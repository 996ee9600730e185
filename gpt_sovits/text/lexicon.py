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

MAXIMUM = 20_000  # words
LONGEST = 80  # characters of a word
_HEADINGS = frozenset(
    "reading readings pronunciation phones phonemes pinyin jyutping 读音 讀音 拼音 发音 發音 注音 音标 粤拼".split()
)
_NAMED = {"chinese": "zh", "mandarin": "zh", "中文": "zh", "汉语": "zh", "普通话": "zh", "english": "en", "英语": "en",
          "英文": "en", "cantonese": "yue", "粤语": "yue", "japanese": "ja", "日语": "ja", "korean": "ko", "韩语": "ko",
          "auto": "", "any": "", "all": "", "zh-cn": "zh", "en-us": "en", "en-gb": "en"}  # fmt: skip
_Known = tuple["Entry", Given]


@dataclass(frozen=True)
class Entry:
    """``word`` is read as ``reading``. A word in lower case matches any case, one with capitals only itself.

    ``language`` "" means any; the same word may have one reading per language.
    """

    word: str
    reading: str
    language: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What no two entries of a list share."""
        return self.word, self.language

    def checked(self) -> Entry:
        """The entry without stray spaces. ``InputError`` when nobody could read it."""
        word, reading, language = " ".join(self.word.split()), self.reading.strip(), self.language.strip().lower()
        if not any(char.isalnum() for char in word):
            raise InputError("There is no word to read in this entry.", "Write the word and its reading.")
        if len(word) > LONGEST:
            raise InputError(f"The word {word[:20]}… is too long for the word list.", f"Use at most {LONGEST} letters.")
        if not reading:
            raise InputError(f"There is no reading for {word!r}.", "Write the word and its reading.")
        language = _NAMED.get(language, language)
        if language and language not in LANGUAGES:
            raise InputError(f"{language!r} is not a language of the word list.", f"Use {', '.join(LANGUAGES)}.")
        parse_reading(reading, word)
        return Entry(word, reading, language)


@dataclass(frozen=True)
class Lexicon:
    """Entries as a value: pass it to ``phonemize``."""

    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        self._known  # noqa: B018  # a reading that is not understood is refused now, not while speaking

    @cached_property
    def _known(self) -> Mapping[str, list[_Known]]:
        found: dict[str, list[_Known]] = {}
        for entry in self.entries:
            found.setdefault(entry.word, []).append((entry, parse_reading(entry.reading, entry.word)))
        return found

    @cached_property
    def _lengths(self) -> Mapping[str, tuple[int, ...]]:
        """First character in lower case -> lengths of the words that begin with it, longest first."""
        sizes: dict[str, set[int]] = {}
        for word in self._known:
            sizes.setdefault(word[0].lower(), set()).add(len(word))
        return {first: tuple(sorted(lengths, reverse=True)) for first, lengths in sizes.items()}

    def find(self, text: str, taken: Iterable[tuple[int, int]] = ()) -> list[Region]:
        """Where entries apply in ``text``, one region per language of an entry; ``taken`` places are left alone.

        Reads along the text once, so a long list costs no more than a short one.
        """
        if not self.entries:
            return []
        held = sorted(taken)
        found: list[Region] = []
        at = 0
        while at < len(text):
            end = self._match(text, at)
            if end is None or any(start < end and at < stop for start, stop in held):
                at += 1
                continue
            found += (Region(at, end, given, "lexicon", entry.language) for entry, given in self._at(text[at:end]))
            at = end
        return found

    def _match(self, text: str, at: int) -> int | None:
        for size in self._lengths.get(text[at].lower(), ()):
            end = at + size
            if end <= len(text) and self._at(text[at:end]) and _bounded(text, at, end):
                return end
        return None

    def _at(self, found: str) -> list[_Known]:
        exact = self._known.get(found)
        return exact if exact else self._known.get(found.lower(), [])

    @staticmethod
    def from_csv(text: str) -> Lexicon:
        """Rows of word, reading and, if wanted, language; a heading row, empty rows and remarks (#) are skipped.

        Commas (， too), semicolons or tabs divide them (else | : =), or what a spreadsheet's first line
        says (``sep=;``).
        A later row for the same word and language replaces an earlier one. ``InputError`` names the line.
        """
        entries: dict[tuple[str, str], Entry] = {}
        text = text.lstrip("\ufeff")
        first = next((row for row in text.splitlines() if row.strip(" \t,;，；") and row[0] != "#"), "")
        told = re.fullmatch(r"sep=([,;\t])", first)
        marks = next((marks for marks in (",;\t，；", "|｜：:=") if any(map(first.count, marks))), ",")
        mark = told[1] if told else max(marks, key=first.count)
        headings = True
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True)
        line = 1
        try:
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells) and (any(cells[1:]) or not cells[0].startswith(("#", "sep="))):
                    if not (headings and re.split(r"[ (（]", "".join(cells[1:2]).lower())[0] in _HEADINGS):
                        entry = _row(cells, line)
                        entries[entry.key] = entry
                    headings = False
                line = reader.line_num + 1
        except csv.Error as error:
            raise InputError(
                f"Line {line} of the word list is not a table row ({error}).", "Save it as CSV."
            ) from error
        if len(entries) > MAXIMUM:
            raise InputError(f"A word list may hold {MAXIMUM} words.", "Split it, or keep the words that you need.")
        return Lexicon(tuple(entries.values()))

    def to_csv(self) -> str:
        """The same table back."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("word", "reading", "language"))
        writer.writerows((entry.word, entry.reading, entry.language) for entry in self.entries)
        return out.getvalue()


def _row(cells: list[str], line: int) -> Entry:
    if len(cells) < 2 or not cells[0] or not cells[1]:
        raise InputError(f"Line {line} of the word list has no reading.", "Write: word, reading, language.")
    try:
        return Entry(cells[0], cells[1], cells[2] if len(cells) > 2 else "").checked()
    except InputError as error:
        raise InputError(f"Line {line} of the word list: {error.message}", error.action) from error


def _bounded(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` is no part of a longer word or number; only letters and digits run on."""
    return not (_runs_on(text[start - 1 : start], text[start]) or _runs_on(text[end - 1], text[end : end + 1]))


def _runs_on(left: str, right: str) -> bool:
    letters = "A" <= left.upper() <= "Z" and "A" <= right.upper() <= "Z"
    return bool(left and right) and (letters or left.isdigit() and right.isdigit())
