"""The first second of the studio: a page is there at once, goes on by itself, and nothing else is turned away."""

from __future__ import annotations

import contextlib
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.webui.serving import served
from webui import i18n
from webui.opening import Opening

PAGE = {"Accept": "text/html,application/xhtml+xml"}


class Studio:
    """Stands for the studio's app: it is there when ``built`` is set, and notes that it was started and ended."""

    def __init__(self) -> None:
        self.built = threading.Event()
        self.lived: list[str] = []

    def make(self) -> Starlette:
        assert self.built.wait(60)
        return Starlette(routes=[Route("/{rest:path}", self.answer)], lifespan=self.live)

    @contextlib.asynccontextmanager
    async def live(self, app: Starlette) -> AsyncIterator[None]:
        self.lived.append("begun")
        yield
        self.lived.append("ended")

    async def answer(self, request: Request) -> Response:
        return HTMLResponse("<title>Here</title>" + str(request.url.path))


@pytest.fixture
def studio() -> Iterator[Studio]:
    made = Studio()
    yield made
    made.built.set()


def got(address: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def test_a_page_is_there_before_the_studio_and_in_the_persons_language(studio: Studio) -> None:
    with served(Opening(studio.make)) as place:
        status, english, headers = got(f"{place}/", **PAGE)
        assert status == 503 and i18n.load("en")("app.opening") in english
        assert "default-src 'self'" in headers["content-security-policy"] and headers["cache-control"] == "no-store"
        for path, more in (("/zh/", {}), ("/", {"Accept-Language": "zh-CN"}), ("/", {"Cookie": f"{i18n.COOKIE}=zh"})):
            assert i18n.load("zh")("app.opening") in got(place + path, **PAGE, **more)[1], (path, more)
        studio.built.set()
        assert got(f"{place}/en/")[:2] == (200, "<title>Here</title>/en/")  # waits until it is there
        assert got(f"{place}/en/", **PAGE)[:2] == (200, "<title>Here</title>/en/")
        assert studio.lived == ["begun"]
    assert studio.lived == ["begun", "ended"]


def test_what_takes_time_afterwards_keeps_nobody_waiting(studio: Studio) -> None:
    done = threading.Event()

    def slowly() -> None:
        assert done.wait(60)
        studio.lived.append("warm")

    studio.built.set()
    with served(Opening(studio.make, afterwards=slowly)) as place:
        assert got(f"{place}/en/")[0] == 200 and studio.lived == ["begun"]
        done.set()
    assert studio.lived == ["begun", "warm", "ended"]


def test_a_request_that_is_no_page_waits_instead_of_failing(studio: Studio) -> None:
    with served(Opening(studio.make)) as place, ThreadPoolExecutor() as threads:
        early = [threads.submit(got, f"{place}/gradio_api/{index}") for index in range(5)]
        assert got(f"{place}/", **PAGE)[0] == 503 and not any(each.done() for each in early)
        studio.built.set()
        assert [each.result()[:2] for each in early] == [(200, f"<title>Here</title>/gradio_api/{i}") for i in range(5)]


@pytest.mark.browser
def test_an_open_page_goes_on_by_itself(studio: Studio, chromium: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (requirements-dev.txt)")
    with served(Opening(studio.make)) as place, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{place}/en/")
        assert page.get_by_role("status").inner_text() == i18n.load("en")("app.opening")
        studio.built.set()
        page.wait_for_function("document.title === 'Here'", timeout=30_000)
        browser.close()


def test_a_studio_that_cannot_be_built_ends_and_says_why(studio: Studio) -> None:
    def broken() -> Starlette:
        assert studio.built.wait(60)
        raise OSError("the disk is gone")

    told = threading.Event()
    app = Opening(broken)
    app.failed = told.set
    with served(app) as place, ThreadPoolExecutor() as threads:
        waiting = threads.submit(got, f"{place}/gradio_api/info")
        assert got(f"{place}/", **PAGE)[0] == 503
        studio.built.set()
        assert waiting.result()[0] == 503
        assert told.wait(30)
    assert isinstance(app.error, OSError)
