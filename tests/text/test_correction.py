"""A person can correct any reading: in the text, or once for all in a word list."""

from __future__ import annotations

import re
import time

import pytest

from gpt_sovits.errors import InputError
from gpt_sovits.text import Entry, Lexicon, explain, phonemize, split_text


def reading_of(text: str, word: str, lexicon: Lexicon | None = None) -> tuple[str, str]:
    """Reading of ``word`` (one English word, or Chinese characters inside a longer word) and why."""
    found = next(r for r in explain(text, lexicon=lexicon) if word in r.text)
    if found.language == "en":
        return found.reading, found.why
    at = found.text.index(word)
    return " ".join(found.reading.split()[at : at + len(word)]), found.why


def test_forced_pinyin_wins_and_its_feature_is_neutralised() -> None:
    found = phonemize("他说[行|hang2]吗？")
    (span,) = found.spans
    assert span.norm_text == "他说行吗?" and span.neutral == (False, False, True, False, False)
    assert reading_of("他说[行|hang2]吗？", "行") == ("hang2", "markup")


def test_forced_english_in_arpabet_ipa_letters_and_other_words() -> None:
    assert reading_of("We [live|L AY1 V] here", "live") == ("L AY1 V", "markup")
    assert reading_of("We [live|/laɪv/] here", "live") == ("L AY1 V", "markup")
    assert phonemize("Use [SQL|=sequel] now, please").phones[3:9] == ("S", "IY1", "K", "W", "AH0", "L")
    assert phonemize("The [cat|spell] sat down").phones[2:7] == ("S", "IY1", "EY1", "T", "IY1")


def test_word_list_longest_first_and_case() -> None:
    lexicon = Lexicon(
        (Entry("蔚", "yu4"), Entry("蔚来", "wei4 lai2", "zh"), Entry("IT", "spell"), Entry("nvidia", "=in video"))
    )
    assert reading_of("蔚来汽车不错", "蔚", lexicon) == ("wei4", "lexicon")
    assert reading_of("蔚县在河北", "蔚", lexicon) == ("yu4", "lexicon")
    whys = [r.why for r in explain("IT said it is fine", lexicon=lexicon) if r.text in ("IT", "it")]
    assert whys == ["lexicon", "dictionary"]
    assert any(r.why == "lexicon" for r in explain("NVIDIA and nvidia", lexicon=lexicon))


def test_a_word_may_have_one_reading_per_language() -> None:
    lexicon = Lexicon((Entry("行", "xing4", "zh"), Entry("行", "hong4", "yue"), Entry("T恤", "ti4 xu4", "zh")))
    assert reading_of("你行", "行", lexicon) == ("xing4", "lexicon")
    (found,) = [r for r in explain("你行", "auto_yue", lexicon=lexicon) if r.why == "lexicon"]
    assert found.phones == ("Yh", "Yong4")
    assert explain("一件T恤", lexicon=lexicon)[-1].phones == ("t", "i4", "x", "v4")
    (kept,) = [r for r in explain("두부 김치", lexicon=Lexicon((Entry("두부", "=김치"),))) if r.why == "lexicon"]
    assert kept.phones == ("ㄱ", "ㅣ", "ㅁ", "ㅊ", "ㅣ")


def test_a_word_is_not_found_inside_another_word_or_number() -> None:
    lexicon = Lexicon((Entry("art", "spell"), Entry("4s", "spell")))
    assert not [r for r in explain("A party in 14s, artful", lexicon=lexicon) if r.why == "lexicon"]
    assert len([r for r in explain("Art and 4S art", lexicon=lexicon) if r.why == "lexicon"]) == 3


def test_a_long_list_costs_no_more_than_a_short_one() -> None:
    lexicon = Lexicon(tuple(Entry(f"wörd{number}x", "spell") for number in range(20_000)))
    start = time.perf_counter()
    assert len(lexicon.find("a wörd7x b " * 5_000)) == 5_000
    assert time.perf_counter() - start < 5


def test_what_is_all_marks_can_be_given_words() -> None:
    assert phonemize("从甲[→|=到]乙").phones[4:6] == ("d", "ao4")
    assert phonemize("From A [→|=to] B now.").phones[5:7] == ("T", "UW1")


def test_digits_are_spelled_in_the_language_around_them() -> None:
    assert phonemize("那家[4S|spell]店").phones[4:8] == ("s", "i04", "EH1", "S")
    assert phonemize("The [B2B|spell] market").phones[2:8] == ("B", "IY1", "T", "UW1", "B", "IY1")


def test_markup_is_stronger_than_the_word_list() -> None:
    lexicon = Lexicon((Entry("行", "xing2"),))
    assert reading_of("他[行|hang2]吗？", "行", lexicon) == ("hang2", "markup")


def test_word_list_round_trips_as_csv_and_refuses_nonsense() -> None:
    lexicon = Lexicon.from_csv("word,reading,language\n重庆,chong2 qing4,zh\nlive,L AY1 V\n")
    assert Lexicon.from_csv(lexicon.to_csv()) == lexicon
    with pytest.raises(InputError, match="Line 2 of"):
        Lexicon.from_csv("词,读音\n行,wat?!\n")
    with pytest.raises(InputError, match="Line 1 of"):
        Lexicon.from_csv("行\n")


