"""The studio's voices for other programs: the clients that people have, and what a program may not."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import httpx
import openai
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import webui.api
from gpt_sovits.audio import silence
from gpt_sovits.encoding import FORMATS, inspect
from gpt_sovits.errors import InputError, RefusedError
from gpt_sovits.services.tokens import DEEDS
from gpt_sovits.storage.takes import TakeLine
from gpt_sovits.studio import Studio
from tests.dataset.test_build import SCRIPT, listening
from tests.jobs.fake_worker import fake_parts
from tests.models.official import small_state, write_gpt, write_sovits
from tests.models.test_import import GPT_KEYS, SOVITS_KEYS
from tests.webui.hum import SENTENCE_SECONDS, Hum, humming
from tests.webui.serving import served
from webui.api import Doors, callers, create_api, refused
from webui.api.callers import Limits
from webui.api.failures import AskedError
from webui.guard import Guard
from webui.sessions import Sessions

TEXT = "One. Two. Three"
PASSWORD = "four words are good"


def doors(studio: Studio, folder: Path, *, users: bool = False) -> Any:
    sessions = Sessions(studio.users.mark) if users else None
    return Guard(Doors(Starlette(), api=create_api(studio, folder, sessions)), say=refused)


def near(app: Any, **headers: str) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1:7860", client=("127.0.0.1", 50000), headers=headers)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Studio, Hum, dict[str, str], Path]:
    folder = tmp_path_factory.mktemp("api")
    studio, hum, ids = humming(
        folder,
        "local",
        "local2",
        parts=lambda each: fake_parts(each, 0.0),
        check_recording=lambda path: None,
        find_base=lambda name: None,
    )
    return studio, hum, ids, folder


@pytest.fixture(scope="module")
def app(made: Any) -> Any:
    return doors(made[0], made[3])


@pytest.fixture(scope="module")
def address(app: Any) -> Iterator[str]:
    with served(app) as place:
        yield place


@pytest.fixture
def client(app: Any) -> TestClient:
    return near(app)


def seconds(data: bytes, name: str) -> float:
    if name == "pcm":
        return len(data) / 2 / 24000
    with av.open(io.BytesIO(data)) as container:
        return float(sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0)))


def test_openais_own_client_speaks_through_us(address: str, tmp_path: Path) -> None:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="not needed") as client:
        assert "gpt-sovits" in [model.id for model in client.models.list()]
        for name in ("wav", "mp3", "opus", "flac", "aac", "pcm"):
            said = {"model": "tts-1", "voice": "Voice of local", "input": TEXT, "response_format": name}
            whole = client.audio.speech.create(**said, speed=1.25).read()
            with client.audio.speech.with_streaming_response.create(**said, instructions="whisper") as answer:
                chunks = list(answer.iter_bytes())
                assert answer.headers["X-Studio-Ignored"] == "instructions"
            for data in (whole, b"".join(chunks)):
                assert abs(seconds(data, name) - 3 * SENTENCE_SECONDS) < 0.08, name
            if name != "pcm":
                (tmp_path / name).write_bytes(whole)
                assert inspect(tmp_path / name).synthetic
        with pytest.raises(openai.NotFoundError) as caught:
            client.audio.speech.create(model="tts-1", voice="alloy", input="Hello")
        assert caught.value.code == "missing" and "alloy" in caught.value.message
        with pytest.raises(openai.BadRequestError):
            client.audio.speech.create(model="tts-1", voice="voice of local", input="Hello", speed=4.1)
        for speed, faster in ((0.25, 0.5), (4.0, 2.0)):  # what hums takes the same time at every speed within ours
            said = {"model": "tts-1", "voice": "Voice of local", "input": TEXT, "response_format": "flac"}
            stretched = seconds(client.audio.speech.create(**said, speed=speed).read(), "flac")
            assert abs(stretched - 3 * SENTENCE_SECONDS / faster) < 0.1, speed


def test_events_hold_the_same_sound(client: TestClient) -> None:
    asked = {"model": "m", "voice": "voice of local", "input": TEXT, "response_format": "pcm", "seed": 3}
    answer = client.post("/v1/audio/speech", json={**asked, "stream_format": "sse"})
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
    sound = b"".join(base64.b64decode(each.get("audio", "")) for each in events)
    assert [each["type"] for each in events][-1] == "speech.audio.done" and len(events) > 3
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert sound == client.post("/v1/audio/speech", json=asked).content
    marked = client.post("/v1/audio/speech", json={**asked, "mark": True}).content
    assert len(marked) - len(sound) == round(1.4 * 24000) * 2


def test_every_failure_has_one_shape_in_the_callers_language(client: TestClient) -> None:
    right = {"voice": "voice of local", "input": "Hello"}
    for change, status, code in (
        ({"voice": "nobody"}, 404, "missing"),
        ({"input": "..."}, 400, "input"),
        ({"speed": 9}, 400, "input"),
        ({"language": "klingon"}, 400, "input"),
        ({"input": None}, 422, "form"),
        ({"response_format": "exe"}, 422, "form"),
        ({"seed": -1}, 422, "form"),
        ({"sampling": {"temperature": 9}}, 422, "form"),
        ({"input": "\ud800"}, 422, "form"),
        ({"input": "a" * 30_000}, 413, "length"),
        ({"version": "r9"}, 404, "missing"),
    ):
        body = json.dumps({**right, **change}, ensure_ascii=True)
        for language, letters in (("en", "[A-Za-z]{4}"), ("zh-CN", "[\u4e00-\u9fff]{3}")):
            headers = {"Accept-Language": language, "Content-Type": "application/json"}
            answer = client.post("/v1/audio/speech", content=body, headers=headers)
            problem = answer.json()["error"]
            assert (answer.status_code, problem["code"]) == (status, code), change
            assert re.search(letters, problem["message"]) and set(problem) == {"message", "type", "code", "param"}
    big = client.post("/v1/audio/speech", content=b" " * (2**20 + 1)).json()
    assert big["error"]["code"] == "length"
    for answer in (client.get("/api/voices/Ada/sample"), client.patch("/api/voices/Ada", json={"name": "Eve"})):
        assert answer.status_code == 400 and "invented" in answer.json()["error"]["message"]
    for nowhere in ("/v1/nothing", "/v1", "/api"):
        assert client.get(nowhere).json()["error"]["code"] == "missing"
    for body, param in ((b"[" * 100_000, None), (b"{", None), (b'{"input": "Hi", "voice": {"id": 7}}', "voice")):
        problem = client.post("/v1/audio/speech", content=body, headers=headers).json()["error"]
        assert problem["code"] == "form" and (problem["param"] or "").partition(".")[0] == (param or ""), problem


def test_who_leaves_stops_the_work(address: str, made: Any) -> None:
    hum = made[1]
    hum.hold = threading.Event()
    try:
        for body in ({"response_format": "mp3"}, {"response_format": "wav"}, {"stream_format": "sse"}):
            before = len(hum.cancels)
            with pytest.raises(httpx.ReadTimeout):
                with httpx.stream(
                    "POST",
                    f"{address}/v1/audio/speech",
                    json={"voice": "voice of local", "input": TEXT, **body},
                    timeout=0.4,
                ) as answer:
                    list(answer.iter_raw())
            end = time.monotonic() + 5
            while not hum.cancels[before].cancelled and time.monotonic() < end:
                time.sleep(0.01)
            assert hum.cancels[before].cancelled, body
    finally:
        hum.hold = None


def test_too_much_at_once_or_in_a_minute_is_429(
    address: str, made: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hum = made[1]
    hum.hold = threading.Event()
    codes: list[int] = []

    def ask() -> None:
        body = {"voice": "voice of local", "input": TEXT, "response_format": "wav"}
        codes.append(httpx.post(f"{address}/v1/audio/speech", json=body, timeout=20).status_code)

    threads = [threading.Thread(target=ask) for _ in range(13)]
    try:
        for thread in threads:
            thread.start()
        end = time.monotonic() + 10
        while len(codes) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        assert codes == [429] * 3
    finally:
        hum.hold.set()
        hum.hold = None
        for thread in threads:
            thread.join()
    assert codes.count(200) == 10
    now = [0.0]
    limits = Limits(lambda: now[0])
    for _ in range(600):
        limits.count("a")
    with pytest.raises(AskedError):
        limits.count("a")
    limits.count("b")
    now[0] += 1.0
    limits.count("a")
    monkeypatch.setattr(callers, "MOST_OPEN", 2)
    with limits.open("a"), limits.open("b"), limits.open("a"):
        with pytest.raises(AskedError), limits.open("a"):
            pass
    with limits.open("a"):
        pass
    assert not limits._open
    monkeypatch.setattr(callers, "MOST_OPEN", 1)
    assert [near(app).get("/api/voices").status_code for _ in range(3)] == [200, 200, 200], "each ends with its answer"


def test_where_nobody_signs_in_only_this_computer_needs_no_token(made: Any, app: Any) -> None:
    studio = made[0]
    assert near(app).get("/v1/models").status_code == 200
    assert near(app, Authorization="Bearer sk-anything").get("/v1/models").status_code == 200
    far = TestClient(app, base_url="http://127.0.0.1:7860", client=("192.168.1.7", 1))
    assert far.get("/v1/models").status_code == 401 and far.get("/api/health").status_code == 200
    for name in ("Forwarded", "X-Forwarded-For", "Via"):
        assert near(app).get("/v1/models", headers={name: "for=9.9.9.9"}).status_code == 401
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        assert near(app).get("/v1/models", headers=headers).status_code == 403
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        answer = near(app).get("/v1/models", headers=headers)
        assert answer.status_code == 403 and answer.json()["error"]["code"] == "origin", headers
    token, shown = studio.session().tokens.add("reader")
    try:
        assert near(app).get("/v1/models").status_code == 401
        assert near(app, Authorization=f"Bearer {shown}").get("/v1/models").status_code == 200
        assert near(app, **{"X-API-Key": shown}).get("/v1/models").status_code == 200
        assert near(app).get("/v1/models", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
        assert far.get("/v1/models", headers={"Authorization": f"Bearer {shown}"}).status_code == 200
        assert near(app, Authorization=f"Bearer {shown[:-1]}x").get("/v1/models").status_code == 401
    finally:
        studio.session().tokens.revoke("reader")
    assert near(app, Authorization=f"Bearer {shown}").get("/v1/models").status_code == 401
    assert near(app).get("/v1/models").status_code == 200


def test_a_token_is_shown_once_and_kept_as_a_hash(made: Any) -> None:
    studio = made[0]
    token, shown = studio.session().tokens.add("radio", deeds=["speak"], voices=["voice of local"])
    kept = b"".join(path.read_bytes() for path in studio.settings.registry_dir.rglob("tokens/*.json"))
    assert shown.rpartition("_")[2].encode() not in kept and token.voices == {made[2]["local"]}
    with pytest.raises(InputError, match="already"):
        studio.session().tokens.add("Radio")
    with pytest.raises(InputError):
        studio.session().tokens.add("other", deeds=["everything"])
    studio.session().tokens.revoke("radio")
    for words in (shown, "gsv_", "gsv_../../x_" + "a" * 43, "gsv_local_" + "a" * 43):
        with pytest.raises(RefusedError):
            studio.users.of_token(words)


MIX = {"parts": [{"voice": "{voice}", "share": 1}, {"voice": "{voice}", "share": 1}]}
READING = {"recording": ("r.wav", b"RIFF sound")}
DOCUMENT = {"document": ("story.md", b"# One\n\nIt was a dark night in the kitchen.\n\nNobody came.")}
FORM = {"name": "Further", "consent": "I agree.", "script": "hello", "language": "en"}
ROUTES: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {  # the deed that it takes, and what to send
    ("POST", "/v1/audio/speech"): ("speak", {"json": {"voice": "{voice}", "input": TEXT}}),
    ("GET", "/v1/audio/voices"): ("", {}),
    ("GET", "/v1/models"): ("", {}),
    ("GET", "/v1/models/{name}"): ("", {}),
    ("GET", "/api/health"): ("", {}),
    ("GET", "/api/openapi.json"): ("", {}),
    ("GET", "/api/docs"): ("", {}),
    ("GET", "/api/voices"): ("", {}),
    ("GET", "/api/voices/{voice}"): ("", {}),
    ("GET", "/api/voices/{voice}/sample"): ("speak", {}),
    ("PATCH", "/api/voices/{voice}"): ("manage", {"json": {"name": "Stolen"}}),
    ("DELETE", "/api/voices/{voice}"): ("manage", {}),
    ("POST", "/api/read-as"): ("read", {"json": {"input": "Hello"}}),
    ("POST", "/api/mixes"): ("mix", {"json": {**MIX, "name": "Stolen"}}),
    ("POST", "/api/mixes/speech"): ("mix", {"json": {**MIX, "input": TEXT}}),
    ("GET", "/api/jobs"): ("train", {}),
    ("POST", "/api/jobs"): ("train", {"files": READING, "data": {**FORM, "again": "{voice}"}}),
    ("GET", "/api/jobs/{job}"): ("train", {}),
    ("GET", "/api/jobs/{job}/events"): ("train", {}),
    ("POST", "/api/jobs/{job}/stop"): ("train", {}),
    ("POST", "/api/jobs/{job}/resume"): ("train", {}),
    ("DELETE", "/api/jobs/{job}"): ("train", {}),
    ("GET", "/api/drafts"): ("train", {}),
    ("POST", "/api/drafts"): ("train", {"files": READING}),
    ("GET", "/api/drafts/{draft}"): ("train", {}),
    ("DELETE", "/api/drafts/{draft}"): ("train", {}),
    ("PATCH", "/api/drafts/{draft}/pieces/{piece}"): ("train", {"json": {"kept": False}}),
    ("GET", "/api/drafts/{draft}/pieces/{piece}/file"): ("train", {}),
    ("GET", "/api/models"): ("", {}),
    ("POST", "/api/models"): ("manage", {"files": {"files": ("s2G.pth", b"PK no weights")}}),
    ("GET", "/api/takes"): ("keep", {}),
    ("GET", "/api/takes/{take}"): ("keep", {}),
    ("GET", "/api/takes/{take}/file"): ("keep", {}),
    ("PATCH", "/api/takes/{take}"): ("keep", {"json": {"name": "Stolen"}}),
    ("POST", "/api/takes/{take}/again"): ("keep", {"json": {"sentence": 1}}),
    ("DELETE", "/api/takes/{take}"): ("keep", {}),
    ("POST", "/api/takes/{take}/restore"): ("keep", {}),
    ("GET", "/api/narrations"): ("keep", {}),
    ("POST", "/api/narrations"): ("keep", {"files": DOCUMENT}),
    ("GET", "/api/narrations/{narration}"): ("keep", {}),
    ("POST", "/api/narrations/{narration}/begin"): ("keep", {"json": {"voice": "{voice}"}}),
    ("POST", "/api/narrations/{narration}/go-on"): ("keep", {}),
    ("GET", "/api/narrations/{narration}/sentences"): ("keep", {}),
    ("GET", "/api/narrations/{narration}/sentences/{number}/file"): ("keep", {}),
    ("POST", "/api/narrations/{narration}/sentences/{number}/again"): ("keep", {}),
    ("PUT", "/api/narrations/{narration}/sentences/{number}"): ("keep", {"json": {"text": "Stolen."}}),
    ("GET", "/api/narrations/{narration}/file"): ("keep", {}),
    ("DELETE", "/api/narrations/{narration}"): ("keep", {}),
}


def filled(value: Any, **names: str) -> Any:
    if isinstance(value, str):
        return re.sub(r"{(\w+)}", lambda found: names.get(found[1], found[1]), value)
    if isinstance(value, dict):
        return {key: filled(each, **names) for key, each in value.items()}
    return [filled(each, **names) for each in value] if isinstance(value, list) else value


def touches(method: str, path: str) -> bool:
    """Whether a route is asked for what is one person's."""
    named = path + json.dumps(ROUTES[method, path][1], default=str)
    return bool(re.search(r"{(voice|job|draft|take|narration)}", named))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Studio, Any, dict[str, str], dict[str, str]]:
    """Ana and Ben sign in; each has a voice, Ana a training, a take and a narration too."""
    folder = tmp_path_factory.mktemp("two")
    studio, _, ids = humming(folder, "ana", "ben", check_recording=lambda path: None, find_base=lambda name: None)
    for name in ("ana", "ben"):
        studio.users.add(name, PASSWORD)
    app = doors(studio, folder, users=True)
    _, shown = studio.session("ana").tokens.add("maker", deeds=DEEDS)
    job = near(app, Authorization=f"Bearer {shown}").post("/api/jobs", files=READING, data=FORM)
    assert job.status_code == 201, job.text
    session = studio.session("ana")
    voice = session.voices.load(ids["ana"])
    lines = session.speech.lines("Good morning.", voice)
    kept = [TakeLine(line.start, line.end, 0.0, 0.0, 0) for line in lines]
    sounds = [session.speech.say(line, voice) for line in lines]
    take = session.takes.keep(voice, "Good morning.", kept, sounds, language="auto", speed=1.0, pause=0.3, seed=0)
    book = session.books.put(DOCUMENT["document"][1], "md", "story")
    session.books.begin(book.id, {"": ids["ana"]})
    base, recording = listening(folder)
    studio.core.base = lambda name: base  # type: ignore[method-assign]
    draft = session.jobs.reviews.prepare(recording, script=SCRIPT, language="en", base="mini")
    named = {"job": job.json()["id"], "draft": draft.id, "take": take.id, "narration": book.id}
    return studio, app, ids, {**named, "number": "1", "piece": str(draft.pieces[0].number)}


