"""SIGKILL of the app and reloads of the page at named moments between opening and a finished voice, with the real app.

    python -m tests.tools.page_moments [chromium [step ...]]      of reading, upload, review, learning, the_rest; or all

On a busy machine nothing reaches the browser's fake microphone for a while, and it plays silence into the recording.
Give this program and all that it starts the processor first: it asks for that itself, where it may (``first``).

A browser whose microphone plays ``tests/data/one_minute.opus`` records, uploads, corrects and learns. Each time the
app is killed and started again, or the page reloaded; afterwards what is there is compared by content.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from gpt_sovits.audio import Audio, concatenate, read_audio, resample, wav_bytes, write_wav
from gpt_sovits.settings import PROJECT_ROOT, Settings
from gpt_sovits.studio import Studio
from tests.webui.test_create import likeness, on_create

PORT = 7913
ADDRESS = f"http://127.0.0.1:{PORT}/"
DATA = PROJECT_ROOT / "tests" / "data"
WORDS = (DATA / "one_minute.txt").read_text(encoding="utf-8")


class App:
    """The program itself, over one data folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "GPT_SOVITS_HOME": str(self.home), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "app.py", "--port", str(PORT)]
        self._process = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=2
        )
        for _ in range(1800):
            try:
                urllib.request.urlopen(f"{ADDRESS}en/", timeout=5)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise SystemExit("the app did not open")

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # its worker too
        self._process.wait()

    @property
    def studio(self) -> Studio:
        return Studio(Settings(self.home))


def first() -> None:
    """Every second, let all that this program started come before others on this machine (Linux, as root)."""
    while True:
        below, grew = {os.getpid()}, True
        parents = {}
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        while grew:
            more = {child for child, parent in parents.items() if parent in below} - below
            below, grew = below | more, bool(more)
        for each in below:
            with suppress(OSError):
                Path(f"/proc/{each}/autogroup").write_text("-6")
        time.sleep(1)


def told(moment: str, kept: bool) -> None:
    print(f"{'kept' if kept else 'LOST'}  {moment}", flush=True)


def back(page: Page) -> None:
    page.reload()
    on_create(page)


def recorded(app: App) -> np.ndarray:
    """All that was spoken, by sentences: those read while the app was down may arrive in any order."""
    clips = sorted(app.studio.jobs.intake.clips(), key=lambda clip: clip.sentence)
    clips = [clip for clip in clips if clip.kind == "spoken"]
    parts = [app.studio.jobs.intake.path(clip.id).read_bytes()[44:] for clip in clips]
    return np.frombuffer(b"".join(parts), "<i2") / 32768.0


