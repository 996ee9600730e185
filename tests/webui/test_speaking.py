"""What a person hears while they write and while they mix, in a real browser, over the real services that hum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from gpt_sovits.audio import Audio
from gpt_sovits.services.speech import SpeechService
from gpt_sovits.settings import Settings
from gpt_sovits.storage.takes import TakeLine
from gpt_sovits.studio import Studio
from tests.webui.hearing import HOOK, sounds
from tests.webui.humming import Humming
from tests.webui.serving import served
from tests.webui.test_create import walk_to

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (requirements-dev.txt)")
pytestmark = pytest.mark.browser
LONG = 60_000  # ms; the machine may be busy
RECORDING = Path(__file__).parent.parent / "data" / "one_minute.opus"


@pytest.fixture(scope="module")
def engine() -> Humming:
    return Humming()


@pytest.fixture(scope="module")
def humming(tmp_path_factory: pytest.TempPathFactory, engine: Humming) -> Iterator[Studio]:
    made = Studio(Settings(data_dir=tmp_path_factory.mktemp("humming"), device="cpu", threads=1), synthesizer=engine)  # type: ignore[arg-type]
    if not made.voices.invented():
        pytest.skip("needs the invented voices of the embedded base")
    clip = replace(made.voices.load("invented1"), id="", made_by={"kind": "reference"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpeechService, "reference_voice", lambda self, clip_file, transcript="": clip)
        yield made


@pytest.fixture(scope="module")
def place(humming: Studio, browser_folder: Path) -> Iterator[str]:
    from webui.server import create_app

    with served(create_app(humming, browser_folder)) as address:
        yield address + "/"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield made
        made.close()


@contextmanager
def opened(browser: playwright.Browser, address: str) -> Iterator[playwright.Page]:
    """A page that is ready; no request may go elsewhere, the console stays silent."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
    page.set_default_timeout(LONG)
    asked: list[str] = []
    failures: list[str] = []
    page.add_init_script(HOOK)
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda line: failures.append(line.text) if line.type == "error" else None)
    page.goto(address)
    page.locator("#speak [data-ready]").wait_for()
    yield page
    page.close()
    here = urlsplit(address)._replace(path="/").geturl()
    assert not [url for url in asked if not url.startswith((here, "data:", "blob:"))] and not failures


@pytest.fixture
def page(browser: playwright.Browser, place: str, humming: Studio, engine: Humming) -> Iterator[playwright.Page]:
    """The English page as a newcomer sees it."""
    for part in ("speak", "studio", "mix"):
        humming.session().desk.write(part, {})
    engine.said.clear()
    with opened(browser, place) as newcomer:
        yield newcomer


ENDED = """async () => {
  const stop = new AbortController();
  const answer = await fetch(new Request('./gradio_api/heartbeat/ended?/queue/data', { signal: stop.signal }));
  const reader = answer.body.getReader();
  const waiting = (async () => { while (!(await reader.read()).done); return 'over'; })();
  setTimeout(() => stop.abort(), 50);
  return waiting.catch((error) => error.name);
}"""  # Gradio aborts its stream; a read that failed then lost the answer of the last press


def write(page: playwright.Page, text: str) -> None:
    """Put in at the cursor, in one go: a busy machine would pause between keys, as a writer does."""
    page.locator("#speak-words").focus()
    page.keyboard.insert_text(text)


def test_the_first_press_speaks_and_then_it_invites_to_record(page: playwright.Page, engine: Humming) -> None:
    assert "A computer invented this voice." in page.locator("#speak-words").input_value()
    playwright.expect(page.get_by_role("radio", name="Ada")).to_be_checked()
    page.get_by_role("button", name="Speak", exact=True).click()
    sounds(page, 2)
    assert [pitch for pitch, _ in engine.said] == [160] * 2
    assert page.evaluate(ENDED) == "over"
    page.get_by_text("Now in your own voice?").wait_for()
    page.get_by_role("button", name="Record my voice").click()
    page.get_by_label("Name of the voice").first.wait_for()


