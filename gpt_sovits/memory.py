"""How much memory this computer can still give, and giving back what is no longer needed."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Each = TypeVar("Each")


def free_bytes() -> float | None:
    """Bytes that a program can still have; all there is where only that is told, None where nothing is."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) * 1024.0
    except (OSError, StopIteration):
        pass  # not Linux
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))  # a bound at least
    except (AttributeError, ValueError, OSError):
        return None


class Heap:
    """What speaking leaves to the C library, which keeps it: tensors of ever other sizes, in pieces, in many arenas.

    It is given back to the system (``malloc_trim`` of glibc; nothing elsewhere), at most once in ``every`` seconds, and
    at the latest so long after the last speech.
    """

    def __init__(self, every: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock = every, clock
        self._next, self._lock = 0.0, threading.Lock()
        self._later: threading.Timer | None = None
        self._trim = trimmer()

    def after(self, work: Iterator[Each]) -> Iterator[Each]:
        """The same, and give back once it has ended, however it ends."""
        try:
            yield from work
        finally:
            self.give_back()

    def give_back(self) -> None:
        """Now, or when it is time again."""
        if self._trim is None:
            return
        with self._lock:
            left = self._next - self._clock()
            if left > 0.0:
                if self._later is None:
                    self._later = threading.Timer(left, self._now)
                    self._later.daemon = True
                    self._later.start()
                return
        self._now()

    def _now(self) -> None:
        with self._lock:
            self._next, self._later = self._clock() + self._every, None
        if self._trim is not None:
            self._trim(0)


def trimmer() -> Callable[[int], int] | None:
    """glibc's ``malloc_trim``; None where the C library is another."""
    if not sys.platform.startswith("linux"):
        return None
    found = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    if found is not None:
        found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_int
    return found
