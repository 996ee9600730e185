"""The fence alone, over an app that would show anything to anyone: whose files, sessions and events are whose."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import argon2
import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from gpt_sovits.storage import accounts, sounds
from webui import fence, uploads
from webui.guard import Guard
from webui.sessions import Sessions

API = "/en/gradio_api"
JOIN = f"{API}/queue/join"
TYPES = [
    "application/json",
    "application/JSON",
    "Application/Json; charset=utf-8",
    "APPLICATION/VND.API+JSON",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class People:
    """Ana and Ben, signed in; the app behind the fence answers with what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[bytes] = []
        self.answer: Any = None
        self.inner = Starlette(routes=[Route("/{rest:path}", self._show, methods=METHODS)])
        sessions = Sessions(lambda user: "same")
        self.app = fence.Fence(self.inner, check=lambda name, password: name, sessions=sessions, folder=folder)
        self.ana, self.ben = (
            TestClient(self.app, cookies={fence.COOKIE: sessions.begin(name)}) for name in ("ana", "ben")
        )

    async def _show(self, request: Request) -> Response:
        self.asked.append(await request.body())
        return JSONResponse(self.answer)

    def upload(self, who: TestClient, name: str) -> str:
        place = self.folder / name / "clip.wav"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(name.encode())
        self.answer = [str(place)]
        assert who.post(f"{API}/upload", files={"files": ("clip.wav", b"x")}).status_code == 200
        return str(place)


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", TYPES)
def test_what_a_body_names_is_seen_whatever_type_and_method(people: People, method: str, kind: str) -> None:
    path = people.upload(people.ana, "a" * 64)
    people.ana.post(JOIN, json={"session_hash": "ana0"})
    headers = {"Content-Type": kind} if kind else {}
    for body in ({"data": [{"path": path}]}, {"session_hash": "ana0"}, {"event_id": "ana0"}):
        coded = json.dumps(body).encode()
        asked = len(people.asked)
        assert people.ben.request(method, JOIN, content=coded, headers=headers).status_code == 404
        assert len(people.asked) == asked
        assert people.ana.request(method, JOIN, content=coded, headers=headers).status_code == 200
        assert people.asked[-1] == coded


