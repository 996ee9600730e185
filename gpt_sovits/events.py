"""Progress events that long work emits, and the token by which it is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gpt_sovits.errors import CancelledError


@dataclass(frozen=True)
class Event:
    """One step of a job: ``kind`` names the stage ("slice", "acoustic", ...), ``message`` is for a person."""

    kind: str
    message: str = ""
    step: int = 0
    total: int = 0
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """Share of the stage that is done, 0 to 1 (0 when the total is not known)."""
        return min(1.0, self.step / self.total) if self.total > 0 else 0.0


EventSink = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The sink of a caller who does not watch."""


class CancelToken:
    """Asks running work to stop. Safe to share between threads."""

    def __init__(self) -> None:
        self._flag = threading.Event()

    def cancel(self) -> None:
        self._flag.set()

    @property
    def cancelled(self) -> bool:
        return self._flag.is_set()

    def check(self) -> None:
        """Raise ``CancelledError`` once ``cancel`` was called; long loops call this every step."""
        if self._flag.is_set():
            raise CancelledError("The work was stopped.", "It can be started again at any time.")
