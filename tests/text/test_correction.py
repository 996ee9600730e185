"""A person can correct any reading: in the text, or once for all in a word list."""

from __future__ import annotations

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
    whys = [r.why for r in explain("IT said it is fine", lexicon=lexicon) if r.text in ("I", "it")]
    assert whys == ["lexicon", "dictionary"]
    assert any(r.why == "lexicon" for r in explain("NVIDIA and nvidia", lexicon=lexicon))


def test_markup_is_stronger_than_the_word_list() -> None:
    lexicon = Lexicon((Entry("行", "xing2"),))
    assert reading_of("他[行|hang2]吗？", "行", lexicon) == ("hang2", "markup")


def test_word_list_round_trips_as_csv_and_refuses_nonsense() -> None:
    lexicon = Lexicon.from_csv("word,reading,language\n重庆,chong2 qing4,zh\nlive,L AY1 V\n")
    assert Lexicon.from_csv(lexicon.to_csv()) == lexicon
    with pytest.raises(InputError):
        Lexicon.from_csv("行,wat?!\n")
    with pytest.raises(InputError):
        Lexicon.from_csv("行\n")


def test_pauses_and_speed_reach_the_pieces() -> None:
    pieces = split_text("先这样吧。[pause 1.5]然后呢，[慢慢走|speed 0.8]到头了。")
    assert [(p.text, p.pause, p.speed) for p in pieces] == [
        ("先这样吧。", 1.5, 1.0), ("然后呢，", None, 1.0), ("慢慢走", None, 0.8), ("到头了。", None, 1.0)]  # fmt: skip


def test_odd_brackets_are_only_text() -> None:
    assert phonemize("数组[1]和[a|b c d]还有[").norm_text
