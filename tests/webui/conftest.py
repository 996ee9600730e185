"""The pages served for real on a free port, over the humming studio, and a Chromium that records every request."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webui.fake_studio import FakeStudio


@pytest.fixture(scope="session")
def studio() -> FakeStudio:
    return FakeStudio()


@pytest.fixture(scope="session")
def browser_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    from webui import server

    with pytest.MonkeyPatch.context() as patch:
        for name in ("GRADIO_TEMP_DIR", "GRADIO_EXAMPLES_CACHE", "GRADIO_ANALYTICS_ENABLED"):
            patch.setenv(name, "")  # so that they are put back afterwards
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        yield server.prepare(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def app(studio: FakeStudio, browser_folder: Path) -> Any:
    from webui.server import create_app

    return create_app(studio, browser_folder)


@pytest.fixture(scope="session")
def address(app: Any) -> Iterator[str]:
    """Where the pages are served, for example "http://127.0.0.1:41234/"."""
    import uvicorn

    from webui.server import listen

    bound = listen("127.0.0.1", 0)
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    end = time.monotonic() + 120
    while not running.started and time.monotonic() < end:
        time.sleep(0.05)
    assert running.started, "the server did not start"
    yield f"http://127.0.0.1:{bound.getsockname()[1]}/"
    running.should_exit = True
    thread.join(timeout=20)
    bound.close()
