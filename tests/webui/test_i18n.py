"""Both languages say the same things, in plain words, and every sentence that the pages ask for exists."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from string import Formatter

import pytest

from gpt_sovits.errors import VoiceError
from gpt_sovits.versions import VERSIONS
from webui import fragments, i18n

WEBUI = Path(i18n.__file__).parent.parent
ENGLISH, CHINESE = i18n.load("en"), i18n.load("zh")


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_files_have_the_same_keys_and_blanks() -> None:
    assert list(ENGLISH.sentences) == list(CHINESE.sentences)
    for key, text in ENGLISH.sentences.items():
        assert text.strip() and CHINESE.sentences[key].strip(), key
        assert blanks(text) == blanks(CHINESE.sentences[key]), key


def test_no_key_is_written_twice() -> None:
    for language in i18n.LANGUAGES:
        pairs = json.loads(
            (i18n.FOLDER / f"{language}.json").read_text(encoding="utf-8"), object_pairs_hook=lambda pairs: pairs
        )
        assert len(pairs) == len(dict(pairs))


def test_chinese_is_chinese() -> None:
    english_on_purpose = {"mix.blend", "mix.blend_third", "mix.part_of"}
    for key, text in CHINESE.sentences.items():
        assert key in english_on_purpose or re.search(r"[\u4e00-\u9fff]", text), key


def keys_asked_for() -> set[str]:
    found = set()
    for file in WEBUI.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "words" and node.args:
                if isinstance(node.args[0], ast.Constant):
                    found.add(str(node.args[0].value))
    for file in (*WEBUI.glob("*.html"), *WEBUI.glob("*.js")):
        text = file.read_text(encoding="utf-8")
        found |= {*fragments.BLANK.findall(text), *fragments.ASKED.findall(text)}
    return found


def test_every_key_of_the_pages_exists() -> None:
    asked = keys_asked_for()
    assert len(asked) > 60
    assert asked <= set(ENGLISH.sentences)


def test_every_sentence_is_used() -> None:
    # keys put together from a value
    made = re.compile(r"own\.|deed\.|journal\.|voices\.renamed|signin\.|stage\.|language\.|settings\.speed_")
    unused = {key for key in ENGLISH.sentences if not made.match(key)} - keys_asked_for()
    assert not unused


def test_every_version_says_what_it_is_in_both_languages() -> None:
    for row in VERSIONS.values():
        assert row.summary and re.search(r"[\u4e00-\u9fff]", CHINESE.sentence(row.summary)), row.name


def test_no_words_of_engineers() -> None:
    jargon = r"\b(epoch|checkpoint|tensor|batch|inference|token|gpu|cpu|exception|null|invalid|traceback|api|url)s?\b"
    for key, text in ENGLISH.sentences.items():
        assert not re.search(jargon, text, re.IGNORECASE), key


def test_sentences_of_the_studio_are_translated() -> None:
    words = i18n.Words("zh", {}, ((i18n.pattern_of("There is no voice {}."), "没有叫 {} 的声音。"),))
    assert words.error(VoiceError("There is no voice 'v1'.", "Choose one.")) == "没有叫 'v1' 的声音。Choose one."
    for english, chinese in json.loads((i18n.FOLDER / "failures.zh.json").read_text(encoding="utf-8")).items():
        assert CHINESE.sentence(english.replace("{}", "Xy")) == chinese.format(*["Xy"] * 9)  # no looser one takes it


def test_two_sentences_of_a_failed_job_are_both_translated() -> None:
    said = "The recording does not fit the text: only 0 of 49 seconds were found in it. "
    said += "Please check that this text was read, or leave the text empty."
    assert re.fullmatch("[^A-Za-z]+", CHINESE.sentence(said))
    assert CHINESE.sentence("Something new. Nobody knows it.") == "Something new. Nobody knows it."
    assert ENGLISH.sentence(said) == said


# what nobody meets on the page: commands and launchers, lists of upstream's program, several machines
ELSEWHERE = ("cli", "lab", "speechd", "dataset/listing", "dataset/training_set", "jobs/distributed", "jobs/redis_store")
ELSEWHERE += ("training/distributed",)


def said_by_the_studio() -> set[str]:
    """The sentences of every ``VoiceError`` that a person can meet in the pages, with {} for what is filled in."""
    found: set[str] = set()
    house = WEBUI.parent / "gpt_sovits"
    for room in house.rglob("*.py"):
        if room.relative_to(house).as_posix().removesuffix(".py").startswith(ELSEWHERE):
            continue
        tree = ast.parse(room.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
                for part in node.args:
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found.add(part.value)
                    elif isinstance(part, ast.JoinedStr):
                        pieces = (each.value if isinstance(each, ast.Constant) else "{}" for each in part.values)
                        found.add("".join(str(piece) for piece in pieces))
    return found


def test_the_studio_is_understood_in_chinese() -> None:
    """A new sentence may wait a little for its translation, but not many of them."""
    said = {sentence for sentence in said_by_the_studio() if not sentence[0].islower()}  # those are parts of one
    missing = {
        sentence for sentence in said if CHINESE.sentence(sentence.replace("{}", "9")) == sentence.replace("{}", "9")
    }
    assert len(said) > 400
    assert len(missing) < 0.05 * len(said), sorted(missing)


def test_translations_fill_in_what_the_sentence_says() -> None:
    for key, translation in json.loads((i18n.FOLDER / "failures.zh.json").read_text(encoding="utf-8")).items():
        assert key.count("{}") >= translation.count("{}"), key


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("de,fr;q=0.9,zh-TW;q=0.5,en;q=0.3", "zh"),
        ("de", "en"),
        ("en;q=broken,zh", "zh"),
    ],
)
def test_language_of_the_browser(header: str, language: str) -> None:
    assert i18n.preferred(header) == language
