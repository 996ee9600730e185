"""How the judge of words counts: what is an error of speech, and what only one of writing."""

from __future__ import annotations

import pytest

from gpt_sovits.features.phone_errors import ErrorRate
from gpt_sovits.lab.evaluation.whisper import compare, english_words, mandarin_syllables, shared_out


@pytest.mark.parametrize(
    ("told", "heard"),
    [
        ("She paid nineteen dollars.", "She paid $19."),
        ("Chapter twenty-one begins.", "chapter 21 begins"),
        ("The grey colour of the theatre", "the gray color of the theater."),
        ("It\u2019s a well-known house!", "It's a well known house"),
    ],
)
def test_writing_it_otherwise_is_no_error_in_english(told: str, heard: str) -> None:
    assert compare(told, heard, "en").words.errors == 0


@pytest.mark.parametrize(
    ("told", "heard"),
    [
        ("一共三百二十五块钱。", "一共325块钱"),
        ("他们在那里", "她们在那裡"),
        ("这条路长二点五公里", "这条路长2.5公里。"),
    ],
)
def test_writing_it_otherwise_is_no_error_in_mandarin(told: str, heard: str) -> None:
    assert compare(told, heard, "zh").tones.errors == 0


def test_other_words_are_errors() -> None:
    assert compare("a red house", "a bad house now", "en").words == ErrorRate(2, 3)
    assert compare("a red house", "", "en").words == ErrorRate(3, 3)
    heard = compare("买马", "卖马", "zh")
    assert (heard.syllables, heard.tones) == (ErrorRate(0, 2), ErrorRate(1, 2))


def test_the_two_languages_of_a_sentence_count_apart() -> None:
    heard = compare("请打开window。", "请打开widow", "auto")
    assert (heard.words, heard.syllables) == (ErrorRate(1, 1), ErrorRate(0, 3))


def test_words_that_only_look_british_stay_as_they_are() -> None:
    assert english_words("our four hours rise") == ["our", "four", "hours", "rise"]
    assert mandarin_syllables("okay，好") == ["hao3"]


def test_errors_of_sentences_heard_in_one_go_go_to_the_right_one() -> None:
    due = [["a", "red", "house"], ["the", "old", "sea"], ["yes"]]
    assert shared_out(due, "a red house the cold sea yes".split()) == [
        ErrorRate(0, 3),
        ErrorRate(1, 3),
        ErrorRate(0, 1),
    ]
    assert shared_out(due, "the old sea yes".split())[0] == ErrorRate(3, 3)
    assert shared_out(due, [])[2] == ErrorRate(1, 1)
