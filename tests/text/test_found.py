"""The 190 texts that were once read wrongly (shared/reference/text/found.jsonl): each as it was judged right by ear.

``found_zh.tsv``: what is said, pieces joined by ``|``, then the pinyin of all that is Chinese; ``found_en.tsv``: what
is said, and the phones of the words that the text was about.
"""

from __future__ import annotations

import pytest

from gpt_sovits.text import read_text
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