def compared(recording: Audio, spoken: Audio, rate: int = 8000) -> tuple[float, float]:
    """Seconds of what was said that are skipped in the recording, and how well its worst two seconds fit.

    A browser that gets no time puts in a few hundredths of silence; that lowers the likeness, and nothing is skipped.
    """
    sound, said = (resample(each, rate).samples for each in (recording, spoken))
    size = 1 << (2 * len(said)).bit_length()
    whole = np.fft.rfft(np.concatenate([said, said]), size)
    stretches = [(at, sound[at : at + 2 * rate]) for at in range(0, len(sound) - 2 * rate, rate)]
    places = [np.fft.irfft(whole * np.conj(np.fft.rfft(each, size)), size)[: len(said)] for _, each in stretches]
    place = np.array([int(np.argmax(found)) - at for (at, _), found in zip(stretches, places, strict=True)])
    place = (place - place[0] + len(said) // 2) % len(said) - len(said) // 2  # it begins anew and anew
    moved = np.diff(np.median([place[:-2], place[1:-1], place[2:]], axis=0))  # one stretch alone may be mistaken
    fits = [likeness(each, np.concatenate([said, said])) for _, each in stretches]
    return float(moved[moved > 0].sum()) / rate, min(fits)


def reading(page: Page, app: App, spoken: Audio) -> None:
    page.locator("#create-passages input[value=own]").check(force=True)
    page.locator("#create-text").fill(WORDS)
    page.locator("#create-record").click()
    page.wait_for_function("document.querySelector('.level').dataset.level === 'good'")
    page.keyboard.press("Space")
    for moment in ("recording at 30 s, app killed", "recording at 60 s, page reloaded"):
        least = int(re.findall(r"\d+", moment)[0])
        page.wait_for_function(
            """least => { const t = document.querySelector('#prompter-place').innerText.match(/(\\d+):(\\d+)$/);
                          return t && 60 * t[1] + +t[2] >= least; }""",
            arg=least,
        )
        if "killed" in moment:
            app.kill()
            page.wait_for_timeout(3000)
            app.start()
            page.wait_for_timeout(4000)
        else:
            back(page)
        rate = app.studio.jobs.intake.clips()[0].rate
        sound = recorded(app)
        left_out, fits = compared(Audio(sound.astype(np.float32), rate), spoken)
        print(f"      {len(sound) / rate:.1f} s here, {left_out:.3f} s left out, likeness {fits:.3f}", flush=True)
        told(moment, len(sound) / rate > least - 1 and left_out < 0.02 and fits > 0.7)


def upload(page: Page, app: App) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 60 * 48000).astype(np.float32)
    content = wav_bytes(Audio(noise, 48000))
    sent: list[int] = []
    page.route(re.compile("/intake/clips/c"), lambda r: (sent.append(1), r.continue_() if len(sent) < 4 else r.abort()))
    page.locator("#create-files").set_input_files(
        {"name": "memo.wav", "mimeType": "audio/wav", "buffer": content},
    )
    page.wait_for_timeout(4000)
    app.kill()
    app.start()
    back(page)
    found = next(clip for clip in app.studio.jobs.intake.clips() if clip.kind == "file")
    print(f"      {found.received} of {found.size} bytes were here", flush=True)
    page.unroute(re.compile("/intake/clips/c"))
    back(page)
    page.get_by_text(re.compile(r"\d\.\d MB")).wait_for()
    told("upload at half, app killed and page reloaded", app.studio.jobs.intake.path(found.id).read_bytes() == content)
    page.get_by_role("button", name="Remove: memo.wav").click()


def review(page: Page, app: App) -> None:
    page.locator(".review-row").first.wait_for(state="attached", timeout=180_000)
    page.locator("#review summary").click()
    for number, text in enumerate(("One corrected.", "Two corrected.", "Three corrected.")):
        page.locator(".review-row textarea").nth(number).fill(text)
        page.locator(".review-row textarea").nth(number).blur()
        page.locator(".review-row[aria-busy]").wait_for(state="detached")
    page.get_by_label("Name of the voice").fill("Moments")
    page.get_by_label("Name of the person").fill("Reader")
    page.wait_for_timeout(600)
    for moment in ("page reloaded", "app killed", "language switched"):
        if moment == "app killed":
            app.kill()
            app.start()
        page.goto(f"{ADDRESS}zh/" if moment == "language switched" else f"{ADDRESS}en/")
        on_create(page)
        page.locator(".review-row").first.wait_for(state="attached", timeout=180_000)
        texts = [page.locator(".review-row textarea").nth(number).input_value() for number in range(3)]
        name = page.locator("#create-name").input_value()
        told(f"review with three corrections and a name typed, {moment}", (name, *texts) == (
            "Moments", "One corrected.", "Two corrected.", "Three corrected."))  # fmt: skip


