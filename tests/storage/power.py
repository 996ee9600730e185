"""The power fails: a deed runs in a forked child whose n-th change to the disk ends it, without any clean-up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

CALLS = ("open", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "chmod")


def survives(operation: Callable[[], object], crash_at: int) -> bool:
    """Run ``operation`` in a child that dies just before its ``crash_at``-th disk call."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    count = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == crash_at:
                os._exit(9)
            return real(*arguments, **options)

        return call

    try:
        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        operation()
        os._exit(0)
    except BaseException as error:  # noqa: BLE001  # the child must never come back into pytest
        print(repr(error), file=sys.stderr)
        os._exit(1)
