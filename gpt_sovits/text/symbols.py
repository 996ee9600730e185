"""Phone tables of the checkpoints: the id of a phone is its index. v2's first 322 entries are v1's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from gpt_sovits.errors import InputError
from gpt_sovits.text.data import table
from gpt_sovits.versions import OFFICIAL, PHONES

UNKNOWN = "UNK"
MARKS = frozenset("!?…,.-")


@dataclass(frozen=True)
class SymbolTable:
    """Ordered phone names with their ids."""

    version: str
    names: tuple[str, ...]
    ids: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, phone: object) -> bool:
        return phone in self.ids

    def encode(self, phones: Iterable[str]) -> tuple[int, ...]:
        """Ids of ``phones``; a phone that is not in the table becomes ``UNK``."""
        unknown = self.ids[UNKNOWN]
        return tuple(self.ids.get(phone, unknown) for phone in phones)


@cache
def symbols(version: str = PHONES) -> SymbolTable:
    """The table of a version: the first one has its own, every later version uses the same."""
    row = OFFICIAL.get(version)
    if row is None:
        raise InputError(f"There is no phone table for version {version!r}.", f"Use one of {', '.join(OFFICIAL)}.")
    key = row.phones
    names = tuple(table("symbols")[key])
    return SymbolTable(key, names, MappingProxyType({name: index for index, name in enumerate(names)}))
