"""The registry: every voice of every user, in one folder that one process at a time may change.

    <root>/.lock                                     held by whoever writes
    <root>/index.sqlite3                             a cache of lists, rebuilt from the folders at will
    <root>/users/<user>/voices/<voice>/voice.json
                                      /versions/<version>/{version.json, delta, reference, sample, recording}
    <root>/users/<user>/journal.jsonl                what was done with each voice
    <root>/users/<user>/{.building, .removed}        what is not visible yet, or no more

A voice or a version appears by one rename and disappears by one rename; the next writer sweeps what a crash left.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpt_sovits.errors import InputError, MissingError, RefusedError, VoiceError
from gpt_sovits.registry import files, versions
from gpt_sovits.registry.consent import now, require
from gpt_sovits.registry.identity import Identity, identity
from gpt_sovits.registry.ids import check_id, check_name, check_user, is_id, new_id
from gpt_sovits.registry.index import Index
from gpt_sovits.registry.journal import Journal
from gpt_sovits.registry.manifest import (
    Parent,
    VersionManifest,
    VoiceCard,
    VoiceManifest,
    card,
    read_version,
    read_voice,
    write_manifest,
)
from gpt_sovits.registry.terms import Terms
from gpt_sovits.registry.voice import Voice
from gpt_sovits.registry.voicefile import Sealed, decrypt, encrypt, open_sealed, seal

LOCK_SECONDS = 30.0


class Registry:
    """Voices under ``root``. Safe to use from several threads and processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index = Index(root / "index.sqlite3")

    # ------------------------------------------------------------------------------------------------------- reading

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
        """``MissingError`` when the user has no such voice."""
        manifest = read_voice(self._voice(user, voice_id))
        if manifest.owner != user:
            raise InputError(f"The voice {voice_id} belongs to another user.", "Restore it from a backup.")
        return manifest

    def versions(self, user: str, voice_id: str) -> list[VersionManifest]:
        """The versions of a voice, oldest first."""
        return _versions(self._voice(user, voice_id))

    def has_version(self, user: str, voice_id: str, version_id: str) -> bool:
        path = self._user(user) / "voices" / check_id(voice_id) / "versions" / check_id(version_id, "version")
        return path.is_dir()

    def load(self, user: str, voice_id: str, version_id: str | None = None) -> Voice:
        """A version as a value: the named one, else the voice's default, else the newest. Hashes are compared."""
        manifest = self.manifest(user, voice_id)
        manifest.terms.require("speak", manifest.name)
        wanted = version_id or manifest.default_version or self.versions(user, voice_id)[-1].id
        return versions.load(self._version(user, voice_id, wanted), manifest)

    def read_file(self, user: str, voice_id: str, version_id: str, name: str) -> bytes:
        """One file of a version ("sample.wav", the recording), compared with its hash."""
        folder = self._version(user, voice_id, version_id)
        return versions.read_file(folder, read_version(folder), name)

    def journal(self, user: str) -> Journal:
        """What was done with the user's voices."""
        return Journal(self._user(user) / "journal.jsonl")

    def mixes_of(self, user: str, voice_id: str) -> list[VoiceCard]:
        """Stored mixes that contain this voice."""
        return [each for each in self.cards(user) if voice_id in each.parents]

    def verify(self, user: str) -> list[str]:
        """Compare every file of the user's voices with its hash; one sentence per problem."""
        problems = []
        folder = self._user(user) / "voices"
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            try:
                self.manifest(user, path.name)
                for version in _versions(path):
                    versions.check(path / "versions" / version.id)
            except VoiceError as error:
                problems.append(str(error))
        return problems

    # ------------------------------------------------------------------------------------------------------- writing

    def admit(self, user: str, name: str, staged: Path) -> VersionManifest:
        """Make the finished version in the folder ``staged`` visible.

        It becomes the first version of a new voice called ``name``, or the next version of a voice that exists.
        ``staged`` must lie on the registry's file system; it is moved. Every file is compared with its hash before.
        """
        name = check_name(name)
        with self._writing(user):
            version = self._admit(user, name, staged, "trained", parents=())
            self.journal(user).add("trained", version.voice, version=version.id, seconds=version.seconds)
            return version

    def save(self, user: str, name: str, voice: Voice, *, sample: bytes | None = None) -> str:
        """Store a mixed voice under a new id, which is returned. ``RefusedError`` unless all its parts have consent."""
        name = check_name(name)
        require(voice.consent)
        voice_id = new_id("v")
        parents = tuple(Parent(**parent) for parent in voice.made_by.get("parents", ()))
        if not parents:
            raise InputError("Only a mix can be saved like this.", "Train the voice from a recording.")
        with self._writing(user):
            for parent in parents:
                self.manifest(user, parent.voice)
            staged = files.make_private(self._aside(user, ".building")) / new_id("r")
            versions.write(staged, replace(voice, id=voice_id, name=name, owner=user, created=now()))
            if sample is not None:
                versions.add_sample(staged, sample)
            self._admit(user, name, staged, "mix", parents=parents, terms=voice.terms)
            self.journal(user).add("mixed", voice_id, parents=[parent.voice for parent in parents])
        return voice_id

    def tidy(self) -> None:
        """Remove what a crash left aside, for every user; programs call this when they start."""
        for user in self.users():
            with self._writing(user):
                pass

    def check_changeable(self, user: str, voice_id: str, to: str = "retrain") -> None:
        """``RefusedError`` when the voice is frozen, or (to retrain) was shared without leave to train it further."""
        manifest = self.manifest(user, voice_id)
        self._must_not_be_frozen(manifest)
        if to == "retrain":
            manifest.terms.require("retrain", manifest.name)

    def rename(self, user: str, voice_id: str, name: str) -> None:
        self._change(user, voice_id, "renamed", name=check_name(name))

    def set_default(self, user: str, voice_id: str, version_id: str | None) -> None:
        """Pin the version that speaks when none is named; None goes back to the newest."""
        if version_id is not None:
            self._version(user, voice_id, version_id)
        self._change(user, voice_id, "pinned", default_version=version_id)

    def freeze(self, user: str, voice_id: str) -> None:
        """From now on nothing may change, retrain or delete the voice, and the version that speaks now is the one."""
        if not self.manifest(user, voice_id).frozen:
            spoken = self.card(user, voice_id).default_version
            self._change(user, voice_id, "frozen", default_version=spoken, frozen=True)

    def unfreeze(self, user: str, voice_id: str) -> None:
        with self._writing(user):
            manifest = self.manifest(user, voice_id)
            if manifest.frozen:
                self._rewrite(user, replace(manifest, frozen=False))
                self.journal(user).add("unfrozen", voice_id)

    def delete(self, user: str, voice_id: str) -> None:
        """Remove a voice with all its versions, recordings and samples (``studio`` removes its jobs too).

        ``RefusedError`` while it is frozen, or while a stored mix contains it: the mix would keep a part of it.
        """
        with self._writing(user):
            manifest = self.manifest(user, voice_id)
            self._must_not_be_frozen(manifest)
            mixes = [each.name for each in self.mixes_of(user, voice_id)]
            if mixes:
                raise RefusedError(
                    f"The mix {mixes[0]!r} contains a part of {manifest.name!r}.",
                    "Delete that mix first, then this voice.",
                )
            files.remove_folder(self._voice(user, voice_id), self._user(user) / ".removed")
            self._index.forget(user, voice_id)
            self.journal(user).add("deleted", voice_id)

    def files_of(self, user: str, voice_id: str) -> list[Path]:
        """Every file of a voice, to take their fingerprints before they are destroyed."""
        return [path for path in sorted(self._voice(user, voice_id).rglob("*")) if path.is_file()]

    def receipts(self, user: str) -> Path:
        """The folder of receipts of destroyed voices."""
        return self._user(user) / "receipts"

    def delete_version(self, user: str, voice_id: str, version_id: str) -> None:
        """Remove one version; the last one goes with its voice only."""
        with self._writing(user):
            manifest = self.manifest(user, voice_id)
            self._must_not_be_frozen(manifest)
            folder = self._version(user, voice_id, version_id)
            if len(self.versions(user, voice_id)) == 1:
                raise RefusedError("This is the voice's only version.", "Delete the voice instead.")
            if manifest.default_version == version_id:
                self._rewrite(user, replace(manifest, default_version=None))
            files.remove_folder(folder, self._user(user) / ".removed")
            self.journal(user).add("version deleted", voice_id, version=version_id)

    # ------------------------------------------------------------------------------------------------------- sharing

    def identity(self, user: str) -> Identity:
        """The user's keys to sign and to receive voice files."""
        return identity(self._user(user))

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
        version = read_version(folder)
        names = [name for name in (versions.DELTA, versions.REFERENCE, versions.SAMPLE) if name in version.files]
        sealed = Sealed(
            name=manifest.name,
            base=version.base,
            kind=manifest.kind,
            created=version.created,
            consent=version.consent,
            terms=manifest.terms & (terms or Terms()).checked(),
            made_by=version.made_by,
            seconds=version.seconds,
            label=version.label,
            files={name: versions.read_file(folder, version, name) for name in names},
        )
        data = encrypt(seal(sealed, self.identity(user).signing), passphrase=passphrase, recipient=recipient)
        self.journal(user).add("exported", voice_id, version=version.id, to=recipient or "passphrase")
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

        Everything is checked before anything is written: age, signature, hashes, safetensors, consent, and
        that ``find_base`` raises nothing for its base.
        """
        sealed = open_sealed(decrypt(data, passphrase=passphrase, identity=self.identity(user).secret))
        consent = require(sealed.consent)
        sealed.terms.require("speak", sealed.name)
        voice_id, name = new_id("v"), check_name(name or sealed.name)
        find_base(sealed.base)
        versions.check_tensors(sealed.files)
        with self._writing(user):
            staged = files.make_private(self._aside(user, ".building") / new_id("r"))
            entries = {each: versions.put(staged / each, content) for each, content in sealed.files.items()}
            manifest = VersionManifest(
                id=staged.name,
                voice=voice_id,
                number=0,
                created=sealed.created,
                base=sealed.base,
                consent=consent,
                files=entries,
                seconds=sealed.seconds,
                label=sealed.label,
                made_by=sealed.made_by,
            )
            write_manifest(staged, manifest)
            self._admit(user, name, staged, sealed.kind, terms=sealed.terms, signer=sealed.signer)
            self.journal(user).add("imported", voice_id, signer=sealed.signer)
        return voice_id

    # ------------------------------------------------------------------------------------------------------- private

    def _user(self, user: str) -> Path:
        return self.root / "users" / check_user(user)

    def _voice(self, user: str, voice_id: str) -> Path:
        folder = self._user(user) / "voices" / check_id(voice_id)
        if not folder.is_dir():
            raise MissingError(f"There is no voice {voice_id}.", "Choose one from the list of voices.")
        return folder

    def _version(self, user: str, voice_id: str, version_id: str) -> Path:
        folder = self._voice(user, voice_id) / "versions" / check_id(version_id, "version")
        if not folder.is_dir():
            raise MissingError(f"The voice has no version {version_id}.", "Choose one from the list of versions.")
        return folder

    def _aside(self, user: str, name: str) -> Path:
        return self._user(user) / name / secrets.token_hex(8)

    def _card(self, folder: Path) -> VoiceCard:
        return card(read_voice(folder), _versions(folder))

    def _admit(self, user: str, name: str, staged: Path, kind: str, **of_the_voice: Any) -> VersionManifest:
        version = versions.check(staged)
        require(version.consent)
        target = self._user(user) / "voices" / check_id(version.voice)
        if target.is_dir():
            return self._admit_next(user, staged, version, target)
        building = files.make_private(self._aside(user, ".building") / version.voice)
        version = _numbered(staged, version, 1)
        files.move_in(staged, files.make_private(building / "versions") / version.id)
        write_manifest(building, VoiceManifest(version.voice, user, name, now(), kind, **of_the_voice))
        files.make_private(target.parent)
        files.move_in(building, target)
        building.parent.rmdir()
        return version

    def _admit_next(self, user: str, staged: Path, version: VersionManifest, target: Path) -> VersionManifest:
        manifest = self.manifest(user, version.voice)
        self._must_not_be_frozen(manifest)
        manifest.terms.require("retrain", manifest.name)
        present = _versions(target)
        version = _numbered(staged, version, present[-1].number + 1)
        files.move_in(staged, target / "versions" / version.id)
        return version

    def _must_not_be_frozen(self, manifest: VoiceManifest) -> None:
        if manifest.frozen:
            raise RefusedError(f"The voice {manifest.name!r} is frozen.", "Unfreeze it first.")

    def _change(self, user: str, voice_id: str, what: str, **changes: object) -> None:
        with self._writing(user):
            manifest = self.manifest(user, voice_id)
            self._must_not_be_frozen(manifest)
            self._rewrite(user, replace(manifest, **changes))  # type: ignore[arg-type]
            self.journal(user).add(what, voice_id)

    def _rewrite(self, user: str, manifest: VoiceManifest) -> None:
        aside = files.make_private(self._user(user) / ".building")
        write_manifest(self._voice(user, manifest.id), manifest, aside)

    @contextmanager
    def _writing(self, user: str) -> Iterator[None]:
        """One writer on the whole registry; first sweeps what a crash left."""
        busy = "Another program is changing the voices."
        with (
            files.disk_errors("the voice could not be changed"),
            files.exclusive(self.root / ".lock", wait=LOCK_SECONDS, busy=busy),
        ):
            files.sweep(self._user(user) / ".building")
            files.sweep(self._user(user) / ".removed")
            yield


def _versions(folder: Path) -> list[VersionManifest]:
    try:
        names = [name for name in os.listdir(folder / "versions") if is_id(name)]
    except FileNotFoundError as error:
        raise MissingError(f"There is no voice {folder.name}.", "Choose one from the list of voices.") from error
    found = [read_version(folder / "versions" / name) for name in names]
    if not found:
        raise InputError(f"The voice {folder.name} has no version.", "Restore it from a backup, or delete it.")
    return sorted(found, key=lambda version: (version.number, version.created, version.id))


def _numbered(staged: Path, version: VersionManifest, number: int) -> VersionManifest:
    version = replace(version, number=number)
    write_manifest(staged, version)
    return version
