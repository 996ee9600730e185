"""Speech while somebody writes, over HTTP: only what changed is spoken, the newest wish wins, nobody gets another's."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gpt_sovits.errors import MissingError
from gpt_sovits.services.desk import MOST_PARTS
from gpt_sovits.services.lines import Line, LineCache
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from tests.webui.humming import Humming, frames, own_routes
from tests.webui.serving import served
from webui.asked import OWNER
from webui.i18n import load
from webui.live import SAMPLES, Clips, Live
from webui.reading import as_reading

WISH = {"page": "p1", "voice": "invented1"}


@pytest.fixture
def engine() -> Humming:
    return Humming()


@pytest.fixture
def studio(settings: Settings, engine: Humming) -> Studio:
    return Studio(settings, synthesizer=engine)  # type: ignore[arg-type]


@pytest.fixture
def app(studio: Studio) -> FastAPI:
    return own_routes(studio)


@pytest.fixture
def http(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def said(http: TestClient, text: str, language: str = "en", **wish: Any) -> list[dict[str, Any]]:
    answer = http.post(f"/{language}/own/live", json={**WISH, "text": text, **wish})
    assert answer.status_code == 200
    return list(frames(answer.content))


def test_only_the_lines_that_changed_are_spoken(http: TestClient, engine: Humming) -> None:
    text = "Good morning to all of you. The kettle is on the stove. 今天我们去公园散步。"
    plan, *spoken, end = said(http, text)
    assert [frame["line"] for frame in spoken] == [0, 1, 2] and end["done"]
    assert all(len(frame["sound"]) == 2 * 0.4 * 32000 for frame in spoken)
    keys = [line["key"] for line in plan["lines"]]
    changed = text.replace("stove", "table")
    plan, *spoken, end = said(http, changed, skip=keys)
    assert [frame["line"] for frame in spoken] == [1]
    assert [text for _, text in engine.said][3:] == ["The kettle is on the table."]
    said(http, text)  # all of it once more: what was said a moment ago is not made again
    assert len(engine.said) == 4
    twice = "Good morning to all of you. Good morning to all of you."
    assert [frame["line"] for frame in said(http, twice, skip=keys)[1:-1]] == [1], "said before once, now twice"
    assert [frame["line"] for frame in said(http, text, only=1)[1:-1]] == [1]
    assert len(said(http, text, plan=True)) == 2


def test_places_are_counted_as_a_browser_counts(http: TestClient) -> None:
    text = "I like 🎉🎉 parties very much. 你好，世界，今天很好。"
    units = text.encode("utf-16-le")
    plan = said(http, text, plan=True)[0]
    found = [units[2 * line["start"] : 2 * line["end"]].decode("utf-16-le") for line in plan["lines"]]
    assert found == ["I like 🎉🎉 parties very much.", "你好，世界，今天很好。"]


def test_marks_for_pauses_and_pace_hold_for_a_line_alone(http: TestClient, engine: Humming) -> None:
    text = "One and two and three. [pause 2] [four and five and six|speed 0.5] seven, eight and nine."
    _, first, second, third, _ = said(http, text)
    assert first["pause"] == 2.0 and third["pause"] == 0.0
    assert len(second["sound"]) == 2 * len(first["sound"])
    assert [line for _, line in engine.said][1] == "four and five and six"


def test_the_newest_text_ends_the_work_for_the_one_before(app: FastAPI, engine: Humming) -> None:
    with served(app) as place:
        ended: list[dict[str, Any]] = []

        def ask(text: str, page: str = "p1") -> None:
            answer = httpx.post(f"{place}/en/own/live", json={**WISH, "page": page, "text": text}, timeout=60)
            ended.extend(list(frames(answer.content))[-1:])

        first = threading.Thread(target=ask, args=("Please wait for me here.",))
        first.start()
        until(lambda: bool(engine.said))
        ask("Something else is wanted now.")
        first.join(timeout=20)
        assert engine.dropped == ["Please wait for me here."]
        assert {"dropped": True, "sound": b""} in ended and {"done": True, "sound": b""} in ended
        with httpx.stream("POST", f"{place}/en/own/live", json={**WISH, "page": "p2", "text": "Do wait again."}):
            until(lambda: len(engine.said) == 3)
        until(lambda: engine.dropped[1:] == ["Do wait again."])  # the page was closed
        newest = {**WISH, "page": "p3", "number": 7, "text": "Do wait for the newest."}
        with httpx.stream("POST", f"{place}/en/own/live", json=newest, timeout=60) as answer:
            until(lambda: len(engine.said) == 4)
            ask("This one was overtaken on its way.", "p3")
            engine.go.set()
            assert list(frames(answer.read()))[-1] == {"done": True, "sound": b""}
        assert ended[-1] == {"dropped": True, "sound": b""} and len(engine.said) == 4


def until(true: Any) -> None:
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    assert true()


def test_what_cannot_be_spoken_is_one_sentence_in_the_pages_language(http: TestClient) -> None:
    assert said(http, "?!…")[-1]["problem"].startswith("There is nothing to speak")
    assert "请" in said(http, "?!…", "zh")[-1]["problem"]
    assert said(http, "Hello there.", voice="v0123")[-1]["problem"].startswith("There is no voice")
    assert "Something went wrong" in said(http, "This goes boom.")[-1]["problem"]
    same = {"first": "invented1", "second": "invented1", "ratio": 0.5}
    assert "two different voices" in said(http, "Hello there.", blend=same)[-1]["problem"]
    assert "不同" in said(http, "Hello there.", "zh", blend=same)[-1]["problem"]
    assert said(http, "Hello there.", blend={**same, "second": "invented2", "ratio": 7})[-1]["problem"]
    assert said(http, "Hello there.", voice="clip-x")[-1]["problem"].startswith("The clip is no longer here.")
    for wrong in ({"seed": -1}, {"pause": 99}, {"page": "x" * 65}, {"path": "/etc/passwd"}):
        assert http.post("/en/own/live", json={**WISH, "text": "Hello.", **wrong}).status_code == 422


def test_a_blend_lies_between_and_is_kept_under_a_name(http: TestClient, engine: Humming, studio: Studio) -> None:
    blend = {"first": "invented1", "second": "invented2", "ratio": 0.25}
    said(http, "Hello there.", blend=blend)
    said(http, "Hello there.", blend=blend)
    assert [pitch for pitch, _ in engine.said] == [180]
    assert http.post("/en/own/mix", json={**blend, "name": " "}).json()["problem"].startswith("The voice has no name.")
    kept = http.post("/en/own/mix", json={**blend, "name": "Abo"}).json()["voice"]
    assert [card.name for card in studio.voices.list()] == ["Abo"] and studio.voices.find(kept).kind == "mix"
    listed = http.get("/en/own/voices").json()
    assert [voice["name"] for voice in listed["own"]] == ["Abo"]
    assert [voice["name"] for voice in listed["invented"]] == ["Ada", "Bo", "Cleo"]
    assert studio.voices.sample(kept).startswith(b"RIFF")  # by which it is drawn
    third = {**blend, "third": "invented3", "part": 0.5}
    said(http, "Hello to three.", blend=third)
    assert engine.said[-1] == (250, "Hello to three.")  # half of the third, the rest as before
    same = said(http, "Hello.", blend={**third, "third": "invented1"})
    assert same[-1]["problem"].startswith("A mix needs two different voices.")
    said(http, "Hello there.", voice=kept)
    studio.voices.save(studio.voices.mix("invented1", "invented2", 0.5), "Of the same two")
    assert studio.voices.destroy(kept).clean  # though another mix has the same parents
    assert said(http, "Hello there.", voice=kept)[-1]["problem"].startswith("There is no voice")


def test_a_corrected_word_is_said_again_and_another_word_is_not(
    http: TestClient, engine: Humming, studio: Studio
) -> None:
    said(http, "A sentence with zorblat in it. Another one without any of it.")
    studio.lexicon.add("zorblat", "=sorbet")
    said(http, "A sentence with zorblat in it. Another one without any of it.")
    assert [text for _, text in engine.said][2:] == ["A sentence with zorblat in it."]


def test_what_was_typed_is_there_after_a_crash(http: TestClient, settings: Settings) -> None:
    assert http.get("/en/own/desk/speak").json() == {}
    typed = {"text": "你好 🎉\nunfinished", "voice": "invented2", "live": False}
    assert http.put("/en/own/desk/speak", json=typed).json() == {}
    again = Studio(settings)
    assert again.session().desk.read("speak") == typed
    for part, key in SAMPLES.items():
        http.put(f"/en/own/desk/{part}", json={"text": load("en")(key), "n": 1})
        assert http.get(f"/zh/own/desk/{part}").json() == {"text": load("zh")(key), "n": 1}, "nobody changed it"
    http.put("/en/own/desk/speak", json=typed)
    assert "problem" in http.put("/en/own/desk/speak", json={"text": "x" * 3 * 2**20}).json()
    assert again.session().desk.read("speak") == typed
    kind = {"Content-Type": "application/json"}
    deep = b'{"a":' + b"[" * 60 + b"]" * 60 + b"}"
    assert "problem" in http.put("/en/own/desk/speak", content=deep, headers=kind).json()
    assert http.put("/en/own/desk/mix", content=b'{"text": "half \\ud83c", "n": NaN}', headers=kind).json() == {}
    assert http.get("/en/own/desk/mix").json() == {"text": "half ?", "n": None}
    (settings.registry_dir / "users/local/desk/old.json").write_bytes(deep)  # as an earlier program kept it
    assert http.get("/en/own/desk/old").json() == {}
    for number in range(MOST_PARTS):
        http.put(f"/en/own/desk/p{number}", json={})
    assert "problem" in http.put("/en/own/desk/more", json={}).json()
    assert http.put("/en/own/desk/speak", json=typed).json() == {}
    assert (
        "problem" in http.put("/en/own/desk/..%2e", json=typed).json() and http.get("/en/own/desk/..%2e").json() == {}
    )
    (settings.registry_dir / "users/local/desk/speak.json").write_text("{")
    assert http.get("/en/own/desk/speak").json() == {}


def test_listening_while_writing_is_one_line_of_the_journal(http: TestClient, studio: Studio) -> None:
    for text in ("Hello there.", "Hello there, my friend.", "Hello there, my friends."):
        said(http, text)
    assert [entry.what for entry in studio.voices.journal()] == ["previewed"]


def test_a_text_in_plain_words(http: TestClient, studio: Studio) -> None:
    text = "🎉 It costs $1,250.50 at 9:45. 2026年，zorblat。"
    found = http.post("/en/own/reading", json={"text": text, "voice": "invented1"}).json()["words"]
    told = {each["said"]: each for each in found}
    assert "one thousand two hundred fifty dollars and fifty cents" in told and "nine forty-five" in told
    assert "二零二六年" in told and told["zorblat"]["why"] == "guess"
    units = text.encode("utf-16-le")
    nine = told["nine forty-five"]
    assert units[2 * nine["start"] : 2 * nine["end"]].decode("utf-16-le") == "9:45"
    wish = {"word": "zorblat", "sounds": "sore blat", "language": "en"}
    assert http.post("/en/own/word", json=wish).json() == {"mark": "[zorblat|=sore blat]"}
    assert studio.lexicon.entries() == ()
    http.post("/en/own/word", json={**wish, "keep": True})
    assert [(each.word, each.reading) for each in studio.lexicon.entries()] == [("zorblat", "=sore blat")]
    assert "problem" in http.post("/en/own/word", json={**wish, "sounds": "?!"}).json()
    for heard, language, others in (("live", "en", ["L IH1 V"]), ("行", "zh", ["hang2"]), ("sql", "en", [])):
        sounds = {"live": "L AY1 V", "行": "xing2"}.get(heard, "")
        found = http.post("/en/own/other", json={"word": heard, "sounds": sounds, "language": language}).json()["other"]
        assert set(others) <= set(found) and sounds not in found and len(found) <= 6, found
        for each in found:
            assert "mark" in http.post("/en/own/word", json={**wish, "word": heard, "sounds": each}).json(), each
    assert http.post("/en/own/reading", json={"text": "?!"}).json()["problem"].startswith("There is nothing")


@pytest.mark.parametrize(
    ("sounds", "language", "reading"),
    [
        ("sequel", "en", "=sequel"),
        ("L AY1 V", "en", "L AY1 V"),
        ("/laɪv/", "en", "/laɪv/"),
        ("spell", "en", "spell"),
        ("虫庆", "zh", "=虫庆"),
        ("chong2 qing4", "zh", "chong2 qing4"),
        ("chóng qìng", "zh", "chóng qìng"),
    ],
)
def test_a_reading_may_be_written_as_it_sounds_or_in_signs(sounds: str, language: str, reading: str) -> None:
    assert as_reading(sounds, language) == reading


def test_a_clip_is_known_to_who_gave_it() -> None:
    clips = Clips()
    names = [clips.put("ana", n) for n in range(6)]  # type: ignore[arg-type]
    assert clips.get("ana", names[-1]) == 5
    for owner, name in (("ben", names[-1]), ("ana", names[0])):
        with pytest.raises(MissingError):
            clips.get(owner, name)


def test_one_person_cannot_fill_the_queue(studio: Studio, engine: Humming) -> None:
    live = Live(studio)
    made = FastAPI()

    @made.middleware("http")
    async def owned(request: Any, call_next: Any) -> Any:
        request.scope[OWNER] = request.headers.get("x-owner", "ana")
        return await call_next(request)

    made.include_router(live.router())
    with served(made) as place:
        body = {**WISH, "text": "Please wait for me."}

        def ask(page: int) -> None:
            httpx.post(f"{place}/en/own/live", json={**body, "page": str(page)}, timeout=60)

        threads = [threading.Thread(target=ask, args=(page,)) for page in range(16)]
        for each in threads:
            each.start()
        until(lambda: len(live._running) == 16)
        assert httpx.post(f"{place}/en/own/live", json={**body, "page": "17"}, timeout=60).status_code == 503
        engine.go.set()
        other = httpx.post(f"{place}/en/own/live", json={**body, "page": "1"}, headers={"x-owner": "ben"}, timeout=60)
        assert other.status_code == 200
        for each in threads:
            each.join(timeout=30)
    assert not live._running


def test_the_memory_of_lines_is_bounded_and_forgets_a_voice() -> None:
    import numpy as np

    from gpt_sovits.audio import Audio

    cache, sound = LineCache(most_bytes=4000), Audio(np.zeros(400, np.float32), 8000)
    for number in range(5):
        cache.put(str(number), sound, ["v1" if number % 2 else "v2"])
    assert [bool(cache.get(str(number))) for number in range(5)] == [False, False, False, True, True]
    cache.forget("v1")
    assert cache.get("3") is None and cache.get("4") is not None
    assert Line(0, 2, "Hi", "Hi").key == Line(5, 7, "Hi", "Hi").key != Line(0, 2, "Hi", "Hi", pause=1.0).key


def test_the_same_line_alone_and_in_its_text_sounds_the_same(settings: Settings, tmp_path: Path) -> None:
    """With the real engine: what is heard while writing is what ``speak`` says for it."""
    import numpy as np

    from gpt_sovits.audio import resample
    from gpt_sovits.features.pitch import track_pitch

    studio = Studio(settings)
    if not studio.voices.invented():
        pytest.skip("needs the invented voices of the embedded base")
    line = studio.speech.lines("Good morning to all of you.", "invented1")[0]
    alone = studio.speech.say(line, "invented1", seed=4)
    whole = next(iter(studio.speech.speak(line.text, "invented1", seed=4)))
    assert np.array_equal(alone.samples, whole.audio.samples)
    assert studio.speech.say(line, "invented1", seed=4) is alone
    higher = studio.speech.say(line, "invented1", seed=4, pitch=3.0)
    both = [track_pitch(resample(each, 16000).samples) for each in (alone, higher)]
    low, high = (12 * np.log2(np.median(each[each > 0])) for each in both)
    assert abs(high - low - 3.0) < 0.3 and abs(higher.seconds - alone.seconds) < 0.05


ODD = [b"NaN", b"Infinity", b"-1e400", b'"\\ud800"', b"9" * 5000, b"[" * 2000 + b"]" * 2000, b"[" * 200_000, b"{}"]
ODD += [b"-1", b"null", b"true", b'["x"]', b'{"x": "x"}', b'"' + b"x" * 100_000 + b'"', b'"\\u0000"', b'"../../x"']


def test_no_value_of_any_field_breaks_any_of_our_own_routes(studio: Studio, tmp_path: Path) -> None:
    app, tried = own_routes(studio, tmp_path / "browser"), 0
    spec = app.openapi()
    with TestClient(app, raise_server_exceptions=False) as http:
        for path, methods in spec["paths"].items():
            place = re.sub(r"{\w+}", "1", path.replace("{language}", "en"))
            for method, route in methods.items():
                form = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
                known = spec["components"]["schemas"].get(form.get("$ref", "").rpartition("/")[2], {})
                for field, odd in product(known.get("properties", ("x",) if form else ()), ODD):
                    body, kind = b'{"%s": %s}' % (field.encode(), odd), {"Content-Type": "application/json"}
                    answer = http.request(method, place, content=body, headers=kind)
                    assert answer.status_code < 500, (method, place, field, odd[:30], answer.text[:300])
                    tried += 1
    assert tried > 300, tried
