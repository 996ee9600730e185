"""What of a text cannot be spoken, by name: a script that nobody here reads, or that the chosen language does not."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from gpt_sovits.errors import InputError
from gpt_sovits.text import ja
from gpt_sovits.text.frontend import ended
from gpt_sovits.text.types import LANGUAGES, Phones, Piece

_MODES = frozenset({"auto", "auto_yue", *LANGUAGES, *(f"all_{language}" for language in LANGUAGES)})
_NAMES = {"Cjk": "Chinese", "Hiragana": "Japanese", "Katakana": "Japanese", "Katakana-Hiragana": "Japanese",
          "Halfwidth": "Japanese", "Hangul": "Korean", "Ideographic": "Chinese"}  # fmt: skip
_ALWAYS = ("Latin", "Greek", "Digit")  # English words, letters and numbers are read in every language
_READ = {"zh": {"Chinese"}, "yue": {"Chinese"}, "ja": {"Chinese", "Japanese"}, "ko": {"Chinese", "Korean"}, "en": set()}


def check_language(language: str) -> str:
    """``language`` itself, or an ``InputError`` that lists what there is: the one place where it is decided."""
    if language not in _MODES:
        said = repr(str(language)[:40])
        raise InputError(f"{said} is no language that can be spoken.", "Use auto, zh, en, yue, ja or ko.")
    return language


def script(char: str) -> str:
    """The writing that a letter belongs to, in English ("Thai"); "" for what is no letter."""
    char = unicodedata.normalize("NFKC", char)[:1]
    if char.isdigit():
        return "Digit"
    if not char.isalpha():
        return ""
    name = unicodedata.name(char, "").partition(" ")[0].title()
    return _NAMES.get(name, name)


def check_readable(text: str, language: str) -> None:
    """Raise where nothing of ``text`` can be read in ``language``; text without letters and digits is no matter here.

    Raises ``InputError``, or ``ResourceError`` where only the package for Japanese is missing.
    """
    found = {script(char) for char in set(text)} - {""}
    if not found or found & {*_ALWAYS, *_readable(language)}:
        return
    if "Japanese" in found and language in ("auto", "auto_yue", "ja", "all_ja"):
        ja.require()
    named = ", ".join(sorted(found))
    if found <= {"Chinese", "Japanese", "Korean"}:
        raise InputError(f"This text cannot be read as {language}: it is written in {named}.", "Choose auto.")
    raise InputError(
        f"This text cannot be spoken: nobody here reads {named}.",
        "Write it in Chinese, English, Cantonese, Japanese or Korean.",
    )


def _readable(language: str) -> set[str]:
    own = language.removeprefix("all_")
    read = {"Chinese", "Korean", "Japanese"} if own in ("auto", "auto_yue") else set(_READ[own])
    return read if ja.available() else read - {"Japanese"}


def left_out(piece: Piece, said: Phones) -> tuple[str, ...]:
    """The stretches of the piece that ``said`` says nothing for, as they are written."""
    spoken = [(reading.start, reading.end) for reading in said.readings if reading.why != "mark" and reading.phones]
    source = ended(piece)
    silent = []
    for char, start in zip(source.text, source.starts, strict=False):
        if script(char) in ("", *_ALWAYS) or start >= len(piece.text):
            continue
        if not any(begin <= start < end for begin, end in spoken):
            silent.append(start)
    return tuple(_stretches(piece.text, silent))


def _stretches(text: str, places: Iterable[int]) -> list[str]:
    """Neighbouring places joined, with the signs and spaces between them and the vowel signs after."""
    found: list[list[int]] = []
    for place in places:
        if found and not any(char.isalnum() for char in text[found[-1][1] : place]):
            found[-1][1] = place + 1
        else:
            found.append([place, place + 1])
    for each in found:
        while each[1] < len(text) and unicodedata.category(text[each[1]]).startswith("M"):
            each[1] += 1
    return [text[begin:end] for begin, end in found]