def test_what_was_changed_is_spoken_when_the_writer_pauses(page: playwright.Page, engine: Humming) -> None:
    area = page.locator("#speak-words")
    area.fill("One sentence stands here. Another sentence stands there.")
    sounds(page, 2)
    area.press("Control+End")
    write(page, " A third sentence came.")
    sounds(page, 3)
    assert [text for _, text in engine.said][2:] == ["A third sentence came."]
    marked = page.locator(".sheet-marks mark")
    page.wait_for_function("document.querySelector('.sheet-marks mark')?.textContent === 'A third sentence came.'")
    marked.wait_for(state="detached")
    area.press("Control+Home")
    write(page, "Now ")
    sounds(page, 4)
    assert engine.said[-1][1] == "Now One sentence stands here."
    page.get_by_role("radio", name="Bo").check()  # another voice says the sentence at the cursor
    sounds(page, 5)
    assert engine.said[-1] == (240, "Now One sentence stands here.")
    page.get_by_label("Live preview").uncheck(force=True)
    page.get_by_text("Live preview is off.").wait_for()
    write(page, "Then ")
    page.wait_for_timeout(900)
    assert len(engine.said) == 5
    page.keyboard.press("Control+Enter")
    sounds(page, 8)
    page.reload()  # nothing that was typed or chosen is lost
    page.locator("#speak [data-ready]").wait_for()
    assert (
        area.input_value() == "Now Then One sentence stands here. Another sentence stands there. A third sentence came."
    )
    playwright.expect(page.get_by_role("radio", name="Bo")).to_be_checked()
    assert not page.get_by_label("Live preview").is_checked()


def test_older_work_is_dropped_and_escape_is_silence(page: playwright.Page, engine: Humming) -> None:
    page.locator("#speak-words").fill("Please wait for this sentence.")
    page.wait_for_function("document.querySelector('#speak-words')")
    until(page, lambda: bool(engine.said))
    page.locator("#speak-words").fill("The newest sentence is here.")
    sounds(page, 1)
    assert engine.dropped[-1:] == ["Please wait for this sentence."]
    page.locator("#speak-words").fill("Do wait again, please, for me.")
    until(page, lambda: "Do wait again, please, for me." in [text for _, text in engine.said])
    page.locator("#speak-words").press("Escape")
    until(page, lambda: engine.dropped[-1] == "Do wait again, please, for me.")


def test_an_answer_that_breaks_off_is_asked_for_again_and_eight_tabs_speak(
    browser: playwright.Browser, page: playwright.Page, place: str
) -> None:
    page.route("**/own/live", lambda route: route.fulfill(body=b""), times=1)
    page.locator("#speak-words").fill("This sentence was lost once.")
    sounds(page, 1)
    tabs = browser.new_context()
    for number in range(8):  # a browser has six connections to a studio
        tab = tabs.new_page()
        tab.set_default_timeout(LONG)
        tab.add_init_script(HOOK)
        tab.goto(place)
        tab.locator("#speak [data-ready]").wait_for()
        tab.locator("#speak-words").fill(f"This is said in tab {number}.")
        sounds(tab, 1)
    tab.wait_for_timeout(900)  # until it is kept
    tabs.close()
    page.evaluate("window.dispatchEvent(new Event('focus'))")  # whoever comes to the front has what was written last
    page.get_by_text("This is what was written in another tab.").wait_for()
    playwright.expect(page.locator("#speak-words")).to_have_value("This is said in tab 7.")


def until(page: playwright.Page, true: Any) -> None:
    for _ in range(2000):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen")


def test_what_cannot_be_spoken_is_one_gentle_sentence(page: playwright.Page) -> None:
    speak = page.get_by_role("button", name="Speak", exact=True)
    for text, sentence in (
        ("", "There is no text yet."),
        ("?!…", "There is nothing to speak in this text."),
        ("This goes boom.", "Something went wrong that should not have."),
    ):
        page.get_by_label("Live preview").uncheck(force=True)
        page.get_by_label("Text", exact=True).fill(text)
        speak.click()
        page.locator("#speak-problem").get_by_text(sentence).wait_for()
        playwright.expect(page.locator("#speak-stop")).to_be_hidden()


