"""A narration on the disk: one folder, in which each sentence has takes.

    <project>/project.sqlite3     chapters, sentences, takes, and what the person chose
    <project>/takes/00012-2.flac  the second take of sentence 12

Whatever stops the work, a take is either whole and listed or not there; going on speaks what has none.
"""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpt_sovits.audio import Audio, read_audio, write_bytes
from gpt_sovits.encoding import encode
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import disk_errors, exclusive, make_private
from gpt_sovits.labels import Label
from gpt_sovits.narration.books import Book

FILE = "project.sqlite3"
_VERSION = 1
_TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE chapters (number INTEGER PRIMARY KEY, title TEXT NOT NULL);
CREATE TABLE sentences (
    number INTEGER PRIMARY KEY, chapter INTEGER NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL,
    pause REAL NOT NULL, at REAL, chosen INTEGER
);
CREATE TABLE takes (
    sentence INTEGER NOT NULL, number INTEGER NOT NULL, seed INTEGER NOT NULL, seconds REAL NOT NULL,
    text TEXT NOT NULL, voice TEXT NOT NULL, file TEXT NOT NULL, doubt TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (sentence, number)
);
"""
_HEARD_DOUBT = (
    "coalesce((SELECT doubt FROM takes WHERE sentence = s.number AND number ="
    " coalesce(s.chosen, (SELECT max(number) FROM takes WHERE sentence = s.number))), '')"
)
_OF_VOICE = "SELECT sentence FROM takes WHERE voice = ?"
SENTENCE_PAUSE, PARAGRAPH_PAUSE, CHAPTER_PAUSE = 0.35, 0.7, 1.6  # seconds after each
MAX_TAKE_SECONDS = 600.0


@dataclass(frozen=True)
class Sentence:
    """``chosen``: number of the take that is heard; None: the newest. ``takes``: how many there are.

    ``doubt``: what looked wrong about the take that is heard (``semantic.guard.REASONS``, or "left-out"); "": nothing.
    """

    number: int
    chapter: int
    role: str
    text: str
    pause: float
    at: float | None
    chosen: int | None
    takes: int
    doubt: str = ""


class Project:
    """The narration in ``folder``; ``MissingError`` where there is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / FILE).is_file():
            raise MissingError(f"There is no narration in {folder.name}.", "Begin one with a text file.")
        self.about: Mapping[str, str] = dict(self._rows("SELECT key, value FROM about"))
        if self.about.get("version") != str(_VERSION):
            raise InputError(f"The narration in {folder.name} is of another version.", "Update the program.")
        if "doubt" not in [row[1] for row in self._rows("PRAGMA table_info(takes)")]:  # begun before doubts were kept
            self._change(("ALTER TABLE takes ADD COLUMN doubt TEXT NOT NULL DEFAULT ''", ()))

    @staticmethod
    def create(
        folder: Path, book: Book, split: Callable[[str, str], list[tuple[str, float | None]]], **about: str
    ) -> Project:
        """``split(text, role)`` gives the sentences of a paragraph and the pauses that its markup asks for."""
        make_private(folder / "takes")
        with _written("the narration could not be begun"), _alone(folder):
            if (folder / FILE).exists():
                raise InputError(
                    f"There is a narration in {folder.name} already.", "Choose another folder, or go on with it."
                )
            growing = folder / f".{FILE}.part"
            growing.unlink(missing_ok=True)
            with closing(sqlite3.connect(growing)) as base:
                Project._fill(base, book, split, **about)
            growing.rename(folder / FILE)
        return Project(folder)

    @staticmethod
    def _fill(
        base: sqlite3.Connection, book: Book, split: Callable[[str, str], list[tuple[str, float | None]]], **about: str
    ) -> None:
        base.executescript(_TABLES)
        known = {"title": book.title, "author": book.author, **about, "version": str(_VERSION)}
        base.executemany("INSERT INTO about VALUES (?, ?)", known.items())
        base.executemany("INSERT INTO chapters VALUES (?, ?)", [(n, c.title) for n, c in enumerate(book.chapters)])
        base.executemany(
            "INSERT INTO sentences VALUES (?, ?, ?, ?, ?, ?, NULL)",
            ((number, *row) for number, row in enumerate(_sentences(book, split), 1)),
        )
        base.commit()

    # ------------------------------------------------------------------------------------------------------- reading

    @property
    def roles(self) -> dict[str, str]:
        """Role to the id of its voice; "" is the narrator."""
        return dict(json.loads(self.about["roles"]))

    def chapters(self) -> list[str]:
        return [str(title) for (title,) in self._rows("SELECT title FROM chapters ORDER BY number")]

    def count(self) -> tuple[int, int]:
        """How many sentences there are, and how many of them have a take."""
        (whole,) = next(iter(self._rows("SELECT count(*) FROM sentences")))
        (done,) = next(iter(self._rows("SELECT count(DISTINCT sentence) FROM takes")))
        return int(whole), int(done)

    def sentences(self, *, untaken: bool = False, doubted: bool = False, after: int = 0) -> Iterator[Sentence]:
        """In order, a hundred in memory at a time. ``untaken``: those that nobody has said yet; ``doubted``: those
        that may have come out wrong."""
        last = after
        only = " HAVING count(t.number) = 0" if untaken else f" HAVING {_HEARD_DOUBT} != ''" if doubted else ""
        while True:
            found = [
                Sentence(*row)
                for row in self._rows(
                    "SELECT s.number, s.chapter, s.role, s.text, s.pause, s.at, s.chosen, count(t.number),"
                    f" {_HEARD_DOUBT}"
                    " FROM sentences s LEFT JOIN takes t ON t.sentence = s.number WHERE s.number > ? GROUP BY s.number"
                    f"{only} ORDER BY s.number LIMIT 100",
                    (last,),
                )
            ]
            if not found:
                return
            yield from found
            last = found[-1].number

    def sentence(self, number: int) -> Sentence:
        found = next(self.sentences(after=number - 1), None)
        if found is None or found.number != number:
            raise MissingError(f"There is no sentence {number}.", f"There are {self.count()[0]}.")
        return found

    def take(self, sentence: Sentence) -> tuple[Path, float, str]:
        """File, seconds and text of the take that is heard; ``MissingError`` where there is none."""
        rows = self._rows(
            "SELECT file, seconds, text FROM takes WHERE sentence = ? AND (number = ? OR ? IS NULL)"
            " ORDER BY number DESC",
            (sentence.number, sentence.chosen, sentence.chosen),
        )
        row = next(iter(rows), None)
        if row is None:
            raise MissingError(f"Sentence {sentence.number} was not said yet.", "Let the narration go on.")
        return self.folder / "takes" / Path(str(row[0])).name, float(row[1]), str(row[2])

    def takes(self, number: int) -> list[tuple[int, str, str, float]]:
        """Number, file name, voice and seconds of each take of a sentence, oldest first."""
        query = "SELECT number, file, voice, seconds FROM takes WHERE sentence = ? ORDER BY number"
        return [
            (int(take), Path(str(file)).name, str(voice), float(s))
            for take, file, voice, s in self._rows(query, (number,))
        ]

    def sound(self, sentence: Sentence) -> Audio:
        return read_audio(self.take(sentence)[0], max_seconds=MAX_TAKE_SECONDS)

    # ------------------------------------------------------------------------------------------------------- changing

    def next_take(self, sentence: Sentence) -> int:
        (last,) = next(iter(self._rows("SELECT max(number) FROM takes WHERE sentence = ?", (sentence.number,))))
        return int(last or 0) + 1

    def add(self, sentence: Sentence, audio: Audio, *, seed: int, label: Label, doubt: str = "") -> None:
        """A new take, which is heard from now on."""
        with _written("the narration could not be written"), _alone(self.folder):
            number = self.next_take(sentence)
            name = f"{sentence.number:05d}-{number}.flac"
            self._store(name, label.voice, encode(audio, "flac", label=label))
            row = (sentence.number, number, seed, audio.seconds, sentence.text, label.voice, name, doubt)
            self._change(
                ("INSERT INTO takes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row),
                ("UPDATE sentences SET chosen = NULL WHERE number = ?", (sentence.number,)),
            )

    def choose(self, number: int, take: int) -> None:
        if not list(self._rows("SELECT 1 FROM takes WHERE sentence = ? AND number = ?", (number, take))):
            raise MissingError(f"Sentence {number} has no take {take}.", "The list shows how many there are.")
        self._change(("UPDATE sentences SET chosen = ? WHERE number = ?", (take, number)))

    def edit(self, number: int, text: str) -> None:
        """Another text for a sentence; its takes go, as they say something else."""
        sentence = self.sentence(number)
        self._change(
            ("DELETE FROM takes WHERE sentence = ?", (number,)),
            ("UPDATE sentences SET text = ?, chosen = NULL WHERE number = ?", (text, number)),
        )
        for path in (self.folder / "takes").glob(f"{sentence.number:05d}-*.flac"):
            path.unlink()

    def forget(self, voices: Collection[str]) -> None:
        """Remove all takes of these voices, and their ids; a role that one of them read is nobody's then."""
        roles = {role: "" if voice in voices else voice for role, voice in self.roles.items()}
        for voice in voices:
            for (name,) in self._rows("SELECT file FROM takes WHERE voice = ?", (voice,)):
                (self.folder / "takes" / Path(str(name)).name).unlink(missing_ok=True)
            self._change(
                ("PRAGMA secure_delete = ON", ()),
                (
                    "UPDATE sentences SET chosen = NULL WHERE number IN (SELECT sentence FROM takes WHERE voice = ?)",
                    (voice,),
                ),
                ("DELETE FROM takes WHERE voice = ?", (voice,)),
                ("UPDATE about SET value = ? WHERE key = 'roles'", (json.dumps(roles),)),
            )
        with closing(sqlite3.connect(self.folder / FILE)) as base:
            base.execute("VACUUM")

    def _store(self, name: str, voice: str, data: bytes) -> None:
        write_bytes(self.folder / "takes" / name, data)

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple]:
        try:
            with closing(sqlite3.connect(self.folder / FILE)) as base:
                return base.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise InputError(f"The narration in {self.folder.name} is damaged.", "Begin it anew.") from error

    def _change(self, *steps: tuple[str, tuple[object, ...]]) -> None:
        with _written("the narration could not be written"), closing(sqlite3.connect(self.folder / FILE)) as base:
            for query, values in steps:
                base.execute(query, values)
            base.commit()


@contextmanager
def _written(doing: str) -> Iterator[None]:
    """A failing disk is one sentence, whether Python or SQLite meets it."""
    with disk_errors(doing):
        try:
            yield
        except sqlite3.OperationalError as error:
            full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error


def _alone(folder: Path) -> AbstractContextManager[None]:
    """Two who begin, or say a sentence, at the same time do it one after the other."""
    return exclusive(folder / ".lock", wait=60.0, busy="Another program is changing this narration.")


def _sentences(
    book: Book, split: Callable[[str, str], list[tuple[str, float | None]]]
) -> Iterator[tuple[int, str, str, float, float | None]]:
    for number, chapter in enumerate(book.chapters):
        for place, paragraph in enumerate(chapter.paragraphs):
            found = split(paragraph.text, paragraph.role)
            ends = PARAGRAPH_PAUSE if place < len(chapter.paragraphs) - 1 else CHAPTER_PAUSE
            for order, (text, pause) in enumerate(found):
                last = order == len(found) - 1
                usual = (0.0 if paragraph.at is not None else ends) if last else SENTENCE_PAUSE
                at = paragraph.at if order == 0 else None
                yield number, paragraph.role, text, usual if pause is None else max(usual, pause), at
