"""A list of a user's voices that is read in milliseconds: an SQLite cache of the folders, never the truth.

Each row remembers what the file system said of the voice's manifest and of its version folder (inode, size, times).
``cards`` compares that with the disk every time, so the index heals itself after a crash, a restore from a backup or
its own loss; a damaged index file is thrown away and rebuilt.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gpt_sovits.crypto.vault import WRAPPED, is_by_link
from gpt_sovits.errors import VoiceError
from gpt_sovits.files import erase_tree, make_private
from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.manifest import VOICE_FILE, VersionCard, VoiceCard
from gpt_sovits.voices.terms import Terms

_TABLE = "CREATE TABLE IF NOT EXISTS cards (user TEXT, id TEXT, mark TEXT, card TEXT, PRIMARY KEY (user, id))"
_USER_VERSION = 4  # of the table and of the card's JSON; another number in the file means: rebuild


class Index:
    """Cards by user. ``path`` is the SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cards(self, user: str, voices: Path, build: Callable[[Path], VoiceCard]) -> list[VoiceCard]:
        """Every voice in the folder ``voices``, in the order of its name; ``build`` reads one from its folder.

        Where the index can be neither read nor made anew (a full disk, one that may only be read) each is read.
        """
        marks = _marks(voices)
        try:
            return self._cards(user, voices, marks, build)
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, OSError):
            try:
                self.drop()
                return self._cards(user, voices, marks, build)
            except (sqlite3.DatabaseError, OSError):
                return _in_order([card for name in marks if (card := _built(voices / name, build)) is not None])

    def drop(self) -> None:
        """Throw the index away; the next list rebuilds it."""
        for suffix in ("", "-journal", "-wal", "-shm"):
            place = self.path.with_name(self.path.name + suffix)
            if place.is_dir():
                erase_tree(place)
            place.unlink(missing_ok=True)

    def forget(self, user: str, voice_id: str) -> None:
        """Remove the row of a deleted voice, and its words from the file."""
        if not self.path.exists():
            return
        try:
            with self._open() as connection, connection:
                connection.execute("DELETE FROM cards WHERE user = ? AND id = ?", (user, voice_id))
        except sqlite3.DatabaseError:
            self.drop()

    def _cards(
        self, user: str, voices: Path, marks: dict[str, str], build: Callable[[Path], VoiceCard]
    ) -> list[VoiceCard]:
        with self._open() as connection:
            rows = connection.execute("SELECT id, mark, card FROM cards WHERE user = ?", (user,)).fetchall()
            known = {row[0]: (row[1], row[2]) for row in rows}
            cards: list[VoiceCard] = []
            changed: list[tuple[str, str, str, str]] = []
            for name, mark in marks.items():
                if name in known and known[name][0] == mark:
                    cards.append(_from_json(known[name][1]))
                    continue
                card = _built(voices / name, build)
                if card is None:
                    continue
                cards.append(card)
                changed.append((user, name, mark, _to_json(card)))
            gone = [(user, name) for name in known if name not in marks]
            if changed or gone:
                with connection:
                    connection.executemany("DELETE FROM cards WHERE user = ? AND id = ?", gone)
                    connection.executemany("INSERT OR REPLACE INTO cards VALUES (?, ?, ?, ?)", changed)
        return _in_order(cards)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            make_private(self.path.parent)
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(self.path, timeout=20.0)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA synchronous = OFF")  # it can always be rebuilt
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != _USER_VERSION:
                with connection:
                    connection.execute("DROP TABLE IF EXISTS cards")
                    connection.execute(_TABLE)
                    connection.execute(f"PRAGMA user_version = {_USER_VERSION}")
            yield connection


def _built(folder: Path, build: Callable[[Path], VoiceCard]) -> VoiceCard | None:
    """None where it is damaged, or being deleted: the others are still shown; ``Registry.verify`` names it."""
    try:
        return build(folder)
    except VoiceError:
        return None


def _in_order(cards: list[VoiceCard]) -> list[VoiceCard]:
    return sorted(cards, key=lambda card: (card.name.casefold(), card.created, card.id))


def _marks(voices: Path) -> dict[str, str]:
    """Voice id -> what changes whenever the voice does."""
    marks = {}
    for entry in os.scandir(voices) if voices.is_dir() else ():
        if is_by_link(Path(entry.path)):
            continue
        try:
            manifest = os.stat(os.path.join(entry.path, VOICE_FILE))
            versions = os.stat(os.path.join(entry.path, "versions"))
        except (FileNotFoundError, NotADirectoryError):
            continue  # deleted by another process while we look
        locked = os.path.exists(os.path.join(entry.path, WRAPPED))
        marks[entry.name] = " ".join(
            str(value)
            for value in (manifest.st_ino, manifest.st_size, manifest.st_mtime_ns)
            + (versions.st_ino, versions.st_nlink, versions.st_mtime_ns, locked)
        )
    return marks


def _to_json(card: VoiceCard) -> str:
    value = {
        **vars(card),
        "consent": card.consent.to_json(),
        "terms": card.terms.to_json(),
        "versions": [vars(each) for each in card.versions],
    }
    return json.dumps(value, ensure_ascii=False)


def _from_json(text: str) -> VoiceCard:
    value = json.loads(text)
    value["consent"] = Consent.from_json(value["consent"])
    value["terms"] = Terms.from_json(value["terms"])
    value["versions"] = tuple(VersionCard(**each) for each in value["versions"])
    for key in ("parents", "parent_names", "parent_shares"):
        value[key] = tuple(value[key])
    return VoiceCard(**value)
