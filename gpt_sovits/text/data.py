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


def known_english(word: str) -> bool:
    """Whether the dictionary holds this lower-case word."""
    return word in pronunciations()
