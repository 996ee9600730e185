"""From opening to a queued job in a browser whose microphone speaks; whatever breaks off, nothing is lost."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt_sovits.audio import Audio, read_audio, resample, wav_bytes, write_wav
from gpt_sovits.dataset.assess import assess
from gpt_sovits.dataset.training_set import Report, Slice, TrainingSet
from gpt_sovits.events import Event
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.text import phonemize
from tests.webui.test_recording import opened
from webui import server

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (requirements-dev.txt)")
pytestmark = pytest.mark.browser
MIC_RATE = 48000
TEXT = "The kettle is on. A thin light falls on the table. Who is there?"


def cut(recording: Path, script: str, language: str, ears: Any, *, work_dir: Path, version: str, **rest: Any) -> None:
    """Stands for ``build_dataset``: one piece of equal length for each line, and the last one does not fit."""
    audio = resample(read_audio(recording), 32000)
    texts = script.splitlines() or ["Something."]
    step = audio.seconds / len(texts)
    pieces = []
    for n, text in enumerate(texts):
        path = work_dir / f"{n:04d}.wav"
        write_wav(path, audio.between(n * step, (n + 1) * step))
        sure = 0.3 if n == len(texts) - 1 else 0.95
        pieces.append(Slice(path, text, "en", phonemize(text, "en", version), n * step, (n + 1) * step, sure))
    report = Report("text", assess(audio), (), (), 0.9)
    TrainingSet(tuple(pieces), audio.seconds, report).save(work_dir, "made")


class Running:
    """The app over one data folder; ``kill`` and ``start`` it at the same address."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self._folder = settings, folder
        self._port = 0
        self.start()

    def start(self) -> None:
        import uvicorn

        self.studio: Studio = opened(self.settings)
        self._bound = server.listen("127.0.0.1", self._port, tries=1)
        self._port = self._bound.getsockname()[1]
        app = server.create_app(self.studio, self._folder)
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._bound]}, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(timeout=20)
        self._bound.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GRADIO_TEMP_DIR", "GRADIO_EXAMPLES_CACHE", "GRADIO_ANALYTICS_ENABLED"):
            patch.setenv(name, "")
        patch.setattr("gpt_sovits.dataset.build.build_dataset", cut)
        patch.setattr("gpt_sovits.dataset.ears.ears_of", lambda *given: None)
        patch.setattr(
            "gpt_sovits.jobs.review.Reviews._heard_again",
            lambda self, piece, text, language, *rest: piece.replaced(text=text, language=language, reason=""),
        )
        settings = Settings(tmp_path_factory.mktemp("create") / "data", device="cpu", threads=1)
        made = Running(settings, server.prepare(settings.cache_dir))
        yield made
        made.kill()


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    """What the microphone hears, again and again."""
    return resample(read_audio(Path(__file__).parent.parent / "data" / "one_minute.opus"), MIC_RATE).samples


