"""Accounts: who may sign in, as argon2 hashes of their passwords in ``users/<user>/account.json``.

Without any account there is one local user and no password. Guessing is slowed down twice: each check costs about a
tenth of a second and 64 MiB, two at a time, and after a few failures the next ones have to wait, longer each time.
Failures count by name and by where they come from (``asking_from``): a stranger's do not shut out the owner of a name.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

import argon2

from gpt_sovits.crypto.vault import MIN_PASSPHRASE
from gpt_sovits.errors import BusyError, InputError, MissingError, RefusedError
from gpt_sovits.files import make_private, read_json, write_json
from gpt_sovits.voices.consent import now
from gpt_sovits.voices.ids import check_user, is_id

FILE = "account.json"
MAX_PASSWORD = 1024  # characters; hashing a novel would be work for an attacker to order
_FREE_TRIES = 5
_LONGEST_WAIT = 15 * 60.0  # seconds
_REMEMBERED = 10_000  # names whose failures are remembered at once
HASHER = argon2.PasswordHasher()
asking_from: ContextVar[str] = ContextVar("asking_from", default="")  # the network address of whoever signs in
_two_at_a_time = threading.BoundedSemaphore(2)
# Of random bytes that were thrown away, at the same cost: an unknown name takes as long as a wrong password.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$wsPV9wS4RGE9/mdpNut7kw$wpGOFHzCu4LfCcwZ9LJrOlyquHtsTbKvd+5RrVixmf4"


def hash_of(secret: str) -> str:
    """The argon2id hash of a password or passphrase."""
    with _two_at_a_time:
        return HASHER.hash(secret)


def matches(hashed: str, secret: str) -> bool:
    try:
        with _two_at_a_time:
            return len(secret) <= MAX_PASSWORD and HASHER.verify(hashed, secret)
    except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
        return False


class Throttle:
    """Counts failures by name; after ``_FREE_TRIES`` the wait doubles from one second to a quarter of an hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[int, float]] = {}  # failures, and when the next try is allowed
        self._lock = threading.Lock()

    def enter(self, name: str) -> None:
        """``BusyError`` while ``name`` has to wait. A try counts as a failure until ``succeeded`` says otherwise, so
        that many at once count as many."""
        with self._lock:
            count, allowed = self._failed.get(name, (0, 0.0))
            left = allowed - self._clock()
            if left > 0:
                raise BusyError("There were too many wrong tries.", f"Wait {math.ceil(left)} seconds.")
            wait = min(_LONGEST_WAIT, 2.0 ** (count + 1 - _FREE_TRIES)) if count + 1 >= _FREE_TRIES else 0.0
            if len(self._failed) >= _REMEMBERED:
                del self._failed[min(self._failed, key=lambda each: self._failed[each][1])]
            self._failed[name] = (count + 1, self._clock() + wait)

    def succeeded(self, name: str) -> None:
        with self._lock:
            self._failed.pop(name, None)


class Accounts:
    """The accounts of the registry under ``root``. Sign-in failures are counted in this process."""

    def __init__(self, root: Path, throttle: Throttle | None = None) -> None:
        self._users = root / "users"
        self._throttle = throttle or Throttle()

    def names(self) -> list[str]:
        if not self._users.is_dir():
            return []
        return sorted(path.name for path in self._users.iterdir() if is_id(path.name) and (path / FILE).is_file())

    def has(self, user: str) -> bool:
        return (self._users / check_user(user) / FILE).is_file()

    def mark(self, user: str) -> str:
        """Something that changes whenever the password does; "" without an account."""
        try:
            found = (self._users / check_user(user) / FILE).stat()
        except FileNotFoundError:
            return ""
        return f"{found.st_ino}.{found.st_mtime_ns}"

    def add(self, user: str, password: str) -> None:
        """A new account; voices that the user has already stay."""
        if self.has(user):
            raise InputError(f"There is a user {user} already.", "Choose another name.")
        self._write(user, password)

    def set_password(self, user: str, password: str) -> None:
        self._hash(user)
        self._write(user, password)

    def verify(self, user: str, password: str) -> str:
        """The user's name when the password is right. Any failure is the same ``RefusedError`` after the same work.

        ``BusyError`` after too many failures for this name.
        """
        known = is_id(user) and self.has(user)
        hashed = self._hash(user) if known else _NOBODY
        self.check(user if is_id(user) else "?", hashed, password, "The name or the password is wrong.")
        if not known:
            raise RefusedError("The name or the password is wrong.", "Type it again.")
        return user

    def check(self, name: str, hashed: str, secret: str, sentence: str) -> None:
        """``RefusedError`` with ``sentence`` unless ``secret`` has that hash; failures are counted by ``name``."""
        counted = f"{name} {asking_from.get()}"
        self._throttle.enter(counted)
        if not matches(hashed, secret):
            raise RefusedError(sentence, "Type it again.")
        self._throttle.succeeded(counted)

    def _hash(self, user: str) -> str:
        if not self.has(user):
            raise MissingError(f"There is no user {user}.", "`users list` shows them.")
        return str(read_json(self._users / user / FILE).get("password", ""))

    def _write(self, user: str, password: str) -> None:
        if not MIN_PASSPHRASE <= len(password) <= MAX_PASSWORD:
            raise InputError(
                f"The password has fewer than {MIN_PASSPHRASE} or too many characters.", "Four words are good."
            )
        folder = make_private(self._users / check_user(user))
        write_json(folder / FILE, {"password": hash_of(password), "changed": now()})