def test_a_word_is_put_right_in_plain_words(page: playwright.Page, engine: Humming, humming: Studio) -> None:
    page.get_by_label("Text", exact=True).fill("At 9:45 the zorblat sings.")
    page.get_by_text("Will be read as").click()
    page.get_by_role("button", name="nine forty-five").wait_for()
    assert "N AY1 N" not in page.locator("#speak-read").inner_text()
    page.get_by_label("Text", exact=True).fill("At 9:45 the zorblat lost its lead.")
    page.get_by_role("button", name="lead").click()
    until(page, lambda: (160, "[lead|L IY1 D]") in engine.said)  # as it is read there, whatever it is alone
    page.get_by_role("button", name="Hear it as Reading 1").click()  # another reading, and as high as was asked for
    until(page, lambda: (160, "[lead|L EH1 D]") in engine.said)
    page.get_by_text("Pace, pauses and keys").click()
    page.get_by_label("Pitch").fill("4")
    page.get_by_text("+4 semitones").wait_for()
    page.get_by_role("button", name="Hear it as Reading 1", pressed=True).click()
    until(page, lambda: (202, "[lead|L EH1 D]") in engine.said)
    page.get_by_label("Pitch").fill("0")
    page.get_by_text("Pace, pauses and keys").click()
    page.get_by_role("button", name="zorblat").click()
    page.get_by_label("Write it as it sounds").fill("sorbet")
    page.get_by_role("button", name="Hear it", exact=True).click()
    until(page, lambda: (160, "[zorblat|=sorbet]") in engine.said)
    page.get_by_role("button", name="Here only").click()
    playwright.expect(page.get_by_label("Text", exact=True)).to_have_value(
        "At 9:45 the [zorblat|=sorbet] lost its lead."
    )
    page.keyboard.press("Control+z")
    playwright.expect(page.get_by_label("Text", exact=True)).to_have_value("At 9:45 the zorblat lost its lead.")
    page.get_by_label("Text", exact=True).fill("The zorblat sings again.")
    page.locator(".read-one.guess").click()
    page.get_by_label("Write it as it sounds").fill("sorbet")
    page.get_by_role("button", name="Always").click()
    page.locator(".read-one.lexicon").wait_for()
    assert [(each.word, each.reading) for each in humming.lexicon.entries()] == [("zorblat", "=sorbet")]
    page.get_by_role("button", name="My words").click()
    page.get_by_role("cell", name="zorblat").wait_for()
    page.get_by_label("Show the sounds too").check()
    page.locator(".read-one small").first.wait_for()


def test_a_clip_speaks_at_once(page: playwright.Page, humming: Studio, engine: Humming) -> None:
    page.get_by_label("Live preview").uncheck(force=True)
    page.get_by_role("radio", name="A short clip").check()
    page.get_by_role("button", name="Speak", exact=True).click()
    page.get_by_text("Please record or choose a clip first.").wait_for()
    page.locator("#speak-clip-box input[type=file]").set_input_files(RECORDING)
    page.locator("#speak-clip .timestamps, #speak-clip time").first.wait_for()
    page.get_by_role("button", name="Speak", exact=True).click()
    sounds(page, 1)
    assert engine.said[-1][0] == 420


