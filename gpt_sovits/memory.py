"""How much memory this computer can still give."""

from __future__ import annotations

import os


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
