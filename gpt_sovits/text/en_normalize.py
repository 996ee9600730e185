"""English text -> speakable words: only letters, spaces and ``' . , ? ! -`` remain."""

from __future__ import annotations

import re
import unicodedata

from gpt_sovits.text.en_numbers import cardinal, decimal, integer, ordinal
from gpt_sovits.text.tracked import Tracked

_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
_MARKS = {ord(old): new for old, new in zip("。！？；：，、;:“”\"‘’—–…", ".!?,,,,,,'''''--.", strict=True)}


def _plain(text: Tracked) -> Tracked:
    text = text.map_chars(_WIDTH).map_chars(_MARKS)
    edits = []
    for i, char in enumerate(text.text):
        if ord(char) > 127:
            base = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
            edits.append((i, i + 1, base))
    return text.replace_spans(edits) if edits else text


def normalize(text: Tracked) -> Tracked:
    """The whole English normalisation of one span."""
    text = _plain(text)
    text = text.sub(re.compile(r"(?<=\d),(?=\d{3})"), "")
    text = text.sub(re.compile(r"\$(\d+(?:\.\d+)?)"), lambda m: f"{m[1]} dollars")
    text = text.sub(re.compile(r"(\d+)(?:st|nd|rd|th)\b"), lambda m: ordinal(int(m[1])))
    text = text.sub(re.compile(r"\d*\.\d+"), lambda m: decimal(m[0]))
    text = text.sub(re.compile(r"\d+"), lambda m: integer(int(m[0])) if len(m[0]) < 16 else cardinal(int(m[0])))
    text = text.sub(re.compile(r"%"), " percent")
    text = text.sub(re.compile(r"&"), " and ")
    text = text.sub(re.compile(r"[^A-Za-z '.,?!\-]"), " ")
    text = text.sub(re.compile(r"(?<=[^\s])(?=[A-Z])"), " ")
    text = text.sub(re.compile(r"([ .,?!\-])[.,?!]+"), lambda m: m[0].strip()[0])
    return text.sub(re.compile(r" {2,}"), " ")
