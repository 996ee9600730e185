"""Pieces for synthesis: whole sentences of a speakable size."""

from __future__ import annotations

import sys

import pytest

from gpt_sovits.text import phonemize, split_text


def texts(text: str, **limits: int) -> list[str]:
    return [piece.text for piece in split_text(text, **limits)]


def test_sentences_stay_whole_and_abbreviations_do_not_end_them() -> None:
    assert texts("Mr. Smith left Washington, D.C., at 5 p.m. yesterday. He paid $3.50, i.e. too much.") == [
        "Mr. Smith left Washington, D.C., at 5 p.m. yesterday.", "He paid $3.50, i.e. too much."]  # fmt: skip


def test_no_number_is_cut_where_no_mark_stands() -> None:
    parts = texts("请拨打400-800-1234或者138 0013 8000联系我们的客服人员也可以发邮件咨询具体的办理流程", longest=60)
    assert any("138 0013 8000" in part for part in parts)
    parts = texts("从2024年3月5日至2025年12月31日期间凡是在本店消费满200元的顾客都可以领取礼品一份", longest=60)
    assert any("2025年12月31日" in part for part in parts)
    assert "Ps. 23:1, 4," in texts("Read Gen. 1:1-2:3, Ps. 23:1, 4, 1 Cor. 13:4-8 and Rev. 22:20, then rest.")[0]


def test_quotations_are_kept_together() -> None:
    assert texts("他说：“今天不行。明天也不行。”我就先回家了。") == ["他说：“今天不行。明天也不行。”", "我就先回家了。"]


def test_short_sentences_join_a_neighbour_but_not_across_paragraphs() -> None:
    assert texts("好。走吧。我们现在就出发去公园。") == ["好。走吧。我们现在就出发去公园。"]
    assert texts("第一段\n第二段") == ["第一段", "第二段"]


def test_long_sentences_are_cut_at_clauses_then_anywhere() -> None:
    parts = texts("我们沿着河边慢慢地走了很久，" * 12 + "终于到了。", longest=80)
    assert all(part.endswith(("，", "。")) for part in parts) and max(map(len, parts)) <= 60
    assert max(map(len, texts("长" * 1000))) <= 61


def test_a_megabyte_needs_no_more_memory_than_a_page() -> None:
    resource = pytest.importorskip("resource")
    page = "今天是2026年3月8日，天气很好，我们去公园吧！He paid $3.50 for Python 3. "
    phonemize(page)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pieces = split_text(page * (1_000_000 // len(page.encode()) + 1))
    assert len(pieces) > 20_000
    for piece in pieces[::200]:
        assert phonemize(piece.text).ids
    assert phonemize(page * 200).ids  # a piece of 17 kB that nobody split
    unit = 1024 if sys.platform != "darwin" else 1
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 150e6


def test_a_book_is_split_in_time() -> None:
    assert len(split_text("今天天气很好，我们去公园吧！He paid $3.50. " * 5_000)) >= 5_000


def rests(text: str) -> list[tuple[str, float]]:
    return [(piece.plain.text if piece.plain else piece.text, piece.rest) for piece in split_text(text)]


def test_a_pause_is_as_long_as_what_follows_asks_for() -> None:
    letter = (
        "The First Chapter\n\nIt was so very good to\nget your letter yesterday. "
        "Where\nhave you been so long?\n\nWe are all well."
    )
    assert rests(letter) == [
        ("The First Chapter", 2.5),
        ("It was so very good to get your letter yesterday.", 1.0),
        ("Where have you been so long?", 2.0),
        ("We are all well.", 0.0),
    ]
    clauses = "我们沿着河边慢慢地走了很久，" * 8 + "终于到了。"
    assert {rest for _, rest in rests(clauses)[:-1]} == {0.5}


def test_a_line_that_ends_inside_a_sentence_is_no_pause() -> None:
    text = "b) The work is under this License and any conditions added under section\n7.  This requirement is new here."
    assert [said for said, _ in rests(text)][0].endswith("section 7.")
    assert rests("Ask the people at https://fsf.org/\nEveryone is permitted to copy this text.")[0][1] == 1.0


def test_a_sentence_without_marks_is_cut_where_a_reader_breathes() -> None:
    english = "The captain walked slowly along the wall while the rain came down in sheets and nobody saw him there "
    chinese = "因为飞机晚点了三个小时所以我们到酒店的时候餐厅已经关门了于是大家只好在房间里吃了一点饼干"
    for text, starts in ((english * 5, ("while", "and", "The")), (chinese * 3, ("所以", "于是", "因为"))):
        found = split_text(text)
        assert len(found) > 2 and all(piece.goes_on and piece.rest < 0.5 for piece in found[:-1])
        assert all(piece.text.startswith(starts) for piece in found[1:])


def test_the_first_of_several_pieces_is_short() -> None:
    first = "When the letter came at last, nobody in the old house by the river knew what to do with it at first."
    assert split_text(first + " It is there to this day.", first=60)[0].text == "When the letter came at last,"
    assert split_text(first, first=60)[0].text == first
