"""What the guard lets through, and what other web pages cannot do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from webui.api import refused
from webui.guard import MAX_UPLOAD, Guard


def client(host: str = "127.0.0.1", names: tuple[str, ...] = ()) -> TestClient:
    async def hello(request: object) -> PlainTextResponse:
        return PlainTextResponse("hello")

    inner = Starlette(routes=[Route("/{rest:path}", hello, methods=["GET", "POST"])])
    return TestClient(Guard(inner, host=host, names=names), base_url="http://127.0.0.1:7860")


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "127.0.0.1"])
def test_own_names_pass(host: str) -> None:
    assert client().get("/", headers={"Host": host}).text == "hello"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7860",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.4:7860",
        "",
        "[",
        "0",
    ],
)
def test_a_name_that_is_not_ours_is_refused(host: str) -> None:
    """DNS rebinding: the address is right, the name is somebody else's."""
    answer = client().get("/", headers={"Host": host})
    assert answer.status_code == 403
    assert "hello" not in answer.text


def test_on_a_network_addresses_pass_but_names_do_not() -> None:
    studio = client(host="0.0.0.0", names=("studio.lan",))
    assert studio.get("/", headers={"Host": "192.168.1.4:7860"}).status_code == 200
    assert studio.get("/", headers={"Host": "studio.lan:7860"}).status_code == 200
    assert studio.get("/", headers={"Host": "evil.example:7860"}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:7860", ""]
)
def test_a_request_from_another_page_is_refused(origin: str) -> None:
    answer = client().post("/", headers={"Host": "127.0.0.1:7860", "Origin": origin})
    assert answer.status_code == 403


def test_a_request_from_our_own_page_passes() -> None:
    same = {"Host": "127.0.0.1:7860", "Origin": "http://127.0.0.1:7860", "Sec-Fetch-Site": "same-origin"}
    assert client().post("/", headers=same).status_code == 200


def test_other_pages_may_link_here_but_not_embed_or_call() -> None:
    host = {"Host": "127.0.0.1:7860", "Sec-Fetch-Site": "cross-site"}
    assert client().get("/", headers={**host, "Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert client().get("/x.wav", headers={**host, "Sec-Fetch-Mode": "no-cors"}).status_code == 403
    assert client().get("/en/gradio_api/file=x", headers={**host, "Sec-Fetch-Mode": "navigate"}).status_code == 403
    assert client().post("/", headers={**host, "Sec-Fetch-Mode": "navigate"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/en/gradio_api/file=https://x.example/a", "/en/gradio_api/proxy=https://x.example/a"]
)
def test_the_server_fetches_nothing_from_elsewhere(path: str) -> None:
    assert client().get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/en/gradio_api/file=/home/dev/data/cache/browser/ana/x/vibe-check-at-noon.wav",
        "/zh/gradio_api/file=/srv/dev/monitoring/process_recording.wav",
        "/en/gradio_api/file=/data/proxy=1/deep_link.wav",
        "/en/gradio_api/call/speak/monitoring",
    ],
)
def test_no_word_of_a_persons_is_a_blocked_page(path: str) -> None:
    assert client().get(path).status_code == 200


@pytest.mark.parametrize("page", ["monitoring", "monitoring/summary", "deep_link", "vibe-edit/", "dev/reload"])
@pytest.mark.parametrize("way", ["/en/gradio_api/{}", "/en/{}", "//en//gradio_api//{}", "/{}", "/zh/gradio_api/{}"])
def test_pages_of_the_framework_stay_shut_however_they_are_spelt(page: str, way: str) -> None:
    assert client().get(way.format(page)).status_code == 403


def test_an_upload_beyond_the_limit_is_refused_before_it_is_read() -> None:
    answer = client().post("/", headers={"Content-Length": str(MAX_UPLOAD * 2)})
    assert answer.status_code == 403


def test_every_answer_allows_the_page_to_load_from_here_only() -> None:
    for answer in (client().get("/"), client().get("/", headers={"Host": "evil.example"})):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "http:" not in policy and "https:" not in policy and "*" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_who_hangs_up_in_the_middle_is_no_failure() -> None:
    async def reads(scope: object, receive: object, send: object) -> None:
        raise ClientDisconnect

    async def hung_up() -> None:
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"127.0.0.1")]}
        await Guard(reads)(scope, reads, reads)

    asyncio.run(hung_up())


@pytest.mark.parametrize("path", ["/v1/audio/speech", "/en/"])
def test_a_server_that_stops_says_so_where_nothing_was_answered(path: str) -> None:
    begun = {"type": "http.response.start", "status": 200, "headers": []}

    async def asked(first: bool) -> list[Any]:
        sent: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if first:
                await send(begun)
            await asyncio.sleep(60)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "headers": [(b"host", b"127.0.0.1")]}
        running = asyncio.create_task(Guard(app, say=refused)(scope, None, send))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        running.cancel()
        await running
        return sent

    assert [message["type"] for message in asyncio.run(asked(True))] == ["http.response.start"]
    start, body = asyncio.run(asked(False))
    assert start["status"] == 503 and b"stopped" in body["body"]
    assert (dict(start["headers"]).get(b"retry-after") == b"10") == path.startswith("/v1")
