"""Data keys of locked voices while they are unlocked: in memory only, gone after idle time and with the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

IDLE_SECONDS = 15 * 60.0


@dataclass
class _Held:
    key: bytearray
    used: float


class Keyring:
    """Keys by user and voice. Safe between threads.

    ``on_lock(user, voice)`` is called (from any thread) after a key was dropped, so that what was derived from it goes
    too. A timer looks after idle keys while there are any.
    """

    def __init__(
        self,
        idle_seconds: float = IDLE_SECONDS,
        on_lock: Callable[[str, str], None] = lambda user, voice: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.idle_seconds = idle_seconds
        self.on_lock = on_lock
        self._clock = clock
        self._held: dict[tuple[str, str], _Held] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def put(self, user: str, voice: str, key: bytes) -> None:
        with self._lock:
            self._held[user, voice] = _Held(bytearray(key), self._clock())
            self._watch()

    def get(self, user: str, voice: str) -> bytes | None:
        """The key, which counts as use; None when the voice is locked."""
        self.expire()
        with self._lock:
            held = self._held.get((user, voice))
            if held is None:
                return None
            held.used = self._clock()
            return bytes(held.key)

    def peek(self, user: str, voice: str) -> bytes | None:
        """``get`` that does not count as use."""
        self.expire()
        with self._lock:
            held = self._held.get((user, voice))
            return None if held is None else bytes(held.key)

    def holds(self, user: str, voice: str) -> bool:
        """Whether the voice is unlocked; asking does not count as use."""
        self.expire()
        with self._lock:
            return (user, voice) in self._held

    def drop(self, user: str, voice: str) -> None:
        """Lock one voice again."""
        self._drop([(user, voice)])

    def expire(self) -> None:
        """Lock every voice that was idle for too long."""
        before = self._clock() - self.idle_seconds
        with self._lock:
            names = [name for name, held in self._held.items() if held.used <= before]
        self._drop(names)

    def _drop(self, names: list[tuple[str, str]]) -> None:
        for name in names:
            with self._lock:
                held = self._held.pop(name, None)
                if held is None:
                    continue
                held.key[:] = bytes(len(held.key))
            self.on_lock(*name)

    def _watch(self) -> None:
        """See to it that idle keys go although nobody asks. The caller holds the lock."""
        if self._timer is None and self._held:
            self._timer = threading.Timer(max(0.05, self.idle_seconds / 4), self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        self.expire()
        with self._lock:
            self._timer = None
            self._watch()
