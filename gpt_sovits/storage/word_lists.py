"""Every user's own readings: one small CSV file each, beside the user's voices, whole or not there.

<root>/users/<user>/words.csv     word, reading, language
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import disk_errors, exclusive, make_private, write_bytes
from gpt_sovits.text import Entry, Lexicon
from gpt_sovits.text.lexicon import MAXIMUM
from gpt_sovits.voices.ids import check_user

FILE = "words.csv"
MAX_BYTES = 4 * 2**20
_KEPT = 16  # parsed lists that stay in memory
_State = tuple[int, int, int]


class WordLists:
    """The word lists of all users under ``root``; parsed ones stay in memory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._parsed: dict[Path, tuple[_State, Lexicon]] = {}

    def of(self, user: str) -> WordList:
        """The list of ``user``."""
        return WordList(self._root / "users" / check_user(user) / FILE, self.read)

    def read(self, path: Path) -> Lexicon:
        """The readings in a file; empty where there is none."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return Lexicon()
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            known = self._parsed.get(path)
        if known is not None and known[0] == state:
            return known[1]
        with disk_errors("the word list could not be read"):
            data = path.read_bytes()
        lexicon = _parsed(data, "Restore the file words.csv from a backup, or delete it.")
        with self._lock:
            while len(self._parsed) >= _KEPT:
                del self._parsed[next(iter(self._parsed))]
            self._parsed[path] = (state, lexicon)
        return lexicon


class WordList:
    """One user's readings. Safe to use from several threads and processes. ``read`` parses the file."""

    def __init__(self, path: Path, read: Callable[[Path], Lexicon]) -> None:
        self._path = path
        self._read = read

    def lexicon(self) -> Lexicon:
        """The readings as the value that ``phonemize`` takes; empty where there are none."""
        return self._read(self._path)

    def entries(self) -> tuple[Entry, ...]:
        """By word; case does not count."""
        return tuple(sorted(self.lexicon().entries, key=lambda entry: (entry.word.casefold(), entry.language)))

    def add(self, word: str, reading: str, language: str = "") -> Entry:
        """Set how a word is read, in one language or ("") in any; an earlier reading is replaced.

        ``reading``: pinyin, Jyutping, ARPAbet, IPA between slashes, ``spell``, or ``=`` and other words.
        """
        entry = Entry(word, reading, language).checked()
        self._change([entry])
        return entry

    def remove(self, word: str, language: str | None = None) -> int:
        """Forget a word's readings, or the one for ``language``; how many. ``MissingError`` for an unknown word."""
        word = " ".join(word.split())
        with self._writing():
            entries = self.lexicon().entries
            kept = tuple(e for e in entries if e.word != word or language not in (None, e.language))
            if len(kept) == len(entries):
                raise MissingError(f"The word {word!r} is not in the word list.", "Write it as it stands in the list.")
            self._write(Lexicon(kept))
        return len(entries) - len(kept)

    def import_csv(self, data: bytes | str) -> int:
        """Add the rows of a CSV table (word, reading, language) to the list; how many. All of them, or none.

        ``InputError`` names the line that is wrong.
        """
        raw = data.encode() if isinstance(data, str) else data
        lexicon = _parsed(raw, "Save it as a CSV table in UTF-8: word, reading, language.")
        self._change(lexicon.entries)
        return len(lexicon.entries)

    def export_csv(self) -> str:
        """The whole list as ``import_csv`` takes it."""
        return Lexicon(self.entries()).to_csv()

    def _change(self, added: Sequence[Entry]) -> None:
        with self._writing():
            entries = {entry.key: entry for entry in self.lexicon().entries}
            entries.update((entry.key, entry) for entry in added)
            if len(entries) > MAXIMUM:
                raise InputError(f"A word list may hold {MAXIMUM} words.", "Remove the words that you no longer need.")
            self._write(Lexicon(tuple(entries.values())))

    def _writing(self) -> AbstractContextManager[None]:
        lock = self._path.with_name(f".{FILE}.lock")
        return exclusive(lock, wait=10.0, busy="Another program is changing the word list.")

    def _write(self, lexicon: Lexicon) -> None:
        with disk_errors("the word list could not be saved"):
            write_bytes(make_private(self._path.parent) / FILE, lexicon.to_csv().encode())


def _parsed(data: bytes, otherwise: str) -> Lexicon:
    if len(data) > MAX_BYTES:
        raise InputError("This word list is too large.", f"Use a file of at most {MAX_BYTES // 2**20} MB.")
    if data.count(b"\n") > 2 * MAXIMUM:  # counted before any reading is understood, which takes its time
        raise InputError("This word list is too large.", f"Keep at most {MAXIMUM} words.")
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            return Lexicon.from_csv(data.decode(encoding))
        except UnicodeDecodeError:
            continue  # Chinese spreadsheets write GBK
    raise InputError("This word list is not text in UTF-8.", otherwise)
