"""English as a listener hears it, kind by kind."""

from __future__ import annotations

import re

import pytest

from gpt_sovits.text import phonemize, split_text
from tests.text.english_cases import CASES, CUTS, PAUSES


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


@pytest.mark.parametrize(("text", "wanted"), PAUSES)
def test_pauses(text: str, wanted: str) -> None:
    assert spoken(text) == wanted


@pytest.mark.parametrize(("text", "wanted"), CUTS)
def test_cuts(text: str, wanted: str) -> None:
    assert [piece.text for piece in split_text(text)] == wanted.split(" | ")