def test_the_table_knows_every_route(two: Any, app: Any) -> None:
    api = app._app._api
    found = {(method.upper(), path) for path, ways in api.openapi()["paths"].items() for method in ways}
    assert found | {("GET", "/api/openapi.json"), ("GET", "/api/docs")} == set(ROUTES)
    doors = Path(webui.api.__file__).parent.glob("*.py")
    assert sum(file.read_text(encoding="utf-8").count("include_in_schema") for file in doors) == 2, "these two"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_rights_on_a_voice_there_is_nothing(two: Any, method: str, path: str) -> None:
    studio, app, ids, hers = two
    _, shown = studio.session("ben").tokens.add("all of mine", deeds=DEEDS)
    try:
        ben = near(app, Authorization=f"Bearer {shown}")
        sent = {key: filled(each, voice=ids["ana"]) for key, each in ROUTES[method, path][1].items() if key != "files"}
        files = {"files": READING} if "files" in ROUTES[method, path][1] else {}
        place = filled(path, voice=ids["ana"], **hers)
        files = {"files": ROUTES[method, path][1]["files"]} if files else {}
        answer = ben.request(method, place, **sent, **files)
        if touches(method, path):
            assert answer.status_code == 404, answer.text
        assert ids["ana"] not in answer.text.replace(place, "").replace(f"'{ids['ana']}'", "")
        said = answer.text.replace(f"no job {hers['job']}", "")
        assert not [each for each in ("voice of ana", *hers.values()) if len(each) > 1 and each in said]
        by_name = filled(ROUTES[method, path][1].get("json"), voice="voice of ana")
        if by_name and "{voice}" in json.dumps(ROUTES[method, path][1]["json"]):
            assert ben.request(method, place, json=by_name).status_code == 404
        if ROUTES[method, path][0]:
            stranger = near(app).request(method, place, **sent, **files)
            assert stranger.status_code == 401, stranger.text
    finally:
        studio.session("ben").tokens.revoke("all of mine")
    assert studio.session("ana").voices.find(ids["ana"]).name == "voice of ana"
    assert studio.session("ana").jobs.get(hers["job"]).state == "queued"
    assert all(piece.kept for piece in studio.session("ana").jobs.reviews.open(hers["draft"]).pieces)
    assert studio.session("ana").takes.list()[0].name == "" and studio.session("ana").books.list()[0].done == 0


