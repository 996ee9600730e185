"""A ZIP of somebody's model folder, read as it is: its weight files lie in a folder of ours while they are needed."""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from gpt_sovits.errors import InputError, ResourceError

ENDING = ".zip"
MOST_FILES = 20_000  # in the whole archive: upstream's has a whole program in it
_SPARE = 2**30  # bytes of the disk that stay free
_BLOCK = 2**20
_A_DAY = 24 * 3600.0
_UTF8 = 0x800  # the flag of a name in UTF-8


@contextmanager
def unpacked(archive: Path, into: Path, wanted: Sequence[str], names: Sequence[str] = ()) -> Iterator[Path]:
    """The files of an archive whose names end in ``wanted`` or are one of ``names``, in their folders, for the moment.

    Nothing is written outside the folder that is given, and no more than the archive's own sizes. ``InputError`` for a
    damaged archive or one with a password, ``ResourceError`` where the disk is too small.
    """
    into.mkdir(parents=True, exist_ok=True)
    for left in into.glob(".unpacked-*"):  # of a program that was killed
        if time.time() - left.stat().st_mtime > _A_DAY:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=".unpacked-", dir=into))
    try:
        _unpack(archive, folder, wanted, names)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(archive: Path, folder: Path, wanted: Sequence[str], names: Sequence[str]) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            if len(members) > MOST_FILES:
                raise InputError(
                    f"{archive.name} holds {len(members)} files.", "Unpack it, and import its model folder."
                )
            chosen = [(each, _place(each)) for each in members if each.filename and not each.is_dir()]
            chosen = [(m, p) for m, p in chosen if p is not None and (p.suffix.lower() in wanted or p.name in names)]
            size = sum(member.file_size for member, _ in chosen)
            if shutil.disk_usage(folder).free - size < _SPARE:
                raise ResourceError(f"There is not enough space on the disk for {archive.name}.", "Free some space.")
            for member, place in chosen:
                _write(opened, member, folder / str(place))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise ResourceError(
                f"There is not enough space on the disk for {archive.name}.", "Free some space."
            ) from error
        raise InputError(f"{archive.name} is damaged, or has a password.", "Get the file again.") from error


def _place(member: zipfile.ZipInfo) -> PurePosixPath | None:
    """Where a member lies; None for what would lie elsewhere than in the folder. Chinese archives name in GBK."""
    name = member.filename
    if not member.flag_bits & _UTF8 and not name.isascii():
        try:
            name = name.encode("cp437").decode("gbk")
        except UnicodeError:
            pass
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if (
        not parts
        or ".." in parts
        or name.startswith("/")
        or ":" in parts[0]
        or any(len(p.encode()) > 240 for p in parts)
    ):
        return None
    return PurePosixPath(*parts)


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with opened.open(member) as source, target.open("xb") as sink:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise zipfile.BadZipFile("a member is larger than it says")
            sink.write(block)