def learning(page: Page, app: App) -> None:
    page.goto(f"{ADDRESS}en/")
    on_create(page)
    page.locator("#create-agreed").check()
    page.locator("#create-start").click()
    page.locator(".job").wait_for()
    percent = "() => parseInt(document.querySelector('.job .percent').textContent)"
    for least in (10, 90):
        page.wait_for_function(f"{percent[6:]} >= {least}", timeout=3_600_000)
        before = page.evaluate(percent)
        app.kill()
        app.start()
        back(page)
        page.locator(".job").wait_for()
        told(
            f"training at {before} %, app killed: it is at {page.evaluate(percent)} %", page.evaluate(percent) >= least
        )
    page.locator('.job[data-state="done"], .job[data-state="failed"]').wait_for(timeout=3_600_000)
    told("the voice is ready", "“Moments” is ready" in page.title())
    [card] = app.studio.voices.list()
    told(f"it is called {card.name} and has its sample", len(app.studio.voices.sample(card.id)) > 10_000)


def narrated(page: Page, app: App, least: int) -> int:
    """Waits for so many sentences of the only book; how many there are then."""
    while (done := sum(book.done for book in app.studio.session().books.list())) < least:
        page.wait_for_timeout(500)
    return done


def the_rest(page: Page, app: App) -> None:
    """Typing, mixing and narrating; the app is killed in the middle of each."""
    text, half = "This was typed, and not spoken. 还没有说完", "A half name"
    lines = [f"Sentence number {number} of a long evening is read here." for number in range(40)]
    page.locator("#tabs button[data-tab-id=speak]").first.click()
    page.locator("#speak-words").fill(text)
    page.locator("#tabs button[data-tab-id=mix]").first.click()
    page.locator("#mix-percent").fill("37")
    page.locator("#mix-name").fill(half)
    page.locator("#tabs button[data-tab-id=studio]").first.click()
    page.locator("#studio-text").fill("\n\n".join(lines))
    page.get_by_role("button", name="Use this text").click()
    page.get_by_role("button", name="Begin to narrate").click()
    narrated(page, app, 3)
    app.kill()
    app.start()
    page.reload()
    page.locator("#speak [data-ready]").wait_for()
    told("typing, app killed and page reloaded", page.locator("#speak-words").input_value() == text)
    page.locator("#tabs button[data-tab-id=mix]").first.click()
    page.locator("#mix [data-ready]").wait_for()
    mixed = (page.locator("#mix-percent").input_value(), page.locator("#mix-name").input_value())
    told("mixing, app killed and page reloaded", mixed == ("37", half))
    [book] = app.studio.session().books.list()
    takes = app.studio.session().books.open(book.id).folder / "takes"
    here = {path: path.read_bytes() for path in takes.iterdir()}
    told(f"narrating, app killed: {book.done} of {book.whole} sentences are here", 3 <= book.done < book.whole == 40)
    page.locator("#tabs button[data-tab-id=studio]").first.click()
    page.locator("#studio [data-ready]").wait_for()
    go = page.get_by_role("button", name=re.compile("^Go on"))
    if go.count():
        go.click()
    now = narrated(page, app, book.done + 2)
    there = {path: path.read_bytes() for path in here}
    told(f"and it goes on behind them: {now}, and what was there is there byte for byte", here == there)


def main() -> None:
    threading.Thread(target=first, daemon=True).start()
    chromium = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        spoken = resample(read_audio(DATA / "one_minute.opus"), 48000)
        write_wav(Path(folder) / "mic.wav", concatenate([spoken] * 8))  # where a file begins anew, 2 ms are missing
        fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--no-sandbox"]
        fake.append(f"--use-file-for-fake-audio-capture={folder}/mic.wav")
        app = App(Path(folder) / "data")
        browser: Any = driver.chromium.launch(executable_path=chromium, args=fake)
        page = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(120_000)
        try:
            page.goto(f"{ADDRESS}en/")
            on_create(page)
            steps = {"reading": partial(reading, spoken=spoken)}
            steps |= {step.__name__: step for step in (upload, review, learning, the_rest)}
            for name in sys.argv[2:] or steps:
                steps[name](page, app)
        finally:
            browser.close()
            app.kill()


if __name__ == "__main__":
    main()
