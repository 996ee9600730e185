"""How soon the page answers, median of 20 each, with the embedded base on a machine at rest.

    python -m tests.tools.page_speed [chromium]

Read: `python app.py` to the studio; the page from its address to where it can be used; the last key to the first sound,
the pause of typing included; a change at the end of a long text, and that it speaks that sentence alone; the slider to
the changed sound while it moves. Sounds count from when the page starts them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.tools.page_moments import ADDRESS, App
from tests.webui.hearing import HOOK

TIMES = 20
SUBJECTS = ("sun", "rain", "bird", "baker", "river", "train", "child", "cat", "moon", "farmer")
LONG = " ".join(f"In the year number {year} the old {what} came home late." for year in (3, 5) for what in SUBJECTS)


def told(what: str, found: list[float], bound: float, unit: str = "ms") -> None:
    middle = statistics.median(found)
    spread = f"{min(found):.0f} to {max(found):.0f}" if unit == "ms" else f"{min(found):.1f} to {max(found):.1f}"
    print(
        f"{'ok  ' if middle <= bound else 'SLOW'} {what}: {middle:.1f} {unit} ({spread}, {len(found)} times)",
        flush=True,
    )


def sound_after(page: Page, do: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds until the next sound starts, and its seconds."""
    before = page.evaluate("sounded.length")
    at = page.evaluate("performance.now()")
    do()
    page.wait_for_function("before => sounded.length > before", arg=before)
    heard = page.evaluate("before => ({ at: sounded[before].at, seconds: sounded[before].seconds })", before)
    return heard["at"] - at, heard["seconds"]


def quiet(page: Page) -> None:
    page.wait_for_function("document.querySelector('#speak-stop').hidden")
    page.wait_for_timeout(300)


def typing(page: Page) -> None:
    area, found = page.locator("#speak-words"), []
    area.fill("")
    for number in range(TIMES + 1):
        area.press("Control+End")
        text = f" The {SUBJECTS[number % 10]} has {number + 2} friends."
        found.append(sound_after(page, lambda text=text: page.keyboard.insert_text(text))[0])
        quiet(page)
    told("last key to first sound", found[1:], 700)  # the first one warms up


def long_text(page: Page) -> None:
    page.get_by_label("Live preview").uncheck(force=True)
    page.locator("#speak-words").fill(LONG)
    page.get_by_label("Live preview").check(force=True)
    page.locator("#speak-words").press("Control+End")
    sound_after(page, lambda: page.keyboard.insert_text(" And that is all."))  # all of it is heard first
    page.wait_for_function("document.querySelector('#speak-stop').hidden", timeout=600_000)
    found, more = [], 0
    for number in range(TIMES):
        before = page.evaluate("sounded.length")
        found.append(sound_after(page, lambda number=number: page.keyboard.insert_text(f" Good night, {number}."))[0])
        quiet(page)
        more += page.evaluate("sounded.length") - before - 1
    told("a sentence more at the end of a long text", found, 700)
    print(f"{'ok  ' if not more else 'MORE'} sounds besides that sentence: {more}")


def slider(page: Page) -> None:
    page.locator("#tabs button[data-tab-id=mix]").first.click()
    page.locator("#mix-first").select_option("invented1")
    page.locator("#mix-second").select_option("invented2")
    page.get_by_role("button", name="Hear the blend").click()
    page.wait_for_function("sounded.length")
    page.wait_for_timeout(10_000)  # it prepares what lies between
    move = "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }"
    ratio, found = page.locator("#mix-ratio"), []
    for number in range(TIMES):
        value = (20, 80, 35, 60, 10, 90, 45, 70, 5, 55)[number % 10]
        found.append(sound_after(page, lambda value=value: ratio.evaluate(move, value))[0])
        page.wait_for_timeout(700)
    told("slider to changed sound while it moves", found, 400)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        starts = []
        for number in range(TIMES):
            began = time.monotonic()
            app = App(Path(folder) / "data")
            starts.append(time.monotonic() - began)
            if number < TIMES - 1:
                app.kill()
        told("python app.py to the studio", starts, 6, "s")
        browser = driver.chromium.launch(
            executable_path=sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium",
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        try:
            opening = []
            for number in range(TIMES):
                page = browser.new_page(locale="en-US")
                page.set_default_timeout(120_000)
                page.add_init_script(HOOK)
                began = time.monotonic()
                page.goto(f"{ADDRESS}en/")
                page.locator("#speak [data-ready]").wait_for()
                opening.append(time.monotonic() - began)
                if number < TIMES - 1:
                    page.close()
            told("page to where it can be used", opening, 3, "s")
            typing(page)
            long_text(page)
            slider(page)
        finally:
            browser.close()
            app.kill()


if __name__ == "__main__":
    main()
