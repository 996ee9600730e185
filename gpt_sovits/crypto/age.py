"""Age files for a passphrase (age-encryption.org/v1), read only where the work that they ask for is bearable.

The head of such a file says how much memory its scrypt takes: 1 KiB times two to the power of a number that whoever
made the file chose. The library computes it before anything can be checked, and where the memory is not there the
whole process ends. So the head is read first, and one passphrase is worked on at a time.
"""

from __future__ import annotations

import re
import threading

from gpt_sovits.errors import InputError, RefusedError

HEAD = b"age-encryption.org/v1\n"
MOST_WORK = 19  # 512 MiB; what the fastest computers choose in the second that writing takes
_STANZA = re.compile(rb"-> scrypt [A-Za-z0-9+/]{22} ([1-9][0-9]?)\n")
_one_at_a_time = threading.Semaphore(1)


def is_locked(data: bytes) -> bool:
    """Whether an age file is for a passphrase: then that is its first and only stanza."""
    return data.startswith(b"-> scrypt ", len(HEAD))


def encrypt(data: bytes, passphrase: str) -> bytes:
    """The work (about a second) is what makes guessing slow."""
    import pyrage

    with _one_at_a_time:
        return pyrage.passphrase.encrypt(data, passphrase)


def decrypt(data: bytes, passphrase: str) -> bytes:
    """The inverse. A wrong passphrase takes as long as the right one: the scrypt comes before the check.

    Raises ``InputError`` for a file of another form, or that asks for more work than this program would, and
    ``RefusedError`` where the passphrase is wrong (or the file was changed: the two cannot be told apart).
    """
    import pyrage

    stanza = _STANZA.match(data, len(HEAD)) if data.startswith(HEAD) else None
    if stanza is None:
        raise InputError("The encrypted file is damaged.", "Choose another one.")
    if int(stanza[1]) > MOST_WORK:
        raise InputError("The file asks for more memory than opening it can need.", "Ask for it again.")
    try:
        with _one_at_a_time:
            return pyrage.passphrase.decrypt(data, passphrase)
    except pyrage.DecryptError as error:
        raise RefusedError("The passphrase is wrong, or the file is damaged.", "Type it again.") from error
