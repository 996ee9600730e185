"""The words of a script keep their place in the text, and what a person did not read is said."""

from __future__ import annotations

from gpt_sovits.dataset.align import Alignment, WordTime
from gpt_sovits.dataset.transcript import Remark, heard_phones, read_text, remarks, script_words, sentence_ends
from gpt_sovits.text import symbols

ENGLISH = "“Hello, world!” said the old man. It cost 25 dollars (really)."
CHINESE = "今天天气很好，我们去公园。然后回家吃饭！"


def aligned(words, *, skipped=(), doubtful=(), foreign=()):
    times = []
    for i, word in enumerate(words):
        if i in skipped:
            times.append(WordTime(i, i * 0.5, i * 0.5, 0.0))
        else:
            phones = tuple((i * 0.5, i * 0.5 + 0.4) for _ in word.ids)
            times.append(WordTime(i, i * 0.5, i * 0.5 + 0.4, 0.05 if i in doubtful else 0.8, phones))
    return Alignment(tuple(times), tuple(foreign))


def test_words_point_into_the_script():
    words = script_words(ENGLISH, "en")
    assert [word.text for word in words] == [
        "Hello", "world", "said", "the", "old", "man", "It", "cost", "25", "dollars", "really",
    ]  # fmt: skip
    assert all(ENGLISH[word.start : word.end] == word.text for word in words)
    names = symbols("v2").names
    assert [names[i] for i in words[1].ids] == ["W", "ER1", "L", "D"]
    assert len(words[8].ids) > 8  # twenty five
    chinese = script_words(CHINESE, "zh")
    assert "".join(word.text for word in chinese) == "今天天气很好我们去公园然后回家吃饭"
    assert sum(len(word.ids) for word in chinese) == 2 * 17
    assert script_words("!?…", "en") == [] and script_words("  ") == []


def test_both_languages_in_one_script():
    words = script_words("我喜欢 Python 和 jazz。", "auto")
    assert [word.text for word in words if word.text.isascii()] == ["Python", "jazz"]


def test_pieces_of_the_text_keep_their_punctuation():
    words = script_words(ENGLISH, "en")
    assert read_text(ENGLISH, words, range(2, 6)) == "said the old man."
    assert read_text(ENGLISH, words, range(2)) == "“Hello, world!”"
    assert read_text(ENGLISH, words, [6, 7]) == "It cost,"  # cut at a pause
    assert read_text(ENGLISH, words, [2, 3, 5]) == "said the man."  # a word that was skipped
    assert read_text(ENGLISH, words, []) == ""
    chinese = script_words(CHINESE, "zh")
    first = [i for i, word in enumerate(chinese) if word.end <= CHINESE.index("，")]
    assert read_text(CHINESE, chinese, first) == "今天天气很好，"
    assert read_text(CHINESE, chinese, first[:-1]).endswith("，")


def test_ends_of_sentences_are_timed():
    words = script_words(ENGLISH, "en")
    assert sentence_ends(ENGLISH, words, aligned(words)) == [0.9, 2.9, 5.4]


def test_skipped_misread_and_added_are_listed_in_order():
    words = script_words(ENGLISH, "en")
    wrong = Remark("misread", "25", words[8].start, words[8].end, (4.0, 5.0))
    found = remarks(ENGLISH, words, aligned(words, skipped=(3, 4), foreign=[(9.0, 10.0)]), [wrong])
    assert [(r.kind, r.text) for r in found] == [("skipped", "the old"), ("misread", "25"), ("added", "")]
    assert ENGLISH[found[0].start : found[0].end] == "the old" and found[2].time == (9.0, 10.0)
    assert remarks(ENGLISH, words, aligned(words), []) == []


def test_heard_phones_are_phones_without_a_text():
    ids = symbols("v2").ids
    phones = heard_phones([ids["HH"], ids["AH0"], ids["L"], ids["OW1"]])
    assert phones.phones == ("HH", "AH0", "L", "OW1") and phones.norm_text == "" and len(phones.ids) == 4
