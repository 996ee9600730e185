"""The pages served for real on a free port, over the humming studio, and a Chromium that records every request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webui.fake_studio import FakeStudio
from tests.webui.serving import served


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
    with served(app) as place:
        yield place + "/"
