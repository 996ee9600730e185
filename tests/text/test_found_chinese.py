"""The Chinese and mixed texts that were once read wrongly: every one as it was judged right, word by word."""

from __future__ import annotations

from gpt_sovits.text import read_text
from tests.text.chinese import rows


def spoken(text: str) -> str:
    """What is said, pieces joined by ``|``, then the pinyin of all that is Chinese."""
    pieces = [said for _, said in read_text(text)]
    pinyin = [r.reading for said in pieces for r in said.readings if r.why != "mark" and r.language == "zh"]
    return " | ".join(said.norm_text for said in pieces) + " = " + " ".join(pinyin)


def test_texts_once_read_wrongly_stay_right() -> None:
    cases = list(rows("found_zh.tsv"))
    assert len(cases) > 80
    assert {text: said for _, text, wanted in cases if (said := spoken(text)) != wanted} == {}
