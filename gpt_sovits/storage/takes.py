"""Takes: what a voice spoke, kept. They lie with their voice and under its key, so they lock, go and burn with it.

    <registry>/users/<user>/voices/<voice>/takes/<take>/{take, sound.wav}    encrypted with the voice's data key
    <registry>/users/<user>/takes/<take>/{take, sound.wav}                   of invented voices and clips, plain

A take appears by one rename, while nobody else changes the voice. A deleted one is kept for ``UNDO_SECONDS``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gpt_sovits import files
from gpt_sovits.crypto import vault
from gpt_sovits.errors import InputError, MissingError, ResourceError, VoiceError
from gpt_sovits.storage.registry import Registry
from gpt_sovits.storage.versions import put
from gpt_sovits.voices.ids import check_id, is_id

FOLDER, CARD, SOUND = "takes", "take", "sound.wav"
UNDO_SECONDS = 3600.0
MOST_TAKES, MOST_KEPT = 5000, 100 * 2**30  # of one person; bytes of all that the person keeps


@dataclass(frozen=True)
class TakeLine:
    """``text[start:end]`` of the take is heard from ``seconds_from`` to ``seconds_to``, spoken with its own seed."""

    start: int
    end: int
    seconds_from: float
    seconds_to: float
    seed: int


@dataclass(frozen=True)
class Take:
    """What was spoken, by whom and how. ``voice``: the id of a stored or invented voice, "" for a clip."""

    id: str
    voice: str
    voice_name: str
    version: str
    text: str
    language: str
    speed: float
    pause: float
    seed: int
    created: str
    seconds: float
    lines: tuple[TakeLine, ...]
    name: str = ""
    starred: bool = False
    pitch: float = 0.0  # semitones
    deleted: float = 0.0  # when, in seconds since 1970; 0: it is not

    @classmethod
    def from_json(cls, data: bytes) -> Take:
        """``InputError`` for anything but what was written here."""
        try:
            value = json.loads(data)
            return cls(**{**value, "lines": tuple(TakeLine(**line) for line in value["lines"])})
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError("The take is damaged.", "Speak it again.") from error


class TakeShelf:
    """One user's takes in a registry. Those of a locked voice are not to be seen."""

    def __init__(self, registry: Registry, user: str) -> None:
        self._registry = registry
        self._user = user

    def all(self) -> list[Take]:
        """Newest first, the deleted ones too; those deleted long ago are erased here."""
        found = []
        for folder, key in self._folders():
            try:
                take = self._read(folder, key)
            except (VoiceError, OSError):
                continue  # being written, or damaged: the others are still there
            if take.deleted and time.time() - take.deleted > UNDO_SECONDS:
                files.erase_tree(folder, overwrite=True)
            else:
                found.append(take)
        return sorted(found, key=lambda take: (take.created, take.id), reverse=True)

    def get(self, take_id: str) -> Take:
        return self._read(*self._find(take_id))

    def sound(self, take_id: str) -> bytes:
        """Its WAV file."""
        folder, key = self._find(take_id)
        if key is not None:
            self._registry.ask(self._user, self._read(folder, key).voice, "hear")
        return b"".join(vault.open_file(folder / SOUND, key, SOUND))

    def add(self, take: Take, wav: bytes, *, stored: bool) -> None:
        """``stored``: its voice lies in the registry, so the take lies with it."""
        with files.disk_errors("the take could not be kept"), self._registry.building(self._user) as aside:
            full = InputError("Too many takes are kept.", "Delete some that you do not need.")
            if sum(1 for _ in self._folders()) >= MOST_TAKES:
                raise full
            files.check_room(self._registry.home_of(self._user), len(wav), MOST_KEPT, full)
            home = self._registry.home_of(self._user, take.voice if stored else "")
            key = self._registry.data_key(self._user, take.voice) if stored else None
            put(aside / SOUND, wav, key)
            put(aside / CARD, _packed(take), key)
            files.move_in(aside, files.make_private(home / FOLDER) / take.id)

    def change(self, take_id: str, **changes: Any) -> Take:
        folder, key = self._find(take_id)
        take = replace(self._read(folder, key), **changes)
        with files.disk_errors("the take could not be changed"):
            put(folder / CARD, _packed(take), key)
        return take

    def delete(self, take_id: str) -> Take:
        """It is erased an hour later, or at once where the disk is too full to note that."""
        try:
            return self.change(take_id, deleted=time.time())
        except ResourceError:
            folder, key = self._find(take_id)
            take = self._read(folder, key)
            with files.disk_errors("the take could not be deleted"):
                files.erase_tree(folder, overwrite=True)
            return replace(take, deleted=time.time())

    # ------------------------------------------------------------------------------------------------------- private

    def _folders(self) -> Iterator[tuple[Path, bytes | None]]:
        loose = self._registry.home_of(self._user, "") / FOLDER
        yield from ((folder, None) for folder in _takes(loose))
        for card in self._registry.cards(self._user):
            folders = _takes(self._registry.home_of(self._user, card.id) / FOLDER)
            if folders and self._registry.is_open(self._user, card.id):
                key = self._registry.data_key(self._user, card.id)
                yield from ((folder, key) for folder in folders)

    def _find(self, take_id: str) -> tuple[Path, bytes | None]:
        check_id(take_id, "take")
        found = next((each for each in self._folders() if each[0].name == take_id), None)
        if found is None:
            raise MissingError("This take is not here any more.", "Speak the text again.")
        return found

    @staticmethod
    def _read(folder: Path, key: bytes | None) -> Take:
        try:
            return Take.from_json(b"".join(vault.open_file(folder / CARD, key, CARD)))
        except FileNotFoundError as error:
            raise MissingError("This take is not here any more.", "Speak the text again.") from error


def _takes(shelf: Path) -> list[Path]:
    return [path for path in shelf.iterdir() if is_id(path.name) and path.is_dir()] if shelf.is_dir() else []


def _packed(take: Take) -> bytes:
    return json.dumps(asdict(take), ensure_ascii=False).encode("utf-8", "surrogatepass")
