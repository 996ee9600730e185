"""Which language each part of a text is read in: by script, without a model."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LATIN = re.compile(r"[A-Za-z]")
_RUN = re.compile(r"[!-~]*[A-Za-z][ -~]*")


@dataclass(frozen=True)
class Run:
    """``original[start:end]`` in one language."""

    language: str
    start: int
    end: int


def segment(text: str, default: str = "zh") -> list[Run]:
    """Runs that cover ``text`` without gaps: ASCII stretches with a letter are English, all else ``default``."""
    if default == "en":
        return [Run("en", 0, len(text))] if text else []
    runs: list[Run] = []
    at = 0
    for match in _RUN.finditer(text):
        if match.start() > at:
            runs.append(Run(default, at, match.start()))
        runs.append(Run("en", match.start(), match.end()))
        at = match.end()
    if at < len(text):
        runs.append(Run(default, at, len(text)))
    return runs
