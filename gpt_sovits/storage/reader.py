"""Reading the registry: which voices there are, what is in them, and the keys that open them.

The half of the registry that changes nothing; ``store.Registry`` stands on it.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

from gpt_sovits.crypto import seals, vault
from gpt_sovits.crypto.identity import Identity, identity
from gpt_sovits.crypto.keyring import IDLE_SECONDS, Keyring
from gpt_sovits.errors import InputError, MissingError, RefusedError, VoiceError
from gpt_sovits.files import KEY_NAMES
from gpt_sovits.storage import erase, versions
from gpt_sovits.storage.accounts import Accounts
from gpt_sovits.storage.index import Index
from gpt_sovits.storage.journal import Journal
from gpt_sovits.voices import rights
from gpt_sovits.voices.ids import check_id, check_user, is_id
from gpt_sovits.voices.manifest import VersionManifest, VoiceCard, VoiceManifest, card, read_version, read_voice
from gpt_sovits.voices.voice import Voice

log = logging.getLogger(__name__)


class Shelf:
    """Voices under ``root``. Safe to use from several threads and processes.

    ``keys`` holds the data keys of voices that are unlocked in this process, each for ``idle_seconds`` after its last
    use; ``accounts`` the users' passwords, if there are any.
    """

    def __init__(self, root: Path, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self.root = root
        self.keys = Keyring(idle_seconds)
        self.accounts = Accounts(root)
        self._index = Index(root / "index.sqlite3")

    def users(self) -> list[str]:
        folder = self.root / "users"
        return sorted(path.name for path in folder.iterdir() if is_id(path.name)) if folder.is_dir() else []

    def cards(self, user: str) -> list[VoiceCard]:
        """The user's voices, by name. Reads no weights and imports no torch."""
        folder = self._user(user) / "voices"
        return self._index.cards(user, folder, self._card) if folder.is_dir() else []

    def card(self, user: str, voice_id: str) -> VoiceCard:
        return self._card(self._voice(user, voice_id))

    def manifest(self, user: str, voice_id: str) -> VoiceManifest:
        """``MissingError`` when the user has no such voice, ``ChangedError`` when it is not as it was sealed."""
        return self.ask(user, voice_id, "look")

    def ask(self, user: str, voice_id: str, deed: str, gone: Collection[str] = ()) -> VoiceManifest:
        """What the voice says of itself, if ``deed`` (``voices.rights``) may be done with it now; raises otherwise.

        Nothing is done with a stored voice by anybody before this was asked. ``gone``: ids of mixes that go before it.
        What an edited manifest allows counts for nothing; what it forbids is forbidden.
        """
        manifest = self._read(user, voice_id)
        rule = rights.RULES[deed]
        locked = vault.is_locked(self._voice(user, voice_id))
        standing = rights.Standing(
            name=manifest.name,
            terms=manifest.terms,
            frozen=manifest.frozen,
            kind=manifest.kind,
            locked=locked,
            readable=not locked or self.keys.holds(user, voice_id),
            mixes=[each.name for each in self.mixes_of(user, voice_id) if each.id not in gone] if rule.alone else (),
        )
        rights.require(deed, standing)
        return seals.check(manifest, self.key_at_hand(user, voice_id))

    def versions(self, user: str, voice_id: str) -> list[VersionManifest]:
        """The versions of a voice, oldest first."""
        return _versions(self._voice(user, voice_id))

    def holds(self, user: str, voice_id: str) -> bool:
        """Whether the user has a voice with this id, damaged or not."""
        return (self._user(user) / "voices" / check_id(voice_id)).is_dir()

    def version_ids(self, user: str, voice_id: str) -> list[str]:
        """Of all versions whose folders are there, damaged or not."""
        return _names(self._voice(user, voice_id))

    def parents_of(self, user: str, voice_id: str) -> set[str]:
        """Ids of the voices that a mix was made of; none of a voice that is damaged or no mix."""
        try:
            return set(self.card(user, voice_id).parents)
        except VoiceError:
            return set()

    def has_version(self, user: str, voice_id: str, version_id: str) -> bool:
        path = self._user(user) / "voices" / check_id(voice_id) / "versions" / check_id(version_id, "version")
        return path.is_dir()

    def load(self, user: str, voice_id: str, version_id: str | None = None) -> Voice:
        """A version as a value: the named one, else the voice's default, else the newest. Hashes are compared."""
        manifest = self.ask(user, voice_id, "speak")
        wanted = version_id or manifest.default_version or self.versions(user, voice_id)[-1].id
        key = self.data_key(user, voice_id)
        return versions.load(self._version(user, voice_id, wanted), manifest, key)

    def read_file(self, user: str, voice_id: str, version_id: str, name: str) -> bytes:
        """One file of a version ("sample.wav", the recording), compared with its hash."""
        self.ask(user, voice_id, "hear")
        folder, key = self._version(user, voice_id, version_id), self.data_key(user, voice_id)
        return versions.read_file(folder, versions.manifest_of(folder, key), name, key)

    def data_key(self, user: str, voice_id: str) -> bytes | None:
        """What a voice's files are encrypted with; None where they are plain (made by an older program).

        ``RefusedError`` while the voice is locked.
        """
        folder = self._voice(user, voice_id)
        if not vault.is_locked(folder):
            return vault.read_key(folder)
        key = self.keys.get(user, voice_id)
        if key is None:
            name = self.manifest(user, voice_id).name
            raise RefusedError(f"The voice {name!r} is locked.", "Unlock it with its passphrase.")
        return key

    def key_at_hand(self, user: str, voice_id: str) -> bytes | None:
        """``data_key`` that does not count as use; None also while the voice is locked."""
        folder = self._voice(user, voice_id)
        return self.keys.peek(user, voice_id) if vault.is_locked(folder) else vault.read_key(folder)

    def home_of(self, user: str, voice_id: str = "") -> Path:
        """The folder of a voice, where what belongs to it lies; the user's own without one."""
        return self._voice(user, voice_id) if voice_id else self._user(user)

    def is_open(self, user: str, voice_id: str) -> bool:
        """Whether the voice can be read now: it is not locked, or it is unlocked in this process."""
        return not vault.is_locked(self._voice(user, voice_id)) or self.keys.holds(user, voice_id)

    def journal(self, user: str) -> Journal:
        """What was done with the user's voices."""
        return Journal(self._user(user) / "journal.jsonl", lenient=True)

    def note(self, user: str, what: str, voice_id: str, **details: Any) -> None:
        """Write into the journal what was done. Where it cannot be written the deed stays done, and the log says so."""
        try:
            self.journal(user).add(what, voice_id, **details)
        except (VoiceError, OSError) as error:
            log.warning("%s: %s was done but could not be written down: %s", voice_id, what, error)

    def mixes_of(self, user: str, voice_id: str) -> list[VoiceCard]:
        """Stored mixes that contain this voice."""
        return [each for each in self.cards(user) if voice_id in each.parents and each.id != voice_id]

    def recordings(self, user: str, voice_id: str) -> dict[str, int]:
        """SHA-256 and bytes of every recording that a voice was trained on; none of a damaged one."""
        try:
            found = [each.files.get(each.recording) for each in self.versions(user, voice_id)]
        except InputError:
            return {}
        return {entry.sha256: entry.bytes for entry in found if entry is not None}

    def verify(self, user: str) -> list[str]:
        """Compare every file of the user's voices with its hash; one sentence per problem.

        Of a locked voice only the sizes of the files can be compared.
        """
        problems = []
        folder = self._user(user) / "voices"
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            try:
                self.manifest(user, path.name)
                locked = not self.is_open(user, path.name)
                key = None if locked else self.data_key(user, path.name)
                for version in _versions(path):
                    versions.check(path / "versions" / version.id, key, locked=locked)
            except VoiceError as error:
                problems.append(str(error))
        return problems

    def contents_of(self, user: str, voice_id: str) -> list[erase.Content]:
        """All that a voice has stored, to take its fingerprints before it is destroyed: as it lies on the disk, and,
        unless the voice is locked or its key is damaged, as it was before it was encrypted."""
        folder = self._voice(user, voice_id)
        try:
            key = self.key_at_hand(user, voice_id)
        except InputError:
            key = None
        found = []
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.suffix == ".json" or path.name in KEY_NAMES:
                continue
            found.append(erase.of_file(path))
            if key is not None and vault.is_sealed(path):
                found.append(erase.Content(path.name, partial(vault.open_file, path, key, path.name)))
        return found

    def receipts(self, user: str) -> Path:
        """The folder of receipts of destroyed voices."""
        return self._user(user) / "receipts"

    def identity(self, user: str) -> Identity:
        """The user's keys to sign and to receive voice files."""
        return identity(self._user(user))

    # ------------------------------------------------------------------------------------------------------- private

    def _user(self, user: str) -> Path:
        return self.root / "users" / check_user(user)

    def _voice(self, user: str, voice_id: str) -> Path:
        folder = self._user(user) / "voices" / check_id(voice_id)
        if not folder.is_dir():
            raise MissingError(f"There is no voice {voice_id}.", "Choose one from the list of voices.")
        if vault.is_by_link(folder):
            raise InputError(f"A part of the voice {voice_id} is a link.", "Put the folder itself in its place.")
        return folder

    def _version(self, user: str, voice_id: str, version_id: str) -> Path:
        folder = self._voice(user, voice_id) / "versions" / check_id(version_id, "version")
        if not folder.is_dir():
            raise MissingError(f"The voice has no version {version_id}.", "Choose one from the list of versions.")
        return folder

    def _read(self, user: str, voice_id: str) -> VoiceManifest:
        manifest = read_voice(self._voice(user, voice_id))
        if manifest.owner != user:
            raise InputError(f"The voice {voice_id} belongs to another user.", "Restore it from a backup.")
        return manifest

    def _aside(self, user: str, name: str) -> Path:
        return self._user(user) / name / secrets.token_hex(8)

    def _card(self, folder: Path) -> VoiceCard:
        return card(read_voice(folder), _versions(folder), vault.is_locked(folder))


def _names(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder / "versions") if is_id(name)] if (folder / "versions").is_dir() else []


def _versions(folder: Path) -> list[VersionManifest]:
    if not folder.is_dir():
        raise MissingError(f"There is no voice {folder.name}.", "Choose one from the list of voices.")
    found = [read_version(folder / "versions" / name) for name in _names(folder)]
    if not found:
        raise InputError(f"The voice {folder.name} has no version.", "Restore it from a backup, or delete it.")
    return sorted(found, key=lambda version: (version.number, version.created, version.id))
