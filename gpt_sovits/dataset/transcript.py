"""The written side of a recording: the words of a script with their phones, and what of it was really read.

Letters in shapes: none; this module is text only.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpt_sovits.dataset.align import Alignment
from gpt_sovits.text import Phones, phonemize, symbols
from gpt_sovits.versions import PHONES

MARKS = frozenset("!?…,.-")  # phones that no sound stands for
_BRACKETS = "“‘\"'（(《〈「『【[{"
_OPENING = " \t\n\r\u3000" + _BRACKETS
SAME = 0.3  # share of a machine's runs of letters that the script has; another text has hardly any
_ADDED = 0.8  # seconds; less is a breath or a cough


@dataclass(frozen=True)
class ScriptWord:
    """``script[start:end]`` and the ids of its phones, marks left out."""

    text: str
    start: int
    end: int
    ids: tuple[int, ...]


@dataclass(frozen=True)
class Remark:
    """A place where reading and script differ: ``kind`` is skipped, misread or added.

    ``text`` with ``start`` and ``end`` (offsets in the script) for the first two; ``time`` in seconds where known.
    """

    kind: str
    text: str
    start: int
    end: int
    time: tuple[float, float] | None


def script_words(script: str, language: str = "auto") -> list[ScriptWord]:
    """Words of ``script`` that can be spoken. A number read as several words is one word here."""
    found = phonemize(script, language)
    ids = symbols().ids
    words: list[ScriptWord] = []
    units = [(r.start, r.end, r.phones) for r in found.readings]
    covered = [(r.start, r.end) for r in found.readings]
    for span in found.spans:  # languages whose frontend gives no words: the run is one
        if not any(start < span.end and end > span.start for start, end in covered):
            units.append((span.start, span.end, found.phones[span.first : span.first + span.count]))
    for start, end, phones in sorted(units, key=lambda unit: unit[0]):
        spoken = tuple(ids[phone] for phone in phones if phone not in MARKS and phone in ids)
        if not spoken:
            continue
        if words and start < words[-1].end:
            last = words.pop()
            start, end, spoken = last.start, max(end, last.end), last.ids + spoken
        words.append(ScriptWord(script[start:end], start, end, spoken))
    return words


def read_text(script: str, words: Sequence[ScriptWord], numbers: Iterable[int]) -> str:
    """The part of the script that the words with these numbers are, with the punctuation that follows each.

    Where the part ends without punctuation a comma is added: pieces are cut at pauses.
    """
    parts: list[str] = []
    previous = -2
    for number in sorted(numbers):
        stop = words[number + 1].start if number + 1 < len(words) else len(script)
        if number != previous + 1:
            parts.append(_opening(script[: words[number].start]))
        parts[-1] += script[words[number].start : stop]
        previous = number
    text = " ".join(part.rstrip(_OPENING) for part in parts).strip()
    if text and text[-1].isalnum():
        text += "," if text[-1].isascii() else "，"
    return " ".join(text.split())


def _opening(before: str) -> str:
    """The brackets and quotes that stand directly before a word."""
    closed = before.rstrip(_BRACKETS)
    return before[len(closed) :]


def sentence_ends(script: str, words: Sequence[ScriptWord], alignment: Alignment) -> list[float]:
    """Times at which a sentence of the script ends in the recording, in seconds."""
    ends = []
    for word, time in zip(words, alignment.words, strict=True):
        after = words[time.index + 1].start if time.index + 1 < len(words) else len(script)
        if not time.skipped and any(mark in script[word.end : after] for mark in ".!?。！？…\n;；"):
            ends.append(time.end)
    return ends


def remarks(script: str, words: Sequence[ScriptWord], alignment: Alignment, found: Iterable[Remark]) -> list[Remark]:
    """What was skipped between the pieces, and what was ``found`` in them, in the order of the recording."""
    runs: list[list[int]] = []
    for time in alignment.words:
        if time.skipped and runs and runs[-1][-1] == time.index - 1:
            runs[-1].append(time.index)
        elif time.skipped:
            runs.append([time.index])
    out = list(found)
    for run in runs:
        a, b = words[run[0]].start, words[run[-1]].end
        out.append(Remark("skipped", script[a:b], a, b, (alignment.words[run[0]].start, alignment.words[run[-1]].end)))
    inside = [remark.time for remark in out if remark.kind == "added" and remark.time]
    for start, end in alignment.foreign:
        known = any(a < end and b > start for a, b in inside)
        if end - start > _ADDED and not known:
            out.append(Remark("added", "", 0, 0, (start, end)))
    return sorted(out, key=lambda remark: remark.time or (0.0, 0.0))


def says_the_same(script: str, written: str) -> bool:
    """Whether what a machine wrote down is the script or a part of it: most of its letters, in longer runs."""
    given, heard = ("".join(c for c in unicodedata.normalize("NFKC", t).casefold() if c.isalnum())
                    for t in (script, written))  # fmt: skip
    if not heard:
        return False
    width = 2 if any("\u4e00" <= c <= "\u9fff" for c in heard) else 5
    known = {given[k : k + width] for k in range(len(given) - width + 1)}
    runs = [heard[k : k + width] in known for k in range(max(0, len(heard) - width + 1))]
    return bool(runs) and sum(runs) / len(runs) > SAME


def heard_phones(ids: Sequence[int], version: str = PHONES) -> Phones:
    """Phones that were heard rather than read from a text: no text, no characters."""
    names = symbols().names
    phones = tuple(names[index] for index in ids)
    return Phones(phones, symbols(version).encode(phones), None, "", ())
