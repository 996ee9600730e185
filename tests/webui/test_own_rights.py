"""Each route of the pages, asked by somebody else for what is Ana's: nothing of hers is told, and nothing changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from gpt_sovits.storage.takes import TakeLine
from tests.webui.hum import humming
from tests.webui.humming import own_routes
from webui.fence import OWNER, USER
from webui.people import DEEDS

NAMED = {"voice", "take", "book", "clip", "job", "sample"}  # what is one person's, in a path
NOBODYS = {"language", "part", "name", "kind", "number", "deed", "which"}
OF = "/{language}/own"
V = {"voice": "{voice}"}
WORD = {"word": "Hello", "sounds": "=goodbye", "language": "en"}
BLEND = {"first": "{voice}", "second": "invented1", "ratio": 0.5}
# What a route is sent that takes something: each is a form that it accepts. A route without anybody's id in its path
# has to be listed, so that a new one cannot be forgotten.
SENT: dict[str, list[dict[str, Any]]] = {
    f"POST {OF}/live": [{"page": "p", "text": "Hello", **V}, {"page": "p", "text": "Hello", "blend": BLEND}],
    f"POST {OF}/invented": [{}],
    f"PUT {OF}/desk/{{part}}": [{"text": "Stolen"}],
    f"POST {OF}/reading": [{"text": "Hello", **V}],
    f"POST {OF}/other": [WORD],
    f"POST {OF}/word": [{**WORD, "keep": True}],
    f"POST {OF}/mix": [{**BLEND, "name": "Stolen"}],
    f"POST {OF}/takes/{{take}}": [{"name": "Stolen"}],
    f"POST {OF}/takes/{{take}}/again": [{"line": 0, "seed": 1}],
    f"POST {OF}/books": [{"kind": "md", "title": "Mine", "text": "It was night."}],
    f"POST {OF}/books/{{book}}/begin": [{"voices": {"": "{voice}"}}, {"voices": {"": "invented1"}}],
    f"POST {OF}/books/{{book}}/sentences/{{number}}": [{"text": "Stolen."}],
    f"POST {OF}/books/{{book}}/make": [{"kind": "mp3", "title": "Stolen"}],
    f"POST {OF}/people/{{voice}}/{{deed}}": [{"name": "voice of ana", "sure": True, "secret": "correct horse battery"}],
    f"PUT {OF}/intake/form": [{"name": "Stolen", "voice": "{voice}", "agreed": True}],
    f"POST {OF}/intake/clips": [{"kind": "spoken", "rate": 48000, "text": "mine"}],
    f"POST {OF}/intake/clips/{{clip}}": [{"at": 0, "data": "AAAA", "done": True}],
    f"POST {OF}/intake/pieces/{{number}}": [{"kept": False}],
    f"POST {OF}/intake/verdict": [{}],
    f"POST {OF}/intake/pieces": [{}],
    f"POST {OF}/intake/learn": [{}],
    f"POST {OF}/intake/away": [{}],
    f"POST {OF}/intake/back": [{}],
    **{
        f"GET {OF}/{each}": [{}] for each in ("voices", "desk/{part}", "takes", "books", "people", "learning", "intake")
    },
    **{f"GET {OF}/intake/{each}": [{}] for each in ("pieces/{number}/hear", "picture", "heard/{which}")},
}


class As:
    """What the fence does: says who asks."""

    def __init__(self, app: ASGIApp, user: str) -> None:
        self._app, self._user = app, user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, USER: self._user, OWNER: self._user}, receive, send)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, TestClient, dict[str, str], Any]]:
    """Ana's browser, Ben's, and the names of what is hers."""
    folder = tmp_path_factory.mktemp("own")
    studio, _, ids = humming(folder, "ana", "ben", check_recording=lambda path: None, find_base=lambda name: None)
    app = own_routes(studio, folder / "browser", users=True)
    session = studio.session("ana")
    voice = session.voices.load(ids["ana"])
    line = session.speech.lines("Her secret words.", voice)[0]
    sound = session.speech.say(line, voice)
    kept = [TakeLine(line.start, line.end, 0.0, 0.0, 0)]
    manner: dict[str, Any] = {"language": "auto", "speed": 1.0, "pause": 0.3, "seed": 0}
    take = session.takes.keep(voice, "Her secret words.", kept, [sound], **manner)
    book = session.books.put(b"Her secret words.", "md", "Her secret book")
    session.books.begin(book.id, {"": ids["ana"]})
    with TestClient(As(app, "ana")) as ana, TestClient(As(app, "ben")) as ben:
        begun = ana.post("/en/own/intake/clips", json={"kind": "spoken", "rate": 48000, "text": "her secret words"})
        ana.put("/en/own/desk/speak", json={"text": "Her secret words."})
        names = {"voice": ids["ana"], "take": take.id, "book": book.id, "clip": begun.json()["clip"]["id"]}
        yield ana, ben, names, app


def filled(value: str, names: dict[str, str]) -> str:
    usual = {"language": "en", "part": "speak", "name": "take", "kind": "wav", "number": "1", "which": "after"}
    return re.sub(r"{(\w+)}", lambda found: {**usual, "job": "j0", "sample": "s0", **names}[found[1]], value)


def test_nobody_gets_what_is_anothers_by_any_route_of_the_pages(house: Any) -> None:
    ana, ben, names, app = house
    state = ("people", f"people/{names['voice']}", "takes", "books", f"books/{names['book']}", "intake", "desk/speak")
    before = {place: ana.get(f"/en/own/{place}").json() for place in state}
    assert "secret" in json.dumps(before).lower()
    tried = set()
    for path, ways in app.openapi()["paths"].items():
        fields = set(re.findall(r"{(\w+)}", path))
        assert fields <= NAMED | NOBODYS, f"{path}: say whose this is"
        for method in map(str.upper, ways):
            route = f"{method} {path}"
            assert fields & NAMED or route in SENT, f"{route}: say what it may be sent"
            tried.add(route)
            for deed in DEEDS if "deed" in fields and "job" not in fields else ("stop",):
                for body in SENT.get(route, [{}]):
                    whose = {**names, "deed": deed, "take": "1"} if "sentences" in path else {**names, "deed": deed}
                    place = filled(path, whose)
                    sent = json.loads(filled(json.dumps(body), names).encode()) if body else None
                    answer = ben.request(method, place, json=sent)
                    assert answer.status_code not in (400, 422) and answer.status_code < 500, (route, answer.text)
                    said = answer.text.lower()
                    assert "secret" not in said and "voice of ana" not in said, (route, answer.text)
                    touched = fields & NAMED or "{voice}" in json.dumps(body)
                    refused = answer.status_code == 404 or '"problem' in said or (b'"end"' in answer.content)
                    assert refused or not touched or "intake/form" in path, (route, answer.status_code, said)
    assert set(SENT) <= tried
    own = ben.post("/en/own/books", json={"kind": "md", "title": "Mine", "text": "It was night."}).json()["book"]["id"]
    assert "problem" in ben.post(f"/en/own/books/{own}/begin", json={"voices": {"": names["voice"]}}).json()
    assert {place: ana.get(f"/en/own/{place}").json() for place in state} == before
