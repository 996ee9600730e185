"""A new data key for a voice: everything of it is encrypted and sealed again, and the old key opens nothing any more.

The whole folder is built aside, so a full disk changes nothing. One rename puts it into the voice's folder as
``.next``: that is the decision. What follows are renames, and after a crash whoever comes next completes them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gpt_sovits import files
from gpt_sovits.crypto import seals, vault
from gpt_sovits.errors import InputError
from gpt_sovits.voices.manifest import read_version, read_voice, write_manifest

_TAKES = "takes"  # what the voice spoke, kept (``storage.takes``)


def rekey(folder: Path, old: bytes | None, new: bytes, name: str, stored: bytes, aside: Path) -> None:
    """Put the voice in ``folder`` under ``new``, and ``stored`` beside it as its key file ``name``.

    ``old``: its key until now, None for the plain files of an older program; ``aside``: a new folder to build in.
    Raises ``InputError``, and changes nothing, where a manifest is not as it was sealed or a file cannot be decrypted.
    """
    built = files.make_private(aside)
    write_manifest(built, seals.sealed(seals.check(read_voice(folder), old), new))
    for version in sorted((folder / "versions").iterdir()):
        manifest = seals.check(read_version(version), old)
        target = files.make_private(built / "versions" / version.name)
        for each in manifest.files:
            files.write_blocks(target / each, vault.seal(_content(version / each, old), new, each))
        write_manifest(target, seals.sealed(manifest, new))
    for path in sorted((folder / _TAKES).glob("*/*")):
        target = files.make_private(built / path.parent.relative_to(folder)) / path.name
        try:
            files.write_blocks(target, vault.seal(_content(path, old), new, path.name))
        except (InputError, FileNotFoundError):
            pass  # damaged, or deleted meanwhile: it stays as it is
    files.write_bytes(built / name, stored)
    files.move_in(built, folder / vault.NEXT)
    settle(folder)


def settle(folder: Path) -> None:
    """Complete what ``rekey`` decided; can be repeated. A lock comes first, a key that is not locked last."""
    following = folder / vault.NEXT
    if following.is_symlink() or following.is_file():
        following.unlink()  # not of our making
    if not following.is_dir():
        return
    walked = (Path(root) / name for root, _, names in os.walk(following) for name in names)
    found = [path for path in sorted(walked) if path.is_file() and not path.is_symlink()]
    for path in sorted(found, key=lambda each: each.name != vault.WRAPPED):
        if path != following / vault.KEY:
            _put(path, folder / path.relative_to(following))
    if (following / vault.KEY).is_file():
        files.shred(folder / vault.KEY)
        _put(following / vault.KEY, folder / vault.KEY)
    elif vault.is_locked(folder):
        files.shred(folder / vault.KEY)
    shutil.rmtree(following)
    files.sync_folder(folder)


def _put(path: Path, target: Path) -> None:
    if target.parent.is_dir():  # else it is a take that was deleted meanwhile
        os.replace(path, target)
        files.sync_folder(target.parent)


def _content(path: Path, key: bytes | None) -> Iterator[bytes]:
    """What is in a file, changed or not: its hash in the manifest tells. An older program may have left it plain."""
    plain = key is None or (not vault.is_of_today(key) and not vault.is_sealed(path))
    return vault.open_file(path, None if plain else key, path.name)