@pytest.mark.parametrize(("method", "path"), [key for key, (deed, _) in ROUTES.items() if deed])
def test_a_token_does_its_deeds_only_with_its_voices(two: Any, method: str, path: str) -> None:
    studio, app, ids, hers = two
    deed, sent = ROUTES[method, path]
    place = filled(path, voice=ids["ana"], **hers)
    sent = {key: each if key == "files" else filled(each, voice=ids["ana"]) for key, each in sent.items()}
    tokens = studio.session("ana").tokens
    _, other = tokens.add("other deeds", deeds=set(DEEDS) - {deed})
    _, no_voice = tokens.add("of the invented", deeds=DEEDS, voices=["invented1"])
    try:
        answer = near(app, Authorization=f"Bearer {other}").request(method, place, **sent)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "deed")
        answer = near(app, Authorization=f"Bearer {no_voice}").request(method, place, **sent)
        hidden = touches(method, path) or path in ("/api/drafts", "/api/models")
        assert answer.status_code in ((403, 404) if hidden else (200, 201)), answer.text
        assert "voice of ana" not in answer.text
    finally:
        tokens.revoke("other deeds")
        tokens.revoke("of the invented")


_TRUSTING = """
import sys
from gpt_sovits.services import model_files, model_worker
model_files.check_part = lambda *given: None  # the networks of this test are tiny
sys.exit(model_worker.main(sys.argv[1:]))
"""


