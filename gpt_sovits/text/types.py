"""The values that the frontend hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gpt_sovits.text.tracked import Tracked

LANGUAGES = ("zh", "en", "yue", "ja", "ko")


class PolyphoneModel(Protocol):
    """Picks the reading of Chinese characters that have several."""

    def choose(self, clause: str) -> Mapping[int, str]:
        """Index in ``clause`` (Han characters only) -> pinyin with its tone digit, for the characters that it knows."""


@dataclass(frozen=True)
class Reading:
    """How one word will be read: ``text[start:end]`` -> ``reading``, decided by ``why``.

    ``why`` is one of dictionary, rule, model, lexicon, markup, guess, number, mark. ``notice``: what a person who
    asked for another reading should know ("" for nothing).
    """

    text: str
    start: int
    end: int
    language: str
    reading: str
    phones: tuple[str, ...]
    why: str
    notice: str = ""


@dataclass(frozen=True)
class Span:
    """A run of one language: ``text`` is ``original[start:end]``; its phones are ``phones[first:first + count]``.

    ``word2ph`` (zh, yue) counts phones per character of ``norm_text``; ``neutral`` marks the characters whose
    BERT feature must be replaced by a neutral one because their reading was forced.
    """

    language: str
    text: str
    start: int
    end: int
    norm_text: str
    first: int
    count: int
    word2ph: tuple[int, ...] | None
    neutral: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Phones:
    """One sequence for a whole piece. ``word2ph`` is given when every span has one, else None.

    ``stressed``: indices of the phones that markup emphasises.
    """

    phones: tuple[str, ...]
    ids: tuple[int, ...]
    word2ph: tuple[int, ...] | None
    norm_text: str
    spans: tuple[Span, ...]
    readings: tuple[Reading, ...] = ()
    stressed: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Piece:
    """A part of a text that is spoken in one go: ``text == original[start:end]``.

    ``pause``: seconds of silence that markup asks for after it (None: the usual pause); ``speed``: its own factor.
    ``numbers``: the language in which numbers without a word beside them are read; ``plain``: the words of the piece
    as the whole document shows them (without its markup and line ends), with their places in ``text``. ``rest``: the
    usual pause after it, as a share of the one after a sentence; ``goes_on``: it stops inside a sentence, for breath.
    """

    text: str
    start: int
    end: int
    pause: float | None = None
    speed: float = 1.0
    numbers: str = "zh"
    plain: Tracked | None = field(default=None, repr=False, compare=False)
    rest: float = 1.0
    goes_on: bool = False

    def pause_after(self, usual: float) -> float:
        """Seconds of silence after it, where ``usual`` ones follow a sentence."""
        return usual * self.rest if self.pause is None else self.pause
