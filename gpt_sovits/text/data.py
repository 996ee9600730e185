"""The frontend's tables: compressed files beside this module, read once, never changed, never downloaded.

``lru_cache`` is used only for these immutable tables; everything that depends on a user is passed as a value.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data"


@cache
def table(name: str) -> Any:
    """The JSON table ``data/<name>.json.gz``. Treat it as read-only."""
    return json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))


@cache
def pronunciations() -> dict[str, str]:
    """CMU dictionary: lower-case word -> space-joined ARPAbet; ``word(2)`` and on are variants."""
    text = gzip.decompress((FOLDER / "cmudict.txt.gz").read_bytes()).decode("utf-8")
    return dict(line.split("\t") for line in text.split("\n"))


@cache
def own_pronunciations() -> dict[str, str]:
    """Our own list, which goes before every other: names and words that the dictionaries lack or have wrong."""
    text = (FOLDER / "en_own.txt").read_text(encoding="ascii")
    return dict(line.split("\t") for line in text.splitlines())


def line_of(lines: bytes, word: str) -> str | None:
    """What stands behind ``word`` and a tab in ``lines``, which are sorted, one after another in one string.

    A million short strings would take more time and memory than the few that are ever asked for.
    """
    key = word.encode() + b"\t"
    low, high = 0, len(lines)
    while low < high:
        start = lines.rfind(b"\n", 0, (low + high) // 2) + 1
        if lines[start : start + len(key)] < key:
            low = (lines.find(b"\n", start) + 1) or len(lines)
        else:
            high = start
    if not lines.startswith(key, low):
        return None
    return lines[low + len(key) : (lines.find(b"\n", low) + 1 or len(lines) + 1) - 1].decode()


@cache
def _rarer() -> bytes:
    """``word``, a tab, its phones; sorted lines."""
    return gzip.decompress((FOLDER / "en_more.txt.gz").read_bytes())


def rare_pronunciation(word: str) -> str | None:
    """Space-joined ARPAbet of a lower-case word that the CMU dictionary lacks; None when it is not listed here."""
    return line_of(_rarer(), word)


def more_pronunciations() -> dict[str, str]:
    """All words that only the longer list holds, for whoever trains on them."""
    return dict(line.split("\t") for line in _rarer().decode("ascii").split("\n"))


def known_english(word: str) -> bool:
    """Whether the dictionary holds this lower-case word."""
    return word in pronunciations()