def test_official_files_come_in_over_http_and_from_python(
    client: TestClient, made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = made[0].models
    monkeypatch.setattr(library, "_worker", (sys.executable, "-c", _TRUSTING))
    names = ("流萤_e8_s200.pth", "s1bert25hz-5kh-longer-epoch=12-step=369668.ckpt")
    write_sovits(tmp_path / names[0], "v2", small_state("sovits_v2", SOVITS_KEYS), tuned=True)
    write_gpt(tmp_path / names[1], small_state("gpt_v2", GPT_KEYS))
    sent = [("files", (f"../{name}", (tmp_path / name).read_bytes())) for name in names]
    answer = client.post("/api/models", files=sent)
    assert answer.status_code == 201 and answer.json()["models"] == ["流萤_e8_s200"], answer.text
    assert not list(made[3].glob("api-*"))
    library.take_in([tmp_path / name for name in names], name="again")
    assert library.wait(60).state == "done"
    found = {card["name"]: card for card in client.get("/api/models").json()}
    assert all(found[name]["missing"] == ["content"] for name in ("流萤_e8_s200", "again")) and found["mini"]["chosen"]
    refused = client.post("/api/models", files={"files": ("s2G.pth", b"PK no weights")})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "input")
    monkeypatch.setattr(library, "_begin", None)  # a file that is nothing starts no process
    nothing = client.post("/api/models", files={"files": ("胡桃.pth", b"")}, headers={"Accept-Language": "zh"})
    assert nothing.json()["error"]["message"].startswith("胡桃.pth 已损坏：它几乎是空的。"), nothing.text
    assert client.post("/api/models", data={"name": "x"}).status_code == 400, "the folder for imports is empty"


