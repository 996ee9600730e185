"""No input of any function of the page takes a file or an address that this server did not make for this browser."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.context import LocalContext
from gradio.exceptions import InvalidPathError
from starlette.testclient import TestClient

from gpt_sovits.storage import sounds
from webui.closed import ClosedBlocks

API = "/en/gradio_api"


def file_data(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


@pytest.fixture(scope="module")
def page(app: Any) -> ClosedBlocks:
    found = next(route.app for route in app.routes if getattr(route, "path", "") == "/en").get_blocks()
    assert isinstance(found, ClosedBlocks)
    return found


@pytest.fixture
def mine(app: Any) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1:7860")


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("outside") / "key.wav"
    made.write_bytes(b"my own words")
    return made


@pytest.fixture
def link(browser_folder: Path, secret: Path) -> Iterator[Path]:
    """A symbolic link among the sounds, as a fault elsewhere might leave one."""
    place = sounds.new_place(browser_folder, "linked") / "piece.wav"
    os.symlink(secret, place)
    yield place
    place.unlink()


def upload(client: TestClient, content: bytes) -> str:
    return str(client.post(f"{API}/upload", files={"files": ("clip.wav", content)}).json()[0])


def hostile(secret: Path, link: Path, other: str) -> list[dict[str, Any]]:
    """A file outside, by other spellings, streamed, without its mark; a link; another's upload; addresses."""
    inside = str(Path(other).parent)
    return [
        file_data(str(secret)),
        {"path": str(secret)},
        file_data(str(secret), is_stream=True),
        file_data(f"{inside}/../../../{os.path.relpath(secret, '/')}"),
        file_data("/proc/self/environ"),
        file_data(os.path.relpath(secret)),
        file_data(""),
        file_data("a\0b"),
        file_data("x" * 5000),
        file_data(str(link)),
        file_data(other),
        file_data("https://example.com/a.wav"),
        file_data("http://127.0.0.1:7860/en/gradio_api/file=" + other),
        file_data("https://example.com/a.wav", is_stream=True),
        file_data("file://" + str(secret)),
        file_data(other, url="https://example.com/a.wav"),
    ]


def asked_of(page: ClosedBlocks) -> Iterator[tuple[int, int]]:
    """(function, input) of every input that a browser may fill."""
    for number, function in page.fns.items():
        yield from ((number, place) for place, block in enumerate(function.inputs) if not block.stateful)


def body(page: ClosedBlocks, number: int, place: int, value: Any) -> dict[str, Any]:
    data = [value if each == place else None for each in range(len(page.fns[number].inputs))]
    return {"fn_index": number, "data": data, "session_hash": "mine0"}


def test_no_function_takes_a_file_or_an_address_of_elsewhere(
    page: ClosedBlocks, app: Any, mine: TestClient, secret: Path, link: Path
) -> None:
    other = upload(TestClient(app, base_url="http://127.0.0.1:7860"), b"of another browser")
    bad = hostile(secret, link, other)
    tried = 0
    for number, place in asked_of(page):
        for value in bad[:1] if tried > 30 else bad:  # all of them on the first inputs, the plain one on every one
            for given in (value, [[value]], {"root": [value]}):
                answer = mine.post(f"{API}/queue/join", json=body(page, number, place, given))
                assert answer.status_code == 404, (number, place, given)
                tried += 1
    assert tried > 100
    own = upload(mine, b"mine")
    for value in bad:
        for way in ("run/predict", "api/predict", "call/x", "call/v2/x", "component_server", "stream/x", "cancel"):
            sent = {**body(page, 0, 0, None), "event_data": {"deep": [value]}, "x": value}
            assert mine.post(f"{API}/{way}", json=sent).status_code == 404, (way, value)
    for url in (None, f"http://127.0.0.1:7860{API}/file={own}"):
        assert mine.post(f"{API}/reset", json={"event_id": "none", "data": file_data(own, url=url)}).status_code == 200


def test_gradio_refuses_the_same_without_the_fence(page: ClosedBlocks, secret: Path, browser_folder: Path) -> None:
    """Its own check is on though it is mounted, and it asks no address."""
    before = sorted(browser_folder.rglob("*"))
    context = LocalContext.blocks.set(page)
    try:
        for number, place in asked_of(page):
            block = page.fns[number].inputs[place]
            for value in (file_data(str(secret)), file_data("https://example.com/a.wav"), {"path": str(secret)}):
                with pytest.raises(InvalidPathError):
                    asyncio.run(page.preprocess_data(page.fns[number], body(page, number, place, value)["data"], None))
            with pytest.raises(InvalidPathError):
                asyncio.run(_as_gradio_does(file_data(str(secret)), block))
            with pytest.raises(gr.Error) as error:  # of what no page sends no trace comes into the log
                asyncio.run(page.preprocess_data(page.fns[number], [], None))
            assert not error.value.print_exception
    finally:
        LocalContext.blocks.reset(context)
    assert sorted(browser_folder.rglob("*")) == before


async def _as_gradio_does(value: Any, block: Any) -> Any:
    from gradio.processing_utils import async_move_files_to_cache

    return await async_move_files_to_cache(value, block, check_in_upload_folder=True)


def test_what_one_browser_uploads_and_hears_is_served_to_no_other(app: Any, browser_folder: Path) -> None:
    first, second = (TestClient(app, base_url="http://127.0.0.1:7860") for _ in range(2))
    path = upload(first, b"of the first browser")
    assert first.get(f"{API}/file={path}").content == b"of the first browser"
    assert second.get(f"{API}/file={path}").status_code == 404
    cookie = first.cookies["studio-browser"]
    assert upload(first, b"again") and first.cookies["studio-browser"] == cookie
    header = second.get("/en/config", headers={"Cookie": "studio-browser=../../x"}).headers["set-cookie"]
    assert "HttpOnly" in header and "SameSite=strict" in header
