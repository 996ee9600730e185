"""English as a listener hears it, kind by kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_sovits.text import phonemize, split_text
from tests.text.english_cases import CASES, CUTS, PAUSES

TABLE = Path(__file__).parent / "cases" / "en_spoken.tsv"
# Read otherwise today; a rule that mends one of them takes it from here.
LEFT = {
    "A 9V battery, 60W bulb, 3mm screw.",
    "A .22 rifle and 0.5 mm lead.",
    "Run ls -la | grep txt.",
    "I. Introduction",
    "He paid ¥50 for 饺子.",
}


def spoken(text: str) -> str:
    """Everything that is spoken of ``text``, piece by piece."""
    return " ".join(phonemize(piece).norm_text for piece in split_text(text))


def words(text: str) -> str:
    """Words only: no case, marks or hyphens, and no spaces beside Chinese."""
    text = re.sub(r"[-.,?!]+", " ", text.lower())
    return re.sub(r" *(?<![ -~])| *(?![ -~])", "", " ".join(text.split()))


@pytest.mark.parametrize(("kind", "text", "wanted"), [(k, t, w) for k, cases in CASES.items() for t, w in cases])
def test_words(kind: str, text: str, wanted: str) -> None:
    assert words(spoken(text)) in {words(each) for each in wanted.split(" / ")}


def table() -> Iterator[tuple[str, str]]:
    """(text, words) of every line of the table; ``\\n`` stands for a new line."""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        _, text, wanted = line.split("\t")
        yield re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text), wanted


def test_words_of_the_table() -> None:
    said = {text: words(spoken(text)) for text, _ in table()}
    wrong = {text: said[text] for text, wanted in table() if said[text] not in map(words, wanted.split(" / "))}
    assert {text: read for text, read in wrong.items() if text not in LEFT} == {}


@pytest.mark.parametrize(("text", "wanted"), PAUSES)
def test_pauses(text: str, wanted: str) -> None:
    assert spoken(text) == wanted


@pytest.mark.parametrize(("text", "wanted"), CUTS)
def test_cuts(text: str, wanted: str) -> None:
    assert [piece.text for piece in split_text(text)] == wanted.split(" | ")
