"""An app served on this machine for as long as a test wants it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Where the pages are, for example "http://127.0.0.1:41234"."""
    import uvicorn

    from webui.server import listen
    from webui.wire import Wire

    bound = listen("127.0.0.1", 0)
    running = uvicorn.Server(uvicorn.Config(app, http=Wire, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    end = time.monotonic() + 120
    while not running.started and time.monotonic() < end:
        time.sleep(0.05)
    assert running.started, "the server did not start"
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    running.should_exit = True
    thread.join(timeout=20)
    bound.close()
