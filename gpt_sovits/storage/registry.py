"""The registry: every voice of every user, in one folder that one process at a time may change.

    <root>/.lock                                     held by whoever writes
    <root>/index.sqlite3                             a cache of lists, rebuilt from the folders at will
    <root>/users/<user>/voices/<voice>/voice.json
                                      /key or key.age    what the files below are encrypted with (``vault``)
                                      /versions/<version>/{version.json, delta, reference, sample, recording}
    <root>/users/<user>/journal.jsonl                what was done with each voice
    <root>/users/<user>/{.building, .removed}        what is not visible yet, or no more

A voice or a version appears by one rename and disappears by one rename; the next writer sweeps what a crash left.
When a voice goes, its data key is overwritten before anything else is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpt_sovits import files
from gpt_sovits.crypto import vault
from gpt_sovits.errors import InputError, MissingError, RefusedError, VoiceError
from gpt_sovits.storage import backup, erase, versions
from gpt_sovits.storage.accounts import hash_of
from gpt_sovits.storage.backup import Restored
from gpt_sovits.storage.fitting import check_fit
from gpt_sovits.storage.reader import Shelf, log
from gpt_sovits.storage.voicefile import collect, decrypt, encrypt, open_sealed, seal, stage
from gpt_sovits.voices.consent import now, require
from gpt_sovits.voices.ids import check_id, check_name, is_id, new_id
from gpt_sovits.voices.manifest import Parent, VersionManifest, VoiceManifest, read_version, write_manifest
from gpt_sovits.voices.terms import Terms
from gpt_sovits.voices.voice import Voice

LOCK_SECONDS = 30.0
_RESTORING, _RESTORED = ".restoring", ".restored"  # folders: being checked, and decided


class Registry(Shelf):
    """Voices under ``root``, and every change to them, each by one process at a time."""

    # ------------------------------------------------------------------------------------------------------- writing

    def admit(self, user: str, name: str, staged: Path) -> VersionManifest:
        """Make the finished version in the folder ``staged`` visible.

        It becomes the first version of a new voice called ``name``, or the next version of a voice that exists.
        ``staged`` must lie on the registry's file system; it is moved. Every file is compared with its hash before.
        """
        name = check_name(name)
        with self._writing(user):
            version = self._admit(user, name, staged, "trained", parents=())
            files.erase_tree(staged, overwrite=True)
            self.note(user, "trained", version.voice, version=version.id, seconds=version.seconds)
            return version

    def save(
        self,
        user: str,
        name: str,
        voice: Voice,
        *,
        sample: bytes | None = None,
        beside: Callable[[str], bool] = lambda voice_id: False,
    ) -> str:
        """Store a mixed voice under a new id, which is returned. ``RefusedError`` unless all its parts have consent.

        ``beside`` knows the ids of parts that are no voices of the user's (invented ones).
        """
        name = check_name(name)
        require(voice.consent)
        voice_id = new_id("v")
        parents = tuple(Parent(**parent) for parent in voice.made_by.get("parents", ()))
        if not parents:
            raise InputError("Only a mix can be saved like this.", "Train the voice from a recording.")
        with self._writing(user):
            for parent in parents:
                if not beside(parent.voice):
                    self.manifest(user, parent.voice)
            key = vault.new_key()
            staged = files.make_private(self._aside(user, ".building")) / new_id("r")
            versions.write(staged, replace(voice, id=voice_id, name=name, owner=user, created=now()), key=key)
            if sample is not None:
                versions.add_sample(staged, sample, key)
            self._admit(user, name, staged, "mix", key, parents=parents, terms=voice.terms)
            self.note(user, "mixed", voice_id, parents=[parent.voice for parent in parents])
        return voice_id

    def tidy(self) -> None:
        """Remove what a crash left aside, and encrypt what an older program stored plain; to call at start."""
        with self._writing(None):
            files.sweep(self.root / _RESTORING)
            for user in self.users():
                for folder in self._voices(user):
                    try:
                        if not vault.is_locked(folder):
                            versions.data_key_of(folder)
                    except (VoiceError, OSError) as error:
                        log.warning("%s: %s", folder.name, error)  # damaged; ``verify`` names it

    def check_changeable(self, user: str, voice_id: str, to: str = "retrain") -> None:
        """``RefusedError`` when the voice is frozen, or (to retrain) locked or shared without leave for that."""
        manifest = self.manifest(user, voice_id)
        self._must_not_be_frozen(manifest)
        if to == "retrain":
            manifest.terms.require("retrain", manifest.name)
            self._must_not_be_locked(user, manifest)

    def rename(self, user: str, voice_id: str, name: str) -> None:
        self._change(user, voice_id, "renamed", name=check_name(name))

    def set_default(self, user: str, voice_id: str, version_id: str | None) -> None:
        """Pin the version that speaks when none is named; None goes back to the newest."""
        if version_id is not None:
            self._version(user, voice_id, version_id)
        self._change(user, voice_id, "pinned", default_version=version_id)

    def freeze(self, user: str, voice_id: str, passphrase: str = "") -> None:
        """From now on nothing may change, retrain or delete the voice, and the version that speaks now is the one.

        Unfreezing needs the user's password; a user without one sets a ``passphrase`` here, which unfreezing needs.
        """
        if self.manifest(user, voice_id).frozen:
            return
        if self.accounts.has(user):
            thaw = ""
        elif passphrase:
            thaw = hash_of(vault.check_passphrase(passphrase))
        else:
            raise InputError("There is no passphrase.", "Choose one; unfreezing the voice will ask for it.")
        spoken = self.card(user, voice_id).default_version
        self._change(user, voice_id, "frozen", default_version=spoken, frozen=True, thaw=thaw)

    def unfreeze(self, user: str, voice_id: str, secret: str = "") -> None:
        """Allow changes again. ``secret``: the passphrase that was set at freezing, else the account's password."""
        manifest = self.manifest(user, voice_id)
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
            manifest = self.manifest(user, voice_id)
            if manifest.frozen:
                self._rewrite(user, replace(manifest, frozen=False, thaw=""))
                self.note(user, "unfrozen", voice_id)

    # ------------------------------------------------------------------------------------------------------- locking

    def check_lockable(self, user: str, voice_id: str, passphrase: str) -> None:
        """Raise what ``lock`` would."""
        if vault.is_locked(self._voice(user, voice_id)):
            raise RefusedError("The voice is locked already.", "Remove the lock first to change its passphrase.")
        vault.check_passphrase(passphrase)

    def lock(self, user: str, voice_id: str, passphrase: str) -> None:
        """Leave the voice's data key on the disk under ``passphrase`` only: nothing of it can be read without.

        Its name, dates, consent and terms stay readable, so that lists can show them.
        """
        self.check_lockable(user, voice_id, passphrase)
        folder = self._voice(user, voice_id)
        with self._writing(user):
            key = versions.data_key_of(folder)
        wrapped = vault.wrap(key, passphrase)
        with self._writing(user):
            self.check_lockable(user, voice_id, passphrase)  # another program may have been faster
            aside = files.make_private(self._user(user) / ".building")
            files.write_bytes(folder / vault.WRAPPED, wrapped, aside)
            files.shred(folder / vault.KEY)
            self.note(user, "locked", voice_id)
        self.keys.drop(user, voice_id)

    def unlock(self, user: str, voice_id: str, passphrase: str) -> None:
        """Open a locked voice in this process's memory, until it is idle for a while or ``relock`` is called."""
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

    def check_removable(self, user: str, voice_ids: Collection[str]) -> None:
        """Raise what ``delete`` would if the voices were deleted one after the other, mixes before their voices."""
        for voice_id in voice_ids:
            manifest = self.manifest(user, voice_id)
            self._must_not_be_frozen(manifest)
            self._must_not_be_mixed(user, manifest, voice_ids)

    def delete(self, user: str, voice_id: str) -> None:
        """Remove a voice with all its versions, recordings and samples (``studio`` removes its jobs too).

        ``RefusedError`` while it is frozen, or while a stored mix contains it: the mix would keep a part of it.
        """
        with self._writing(user):
            manifest = self.manifest(user, voice_id)
            self._must_not_be_frozen(manifest)
            self._must_not_be_mixed(user, manifest)
            files.remove_folder(self._voice(user, voice_id), self._user(user) / ".removed")
            self._index.forget(user, voice_id)
            self.note(user, "deleted", voice_id)

    def keep_receipt(self, user: str, receipt: erase.Receipt) -> None:
        """Remember that a voice is being destroyed, before it is: nothing brings it back from then on."""
        with self._writing(user):
            aside = files.make_private(self._user(user) / ".building")
            erase.save(self.receipts(user), receipt, aside)

    def delete_version(self, user: str, voice_id: str, version_id: str) -> None:
        """Remove one version; the last one goes with its voice only."""
        with self._writing(user):
            manifest = self.manifest(user, voice_id)
            self._must_not_be_frozen(manifest)
            folder = self._version(user, voice_id, version_id)
            if len(self.versions(user, voice_id)) == 1:
                raise RefusedError("This is the voice's only version.", "Delete the voice instead.")
            for mix in self.mixes_of(user, voice_id):
                parents = self.manifest(user, mix.id).parents
                if any((each.voice, each.version) == (voice_id, version_id) for each in parents):
                    raise RefusedError(f"The mix {mix.name!r} contains a part of this version.", "Delete it first.")
            if manifest.default_version == version_id:
                self._rewrite(user, replace(manifest, default_version=None))
            files.remove_folder(folder, self._user(user) / ".removed")
            self.note(user, "version deleted", voice_id, version=version_id)

    # ------------------------------------------------------------------------------------------------------- sharing

    def export(
        self,
        user: str,
        voice_id: str,
        version_id: str | None = None,
        *,
        passphrase: str = "",
        recipient: str = "",
        terms: Terms | None = None,
    ) -> bytes:
        """A version as an encrypted voice file (see ``voicefile``), without its recording.

        ``terms`` can only narrow those that the voice has. ``RefusedError`` where they forbid passing it on.
        """
        manifest = self.manifest(user, voice_id)
        manifest.terms.require("export", manifest.name)
        folder = self._version(user, voice_id, version_id or self.card(user, voice_id).default_version)
        version, key = read_version(folder), self.data_key(user, voice_id)
        sealed = collect(folder, version, manifest, manifest.terms & (terms or Terms()).checked(), key)
        data = encrypt(seal(sealed, self.identity(user).signing), passphrase=passphrase, recipient=recipient)
        self.journal(user).add("exported", voice_id, version=version.id, to=recipient.strip() or "passphrase")
        return data

    def take_in(
        self,
        user: str,
        data: bytes,
        *,
        passphrase: str = "",
        name: str = "",
        find_base: Callable[[str], object] = lambda name: None,
    ) -> str:
        """Store the voice of an encrypted voice file under a new id, which is returned; its terms hold from now on.

        Everything is checked before anything is written: age, signature, hashes, safetensors, consent, that
        ``find_base`` raises nothing for its base, and that the voice fits what it returns.
        """
        sealed = open_sealed(decrypt(data, passphrase=passphrase, identity=self.identity(user).secret))
        require(sealed.consent)
        sealed.terms.require("speak", sealed.name)
        voice_id, name = new_id("v"), check_name(name or sealed.name)
        check_fit(find_base(sealed.base), *versions.read_tensors(sealed.files))
        with self._writing(user):
            key = vault.new_key()
            staged = files.make_private(self._aside(user, ".building") / new_id("r"))
            stage(staged, sealed, voice_id, key)
            said = {"parents": sealed.parents, "terms": sealed.terms, "signer": sealed.signer}
            self._admit(user, name, staged, sealed.kind, key, **said)
            self.note(user, "imported", voice_id, signer=sealed.signer)
        return voice_id

    def backup(self, out: Path, passphrase: str, user: str | None = None) -> int:
        """Write everything, or one user's part, to one encrypted file; returns how many voices are in it."""
        vault.check_passphrase(passphrase)
        with self._writing(user):
            return backup.write(self.root, out, passphrase, user)

    def restore(
        self,
        source: Path,
        passphrase: str,
        into: str | None = None,
        find_base: Callable[[str], object] = lambda name: None,
    ) -> Restored:
        """Bring back what a backup holds and is not here; ``into`` names the user who gets a one-user backup.

        Everything in it is checked as an import is; a voice that does not fit what ``find_base`` returns stays away.
        """
        with files.disk_errors("the backup could not be restored"):
            aside = backup.new_aside(self.root / _RESTORING)
            try:
                backup.unpack(source, passphrase, aside, into)
                with self._writing(None):
                    said = backup.conflicts(self.root, aside, into, find_base)
                    files.make_private(self.root / _RESTORED)
                    files.move_in(aside, self.root / _RESTORED / aside.name)
                    moved = self._move_restored()
            finally:
                files.erase_tree(aside)
        return Restored(tuple(moved), tuple(said))

    def remove_user(self, user: str) -> None:
        """Remove an account with everything of it: keys first, then voices, journal and receipts."""
        with self._writing(user):
            folder = self._user(user)
            if not folder.is_dir():
                raise MissingError(f"There is no user {user}.", "`users list` shows them.")
            for card in self.cards(user):
                self.keys.drop(user, card.id)
                self._index.forget(user, card.id)
            files.remove_folder(folder, self.root / ".removed")

    # ------------------------------------------------------------------------------------------------------- private

    def _admit(
        self, user: str, name: str, staged: Path, kind: str, key: bytes | None = None, **of_the_voice: Any
    ) -> VersionManifest:
        """Build the voice or version aside, encrypted, and rename it in. ``key``: what ``staged`` is encrypted with."""
        version = versions.check(staged, key)
        require(version.consent)
        target = self._user(user) / "voices" / check_id(version.voice)
        if target.is_dir():
            return self._admit_next(user, staged, version, target)
        building = files.make_private(self._aside(user, ".building") / version.voice)
        version, key = replace(version, number=1), key or vault.new_key()
        versions.settle(staged, version, building / "versions" / version.id, key)
        files.write_bytes(building / vault.KEY, key)
        write_manifest(building, VoiceManifest(version.voice, user, name, now(), kind, **of_the_voice))
        files.make_private(target.parent)
        files.move_in(building, target)
        building.parent.rmdir()
        return version

    def _admit_next(self, user: str, staged: Path, version: VersionManifest, target: Path) -> VersionManifest:
        manifest = self.manifest(user, version.voice)
        self._must_not_be_frozen(manifest)
        self._must_not_be_locked(user, manifest)
        manifest.terms.require("retrain", manifest.name)
        version = replace(version, number=self.versions(user, version.voice)[-1].number + 1)
        building = self._aside(user, ".building") / version.id
        versions.settle(staged, version, building, versions.data_key_of(target))
        files.move_in(building, target / "versions" / version.id)
        building.parent.rmdir()
        return version

    def _unwrapped(self, user: str, voice_id: str, passphrase: str) -> bytes:
        folder = self._voice(user, voice_id)
        if not vault.is_locked(folder):
            raise InputError("The voice is not locked.", "Use it as it is.")
        return vault.unwrap((folder / vault.WRAPPED).read_bytes(), passphrase)

    def _must_not_be_locked(self, user: str, manifest: VoiceManifest) -> None:
        if vault.is_locked(self._voice(user, manifest.id)):
            raise RefusedError(f"The voice {manifest.name!r} is locked.", "Remove its lock before training it further.")

    def _must_not_be_frozen(self, manifest: VoiceManifest) -> None:
        if manifest.frozen:
            raise RefusedError(f"The voice {manifest.name!r} is frozen.", "Unfreeze it first.")

    def _must_not_be_mixed(self, user: str, manifest: VoiceManifest, but: Collection[str] = ()) -> None:
        mixes = [each.name for each in self.mixes_of(user, manifest.id) if each.id not in but]
        if mixes:
            raise RefusedError(
                f"The mix {mixes[0]!r} contains a part of {manifest.name!r}.", "Delete that mix first, then this voice."
            )

    def _change(self, user: str, voice_id: str, what: str, **changes: object) -> None:
        with self._writing(user):
            manifest = self.manifest(user, voice_id)
            self._must_not_be_frozen(manifest)
            self._rewrite(user, replace(manifest, **changes))  # type: ignore[arg-type]
            self.note(user, what, voice_id)

    def _rewrite(self, user: str, manifest: VoiceManifest) -> None:
        aside = files.make_private(self._user(user) / ".building")
        write_manifest(self._voice(user, manifest.id), manifest, aside)

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
            yield

    def _sweep(self, user: str) -> None:
        files.sweep(self._user(user) / ".building")
        files.sweep(self._user(user) / ".removed")
        for folder in self._voices(user):
            if vault.is_locked(folder) and (folder / vault.KEY).exists():
                files.shred(folder / vault.KEY)  # the lock was being set or removed when the power failed

    def _move_restored(self) -> list[tuple[str, str]]:
        """Complete what ``restore`` decided."""
        moved = []
        for folder in list((self.root / _RESTORED).iterdir()) if (self.root / _RESTORED).is_dir() else []:
            moved += backup.move_in(self.root, folder)
            files.erase_tree(folder)
        for user, voice_id in moved:
            self.note(user, "restored", voice_id)
        return moved

    def _voices(self, user: str) -> list[Path]:
        folder = self._user(user) / "voices"
        return [path for path in folder.iterdir() if is_id(path.name)] if folder.is_dir() else []
