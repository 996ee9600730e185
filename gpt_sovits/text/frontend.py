"""Text -> one phone sequence: runs of language, each normalised and read, joined in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gpt_sovits.errors import InputError
from gpt_sovits.text import en_g2p, en_normalize, zh_g2p, zh_normalize
from gpt_sovits.text.segment import segment
from gpt_sovits.text.symbols import symbols
from gpt_sovits.text.tracked import Tracked
from gpt_sovits.text.types import Phones, Span

MINIMUM = 6


def _read(run_text: str, language: str, start: int, version: str, cache_dir: Path | None) -> Any:
    source = Tracked.of(run_text, start)
    if language == "en":
        norm = en_normalize.normalize(source).text
        phones, _ = en_g2p.g2p(norm)
        return phones, None, norm
    norm = zh_normalize.normalize(source).text
    phones, word2ph, _ = zh_g2p.g2p(norm, version, cache_dir)
    return phones, tuple(word2ph), norm


def phonemize(
    text: str, language: str = "auto", version: str = "v2", lexicon: Any = None, *, cache_dir: Path | None = None
) -> Phones:
    """Phones of one piece. Never raises on odd text: what cannot be spoken is left out.

    ``language``: auto, zh or en. ``cache_dir``: where jieba's dictionary cache lives (None: not cached by us).
    """
    table = symbols(version)
    phones: list[str] = []
    spans: list[Span] = []
    for run in segment(text, "en" if language == "en" else "zh"):
        part = text[run.start : run.end]
        found, word2ph, norm = _read(part, run.language, run.start, version, cache_dir)
        spans.append(Span(run.language, part, run.start, run.end, norm, len(phones), len(found), word2ph))
        phones += found
    counts = [span.word2ph for span in spans]
    joined = tuple(n for count in counts if count is not None for n in count)
    return Phones(
        tuple(phones),
        table.encode(phones),
        joined if None not in counts else None,
        "".join(span.norm_text for span in spans),
        tuple(spans),
    )


def require_speakable(text: str) -> str:
    """``text`` itself, or an ``InputError`` when it has no letter, digit or character that could be spoken."""
    if not any(char.isalnum() for char in text):
        raise InputError("There is nothing to speak in this text.", "Type at least one word, number or character.")
    return text
