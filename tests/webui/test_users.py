"""Two people who sign in to one studio, over HTTP: neither sees, hears, guesses or reaches what is the other's."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gpt_sovits.errors import MissingError, RefusedError
from gpt_sovits.jobs.intake import erase_intake
from gpt_sovits.services import voices as services
from gpt_sovits.settings import Settings
from gpt_sovits.storage.registry import Registry
from gpt_sovits.studio import Studio
from tests.storage.conftest import make_voice, stage
from tests.webui.serving import served
from webui import fence, person
from webui.sessions import Sessions

PASSWORDS = {"ana": "ana likes four words", "ben": "ben likes four words"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A voice of each of the two, and their accounts."""
    folder = tmp_path_factory.mktemp("users")
    made = Studio(Settings(folder / "data"), find_base=lambda name: None)
    registry = Registry(made.settings.registry_dir)
    recording = folder / "r.wav"
    recording.write_bytes(bytes(range(256)) * 8)
    for seed, (name, password) in enumerate(PASSWORDS.items()):
        made.users.add(name, password)
        voice = make_voice(seed, owner=name)
        registry.admit(name, f"voice of {name}", stage(folder / "jobs", voice, recording))
        made.session(name).lexicon.add(f"word of {name}", "=words", "")
    return made


@pytest.fixture(scope="module")
def folder(studio: Studio) -> Iterator[Path]:
    from webui import server

    with pytest.MonkeyPatch.context() as patch:
        for name in ("GRADIO_TEMP_DIR", "GRADIO_EXAMPLES_CACHE", "GRADIO_ANALYTICS_ENABLED"):
            patch.setenv(name, "")
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        yield server.prepare(studio.settings.cache_dir)


@pytest.fixture(scope="module")
def app(studio: Studio, folder: Path) -> Any:
    from webui.server import create_app

    return create_app(studio, folder, users=True)


@pytest.fixture(scope="module")
def address(app: Any) -> Iterator[str]:
    with served(app) as place:
        yield place


