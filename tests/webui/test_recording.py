"""From the first second of a recording to a queued job, over HTTP: it comes in pieces, stays, and can be undone."""

from __future__ import annotations

import base64
import io
import os
import threading
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from gpt_sovits.audio import Audio, wav_bytes
from gpt_sovits.events import Event
from gpt_sovits.files import sha256_of
from gpt_sovits.jobs import intake
from gpt_sovits.jobs.run import Progress
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.voices.consent import Consent
from tests.webui.humming import Humming, own_routes
from webui import i18n

RATE = 16000
FORM = {"name": "Ana", "who": "Ana", "purpose": "a test", "agreed": True}


def opened(settings: Settings) -> Studio:
    return Studio(
        settings,
        synthesizer=Humming(),  # type: ignore[arg-type]
        find_base=lambda name: None,
        check_recording=lambda path: None,
    )


@pytest.fixture
def studio(settings: Settings) -> Studio:
    return opened(settings)


@pytest.fixture
def http(studio: Studio) -> Iterator[TestClient]:
    with TestClient(own_routes(studio)) as client:
        yield client


def state(http: TestClient) -> dict[str, Any]:
    return dict(http.get("/en/own/intake").json())


def begin(http: TestClient, **about: Any) -> str:
    return str(http.post("/en/own/intake/clips", json={"kind": "spoken", "rate": RATE, **about}).json()["clip"]["id"])


def send(http: TestClient, clip: str, data: bytes, at: int = 0, done: bool = False) -> dict[str, Any]:
    body = {"at": at, "data": base64.b64encode(data).decode(), "done": done}
    return dict(http.post(f"/en/own/intake/clips/{clip}", json=body).json())


def read(http: TestClient, sentence: int, value: int, seconds: float = 1.0, done: bool = True, **about: Any) -> str:
    """A try at a sentence whose samples all are ``value``."""
    clip = begin(http, passage="p", sentence=sentence, text=f"Sentence {sentence}.", **about)
    send(http, clip, np.full(int(RATE * seconds), value, "<i2").tobytes(), done=done)
    return clip


def file(http: TestClient, name: str, content: bytes, kind: str = "file") -> str:
    clip = begin(http, kind=kind, name=name, size=len(content), rate=0)
    half = len(content) // 2
    assert send(http, clip, content[:half]) == {"received": half}
    assert send(http, clip, content[half:], at=half, done=True) == {"received": len(content)}
    return clip


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2")


def test_pieces_arrive_once_and_in_order_whatever_is_sent_again(http: TestClient, studio: Studio) -> None:
    clip = begin(http, text="Hello.")
    assert send(http, clip, b"abcd") == {"received": 4}
    assert send(http, clip, b"abcd") == {"received": 4}  # sent again, as its answer was lost
    assert send(http, clip, b"cdef", at=2) == {"received": 6}
    assert send(http, clip, b"zz", at=10) == {"received": 6}  # the ones between are missing
    assert send(http, clip, b"", at=6, done=True) == {"received": 6}
    assert send(http, clip, b"more", at=6) == {"received": 6}  # it has ended
    assert http.get(f"/en/own/intake/clips/{clip}/hear").content.endswith(b"abcdef")
    assert state(http)["clips"][0]["done"]
    stored = next(studio.settings.data_dir.rglob("*.pcm"))
    assert stored.read_bytes() == b"abcdef" and stored.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("about", "status"),
    [
        ({"rate": 0, "size": 2**31, "kind": "file"}, 200),
        ({"rate": 7}, 200),
        ({"rate": 0}, 200),
        ({"kind": "voice"}, 422),
        ({"path": "/etc/passwd"}, 422),
        ({"sentence": -1}, 422),
    ],
)
def test_what_no_page_sends_is_refused(http: TestClient, about: dict[str, Any], status: int) -> None:
    answer = http.post("/en/own/intake/clips", json={"kind": "spoken", "rate": RATE, **about})
    assert answer.status_code == status and "clip" not in answer.json()
    assert state(http)["clips"] == []


