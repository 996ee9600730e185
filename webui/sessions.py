"""Who is signed in: random tokens in the browsers' cookies, their hashes in this process's memory."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

IDLE_SECONDS = 12 * 3600.0
_MOST = 10_000


@dataclass
class _Session:
    user: str
    mark: str  # of the account when the person signed in
    used: float


class Sessions:
    """``mark_of(user)`` changes with the user's password and is "" without an account; then a session is over."""

    def __init__(self, mark_of: Callable[[str], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._mark_of = mark_of
        self._clock = clock
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, user: str) -> str:
        """A new token for someone whose password was right."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[_hash(token)] = _Session(user, self._mark_of(user), self._clock())
            while len(self._sessions) > _MOST:
                self._sessions.popitem(last=False)
        return token

    def user(self, token: str) -> str | None:
        """Whose token it is; None for an unknown, idle or ended one."""
        with self._lock:
            session = self._sessions.get(_hash(token))
            if session is None:
                return None
            mark = self._mark_of(session.user)
            if not mark or mark != session.mark or self._clock() - session.used > IDLE_SECONDS:
                del self._sessions[_hash(token)]
                return None
            session.used = self._clock()
            return session.user

    def end(self, token: str) -> None:
        with self._lock:
            self._sessions.pop(_hash(token), None)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
