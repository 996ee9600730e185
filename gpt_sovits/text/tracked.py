"""Text that remembers, through any number of replacements, where each of its characters came from.

A normaliser is a list of regular-expression replacements; subtitles and highlighting need the place in the
original. ``Tracked`` gives both: every character carries the half-open range of original characters behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tracked:
    """``text[i]`` stands for ``original[starts[i]:ends[i]]``."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @staticmethod
    def of(text: str, offset: int = 0) -> Tracked:
        """A fresh text whose first character lies at ``offset`` in the original."""
        return Tracked(text, tuple(range(offset, offset + len(text))), tuple(range(offset + 1, offset + len(text) + 1)))

    def __len__(self) -> int:
        return len(self.text)

    def slice(self, start: int, end: int) -> Tracked:
        """The characters ``start`` to ``end``."""
        return Tracked(self.text[start:end], self.starts[start:end], self.ends[start:end])

    def replace_spans(self, edits: Iterable[tuple[int, int, str]]) -> Tracked:
        """Puts new text in place of ranges given in order; a replacement covers the origin of all that it replaces."""
        parts: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for begin, end, new in edits:
            parts.append(self.text[at:begin])
            starts += self.starts[at:begin]
            ends += self.ends[at:begin]
            parts.append(new)
            first, last = self._origin(begin, end)
            starts += [first] * len(new)
            ends += [last] * len(new)
            at = end
        parts.append(self.text[at:])
        starts += self.starts[at:]
        ends += self.ends[at:]
        return Tracked("".join(parts), tuple(starts), tuple(ends))

    def sub(self, pattern: re.Pattern[str], new: str | Callable[[re.Match[str]], str | None]) -> Tracked:
        """``pattern.sub`` that keeps the origins. ``new`` may return None to leave a match as it is."""
        edits = []
        for match in pattern.finditer(self.text):
            text = new if isinstance(new, str) else new(match)
            if text is not None and text != match.group():
                edits.append((match.start(), match.end(), text))
        return self.replace_spans(edits) if edits else self

    def map_chars(self, mapping: dict[int, str]) -> Tracked:
        """``str.translate`` for one-to-one maps, which leave the origins untouched."""
        text = self.text.translate(mapping)
        if len(text) != len(self.text):
            raise ValueError("map_chars is for one-to-one maps")
        return Tracked(text, self.starts, self.ends)

    @staticmethod
    def join(parts: Iterable[Tracked]) -> Tracked:
        """All parts, one after the other."""
        parts = list(parts)
        return Tracked(
            "".join(part.text for part in parts),
            tuple(at for part in parts for at in part.starts),
            tuple(at for part in parts for at in part.ends),
        )

    def _origin(self, begin: int, end: int) -> tuple[int, int]:
        """Original range behind ``begin:end``; for an insertion, the empty range there."""
        if begin < end:
            return min(self.starts[begin:end]), max(self.ends[begin:end])
        at = self.ends[begin - 1] if begin else (self.starts[0] if self.starts else 0)
        return at, at
