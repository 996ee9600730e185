"""Age files for a passphrase (age-encryption.org/v1), read only where the work that they ask for is bearable.

The head of such a file says how much memory its scrypt takes: 1 KiB times two to the power of a number that whoever
made the file chose. pyrage computes it before anything can be checked, and where the memory is not there the whole
process ends. So the head is read first, and one passphrase is worked on at a time.

pyrage reads them, but chooses how much work it writes by how fast the computer is at that moment (19 or 20 on today's,
512 MiB or 1 GiB to open them on any other). So they are written here, by the format's specification, always with the
same work; the ``age`` tool opens them too.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import threading
import time

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gpt_sovits.errors import BusyError, CostlyError, InputError, RefusedError
from gpt_sovits.memory import free_bytes

HEAD = b"age-encryption.org/v1\n"
WORK = 17  # 128 MiB: OWASP's "Password Storage Cheat Sheet" asks for at least this of scrypt (r 8, p 1)
MOST_WORK = 21  # 2 GiB: what files of this program's earlier versions may ask for
_STANZA = re.compile(rb"-> scrypt [A-Za-z0-9+/]{22} ([1-9][0-9]?)\n")
_CHUNK = 64 * 2**10
_TOO_MUCH = "Excessive work"  # the library compares with the speed of this moment, which other programs may share
_WAITS = (0.2, 1.0, 3.0)  # seconds before it is asked again
_one_at_a_time = threading.Semaphore(1)


def is_locked(data: bytes) -> bool:
    """Whether an age file is for a passphrase: then that is its first and only stanza."""
    return data.startswith(b"-> scrypt ", len(HEAD))


def encrypt(data: bytes, passphrase: str) -> bytes:
    """An age file; the work of ``WORK`` is what makes guessing slow."""
    salt, file_key, nonce = (secrets.token_bytes(16) for _ in range(3))
    with _one_at_a_time:
        wrap = Scrypt(salt=HEAD[:-1] + b"/scrypt" + salt, length=32, n=2**WORK, r=8, p=1).derive(passphrase.encode())
    wrapped = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)  # its key is used once
    head = HEAD + b"-> scrypt %s %d\n%s\n---" % (_base64(salt), WORK, _base64(wrapped))
    mac = hmac.digest(derived(file_key, b"", b"header"), head, "sha256")
    sealer = ChaCha20Poly1305(derived(file_key, nonce, b"payload"))
    starts = range(0, max(1, len(data)), _CHUNK)
    chunks = (
        sealer.encrypt(nonce_of(number, start == starts[-1]), data[start : start + _CHUNK], None)
        for number, start in enumerate(starts)
    )
    return b"".join((head, b" ", _base64(mac), b"\n", nonce, *chunks))


def decrypt(data: bytes, passphrase: str, costly: bool = True) -> bytes:
    """The inverse. A wrong passphrase takes as long as the right one: the scrypt comes before the check.

    ``costly``: it may ask for as much work as an earlier version of this program. Raises ``CostlyError`` where it may
    not and asks for more than today's, ``InputError`` for a file of another form, or that asks for more than this
    program ever would, ``RefusedError`` where the passphrase is wrong (or the file was changed: the two cannot be told
    apart), and ``BusyError`` where the computer is so busy that the library takes the work for too much.
    """
    import pyrage

    work, free = _work_of(data), free_bytes()
    if work > MOST_WORK or (free is not None and 2**work * 1024 > free):
        raise InputError("The file asks for more memory than opening it can need.", "Ask for it again.")
    if work > WORK and not costly:
        raise CostlyError(
            f"Opening this file takes {2 ** (work - 10)} MB of memory and some seconds.",
            "Allow it (on the command line by --costly) if you know who made the file.",
        )
    waits = iter(_WAITS)
    while True:
        try:
            with _one_at_a_time:
                return pyrage.passphrase.decrypt(data, passphrase)
        except pyrage.DecryptError as error:
            if _TOO_MUCH not in str(error):
                raise RefusedError("The passphrase is wrong, or the file is damaged.", "Type it again.") from error
            wait = next(waits, None)
            if wait is None:
                raise BusyError("The computer is too busy to open this now.", "Try again in a minute.") from error
            time.sleep(wait)


def _work_of(data: bytes) -> int:
    """The power of two that a file's scrypt takes; ``InputError`` for a file of another form."""
    stanza = _STANZA.match(data, len(HEAD)) if data.startswith(HEAD) else None
    if stanza is None:
        raise InputError("The encrypted file is damaged.", "Choose another one.")
    return int(stanza[1])


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def nonce_of(number: int, last: bool) -> bytes:
    """The nonce of a piece of a stream: its number, and whether it is the last."""
    return number.to_bytes(11, "big") + bytes([last])


def derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose."""
    return HKDF(SHA256(), 32, salt, purpose).derive(key)