def test_a_removed_or_never_added_account_has_no_tokens(two: Any) -> None:
    studio, app, _, _ = two
    studio.users.add("carl", PASSWORD)
    _, shown = studio.session("carl").tokens.add("x")
    _, local = studio.session().tokens.add("before there were accounts")
    carl = near(app, Authorization=f"Bearer {shown}")
    assert carl.get("/v1/models").status_code == 200
    studio.users.remove("carl")
    assert carl.get("/v1/models").status_code == 401
    assert near(app, Authorization=f"Bearer {local}").get("/v1/models").status_code == 401


def test_a_voice_is_learnt_watched_and_stopped(client: TestClient, made: Any) -> None:
    made_job = client.post("/api/jobs", files=READING, data=FORM)
    job = made_job.json()["id"]
    assert made_job.status_code == 201 and not list(made[3].glob("api-*"))
    assert client.post(f"/api/jobs/{job}/stop").json()["state"] == "stopped"
    events = client.get(f"/api/jobs/{job}/events").text
    assert json.loads(events.split("data: ")[1])["state"] == "stopped"
    assert client.post(f"/api/jobs/{job}/resume").json()["state"] == "queued"
    assert client.delete(f"/api/jobs/{job}").status_code == 409
    client.post(f"/api/jobs/{job}/stop")
    assert client.delete(f"/api/jobs/{job}").status_code == 204
    assert client.get(f"/api/jobs/{job}").status_code == 404
    others = {**FORM, "who_speaks": "Ben", "consent": ""}
    assert client.post("/api/jobs", files=READING, data=others).status_code in (400, 403, 422)


