"""Which of the two core languages phones belong to: told by the vowels, which Mandarin and English never share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from gpt_sovits.text.symbols import symbols
from gpt_sovits.versions import PHONES

_MANDARIN = re.compile(r"([a-z]\w*|E|En)[1-5]", re.ASCII)
_ENGLISH = re.compile(r"(?!SP)[A-Z]{2}[0-2]", re.ASCII)


@cache
def _vowels(version: str) -> tuple[frozenset[int], frozenset[int]]:
    table = symbols(version).ids
    mandarin = frozenset(index for name, index in table.items() if _MANDARIN.fullmatch(name))
    english = frozenset(index for name, index in table.items() if _ENGLISH.fullmatch(name))
    return mandarin, english


def mandarin_share(phones: Sequence[int], version: str = PHONES) -> float | None:
    """Part of ``phones`` (ids) that is Mandarin, 0 (all English) to 1, by syllables; None where neither is there."""
    mandarin, english = _vowels(version)
    counts = [sum(phone in known for phone in phones) for known in (mandarin, english)]
    return counts[0] / sum(counts) if any(counts) else None
