"""Long texts over HTTP: a document, its cast, its sentences, the file in the end; nothing is lost."""

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gpt_sovits.services import bookshelf
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from tests.webui.humming import Humming, own_routes

PLAY = """# One

It was a dark night.
The rain fell.

Anna: Who is there?
Ben: Nobody, go to sleep.
Anna: Good night then.

## Two

Nobody answered her."""
BOOKS = "/en/own/books"
CAST = {"voices": {"": "invented1", "Anna": "invented2", "Ben": ""}}


@pytest.fixture
def engine() -> Humming:
    return Humming()


@pytest.fixture
def studio(settings: Settings, engine: Humming) -> Studio:
    return Studio(settings, synthesizer=engine)  # type: ignore[arg-type]


@pytest.fixture
def http(studio: Studio, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(own_routes(studio, tmp_path / "browser")) as client:
        yield client


def until(found: Callable[[], Any]) -> Any:
    for _ in range(400):
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError("it never came")


def begun(http: TestClient, text: str = PLAY, cast: dict[str, Any] = CAST) -> str:
    book = http.post(BOOKS, json={"text": text}).json()["book"]
    assert http.post(f"{BOOKS}/{book['id']}/begin", json=cast).json()["book"]["whole"] > 0
    return str(book["id"])


def state(http: TestClient, book: str) -> dict[str, Any]:
    return next(each for each in http.get(BOOKS).json()["books"] if each["id"] == book)


def spoken(http: TestClient, book: str) -> dict[str, Any]:
    http.post(f"{BOOKS}/{book}/go", json={})
    return dict(until(lambda: (now := state(http, book))["done"] == now["whole"] and not now["going"] and now))


def test_a_play_is_cast_spoken_changed_and_made_into_one_file(http: TestClient, engine: Humming) -> None:
    book = http.post(BOOKS, json={"text": PLAY}).json()["book"]
    inside = http.get(f"{BOOKS}/{book['id']}").json()["inside"]
    assert inside["chapters"] == ["One", "Two"] and inside["speakers"] == {"Anna": 2, "Ben": 1}
    assert inside["left_out"] == []
    place = f"{BOOKS}/{book['id']}"
    http.post(f"{place}/begin", json=CAST)
    assert spoken(http, book["id"])["title"] == "One"
    first = http.get(place).json()
    lines = {each["text"]: each for each in first["sentences"]}
    assert lines["Who is there?"]["role"] == "Anna" and (240, "Who is there?") in engine.said
    assert (160, "Ben: Nobody, go to sleep.") in engine.said  # who has no voice is read by the narrator
    second = http.get(f"{place}?chapter=1").json()["sentences"]
    assert [each["text"] for each in second] == ["Two", "Nobody answered her."]
    number = lines["Good night then."]["number"]
    again = http.post(f"{place}/sentences/{number}", json={}).json()["sentence"]
    assert again["takes"] == [1, 2] and again["heard"] == 2
    assert http.post(f"{place}/sentences/{number}", json={"take": 1}).json()["sentence"]["heard"] == 1
    assert http.get(f"{place}/sentences/{number}/2.flac").content.startswith(b"fLaC")
    changed = http.post(f"{place}/sentences/{number}", json={"text": "Sleep well."}).json()["sentence"]
    assert changed["text"] == "Sleep well." and engine.said[-1] == (240, "Sleep well.")
    made = http.post(f"{place}/make", json={"kind": "m4b", "title": "The night"}).json()
    assert made["chapters"] == 2 and abs(made["loudness"] + 16) < 0.5 and made["made"] == ["m4b", "srt", "vtt"]
    assert "Sleep well." in http.get(f"{place}/made.srt").text
    answer = http.get(f"{place}/made.m4b")
    assert answer.content[4:8] == b"ftyp" and answer.headers["content-disposition"].endswith("One.m4b")
    http.post(f"{place}/sentences/{number}", json={})
    assert http.get(f"{place}/made.m4b").status_code == 404  # it says something else now


def test_it_goes_on_after_a_stop_and_after_a_crash(
    http: TestClient, studio: Studio, engine: Humming, tmp_path: Path
) -> None:
    book = begun(http, "One stands here. Please wait for it. Three stands there.")
    http.post(f"{BOOKS}/{book}/go", json={})
    until(lambda: any("wait" in text for _, text in engine.said))
    assert http.post(f"{BOOKS}/{book}/stop", json={}).json()["book"]["going"] is False
    until(lambda: engine.dropped)
    assert state(http, book)["done"] == 1
    http.post(f"{BOOKS}/{book}/go", json={})
    until(lambda: len(engine.said) > 2)
    engine.go.set()
    with TestClient(own_routes(studio, tmp_path / "browser")) as after:  # the program came again, nobody pressed
        until(lambda: state(after, book)["done"] == 3)
    assert [text for _, text in engine.said].count("One stands here.") == 1


def test_takes_are_under_the_key_of_their_voice(http: TestClient, studio: Studio, settings: Settings) -> None:
    voice = studio.voices.save(studio.voices.mix("invented1", "invented2", 0.5), "Abo")
    book = begun(http, "One stands here. Two stands there.", {"voices": {"": voice}})
    spoken(http, book)
    files = list(settings.registry_dir.rglob("narrations/*/takes/*"))
    assert len(files) == 2 and all(not path.read_bytes().startswith(b"fLaC") for path in files)
    assert http.get(f"{BOOKS}/{book}/sentences/1/1.flac").status_code == 200
    studio.voices.lock(voice, "four words are good")
    answer = http.get(f"{BOOKS}/{book}/sentences/1/1.flac")
    assert answer.status_code == 404 and "locked" in answer.json()["problem"]
    assert "locked" in http.post(f"{BOOKS}/{book}/make", json={"kind": "wav"}).json()["problem"]
    http.put("/en/own/desk/speak", json={"voice": voice, "seen": [voice, "other"]})
    studio.voices.unlock(voice, "four words are good")
    assert studio.voices.destroy(voice).clean and not any(path.exists() for path in files)  # its id is nowhere either
    assert http.get("/en/own/desk/speak").json() == {"voice": "", "seen": ["other"]}
    http.put("/en/own/desk/speak", json={"voice": voice})  # by a page that is still open
    assert studio.voices.verify_destroyed(voice).clean
    http.post(f"{BOOKS}/{book}/go", json={})
    until(lambda: "was destroyed" in state(http, book)["problem"])


def test_documents_arrive_and_what_is_none_is_one_sentence(
    http: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    srt = b"1\n00:00:01,000 --> 00:00:02,000\nHello there.\n"
    sent = {"kind": "srt", "title": "Film 1", "data": b64encode(srt).decode()}
    assert http.post(BOOKS, json=sent).json()["book"]["title"] == "Film 1"
    for kind, data in (("exe", ""), ("../x", ""), ("docx", b64encode(b"no").decode()), ("txt", "no base64!")):
        assert "problem" in http.post(BOOKS, json={"kind": kind, "data": data}).json()
    assert "problem" in http.post(BOOKS, json={"text": " \n "}).json()
    for number in ("9" * 4000, "-1"):
        assert http.post(f"{BOOKS}/n1234567890/sentences/{number}", json={}).status_code == 422
    monkeypatch.setattr(bookshelf, "MOST_BOOKS", 1)
    assert "Too many narrations" in http.post(BOOKS, json=sent).json()["problem"]
    half = settings.registry_dir / "users" / "local" / "narrations" / "n1234567890abcdef0123"
    half.mkdir()
    (half / "source.txt").write_text("left by a kill")
    os.utime(half, (1, 1))
    assert len(http.get(BOOKS).json()["books"]) == 1 and not half.exists()
    for wrong_id in ("n0", "..", "%2e%2e%2fvoices"):
        assert "book" not in http.get(f"{BOOKS}/{wrong_id}").json()


def test_deleting_can_be_undone_for_a_while(
    http: TestClient, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    book = begun(http)
    http.delete(f"{BOOKS}/{book}")
    assert http.get(BOOKS).json()["books"] == []
    assert http.post(f"{BOOKS}/{book}/restore").json()["book"]["id"] == book and state(http, book)
    http.delete(f"{BOOKS}/{book}")
    now = bookshelf.time.time()
    monkeypatch.setattr(bookshelf.time, "time", lambda: now + 3601)
    assert http.get(BOOKS).json()["books"] == [] and not list(settings.registry_dir.rglob("narrations/*"))


def test_a_damaged_book_costs_itself_only(http: TestClient, settings: Settings) -> None:
    book, other = begun(http), begun(http)
    (next(settings.registry_dir.rglob(f"narrations/{book}")) / "about.json").write_text('{"title": []}')
    assert "damaged" in http.get(f"{BOOKS}/{book}").json()["problem"]
    assert [each["id"] for each in http.get(BOOKS).json()["books"]] == [other]