class Browser:
    """What a page does, without the page: joins the queue and reads the answers."""

    def __init__(self, address: str, name: str, session: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=120)
        self.name, self.session = name, session
        answer = self.http.post("/sign-in", data={"name": name, "password": PASSWORDS[name]})
        assert answer.status_code == 303, answer.text
        self.config = self.http.get("/en/config").json()
        self.ids = {c["props"].get("elem_id"): c["id"] for c in self.config["components"]}

    def event(self, output: str, inputs: int | None = None, trigger: str = "") -> dict[str, Any]:
        """The dependency that fills the component ``output``."""
        for each in self.config["dependencies"]:
            fits = self.ids[output] in each["outputs"] and inputs in (None, len(each["inputs"]))
            if fits and (not trigger or [self.ids.get(trigger), "click"] in [list(t) for t in each["targets"]]):
                return dict(each)
        raise AssertionError(f"nothing fills {output}")

    def run(self, event: dict[str, Any], data: list[Any], session: str = "") -> Any:
        """The output of an event; the HTTP answer when it was refused."""
        body = {"fn_index": event["id"], "data": data, "session_hash": session or self.session}
        joined = self.http.post("/en/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return joined
        with self.http.stream("GET", f"/en/gradio_api/queue/data?session_hash={self.session}") as answers:
            for line in answers.iter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    return message["output"].get("data", message["output"])
        raise AssertionError("the queue said nothing")

    def list_voices(self) -> str:
        return json.dumps(self.http.get("/en/own/people").json())

    def list_words(self) -> str:
        """By an event of the framework."""
        return json.dumps(self.run(self.event("words-list", inputs=0), []))

    def upload(self, content: bytes) -> str:
        answer = self.http.post("/en/gradio_api/upload", files={"files": ("clip.wav", content)})
        return str(answer.json()[0])

    def file(self, path: str) -> httpx.Response:
        return self.http.get(f"/en/gradio_api/file={path}")


@pytest.fixture(scope="module")
def ana(address: str) -> Browser:
    return Browser(address, "ana", "ana0session")


@pytest.fixture(scope="module")
def ben(address: str) -> Browser:
    return Browser(address, "ben", "ben0session")


def test_without_signing_in_there_is_only_the_door(address: str, folder: Path) -> None:
    nobody = httpx.Client(base_url=address, timeout=60)
    for path in ("/", "/en/", "/zh/"):
        assert nobody.get(path).headers["location"] == "/sign-in"
    sound = folder / "ana" / "x.wav"
    for path in ("/en/config", "/en/gradio_api/info", f"/en/gradio_api/file={sound}", "/en/gradio_api/heartbeat/x"):
        assert nobody.get(path).status_code == 401, path
    assert nobody.post("/en/gradio_api/upload", files={"files": ("a", b"x")}).status_code == 401
    assert nobody.post("/en/gradio_api/queue/join", json={"data": [], "session_hash": "x"}).status_code == 401
    assert "Please sign in." in nobody.get("/sign-in").text


def test_a_wrong_name_and_a_wrong_password_look_the_same(address: str) -> None:
    said = []
    for name, password in (("carl", "ana likes four words"), ("ana", "ana likes no words"), ("../ana", "x" * 9)):
        answer = httpx.post(f"{address}/sign-in", data={"name": name, "password": password}, timeout=60)
        assert answer.status_code == 403 and "set-cookie" not in answer.headers
        said.append(answer.text)
    assert len(set(said)) == 1 and "The name or the password is wrong." in said[0]


def test_each_sees_only_their_own_voices(ana: Browser, ben: Browser, studio: Studio) -> None:
    mine, theirs = ana.list_voices(), ben.list_voices()
    assert "voice of ana" in mine and "voice of ben" not in mine
    assert "voice of ben" in theirs and "voice of ana" not in theirs
    voice_id = studio.session("ana").voices.list()[0].id
    voices = studio.session("ben").voices
    for action in (voices.load, voices.sample, voices.destroy, voices.is_open):
        with pytest.raises(MissingError):
            action(voice_id)


def test_a_sound_is_served_to_the_one_it_was_made_for(ana: Browser, ben: Browser, studio: Studio) -> None:
    voice_id = studio.session("ana").voices.list()[0].id
    place = f"/en/own/people/{voice_id}/sample.wav"
    assert ana.http.get(place).content == b"RIFFsample" and ben.http.get(place).status_code == 404
    made = ana.run(ana.event("words-list", inputs=0), [])[3]
    path = made["value"]["path"] if "value" in made else made["path"]
    assert "/ana/" in path and b"word of ana" in ana.file(path).content
    for stranger in (ben.http, httpx.Client(base_url=str(ana.http.base_url))):
        for way in (f"/en/gradio_api/file={path}", f"/zh/gradio_api/file={path}", f"/en/gradio_api/file/{path}"):
            assert stranger.get(way).status_code in (401, 404)
    sneaky = path.replace("/ana/", "/ben/../ana/")
    assert ben.http.get(f"/en/gradio_api/file={sneaky}").status_code in (403, 404)


def test_the_handler_for_programs_speaks_with_ones_own_voices_only(address: str, ben: Browser, studio: Studio) -> None:
    place, voice = "/en/gradio_api/call/speak", studio.session("ana").voices.list()[0]
    for named in (voice.id, voice.name):
        wish = {"data": ["Hello.", named, "en", 1.0, 0.3, 0]}
        assert httpx.post(f"{address}{place}", json=wish, timeout=60).status_code == 401
        assert ben.http.post(place, json=wish, headers={"Origin": "http://evil.example"}).status_code == 403
        assert ben.http.post(place, json=wish, headers={"Host": "evil.example"}).status_code in (403, 421)
        begun = ben.http.post(place, json=wish).json()
        answer = ben.http.get(f"{place}/{begun['event_id']}").text if "event_id" in begun else "event: error"
        assert "event: error" in answer and ".wav" not in answer


def test_an_upload_is_the_uploaders(ana: Browser, ben: Browser) -> None:
    path = ana.upload(b"ana's words" * 50)
    assert ana.file(path).content == b"ana's words" * 50
    assert ben.file(path).status_code == 404
    as_input = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "clip.wav"}
    refused = ben.run(ben.event("words-list", inputs=0), [as_input])
    assert isinstance(refused, httpx.Response) and refused.status_code == 404
    nested = {"a": [{"b": as_input}]}
    refused = ben.run(ben.event("words-list", inputs=0), [nested])
    assert isinstance(refused, httpx.Response) and refused.status_code == 404
    same = ben.upload(b"ana's words" * 50)  # who has the same file may read it
    assert ben.file(same).status_code == 200 and ana.file(path).status_code == 200