def test_a_recording_is_looked_over_corrected_and_trained_with(
    client: TestClient, made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, recording = listening(tmp_path)
    monkeypatch.setattr(made[0].core, "base", lambda name: base)
    sent: dict[str, Any] = {"files": {"recording": ("mine.wav", recording.read_bytes())}}
    draft = client.post("/api/drafts", **sent, data={"script": SCRIPT, "language": "en"}).json()
    assert [each["id"] for each in client.get("/api/drafts").json()] == [draft["id"]]
    assert not list(made[3].glob("api-*"))
    assert client.post("/api/drafts", **sent).status_code == 409, "what waits for its person is not thrown away"
    place, piece = f"/api/drafts/{draft['id']}", draft["pieces"][0]
    sound = client.get(f"{place}/pieces/{piece['number']}/file").content
    assert abs(seconds(sound, "wav") - (piece["end"] - piece["start"])) < 0.01
    change = client.patch(f"{place}/pieces/{piece['number']}", json={"text": "Purple elephants.", "kept": False}).json()
    assert change["text"] == "Purple elephants." and not change["kept"]
    assert client.patch(f"{place}/pieces/99", json={"kept": True}).status_code == 404
    assert client.get(place).json()["seconds"] < draft["seconds"]
    asked = {"name": "Looked over", "consent": "I agree."}
    job = client.post("/api/jobs", data={**asked, "draft": draft["id"]})
    assert job.status_code == 201 and client.get(place).status_code == 404, job.text
    client.post(f"/api/jobs/{job.json()['id']}/stop")
    assert client.delete(f"/api/jobs/{job.json()['id']}").status_code == 204
    assert client.post("/api/jobs", data=asked).status_code == 422
    again = client.post("/api/drafts", **sent, data={"script": SCRIPT, "language": "en"}).json()
    assert client.delete(f"/api/drafts/{again['id']}").status_code == 204 and client.get("/api/drafts").json() == []


def test_takes_and_narrations(client: TestClient, made: Any) -> None:
    studio, _, ids, _ = made
    session = studio.session()
    voice = session.voices.load(ids["local"])
    text = "Good morning to all of you in the kitchen. How are you today, and who has slept well?"
    lines = session.speech.lines(text, voice)
    kept = [TakeLine(line.start, line.end, 0.0, 0.0, 3) for line in lines]
    sounds = [session.speech.say(line, voice, seed=3) for line in lines]
    take = session.takes.keep(voice, text, kept, sounds, language="auto", speed=1.0, pause=0.3, seed=3).id
    assert client.patch(f"/api/takes/{take}", json={"name": "Hello", "starred": True}).json()["starred"]
    assert client.get("/api/takes").json()[0]["name"] == "Hello"
    for kind in ("mp3", "vtt"):
        found = client.get(f"/api/takes/{take}/file", params={"format": kind})
        assert found.status_code == 200 and len(found.content) > 30
    again = client.post(f"/api/takes/{take}/again", json={"sentence": 2, "seed": 9})
    assert again.status_code == 201 and again.json()["id"] != take and len(again.json()["sentences"]) == 2
    assert client.post(f"/api/takes/{take}/again", json={"sentence": 9}).status_code == 404
    assert client.delete(f"/api/takes/{take}").status_code == 204
    assert client.post(f"/api/takes/{take}/restore").status_code == 200

    book = client.post("/api/narrations", files=DOCUMENT).json()["id"]
    assert client.post("/api/narrations", files={"document": ("x.exe", b"x")}).status_code == 400
    place = f"/api/narrations/{book}"
    assert client.get(f"{place}/sentences").status_code == 404
    begun = client.post(f"{place}/begin", json={"voice": "voice of local", "roles": {"Zed": "voice of local"}}).json()
    whole = begun["whole"]
    assert whole == 3 and begun["unheard"] == ["Zed"] and client.get(f"{place}/file").status_code == 404
    events = [json.loads(line[6:]) for line in client.post(f"{place}/go-on").text.splitlines() if line]
    assert [each["type"] for each in events] == ["sentence"] * whole + ["done"]
    assert client.put(f"{place}/sentences/2", json={"text": "It was a bright night."}).json()["takes"] == 1
    assert client.post(f"{place}/sentences/2/again").json()["takes"] == 2
    assert client.get(f"{place}/sentences").json()[1]["text"] == "It was a bright night."
    assert client.put(f"{place}/sentences/2", json={"take": 1}).json()["chosen"] == 1
    heard = [client.get(f"{place}/sentences/2/file", params={"take": take}) for take in (1, 2, 3)]
    assert [each.status_code for each in heard] == [200, 200, 404] and seconds(
        heard[0].content, "flac"
    ) == SENTENCE_SECONDS
    assert heard[0].content == client.get(f"{place}/sentences/2/file").content != heard[1].content
    subtitles = client.get(f"{place}/file", params={"format": "srt"})
    assert "It was a bright night." in subtitles.text and subtitles.headers["content-type"].startswith("text/plain")
    sound = client.get(f"{place}/file", params={"format": "mp3"})
    assert seconds(sound.content, "mp3") > 3 * SENTENCE_SECONDS and sound.headers["content-type"] == "audio/mpeg"
    named = client.post("/api/narrations", files=DOCUMENT, data={"title": "My own"}).json()
    assert named["title"] == "My own" and client.delete(f"/api/narrations/{named['id']}").status_code == 204
    assert client.get(place).json()["roles"] == {"": ids["local"], "Zed": ids["local"]}
    assert client.delete(place).status_code == 204 and client.get(place).status_code == 404


def test_what_is_in_doubt_is_told(client: TestClient, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hum, whole = made[1], made[1].speak

    def doubting(*asked: Any, **manner: Any) -> Any:
        for number, piece in enumerate(whole(*asked, **manner)):
            lacking = ("мир",) if number == 2 else ()
            yield replace(piece, doubt="held" if number == 1 else None, left_out=lacking)

    monkeypatch.setattr(hum, "speak", doubting)
    asked = {"voice": "voice of local", "input": TEXT, "response_format": "wav"}
    answer = client.post("/v1/audio/speech", json=asked)
    assert answer.headers["X-Studio-Doubt"] == "5-8 held, 10-15 left-out"
    text = client.post("/v1/audio/speech", json={**asked, "stream_format": "sse"}).text
    last = json.loads(text.strip().splitlines()[-1][6:])
    with monkeypatch.context() as nothing_is_read:
        mute = lambda *a, **k: (replace(piece, audio=silence(0, 32000)) for piece in whole(*a, **k))  # noqa: E731
        nothing_is_read.setattr(hum, "speak", mute)
        for form in ("wav", "pcm"):
            assert client.post("/v1/audio/speech", json={**asked, "response_format": form}).status_code == 400
    assert [each.get("doubt") for each in last["doubts"]] == ["held", None] and last["doubts"][1]["left_out"] == ["мир"]

    odd = {"document": ("a\0\u202e.txt", "It’s a dog’s life.".encode("cp1252"))}
    told = client.post("/api/narrations", files=odd).json()["error"]["message"]
    assert "UTF-8" in told and str(made[0].settings.data_dir) not in told, "where it lies is nobody's business"
    place = f"/api/narrations/{client.post('/api/narrations', files=DOCUMENT).json()['id']}"
    client.post(f"{place}/begin", json={"voice": "voice of local"})
    told = client.post(f"{place}/begin", json={"voice": "voice of local"}).json()["error"]["message"]
    assert str(made[0].settings.data_dir) not in told
    made[0].core.heard.forget(made[2]["local"])  # the same was spoken before, and nothing was doubted then
    monkeypatch.setattr(hum, "speak", lambda *a, **k: (replace(piece, doubt="held") for piece in whole(*a, **k)))
    client.post(f"{place}/go-on")
    monkeypatch.undo()
    assert client.get(place).json()["doubted"] == [1, 2, 3]
    assert {each["doubt"] for each in client.get(f"{place}/sentences").json()} == {"held"}
    events = client.post(f"{place}/go-on", params={"doubted": True}).text
    assert events.count('"sentence"') == 3 and client.get(place).json()["doubted"] == []


def test_mixes_and_readings(client: TestClient, made: Any) -> None:
    parts = [{"voice": made[2]["local"], "share": 2}, {"voice": "voice of local2", "share": 1}]
    said = client.post("/api/mixes/speech", json={"parts": parts, "input": TEXT, "response_format": "flac"})
    assert said.status_code == 200 and abs(seconds(said.content, "flac") - 1.5) < 0.01
    kept = client.post("/api/mixes", json={"parts": parts, "name": "Both"})
    assert kept.status_code == 201 and kept.json()["kind"] == "mix"
    assert client.patch(f"/api/voices/{kept.json()['id']}", json={"name": "Two"}).json()["name"] == "Two"
    assert client.delete("/api/voices/two").status_code == 204
    assert client.get("/api/voices/two").status_code == 404
    readings = client.post("/api/read-as", json={"input": "On 3 May.", "language": "en"}).json()
    assert [each["text"] for each in readings][:1] == ["On"] and all(each["why"] for each in readings)


def test_the_description_loads_nothing_and_names_every_status(client: TestClient) -> None:
    page = client.get("/api/docs").text
    assert "/v1/audio/speech" in page and not re.search(r"https?://(?!127\.0\.0\.1)", page) and "<script" not in page
    for ways in client.get("/api/openapi.json").json()["paths"].values():
        for way in ways.values():
            assert way["tags"] and way["summary"]
    assert set(FORMATS) >= {"wav", "mp3", "opus", "flac", "aac", "pcm"}
