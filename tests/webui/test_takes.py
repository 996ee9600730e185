"""Takes over HTTP: what was spoken is kept with its voice and under its key, and nothing is deleted by mistake."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gpt_sovits.encoding import inspect
from gpt_sovits.services.speech import SpeechService
from gpt_sovits.settings import Settings
from gpt_sovits.storage import takes as stored
from gpt_sovits.studio import Studio
from tests.webui.humming import Humming, frames, own_routes

TEXT = "Good morning to all of you. The kettle is on the stove. 今天我们去公园散步。"


@pytest.fixture
def studio(settings: Settings) -> Studio:
    return Studio(settings, synthesizer=Humming())  # type: ignore[arg-type]


@pytest.fixture
def http(studio: Studio) -> Iterator[TestClient]:
    with TestClient(own_routes(studio)) as client:
        yield client


def speak(http: TestClient, voice: str = "invented1", **wish: Any) -> dict[str, Any]:
    body = {"page": "p", "text": TEXT, "voice": voice, "keep": True, **wish}
    found = [frame["take"] for frame in frames(http.post("/en/own/live", json=body).content) if "take" in frame]
    return dict(found[0])


def listed(http: TestClient) -> list[dict[str, Any]]:
    return list(http.get("/en/own/takes").json()["takes"])


def seconds(data: bytes) -> float:
    with wave.open(io.BytesIO(data)) as sound:
        return sound.getnframes() / sound.getframerate()


def test_what_is_spoken_is_kept_named_starred_and_taken_along(
    http: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = speak(http, pause=0.5, seed=7)
    assert take["voice_name"] == "Ada" and take["seed"] == 7 and take["seconds"] == pytest.approx(3 * 0.4 + 2 * 0.5)
    assert [line["text"] for line in take["lines"]][2] == "今天我们去公园散步。"
    place = f"/en/own/takes/{take['id']}"
    assert http.post(place, json={"name": " Breakfast "}).json()["take"]["name"] == "Breakfast"
    assert http.post(place, json={"starred": True}).json()["take"]["starred"]
    assert listed(http) == [{**take, "name": "Breakfast", "starred": True}]
    answer = http.get(f"{place}/take.wav")
    assert seconds(answer.content) == pytest.approx(2.2)
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Breakfast.wav"
    for kind in ("flac", "mp3", "opus"):
        (tmp_path / f"x.{kind}").write_bytes(http.get(f"{place}/take.{kind}").content)
        assert inspect(tmp_path / f"x.{kind}").synthetic, kind
    assert "00:00:00,900 --> 00:00:01,800\nThe kettle is on the stove." in http.get(f"{place}/take.srt").text
    assert http.get(f"{place}/take.vtt").text.startswith("WEBVTT")
    assert http.get(f"{place}/take.exe").status_code == 404
    monkeypatch.setattr(SpeechService, "starts", lambda self, sound, text, language: [(0, 0.0), (text.find(" "), 0.1)])
    heard = http.get(f"{place}/words").json()["words"]
    assert heard[:3] == [
        {"text": "Good", "from": 0.0, "to": 0.1},
        {"text": "morning to all of you.", "from": 0.1, "to": 0.9},
        {"text": "The", "from": 0.9, "to": 1.0},
    ]
    for wrong in ("t0", "..", "%2e%2e%2fvoices"):
        assert http.get(f"/en/own/takes/{wrong}/take.wav").status_code == 404


def test_one_sentence_is_said_again_in_a_new_take(http: TestClient) -> None:
    take = speak(http)
    again = http.post(f"/en/own/takes/{take['id']}/again", json={"line": 1, "seed": 99}).json()["take"]
    assert {each["id"] for each in listed(http)} == {again["id"], take["id"]}
    before, after = (http.get(f"/en/own/takes/{each['id']}/take.wav").content for each in (take, again))
    assert len(before) == len(after) and again["lines"] == take["lines"]
    asked = http.post(f"/en/own/takes/{take['id']}/again", json={"line": 9, "seed": 1}).json()
    assert asked["problem"].startswith("The take has no such line.")


def test_deleting_can_be_undone_for_a_while(
    http: TestClient, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    take = speak(http)
    http.delete(f"/en/own/takes/{take['id']}")
    assert listed(http) == []
    assert http.post(f"/en/own/takes/{take['id']}/restore").json()["take"] == take and listed(http) == [take]
    http.delete(f"/en/own/takes/{take['id']}")
    folders = list(settings.registry_dir.rglob("takes/*"))
    assert len(folders) == 1
    now = stored.time.time()
    monkeypatch.setattr(stored.time, "time", lambda: now + 3601)
    assert listed(http) == [] and not list(settings.registry_dir.rglob("takes/*"))
    assert http.post(f"/en/own/takes/{take['id']}/restore").json()["problem"].startswith("This take is not here")


def test_takes_lock_and_burn_with_their_voice(
    http: TestClient, studio: Studio, settings: Settings, tmp_path: Path
) -> None:
    blend = {"first": "invented1", "second": "invented2", "ratio": 0.5}
    body = {"page": "p", "text": TEXT, "blend": blend, "keep": True}
    assert "not stored yet" in list(frames(http.post("/en/own/live", json=body).content))[-1]["problem"]
    voice = http.post("/en/own/mix", json={**blend, "name": "Abo"}).json()["voice"]
    take, other = speak(http, voice), speak(http, "invented1")
    assert [entry.what for entry in studio.voices.journal(voice)][-1] == "spoke"
    files = [
        path for path in (settings.registry_dir / f"users/local/voices/{voice}/takes").rglob("*") if path.is_file()
    ]
    assert len(files) == 2 and all(
        b"kettle" not in path.read_bytes() and b"RIFF" not in path.read_bytes() for path in files
    )
    backup = tmp_path / "b"
    studio.voices.backup(backup, "four words are good")
    assert "is here already and differs" not in " ".join(studio.voices.restore(backup, "four words are good").conflicts)
    studio.voices.lock(voice, "four words are good")
    assert [each["id"] for each in listed(http)] == [other["id"]]
    assert http.get(f"/en/own/takes/{take['id']}/take.wav").status_code == 404
    studio.voices.unlock(voice, "four words are good")
    assert len(listed(http)) == 2
    assert studio.voices.destroy(voice).clean
    assert [each["id"] for each in listed(http)] == [other["id"]] and not any(path.exists() for path in files)


def test_a_stopped_speech_and_one_too_long_are_no_takes(http: TestClient) -> None:
    body = {"page": "p", "text": "This goes on. And then boom.", "voice": "invented1", "keep": True}
    http.post("/en/own/live", json=body)
    body["text"] = "Too long. " * 2001
    assert "more than 20000 characters" in list(frames(http.post("/en/own/live", json=body).content))[-1]["problem"]
    assert listed(http) == []
