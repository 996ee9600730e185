"""The narrations of one person that the pages keep, in the person's own folder; nobody names a path.

    <registry>/users/<user>/narrations/<book>/about.json     its title and kind, and when it was deleted
    <registry>/users/<user>/narrations/<book>/source.<kind>  the document
    <registry>/users/<user>/narrations/<book>/...            ``narration.project``, once it was begun

A take is encrypted with the key of the voice that speaks it, so it locks and burns with the voice. The words are plain.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np

from gpt_sovits import files
from gpt_sovits.audio import Audio
from gpt_sovits.crypto import vault
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.narration.books import KINDS, read_book, speakers
from gpt_sovits.narration.project import FILE, Project, Sentence
from gpt_sovits.services.core import Core
from gpt_sovits.services.narration import NarrationService
from gpt_sovits.storage.takes import MOST_KEPT
from gpt_sovits.storage.versions import put
from gpt_sovits.voices.consent import now
from gpt_sovits.voices.ids import check_id, is_id, new_id

UNDO_SECONDS = 3600.0
MOST_BOOKS = 1000
_ABOUT, _GOING = "about.json", "going"


@dataclass(frozen=True)
class Book:
    """``going``: it was being spoken when somebody looked last. ``whole`` 0: it was not begun."""

    id: str
    title: str
    kind: str
    created: str
    whole: int = 0
    done: int = 0
    going: bool = False
    deleted: float = 0.0


class SealedProject(Project):
    """A narration whose takes are encrypted; ``key_of(voice)`` is None where a voice has no key of its own."""

    def __init__(self, folder: Path, key_of: Callable[[str], bytes | None]) -> None:
        super().__init__(folder)
        self._key_of = key_of

    def sound(self, sentence: Sentence) -> Audio:
        """The take that is heard."""
        wanted = self.take(sentence)[0].name
        number = next(take for take, name, _, _ in self.takes(sentence.number) if name == wanted)
        with av.open(io.BytesIO(self.flac(sentence.number, number)), "r") as sound:
            blocks: list[np.ndarray] = [frame.to_ndarray().reshape(-1) for frame in sound.decode(audio=0)]
            rate = int(sound.streams.audio[0].rate or 0)
        samples = np.concatenate(blocks)
        return Audio((samples / 2.0 ** (8 * samples.itemsize - 1)).astype(np.float32), rate)

    def flac(self, number: int, take: int) -> bytes:
        """One take as a file."""
        found = next(((name, voice) for n, name, voice, _ in self.takes(number) if n == take), None)
        if found is None:
            raise MissingError(f"Sentence {number} has no take {take}.", "The list shows how many there are.")
        name, voice = found
        try:
            return b"".join(vault.open_file(self.folder / "takes" / name, self._key_of(voice), name))
        except FileNotFoundError as error:
            raise MissingError(f"Sentence {number} has no take {take}.", "Say the sentence again.") from error

    def _store(self, name: str, voice: str, data: bytes) -> None:
        put(self.folder / "takes" / name, data, self._key_of(voice))


class Bookshelf:
    """``user``'s."""

    def __init__(self, core: Core, user: str) -> None:
        self._core, self._user = core, user
        self._home = core.registry.home_of(user) / "narrations"

    def list(self) -> list[Book]:
        """Newest first, without the deleted ones; those deleted long ago are erased here."""
        found = []
        for folder in self._home.iterdir() if self._home.is_dir() else ():
            try:
                book = self.get(folder.name) if is_id(folder.name) else None
            except (VoiceError, KeyError, TypeError, ValueError):  # damaged: the others are still there
                self._sweep(folder)
                continue
            if book is None or not book.deleted:
                found += [book] if book else []
            elif time.time() - book.deleted > UNDO_SECONDS:
                files.erase_tree(folder, overwrite=True)
        return sorted(found, key=lambda book: (book.created, book.id), reverse=True)

    def get(self, book_id: str) -> Book:
        """``MissingError`` when it is gone, ``InputError`` when what is kept about it is damaged."""
        folder = self._folder(book_id)
        about = files.read_json(folder / _ABOUT)
        try:
            title, kind, created = (str(about[key]) for key in ("title", "kind", "created"))
            deleted = float(about["deleted"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"The file {folder / _ABOUT} is damaged.", "Restore it from a backup.") from error
        whole, done = Project(folder).count() if (folder / FILE).is_file() else (0, 0)
        going = (folder / _GOING).exists() and not deleted
        return Book(book_id, title, kind, created, whole, done, going, deleted)

    def put(self, data: bytes, kind: str, title: str, *, insist: bool = False) -> Book:
        """Keep a document; ``InputError`` for what nobody can narrate. ``title`` is for one that names none, or for
        any (``insist``)."""
        if kind not in KINDS:
            raise InputError(f"A file of the kind {kind!r} cannot be narrated.", f"Use one of: {', '.join(KINDS)}.")
        self._check_room(len(data))
        book_id = new_id("n")
        folder = files.make_private(self._home / book_id)
        try:
            files.write_bytes(folder / f"source.{kind}", data)
            found = read_book(folder / f"source.{kind}")
            known = title if insist or found.title == "source" else found.title
            shown = "".join(char if char.isprintable() else " " for char in known)
            about = {"title": " ".join(shown.split())[:120] or "-", "kind": kind, "created": now(), "deleted": 0.0}
            files.write_json(folder / _ABOUT, about)
        except BaseException:
            files.erase_tree(folder, overwrite=True)
            raise
        return self.get(book_id)

    def look(self, book_id: str) -> dict[str, Any]:
        """What is in the document: chapters, characters, who seems to speak in it, and what will not be spoken."""
        folder = self._folder(book_id)
        book = read_book(folder / f"source.{self.get(book_id).kind}")
        texts = [each.text for chapter in book.chapters for each in chapter.paragraphs]
        return {
            "chapters": [chapter.title for chapter in book.chapters],
            "characters": sum(map(len, texts)),
            "speakers": speakers(book),
            "left_out": [" ".join(each.split())[:80] for each in dict.fromkeys(book.left_out)][:20],
        }

    def begin(self, book_id: str, voices: Mapping[str, str], *, language: str = "auto", speed: float = 1.0) -> None:
        """``voices``: who reads for each role; "" is the narrator."""
        book, folder = self.get(book_id), self._folder(book_id)
        roles = {role: voice for role, voice in voices.items() if role and voice}
        source = folder / f"source.{book.kind}"
        NarrationService(self._core, self._user).begin(
            folder, source, voices.get("", ""), roles=roles, language=language, speed=speed, title=book.title
        )

    def open(self, book_id: str) -> SealedProject:
        """``MissingError`` where it was not begun."""
        return SealedProject(self._folder(book_id), self._key_of)

    def mark(self, book_id: str, *, going: bool) -> None:
        """Remember that it is being spoken, for who starts again after a crash."""
        mark = self._folder(book_id) / _GOING
        with files.disk_errors("the narration could not be written"):
            mark.touch(0o600) if going else mark.unlink(missing_ok=True)

    def delete(self, book_id: str, *, deleted: bool = True) -> Book:
        """For an hour ``deleted=False`` brings it back; where the disk is too full to note that, it goes at once."""
        folder = self._folder(book_id)
        self.mark(book_id, going=False)
        about = files.read_json(folder / _ABOUT)
        book = replace(self.get(book_id), deleted=time.time() if deleted else 0.0)
        try:
            files.write_json(folder / _ABOUT, {**about, "deleted": book.deleted})
        except OSError:
            if not deleted:
                raise
            with files.disk_errors("the narration could not be deleted"):
                files.erase_tree(folder, overwrite=True)
        return book

    def forget(self, ids: Collection[str]) -> None:
        """Leave out voices that are destroyed: their takes go, and nobody reads their roles."""
        for folder in self._home.iterdir() if self._home.is_dir() else ():
            if (folder / FILE).is_file():
                Project(folder).forget(ids)

    def _check_room(self, coming: int) -> None:
        full = InputError("Too many narrations are kept.", "Delete some that you do not need.")
        if sum(1 for _ in (self._home.iterdir() if self._home.is_dir() else ())) >= MOST_BOOKS:
            raise full
        files.check_room(self._home.parent, coming, MOST_KEPT, full)

    @staticmethod
    def _sweep(folder: Path) -> None:
        """Remove what a program left that ended while it took a document in."""
        made = (folder / _ABOUT).exists() or (folder / FILE).exists()
        if not made and folder.is_dir() and time.time() - folder.stat().st_mtime > UNDO_SECONDS:
            files.erase_tree(folder, overwrite=True)

    def _folder(self, book_id: str) -> Path:
        folder = self._home / check_id(book_id, "narration")
        if not folder.is_dir():
            raise MissingError("This narration is not here any more.", "Begin it anew.")
        return folder

    def _key_of(self, voice: str) -> bytes | None:
        if not voice or self._core.starters.holds(voice):
            return None
        return self._core.registry.data_key(self._user, voice)