def test_a_take_is_heard_said_again_and_deleted_with_a_way_back(page: playwright.Page, humming: Studio) -> None:
    page.get_by_label("Live preview").uncheck(force=True)
    page.get_by_label("Text", exact=True).fill("One sentence stands here. Another sentence stands there.")
    page.get_by_role("button", name="Slower").click()
    page.get_by_label("Text", exact=True).fill("One sentence stands here. Another sentence stands there.")
    page.keyboard.press("Control+Enter")
    take = page.locator(".take").first
    take.get_by_role("button", name="Play: One sentence").click()
    take.get_by_role("button", name="Pause: One sentence").wait_for()
    take.get_by_text("Sentences, files, name").click()
    inked = "each => each.getContext('2d').getImageData(0, 0, 480, 128).data.filter((v, n) => n % 4 == 3 && v).length"
    assert take.get_by_role("img", name="Its wave and its tones").evaluate(inked) > 5000
    take.locator(".wave-words span").nth(1).click()
    take.locator(".wave-words .sounding", has_text="Another").wait_for()
    take.get_by_label("Name", exact=True).fill("Breakfast")
    take.get_by_label("Name", exact=True).press("Enter")
    take.get_by_role("button", name="Favourite").click()
    before = len(humming.session().takes.list())
    take.get_by_role("button", name="Say it again: sentence 2").click()
    page.get_by_text("A new take has the new sentence.").wait_for()
    new = page.locator(".take").first.get_by_role("button", name="Say it again: sentence 2")
    playwright.expect(new).to_be_focused()
    page.locator(".take", has_text="Breakfast").get_by_text("Sentences, files, name").click()
    with page.expect_download() as download:
        page.locator(".take", has_text="Breakfast").get_by_role("link", name="Save as SRT").click()
    assert download.value.suggested_filename == "Breakfast.srt"
    ada, tone = humming.voices.load("invented1"), Audio(np.full(3200, 0.1, np.float32), 32000)
    way: dict[str, Any] = {"language": "en", "speed": 1.0, "pause": 0.3, "seed": 0}
    for _ in range(8):
        humming.session().takes.keep(ada, "Hello.", [TakeLine(0, 6, 0.0, 0.0, 0)], [tone], **way)
    page.reload()
    page.get_by_label("Compare: Hello.").first.check()
    page.get_by_role("button", name="Older ones").click()
    kept = page.locator(".take", has_text="Breakfast")
    playwright.expect(page.locator(".take").nth(8).get_by_role("button").first).to_be_focused()
    playwright.expect(page.get_by_label("Compare: Hello.").first).to_be_checked()
    kept.get_by_role("button", name="Favourite", pressed=True).wait_for()
    kept.get_by_text("Sentences, files, name").click()
    kept.get_by_role("button", name="Delete").click()
    playwright.expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    kept.get_by_role("button", name="Play: Breakfast").wait_for()
    assert len(humming.session().takes.list()) == before + 9


def test_the_slider_is_heard_while_it_moves_and_the_blend_is_kept(page: playwright.Page, engine: Humming) -> None:
    page.get_by_role("tab", name="Mix").click()
    blend = page.locator("#mix-blend")
    playwright.expect(blend).to_have_text("50 % Ada, 50 % Bo")
    page.get_by_role("button", name="Hear the blend").click()
    sounds(page, 1)
    until(page, lambda: {160, 180, 200, 220, 240} <= {pitch for pitch, _ in engine.said})  # prepared meanwhile
    slider = page.locator("#mix-ratio")
    heard = len(sounds(page, 1))
    slider.press("ArrowRight")  # by the keyboard
    sounds(page, heard + 1)
    assert slider.get_attribute("aria-valuetext") == "49 % Ada, 51 % Bo"
    until(page, lambda: 201 in {pitch for pitch, _ in engine.said})
    box = slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, y, steps=4)  # by the mouse, which is not let go
    until(page, lambda: {pitch for pitch, _ in engine.said} & {228, 232, 236})
    page.mouse.up()
    page.get_by_label("Slider in percent").fill("12")
    until(page, lambda: 170 in {pitch for pitch, _ in engine.said})
    page.get_by_text("A third voice").click()
    page.get_by_label("Third voice").select_option(label="Cleo (invented voice)")
    playwright.expect(blend).to_have_text("70 % Ada, 10 % Bo, 20 % Cleo")
    until(page, lambda: 200 in {pitch for pitch, _ in engine.said})
    page.get_by_label("Third voice").select_option(label="None")
    page.get_by_role("button", name="Stop").click()
    page.get_by_label("Name of the new voice").fill("Abo")
    page.reload()  # and by the keyboard alone from opening to a voice that is kept and to what it says
    page.locator("#speak [data-ready]").wait_for()
    walk_to(page, "#tabs [role=tab]")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    playwright.expect(blend).to_have_text("88 % Ada, 12 % Bo")
    walk_to(page, "#mix-save")
    page.keyboard.press("Enter")
    page.get_by_text("“Abo” is saved.").wait_for()
    walk_to(page, "#tabs [role=tab]")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    walk_to(page, "#speak input[type=radio]")
    page.get_by_role("radio", name="Abo").wait_for()
    while not page.get_by_role("radio", name="Abo").is_checked():
        page.keyboard.press("ArrowRight")
    walk_to(page, "#speak-words")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("Nobody touched a mouse.")
    page.keyboard.press("Control+Enter")
    until(page, lambda: (170, "Nobody touched a mouse.") in engine.said)
    page.get_by_role("tab", name="Mix").click()
    page.locator("#mix-first").select_option(label="Bo (invented voice)")
    page.get_by_text("These are the same voice.").wait_for()
    assert page.get_by_role("button", name="Hear the blend").is_disabled()


