# ruff: noqa: E501
"""No text breaks the frontend: phones are known, counts add up, offsets stay inside, nothing raises."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_sovits.text import phonemize, split_text, symbols
from gpt_sovits.text.tracked import Tracked

_PIECES = st.sampled_from(
    ["0", "1", "2", "12", "007", "2024", "1.5", "-", "~", ".", ",", ":", "/", "%", "$", "￥", "°C", "km/h", "kg", "年", "月",
     "日", "第", "个", "一", "不", "儿", "行", "长", "得", "了", "吗", "，", "。", "？", "“", "”", "\n", " ", "[", "]", "|", "[行|hang2]",
     "[pause 1]", "[a|spell]", "Mr.", "p.m.", "AI", "it's", "read", "s'", "ﬁ", "é", "😀", "㗎", "𨋢", "ありがとう", "한국어",
     "Ⅷ", "²", "½", "①", "Ω", "\u200b", "\x00", "٣"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=30), st.lists(_PIECES, max_size=14).map("".join))


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.sampled_from(["auto", "zh", "en", "yue", "ko", "all_zh"]), st.sampled_from(["v1", "v2"]))
def test_phones_are_known_and_add_up(text: str, language: str, version: str) -> None:
    found = phonemize(text, language, version)
    table = symbols(version)
    assert all(phone in table for phone in found.phones)
    assert "UNK" not in found.phones or any(span.language == "ja" for span in found.spans)  # trained into Japanese
    assert len(found.ids) == len(found.phones)
    at = 0
    for span in found.spans:
        assert span.first == at and text[span.start : span.end] == span.text
        if span.word2ph is not None:
            assert sum(span.word2ph) == span.count and len(span.word2ph) == len(span.norm_text)
        at += span.count
    assert at == len(found.phones)
    if found.word2ph is not None:
        assert sum(found.word2ph) == len(found.phones)
    assert all(0 <= reading.start <= reading.end <= len(text) for reading in found.readings)


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=5).map("。".join))
def test_split_keeps_every_word_in_its_place(text: str) -> None:
    pieces = split_text(text)
    covered = set()
    for piece in pieces:
        assert text[piece.start : piece.end] == piece.text
        assert not covered & set(range(piece.start, piece.end))
        covered |= set(range(piece.start, piece.end))
    if "[" not in text:
        assert all(at in covered for at, char in enumerate(text) if char.isalnum())


@settings(deadline=None)
@given(st.text("ab1 ", max_size=12))
def test_tracked_text_knows_where_it_came_from(text: str) -> None:
    import re

    found = Tracked.of(text).sub(re.compile("1"), "one").sub(re.compile("a+"), "").sub(re.compile("on"), "x")
    assert len(found.starts) == len(found.ends) == len(found.text)
    for char, start, end in zip(found.text, found.starts, found.ends, strict=True):
        assert text[start:end] == ("1" if char in "xe" else char)
