"""The passages that people read hold every sound, and take about a minute."""

from __future__ import annotations

import re

import pytest

from gpt_sovits.dataset.scripts import CHINESE, ENGLISH, script, scripts
from gpt_sovits.errors import MissingError
from gpt_sovits.text.frontend import phonemize

ARPABET = set(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()
)
INITIALS = set("b p m f d t n l g k h j q x zh ch sh r z c s".split())


def test_english_holds_every_phone():
    phones = {re.sub(r"\d", "", phone) for phone in phonemize(ENGLISH.text, "en").phones}
    assert phones >= ARPABET
    assert 130 <= len(ENGLISH.text.split()) <= 170


def test_chinese_holds_every_initial_and_tone():
    phones = phonemize(CHINESE.text, "zh").phones
    assert set(phones) >= INITIALS
    assert {phone[-1] for phone in phones if phone[-1].isdigit()} == set("12345")
    assert 230 <= len(re.findall(r"[\u4e00-\u9fff]", CHINESE.text)) <= 290


def test_passages_are_found_by_id():
    for language, unit, fewest in (("zh", "[\u4e00-\u9fff]", 190), ("en", "[A-Za-z']+", 120)):
        texts = [each.text for each in scripts() if each.language == language]
        assert len(texts) >= 3 and all(fewest <= len(re.findall(unit, text)) <= 290 for text in texts)
    assert script("en-kitchen") is ENGLISH
    with pytest.raises(MissingError, match="nothing"):
        script("nothing")
