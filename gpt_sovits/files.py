"""Private files that are either whole or not there: write aside, fsync, rename. Knows nothing of voices.

Files are 0600, folders 0700. A folder of several files is built under another name and renamed in, so that no
reader ever sees half of it; what a crash left aside is swept by the next writer.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gpt_sovits.errors import BusyError, InputError, MissingError, ResourceError

MAX_JSON_BYTES = 4 * 2**20
KEY_NAMES = frozenset({"key", "key.age"})  # files that hold keys: erased before anything else goes
_BLOCK = 2**20
_LEFT_FREE = 512 * 2**20


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Turn a failing disk into one sentence: ``doing`` reads like "the voice could not be saved"."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ResourceError(f"The disk is full, so {doing}.", "Free some space and try again.") from error
        reason = error.strerror or str(error)
        raise ResourceError(f"Because of the disk ({reason}), {doing}.", "Check the data folder's rights.") from error


def in_a_sentence(error: OSError) -> ResourceError:
    """What the disk or the system refused, for whoever asked for it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceError("The disk is full.", "Free some space and try again.")
    place = str(error.filename or "")
    where = f"{place[:80]}…" if len(place) > 81 else place or "A file"
    return ResourceError(f"{where} cannot be used ({error.strerror or error}).", "Check its name and its rights.")


def read_whole(path: Path, most: int) -> bytes:
    """A file that a person names, of at most ``most`` bytes. ``InputError`` where it is larger or has no end."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InputError(f"{path.name} is too large.", "Choose another file.")
    return data


def make_private(folder: Path) -> Path:
    """Create ``folder`` and its missing parents, each readable by its owner only."""
    missing = []
    current = folder
    while not current.exists():
        missing.append(current)
        current = current.parent
    for path in reversed(missing):
        try:
            os.mkdir(path, 0o700)
            os.chmod(path, 0o700)
        except FileExistsError:
            continue  # another process was faster
        sync_folder(path.parent)
    return folder


def sync_folder(folder: Path) -> None:
    """Make renames in ``folder`` survive a power cut (a no-op where folders cannot be opened)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, data: bytes, aside: Path | None = None) -> None:
    """Put ``data`` at ``path``, mode 0600; readers see the old file or the whole new one.

    The new file is built in ``aside`` (same file system; whoever owns it sweeps it), else beside ``path``.
    """
    write_blocks(path, (data,), aside)


def write_blocks(path: Path, blocks: Iterable[bytes], aside: Path | None = None) -> None:
    """``write_bytes`` for what is too large to be in memory at once. Into a pipe or a device it flows."""
    if flows(path):
        with path.open("wb") as stream:
            stream.writelines(blocks)
        return
    temporary = unfinished(path, aside)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def flows(path: Path) -> bool:
    """Whether ``path`` is there as something that nothing may take the place of: a pipe, a device.

    ``InputError`` for another name among the system's: /dev/stderr is one, and leads to a file where it is redirected.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        return True
    home = os.path.realpath(path.parent)
    if home == "/dev" or home.startswith(("/proc/", "/sys/")):
        raise InputError(f"{path} is no place for a file.", "Name a file in a folder of yours.")
    return False


def unfinished(path: Path, aside: Path | None = None) -> Path:
    """A name for what becomes ``path`` when it is whole. What a killed program left there of it is removed."""
    name = path.name[-50:]  # its suffix tells a writer of sound the format
    for left in path.parent.glob(f".part-*-{glob.escape(name)}") if aside is None else ():
        if not _is_running(left.name.split("-")[1]):
            left.unlink(missing_ok=True)
    return (aside or path.parent) / f".part-{os.getpid()}-{secrets.token_hex(6)}-{name}"


def _is_running(process: str) -> bool:
    """Whether a process of this number may be there."""
    if os.name != "posix" or not process.isdigit():  # elsewhere asking would end it
        return True
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def check_room(home: Path, coming: int, most: int, full: InputError) -> None:
    """Before ``coming`` bytes are put below ``home``: ``full`` where it would hold more than ``most`` bytes,
    ``ResourceError`` where the disk would be nearly full."""
    taken = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    if taken + coming > most:
        raise full
    if shutil.disk_usage(make_private(home)).free - coming < _LEFT_FREE:
        raise ResourceError("The disk is nearly full.", "Free some space and try again.")


def unfollowed(path: str, flags: int) -> int:
    """An ``opener`` for a file that is changed where it lies: never another one that a link in its place leads to."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def write_json(path: Path, value: Mapping[str, Any], aside: Path | None = None) -> None:
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode(), aside)


