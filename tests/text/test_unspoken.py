"""Nothing that is written is dropped in silence: what nobody here can read is refused, or told by name."""

from __future__ import annotations

import pytest

from gpt_sovits.errors import InputError
from gpt_sovits.text import phonemize, split_text
from gpt_sovits.text.unspoken import check_language, check_readable, left_out


@pytest.mark.parametrize("language", ["xx", "", "EN", "english", "zh ", "all_auto"])
def test_an_unknown_language_is_refused(language: str) -> None:
    with pytest.raises(InputError, match="no language"):
        check_language(language)


@pytest.mark.parametrize("language", ["auto", "zh", "en", "yue", "ja", "ko", "auto_yue", "all_zh"])
def test_known_ones_are_not(language: str) -> None:
    assert check_language(language) == language


@pytest.mark.parametrize(
    ("text", "language", "named"),
    [
        ("Привет, как дела?", "auto", "Cyrillic"),
        ("สวัสดีครับ", "auto", "Thai"),
        ("नमस्ते दुनिया", "auto", "Devanagari"),
        ("مرحبا بالعالم", "auto", "Arabic"),
        ("안녕하세요", "en", "Korean"),
        ("你好。", "en", "Chinese"),
    ],
)
def test_a_text_of_which_nothing_can_be_read_is_refused_by_name(text: str, language: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        check_readable(text, language)


@pytest.mark.parametrize(
    "text", ["Hello.", "你好。", "안녕하세요", "naïve café", "α and β", "3 + 4", "😀 hi", "Hello, мир!"]
)
def test_a_text_of_which_something_can_be_read_is_spoken(text: str) -> None:
    check_readable(text, "auto")


def lacking(text: str, language: str = "auto") -> list[str]:
    return [part for piece in split_text(text, language) for part in left_out(piece, phonemize(piece, language))]


def test_what_is_left_out_of_a_mixed_text_is_told_as_it_is_written() -> None:
    assert lacking("Hello, дорогой мир, how are you?") == ["дорогой мир"]
    assert lacking("他说 สวัสดี，然后走了。") == ["สวัสดี"]
    assert lacking("I read 你好 aloud.", "all_en") == ["你好"]
    for read in (
        "Hello, world!",
        "今天天气很好。",
        "在2024年，GDP增长了5.2%。",
        "It's **bold** and `code`.",
        "“引号”——里面……",
    ):
        assert lacking(read) == []