def test_a_long_text_is_cast_spoken_changed_and_made_a_file(
    page: playwright.Page, engine: Humming, humming: Studio
) -> None:
    twins = [humming.voices.save(humming.voices.mix("invented1", "invented2", 0.5), "Twin") for _ in range(2)]
    page.get_by_role("tab", name="Studio").click()
    page.get_by_role("button", name="Use this text").click()
    page.get_by_text("There is no text yet. Paste one").wait_for()
    play = "# One\n\nIt was dark.\n\nAnna: Who is there?\nAnna: Nobody, perhaps.\n\n# Two\n\nThen he would mumble."
    page.get_by_label("Paste the text").fill(play)
    page.wait_for_timeout(700)
    page.reload()  # what was pasted is not lost
    page.get_by_role("tab", name="Studio").click()
    page.get_by_role("button", name="Use this text").click()
    playwright.expect(page.locator("#studio-cast-title")).to_be_focused()
    called = page.get_by_label("Narrator").first.locator("option").all_inner_texts()
    assert sum(name.startswith("Twin · ") for name in called) == 2 and len(set(called)) == len(called)
    page.get_by_label("Narrator").first.select_option(label="Ada (invented voice)")
    page.get_by_label("Anna").select_option(label="Cleo (invented voice)")
    page.locator("#studio-name").evaluate("field => { field.value = 'The book before'; }")
    page.get_by_role("button", name="Begin to narrate").click()
    page.get_by_text("All 6 sentences are spoken").wait_for()
    assert (320, "Who is there?") in engine.said and (160, "Then he would mumble.") in engine.said
    page.get_by_text("Sentences that may have come out wrong: 1").wait_for()
    page.get_by_role("button", name="Hear the next one").click()
    page.get_by_text("Words may have come out wrong: listen again").wait_for()
    playwright.expect(page.locator(".sentence", has_text="mumble").locator(".take-line")).to_be_focused()
    page.get_by_role("button", name="Say all of them again").click()
    page.get_by_text("Words may have come out wrong").wait_for(state="hidden")
    playwright.expect(page.locator("#studio-doubted")).to_be_hidden()
    page.locator("#studio-chapter").select_option(label="One")
    page.get_by_role("button", name="Say it again: sentence 3").click()
    page.get_by_label("Take of sentence 3").select_option(label="Take 1")
    page.get_by_role("button", name="Change the text of sentence 3").click()
    page.get_by_label("Change the text of sentence 3").fill("Who was there?")
    page.get_by_role("button", name="Say it like this").click()
    page.get_by_role("button", name="Anna Who was there?").wait_for()
    assert engine.said[-1] == (320, "Who was there?")
    playwright.expect(page.get_by_role("button", name="Change the text of sentence 3")).to_be_focused()
    page.get_by_role("button", name="Play from here").click()
    page.locator(".sentence", has_text="Nobody, perhaps.").locator(".sounding").wait_for()
    page.get_by_text("Make one file of it").click()
    playwright.expect(page.locator("#studio-name")).to_have_value("One")
    page.get_by_role("button", name="Make the file").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as M4B").click()
    assert download.value.suggested_filename == "One.m4b"
    page.get_by_role("button", name="Delete: One").click()
    playwright.expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Open: One").wait_for()
    for twin in twins:
        humming.voices.delete(twin)


