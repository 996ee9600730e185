"""Which of Mandarin and English a piece is in, told from its phones."""

from __future__ import annotations

import pytest

from gpt_sovits.text import mandarin_share, phonemize, symbols


@pytest.mark.parametrize(
    ("text", "language", "share"), [("Good morning, Anna.", "en", 0.0), ("二月的早上。", "zh", 1.0)]
)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_one_language_is_told_from_the_other(text: str, language: str, share: float, version: str) -> None:
    assert mandarin_share(phonemize(text, language, version).ids, version) == share


def test_a_mixed_sentence_is_between_by_its_syllables() -> None:
    assert mandarin_share(phonemize("今天 is Sunday", "auto").ids) == pytest.approx(2 / 5)


def test_marks_and_other_languages_say_nothing() -> None:
    assert mandarin_share(()) is None
    assert mandarin_share(phonemize("你好", "yue").ids) is None
    assert mandarin_share([symbols("v2").ids[mark] for mark in (",", ".", "SP2")]) is None