@pytest.mark.parametrize("place", ["run/upload", "call/upload", "component_server", "upload/", "/upload", "cancel"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
def test_what_a_body_names_is_seen_wherever_it_goes_and_however_it_is_coded(
    people: People, place: str, coding: str
) -> None:
    people.ana.post(JOIN, json={"session_hash": "ana0"})
    body = json.dumps({"data": [], "session_hash": "ana0"}).encode(coding)
    assert people.ben.post(f"{API}/{place}", content=body).status_code == 404
    assert people.ana.post(f"{API}/{place}", content=body).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe\xfd", b"session_hash=ana0", b"[" * 100_000])
def test_a_body_that_is_not_json_goes_no_further(people: People, body: bytes) -> None:
    assert people.ben.post(JOIN, content=body).status_code == 404 and people.asked == []


@pytest.mark.parametrize("place", ["component_server", "queue/join", "run/upload", "call/upload", "stream/upload"])
def test_only_the_upload_takes_a_form(people: People, place: str) -> None:
    files, data = {"files": ("clip.wav", b"x")}, {"session_hash": "ana0"}
    assert people.ben.post(f"{API}/{place}", files=files, data=data).status_code == 404 and people.asked == []
    assert people.ben.put(f"{API}/upload", files=files, data=data).status_code == 404 and people.asked == []
    assert people.ben.post(f"{API}/upload", files=files, data=data).status_code == 200


def test_a_request_without_a_body_passes(people: People) -> None:
    for method in METHODS:
        assert people.ben.request(method, f"{API}/info").status_code == 200
    assert people.ben.post(f"{API}/stream/ben0/close").status_code == 200


@pytest.mark.parametrize(
    "spelling",
    [
        "file={}",
        "file/{}",
        "/file={}",
        "file=/{}",
        "file={}?download=1",
        "%66ile={}",
        "file%3D{}",
        "file%2F{}",
        "file=%2F{}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_file_is_the_uploaders_however_it_is_spelt(people: People, spelling: str, method: str) -> None:
    path = people.upload(people.ana, "a" * 64)
    for written in (path, path.replace("clip", "%63lip"), path.replace("/clip", "//clip"), path.replace("/", "%2F")):
        place = f"{API}/{spelling.format(written)}"
        assert people.ben.request(method, place).status_code == 404, place
        assert people.ana.request(method, place).status_code == 200, place
    own = people.upload(people.ben, "b" * 64)
    assert people.ben.get(f"{API}/file={own}/../../{'a' * 64}/clip.wav").status_code == 404


@pytest.mark.parametrize(
    "place",
    [
        "heartbeat/{}",
        "heartbeat/{}/",
        "stream/{}",
        "stream/{}/close",
        "stream/{}/1/2/playlist.m3u8",
        "call/speak/{}",
        "call/v2/speak/{}",
        "call/speak/{}/",
        "queue/data?session_hash={}",
        "queue/data?session_hash={}&session_hash=any0",
        "queue/data?session%5Fhash={}",
        "upload_progress?upload_id={}",
    ],
)
@pytest.mark.parametrize("spelling", ["ana0", "%61na0"])
def test_a_name_of_anothers_page_is_refused_wherever_it_stands(people: People, place: str, spelling: str) -> None:
    people.ana.get(f"{API}/heartbeat/ana0")
    for method in ("GET", "HEAD"):
        assert people.ben.request(method, f"{API}/{place.format(spelling)}").status_code == 404
        assert people.ana.request(method, f"{API}/{place.format(spelling)}").status_code == 200


def test_the_name_of_an_endpoint_is_nobodys(people: People) -> None:
    for who in (people.ana, people.ben):
        assert who.post(f"{API}/call/speak", json={"data": []}).status_code == 200
        assert who.post(f"{API}/call/v2/speak", json={"data": []}).status_code == 200


@pytest.mark.parametrize("place", ["queue/join", "call/speak", "call/v2/speak"])
def test_an_event_is_of_whoever_started_it(people: People, place: str) -> None:
    people.answer = {"event_id": "e1"}
    assert people.ana.post(f"{API}/{place}", json={"data": []}).json() == {"event_id": "e1"}
    assert people.ben.post(f"{API}/cancel", json={"event_id": "e1", "session_hash": "ben0"}).status_code == 404
    assert people.ben.get(f"{API}/call/speak/e1").status_code == 404
    assert people.ana.get(f"{API}/call/speak/e1").status_code == 200


def test_many_names_of_one_do_not_free_those_of_another(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "_MAX_NAMES", 3)
    people.ana.get(f"{API}/heartbeat/ana0")
    flood = [{"session_hash": f"ben{number}"} for number in range(100)]
    assert people.ben.post(JOIN, json={"data": flood}).status_code == 200
    assert people.ben.get(f"{API}/heartbeat/ana0").status_code == 404
    left = [number for number in range(100) if people.ana.get(f"{API}/heartbeat/ben{number}").status_code == 404]
    assert len(left) == 3


@pytest.mark.parametrize("way", ["file=https:", "file=http:", "file/https:", "file/http:", "file%2Fhttps:"])
def test_no_spelling_of_a_file_makes_the_studio_fetch_it_from_elsewhere(people: People, way: str) -> None:
    for app in (people.ana.app, Guard(people.inner)):
        client = TestClient(app, base_url="http://127.0.0.1", cookies=people.ana.cookies)
        assert client.get(f"{API}/{way}//x.example/a").status_code in (403, 404)
    assert people.asked == []


def test_a_folder_that_is_called_like_a_route_hides_no_file(tmp_path: Path) -> None:
    people = People(tmp_path / "file/call/stream")
    for who, name in ((people.ana, "ana"), (people.ben, "ben")):
        place = sounds.new_place(people.folder, name) / "speech.wav"
        place.write_bytes(b"x")
        assert who.get(f"{API}/file={place}").status_code == 200


def test_what_waits_of_one_leaves_room_for_another(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people.app, "_waiting", lambda owner: 99 if owner == "ben" else 0)
    for place in ("queue/join", "call/speak"):
        assert people.ben.post(f"{API}/{place}", json={"data": []}).status_code == 503
        assert people.ana.post(f"{API}/{place}", json={"data": []}).status_code == 200
    assert people.ben.post(f"{API}/cancel", json={"data": []}).status_code == 200


def test_uploads_are_bounded_for_each_and_for_the_disk(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    people.upload(people.ben, "b" * 64)
    monkeypatch.setattr(uploads, "MOST_OF_ONE", 300)
    big = {"files": ("clip.wav", bytes(400))}
    assert people.ben.post(f"{API}/upload", files=big).status_code == 413
    (people.folder / ("b" * 64) / "clip.wav").write_bytes(bytes(299))
    assert people.ben.post(f"{API}/upload", files={"files": ("a", b"x")}).status_code == 413
    assert people.ana.post(f"{API}/upload", files={"files": ("a", b"x")}).status_code == 200
    assert people.ana.post(f"{API}/upload", content=iter([b"x"])).status_code == 411
    monkeypatch.setattr(uploads, "MOST_OF_ONE", 10**9)
    monkeypatch.setattr(uploads, "LEFT_FREE", 2**60)
    assert people.ana.post(f"{API}/upload", files={"files": ("a", b"x")}).status_code == 507


def test_an_upload_that_breaks_off_leaves_nothing(people: People) -> None:
    left = people.folder / "tmpv810bfsj"
    left.write_bytes(bytes(100))
    whole = people.upload(people.ana, "a" * 64)
    assert not left.exists() and Path(whole).is_file()


def test_a_stranger_shuts_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    book = accounts.Accounts(tmp_path)
    book.add("ana", "ana likes four words")
    app = fence.Fence(Starlette(), folder=tmp_path, check=book.verify, sessions=Sessions(lambda user: "same"))

    def tries(address: str, password: str) -> int:
        client = TestClient(app, client=(address, 1), follow_redirects=False)
        return client.post("/sign-in", data={"name": "ana", "password": password}).status_code

    assert [tries("10.0.0.6", "guess number one") for _ in range(8)] == [403] * 8
    assert tries("10.0.0.6", "ana likes four words") == 403  # has to wait
    assert tries("10.0.0.7", "ana likes four words") == 303


def test_many_who_sign_in_at_once_are_hashed_two_at_a_time(tmp_path: Path) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def check(name: str, password: str) -> str:
        nonlocal running, most
        with lock:
            running, most = running + 1, max(most, running + 1)
        time.sleep(0.05)
        with lock:
            running -= 1
        return name

    app = fence.Fence(Starlette(), folder=tmp_path, check=check, sessions=Sessions(lambda user: "same"))

    async def all_at_once() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            form = {"name": "ana", "password": "x"}
            answers = await asyncio.gather(*(client.post("/sign-in", data=form) for _ in range(60)))
        return [answer.status_code for answer in answers]

    answers = asyncio.run(all_at_once())
    assert most == 2 and answers.count(303) == 20 and answers.count(503) == 40


def test_an_answer_that_ends_early_is_a_line_in_the_log_and_no_trace(tmp_path: Path, caplog: Any) -> None:
    async def stream(request: Request) -> Response:
        async def pieces() -> Any:
            yield b"data: 1"
            raise HTTPException(404)

        return StreamingResponse(pieces())

    app = fence.Fence(Starlette(routes=[Route("/early", stream)]), folder=tmp_path)
    with TestClient(app) as client:
        assert client.get("/early").status_code == 200
    assert "ended early (404)" in caplog.text and "Traceback" not in caplog.text