def test_pauses_and_speed_reach_the_pieces() -> None:
    pieces = split_text("先这样吧。[停顿 1.5]然后呢，[慢慢走|语速 0.8]到头了。")
    assert [(p.text, p.pause, p.speed) for p in pieces] == [
        ("先这样吧。", 1.5, 1.0), ("然后呢，", None, 1.0), ("慢慢走", None, 0.8), ("到头了。", None, 1.0)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "stressed"),
    [
        ("I never said [she|emphasis] stole it.", [("SH", "IY1")]),
        ("[I|stress] never said [it all|Emphasis].", [("AY1",), ("IH1", "T", "AO1", "L")]),
        ("我没说[她|强调]偷了。", [("t", "a1")]),
        ("分久必【合|重读】。", [("h", "e2")]),
        ("[Yes|emphasis]", [("Y", "EH1", "S")]),
    ],
)
def test_emphasis_reaches_the_phones_of_its_words_and_changes_none(text: str, stressed: list[tuple[str, ...]]) -> None:
    said = phonemize(text)
    assert [said.phones[n] for n in said.stressed] == [phone for word in stressed for phone in word]
    plain = re.sub(r"[\[【](.*?)\|.*?[\]】]", r"\1", text)
    assert phonemize(plain).phones == said.phones and not phonemize(plain).stressed
    assert len(split_text(text)) == 1, "its sentence is spoken in one go"


def test_odd_brackets_are_only_text() -> None:
    assert phonemize("数组[1]和[a|b c d]还有[").norm_text


@pytest.mark.parametrize(
    "mark", ["［行｜hang2］", "【行|hang2】", "〔行|hang2〕", "[行|hang2 ]", "[行|hang2", "[行|hang2|x]", "[行:hang2]"]
)
def test_any_brackets_do(mark: str) -> None:
    assert reading_of(f"他说{mark}吗？", "行") == ("hang2", "markup")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Wait [pause for effect] here.", ["Wait", "here"]),
        ("[|hang2]走吧。", ["走", "吧"]),
        ("Say [yes|no|maybe].", ["Say", "yes", "no", "maybe"]),
        ("停［pause 1］走。", ["停", "走"]),
        ("[see|p2 there.", ["see", "p", "two", "there"]),
    ],
)
def test_what_is_half_a_mark_is_no_garbage(text: str, said: list[str]) -> None:
    assert [r.text for r in explain(text)] == said


def test_ipa_needs_no_strokes_and_a_notice_stands_once() -> None:
    assert reading_of("We [live|laɪv] here", "live") == ("L AY1 V", "markup")
    assert [bool(r.notice) for r in explain("The [SQL|qqq!?] course")].count(True) == 1


@pytest.mark.parametrize("given", ["háng", "hang2", "HANG2", "ｈａｎｇ２"])
def test_pinyin_is_taken_as_people_write_it(given: str) -> None:
    assert reading_of(f"他说[行|{given}]吗？", "行") == ("hang2", "markup")


@pytest.mark.parametrize("given", ["chong2qing4", "chóngqìng", "chóng qìng", "chong2 qing4", "chong2-qing4"])
def test_one_reading_for_a_whole_word(given: str) -> None:
    assert reading_of(f"我去[重庆|{given}]。", "重庆") == ("chong2 qing4", "markup")


def test_what_is_not_understood_is_read_as_usual_and_said() -> None:
    found = explain("他说[银行|qqq!?]吗？")
    assert [r.text for r in found] == [r.text for r in explain("他说银行吗？")]
    assert [r.text for r in found if "qqq" in r.notice] == ["银行"]
    assert [r.text for r in explain("[重庆|chong2]很大。") if r.notice] == ["重庆"]  # 庆 would be lost


@pytest.mark.parametrize(
    ("tag", "seconds"),
    [("[pause]", 0.5), ("[PAUSE 1]", 1.0), ("[pause 500ms]", 0.5), ("[pause(1)]", 1.0), ("【pause 1】", 1.0)],
)
def test_pauses_as_people_write_them(tag: str, seconds: float) -> None:
    assert [(p.text, p.pause) for p in split_text(f"先这样吧。{tag}然后呢，到头了。")][0] == ("先这样吧。", seconds)


@pytest.mark.parametrize(
    "table",
    [
        "行;xing2;zh\n\n好;hao3\n",
        "行\txing2\tzh\n好\thao3\n",
        "\n\n词语,读音\n行,xing2,zh\n好,hao3\n",
        "汉字；拼音（数字声调）\r\n行；xing2；中文\r\n；\r\n好；hao3；\r\n",
        "sep=;\nTerm;Pronunciation;Language\n行;xing2;Chinese\n好;hao3;auto\n",
        "# 我的词\n行,xing2,普通话,,\n,,,,\n好,hao3,,,\n",
        "行|xing2|zh\n好|hao3\n",
    ],
)
def test_other_marks_between_the_cells(table: str) -> None:
    assert Lexicon.from_csv(table) == Lexicon((Entry("行", "xing2", "zh"), Entry("好", "hao3")))