def read_json(path: Path, most: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """The JSON object in ``path``. ``MissingError`` without a file, ``InputError`` when it is not an object."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingError(f"There is no file {path.name} in {path.parent.name}.", "Check the data folder.") from error
    except OSError as error:  # it is a folder, or may not be read
        raise InputError(f"The file {path} is damaged.", "Restore it from a backup.") from error
    try:
        if len(data) > most:
            raise ValueError("too large")
        value = json.loads(data)
        json.dumps(value, ensure_ascii=False).encode()  # half a character can be neither shown nor stored: ValueError
    except (ValueError, RecursionError) as error:
        raise InputError(f"The file {path} is damaged.", "Restore it from a backup.") from error
    if not isinstance(value, dict):
        raise InputError(f"The file {path} is damaged.", "Restore it from a backup.")
    return value


def bytes_below(*folders: Path) -> int:
    """Bytes of all files in folders, each once however many names it has there; 0 of a folder that is not there."""
    return sum({place: size for folder in folders for place, size in sizes_below(folder).items()}.values())


def sizes_below(folder: Path) -> dict[tuple[int, int], int]:
    """Bytes of every file in a folder by its place on the disk, which names of one file share."""
    found = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return {(each.st_dev, each.st_ino): each.st_size for each in found}


def copy_private(source: Path, target: Path) -> str:
    """Copy a person's file to ``target`` (0600, whole or not at all) and return the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    temporary = unfinished(target)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out, source.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def move_in(built: Path, target: Path) -> None:
    """Rename a finished folder into place; both parents are made durable. The target must not exist."""
    if target.exists():
        raise FileExistsError(errno.EEXIST, "exists already", str(target))
    os.rename(built, target)
    sync_folder(target.parent)
    sync_folder(built.parent)


def remove_folder(folder: Path, aside: Path) -> None:
    """Make ``folder`` vanish at once (renamed into ``aside``), then delete what is in it."""
    make_private(aside)
    gone = aside / secrets.token_hex(8)
    os.rename(folder, gone)
    sync_folder(folder.parent)
    erase_tree(gone)
    sync_folder(aside)


def sweep(folder: Path) -> None:
    """Delete everything inside ``folder`` (left there by a crash), keys first; the folder itself stays."""
    if folder.is_symlink() or folder.is_file():  # a fault, or somebody's doing: it stands in the way of the folder
        folder.unlink()
    if not folder.is_dir():
        return
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            erase_tree(Path(entry.path))
        else:
            os.unlink(entry.path)


def erase_tree(folder: Path, *, overwrite: bool = False) -> None:
    """Delete a folder: first the keys in it are overwritten, with ``overwrite`` then every other file too."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for root, _, names in os.walk(folder):
        for name in names:
            if name in KEY_NAMES:
                shred(Path(root) / name)
    if overwrite:
        for root, _, names in os.walk(folder):
            for name in names:
                shred(Path(root) / name)
    shutil.rmtree(folder)


def shred(path: Path) -> None:
    """Overwrite a file with random bytes where it lies, then remove it.

    What a disk keeps elsewhere (a snapshot, the spare cells of an SSD) is out of reach of any program.
    """
    if path.is_file() and not path.is_symlink():
        with path.open("r+b") as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(secrets.token_bytes(min(left, _BLOCK)))
            file.flush()
            os.fsync(file.fileno())
    path.unlink(missing_ok=True)


def shred_aside(path: Path, aside: Path) -> None:
    """Make a file vanish at once (renamed into ``aside``), then ``shred`` it: nobody ever sees it half overwritten."""
    make_private(aside)
    gone = aside / f"{secrets.token_hex(8)}-{path.name}"
    os.rename(path, gone)
    sync_folder(path.parent)
    shred(gone)


@contextmanager
def exclusive(path: Path, *, wait: float, busy: str) -> Iterator[None]:
    """Hold the file lock ``path``; the system releases it when the process dies, however it dies."""
    make_private(path.parent)
    lock = FileLock(str(path), mode=0o600, fallback_to_soft=False)
    try:
        lock.acquire(timeout=wait)
    except Timeout as error:
        raise BusyError(busy, "Try again in a moment.") from error
    except NotImplementedError as error:
        raise ResourceError(
            f"The disk of {path.parent} cannot lock files.", "Put the data folder on a disk of this computer."
        ) from error
    try:
        yield
    finally:
        lock.release()
