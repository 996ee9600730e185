"""Text -> one phone sequence: runs of language, each normalised and read, joined in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt_sovits.errors import InputError
from gpt_sovits.text import en_g2p, en_normalize, yue, zh_g2p, zh_normalize
from gpt_sovits.text.segment import Run, runs_for
from gpt_sovits.text.symbols import SymbolTable, symbols
from gpt_sovits.text.tracked import Tracked
from gpt_sovits.text.types import Phones, Reading, Span

MINIMUM = 6
_PAUSES = {"￥": "SP2", "^": "SP3"}
_SPACES = re.compile(r" {2,}")


@dataclass(frozen=True)
class _Read:
    """One run, read. ``readings`` carry offsets in the original text."""

    norm_text: str
    phones: list[str]
    word2ph: list[int] | None
    readings: list[Reading]


def _pause_symbol(text: str) -> tuple[str, str] | None:
    """The reference's pause notation: every ``^`` (or, beside it, ``￥``) makes all commas of the text long pauses."""
    if "^" in text and not re.search(r"\d\^-?\d", text) or re.search(r"￥(?!\s?\d)", text):
        mark = "￥" if "￥" in text else "^"
        return mark, _PAUSES[mark]
    return None


def _read_zh(text: str, start: int, version: str, cache_dir: Path | None, polyphones: bool) -> _Read:
    pause = _pause_symbol(text)
    source = Tracked.of(text, start)
    if pause:
        source = source.map_chars({ord(pause[0]): ","})
    norm = zh_normalize.normalize(source)
    phones, word2ph, words = zh_g2p.g2p(norm.text, version, cache_dir, polyphones=polyphones)
    if pause:
        phones = [pause[1] if phone == "," else phone for phone in phones]
    readings = []
    char = phone = 0
    for word in words:
        size = len(word.text)
        count = sum(word2ph[char : char + size])
        readings.append(
            Reading(
                word.text,
                min(norm.starts[char : char + size]),
                max(norm.ends[char : char + size]),
                "zh",
                " ".join(word.pinyin) or word.text,
                tuple(phones[phone : phone + count]),
                "dictionary" if word.pinyin else "mark",
            )
        )
        char += size
        phone += count
    return _Read(norm.text, phones, word2ph, readings)


def _read_yue(text: str, start: int) -> _Read:
    norm = yue.normalize(Tracked.of(text, start))
    phones, word2ph, jyutping = yue.g2p(norm.text)
    readings = []
    at = 0
    for i, (char, count) in enumerate(zip(norm.text, word2ph, strict=True)):
        why = "dictionary" if jyutping[i] else "mark"
        place = (norm.starts[i], norm.ends[i])
        readings.append(Reading(char, *place, "yue", jyutping[i] or char, tuple(phones[at : at + count]), why))
        at += count
    return _Read(norm.text, phones, word2ph, readings)


def _read_en(text: str, start: int, alone: bool) -> _Read:
    norm = en_normalize.normalize(Tracked.of(text, start), alone)
    phones, words = en_g2p.g2p(norm.text)
    readings = [
        Reading(
            word.text,
            min(norm.starts[word.start : word.end]),
            max(norm.ends[word.start : word.end]),
            "en",
            " ".join(word.phones),
            word.phones,
            word.why,
        )
        for word in words
    ]
    return _Read(norm.text, phones, None, readings)


def _read_run(run: Run, text: str, version: str, alone: bool, cache_dir: Path | None, polyphones: bool) -> _Read:
    part = text[run.start : run.end]
    if run.language == "en":
        return _read_en(part, run.start, alone)
    if run.language == "zh":
        return _read_zh(part, run.start, version, cache_dir, polyphones)
    if run.language == "yue" and version != "v1":
        return _read_yue(part, run.start)
    return _Read("", [","], None, [])


def _assemble(
    text: str, runs: list[Run], table: SymbolTable, cache_dir: Path | None, polyphones: bool = True
) -> Phones:
    alone = all(run.language == "en" for run in runs)
    phones: list[str] = []
    spans: list[Span] = []
    readings: list[Reading] = []
    for run in runs:
        read = _read_run(run, text, table.version, alone, cache_dir, polyphones)
        word2ph = None if read.word2ph is None else tuple(read.word2ph)
        part = text[run.start : run.end]
        spans.append(
            Span(run.language, part, run.start, run.end, read.norm_text, len(phones), len(read.phones), word2ph)
        )
        phones += read.phones
        readings += read.readings
    counts = [span.word2ph for span in spans]
    joined = None if None in counts else tuple(n for count in counts if count is not None for n in count)
    norm_text = "".join(span.norm_text for span in spans)
    return Phones(tuple(phones), table.encode(phones), joined, norm_text, tuple(spans), tuple(readings))


def phonemize_span(
    text: str, language: str, version: str = "v2", *, cache_dir: Path | None = None, polyphones: bool = True
) -> Phones:
    """Phones of a text that is in one language throughout: no runs, no minimum length."""
    table = symbols(version)
    return _assemble(text, [Run(language, 0, len(text))] if text else [], table, cache_dir, polyphones)


def phonemize(
    text: str, language: str = "auto", version: str = "v2", lexicon: Any = None, *, cache_dir: Path | None = None,
    polyphones: bool = True,
) -> Phones:  # fmt: skip
    """Phones of one piece. Never raises on odd text: what cannot be spoken is left out.

    ``language``: auto, zh, en, yue, ja, ko (with English words inside), auto_yue, or all_zh and the like.
    ``cache_dir``: where jieba's dictionary cache lives (None: jieba's own place).
    """
    table = symbols(version)
    found = _assemble(text, runs_for(text, language), table, cache_dir, polyphones)
    if len(found) >= MINIMUM or not text:
        return found
    return _with_head(text, language, table, cache_dir, polyphones)


def _with_head(text: str, language: str, table: SymbolTable, cache_dir: Path | None, polyphones: bool) -> Phones:
    """Very short texts get a full stop in front: the networks need a few phones to start from."""
    padded = ("。" if text.lstrip()[:1].isdigit() else ".") + text
    again = _assemble(padded, runs_for(padded, language), table, cache_dir, polyphones)
    return _shift(again, -1, text)


def _shift(found: Phones, by: int, text: str) -> Phones:
    """Offsets moved back to the text as it was given."""

    def place(at: int) -> int:
        return min(max(at + by, 0), len(text))

    spans = tuple(
        Span(s.language, text[place(s.start) : place(s.end)], place(s.start), place(s.end), s.norm_text, s.first,
             s.count, s.word2ph, s.neutral)
        for s in found.spans
    )  # fmt: skip
    readings = tuple(
        Reading(r.text, place(r.start), place(r.end), r.language, r.reading, r.phones, r.why) for r in found.readings
    )
    return Phones(found.phones, found.ids, found.word2ph, found.norm_text, spans, readings)


def require_speakable(text: str) -> str:
    """``text`` itself, or an ``InputError`` when it has no letter, digit or character that could be spoken."""
    if not any(char.isalnum() for char in text):
        raise InputError("There is nothing to speak in this text.", "Type at least one word, number or character.")
    return text
