"""The whole registry, or one user's part of it, in one encrypted file; and back.

    10 bytes    "gsbackup1\\n"
    4 bytes     length of what follows, little endian
    age file    a random key for the passphrase (scrypt), which the plain ``age`` tool opens too
    the rest    encrypted with that key as ``vault`` describes: 8 bytes length, a JSON list of [path, bytes], the files

Voices lie in it as they lie on the disk: encrypted with their own keys, a locked one still locked. A restore builds
everything aside, checks it, and appears by one rename; what a crash interrupts, the next writer completes. It replaces
nothing: a voice that is here already stays as it is, and one that was destroyed here stays destroyed.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gpt_sovits import files
from gpt_sovits.crypto import identity, seals, vault
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.storage import accounts, erase, versions
from gpt_sovits.storage.fitting import check_fit
from gpt_sovits.storage.versions import read_tensors
from gpt_sovits.voices import rights
from gpt_sovits.voices.consent import require
from gpt_sovits.voices.ids import check_user, is_id
from gpt_sovits.voices.manifest import (
    VOICE_FILE,
    VersionManifest,
    VoiceManifest,
    read_version,
    read_voice,
    write_manifest,
)

_MAGIC = b"gsbackup1\n"
_NAME = "backup"
_MAX_LIST = 256 * 2**20
_MAX_KEY = 64 * 2**10
_ID = r"[a-z][a-z0-9]{1,31}"
_VERSION_FILE = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(?:\.[A-Za-z0-9]{1,16}){1,2}"
_PATH = re.compile(
    rf"users/({_ID})/(?:[a-z]{{1,32}}\.(?:jsonl?|csv)|receipts/{_ID}\.json"
    rf"|voices/({_ID})/(?:voice\.json|key|key\.age|versions/{_ID}/{_VERSION_FILE}))",
    re.ASCII,
)


@dataclass(frozen=True)
class Restored:
    """(user, id) of each voice that came back, and one sentence for each thing that did not."""

    voices: tuple[tuple[str, str], ...]
    conflicts: tuple[str, ...]


def write(root: Path, out: Path, passphrase: str, user: str | None = None) -> int:
    """Write a backup of ``root`` to the file ``out``; returns how many voices are in it. The caller holds the lock."""
    places = sorted(path for path in (root / "users").rglob("*") if path.is_file()) if root.is_dir() else []
    found = [(path.relative_to(root).as_posix(), path) for path in places]
    found = [(name, path) for name, path in found if _PATH.fullmatch(name)]
    if user is not None:
        found = [(name, path) for name, path in found if name.startswith(f"users/{check_user(user)}/")]
    key = vault.new_key()
    wrapped = vault.wrap(key, passphrase)
    entries = [(name, path, path.stat().st_size) for name, path in found]

    def plain() -> Iterator[bytes]:
        listed = json.dumps([[name, size] for name, _, size in entries]).encode()
        yield len(listed).to_bytes(8, "little") + listed
        for _, path, size in entries:
            yield from _exactly(path, size)

    def stored() -> Iterator[bytes]:
        yield _MAGIC + len(wrapped).to_bytes(4, "little") + wrapped
        yield from vault.seal(plain(), key, _NAME)

    files.write_blocks(out, stored())
    return sum(1 for name, _ in found if name.endswith(f"/{VOICE_FILE}"))


def unpack(source: Path, passphrase: str, aside: Path, into: str | None = None, costly: bool = True) -> None:
    """Write the contents of a backup into the new folder ``aside`` and check every voice in it.

    ``into``: the user who gets all of it; then it must be the backup of one user. ``costly``: see ``age.decrypt``.
    """
    try:
        with source.open("rb") as file:
            head = file.read(len(_MAGIC) + 4)
            length = int.from_bytes(head[len(_MAGIC) :], "little")
            if head[: len(_MAGIC)] != _MAGIC or not 0 < length <= _MAX_KEY:
                raise InputError("This is not a backup of voices.", "Choose a file that `backup` wrote.")
            wrapped, offset = file.read(length), file.tell()
            if len(wrapped) != length:
                raise InputError("The backup is damaged.", "Choose another one.")
            key = vault.unwrap(wrapped, passphrase, costly)
    except FileNotFoundError as error:
        raise MissingError(f"There is no file {source}.", "Check its name.") from error
    reader = _Reader(vault.open_file(source, key, _NAME, offset))
    try:
        entries = [(str(name), int(size)) for name, size in json.loads(reader.take(reader.number(_MAX_LIST)))]
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InputError("The backup is damaged.", "Choose another one.") from error
    owners = {_checked(name, size) for name, size in entries}
    if into is not None and len(owners) > 1:
        raise InputError("This backup holds the voices of several users.", "Restore it from the command line.")
    if len(dict(entries)) != len(entries):
        raise InputError("The backup is damaged.", "Choose another one.")
    for name, size in entries:
        user, rest = name.split("/", 2)[1:]
        if into is not None and rest == accounts.FILE:
            reader.skip(size)
            continue
        path = aside / "users" / (into or user) / rest
        files.make_private(path.parent)
        files.write_blocks(path, reader.blocks(size))
    reader.finish()
    for folder in aside.glob("users/*/voices/*"):
        _check_voice(folder, folder.parent.parent.name)
    _refuse_loops({folder: read_voice(folder) for folder in aside.glob("users/*/voices/*")})


def conflicts(
    root: Path, aside: Path, into: str | None = None, find_base: Callable[[str], object] = lambda name: None
) -> list[str]:
    """Remove from ``aside`` what must not come back, and say why, a sentence each.

    ``into``: the user who gets a one-user backup. If it was made with other keys than theirs, it passes voices on.
    """
    said = []
    voices = {folder: read_voice(folder) for folder in sorted(aside.glob("users/*/voices/*"))}
    gone = _destroyed(root, voices)
    foreign = into is not None and _is_anothers(root, aside, into)
    for folder, voice in voices.items():
        present = root / folder.relative_to(aside)
        if present.is_dir() and _same(folder, present):
            pass
        elif present.is_dir():
            said.append(f"The voice {voice.name!r} is here already and differs; the one here stays.")
        elif folder in gone and not _has_receipt(root, folder):
            said.append(f"The mix {voice.name!r} contains a voice that was destroyed here, and stays away.")
        elif folder in gone:
            said.append(f"The voice {voice.name!r} was destroyed here, and stays so.")
        elif foreign and not rights.allows("export", rights.Standing(voice.name, voice.terms)):
            said.append(f"The voice {voice.name!r} may not be passed on, so it stays with whoever made the backup.")
        elif not _fits(folder, find_base):
            said.append(f"The voice {voice.name!r} does not fit its model, and stays away.")
        else:
            continue
        files.erase_tree(folder)
    if foreign and into is not None:
        (aside / "users" / into / identity.FILE).unlink(missing_ok=True)
    for folder in sorted(aside.glob("users/*")):
        for name, what in ((identity.FILE, "The keys"), (accounts.FILE, "The passwords")):
            if _differ(root / "users" / folder.name / name, folder / name):
                said.append(f"{what} of the user {folder.name} differ; those here stay.")
    return said


def move_in(root: Path, aside: Path) -> list[tuple[str, str]]:
    """Put what is checked into its places; can be repeated after a crash. Returns (user, voice) of what moved."""
    moved = []
    for user in sorted(path for path in aside.glob("users/*") if is_id(path.name)):
        home = files.make_private(root / "users" / user.name)
        for path in sorted(user.rglob("*")):
            rest = path.relative_to(user)
            target = home / rest
            is_voice = len(rest.parts) == 2 and rest.parts[0] == "voices"
            alone = path.is_file() and rest.parts[0] != "voices"
            if (is_voice or alone) and not target.exists():
                files.make_private(target.parent)
                files.move_in(path, target)
                if is_voice:
                    moved.append((user.name, path.name))
    return moved


def _has_receipt(root: Path, folder: Path) -> bool:
    """Whether the voice that a backup has in ``folder`` was destroyed here."""
    return erase.place(root / "users" / folder.parent.parent.name / "receipts", folder.name).is_file()


def _destroyed(root: Path, voices: Mapping[Path, VoiceManifest]) -> set[Path]:
    """The folders of voices that were destroyed here, and of every mix that contains one, however deep."""
    parents = {folder: {folder.parent / each.voice for each in voice.parents} for folder, voice in voices.items()}
    gone = {each for each in set(voices).union(*parents.values()) if _has_receipt(root, each)}
    while more := {folder for folder in voices if folder not in gone and gone & parents[folder]}:
        gone |= more
    return gone


def _is_anothers(root: Path, aside: Path, user: str) -> bool:
    """Whether a backup that ``user`` gets was made with other keys than theirs, or with those of another user here."""
    made_with, mine = (home / "users" / user / identity.FILE for home in (aside, root))
    others = [path for path in root.glob(f"users/*/{identity.FILE}") if path != mine]
    known = made_with.is_file() and any(path.read_bytes() == made_with.read_bytes() for path in others)
    return known or _differ(mine, made_with)


def _differ(one: Path, other: Path) -> bool:
    """Whether two files are both there, and not the same."""
    return one.is_file() and other.is_file() and one.read_bytes() != other.read_bytes()


def _check_voice(folder: Path, owner: str) -> None:
    """Raise unless a voice is whole; it belongs to ``owner`` from now on."""
    try:
        voice = read_voice(folder)
        if voice.owner != owner:
            write_manifest(folder, replace(voice, owner=owner))
        locked = vault.is_locked(folder)
        key = None if locked else vault.read_key(folder)
        seals.check(voice, key)
        found = [each for each in (folder / "versions").iterdir() if read_version(each).voice == folder.name]
        for version in found:
            manifest = versions.check(version, key, locked=locked)
            require(manifest.consent)
            if not locked:
                read_tensors(_contents(version, manifest, key))
        if not found:
            raise InputError("it has no version.")
    except (VoiceError, OSError) as error:
        raise InputError(f"The backup is damaged: {error}", "Choose another one.") from error


def _contents(folder: Path, manifest: VersionManifest, key: bytes | None) -> dict[str, bytes]:
    return {name: versions.read_file(folder, manifest, name, key) for name in (versions.DELTA, versions.REFERENCE)}


def _fits(folder: Path, find_base: Callable[[str], object]) -> bool:
    """Whether every version can be spoken on its base, as far as can be told: the base may come later."""
    if vault.is_locked(folder):
        return True
    key = vault.read_key(folder)
    for version in (folder / "versions").iterdir():
        manifest = read_version(version)
        try:
            base = find_base(manifest.base)
        except MissingError:
            continue
        try:
            check_fit(base, *read_tensors(_contents(version, manifest, key)))
        except InputError:
            return False
    return True


def _refuse_loops(voices: Mapping[Path, VoiceManifest]) -> None:
    """Raise where voices contain each other: no mix can, and they could never be removed one after the other."""
    left = {folder: {folder.parent / each.voice for each in voice.parents} for folder, voice in voices.items()}
    while whole := [folder for folder, parents in left.items() if not parents & left.keys()]:
        for folder in whole:
            del left[folder]
    if left:
        raise InputError("The backup is damaged: its voices contain each other.", "Choose another one.")


def _same(one: Path, other: Path) -> bool:
    """Whether two folders of a voice hold the same files, whoever owns it and wherever it was encrypted."""
    names = [{path.relative_to(each).as_posix() for path in each.rglob("*") if path.is_file()} for each in (one, other)]
    found = [{name for name in each if name not in ("key", "key.age") and name[:6] != "takes/"} for each in names]
    if found[0] != found[1]:
        return False
    said = [{path.name: read_version(path) for path in (each / "versions").iterdir()} for each in (one, other)]
    return said[0] == said[1] and replace(read_voice(one), owner="") == replace(read_voice(other), owner="")


def _checked(name: str, size: int) -> str:
    """The user whose file it is; only paths of the known form are ever written."""
    found = _PATH.fullmatch(name)
    if found is None or size < 0 or not is_id(found[1]) or not is_id(found[2] or found[1]):
        raise InputError("The backup holds a file that does not belong there.", "Choose another one.")
    return found[1]


def _exactly(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        left = size
        while left > 0:
            block = file.read(min(left, 2**20))
            if not block:
                raise InputError(f"The file {path.name} changed while it was read.", "Try again.")
            left -= len(block)
            yield block


class _Reader:
    """Takes a stream of blocks apart."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = b""

    def blocks(self, size: int) -> Iterator[bytes]:
        while size > 0:
            self._held = self._held or next(self._blocks, b"")
            if not self._held:
                raise InputError("The backup is cut short.", "Choose another one.")
            part, self._held = self._held[:size], self._held[size:]
            size -= len(part)
            yield part

    def take(self, size: int) -> bytes:
        return b"".join(self.blocks(size))

    def skip(self, size: int) -> None:
        for _ in self.blocks(size):
            pass

    def number(self, most: int) -> int:
        value = int.from_bytes(self.take(8), "little")
        if value > most:
            raise InputError("The backup is damaged.", "Choose another one.")
        return value

    def finish(self) -> None:
        if self._held or next(self._blocks, b""):
            raise InputError("The backup holds more than it should.", "Choose another one.")


def new_aside(folder: Path) -> Path:
    """A new private folder in ``folder``."""
    return files.make_private(folder / secrets.token_hex(8))
