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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gpt_sovits.errors import InputError, MissingError, RefusedError, VoiceError
from gpt_sovits.registry import files, versions
from gpt_sovits.registry.consent import now, require
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
from gpt_sovits.registry.voice import Voice

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

    def admit(self, user: str, name: str, staged: Path, *, parents: tuple[Parent, ...] = ()) -> VersionManifest:
        """Make the finished version in the folder ``staged`` visible.

        It becomes the first version of a new voice called ``name``, or the next version of a voice that exists.
        ``staged`` must lie on the registry's file system; it is moved. Every file is compared with its hash before.
        """
        name = check_name(name)
        with self._writing(user):
            version = self._admit(user, name, staged, parents)
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
            self._admit(user, name, staged, parents)
            self.journal(user).add("mixed", voice_id, parents=[parent.voice for parent in parents])
        return voice_id

    def tidy(self) -> None:
        """Remove what a crash left aside, for every user; programs call this when they start."""
        for user in self.users():
            with self._writing(user):
                pass

    def check_changeable(self, user: str, voice_id: str) -> None:
        """``RefusedError`` when the voice is frozen."""
        self._must_not_be_frozen(self.manifest(user, voice_id))

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
        """Remove a voice with all its versions, recordings and samples.

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

    def _admit(self, user: str, name: str, staged: Path, parents: tuple[Parent, ...]) -> VersionManifest:
        version = versions.check(staged)
        require(version.consent)
        target = self._user(user) / "voices" / check_id(version.voice)
        if target.is_dir():
            return self._admit_next(user, staged, version, target)
        building = files.make_private(self._aside(user, ".building") / version.voice)
        version = _numbered(staged, version, 1)
        files.move_in(staged, files.make_private(building / "versions") / version.id)
        kind = "mix" if parents else "trained"
        write_manifest(building, VoiceManifest(version.voice, user, name, now(), kind, parents))
        files.make_private(target.parent)
        files.move_in(building, target)
        building.parent.rmdir()
        return version

    def _admit_next(self, user: str, staged: Path, version: VersionManifest, target: Path) -> VersionManifest:
        self._must_not_be_frozen(self.manifest(user, version.voice))
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
