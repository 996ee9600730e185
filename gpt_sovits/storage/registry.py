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

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from gpt_sovits import files
from gpt_sovits.crypto import seals, vault
from gpt_sovits.errors import InputError, MissingError, RefusedError
from gpt_sovits.storage import backup, erase, versions
from gpt_sovits.storage.backup import Restored
from gpt_sovits.storage.fitting import check_fit
from gpt_sovits.storage.voicefile import Sealed, collect, decrypt, encrypt, open_sealed, seal, stage
from gpt_sovits.storage.writer import RESTORED, RESTORING, Writer
from gpt_sovits.voices import rights
from gpt_sovits.voices.consent import now, require
from gpt_sovits.voices.ids import check_id, check_name, new_id
from gpt_sovits.voices.manifest import Parent, VersionManifest, VoiceManifest, write_manifest
from gpt_sovits.voices.terms import Terms
from gpt_sovits.voices.voice import Voice


class Registry(Writer):
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
            mine = [self.ask(user, each.voice, "mix") for each in parents if not beside(each.voice)]
            terms = reduce(Terms.__and__, (each.terms for each in mine), voice.terms)
            key = vault.new_key()
            staged = files.make_private(self._aside(user, ".building")) / new_id("r")
            versions.write(staged, replace(voice, id=voice_id, name=name, owner=user, created=now()), key=key)
            if sample is not None:
                versions.add_sample(staged, sample, key)
            self._admit(user, name, staged, "mix", key, parents=parents, terms=terms)
            self.note(user, "mixed", voice_id, parents=[parent.voice for parent in parents])
        return voice_id

    def check_removable(self, user: str, voice_ids: Collection[str], *, edited: bool = False) -> None:
        """Raise what ``delete`` would if the voices were deleted one after the other, mixes before their voices."""
        for voice_id in voice_ids:
            self._ask_to_remove(user, voice_id, voice_ids, edited)

    def delete(self, user: str, voice_id: str, *, edited: bool = False) -> None:
        """Remove a voice with all its versions, recordings and samples (``studio`` removes its jobs too).

        ``RefusedError`` while it is frozen, or while a stored mix contains it: the mix would keep a part of it.
        A damaged voice can go; one whose manifest was ``edited`` only where the caller says that this is known.
        """
        with self._writing(user):
            self._ask_to_remove(user, voice_id, (), edited)
            files.remove_folder(self._voice(user, voice_id), self._user(user) / ".removed")
            self._index.forget(user, voice_id)
            self.note(user, "deleted", voice_id)

    def _ask_to_remove(self, user: str, voice_id: str, gone: Collection[str], edited: bool) -> None:
        try:
            self.ask(user, voice_id, "remove", gone)
        except seals.ChangedError:
            if not edited:
                raise
        except InputError:  # it cannot be read, so nobody can use it
            mixes = [each.name for each in self.mixes_of(user, voice_id) if each.id not in gone]
            rights.require("remove", rights.Standing(voice_id, mixes=mixes))

    def keep_receipt(self, user: str, receipt: erase.Receipt) -> None:
        """Remember that a voice is being destroyed, before it is: nothing brings it back from then on."""
        with self._writing(user):
            aside = files.make_private(self._user(user) / ".building")
            erase.save(self.receipts(user), receipt, aside)

    def delete_version(self, user: str, voice_id: str, version_id: str) -> None:
        """Remove one version; the last one goes with its voice only."""
        with self._writing(user):
            manifest = self.ask(user, voice_id, "prune")
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

        def found() -> tuple[VersionManifest, Sealed]:
            manifest = self.ask(user, voice_id, "export")
            folder = self._version(user, voice_id, version_id or self.card(user, voice_id).default_version)
            key = self.data_key(user, voice_id)
            version = versions.manifest_of(folder, key)
            return version, collect(folder, version, manifest, manifest.terms & (terms or Terms()).checked(), key)

        version, sealed = self._at_rest(user, found)
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
        costly: bool = False,
    ) -> str:
        """Store the voice of an encrypted voice file under a new id, which is returned; its terms hold from now on.

        Everything is checked before anything is written: age, signature, hashes, safetensors, consent, that
        ``find_base`` raises nothing for its base, and that the voice fits what it returns. ``costly``: the file may
        take as much memory as an earlier version of this program asked for; else ``CostlyError`` says how much.
        """
        secret = self.identity(user).secret
        sealed = open_sealed(decrypt(data, passphrase=passphrase, identity=secret, costly=costly))
        require(sealed.consent)
        rights.require("speak", rights.Standing(sealed.name, sealed.terms))
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
            for card in self.cards(user) if user else ():
                rights.require("copy", rights.Standing(card.name, card.terms, card.frozen, card.kind, card.locked))
            return backup.write(self.root, out, passphrase, user)

    def restore(
        self,
        source: Path,
        passphrase: str,
        into: str | None = None,
        find_base: Callable[[str], object] = lambda name: None,
        costly: bool = False,
    ) -> Restored:
        """Bring back what a backup holds and is not here; ``into`` names the user who gets a one-user backup.

        Everything in it is checked as an import is; a voice that does not fit what ``find_base`` returns stays away.
        ``costly`` is that of ``take_in``.
        """
        with files.disk_errors("the backup could not be restored"):
            aside = backup.new_aside(self.root / RESTORING)
            try:
                backup.unpack(source, passphrase, aside, into, costly)
                with self._writing(None):
                    said = backup.conflicts(self.root, aside, into, find_base)
                    files.make_private(self.root / RESTORED)
                    files.move_in(aside, self.root / RESTORED / aside.name)
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
        made = VoiceManifest(version.voice, user, name, now(), kind, **of_the_voice)
        write_manifest(building, seals.sealed(made, key))
        files.make_private(target.parent)
        files.move_in(building, target)
        building.parent.rmdir()
        return version

    def _admit_next(self, user: str, staged: Path, version: VersionManifest, target: Path) -> VersionManifest:
        self._renew(user, target)
        self.ask(user, version.voice, "train")
        version = replace(version, number=self.versions(user, version.voice)[-1].number + 1)
        key = self.data_key(user, version.voice)
        if key is None:
            raise InputError(f"The voice {version.voice} is damaged.", "Restore it from a backup.")
        building = self._aside(user, ".building") / version.id
        versions.settle(staged, version, building, key)
        files.move_in(building, target / "versions" / version.id)
        building.parent.rmdir()
        return version
