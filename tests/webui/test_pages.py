"""What a person does in the pages, in a real browser, over the humming studio. Every request is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from tests.webui.fake_studio import FakeModel, FakeStudio

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (requirements-dev.txt)")
pytestmark = pytest.mark.browser
LONG = 60_000  # ms; the machine may be busy


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as driver:
        microphone = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        made = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", *microphone])
        yield made
        made.close()


@pytest.fixture
def page(browser: playwright.Browser, address: str) -> Iterator[playwright.Page]:
    """The English page, open; afterwards no request may have gone elsewhere and no script may have failed."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
    opened.set_default_timeout(LONG)
    asked: list[str] = []
    failures: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: failures.append(str(error)))
    opened.goto(address)
    opened.get_by_role("tab", name="Create").click()
    opened.wait_for_timeout(1500)  # the first look at jobs and voices
    yield opened
    opened.close()
    here = urlsplit(address).netloc
    elsewhere = {url for url in asked if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != here}
    assert len(asked) > 20
    assert not elsewhere
    assert not failures


def choose(page: playwright.Page, label: str, name: str) -> None:
    """Choose from a list in Settings; its options hang at a fixed place, so nothing may move under them any more."""
    page.get_by_role("rowheader", name="v2ProPlus").wait_for()  # the table above the lists has come
    field = page.get_by_label(label)
    option = page.get_by_role("option", name=name, exact=True)
    for _ in range(5):
        field.evaluate("field => field.scrollIntoView({block: 'center'})")
        field.click()
        try:
            option.click(timeout=5000)
            return
        except playwright.TimeoutError:  # the page grew while the list was open
            field.press("Escape")
            field.blur()
    raise AssertionError(f"{name} cannot be chosen in {label}")


def test_download_a_model_with_its_licences_shown_first(page: playwright.Page, studio: FakeStudio) -> None:
    library = studio.models
    page.get_by_role("tab", name="Settings").click()
    choose(page, "Model to download", "v2")
    page.get_by_text("GPT-SoVITS: MIT licence, by RVC-Boss").wait_for()
    page.get_by_text("v2 is at least 1.4 GB").wait_for()
    start = page.get_by_role("button", name="Download", exact=True)
    start.click()
    page.get_by_text("Please accept the licences first.").wait_for()
    assert not library.asked
    page.get_by_label("I have read these licences and accept them.").check()
    start.click()
    page.get_by_text("Downloading v2").wait_for()
    page.get_by_role("progressbar").wait_for()
    page.get_by_text("MB of 954 MB: s2G.pth").wait_for()
    page.locator("#settings-stop").click()
    page.get_by_text("What has arrived is kept; downloading again goes on there.").wait_for()
    start.click()
    page.get_by_text("v2 is on this computer now.").wait_for()
    assert library.asked == [("v2", "https://huggingface.co")] * 2
    here = page.locator("#settings-table table", has=page.get_by_text("On this computer"))
    here.get_by_role("rowheader", name="v2", exact=True).wait_for()
    here.get_by_text("4.2 s of speech in a second, measured here").wait_for()
    here.get_by_role("row", name="Shared what several models use").get_by_text("858 MB").wait_for()


def test_offline_import_and_removal_in_settings(page: playwright.Page, studio: FakeStudio, tmp_path: Path) -> None:
    library = studio.models
    library.models["v2"] = FakeModel("v2", "v2", True)
    page.get_by_role("tab", name="Settings").click()
    choose(page, "Model to download", "v4")
    page.get_by_text("v4 is at least 1.4 GB").wait_for()  # another model asks again
    page.get_by_label("I have read these licences and accept them.").check()
    page.get_by_role("button", name="Download", exact=True).click()
    page.get_by_text("The download site https://huggingface.co cannot be reached. Go online and try again.").wait_for()

    page.get_by_role("button", name="Import files").click()
    page.get_by_role("button", name="Import what lies in the folder").click()
    page.get_by_text("The folder /data/import is empty. Put the files there first.").wait_for()
    voice = tmp_path / "my_e8_s200.pth"
    voice.write_bytes(b"weights")
    page.locator("#settings-import").get_by_label("v4").check()
    page.locator("#settings-import input[type=file]").set_input_files(voice)
    playwright.expect(page.locator("#settings-import-problem .notice")).to_be_empty()
    assert library.taken == [(["my_e8_s200.pth"], "v4")]

    choose(page, "New voices are made on", "v2")
    page.get_by_text("From now on, new voices are made on v2.").wait_for()
    assert library.chosen == "v2"

    page.get_by_text("Remove a model").click()
    page.get_by_role("button", name="Remove it").click()
    page.get_by_text("v2 is removed.").wait_for()
    assert not library.models["v2"].installed


def test_the_other_language_is_one_click_away(page: playwright.Page) -> None:
    page.get_by_role("link", name="中文").click()
    page.get_by_role("tab", name="创建").wait_for()
    assert page.evaluate("document.documentElement.lang").startswith("zh")
    for name in ("朗读", "混合", "我的声音", "设置"):
        page.get_by_role("tab", name=name).click()
        page.get_by_role("heading", level=2).first.wait_for()
    page.goto(urljoin(page.url, "/"))
    page.get_by_role("tab", name="创建").wait_for()


def test_everything_has_a_name_and_the_keyboard_reaches_it(page: playwright.Page) -> None:
    """Every control that can be seen has a name for those who cannot see it; Tab reaches the main button."""
    for tab in ("Speak", "Create", "Studio", "Mix", "Voices", "Settings"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(500)
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input, textarea, button, select, audio, a')]
                .filter(e => e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && e.type !== 'file'
                             && !e.closest('[aria-hidden=true]'))
                .filter(e => !(e.labels && e.labels.length && e.labels[0].innerText.trim()) && !e.innerText?.trim()
                             && !e.getAttribute('aria-label') && !e.title)
                .map(e => e.outerHTML.slice(0, 160))"""
        )
        assert not nameless, tab
        assert page.evaluate("document.querySelectorAll('h1').length") == 1
    page.get_by_role("tab", name="Create").click()
    page.get_by_label("Name of the voice").first.focus()
    page.get_by_role("tab", name="Settings").focus()
    for key, name in (("ArrowRight", "Speak"), ("ArrowLeft", "Settings"), ("Home", "Speak"), ("ArrowRight", "Create")):
        page.keyboard.press(key)
        playwright.expect(page.get_by_role("tab", name=name, selected=True)).to_be_focused()
    page.wait_for_timeout(300)
    assert page.locator("#tabs [role=tab][tabindex='0']:visible").count() == 1  # one stop for the Tab key
    page.get_by_label("Name of the voice").first.focus()
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('[id]')?.id"))
    assert "create-start" in reached and "create-agreed" in reached


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_of_the_window(page: playwright.Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for tab in ("Speak", "Create", "Studio", "Mix", "Voices", "Settings"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
