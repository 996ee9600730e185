"""What a listener would notice: numbers, polyphones, homographs, words of two languages in one sentence."""

from __future__ import annotations

import pytest

from gpt_sovits.errors import InputError
from gpt_sovits.text import explain, phonemize, pinyin_phones, require_speakable, symbols
from gpt_sovits.text.frontend import phonemize_span


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("会议定在2026年3月8日下午2:30。", "会议定在二零二六年三月八日下午两点半."),
        ("气温是-5℃到12℃。", "气温是零下五度到十二度."),
        ("一共1,250.50元，打8.5折。", "一共一千二百五十点五元,打八点五折."),
        ("他工作了20年，20年前还是98年？", "他工作了二十年,二十年前还是九八年?"),
        ("续航500km，重2.5kg，时速120km/h。", "续航五百千米,重二点五千克,时速一百二十千米每小时."),
        ("电话138-1234-5678，或者010-12345678。", "电话幺三八,幺二三四,五六七八,或者零幺零,幺二三四五六七八."),
        ("第2次比赛3:1获胜，用时2小时。", "第二次比赛三比一获胜,用时两小时."),
        ("价格是$3.5万，涨了5%～8%。", "价格是三点五万美元,涨了百分之五至百分之八."),
        ("x²+y²=1，10^-3。", "的二次方加的二次方等于一,十的负三次方."),
        ("二〇二六年Ⅷ章第III节", "二零二六年八章第三节"),
        ("1.5e3和6.02×10²³", "一点五乘以十的三次方和六点零二乘以十的二十三次方"),
        ("比分是21:18，以98:95险胜，14:05分出发。", "比分是二十一比十八,以九十八比九十五险胜,十四点零五分出发."),
        ("北纬39°54′，血压120/80mmHg。", "北纬三十九度五十四分,血压一百二十,八十毫米汞柱."),
        ("他/她每月2500元/月，北京/上海。", "他或她每月二千五百元每月,北京,上海."),
        ("歼-20，降到-5，零下-5。", "歼二十,降到负五,零下五."),
        ("1米75，2分之1，5·12地震，2024/25赛季。", "一米七五,二分之一,五一二地震,二零二四到二五赛季."),
        ("赚了$2.5M，满200减30，100w粉丝，5000+。", "赚了二百五十万美元,满二百减三十,一百万粉丝,五千多."),
        ("3/5号，6/3=2，亨利VIII世。", "三月五号,六除以三等于二,亨利八世."),
        (
            "(010)6552-9988，1,234,567，12,345.67。",
            "零幺零,六五五二,九九八八,一百二十三万四千五百六十七,一万二千三百四十五点六七.",
        ),
    ],
)
def test_chinese_numbers(text: str, spoken: str) -> None:
    assert phonemize_span(text, "zh").norm_text == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("It costs $4.99, or £1 million.", "It costs four dollars and ninety-nine cents, or one million pounds."),
        ("Meet me at 7:05 p.m. on 3/14/2025.", "Meet me at seven oh five P M on March fourteenth, twenty twenty-five."),
        ("World War II ended in 1945.", "World War two ended in nineteen forty-five."),
        ("Write to me@site.org!", "Write to me at site dot org!"),
        ("Open Mon-Fri 9am-5pm.", "Open Monday to Friday nine A M to five P M."),
        (
            "US$300, 45 EUR, 3 March 2022.",
            "three hundred U S dollars, forty-five euros, the third of March twenty twenty-two.",
        ),
        ("It took 1:45:30; odds 3:1.", "It took one hour, forty-five minutes, thirty seconds, odds three to one."),
        (
            "Call 1-800-273-8255, flight CZ3101.",
            "Call one, eight zero zero, two seven three, eight two five five, flight C Z thirty-one oh one.",
        ),
        ("x <= 5, >100, ~50, 8 / 2.", "x is at most five, more than one hundred, about fifty, eight divided by two."),
        ("Mr. Jones vs. Dr. Smith, Ph.D.", "Mister Jones versus Doctor Smith, P H D."),
        ("Use 5-10 apples & 1.5kg of flour", "Use five to ten apples and one point five kilograms of flour"),
        ("=== NOTE THIS =====", "note this, "),
        ("→ Go on i386 → IPv6, *.ab.org.", "Go on i three eighty-six to I P V six, star dot ab dot org."),
        ("10.0.0.0/8", "one zero dot zero dot zero dot zero slash eight"),
    ],
)
def test_english_numbers(text: str, spoken: str) -> None:
    assert phonemize_span(text, "en").norm_text == spoken


