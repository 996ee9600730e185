"""The 190 texts that were once read wrongly (shared/reference/text/found.jsonl): each as it was judged right by ear.

``found_zh.tsv``: what is said, pieces joined by ``|``, then the pinyin of all that is Chinese; ``found_en.tsv``: what
is said, and the phones of the words that the text was about.
"""

from __future__ import annotations

import pytest

from gpt_sovits.services.speech import _said
from gpt_sovits.text import explain, phonemize, read_text, split_text
from gpt_sovits.text.frontend import FIRST
from tests.text.chinese import rows

PHONES = ("heteronym", "names/OOV en", "acronym")  # kinds that are about the sound of a word


def chinese(kind: str, text: str) -> str:
    pieces = [said for _, said in read_text(text)]
    pinyin = [r.reading for said in pieces for r in said.readings if r.why != "mark" and r.language == "zh"]
    return " | ".join(said.norm_text for said in pieces) + " = " + " ".join(pinyin)


def english(kind: str, text: str) -> str:
    pieces = [said for _, said in read_text(text)]
    phones = [r.reading for said in pieces for r in said.readings if r.why != "mark"] if kind in PHONES else []
    return " | ".join(said.norm_text for said in pieces) + (" = " + " / ".join(phones) if phones else "")


@pytest.mark.parametrize(("name", "spoken", "count"), [("found_zh.tsv", chinese, 83), ("found_en.tsv", english, 107)])
def test_texts_once_read_wrongly_stay_right(name: str, spoken, count: int) -> None:
    cases = list(rows(name))
    assert len(cases) == count
    assert {text: said for kind, text, wanted in cases if (said := spoken(kind, text)) != wanted} == {}


@pytest.mark.parametrize("numbers", ["zh", "en"])
@pytest.mark.parametrize("first", [0, FIRST])
def test_what_is_shown_is_what_is_spoken(numbers: str, first: int) -> None:
    """A text as ``read`` shows it, and line by line as the page and the books speak it."""
    texts = [text for name in ("found_zh.tsv", "found_en.tsv") for _, text, _ in list(rows(name))[::6]]
    texts += ["The Lenin Anthology, Robert C. Tucker (ed.), W.W. Norton & Company, New York, 1975.\n\nI read it."]
    texts += ["## [3.4.9](https://github.com/x/y/compare/3.4.8...3.4.9) (2026-07-07)", "y=x²-4x+4\n\n∠A=90°"]
    texts += ["| - 蓝牙设备 | 74 |\n|---|---|\n* - 移除属性\n1. - 增加支持，#14632（by @ziyoung）"]
    texts += ["l = j + 1;\n}\n\nint h"]
    texts += [" -- Ann Lee <a@b.org>  Wed, 10 Aug 2022 15:36:02 +0200\n\nThe new release is out today."]
    texts += ["5、[pikiwidb](https://a.org/b)：一个企业级开源的存储服务，兼容大部分接口。\n3.4.9 (2026-07-07)"]
    for text in texts:
        shown = [phone for reading in explain(text, numbers=numbers) for phone in reading.phones]
        lines = [(_said(piece), piece.numbers) for piece in split_text(text, numbers=numbers, first=first)]
        pieces = [piece for line, own in lines for piece in split_text(line, numbers=own, first=FIRST)]
        readings = [reading for piece in pieces for reading in phonemize(piece).readings if reading.why != "mark"]
        assert [phone for reading in readings for phone in reading.phones] == shown, text