@pytest.fixture(scope="module")
def browser(chromium: str, spoken: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    mic = tmp_path_factory.mktemp("mic") / "mic.wav"
    write_wav(mic, Audio(spoken, MIC_RATE))
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as driver:
        given = ["--no-sandbox", *fake, f"--use-file-for-fake-audio-capture={mic}"]
        made = driver.chromium.launch(executable_path=chromium, args=given)
        yield made
        made.close()


@pytest.fixture
def page(browser: Any, running: Running) -> Iterator[Any]:
    """The Create tab with nothing on it; no script may fail and nothing may be asked of anybody else."""
    running.studio.jobs.intake.clear(running.studio.jobs.intake.clips())
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    made = context.new_page()
    made.set_default_timeout(60_000)
    failures: list[str] = []
    asked: list[str] = []
    made.on("pageerror", lambda error: failures.append(str(error)))
    made.on("request", lambda request: asked.append(request.url))
    made.goto(running.address)
    on_create(made)
    yield made
    context.close()
    assert not failures
    assert all(url.startswith((running.address, "data:", "blob:")) for url in asked)


def on_create(page: Any) -> None:
    page.locator("#tabs button[data-tab-id=create]").first.click()
    page.locator("#create-passages input").first.wait_for(state="attached")


def heard_by(studio: Studio) -> list[np.ndarray]:
    """The samples of each clip on the server, oldest first."""
    clips = studio.jobs.intake.clips()
    return [np.frombuffer(studio.jobs.intake.path(clip.id).read_bytes()[44:], "<i2") / 32768.0 for clip in clips]


def likeness(sound: np.ndarray, spoken: np.ndarray) -> float:
    """How well a stretch of sound is found in what the microphone heard, 1.0 is the same."""
    size = 1 << (len(spoken) + len(sound)).bit_length()
    found = np.fft.irfft(np.fft.rfft(spoken, size) * np.conj(np.fft.rfft(sound, size)), size)
    energy = np.cumsum(np.concatenate([[0.0], spoken**2]))
    window = energy[len(sound) :] - energy[: -len(sound)]
    best = int(np.argmax(found[: len(window)]))
    return float(found[best] / np.sqrt(window[best] * np.sum(sound**2) + 1e-12))


def begin_reading(page: Any) -> None:
    page.locator("#create-record").click()
    page.wait_for_function("document.querySelector('.level').dataset.level === 'good'")
    page.keyboard.press("Space")
    page.locator('#prompter[data-state="on"]').wait_for()


def seconds(page: Any, least: float) -> None:
    """Wait until so much was recorded."""
    page.wait_for_function(
        """least => { const told = document.querySelector('#prompter-place').innerText.match(/(\\d+):(\\d+)$/);
                      return 60 * told[1] + +told[2] >= least; }""",
        arg=least,
    )


def test_reading_goes_sentence_by_sentence_and_survives_a_reload_and_a_restart(
    page: Any, running: Running, spoken: np.ndarray
) -> None:
    page.locator("#create-passages").get_by_label("My own text").check()
    page.locator("#create-text").fill(TEXT)
    begin_reading(page)
    page.get_by_text("Go on by itself when I pause").click()  # not today
    now = page.locator(".prompter-line[aria-current]")
    assert now.inner_text() == "The kettle is on."
    assert now.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 28
    seconds(page, 3)
    page.locator("#prompter-go").focus()
    page.keyboard.press("ArrowRight")
    assert now.inner_text() == "A thin light falls on the table."
    seconds(page, 5)
    page.keyboard.press("r")  # once more: what was read of it goes
    seconds(page, 6)
    running.kill()  # the app dies while somebody reads
    seconds(page, 8)
    running.start()
    seconds(page, 9)
    page.keyboard.press("p")
    page.locator('#prompter[data-state="paused"]').wait_for()
    page.wait_for_timeout(1500)
    page.reload()
    on_create(page)
    playwright.expect(page.locator("#create-clips .clip")).to_contain_text("2 of 3 sentences read")
    assert page.locator("#create-text").input_value() == TEXT
    rate = running.studio.jobs.intake.clips()[0].rate  # the browser's own
    first, second = heard_by(running.studio)
    assert len(first) > 2.8 * rate and len(second) > 3.8 * rate
    said = resample(Audio(spoken, MIC_RATE), rate).samples
    for sound in (first, second):  # without a gap, also where the app was away
        assert likeness(sound[: 3 * rate], said) > 0.97
        assert likeness(sound[-3 * rate :], said) > 0.97
    begin_reading(page)
    assert now.inner_text() == "A thin light falls on the table.", "it was not read to its end"
    page.wait_for_timeout(1200)
    page.locator(".prompter-line").nth(2).click()  # a tap on the next one
    assert now.inner_text() == "Who is there?"
    page.wait_for_timeout(2500)
    page.locator("#prompter-close").click()
    playwright.expect(page.locator("#create-clips .clip")).to_contain_text("3 of 3 sentences read")
    page.locator(".verdict:not(.working)").wait_for()  # said as soon as it stops


def test_files_come_by_choice_and_by_drop_and_go_on_after_half_of_them(page: Any, running: Running) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 20 * 32000).astype(np.float32)
    large = wav_bytes(Audio(noise, 32000))
    assert len(large) > 2**20
    sent = []

    def half(route: Any) -> None:
        sent.append(1)
        route.continue_() if len(sent) == 1 else route.abort()

    page.route(re.compile("/intake/clips/c"), half)
    files = [
        {"name": "memo.m4a", "mimeType": "audio/mp4", "buffer": large},
        {"name": "note.pdf", "mimeType": "application/pdf", "buffer": b"words"},
    ]
    page.locator("#create-files").set_input_files(files)
    page.get_by_text("Only sound and video files can be taken, and").wait_for()
    page.get_by_text(re.compile(r"\d\d % has arrived")).wait_for()
    [clip] = running.studio.jobs.intake.clips()
    assert 0 < clip.received < len(large)
    page.unroute(re.compile("/intake/clips/c"))
    page.reload()  # and it goes on by itself
    on_create(page)
    page.get_by_text(re.compile(r"1\.\d MB")).wait_for()
    assert running.studio.jobs.intake.path(clip.id).read_bytes() == large
    wrote = {
        "b.txt": "第二".encode("gb18030"),
        "a.txt": b"First.",
        "b.wav": b"RIFF",
        "a.wav": b"RIFF",
        "c.wav": b"RIFF",
    }
    page.locator("#create-files").set_input_files(
        [{"name": name, "mimeType": "", "buffer": data} for name, data in sorted(wrote.items(), reverse=True)]
    )
    playwright.expect(page.locator("#create-text")).to_have_value(
        "第二\nFirst."
    )  # of b and a, as the list of sounds goes
    names = page.locator("#create-clips .clip-about b")
    playwright.expect(names).to_have_text(["memo.m4a", "c.wav", "b.wav", "a.wav"])
    page.locator("#tabs button[data-tab-id=speak]").first.click()
    dropped = page.evaluate_handle(
        """() => { const data = new DataTransfer();
                   data.items.add(new File(['RIFF'.repeat(9)], 'film.mp4', { type: 'video/mp4' })); return data; }"""
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("body", event, {"dataTransfer": dropped})
    page.locator("#create-clips").get_by_text("film.mp4").wait_for()
    page.get_by_role("button", name="Remove: film.mp4").click()
    page.locator("#create-clips").get_by_text("film.mp4").wait_for(state="detached")
    page.get_by_role("button", name="Undo").click()
    page.locator("#create-clips").get_by_text("film.mp4").wait_for()


def put_a_recording(studio: Studio, spoken: np.ndarray) -> None:
    """Three sentences that were read, five seconds each."""
    for number, text in enumerate(("The kettle is on.", "A thin light falls.", "Who is there?")):
        clip = studio.jobs.intake.begin("spoken", passage="p", sentence=number, text=text, rate=MIC_RATE)
        part = spoken[number * 5 * MIC_RATE : (number + 1) * 5 * MIC_RATE]
        studio.jobs.intake.append(clip.id, 0, (part * 32767).astype("<i2").tobytes())
        studio.jobs.intake.finish(clip.id)


def test_corrections_and_what_was_typed_are_there_in_every_tab_and_language(
    page: Any, running: Running, spoken: np.ndarray
) -> None:
    put_a_recording(running.studio, spoken)
    page.reload()
    on_create(page)
    page.get_by_text("1 of 3 pieces do not fit their words.").wait_for()
    page.get_by_text("The pieces that the voice will learn from").click()
    rows = page.locator(".review-row")
    rows.nth(0).locator("textarea").fill("The cattle is on.")
    rows.nth(1).get_by_role("checkbox").uncheck()
    rows.nth(2).locator("select").select_option("zh")
    rows.nth(0).get_by_role("button").click()
    page.wait_for_function("document.querySelector('#create-sound').duration > 4")
    page.get_by_label("Name of the voice").fill("Ana")
    page.locator("#create-sound").evaluate("e => e.pause()")
    page.wait_for_timeout(1500)  # half of what was typed is on its way by then, at the latest
    page.get_by_label("Name of the person").fill("Ana Example")
    page.get_by_role("link", name="中文").click()
    on_create(page)
    page.get_by_text("用来学习声音的片段").click()
    second = page.context.new_page()
    second.goto(running.address + "en/")
    on_create(second)
    for seen in (page, second):
        row = seen.locator(".review-row")
        row.first.wait_for(state="attached")
        assert row.nth(0).locator("textarea").input_value() == "The cattle is on."
        assert not row.nth(1).get_by_role("checkbox", include_hidden=True).is_checked()
        assert row.nth(2).locator("select").input_value() == "zh"
        assert seen.locator("#create-name").input_value() == "Ana"
        assert seen.locator("#create-who").input_value() == "Ana Example"
        assert seen.locator("#create-purpose").input_value()
    page.locator("#create-over").click()
    page.get_by_role("button", name="取消").click()
    assert running.studio.jobs.intake.chosen()
    page.locator("#create-over").click()
    page.locator("#create-sure").get_by_role("button", name="重新开始").click()
    page.get_by_text("原来的内容已收起").wait_for()
    assert not running.studio.jobs.intake.chosen()
    page.reload()
    on_create(page)
    page.get_by_role("button", name="撤销").click()
    playwright.expect(page.locator("#create-name")).to_have_value("Ana")
    playwright.expect(page.locator(".review-row").nth(0).locator("textarea")).to_have_value("The cattle is on.")


NOTICES = """window.noticed = [];
window.Notification = class {
  static permission = 'default';
  static async requestPermission() { Notification.permission = 'granted'; }
  constructor(title) { window.noticed.push(title); }
};"""


def walk_to(page: Any, place: str) -> None:
    """Press Tab until ``place`` has the focus."""
    for _ in range(80):
        if page.evaluate("place => document.activeElement.matches(place)", place):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {place}")


def test_a_voice_is_recorded_and_handed_in_by_the_keyboard_alone(page: Any, running: Running) -> None:
    page.goto(running.address)
    page.locator("#tabs [role=tab]").first.wait_for()
    walk_to(page, "#tabs [role=tab]")
    page.keyboard.press("ArrowRight")
    page.locator("#create-passages input").first.wait_for(state="attached")
    walk_to(page, "#create-passages input")
    page.keyboard.press("ArrowUp")  # from the first to the last: one's own text
    walk_to(page, "#create-text")
    page.keyboard.type("The kettle is on. Who is there?")
    walk_to(page, "#create-record")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.level').dataset.level === 'good'")
    page.keyboard.press("Space")
    page.locator('#prompter[data-state="on"]').wait_for()
    for least in (3, 6):
        if page.locator("#prompter").is_visible():  # the first sentence may have ended by itself
            seconds(page, least)
            page.keyboard.press("ArrowRight")
    page.locator("#create-clips .clip").wait_for()
    for field, typed in (("#create-name", "Kay"), ("#create-who", "Kay Board")):
        walk_to(page, field)
        page.keyboard.type(typed)
    walk_to(page, "#create-agreed")
    page.keyboard.press("Space")
    walk_to(page, "#create-start")
    page.keyboard.press("Enter")
    page.locator(".job", has_text="Kay").wait_for()
    assert page.evaluate("document.activeElement.className").startswith("card job")
    for job in running.studio.jobs.list():
        running.studio.core.store.claim(job.id)
        running.studio.core.store.finish(job.id, "stopped")
        running.studio.jobs.put_away(job.id)


def test_two_voices_are_learnt_one_after_the_other_and_both_are_announced(
    page: Any, running: Running, spoken: np.ndarray
) -> None:
    store = running.studio.core.store
    page.add_init_script(NOTICES)
    for name in ("Ana", "Ben"):
        put_a_recording(running.studio, spoken)
        page.reload()
        on_create(page)
        page.locator("#create-clips .clip").wait_for()
        page.locator("#create-start").click()
        page.get_by_text("Give the voice a name.").wait_for()
        assert page.evaluate("document.activeElement.id") == "create-name"
        page.get_by_label("Name of the voice").fill(name)
        page.get_by_text("Give the voice a name.").wait_for(state="detached")  # it was given
        page.get_by_label("Name of the person").fill(name)
        page.get_by_label("This is my own voice").check()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the button that creates the voice is the next thing
        page.locator(".job", has_text=name).wait_for()
        page.locator("#create-clips").wait_for(state="hidden")  # the job may be listed before the answer is here
        page.wait_for_function("document.getElementById('create-name').value === ''")
    mine = [job for job in running.studio.jobs.list() if job.name in ("Ana", "Ben")]
    ana, ben = sorted(mine, key=lambda job: job.created + job.name)
    store.claim(ana.id)
    with store.runner_lock():
        page.locator(".job", has_text="Ben").get_by_text("It is the next in line.").wait_for()
        for percent in (10, 90):
            store.report(ana.id, Event("acoustic", "", percent, 100, {"loss": 1.0}), percent / 100, 600.0)
            store.report(ana.id, Event("acoustic", "", percent, 100, {"loss": 0.5}), percent / 100, 600.0)
            page.reload()
            on_create(page)
            page.locator(".job", has_text=f"{percent} %").get_by_text("About 10 minutes left").wait_for()
            assert page.title() == f"{percent} % Ana – Voice Studio"
        assert page.locator(".curve polyline").count() == 1
        page.get_by_role("button", name="Tell me when it is ready").first.click()
        page.get_by_role("button", name="Tell me when it is ready").first.wait_for(state="detached")  # of both
        page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")
        page.locator("#tabs button[data-tab-id=mix]").first.click()
        for job in (ana, ben):
            store.claim(job.id)
            store.finish(job.id, "done")
        page.locator("#watch-news").get_by_text("“Ana” is ready").wait_for(state="attached")
        page.locator("#watch-news").get_by_text("“Ben” is ready").wait_for(state="attached")
        assert sorted(page.evaluate("noticed")) == ["“Ana” is ready", "“Ben” is ready"]
        page.evaluate("delete document.hidden")
        title = page.title()
        assert "“Ana” is ready" in title and "“Ben” is ready" in title
    on_create(page)
    for name in ("Ana", "Ben"):
        page.locator(".job", has_text=name).get_by_role("button", name="Put this note away").click()
    page.locator(".job").first.wait_for(state="detached")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert not [url for url in asked if "/own/" in url], "nothing moves, so nothing is asked"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_reading_screen_fits_and_lets_go_of_the_microphone(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.locator("#create-record").click()
    page.wait_for_function("document.querySelector('.level').dataset.level === 'good'")
    inside = page.evaluate(
        """() => [...document.querySelectorAll('#prompter button, #prompter .level')].filter(e => e.checkVisibility()
                 && !e.closest('.prompter-text')).every(e => { const r = e.getBoundingClientRect();
                 return r.left >= 0 && r.right <= innerWidth && r.top >= 0 && r.bottom <= innerHeight; })"""
    )
    assert inside
    page.keyboard.press("Escape")
    page.locator("#prompter").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.id") == "create-record"
    assert page.locator("#create-clips .clip").count() == 0