@pytest.mark.parametrize(
    ("text", "at", "pinyin"),
    [
        ("这座桥长五百米。", "长", "chang2"),
        ("打开命令行。", "行", "hang2"),
        ("千重浪和数重山。", "重", "chong2"),
        ("最近还完成了二十万字。", "还", "hai2"),
        ("何处得此花？", "得", "de2"),
        ("把盐撒向四方。", "撒", "sa3"),
        ("他在行里存了两行字。", "字", "zi4"),
        ("我得赶紧回家。", "得", "dei3"),
        ("她弹钢琴弹得很好。", "弹", "tan2"),
        ("把钱还给我。", "还", "huan2"),
        ("任老师今天没来。", "任", "ren2"),
        ("他猜中了答案。", "中", "zhong4"),
    ],
)
def test_polyphones_between_words(text: str, at: str, pinyin: str) -> None:
    spoken = {char: p for r in explain(text, "zh") for char, p in zip(r.text, r.reading.split(), strict=True)}
    assert spoken[at] == pinyin


@pytest.mark.parametrize(
    ("text", "word", "phones"),
    [
        ("Please record the record.", "record", ["R IH0 K AO1 R D", "R EH1 K ER0 D"]),
        ("They live near a live show.", "live", ["L IH1 V", "L AY1 V"]),
        ("I have read what you read every day.", "read", ["R EH1 D", "R IY1 D"]),
        ("Tears ran down; he tears paper.", "tears", ["T IH1 R Z", "T EH1 R Z"]),
    ],
)
def test_english_homographs(text: str, word: str, phones: list[str]) -> None:
    assert [r.reading for r in explain(text, "en") if r.text.lower() == word] == phones


def test_no_word_is_lost_behind_a_raised_digit() -> None:
    assert phonemize("E=mc²是公式。").norm_text == "E等于mc的二次方是公式."


def test_two_languages_share_one_sequence_and_numbers_follow_their_neighbour() -> None:
    found = phonemize("我用Python写了3个function，花了2 days。")
    assert [span.language for span in found.spans] == ["zh", "en", "zh", "en", "zh", "en"]
    assert found.norm_text.endswith("花了two days.") or "两" in found.norm_text
    assert all(phone in symbols("v2") for phone in found.phones)


def test_unknown_english_words_are_sounded_out_not_spelled() -> None:
    (reading,) = [r for r in explain("A zorblatic thing", "en") if r.text == "zorblatic"]
    assert reading.why == "guess" and reading.phones[:1] == ("Z",) and len(reading.phones) < 11


def test_helpers() -> None:
    assert pinyin_phones("ma3") == ("m", "a3") and pinyin_phones("lü4") == ("l", "v4") and pinyin_phones("qq1") is None
    assert len(symbols("v1")) == 322 and len(symbols("v2")) == 732 and symbols("v2").names[:322] == symbols("v1").names
    with pytest.raises(InputError):
        require_speakable("……😀 [pause 1]")
    with pytest.raises(InputError):
        symbols("v9")


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("kmail", "K EY1 M EY1 L"),
        ("xterm", "EH1 K S T ER1 M"),
        ("Xcode", "EH1 K S K OW1 D"),
        ("msbuild", "EH1 M EH1 S B IH1 L D"),
        ("mlserve", "EH1 M EH1 L S ER1 V"),
        ("nexthop", "N EH1 K S T HH AA2 P"),
        ("bugfix", "B AH1 G F IH2 K S"),
        ("chmod", "CH M AA1 D"),
        ("svelte", "S V EH1 L T"),
        ("winecfg", "W AY1 N S IY1 EH1 F JH IY1"),
        ("re-writes", "R IY0 R AY1 T S"),
    ],
)
def test_names_of_programs(word: str, phones: str) -> None:
    assert [r.reading for r in explain(f"Run {word} now.") if r.text == word] == [phones]