def test_nobody_joins_anothers_page(ana: Browser, ben: Browser) -> None:
    ana.list_words()
    assert ben.http.get("/en/gradio_api/queue/data?session_hash=ana0session").status_code == 404
    assert ben.http.get("/en/gradio_api/heartbeat/ana0session").status_code == 404
    refused = ben.run(ben.event("words-list", inputs=0), [None], session="ana0session")
    assert isinstance(refused, httpx.Response) and refused.status_code == 404
    assert "word of ana" in ana.list_words() and "word of ana" not in ben.list_words()


@pytest.mark.parametrize(
    "kind", ["application/json", "application/JSON", "Application/Json; charset=utf-8", "a/b+JSON"]
)
def test_no_spelling_of_the_type_opens_the_fence(ana: Browser, ben: Browser, kind: str) -> None:
    ana.list_words()
    file = {"path": ana.upload(b"ana's secret" * 50), "meta": {"_type": "gradio.FileData"}}
    event = ben.event("words-list", inputs=0)["id"]
    bodies = (
        {"fn_index": event, "data": [file], "session_hash": "ben0session"},
        {"fn_index": event, "data": [None], "session_hash": "ana0session"},
    )
    for place in ("queue/join", "run/upload", "call/upload", "component_server"):
        for body in bodies:
            answer = ben.http.post(f"/en/gradio_api/{place}", content=json.dumps(body), headers={"Content-Type": kind})
            assert answer.status_code == 404 and "There is no such thing." in answer.text, place
    form = {"session_hash": "ana0session", "component_id": str(ben.ids["words-list"]), "fn_name": "sound"}
    parts = {key: (None, value) for key, value in form.items()}
    assert ben.http.post("/en/gradio_api/component_server", files=parts).status_code == 404


def test_nobody_hears_or_stops_anothers_event(ana: Browser, ben: Browser) -> None:
    body = {"fn_index": ana.event("words-list", inputs=0)["id"], "data": [None]}
    joined = ana.http.post("/en/gradio_api/queue/join", json={**body, "session_hash": "ana2session"})
    event = joined.json()["event_id"]
    for name in (event, "ana2session"):
        for way in (f"call/x/{name}", f"call/v2/x/{name}", f"heartbeat/{name}", f"stream/{name}/1/2/playlist.m3u8"):
            assert ben.http.get(f"/en/gradio_api/{way}").status_code == 404, way
    stop = {"session_hash": "ben0session", "fn_index": 0, "event_id": event}
    assert ben.http.post("/en/gradio_api/cancel", json=stop).status_code == 404
    assert ben.http.post(f"/en/gradio_api/stream/{event}/close").status_code == 404
    with ana.http.stream("GET", "/en/gradio_api/queue/data?session_hash=ana2session") as answers:
        assert any("word of ana" in line for line in answers.iter_lines())