def test_a_voice_is_owned_in_its_card(page: playwright.Page, humming: Studio) -> None:
    kept = humming.voices.save(humming.voices.mix("invented1", "invented2", 0.5), "Temporary")
    page.get_by_role("tab", name="Voices").click()
    card = page.locator(f'.voice-card[data-id="{kept}"]')
    card.get_by_text("a mix of 50 % Ada + 50 % Bo").wait_for()
    card.locator(".look line").first.wait_for(state="attached")  # its picture, from what it says
    card.get_by_role("button", name="Play: Temporary").click()
    card.get_by_role("button", name="Pause: Temporary").wait_for()
    card.get_by_text("More about it").click()
    card.get_by_text("Give it another name").click()
    card.get_by_label("New name").fill("Passing")
    card.get_by_label("New name").press("Enter")
    card.get_by_text("It is now called “Passing”.").wait_for()  # where it was asked for
    card.get_by_text("What was done with it").click()
    card.get_by_text("mixed: Ada + Bo").wait_for()
    card.get_by_text("Freeze", exact=True).click()
    card.get_by_label("Passphrase or password").fill("melt me slowly")
    card.get_by_role("button", name="Freeze it").click()
    card.get_by_text("The two passphrases differ.").wait_for()
    card.get_by_label("The passphrase again").first.fill("melt me slowly")
    told = "b => { b.click(); return b.closest('.part').querySelector('.notice').innerText; }"
    assert "is being tried" in card.get_by_role("button", name="Freeze it").evaluate(told)
    card.get_by_text("“Passing” is frozen.").wait_for()
    assert card.get_by_text("Destroy this voice").count() == card.get_by_text("Give it another name").count() == 0
    card.get_by_label("Passphrase or password").fill("melt me slowly")
    card.get_by_role("button", name="Unfreeze it").click()
    card.get_by_text("“Passing” may be changed again.").wait_for()
    card.get_by_text("Lock", exact=True).click()
    card.get_by_label("Passphrase, at least").fill("melt me slowly")
    card.get_by_label("The passphrase again").last.fill("melt me slwoly")
    card.get_by_role("button", name="Lock it").click()
    card.get_by_text("The two passphrases differ.").wait_for()
    assert not humming.voices.find("Passing").locked
    card.get_by_text("Delete this voice").click()
    card.get_by_role("button", name="Delete: Passing").click()
    playwright.expect(card.get_by_role("button", name="Keep it")).to_be_focused()
    card.get_by_role("button", name="Delete: Passing").click()
    playwright.expect(page.get_by_role("button", name="Undo: Passing")).to_be_focused()
    assert kept not in [each.id for each in humming.voices.list()]
    page.keyboard.press("Enter")
    card.get_by_text("More about it").click()
    card.get_by_text("Destroy this voice").click()
    destroy = card.get_by_role("button", name="Destroy", exact=True)
    destroy.click()
    card.get_by_text("That is not its name.").wait_for()
    card.get_by_label("Name of the voice").fill("Passing")
    destroy.click()
    card.get_by_text("Please tick the box as well").wait_for()
    card.get_by_label("Yes, destroy it for good").check()
    destroy.click()
    card.get_by_text("This is the last question.").wait_for()
    card.get_by_role("button", name="Keep it").click()
    playwright.expect(card.get_by_label("Yes, destroy it for good")).not_to_be_checked()
    card.get_by_label("Name of the voice").fill("Passing")
    card.get_by_label("Yes, destroy it for good").check()
    destroy.click()
    card.get_by_role("button", name="Destroy it for ever").click()
    page.get_by_text(re.compile("“Passing” is destroyed")).wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the receipt").click()
    text = Path(download.value.path()).read_text()
    assert kept in text and 'found_of_it": []' in text, text
    assert download.value.suggested_filename == "Passing.json"
    assert kept not in [each.id for each in humming.voices.list()]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_fold_opens_and_nothing_sticks_out_on_a_phone(
    browser: playwright.Browser, place: str, language: str
) -> None:
    with opened(browser, f"{place}{language}/") as page:
        page.set_viewport_size({"width": 390, "height": 844})
        for tab in ("speak", "studio", "mix", "voices"):
            page.locator(f'#tabs [role=tab][data-tab-id="{tab}"]').click()
            page.locator(f"#{tab} :is(form, .voice-card)").first.wait_for()
            for fold in page.locator(f"#{tab} summary").all():
                fold.focus()
                page.keyboard.press("Enter")
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert not re.search("undefined|NaN|\\{\\w+\\}", page.locator(f"#{tab}").inner_text())
        assert urlsplit(page.url).path == f"/{language}/"
