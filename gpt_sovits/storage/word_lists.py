"""Every user's own readings: one small CSV file each, beside the user's voices, whole or not there.

<root>/users/<user>/words.csv     word, reading, language
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from pathlib import Path

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import disk_errors, exclusive, make_private, write_bytes
from gpt_sovits.text import Entry, Lexicon
from gpt_sovits.text.lexicon import MAXIMUM
from gpt_sovits.voices.ids import LOCAL_USER, check_user

FILE = "words.csv"
MAX_BYTES = 4 * 2**20
_KEPT = 16  # parsed lists that stay in memory
_State = tuple[int, int, int]


class WordLists:
    """The word lists of all users under ``root``. Safe to use from several threads and processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._parsed: dict[str, tuple[_State, Lexicon]] = {}

    def lexicon(self, user: str = LOCAL_USER) -> Lexicon:
        """The user's readings as the value that ``phonemize`` takes; empty where there are none."""
        path = self._path(user)
        try:
            found = path.stat()
        except FileNotFoundError:
            return Lexicon()
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            known = self._parsed.get(user)
        if known is not None and known[0] == state:
            return known[1]
        with disk_errors("the word list could not be read"):
            data = path.read_bytes()
        lexicon = _parsed(data, "Restore the file words.csv from a backup, or delete it.")
        with self._lock:
            while len(self._parsed) >= _KEPT:
                del self._parsed[next(iter(self._parsed))]
            self._parsed[user] = (state, lexicon)
        return lexicon

    def entries(self, user: str = LOCAL_USER) -> tuple[Entry, ...]:
        """By word; case does not count."""
        return tuple(sorted(self.lexicon(user).entries, key=lambda entry: (entry.word.casefold(), entry.language)))

    def add(self, word: str, reading: str, language: str = "", user: str = LOCAL_USER) -> Entry:
        """Set how a word is read, in one language or ("") in any; an earlier reading is replaced.

        ``reading``: pinyin, Jyutping, ARPAbet, IPA between slashes, ``spell``, or ``=`` and other words.
        """
        entry = Entry(word, reading, language).checked()
        self._change(user, [entry])
        return entry

    def remove(self, word: str, language: str | None = None, user: str = LOCAL_USER) -> int:
        """Forget a word's readings, or the one for ``language``; how many. ``MissingError`` for an unknown word."""
        word = " ".join(word.split())
        with self._writing(user):
            entries = self.lexicon(user).entries
            kept = tuple(e for e in entries if e.word != word or language not in (None, e.language))
            if len(kept) == len(entries):
                raise MissingError(f"The word {word!r} is not in the word list.", "Write it as it stands in the list.")
            self._write(user, Lexicon(kept))
        return len(entries) - len(kept)

    def import_csv(self, data: bytes | str, user: str = LOCAL_USER) -> int:
        """Add the rows of a CSV table (word, reading, language) to the list; how many. All of them, or none.

        ``InputError`` names the line that is wrong.
        """
        raw = data.encode() if isinstance(data, str) else data
        lexicon = _parsed(raw, "Save it as a CSV table in UTF-8: word, reading, language.")
        self._change(user, lexicon.entries)
        return len(lexicon.entries)

    def export_csv(self, user: str = LOCAL_USER) -> str:
        """The whole list as ``import_csv`` takes it."""
        return Lexicon(self.entries(user)).to_csv()

    def _change(self, user: str, added: list[Entry] | tuple[Entry, ...]) -> None:
        with self._writing(user):
            entries = {entry.key: entry for entry in self.lexicon(user).entries}
            entries.update((entry.key, entry) for entry in added)
            if len(entries) > MAXIMUM:
                raise InputError(f"A word list may hold {MAXIMUM} words.", "Remove the words that you no longer need.")
            self._write(user, Lexicon(tuple(entries.values())))

    def _writing(self, user: str) -> AbstractContextManager[None]:
        lock = self._path(user).with_name(f".{FILE}.lock")
        return exclusive(lock, wait=10.0, busy="Another program is changing the word list.")

    def _write(self, user: str, lexicon: Lexicon) -> None:
        path = self._path(user)
        with disk_errors("the word list could not be saved"):
            write_bytes(make_private(path.parent) / FILE, lexicon.to_csv().encode())

    def _path(self, user: str) -> Path:
        return self._root / "users" / check_user(user) / FILE


def _parsed(data: bytes, otherwise: str) -> Lexicon:
    if len(data) > MAX_BYTES:
        raise InputError("This word list is too large.", f"Use a file of at most {MAX_BYTES // 2**20} MB.")
    if data.count(b"\n") > 2 * MAXIMUM:  # counted before any reading is understood, which takes its time
        raise InputError("This word list is too large.", f"Keep at most {MAXIMUM} words.")
    try:
        return Lexicon.from_csv(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError("This word list is not text in UTF-8.", otherwise) from error