def test_what_somebody_hands_in_is_theirs_alone(ana: Browser, ben: Browser, studio: Studio) -> None:
    begun = ana.http.post("/en/own/intake/clips", json={"kind": "spoken", "rate": 48000, "text": "ana's words"}).json()
    clip = begun["clip"]["id"]
    piece = {"at": 0, "data": base64.b64encode(b"\1\2" * 500).decode(), "done": True}
    assert ana.http.post(f"/en/own/intake/clips/{clip}", json=piece).json() == {"received": 1000}
    ana.http.put("/en/own/intake/form", json={"who": "Ana herself"})
    heard = ana.http.get(f"/zh/own/intake/clips/{clip}/hear")
    assert heard.content.endswith(b"\1\2" * 500) and heard.headers["cache-control"] == "private, no-store"
    for name in (clip, f"../../ana/now/{clip}", f"..%2f..%2fana%2fnow%2f{clip}", "../../../registry/users"):
        assert ben.http.get(f"/en/own/intake/clips/{name}/hear").status_code in (404, 405), name
    for way in ("", "/restore"):
        assert "problem" in ben.http.post(f"/en/own/intake/clips/{clip}{way}", json=piece).json()
    assert "problem" in ben.http.delete(f"/en/own/intake/clips/{clip}").json()
    assert "ana" not in ben.http.get("/en/own/intake").text.lower()
    nobody = httpx.Client(base_url=str(ana.http.base_url))
    assert nobody.get("/en/own/intake").status_code == nobody.post("/en/own/intake/learn").status_code == 401
    files = list((studio.settings.data_dir / "intake" / "ana").rglob("*.pcm"))
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600]
    ana.http.post("/en/own/intake/away")
    assert "problem" not in ana.http.post("/en/own/intake/back").json() and files[0].exists()
    erase_intake(studio.settings, "ana")  # as when an account is removed
    assert not files[0].exists() and ana.http.get("/en/own/intake").json()["clips"] == []


def test_the_fence_knows_every_way_to_name_something(app: Any) -> None:
    """What a new version of the pages' framework adds has to be looked at here first."""
    pages = next(each.app for each in app.routes if getattr(each, "path", "") == "/en")
    whose = {"session_hash", "event_id", "path", "path_or_url"}
    nobodys = {
        "run",
        "component_id",
        "segment_id",
        "ext",
        "api_name",
        "url_path",
        "id",
        "environment",
        "type",
        "file_name",
    }
    asked = set()
    for path, methods in pages.openapi()["paths"].items():
        for method, way in methods.items():
            asked |= {each["name"] for each in way.get("parameters", []) if each["in"] != "path"}
            if "/gradio_api/" in path:
                given = set(re.findall(r"{(\w+)}", path))
                names, files = fence._asked(fence._route({"path": f"/en{path}"}), method == "post")
                assert {each.strip("{}") for each in names + files} == given & whose and given <= whose | nobodys, path
    assert asked == {"session_hash", "upload_id", "deep_link", "page", "size", "all_session"}


def test_other_files_stay_out_of_reach(ben: Browser, studio: Studio) -> None:
    key = next((studio.settings.registry_dir / "users/ana/voices").glob("*/key"))
    account = studio.settings.registry_dir / "users/ben/account.json"
    for path in (key, account, "/etc/passwd", studio.settings.cache_dir):
        assert ben.file(str(path)).status_code in (403, 404), path


def test_a_new_password_and_a_removed_account_end_the_session(address: str, studio: Studio) -> None:
    studio.users.add("carl", "carl likes four words")
    PASSWORDS["carl"] = "carl likes four words"
    carl = Browser(address, "carl", "carl0session")
    assert carl.http.get("/en/config").status_code == 200
    studio.users.set_password("carl", "carl likes new words")
    assert carl.http.get("/en/config").status_code == 401
    PASSWORDS["carl"] = "carl likes new words"
    carl = Browser(address, "carl", "carl1session")
    studio.users.remove("carl")
    assert carl.http.get("/en/config").status_code == 401
    assert not (studio.settings.registry_dir / "users/carl").exists()


def test_signing_out_ends_it(address: str) -> None:
    browser = Browser(address, "ben", "ben1session")
    token = dict(browser.http.cookies)
    assert browser.http.post("/sign-out").headers["location"] == "/sign-in"
    assert httpx.get(f"{address}/en/config", cookies=token, timeout=60).status_code == 401


