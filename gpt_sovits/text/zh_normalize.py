"""Chinese text -> Han characters that have a reading, and the six kept marks."""

from __future__ import annotations

import re

from gpt_sovits.text.tracked import Tracked
from gpt_sovits.text.zh_g2p import readable
from gpt_sovits.text.zh_numbers import number, spell_digits
from gpt_sovits.text.zh_words import simplify_table

_WIDTH = {code: chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_MARKS = {ord(old): new for old, new in zip("：；，。！？\n·、—~～:;", ",,,.!?.,,-……,,", strict=True)}


def normalize(text: Tracked) -> Tracked:
    """The whole Chinese normalisation of one span."""
    text = text.map_chars(_WIDTH).map_chars(simplify_table())
    text = text.sub(re.compile(r"(\d+(?:\.\d+)?)%"), lambda m: "百分之" + number(m[1]))
    text = text.sub(re.compile(r"(\d{4})(?=年)"), lambda m: spell_digits(m[1]))
    text = text.sub(re.compile(r"\d+\.\d+|\d{1,2}(?!\d)"), lambda m: number(m[0]))
    text = text.sub(re.compile(r"\d+"), lambda m: spell_digits(m[0], "幺"))
    text = text.sub(re.compile("嗯"), "恩").sub(re.compile("呣"), "母").map_chars(_MARKS)
    text = text.sub(re.compile(r"[^一-龥!?…,.\-]+"), "")
    text = text.sub(re.compile(r"[一-龥]"), lambda m: None if readable(m[0]) else "")
    return text.sub(re.compile(r"([!?…,.\-])[!?…,.\-]+"), lambda m: m[1])
