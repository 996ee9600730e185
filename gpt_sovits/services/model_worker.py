"""The process that downloads or imports one model for ``library``, told what by its arguments.

    python -m gpt_sovits.services.model_worker --data DIR download NAME SITE
    python -m gpt_sovits.services.model_worker --data DIR import VERSION NAME replace|'' FILE...

Each line of its output is a JSON object with what changed. It stops when its input ends, so it never outlives the
program that started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from gpt_sovits.errors import CancelledError, VoiceError
from gpt_sovits.events import CancelToken, Event
from gpt_sovits.settings import Settings

_EVERY = 0.25  # seconds between two lines about progress

_GRACE = 10.0  # seconds from the end of the input to the end of the process

Say = Callable[..., None]


def run(arguments: Sequence[str], say: Say, cancel: CancelToken) -> None:
    """Do one errand; ``say(**changes)`` is told about it, the last time with its final state."""
    told = 0.0

    def on_event(event: Event) -> None:
        nonlocal told
        cancel.check()
        now = time.monotonic()
        if now - told >= _EVERY or event.kind != "download":
            told = now
            say(state="running", stage=event.kind, message=event.message, done=event.step, total=event.total)

    try:
        _, data, kind, first, *rest = arguments
        settings = Settings.load(data)
        if kind == "download":
            name, left_out = _download(settings, first, rest[0], on_event, cancel), ""
        else:
            name, left_out = _import(settings, first, rest, on_event)
    except CancelledError:
        say(state="stopped")
    except VoiceError as error:
        say(state="failed", message=error.message, action=error.action)
    else:
        say(state="done", name=name, message=left_out, done=1, total=1)


def _download(settings: Settings, name: str, site: str, on_event: Callable[[Event], None], cancel: CancelToken) -> str:
    from gpt_sovits.models.catalog import TRANSCRIBER
    from gpt_sovits.services.model_files import download_model, download_transcriber

    if name == TRANSCRIBER:
        download_transcriber(settings, accept_licences=True, endpoint=site, on_event=on_event, cancel=cancel)
    else:
        download_model(name, settings, accept_licences=True, endpoint=site, on_event=on_event, cancel=cancel)
    return name


def _import(settings: Settings, version: str, rest: list[str], on_event: Callable[[Event], None]) -> tuple[str, str]:
    """What came in, and what did not and why, a line for each file."""
    from gpt_sovits.services.model_files import import_models

    own, replace, *paths = rest
    files = [Path(each) for each in paths]
    report = import_models(files, settings, name=own, version=version, replace=bool(replace), on_event=on_event)
    left_out = "\n".join(f"{name}: {reason}" for name, reason in report.skipped)
    return ", ".join([*(base.name for base in report.bases), *report.shared]), left_out


def _watch(given: TextIO, cancel: CancelToken) -> None:
    """Cancel when the input ends, and end the process if that is not heard: nobody may be there to do it."""
    while given.read(1):
        pass
    cancel.cancel()
    time.sleep(_GRACE)
    os._exit(1)


def main(arguments: Sequence[str]) -> int:
    os.environ["HF_HUB_OFFLINE"] = "0"  # the pages shut this door for themselves; this process is the one that goes out
    cancel = CancelToken()
    threading.Thread(target=_watch, args=(sys.stdin, cancel), daemon=True).start()

    def say(**changes: Any) -> None:
        sys.stdout.write(json.dumps(changes) + "\n")
        sys.stdout.flush()

    run(arguments, say, cancel)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