def test_a_voice_is_owned_in_the_page(ana: Browser, ben: Browser, studio: Studio) -> None:
    voice_id = studio.session("ana").voices.list()[0].id
    place = f"/en/own/people/{voice_id}"
    inside = ana.http.get(place).json()
    assert inside["journal"][0]["said"].startswith("trained") and inside["consent"][0]["who"] == "Ana"
    assert inside["consent"][0]["statement"] == "This is my voice and I agree."
    assert "no voice" in ben.http.get(place).json()["problem"]

    def press(deed: str, who: Browser = ana, **fields: Any) -> str:
        answer = who.http.post(f"{place}/{deed}", json=fields).json()
        return str(answer.get("said") or answer["problem"])

    version = studio.session("ana").voices.versions(voice_id)[0].id
    for deed in ("rename", "freeze", "lock", "send", "delete", "restore", "destroy"):
        assert "no voice" in press(deed, ben, name="voice of ana", secret="four words are good", sure=True)
    assert "frozen" in press("freeze")  # who signs in needs no passphrase: the password thaws
    may = set(ana.http.get(place).json()["may"])
    assert "unfreeze" in may and not may & {"rename", "train", "pin", "remove", "prune"}
    assert "is wrong" in press("unfreeze", secret="some other words")
    assert "may be changed again" in press("unfreeze", secret=PASSWORDS["ana"])
    assert "removed" not in press("prune", version=version)
    assert "not its name" in press("destroy", name="Voice of ana", sure=True)
    assert "tick the box" in press("destroy", name="voice of ana")
    friend = studio.session("ben").voices.public_key()
    assert "ready" in press("send", friend=friend, export=False, until="2999-01-01")
    data = ana.http.get(f"{place}/sent.gsvoice").content
    assert data.startswith(b"age-encryption.org/v1") and ben.http.get(f"{place}/sent.gsvoice").status_code == 404
    received = studio.session("ben").voices.import_file(data)
    card = studio.session("ben").voices.find(received)
    assert not card.terms.export and card.terms.until == "2999-01-01"
    about = ben.http.get(f"/en/own/people/{received}").json()
    assert "may not be passed on" in about["terms"] and "received" in about["journal"][0]["said"]
    studio.session("ben").voices.destroy(received)
    assert "deleted" in press("delete") and ana.http.get("/en/own/people").json()["own"] == []
    assert ana.http.post(f"{place}/restore", json={}).json() == {"said": ""}
    answer = ana.http.post(f"{place}/destroy", json={"name": "voice of ana", "sure": True}).json()
    assert "destroyed" in answer["said"] and voice_id in answer["receipt"]
    assert studio.session("ana").voices.list() == [] and studio.session("ana").voices.verify_destroyed(voice_id).clean


def test_a_voice_that_was_put_away_goes_after_an_hour(
    ben: Browser, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices = studio.session("ben").voices
    voice_id = voices.list()[0].id
    voices.put_away(voice_id)
    voices.bring_back(voice_id)
    assert [card.id for card in voices.list()] == [voice_id]
    voices.put_away(voice_id)
    now = services.time.time()
    monkeypatch.setattr(services.time, "time", lambda: now + 3601)
    assert voices.list() == [] and not (studio.settings.registry_dir / f"users/ben/voices/{voice_id}").exists()


def test_an_idle_session_ends() -> None:
    now = [0.0]
    sessions = Sessions(lambda user: "same", clock=lambda: now[0])
    token = sessions.begin("ana")
    now[0] = 11 * 3600.0
    assert sessions.user(token) == "ana"
    now[0] += 12 * 3600.0 + 1
    assert sessions.user(token) is None and sessions.user("guess") is None


def test_every_handler_gets_the_services_of_the_person_who_asks(studio: Studio) -> None:
    asked = iter(("ana", "ben"))
    ask = person.asking(studio, lambda: next(asked))
    assert [ask().user, ask().user] == ["ana", "ben"]
    with pytest.raises(RefusedError):
        person.asking(studio, person.signed_in)()
