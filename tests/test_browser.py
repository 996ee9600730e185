"""The whole way in a real browser with the real studio: a recording goes in, the voice comes out, and can be mixed.

Uses the embedded base; where that is not there, a small random one of the same name, whose sounds mean nothing.
Training is cut to a few steps.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import worker
from gpt_sovits.audio import Audio, read_audio, write_wav
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.settings import PROJECT_ROOT, Settings
from gpt_sovits.studio import Studio
from gpt_sovits.voices.consent import Consent
from tests.random_base import write_random_base
from tests.webui.hearing import HOOK, played, sounds
from webui import server

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (requirements-dev.txt)")
pytestmark = pytest.mark.browser
DATA = Path(__file__).parent / "data"
MINI = PROJECT_ROOT / "pretrained_models" / "mini" / "config.json"
STEPS = 8
TRAINED_WITHIN = 600_000  # ms


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    settings = Settings(data_dir=tmp_path_factory.mktemp("studio"), device="cpu", threads=1)
    if not MINI.is_file():
        write_random_base(settings.models_dir / "mini")
    made = Studio(settings)
    submit = made.core.submission.add

    def hurried(user: str, request: TrainingRequest, prepared: Any = None) -> Any:
        """Voices from the browser learn for a few steps only."""
        return submit(user, replace(request, max_steps=request.max_steps or STEPS), prepared)

    made.core.submission.add = hurried  # type: ignore[method-assign]
    return made


@pytest.fixture(scope="module")
def address(studio: Studio) -> Iterator[str]:
    import uvicorn

    with pytest.MonkeyPatch.context() as patch:
        for name in ("GRADIO_TEMP_DIR", "GRADIO_EXAMPLES_CACHE", "GRADIO_ANALYTICS_ENABLED"):
            patch.setenv(name, "")
        folder = server.prepare(studio.settings.cache_dir)
        bound = server.listen("127.0.0.1", 0)
        app = server.create_app(studio, folder)
        running = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]}, daemon=True)
        with worker(studio.settings.data_dir):
            thread.start()
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/"
            running.should_exit = True
            thread.join(timeout=20)
        server.clean(folder)


def higher(recording: Path, to: Path) -> Path:
    """The same words a third higher and faster: another person, for the mix."""
    sound = read_audio(recording)
    write_wav(to, Audio(sound.samples, round(sound.rate * 1.26)))
    return to


def test_a_recording_becomes_a_voice_that_speaks_and_mixes(
    chromium: str, address: str, studio: Studio, tmp_path: Path
) -> None:
    words = (DATA / "one_minute.txt").read_text(encoding="utf-8") if MINI.is_file() else ""  # random ears find no words
    consent = Consent(who="Reader", purpose="a test", statement="The recording is licensed for this use.")
    asked: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
        page.set_default_timeout(120_000)
        page.on("request", lambda request: asked.append(request.url))
        page.add_init_script(HOOK)
        page.goto(address)

        page.get_by_role("tab", name="Create").click()
        page.get_by_label("Name of the voice").fill("Reader")
        page.get_by_label("My own text").check()
        page.get_by_label("The text that will be read").fill(words)
        page.locator("#create-files").set_input_files(DATA / "one_minute.opus")
        page.locator("#create-clips").get_by_text("one_minute.opus").wait_for()
        page.get_by_label("Name of the person").fill("Reader")
        page.get_by_label("This is my own voice").check()
        page.get_by_role("button", name="Create the voice").click()
        page.locator(".job").wait_for()
        ended = page.locator('.job[data-state="done"], .job[data-state="failed"]')
        ended.wait_for(timeout=TRAINED_WITHIN)
        assert ended.get_attribute("data-state") == "done", ended.inner_text()
        assert "Reader" in page.title() and studio.jobs.intake.clips() == []
        page.get_by_role("button", name="Hear it at ready").click()
        page.wait_for_function("document.querySelector('#create-sound').duration > 0.3")
        speak_with = page.locator(".job").get_by_role("button", name="Speak with it")

        speak_with.click()
        playwright.expect(page.get_by_role("radio", name="Reader")).to_be_checked()
        page.get_by_label("Text", exact=True).fill(
            "Good morning to all of you. 你好，世界。"
        )  # and it speaks by itself
        assert len(played(page, 0)) > 32000 // 2
        page.get_by_role("button", name="Speak", exact=True).click()
        page.locator(".take").wait_for()
        assert studio.session().takes.list()[0].voice_name == "Reader"

        studio.jobs.run(
            TrainingRequest(
                "Higher",
                higher(DATA / "one_minute.opus", tmp_path / "higher.wav"),
                script=words,
                consent=consent,
                max_steps=2,
            )
        )
        page.get_by_role("tab", name="Mix").click()
        page.locator("#mix-second option", has_text="Higher").wait_for(state="attached")
        page.locator("#mix-first").select_option(label="Reader")
        page.locator("#mix-second").select_option(label="Higher")
        playwright.expect(page.locator("#mix-blend")).to_have_text("50 % Reader, 50 % Higher")
        before = len(sounds(page, 0))
        page.get_by_role("button", name="Hear the blend").click()
        half = played(page, before)
        page.locator("#mix-ratio").press("Home")
        first = played(page, before + 1)
        shortest = min(len(half), len(first))
        assert len(half) != len(first) or np.abs(half[:shortest] - first[:shortest]).max() > 0.01
        browser.close()
    elsewhere = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert len(asked) > 20 and not elsewhere
