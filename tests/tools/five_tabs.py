"""Five tabs speak and preview with three voices while a fourth is learnt: is every sound of its own text and voice?

    python -m tests.tools.five_tabs [chromium]

Each tab writes sentences of its own, one after the other, all tabs at once. What it plays is compared, sample by
sample, with what the library says for the same text, voice and seed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.voices.consent import Consent
from tests.tools.page_moments import ADDRESS, DATA, WORDS, App
from tests.webui.hearing import HOOK, sounds

VOICES = ("invented1", "invented2", "invented3", "invented1", "invented2")
ROUNDS = (
    "The kettle of tab {} sings on the stove.",
    "今天第{}页的人去公园散步。",
    "Tab number {} is still quite happy.",
)


def train(app: App) -> str:
    consent = Consent(who="Reader", purpose="a test", statement="The recording is licensed for this use.")
    return app.studio.jobs.create(TrainingRequest("Reader", DATA / "one_minute.opus", consent, script=WORDS))


def said(page: Page) -> list[np.ndarray]:
    """Everything that a tab has played, as 16-bit samples."""
    played = page.evaluate("sounded.map(({ sound }) => Array.from(sound, (value) => Math.round(value * 32768)))")
    return [np.array(each, np.int64) for each in played]


def opened(browser: Any) -> list[Page]:
    context, tabs = browser.new_context(locale="en-US"), []
    for voice in VOICES:
        page = context.new_page()
        page.set_default_timeout(300_000)
        page.add_init_script(HOOK)
        page.goto(f"{ADDRESS}en/")
        page.locator("#speak [data-ready]").wait_for()
        page.locator("#speak-words").fill("")
        page.locator(f"#speak-voice input[value={voice}]").check(force=True)
        tabs.append(page)
    return tabs


def main() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        app = App(Path(folder) / "data")
        browser = driver.chromium.launch(
            executable_path=sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium",
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        try:
            job = train(app)
            tabs, wrong = opened(browser), 0
            for text in ROUNDS:
                for number, tab in enumerate(tabs):
                    tab.locator("#speak-words").fill(text.format(number + 1))
            for tab in tabs:  # only the newest text has to sound, the others may
                tab.wait_for_function("sounded.length && document.querySelector('#speak-stop').hidden")
                tab.keyboard.press("Control+Enter")
            speech = app.studio.speech
            for number, (tab, voice) in enumerate(zip(tabs, VOICES, strict=True)):
                tab.locator(".take").first.wait_for()
                texts = [text.format(number + 1) for text in ROUNDS]
                lines = [line for text in texts for line in speech.lines(text, voice)]
                own = [speech.say(line, voice).samples.clip(-1, 1) for line in lines]
                for heard in said(tab):
                    off = [np.abs(heard - 32768 * each).max() for each in own if len(each) == len(heard)]
                    wrong += min(off, default=32768) > 328  # a hundredth: another count of threads rounds otherwise
                    print(
                        f"tab {number + 1}, {voice}: {len(heard)} samples, {min(off, default=-1):.1f} off", flush=True
                    )
                sounds(tab, 2)
            print(f"{wrong} sounds of another text or voice; training: {app.studio.jobs.get(job).state}")
        finally:
            browser.close()
            app.kill()
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
