"""Age files for a passphrase (age-encryption.org/v1), read only where the work that they ask for is bearable.

The head of such a file says how much memory its scrypt takes: 1 KiB times two to the power of a number that whoever
made the file chose. The library computes it before anything can be checked, and where the memory is not there the
whole process ends. So the head is read first, and one passphrase is worked on at a time.
"""

from __future__ import annotations

import re
import threading
import time

from gpt_sovits.errors import BusyError, InputError, RefusedError
from gpt_sovits.memory import free_bytes

HEAD = b"age-encryption.org/v1\n"
MOST_WORK = 21  # 2 GiB. The library chooses what takes a second here: 19 or 20 on today's computers, so never less
_STANZA = re.compile(rb"-> scrypt [A-Za-z0-9+/]{22} ([1-9][0-9]?)\n")
_TOO_MUCH = "Excessive work"  # the library compares with the speed of this moment, which other programs may share
_WAITS = (0.2, 1.0, 3.0)  # seconds before it is asked again
_TRIES = 5
_one_at_a_time = threading.Semaphore(1)


def is_locked(data: bytes) -> bool:
    """Whether an age file is for a passphrase: then that is its first and only stanza."""
    return data.startswith(b"-> scrypt ", len(HEAD))


def encrypt(data: bytes, passphrase: str) -> bytes:
    """The work (about a second) is what makes guessing slow."""
    import pyrage

    for _ in range(_TRIES):
        with _one_at_a_time:
            written: bytes = pyrage.passphrase.encrypt(data, passphrase)
        if _work_of(written) <= MOST_WORK:  # nothing is kept that this program would not open
            return written
    raise BusyError("The computer cannot be measured now.", "Try again in a minute.")


def decrypt(data: bytes, passphrase: str) -> bytes:
    """The inverse. A wrong passphrase takes as long as the right one: the scrypt comes before the check.

    Raises ``InputError`` for a file of another form, or that asks for more work than this program would,
    ``RefusedError`` where the passphrase is wrong (or the file was changed: the two cannot be told apart), and
    ``BusyError`` where the computer is so busy that the library takes the work for too much.
    """
    import pyrage

    work, free = _work_of(data), free_bytes()
    if work > MOST_WORK or (free is not None and 2**work * 1024 > free):
        raise InputError("The file asks for more memory than opening it can need.", "Ask for it again.")
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
