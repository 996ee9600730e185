"""A small markup inside the text, for what only the writer knows.

    [pause 0.5]              half a second of silence here (0.05 to 10 s)
    [行|hang2]               this word is read so: pinyin, one syllable per character
    [live|L AY1 V]           ARPAbet; [live|/laɪv/] IPA
    [SQL|spell]              letter by letter
    [SQL|=sequel]            as if these words stood there
    [take your time|speed 0.8]   this part slower (0.5 to 2)
    [my|emphasis]            this word is stressed, where the voice's model is told its melody (``acoustic.emphasis``)

It is forgiving: capitals, 【pause 1】, [pause 500ms], tone marks (háng) and joined pinyin (chong2qing4) do as well.
Where the reading cannot be understood the word is read as usual, and ``notices`` says so. Anything else in brackets
is text.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpt_sovits.errors import InputError
from gpt_sovits.text.reading import Given, parse_reading
from gpt_sovits.text.tags import OPENERS, TAG, is_emphasis, pause_of, speed_of
from gpt_sovits.text.tracked import Tracked


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
    """Plain text that still knows its places in the original, and what the markup said about it.

    ``notices``: start, end and what is to be told; ``stressed``: start and end of what is emphasised.
    """

    source: Tracked
    regions: tuple[Region, ...] = ()
    notices: tuple[tuple[int, int, str], ...] = ()
    stressed: tuple[tuple[int, int], ...] = ()


def parse_markup(text: str | Tracked) -> Marked:
    """Takes the markup out of ``text``; a word whose reading is not understood is read as usual, with a notice."""
    source = Tracked.of(text) if isinstance(text, str) else text
    if not any(opener in source.text for opener in OPENERS):
        return Marked(source)
    parts: list[Tracked] = []
    regions: list[Region] = []
    notices: list[tuple[int, int, str]] = []
    stressed: list[tuple[int, int]] = []
    at = size = 0
    for tag in TAG.finditer(source.text):
        parts.append(source.slice(at, tag.start()))
        size += tag.start() - at
        at = tag.end()
        if pause_of(tag) is not None:
            continue
        word = source.slice(*tag.span("text"))
        parts.append(word)
        if is_emphasis(tag):
            stressed.append((size, size + len(word)))
        elif word.text.strip() and speed_of(tag) is None:
            try:
                regions.append(Region(size, size + len(word), parse_reading(tag["say"], tag["text"]), "markup"))
            except InputError as error:
                notices.append((size, size + len(word), error.message))
        size += len(word)
    parts.append(source.slice(at, len(source)))
    return Marked(Tracked.join(parts), tuple(regions), tuple(notices), tuple(stressed))
