"""Subtitles show what was written, when it sounds, in files that players accept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpt_sovits.audio import Audio
from gpt_sovits.subtitles import LONGEST, Cue, cues, split_cue, srt, vtt


@dataclass(frozen=True)
class Piece:
    text: str
    seconds_from: float
    seconds: float

    @property
    def audio(self) -> Audio:
        return Audio(np.zeros(round(self.seconds * 100), np.float32), 100)


def test_cues_follow_the_audio():
    found = cues([Piece("Hello there. ", 0.0, 1.5), Piece("你好，世界。", 1.8, 2.0), Piece("  ", 4.0, 1.0)])
    assert found == [Cue(0.0, 1.5, "Hello there."), Cue(1.8, 3.8, "你好，世界。")]


def test_srt_is_exact():
    text = srt([Cue(0.0, 1.5, "Hello there."), Cue(3661.0421, 3662.9996, "你好 & <goodbye>")])
    assert text == (
        "1\n00:00:00,000 --> 00:00:01,500\nHello there.\n\n2\n01:01:01,042 --> 01:01:03,000\n你好 & <goodbye>\n"
    )


def test_a_line_ends_in_no_number():
    assert "7:30" in srt([Cue(0.0, 5.0, "Tim: And I'm Tim. It's 7:30 in the morning, and we have coffee.")])


def test_vtt_is_exact():
    text = vtt([Cue(0.0, 1.5, "Hello there."), Cue(2.0, 3.0, "a & b --> <c>")])
    assert text == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello there.\n"
        "\n00:00:02.000 --> 00:00:03.000\na &amp; b --&gt; &lt;c&gt;\n"
    )


def test_long_pieces_become_several_cues_in_reading_order():
    text = (
        "When the house grows quiet, I make a cup of tea, put my feet up, and think: what a pleasure it is "
        "to hear a voice that you know, and that nobody else in the whole wide world could ever imitate as well."
    )
    found = split_cue(Cue(10.0, 20.0, text))
    assert " ".join(cue.text for cue in found) == text
    assert found[0].start == 10.0 and abs(found[-1].end - 20.0) < 1e-9
    assert all(a.end == b.start for a, b in pairwise(found))
    assert all(len(cue.text) <= LONGEST for cue in found) and min(len(cue.text) for cue in found) > 20
    morning = "清晨六点，天刚蒙蒙亮，窗外的鸟儿已经开始唱歌了，我推开门，闻到一股桂花香，王奶奶正在院子里浇花。"
    chinese = split_cue(Cue(0.0, 9.0, morning))
    assert len(chinese) == 2 and chinese[0].text.endswith("，")


@given(st.text(alphabet="ab ,.你好，。\n<&", max_size=300))
def test_no_text_breaks_the_file(text):
    found = split_cue(Cue(0.0, 5.0, text))
    assert "".join("".join(cue.text for cue in found).split()) == "".join(text.split())
    body = srt([cue for cue in found if cue.text.strip()])
    for block in [b for b in body.split("\n\n") if b.strip()]:
        lines = block.strip("\n").split("\n")
        assert re.fullmatch(r"\d+", lines[0]) and " --> " in lines[1]
        assert 3 <= len(lines) <= 4 and all(line.strip() for line in lines)


def test_parts_begin_with_their_words_where_that_is_known() -> None:
    text = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of folly."
    plain = split_cue(Cue(10.0, 20.0, text))
    assert len(plain) == 2
    at = text.index(plain[1].text)
    known = split_cue(Cue(10.0, 20.0, text), starts=[(0, 10.1), (at, 17.25), (at + 3, 17.5)])
    assert [cue.text for cue in known] == [cue.text for cue in plain]
    assert (known[0].start, known[0].end, known[1].start, known[1].end) == (10.0, 17.25, 17.25, 20.0)
    assert split_cue(Cue(10.0, 20.0, text), starts=[(at, 99.0)])[1].start == 20.0
