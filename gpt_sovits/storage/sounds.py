"""The sounds that the pages play and receive, each in the reach of one user, or of one browser where nobody signs in.

    <browser folder>/<user>/<random>/piece.wav     what was made for a user
    <browser folder>/<hash>/recording.wav          what was uploaded, where the page's framework puts it
    <browser folder>/<user>/uploads/<hash>         says that the user uploaded it

A user may read and hand in what lies below the own folder, and what the own folder says was uploaded.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from gpt_sovits.files import erase_tree, make_private
from gpt_sovits.voices.ids import check_user, is_id

_UPLOADS = "uploads"


def new_place(folder: Path, user: str) -> Path:
    """A new folder of the user whose name nobody can guess."""
    return make_private(folder / check_user(user) / secrets.token_hex(16))


def claim(folder: Path, user: str, uploaded: Path) -> None:
    """Remember that the user uploaded a file; one that lies elsewhere is nobody's."""
    inside = _inside(folder, uploaded)
    if len(inside) == 2:
        mark = make_private(folder / check_user(user) / _UPLOADS) / inside[0]
        mark.touch(0o600)


def may_read(folder: Path, user: str, path: Path) -> bool:
    """Whether the user made or uploaded the file."""
    inside = _inside(folder, path)
    if len(inside) < 2:
        return False
    return inside[0] == check_user(user) or (folder / user / _UPLOADS / inside[0]).is_file()


def uploaded(folder: Path, user: str) -> int:
    """Bytes of all that the user uploaded and that is still here."""
    marks = folder / check_user(user) / _UPLOADS
    places = [folder / mark.name for mark in marks.iterdir()] if marks.is_dir() else []
    found = [path for place in places if place.is_dir() for path in place.iterdir()]
    return sum(path.stat().st_size for path in found if path.is_file())


def sweep(folder: Path, user: str) -> None:
    """Overwrite and remove all sounds of the user; what others uploaded as well stays theirs."""
    own = folder / check_user(user)
    others = [path for path in folder.iterdir() if is_id(path.name) and path != own]
    marks = own / _UPLOADS
    for mark in list(marks.iterdir()) if marks.is_dir() else []:
        if not any((other / _UPLOADS / mark.name).is_file() for other in others):
            erase_tree(folder / mark.name, overwrite=True)
    erase_tree(own, overwrite=True)


def _inside(folder: Path, path: Path) -> tuple[str, ...]:
    """The parts of ``path`` below ``folder``, links and ".." resolved; () where it lies elsewhere."""
    try:
        return path.resolve().relative_to(folder.resolve()).parts
    except (ValueError, OSError, RuntimeError):
        return ()
