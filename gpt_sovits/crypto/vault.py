"""A voice's files at rest: encrypted with its own data key, so that erasing 32 bytes makes all of them unreadable.

    key         the data key, 32 bytes (the voice is not locked)
    key.age     the data key in an age file for a passphrase; while it is there the voice is locked
    .next       all of the folder under a new key, while it is put in the place of the old (``storage.rekey``)

A data key is 28 random bytes and a check of them. An older program's is 32 random bytes, and its manifests may have no
seal. Under a key of today nothing is read that is not encrypted, and no manifest that is not sealed (``seals``).

A stored file is "gsvault1", 16 bytes of salt, then pieces of 1 MiB, each ChaCha20-Poly1305 with its 16 bytes of tag.
Its own key is HKDF-SHA256(data key, salt, "gsvault1 " + file name); the nonce of a piece is its number (11 bytes, big
endian) and 1 for the last piece, else 0. So pieces can be neither changed, swapped, cut off nor moved between files.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from gpt_sovits.crypto import age
from gpt_sovits.errors import InputError, RefusedError

KEY, WRAPPED, NEXT = "key", "key.age", ".next"
KEY_BYTES = 32
_CHECK = 4  # of them
MIN_PASSPHRASE = 8  # characters
_MAGIC = b"gsvault1"
_SALT = 16
_PIECE = 2**20
_TAG = 16
_HEAD = len(_MAGIC) + _SALT


# ---------------------------------------------------------------------------------------------------------- data keys


def new_key() -> bytes:
    random = secrets.token_bytes(KEY_BYTES - _CHECK)
    return random + _check_of(random)


def is_of_today(key: bytes) -> bool:
    """Whether this program made a key; an older one's passes with a chance of 1 in four thousand million."""
    return key[-_CHECK:] == _check_of(key[:-_CHECK])


def _check_of(random: bytes) -> bytes:
    return hashlib.sha256(_MAGIC + random).digest()[:_CHECK]


def is_by_link(folder: Path) -> bool:
    """Whether the voice in ``folder`` lies elsewhere: what is erased here would stay where the link leads."""
    return any(path.is_symlink() for path in (folder, *(folder / name for name in (KEY, WRAPPED, "versions", "takes"))))


def is_locked(folder: Path) -> bool:
    """Whether the data key of the voice in ``folder`` lies there under a passphrase only."""
    return (folder / WRAPPED).is_file() or (folder / NEXT / WRAPPED).is_file()


def read_key(folder: Path) -> bytes | None:
    """The data key of a voice that is not locked; None where its files are still plain (made by an older program)."""
    try:
        key = (folder / KEY).read_bytes()
    except FileNotFoundError as error:
        if any(is_sealed(path) for path in folder.glob("versions/*/*") if path.is_file() and path.suffix != ".json"):
            raise InputError(f"The key of the voice {folder.name} is lost.", "Restore it from a backup.") from error
        return None
    except OSError as error:
        raise InputError(f"The key of the voice {folder.name} is damaged.", "Restore it from a backup.") from error
    if len(key) != KEY_BYTES:
        raise InputError(f"The key of the voice {folder.name} is damaged.", "Restore it from a backup.")
    return key


def wrap(key: bytes, passphrase: str) -> bytes:
    """The data key for ``passphrase``."""
    return age.encrypt(key, check_passphrase(passphrase))


def unwrap(data: bytes, passphrase: str, costly: bool = True) -> bytes:
    """The inverse of ``wrap``; ``costly`` as in ``age.decrypt``. Raises what that raises."""
    key = age.decrypt(data, passphrase, costly)
    if len(key) != KEY_BYTES:
        raise InputError("The key of the voice is damaged.", "Restore it from a backup.")
    return key


def check_passphrase(passphrase: str) -> str:
    if len(passphrase) < MIN_PASSPHRASE:
        raise InputError(
            f"The passphrase has fewer than {MIN_PASSPHRASE} characters.", "Use a longer one: four words are good."
        )
    return passphrase


# -------------------------------------------------------------------------------------------------------------- files


def is_sealed(path: Path) -> bool:
    """Whether a file is stored encrypted."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def seal(content: Iterable[bytes], key: bytes, name: str) -> Iterator[bytes]:
    """What is stored of the file ``name``, block by block."""
    salt = secrets.token_bytes(_SALT)
    cipher = _cipher(key, salt, name)
    yield _MAGIC + salt
    for number, (piece, last) in enumerate(_pieces(content)):
        yield cipher.encrypt(age.nonce_of(number, last), piece, None)


def open_file(path: Path, key: bytes | None, name: str, offset: int = 0) -> Iterator[bytes]:
    """The content of the stored file ``name`` at ``path``, block by block; without a ``key`` a plain file as it is.

    ``offset``: bytes before it that are something else.
    Raises ``InputError`` where it was changed, or is plain although there is a key, and ``RefusedError`` without the
    key that it needs.
    """
    with path.open("rb") as file:
        file.seek(offset)
        head = file.read(_HEAD)
        if head[: len(_MAGIC)] != _MAGIC:
            if key is not None:
                raise InputError(f"The file {name} was changed.", "Restore it from a backup.")
            yield head
            while block := file.read(_PIECE):
                yield block
            return
        if key is None:
            raise RefusedError("The voice is locked.", "Unlock it with its passphrase.")
        cipher = _cipher(key, head[len(_MAGIC) :], name)
        sealed = iter(lambda: file.read(_PIECE + _TAG), b"")
        piece, number = next(sealed, b""), 0
        while True:
            following = next(sealed, b"")
            try:
                yield cipher.decrypt(age.nonce_of(number, not following), piece, None)
            except InvalidTag as error:
                raise InputError(f"The file {name} was changed.", "Restore it from a backup.") from error
            if not following:
                return
            piece, number = following, number + 1


def size_of_content(path: Path) -> int:
    """Bytes of the content of a stored or plain file, without reading it."""
    size = path.stat().st_size
    if not is_sealed(path):
        return size
    size -= _HEAD
    return size - _TAG * max(1, -(-size // (_PIECE + _TAG)))


def _cipher(key: bytes, salt: bytes, name: str) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(age.derived(key, salt, _MAGIC + b" " + os.fsencode(name)))


def _pieces(content: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The content in pieces of full size, the last one shorter or empty, each with whether it is the last."""
    held = bytearray()
    for block in itertools.chain(content):
        held += block
        while len(held) > _PIECE:
            yield bytes(held[:_PIECE]), False
            del held[:_PIECE]
    yield bytes(held), True
