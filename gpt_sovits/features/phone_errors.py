"""How many phones (or words) of what should have been said were heard otherwise."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorRate:
    """Errors (substituted, inserted, dropped) among ``total`` units that should have been there."""

    errors: int = 0
    total: int = 0

    def __add__(self, other: ErrorRate) -> ErrorRate:
        return ErrorRate(self.errors + other.errors, self.total + other.total)

    @property
    def rate(self) -> float | None:
        """None when there was nothing to recognise."""
        return self.errors / self.total if self.total else None


def edit_distance(said: Sequence[Hashable], heard: Sequence[Hashable]) -> int:
    """Levenshtein distance: units to insert, drop or replace to get from one sequence to the other."""
    previous = list(range(len(heard) + 1))
    for row, wanted in enumerate(said, start=1):
        current = [row]
        for column, got in enumerate(heard, start=1):
            substituted = previous[column - 1] + (wanted != got)
            current.append(min(substituted, previous[column] + 1, current[-1] + 1))
        previous = current
    return previous[-1]


def error_rate(said: Sequence[str], heard: Sequence[str]) -> ErrorRate:
    """Errors among the words or phones that should have been said."""
    return ErrorRate(edit_distance(said, heard), len(said))


def comparable(phones: Iterable[str]) -> list[str]:
    """Phones as they are compared: no pauses or punctuation, English without stress marks, Mandarin with tones."""
    spoken = (phone for phone in phones if phone[:1].isalpha() and phone not in ("SP", "SP2", "SP3", "AP", "UNK"))
    return [phone[:2] if re.fullmatch("[A-Z]{2}[012]", phone) else phone for phone in spoken]
