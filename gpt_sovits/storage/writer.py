"""Changing voices that are there: their names, versions, freezing, keys and locks; one process at a time.

Every change asks ``Shelf.ask`` whether it may be, and again once nobody else can write.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from gpt_sovits import files
from gpt_sovits.crypto import seals, vault
from gpt_sovits.crypto.keyring import IDLE_SECONDS
from gpt_sovits.errors import InputError, RefusedError, ResourceError, VoiceError
from gpt_sovits.storage import backup, versions
from gpt_sovits.storage.accounts import hash_of
from gpt_sovits.storage.reader import Shelf, log
from gpt_sovits.storage.rekey import rekey, settle
from gpt_sovits.voices.ids import check_name, is_id
from gpt_sovits.voices.manifest import VoiceManifest, read_voice, write_manifest
from gpt_sovits.voices.voice import Voice

LOCK_SECONDS = 30.0
Found = TypeVar("Found")
RESTORING, RESTORED = ".restoring", ".restored"  # folders: being checked, and decided


class Writer(Shelf):
    """Every change to voices of ``root`` that adds none and removes none.

    Whoever reads finds some files under the old key and some under the new one while another program locks the voice:
    what seems damaged is read again while nobody writes.
    """

    def __init__(self, root: Path, *, idle_seconds: float = IDLE_SECONDS) -> None:
        super().__init__(root, idle_seconds=idle_seconds)
        self._here = threading.local()  # .writes: whether this thread holds the lock

    def ask(self, user: str, voice_id: str, deed: str, gone: Collection[str] = ()) -> VoiceManifest:
        return self._at_rest(user, partial(super().ask, user, voice_id, deed, gone), seals.ChangedError)

    def load(self, user: str, voice_id: str, version_id: str | None = None) -> Voice:
        return self._at_rest(user, partial(super().load, user, voice_id, version_id))

    def read_file(self, user: str, voice_id: str, version_id: str, name: str) -> bytes:
        return self._at_rest(user, partial(super().read_file, user, voice_id, version_id, name))

    def verify(self, user: str) -> list[str]:
        def found() -> list[str]:
            if problems := super(Writer, self).verify(user):
                raise InputError("\n".join(problems))
            return []

        try:
            return self._at_rest(user, found)
        except InputError as error:
            return error.message.split("\n")

    def tidy(self) -> None:
        """Remove what a crash left aside, and renew the keys of what an older program stored; to call at start."""
        with self._writing(None):
            files.sweep(self.root / RESTORING)
            for user in self.users():
                for folder in self._voices(user):
                    self._renew(user, folder)

    def check_changeable(self, user: str, voice_id: str) -> None:
        """Raise unless the voice may be trained further."""
        self.ask(user, voice_id, "train")

    def rename(self, user: str, voice_id: str, name: str) -> None:
        self._change(user, voice_id, "rename", "renamed", name=check_name(name))

    def set_default(self, user: str, voice_id: str, version_id: str | None) -> None:
        """Pin the version that speaks when none is named; None goes back to the newest."""
        if version_id is not None:
            self._version(user, voice_id, version_id)
        self._change(user, voice_id, "pin", "pinned", default_version=version_id)

    def freeze(self, user: str, voice_id: str, passphrase: str = "") -> None:
        """From now on nothing may change, retrain or delete the voice, and the version that speaks now is the one.

        Unfreezing needs the user's password; a user without one sets a ``passphrase`` here, which unfreezing needs.
        """
        if self.ask(user, voice_id, "freeze").frozen:
            return
        if self.accounts.has(user):
            thaw = ""
        elif passphrase:
            thaw = hash_of(vault.check_passphrase(passphrase))
        else:
            raise InputError("There is no passphrase.", "Choose one; unfreezing the voice will ask for it.")
        spoken = self.card(user, voice_id).default_version
        self._change(user, voice_id, "freeze", "frozen", default_version=spoken, frozen=True, thaw=thaw)

    def unfreeze(self, user: str, voice_id: str, secret: str = "") -> None:
        """Allow changes again. ``secret``: the passphrase that was set at freezing, else the account's password."""
        manifest = self.ask(user, voice_id, "unfreeze")
        if not manifest.frozen:
            return
        if manifest.thaw:
            self.accounts.check(f"{user}/{voice_id}", manifest.thaw, secret, "The passphrase is wrong.")
        elif self.accounts.has(user):
            self.accounts.verify(user, secret)
        else:
            raise RefusedError(
                f"The voice {manifest.name!r} was frozen by an account that is not here.",
                f"Add it again: python -m gpt_sovits users add {user}",
            )
        with self._writing(user):
            manifest = self.ask(user, voice_id, "unfreeze")
            if manifest.frozen:  # the newest spoke: those that are added from now on do
                newest = self.versions(user, voice_id)[-1].id
                pinned = None if manifest.default_version == newest else manifest.default_version
                self._rewrite(user, replace(manifest, frozen=False, thaw="", default_version=pinned))
                self.note(user, "unfrozen", voice_id)

    # ------------------------------------------------------------------------------------------------------- locking

    def check_lockable(self, user: str, voice_id: str, passphrase: str) -> None:
        """Raise what ``lock`` would."""
        self.ask(user, voice_id, "lock")
        vault.check_passphrase(passphrase)

    def lock(self, user: str, voice_id: str, passphrase: str) -> None:
        """Put the voice under a new data key, which stays on the disk under ``passphrase`` only.

        So nothing of it can be read without, and no key of before, in a backup or elsewhere, opens what is here now.
        Its name, dates, consent and terms stay readable, so that lists can show them.
        """
        self.check_lockable(user, voice_id, passphrase)
        key = vault.new_key()
        wrapped = vault.wrap(key, passphrase)
        with self._writing(user):
            self.check_lockable(user, voice_id, passphrase)  # another program may have been faster
            folder = self._voice(user, voice_id)
            rekey(folder, vault.read_key(folder), key, vault.WRAPPED, wrapped, self._aside(user, ".building"))
            self.note(user, "locked", voice_id)
        self.keys.drop(user, voice_id)

    def unlock(self, user: str, voice_id: str, passphrase: str) -> None:
        """Open a locked voice in this process's memory, until it is idle for a while or ``relock`` is called.

        ``InputError`` where what can be read without its key was changed, or a file is there that the key did not lock.
        """
        self.keys.put(user, voice_id, self._unwrapped(user, voice_id, passphrase))
        self.note(user, "unlocked", voice_id)

    def relock(self, user: str, voice_id: str) -> None:
        """Forget the key of an unlocked voice now."""
        self._voice(user, voice_id)
        self.keys.drop(user, voice_id)

    def remove_lock(self, user: str, voice_id: str, passphrase: str) -> None:
        """Let the voice be read without a passphrase from now on."""
        key = self._unwrapped(user, voice_id, passphrase)
        with self._writing(user):
            folder = self._voice(user, voice_id)
            if vault.is_locked(folder):
                files.write_bytes(folder / vault.KEY, key, files.make_private(self._user(user) / ".building"))
                files.shred_aside(folder / vault.WRAPPED, self._user(user) / ".removed")
                self.note(user, "lock removed", voice_id)
        self.keys.drop(user, voice_id)

    def _unwrapped(self, user: str, voice_id: str, passphrase: str) -> bytes:
        """The key of a locked voice that is as it was sealed; one of an older program is sealed now."""
        self.ask(user, voice_id, "unlock")
        folder = self._voice(user, voice_id)
        key = vault.unwrap((folder / vault.WRAPPED).read_bytes(), passphrase)
        seals.check(read_voice(folder), key)
        for version in _folders(folder / "versions"):
            seals.check(versions.check(version, locked=True), key)
        if vault.is_of_today(key):
            return key
        new = vault.new_key()
        wrapped = vault.wrap(new, passphrase)
        try:
            with self._writing(user):
                rekey(folder, key, new, vault.WRAPPED, wrapped, self._aside(user, ".building"))
        except VoiceError as error:  # a full disk, say; it can be read as it is
            log.warning("%s: %s", voice_id, error)
            return key
        return new

    # ------------------------------------------------------------------------------------------------------- private

    def _change(self, user: str, voice_id: str, deed: str, what: str, **changes: object) -> None:
        with self._writing(user):
            manifest = self.ask(user, voice_id, deed)
            self._rewrite(user, replace(manifest, **changes))  # type: ignore[arg-type]
            self.note(user, what, voice_id)

    def _rewrite(self, user: str, manifest: VoiceManifest) -> None:
        """Store what changed, sealed; without the key of a locked voice only what is not under its seal can change."""
        key = self.key_at_hand(user, manifest.id)
        if key is not None:
            manifest = seals.sealed(manifest, key)
        elif manifest.seal and seals.sealed(manifest, None).digest != manifest.digest:
            raise RefusedError(f"The voice {manifest.name!r} is locked.", "Unlock it with its passphrase.")
        aside = files.make_private(self._user(user) / ".building")
        write_manifest(self._voice(user, manifest.id), manifest, aside)

    def _at_rest(self, user: str, read: Callable[[], Found], seems: type[InputError] = InputError) -> Found:
        """What ``read`` returns, or raises when nobody else writes."""
        try:
            return read()
        except seems as damaged:
            if getattr(self._here, "writes", False):
                raise
            try:
                with self._writing(user):
                    return read()
            except ResourceError:  # the disk may only be read, so nobody writes
                raise damaged from None

    @contextmanager
    def _writing(self, user: str | None) -> Iterator[None]:
        """One writer on the whole registry; first sweeps what a crash left, of ``user`` and of the whole."""
        busy = "Another program is changing the voices."
        with (
            files.disk_errors("the voice could not be changed"),
            files.exclusive(self.root / ".lock", wait=LOCK_SECONDS, busy=busy),
        ):
            files.sweep(self.root / ".removed")
            self._move_restored()
            for each in [user] if user else self.users():
                self._sweep(each)
            self._here.writes = True
            try:
                yield
            finally:
                self._here.writes = False

    @contextmanager
    def building(self, user: str) -> Iterator[Path]:
        """A folder for what is going to be moved to ``user``'s, while nobody else changes a voice or its key."""
        with self._writing(user):
            aside = files.make_private(self._aside(user, ".building"))
            try:
                yield aside
            finally:
                files.erase_tree(aside, overwrite=True)

    def _sweep(self, user: str) -> None:
        files.sweep(self._user(user) / ".building")
        files.sweep(self._user(user) / ".removed")
        for folder in self._voices(user):
            settle(folder)
            if vault.is_locked(folder) and (folder / vault.KEY).exists():
                files.shred(folder / vault.KEY)  # the lock was being set or removed when the power failed

    def _move_restored(self) -> list[tuple[str, str]]:
        """Complete what ``restore`` decided."""
        moved = []
        for folder in list((self.root / RESTORED).iterdir()) if (self.root / RESTORED).is_dir() else []:
            moved += backup.move_in(self.root, folder)
            files.erase_tree(folder)
        for user, voice_id in moved:
            self.note(user, "restored", voice_id)
            self._renew(user, self._user(user) / "voices" / voice_id)
        return moved

    def _renew(self, user: str, folder: Path) -> None:
        """Give a voice that an older program made, plain or under a key of then, a key of today. Others stay."""
        try:
            key = None if vault.is_locked(folder) else vault.read_key(folder)
            if not vault.is_locked(folder) and (key is None or not vault.is_of_today(key)):
                new = vault.new_key()
                rekey(folder, key, new, vault.KEY, new, self._aside(user, ".building"))
        except (VoiceError, OSError) as error:
            log.warning("%s: %s", folder.name, error)  # damaged; ``verify`` names it

    def _voice(self, user: str, voice_id: str) -> Path:
        folder = super()._voice(user, voice_id)
        if (folder / vault.NEXT).is_dir():  # a crash came between the decision for a new key and its end
            with self._writing(user):
                pass
        return folder

    def _voices(self, user: str) -> list[Path]:
        return _folders(self._user(user) / "voices")


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if is_id(path.name)) if place.is_dir() else []
