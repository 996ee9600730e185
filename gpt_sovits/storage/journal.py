"""What was done with each voice: an append-only log per user, one JSON line each, chained by SHA-256.

It names voices by their ids only, so it can stay when a voice is destroyed, and it never leaves the disk. Changing,
removing or reordering lines breaks the chain; cutting off the newest ones does not (nothing outside the disk vouches
for the end). The chain has no key: whoever may write the file can write another chain. A line that a crash cut short is
dropped by the next one, and one that a fault of the disk made into something else costs itself only.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt_sovits.errors import InputError
from gpt_sovits.files import exclusive, make_private, unfollowed
from gpt_sovits.voices.consent import now

_START = "0" * 64
_TAIL = 64 * 1024  # bytes that nearly always hold the last line


@dataclass(frozen=True)
class Entry:
    """``what`` was done with ``voice`` (an id), e.g. "trained", "spoke", "mixed", "frozen", "deleted"."""

    number: int
    at: str
    what: str
    voice: str
    details: dict[str, Any]


class Journal:
    """The log in the file ``path``. Safe between processes.

    ``lenient``: lines that are none of ours are passed over, in reading and in going on; the chain still has to hold.
    """

    def __init__(self, path: Path, *, lenient: bool = False) -> None:
        self.path = path
        self._lenient = lenient

    def add(self, what: str, voice: str, **details: Any) -> None:
        """Append one line and make it durable."""
        make_private(self.path.parent)
        lock = self.path.with_name(f".{self.path.name}.lock")
        with exclusive(lock, wait=30.0, busy="Another program is writing the journal."):
            handle = unfollowed(str(self.path), os.O_RDWR | os.O_CREAT)
            with os.fdopen(handle, "r+b") as file:
                number, previous = self._end(file)
                value = {"number": number + 1, "at": now(), "what": what, "voice": voice, "details": details}
                line = {**value, "previous": previous, "hash": _digest(value, previous)}
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())

    def entries(self, voice: str | None = None) -> list[Entry]:
        """Oldest first; ``InputError`` when the chain is broken."""
        if not self.path.is_file():
            return []
        found: list[Entry] = []
        previous = _START
        lines = self.path.read_bytes().split(b"\n")
        for line in lines[:-1]:  # what follows the last line break was cut short by a crash
            if self._lenient and _numbered(line) is None:
                continue
            try:
                value = json.loads(line)
                given = value.pop("hash")
                sound = value.pop("previous") == previous and given == _digest(value, previous)
                entry = Entry(**value)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                raise _broken(len(found) + 1) from error
            if not sound or entry.number != len(found) + 1:
                raise _broken(len(found) + 1)
            previous = given
            found.append(entry)
        return [entry for entry in found if voice in (None, entry.voice)]

    def _end(self, file: Any) -> tuple[int, str]:
        """Number and hash of the last whole line; the file is cut and left at its end."""
        size = file.seek(0, os.SEEK_END)
        window = _TAIL
        while True:  # further back, until a line break before a line that counts is seen, however long that line is
            start = max(0, size - window)
            file.seek(start)
            tail = file.read(size - start)
            whole = tail.rfind(b"\n") + 1
            lines = tail[:whole].rstrip(b"\n").split(b"\n")
            seen = lines if start == 0 else lines[1:]  # the first may be a part of one
            if self._lenient:
                seen = [line for line in seen if _numbered(line) is not None]
            if seen or start == 0:
                break
            window *= 2
        file.seek(start + whole)
        file.truncate()
        if not whole or not seen:
            return 0, _START
        end = _numbered(seen[-1])
        if end is None:
            raise InputError("The journal is damaged.", "Move the file aside; a new one begins.")
        return end


def _numbered(line: bytes) -> tuple[int, str] | None:
    """Number and hash of a line of ours, whether its chain holds or not; None for anything else."""
    try:
        value = json.loads(line)
        return int(value["number"]), str(value["hash"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _digest(value: dict[str, Any], previous: str) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def _broken(line: int) -> InputError:
    return InputError(f"The journal was changed at line {line}.", "Restore it from a backup.")