def test_what_is_too_large_is_refused(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = file(http, "memo.m4a", b"x" * 1000)
    small = begin(http, kind="file", name="../../evil.sh", size=10, rate=0)
    assert "longer than it may be" in send(http, small, b"x" * 11)["problem"]
    assert "too large" in send(http, small, b"x" * (intake.MOST_PIECE + 1))["problem"]
    assert http.post(f"/en/own/intake/clips/{clip}", json={"at": 0, "data": "no base64!"}).status_code == 422
    monkeypatch.setattr(intake, "MOST_TOGETHER", 500)
    assert "take too much room" in send(http, small, b"x")["problem"]
    monkeypatch.setattr(intake, "MOST_CLIPS", 2)
    assert "too many" in http.post("/en/own/intake/clips", json={"kind": "spoken", "rate": RATE}).json()["problem"]
    for form in ({"name": "x" * 201}, {"path": "/etc"}, {"agreed": "perhaps"}):
        assert http.put("/en/own/intake/form", json=form).status_code == 422


def test_of_several_tries_the_last_that_was_read_to_its_end_counts(http: TestClient, studio: Studio) -> None:
    jobs = studio.jobs
    read(http, 1, 10)
    read(http, 0, 20, done=False)
    assert [clip.sentence for clip in jobs.intake.chosen()] == [0, 1]
    again = read(http, 1, 30)
    read(http, 1, 40, seconds=5, done=False)  # broken off: the one before stays
    heard = samples(jobs.intake.recording())
    assert len(heard) == 2 * RATE and list(heard[[0, -1]]) == [20, 30]
    assert jobs.intake.script() == "Sentence 0.\nSentence 1."
    before = jobs.intake.signature()
    http.delete(f"/en/own/intake/clips/{again}")
    assert samples(jobs.intake.recording())[-1] == 10 and jobs.intake.signature() != before
    http.post(f"/en/own/intake/clips/{again}/restore")
    assert samples(jobs.intake.recording())[-1] == 30 and jobs.intake.signature() == before


def test_several_files_and_what_was_read_become_one_recording(http: TestClient, studio: Studio) -> None:
    tone = Audio((0.2 * np.sin(np.arange(RATE) / 10)).astype(np.float32), RATE)
    only = file(http, "Grandma.WAV", wav_bytes(tone))
    path = studio.jobs.intake.recording()
    assert path.read_bytes() == wav_bytes(tone) and path.suffix == ".wav", "one file is taken as it is"
    file(http, "second.wav", wav_bytes(tone))
    read(http, 0, 1000)
    http.put("/en/own/intake/form", json={"text": "What the files say."})
    with wave.open(str(studio.jobs.intake.recording())) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(3 + 2 * 1.0, abs=0.01)  # and pauses between
    assert studio.jobs.intake.script() == "Sentence 0.\nWhat the files say."
    assert only in state(http)["chosen"] and len(state(http)["chosen"]) == 3
    file(http, "broken.m4a", b"no sound")
    assert "'broken.m4a' is not a sound file" in http.post("/en/own/intake/verdict").json()["problem"]


def test_another_process_finds_all_of_it_and_starting_over_can_be_undone(settings: Settings, http: TestClient) -> None:
    clip = read(http, 0, 7)
    half = begin(http, kind="file", name="film.mp4", size=100, rate=0)
    send(http, half, b"x" * 50)
    http.put("/en/own/intake/form", json=FORM)
    with TestClient(own_routes(opened(settings))) as later:  # the app was killed and started again
        found = state(later)
        assert {each["id"]: each["received"] for each in found["clips"]} == {clip: 2 * RATE, half: 50}
        assert {key: found["form"][key] for key in FORM} == FORM
        assert send(later, half, b"y" * 50, at=50, done=True) == {"received": 100}
        assert later.get(f"/zh/own/intake/clips/{half}/hear").content == b"x" * 50 + b"y" * 50
        later.post("/en/own/intake/away")
        gone = state(later)
        assert gone["clips"] == [] and gone["form"]["name"] == "" and gone["away"]
        read(later, 0, 8)
        later.post("/en/own/intake/back")
        assert len(state(later)["clips"]) == 2 and state(later)["away"]  # what was begun since is put away instead
        later.post("/en/own/intake/back")
        assert len(state(later)["clips"]) == 1
        away = settings.data_dir / "intake" / "local" / "away"
        os.utime(away, (0, time.time() - intake.UNDO_SECONDS - 1))
        assert not state(later)["away"] and not away.exists()


DAMAGED = [
    '{"clips": [5, {"bad": 1}, {"id": "../x", "kind": "file"}]}',
    '{"form": {"name": 5, "own": []}, "clips": {}}',
]
DAMAGED += ['{"clips": [{"id": "c1234567890", "kind": "spoken", "rate": "x"}, {"id": null, "kind": null}]}', "[]", "{"]


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_draft_costs_itself_only(http: TestClient, studio: Studio, damaged: str) -> None:
    begin(http)
    (studio.settings.data_dir / "intake" / "local" / "now" / "draft.json").write_text(damaged)
    assert state(http)["clips"] == [] and "problems" in http.post("/en/own/intake/learn").json()
    assert [clip["id"] for clip in state(http)["clips"]] == [] and begin(http)


def test_nothing_that_is_sent_can_make_the_rest_forgotten(http: TestClient, studio: Studio) -> None:
    first = begin(http, text="Hello.")
    said = [http.post("/en/own/intake/clips", json={"kind": "spoken", "rate": RATE, "text": "字" * 100_000})]
    while "clip" in said[-1].json() and len(said) < 20:
        said.append(http.post("/en/own/intake/clips", json=dict(kind="spoken", rate=RATE, text="字" * 100_000)))
    assert said[-1].json()["problem"].startswith("This is too long to be kept")
    assert state(http)["clips"][0]["id"] == first and "clip" in http.delete(f"/en/own/intake/clips/{first}").json()
    page = file(http, "x.html", b"<script>alert(1)</script>")
    assert http.get(f"/en/own/intake/clips/{page}/hear").headers["content-type"] == "application/octet-stream"
    assert http.get(f"/en/own/intake/pieces/{'9' * 4000}/hear").status_code == 422


def test_an_undo_that_a_kill_cut_short_is_completed(http: TestClient, studio: Studio) -> None:
    home = studio.settings.data_dir / "intake" / "local"
    old = begin(http)
    http.post("/en/own/intake/away")
    new = begin(http)
    (home / "now").rename(home / "turn")
    later = begin(http)
    assert {clip["id"] for clip in state(http)["clips"]} == {old, later}
    assert http.post("/en/own/intake/back").json() == {} and state(http)["clips"][0]["id"] == new


def test_what_comes_while_a_recording_is_handed_in_stays_and_pressing_twice_makes_one_job(
    http: TestClient, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, late, add = read(http, 0, 10), list[str](), studio.core.submission.add
    http.put("/en/own/intake/form", json=FORM)
    threads: list[threading.Thread] = []

    def slow(*given: Any, **more: Any) -> Any:
        if not late:
            late.append(read(http, 1, 20))
            threads.append(threading.Thread(target=http.post, args=("/en/own/intake/learn",)))
            threads[0].start()
            time.sleep(0.2)
        return add(*given, **more)

    monkeypatch.setattr(studio.core.submission, "add", slow)
    sound = studio.jobs.intake.path(first)
    with ThreadPoolExecutor(4) as pool:  # two may listen at once
        assert {each.name for each in pool.map(studio.jobs.intake.path, [first] * 12)} == {sound.name}
    assert "job" in http.post("/en/own/intake/learn").json()
    threads[0].join()
    assert [job.request["script"] for job in studio.jobs.list()] == ["Sentence 0."]
    assert [clip["id"] for clip in state(http)["clips"]] == late and not state(http)["form"]["agreed"]


def test_what_is_missing_is_said_by_field_and_at_once(http: TestClient) -> None:
    assert set(http.post("/en/own/intake/learn").json()["problems"]) == {"record", "name", "who", "purpose", "agreed"}
    http.put("/en/own/intake/form", json={**FORM, "own": False, "agreed": False})
    said = http.post("/zh/own/intake/learn").json()["problems"]
    assert set(said) == {"record", "permission", "agreed"} and "许可" not in said["record"]
    http.put("/en/own/intake/form", json={"decides": True})
    assert set(http.post("/en/own/intake/learn").json()["problems"]) == {"record", "authority", "permission", "agreed"}
    assert state(http)["form"]["purpose"] == FORM["purpose"]
    http.put("/en/own/intake/form", json={"purpose": i18n.load("en")("create.purpose_value")})
    assert http.get("/zh/own/intake").json()["form"]["purpose"] == "", "the page writes its own language there"


@pytest.mark.parametrize(("decides", "words"), [(False, "has allowed"), (True, "I may decide")])
def test_the_permission_is_bound_to_exactly_this_recording(
    http: TestClient, studio: Studio, decides: bool, words: str
) -> None:
    read(http, 0, 10)
    read(http, 1, 20)
    digest = sha256_of(studio.jobs.intake.recording())
    begin_permission = begin(http, kind="permission", text="I allow it.")
    send(http, begin_permission, np.full(RATE, 5, "<i2").tobytes(), done=True)
    http.put("/en/own/intake/form", json={**FORM, "own": False, "decides": decides, "authority": "Eve, her heir"})
    job = studio.jobs.get(http.post("/en/own/intake/learn").json()["job"])
    folder = studio.core.store.work_dir(job.id)
    assert job.recording == digest == sha256_of(folder / "recording.wav")
    consent = Consent.from_json(job.request["consent"])
    assert (consent.who, consent.purpose, consent.own) == ("Ana", "a test", False)
    assert consent.spoken_sha256 == sha256_of(folder / "statement.wav") and words in consent.statement
    assert consent.authority == ("Eve, her heir" if decides else "")
    form = studio.core.submission.handed_in(job.id)[1]
    assert (form["decides"], form["authority"]) == (decides, consent.authority)
    assert job.request["script"] == "Sentence 0.\nSentence 1." and job.name == "Ana"
    assert state(http)["clips"] == [] and not list((studio.settings.data_dir / "intake").rglob("*.pcm"))


def test_the_line_tells_places_and_minutes_only_once_they_are_measured(
    http: TestClient, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    recording = tmp_path / "r.wav"
    recording.write_bytes(wav_bytes(Audio(np.zeros(RATE, np.float32), RATE)))
    consent = Consent("Ana", "a test", "yes")
    jobs = [studio.jobs.create(TrainingRequest(name, recording, consent)) for name in ("Ana", "Ben", "Cleo")]
    studio.core.store.claim(jobs[0])

    def shown() -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in http.get("/en/own/learning").json()["jobs"]}

    assert list(shown()) == ["Ana", "Ben", "Cleo"]
    assert shown()["Ben"]["lines"] == ["It is the next in line."]
    assert shown()["Cleo"]["lines"] == ["Waiting in line: 2 before it."]
    clock = [0.0]
    progress = Progress(studio.core.store, jobs[0], lambda event: None, clock=lambda: clock[0])
    progress.phase(0.0, 1.0, {"acoustic": 1.0})
    told = []
    with studio.core.store.runner_lock():
        for step in range(0, 40, 10):
            clock[0] += 100.0
            progress(Event("acoustic", "", step, 1000, {"loss": 2.0 - step / 100}))
            told.append(shown()["Ana"]["left"])
        monkeypatch.setattr("os.getloadavg", lambda: (99.0, 0.0, 0.0))
        assert shown()["Ana"]["left"].endswith("minutes left · longer while other things keep this computer busy")
    assert told == ["Working out how long it will take"] * 2 + ["About 164 minutes left", "About 162 minutes left"]
    progress(Event("acoustic", "Learned.", 1000, 1000, {"validation": 26.5}))  # another measure, not of this curve
    [(kind, points)] = shown()["Ana"]["curve"].items()
    assert kind == "Learning the sound of the voice" and points[-1] == [0.03, 1.7]


def test_a_job_is_put_away_or_begun_again_and_both_can_be_undone(
    http: TestClient, studio: Studio, tmp_path: Path
) -> None:
    content = wav_bytes(Audio(np.full(RATE, 0.1, np.float32), RATE))
    (tmp_path / "r.wav").write_bytes(content)
    job = studio.jobs.create(TrainingRequest("Ana", tmp_path / "r.wav", Consent("Ana", "x", "yes"), script="Hello."))

    def do(deed: str) -> dict[str, Any]:
        return dict(http.post(f"/en/own/learning/{job}/{deed}").json())

    assert "still at work" in do("away")["problem"]
    do("stop")
    do("again")
    found = state(http)
    assert found["form"]["text"] == "Hello." and found["form"]["name"] == "Ana" and not found["form"]["agreed"]
    assert studio.jobs.intake.recording().read_bytes() == content
    assert http.get("/en/own/learning").json() == {"jobs": [], "away": [{"id": job, "name": "Ana"}]}
    assert "Another recording lies here" in do("again")["problem"]
    do("back")
    assert [each["state"] for each in http.get("/en/own/learning").json()["jobs"]] == ["stopped"]
    do("away")
    studio.jobs.intake.mark_jobs({job: time.time() - intake.UNDO_SECONDS - 1})
    assert http.get("/en/own/learning").json() == {"jobs": [], "away": []}
    assert studio.jobs.list() == [] and not studio.core.store.work_dir(job).exists()


def test_a_sample_is_heard_and_no_other_file(http: TestClient, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "r.wav").write_bytes(b"x" * 100)
    job = studio.jobs.create(TrainingRequest("Ana", tmp_path / "r.wav", Consent("Ana", "x", "yes")))
    folder = studio.core.store.work_dir(job) / "samples"
    folder.mkdir()
    sound = io.BytesIO(wav_bytes(Audio(np.zeros(10, np.float32), RATE))).getvalue()
    (folder / "25.wav").write_bytes(sound)
    assert http.get("/en/own/learning").json()["jobs"][0]["samples"] == [25]
    assert http.get(f"/en/own/learning/{job}/25.wav").content == sound
    for wrong in ("26", "-1", "..%2frecording", "99999999", "ready"):
        answer: httpx.Response = http.get(f"/en/own/learning/{job}/{wrong}.wav")
        assert answer.status_code == 404, wrong


def test_who_leaves_takes_along_what_they_were_handing_in(http: TestClient, studio: Studio, settings: Settings) -> None:
    read(http, 0, 7)
    http.post("/en/own/intake/away")
    clip = read(http, 1, 8)
    digest = sha256_of(next(settings.data_dir.rglob("now/*.pcm")))
    intake.erase_intake(settings, "local", {"0" * 64: 2 * RATE})  # of another recording
    assert len(list(settings.data_dir.rglob("intake/**/*.pcm"))) == 2
    intake.erase_intake(settings, "local", {digest: 2 * RATE})  # a voice of this recording is destroyed
    left = [path.parent.name for path in settings.data_dir.rglob("intake/**/*.pcm")]
    assert left == ["away"] and "no such recording" in http.delete(f"/en/own/intake/clips/{clip}").json()["problem"]
    studio.session().desk.write("speak", {})
    studio.core.eraser.remove_user("local")
    assert not list(settings.data_dir.rglob("intake/**/*"))
