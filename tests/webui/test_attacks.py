"""Attacks on the server: none is answered by a crash, with what is not the sender's, or with a way to elsewhere.

Each row is one attack. The first round of them stands in the tests beside this one; this is what a fresh eye added.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from tests.webui.test_closed import upload
from webui import fence

OURS = "127.0.0.1:7860"
API = "/en/gradio_api"
JOIN = f"{API}/queue/join"


@pytest.fixture
def client(app: Any) -> TestClient:
    return TestClient(app, base_url=f"http://{OURS}", raise_server_exceptions=False, follow_redirects=False)


# ------------------------------------------------------------------------------------------------ names and origins

FOREIGN = ["evil.example@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1:7860,evil.example", "127.0.0.1#evil.example"]
FOREIGN += ["127.0.0.1/evil", "127.0.0.1?x", "127.0.0.1\\evil.example", "127.0.0.1 evil.example", "127.0.0.1:evil"]
FOREIGN += [
    "127.0.0.1:",
    "127.0.0.1:99999999",
    "127.0.0.1.",
    "localhost.",
    "localhost.localdomain",
    "127.1",
    "0x7f000001",
]
FOREIGN += [
    "2130706433",
    "0177.0.0.1",
    "[::1%eth0]",
    "[::ffff:10.0.0.1]",
    "::1",
    "[::1",
    "１２７.0.0.1",
    "localhost\u0000",
    "*",
]


@pytest.mark.parametrize("host", FOREIGN)
def test_only_a_plain_name_of_ours_is_a_host(client: TestClient, host: str) -> None:
    assert client.get("/en/config", headers={"Host": host.encode()}).status_code == 403


def test_two_hosts_are_none(client: TestClient) -> None:
    for hosts in ([OURS, "evil.example"], ["evil.example", OURS]):
        assert client.get("/en/config", headers=[("Host", host) for host in hosts]).status_code == 403


ORIGINS = [
    "http://127.0.0.1:7860@evil.example",
    "http://127.0.0.1:7860.evil.example",
    "http://127.0.0.1",
    "null",
    "file://",
]
ORIGINS += [
    "http://localhost:7860",
    "chrome-extension://abc",
    "http://127.0.0.1:7861",
    "//evil",
]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET"])
def test_no_other_origin_is_answered(client: TestClient, origin: str, method: str) -> None:
    asking = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = client.request(method, f"{API}/reset", headers=asking)
    assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers


def test_a_page_without_encryption_is_not_the_encrypted_one(app: Any) -> None:
    client = TestClient(app, base_url=f"https://{OURS}", raise_server_exceptions=False)
    for origin, status in ((f"http://{OURS}", 403), (f"https://{OURS}", 200)):
        assert client.post(f"{API}/reset", headers={"Origin": origin}, json={"event_id": "x"}).status_code == status


def test_two_origins_are_none(client: TestClient) -> None:
    two = [("Origin", f"http://{OURS}"), ("Origin", "http://evil.example")]
    assert client.post(f"{API}/reset", headers=two).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "evil", "SAME-ORIGIN ", ""])
def test_what_a_browser_says_of_elsewhere_is_believed(client: TestClient, site: str) -> None:
    for mode in ("cors", "no-cors", "navigate", "websocket"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
        assert client.post(f"{API}/reset", headers=headers, json={"event_id": "x"}).status_code == 403
        assert client.get(f"{API}/heartbeat/x", headers=headers).status_code == 403


# ----------------------------------------------------------------------------------------------------------- routes

ROUTES = ["/login", "/logout", "/en/login", "/en/logout", "/en/gradio_api/token", "/en/gradio_api/app_id", "/en/token"]
ROUTES += [
    "/en/gradio_api/custom_component/x/client/component/../../x",
    "/en/svelte/../../../etc/passwd",
    "/en/assets/..%2f..%2fx",
]
ROUTES += [
    "/en/static/..%5c..%5cx",
    "/en/static/%2e%2e/%2e%2e/x",
    "/en/assets/%00",
    "/en/gradio_api/run/-1",
    "/en/gradio_api/api/x",
]
ROUTES += [
    "/en/gradio_api/call/x/" + "y" * 5000,
    "/en/gradio_api/queue/status",
    "/en/gradio_api/startup-events",
    "/en/manifest.json",
]
ROUTES += [
    "/v1/../en/config",
    "/v1/%2e%2e/en/config",
    "/api/..%2fen/config",
    "//evil.example/",
    "//evil.example/en",
    "/en//evil.example",
]
ROUTES += [
    "/\\evil.example",
    "/en/%0d%0aSet-Cookie:x=1",
    "/?language=%0d%0aX:1",
    "/?language=//evil.example",
    "/en/?__theme=//evil",
]
ROUTES += [
    "/en/gradio_api/stream/a/b/1/playlist.m3u8",
    "/en/gradio_api/stream/a/b/x/playlist-file",
    "/en/pwa_icon/../../x",
]
ROUTES += [
    "/en/gradio_api/upload_progress?upload_id=" + "x" * 5000,
    "/.git/config",
    "/app.py",
    "/en/.env",
    "/%c0%ae%c0%ae/x",
]


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_fails_shows_or_leads_elsewhere(client: TestClient, route: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "PROPFIND"):
        answer = client.request(method, route)
        assert answer.status_code < 500, (method, answer.text[:300])
        assert b"root:x:" not in answer.content and b"import " not in answer.content[:200]
        assert urlsplit(answer.headers.get("location", "")).netloc in ("", OURS)
        assert "x" not in answer.cookies and answer.headers["x-content-type-options"] == "nosniff"


# ---------------------------------------------------------------------------------------------------------- events

BODIES: list[Any] = [None, [], 5, "x", {}, {"data": None}, {"data": "x"}, {"data": {"a": 1}}, {"data": [None] * 10_000}]
BODIES += [{"data": [], "fn_index": n, "session_hash": "s"} for n in (-1, 9999, 10**30, 1.5, "x", True, None, [], {})]
BODIES += [
    {"data": [], "fn_index": 0, "session_hash": s} for s in (5, None, [], {}, "", "x" * 5000, "a\0b", "\ud800", "../x")
]
BODIES += [{"data": [], "fn_index": 0, "session_hash": "s", key: value} for key, value in (
    ("batched", True), ("trigger_id", "x"), ("trigger_id", 10**20), ("event_data", [1]), ("event_data", {"target": 1}),
    ("simple_format", True), ("event_id", 5), ("event_id", "x" * 5000), ("request", {"headers": {}}), ("api_name", "x"),
    ("oauth_token", "x"), ("__class__", "x"), ("data", [{"__type__": "update", "value": 1}]), ("data", [float("inf")]),
    ("data", [{"is_stream": True, "meta": {"_type": "gradio.FileData"}}]), ("data", [{"meta": {"_type": "x"}}]),
)]  # fmt: skip
PLACES = [
    "queue/join",
    "run/predict",
    "api/predict",
    "call/x",
    "call/v2/x",
    "component_server",
    "cancel",
    "reset",
    "stream/s",
]


@pytest.mark.parametrize("place", PLACES)
def test_no_shape_of_an_event_breaks_the_server(client: TestClient, place: str) -> None:
    for body in BODIES:
        answer = client.post(f"{API}/{place}", content=json.dumps(body).encode())
        assert answer.status_code < 500, (place, str(body)[:200], answer.text[:300])


def test_what_cannot_be_read_is_not_sent_back(client: TestClient) -> None:
    body = b'{"page": "p", "text": "%s", "pause": NaN, "voice": "\\ud800"}' % (b"x" * 100_000)
    answer = client.post("/en/own/live", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and len(answer.content) < 200


RAW = [b'{"data": [], "data": [{"path": "/etc/passwd"}], "fn_index": 0, "session_hash": "s"}']
RAW += [b'{"d\\u0061ta": [{"p\\u0061th": "/etc/passwd"}], "fn_index": 0, "session_hash": "s"}']
RAW += [
    b'{"data": [{"path": "\\/etc\\/passwd"}], "fn_index": 0, "session_hash": "s"}',
    b'{"data": ' + b"[" * 3000 + b"]" * 3000 + b"}",
]
RAW += [
    json.dumps({"data": [{"path": "/etc/passwd"}], "fn_index": 0, "session_hash": "s"}).encode(c)
    for c in ("utf-16", "utf-32")
]
RAW += [
    b"\xef\xbb\xbf" + b'{"data": [{"url": "http:\\/\\/127.0.0.1:22\\/gradio_api\\/file=x"}], "session_hash": "s"}',
    b"\x80abc",
    b"{" * 500,
]


@pytest.mark.parametrize("number", range(len(RAW)))
def test_no_writing_of_a_body_hides_a_file(client: TestClient, number: int) -> None:
    for kind in (
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
    ):
        answer = client.post(JOIN, content=RAW[number], headers={"Content-Type": kind, "Content-Encoding": "identity"})
        assert answer.status_code in (404, 422), (kind, answer.status_code, answer.text[:200])


def test_names_take_no_room(client: TestClient, app: Any) -> None:
    """What a browser calls its pages is remembered, so it has to be short."""
    for name in ("x" * 300, "x" * 1_000_000):
        assert client.post(JOIN, json={"data": [], "fn_index": 0, "session_hash": name}).status_code == 404
        assert (
            client.post(f"{API}/cancel", json={"event_id": name, "session_hash": "s", "fn_index": 0}).status_code == 404
        )
    assert client.get(f"{API}/heartbeat/{'x' * 300}").status_code == 404


# ---------------------------------------------------------------------------------------------------------- uploads

NAMES = [
    "../../x.wav",
    "..\\..\\x.wav",
    "/etc/cron.d/x",
    "a\0b.wav",
    "con.wav",
    ".bashrc",
    "x" * 3000 + ".wav",
    "\u202egnp.exe",
    "",
]
NAMES += [
    " ",
    ".",
    "..",
    "x.wav/",
    "$(id).wav",
    "a;b|c.wav",
    "x.html",
    "x.svg",
    "x.php",
    "%2e%2e%2fx",
    "\r\nX: y",
    "💥.wav",
    "a" * 255,
]


@pytest.mark.parametrize("name", NAMES)
def test_an_upload_lies_in_its_folder_and_is_never_a_page(client: TestClient, browser_folder: Path, name: str) -> None:
    page = b"<script>alert(1)</script>"
    answer = client.post(f"{API}/upload", files={"files": (name, page)})
    assert answer.status_code in (200, 400, 422), answer.text[:200]
    for place in answer.json() if answer.status_code == 200 else []:
        assert browser_folder.resolve() in Path(place).resolve().parents
        got = client.get(f"{API}/file={place}")
        assert got.status_code in (200, 403, 404)
        served = got.headers.get("content-type", "")
        assert got.status_code != 200 or "attachment" in got.headers.get("content-disposition", "") or not any(
            kind in served for kind in ("html", "svg", "xml", "javascript")
        ), served  # fmt: skip


FORMS = [
    (b"", "multipart/form-data; boundary=x"),
    (b"--x--\r\n", "multipart/form-data"),
    (b"--x\r\n\r\n\r\n--x--", "text/plain"),
]
FORMS += [(b"--x\r\nContent-Disposition: form-data; name=files\r\n\r\nabc", "multipart/form-data; boundary=x")]
FORMS += [
    (b"--x\r\nContent-Disposition: form-data; name=files; filename=a\r\n\r\nabc", "multipart/form-data; boundary=x")
]
FORMS += [
    (b"--" + b"y" * 9000 + b"\r\n\r\n", "multipart/form-data; boundary=" + "y" * 9000),
    (b"{}", "application/json"),
]
FORMS += [(b"--x\r\n" + b"X: y\r\n" * 5000 + b"\r\n--x--", "multipart/form-data; boundary=x")]
FORMS += [(b'--x\r\nContent-Disposition: form-data; name="files"; filename*=utf-8\'\'..%2f..%2fx\r\n\r\na\r\n--x--\r\n',
           "multipart/form-data; boundary=x")]  # fmt: skip


@pytest.mark.parametrize("number", range(len(FORMS)))
def test_no_form_breaks_the_upload(client: TestClient, browser_folder: Path, number: int) -> None:
    body, kind = FORMS[number]
    answer = client.post(f"{API}/upload", content=body, headers={"Content-Type": kind})
    assert answer.status_code < 500, answer.text[:300]
    assert not list(browser_folder.glob("tmp*"))


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-0," * 2000, "bytes=99999999999-", "bytes=-99999999", "bytes=5-1", "x", "bytes=0-18446744073709551616"],
)
def test_no_range_breaks_a_sound(client: TestClient, asked: str) -> None:
    path = upload(client, b"RIFF" * 100)
    answer = client.get(f"{API}/file={path}", headers={"Range": asked})
    assert answer.status_code < 500 and len(answer.content) < 200_000


# ------------------------------------------------------------------------------------------- many at once, raw sockets


def test_many_at_once_of_one_browser_are_answered_and_bounded(client: TestClient) -> None:
    client.get("/en/config")
    found: list[int] = []

    def ask(number: int) -> None:
        body = {"data": [], "fn_index": 0, "session_hash": f"race{number % 3}"}
        found.append(client.post(JOIN, json=body).status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == 40 and all(status < 500 or status == 503 for status in found), found


def test_of_one_owner_so_many_requests_are_open_and_so_many_pages_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.webui.test_fence import People

    people, gone = People(tmp_path), []
    monkeypatch.setattr(people.app, "_forget", gone.append)
    people.app._open["ben"] = fence.MOST_OPEN
    assert people.ben.get(f"{API}/heartbeat/b0").status_code == 503
    assert people.ana.get(f"{API}/heartbeat/a0").status_code == 200 and not people.app._open["ana"]
    for number in range(fence._MOST_PAGES + 6):
        assert people.ana.post(JOIN, json={"session_hash": f"page{number}"}).status_code == 200
    assert gone == [f"page{number}" for number in range(6)]
    monkeypatch.setattr(fence, "_MOST_OWNERS", 5)
    for number in range(20):
        people.app._owner(f"name{number}", f"browser{number}")
    assert len(people.app._names) == 5 and len(people.app._pages) <= 5


WIRE = [
    b"GET /en/config HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
]
WIRE += [
    b"POST /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
]
WIRE += [
    b"POST /en/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5, 6\r\n\r\nabcde",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]
WIRE += [
    b"GET /en/config HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    b"GET /\0 HTTP/1.1\r\n\r\n",
]
WIRE += [
    b"GET http://evil.example/en/config HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    b"get / http/1.1\r\n\r\n",
]
WIRE += [
    b"GET /en/config HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    b"\r\n" * 500 + b"X",
]
WIRE += [
    b"POST /en/gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nx"
]
_UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
_UPGRADE += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
WIRE += [b"GET /en/config HTTP/1.1\r\nHost: 127.0.0.1\r\n" + _UPGRADE]


@pytest.mark.parametrize("number", range(len(WIRE)))
def test_no_bytes_on_the_wire_stop_the_server(address: str, number: int) -> None:
    host, port = urlsplit(address).hostname, urlsplit(address).port
    said = b""
    with (
        contextlib.suppress(OSError),  # the server may hang up before it has heard everything
        socket.create_connection((host or "", port or 0), timeout=20) as wire,
    ):
        wire.sendall(WIRE[number])
        wire.shutdown(socket.SHUT_WR)
        while len(said) < 10_000 and (more := wire.recv(4096)):
            said += more
    status = said.split(b" ", 2)[1] if said.startswith(b"HTTP/") else b"none"
    assert status in (b"none", b"400", b"403", b"404", b"405", b"411", b"431", b"200", b"307"), said[:200]
    assert status != b"200" or number in (0, len(WIRE) - 1), said[
        :200
    ]  # one that says it twice is read once; no upgrade
