"""A small markup inside the text, for what only the writer knows.

    [pause 0.5]              half a second of silence here (0.05 to 10 s)
    [行|hang2]               this word is read so: pinyin, one syllable per character
    [live|L AY1 V]           ARPAbet; [live|/laɪv/] IPA
    [SQL|spell]              letter by letter
    [SQL|=sequel]            as if these words stood there
    [take your time|speed 0.8]   this part slower (0.5 to 2)

Anything else in brackets stays what it is: text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpt_sovits.errors import InputError
from gpt_sovits.text.reading import Given, parse_reading
from gpt_sovits.text.tracked import Tracked

TAG = re.compile(
    r"\[(?:pause[ =:]?(?P<pause>\d+(?:\.\d+)?)s?|(?P<text>[^\[\]|\n]{1,200})\|(?P<say>[^\[\]|\n]{1,200}))\]"
)
_SPEED = re.compile(r"speed[ =:]?(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Region:
    """Characters ``start:end`` of the plain text with a forced reading; ``why``: markup or lexicon.

    ``language``: the reading holds only where the text is read in this language ("" for any).
    """

    start: int
    end: int
    given: Given
    why: str
    language: str = ""


@dataclass(frozen=True)
class Marked:
    """Plain text that still knows its places in the original, and what the markup said about it."""

    source: Tracked
    regions: tuple[Region, ...] = ()
    pauses: tuple[tuple[int, float], ...] = ()
    speeds: tuple[tuple[int, int, float], ...] = ()


def parse_markup(text: str) -> Marked:
    """Takes the markup out of ``text``; a tag whose reading is not understood stays as plain words."""
    source = Tracked.of(text)
    if "[" not in text:
        return Marked(source)
    parts: list[Tracked] = []
    regions: list[Region] = []
    pauses: list[tuple[int, float]] = []
    speeds: list[tuple[int, int, float]] = []
    at = size = 0
    for tag in TAG.finditer(text):
        parts.append(source.slice(at, tag.start()))
        size += tag.start() - at
        at = tag.end()
        if tag["pause"]:
            pauses.append((size, min(max(float(tag["pause"]), 0.05), 10.0)))
            continue
        word = source.slice(*tag.span("text"))
        parts.append(word)
        speed = _SPEED.fullmatch(tag["say"].strip())
        if speed:
            speeds.append((size, size + len(word), min(max(float(speed[1]), 0.5), 2.0)))
        else:
            try:
                regions.append(Region(size, size + len(word), parse_reading(tag["say"], tag["text"]), "markup"))
            except InputError:
                parts.append(source.slice(tag.start("say"), tag.end("say")))
                size += len(tag["say"])
        size += len(word)
    parts.append(source.slice(at, len(text)))
    return Marked(Tracked.join(parts), tuple(regions), tuple(pauses), tuple(speeds))
