"""English text -> speakable words: only letters, spaces and ``' . , ? ! -`` remain.

One ordered list of replacements; each keeps the place in the original text (see ``tracked``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from gpt_sovits.text import en_amounts as amounts
from gpt_sovits.text.en_abbreviations import ABBREVIATION_RULES
from gpt_sovits.text.en_g2p import lookup
from gpt_sovits.text.en_numbers import cardinal, decimal, digits, integer, letters_aloud, ordinal, year
from gpt_sovits.text.tracked import Tracked

Rule = tuple[re.Pattern[str], "str | Callable[[re.Match[str]], str | None]"]

_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
_MARKS = dict(zip(map(ord, "。！？“”„‟«»‘’`´–—―−‐‑…・·"), '.!?""""""\'\'\'\'------.  ', strict=True))
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψω",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi "
        "chi psi omega".split(),
        strict=True,
    )
) | {"Ω": "omega", "Δ": "delta", "Σ": "sigma", "Π": "pi"}
_CJK_PAUSES = "，、；："


@lru_cache(maxsize=4096)
def _ascii(char: str) -> str:
    if char in "¼½¾⅓⅔⅛²³¹£€¥¢°×÷±µ√≈≤≥≠":
        return char
    base = unicodedata.normalize("NFKD", char)
    plain = "".join(c for c in base if ord(c) < 128)
    if char in _GREEK:
        return f" {_GREEK[char]} "
    special = {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d"}
    return special.get(char, plain)


def plain(text: Tracked, cjk_pauses: bool = True) -> Tracked:
    """ASCII letters and marks: widths, quotes and accents folded, everything foreign dropped.

    ``cjk_pauses``: full-width commas, colons and semicolons pause as their ASCII twins do. Inside a Chinese
    sentence the checkpoints' frontend swallows them at an English word; False keeps to that.
    """
    if not cjk_pauses:
        text = text.map_chars({ord(char): " " for char in _CJK_PAUSES}).sub(re.compile(r"(?<=\b[A-Z])&(?=[A-Z]\b)"), "")
    text = text.sub(re.compile("，(?=\\d)"), ", ").map_chars({ord("、"): ","}).map_chars(_WIDTH).map_chars(_MARKS)
    edits = [(i, i + 1, _ascii(char)) for i, char in enumerate(text.text) if ord(char) > 127 and _ascii(char) != char]
    return text.replace_spans(edits) if edits else text


def _glue(match: re.Match[str], words: str) -> str:
    """Puts spaces where letters touch the number; a hyphen stays (Catch-22, COVID-19)."""
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    return (" " if before.isalpha() else "") + words + (" " if after.isalpha() else "")


def _list_number(match: re.Match[str]) -> str:
    return f"{match[1]}{ordinal(int(match[2]))}, "


def _range(match: re.Match[str]) -> str | None:
    low, high = match[1], match[2]
    years = all(len(part) == 4 and part[0] in "12" for part in (low, high))
    counted = re.match(r"\s?%|\s+(?:[a-z]+s|people|percent|to|or|of)\b|\s?(?:°|k?[mg]\b|[ckm]m\b|ml\b|lbs\b)",
                       match.string[match.end() :])  # fmt: skip
    asked = re.search(r"\b(?:pages?|ages?|aged|chapters?|from|between|lines?|years?)\s$", match.string[: match.start()])
    return f"{low} to {high}" if years or counted or asked else None


def _number(match: re.Match[str]) -> str:
    text = match[0]
    if "." in text:
        words = decimal(text)
    elif len(text) > 1 and text[0] == "0" or len(text) > 21:
        words = digits(text)
    else:
        words = integer(int(text))
    return _glue(match, words)


def _thousands(match: re.Match[str]) -> str:
    """1,024 is no year."""
    return cardinal(int(match[0].replace(",", "")))


def _version(match: re.Match[str]) -> str:
    parts = match[0].split(".")
    if len(parts) == 4:
        return _glue(match, " dot ".join(digits(part) for part in parts))
    return _glue(match, " point ".join(cardinal(int(part)) if part[0] != "0" else digits(part) for part in parts))


def _web(match: re.Match[str]) -> str:
    text = re.sub(r"^https?://", "", match[0].rstrip(".,;:!?")).rstrip("/")
    tail = match[0][len(match[0].rstrip(".,;:!?")) :]
    names = {".": "dot", "/": "slash", "@": "at", "-": "dash", "_": "underscore", ":": "colon", "?": "question mark",
             "=": "equals", "&": "and", "#": "hash", "%": "percent", "+": "plus", "~": "tilde"}  # fmt: skip
    words = [names.get(part, part) for part in re.findall(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]", text)]
    return " ".join(letters_aloud(word) if word == "www" else word for word in words) + tail


def _path(match: re.Match[str]) -> str:
    return re.sub(r"/", " slash ", match[0])


def _slash(match: re.Match[str]) -> str:
    return " " if "and" in (match[1].lower(), match[2].lower()) else " or "


_RULES: tuple[Rule, ...] = (
    (re.compile(r"(?:https?://|www\.)[!-~]+|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+|\b(?:[a-z][\w\-]*\.)+(?:com|org|net|io|ai|"
                r"edu|gov|dev)\b(?:/[!-~]*)?"), _web),
    (re.compile(r"(?<=[^\s.,!?;:\-])[ \t]*\n\s*(?=\S)"), ". "),
    (re.compile(r"\s+"), " "),
    *ABBREVIATION_RULES,
    (re.compile(r"(^ ?|[.!?:] )(\d{1,3})\. (?=\S)"), _list_number),
    (re.compile(r"(?<![\d$£€¥.])[12],\d{3}(?![.,]\d|[\d%°\w])(?! ?(?:million|billion)| [a-z]{1,3}\b)"), _thousands),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    *amounts.RULES,
    (re.compile(r"(?<![\d.\-])(\d{1,4}(?:\.\d+)?) ?[\-~] ?(\d{1,4}(?:\.\d+)?)(?![\d\-])"), _range),
    *amounts.UNIT_RULES,
    (re.compile(r"(?<=\d) ?%"), " percent"),
    (re.compile(r"%"), " percent "),
    *amounts.FRACTION_RULES,
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d)"), _version),
    (re.compile(r"°(?! ?[CF])"), " degrees "),
    (re.compile(r"(?<=[A-Z])\d{5,}(?!\d)|(?<=\b[A-Z] )\d{5,}(?!\d)"), lambda m: _glue(m, digits(m[0]))),
    (re.compile(r"(?:(?<=[A-Z])|(?<=\b[A-Z]{2} )|(?<=\b[A-Z]{3} ))[1-9]\d(?:0[1-9]|[1-9]\d)(?!\d|[.,]\d)"),
     lambda m: _glue(m, year(int(m[0])))),
    (re.compile(r"(?<=[a-z])/(?=\d)"), ", "),
    (re.compile(r"(?i)(?:(?<=\bzip code )|(?<=\bzip )|(?<=\bpostcode )|(?<=\bpassword )|(?<=\baccount number ))"
                r"\d{3,}\b"), lambda m: digits(m[0])),
    (re.compile(r"(?<![\d:])(\d+) ?: ?(\d+)(?![\d:])"), lambda m: f"{m[1]} to {m[2]}"),
    (re.compile(r"(?i)(?:(?<=\bcall )|(?<=\bdial )|(?<=\bextension )|(?<=\bpin ))\d{3,}\b"),
     lambda m: digits(m[0])),
    (re.compile(r" \+ (?=\S)|(?<=\d)\+(?=\d)|(?<=[A-Za-z])\+(?=\d)|(?<=\d)\+(?=[A-Za-z])"), " plus "),
    (re.compile(r"(?<=\b[A-Za-z])\+(?=[A-Za-z]\b)|(?<=\d)\+(?!\w)"), " plus "),
    (re.compile(r"(?<=\d)x(?=\d)"), " by "),
    (re.compile(r"\b([A-G])#"), lambda m: m[1] + " sharp"),
    (re.compile(r"(?<=\w) - (?=\d)"), " minus "),
    (re.compile(r" ?[×✕] ?|(?<=\d) ?\* ?(?=\d)"), " times "),
    (re.compile(r" ?÷ ?|(?<=\d) / (?=\d)"), " divided by "),
    (re.compile(r"(?<![\w)]) ?√ ?|√"), " square root of "),
    (re.compile(r"(?<![\w)])[~≈] ?(?=[\d$£€¥])"), " about "),
    (re.compile(r" ?≈ ?"), " is about "),
    (re.compile(r"(?<=[\w)]) ?(?:≤|<=) ?(?=[\w(\-])"), " is at most "),
    (re.compile(r"(?<=[\w)]) ?(?:≥|>=) ?(?=[\w(\-])"), " is at least "),
    (re.compile(r" ?(?:≠|!=) ?(?=[\w(\-])"), " is not equal to "),
    (re.compile(r"(?<![\w)]) ?(?:≤|<=) ?(?=\d)"), " at most "),
    (re.compile(r"(?<![\w)]) ?(?:≥|>=) ?(?=\d)"), " at least "),
    (re.compile(r"(?:(?<=^)|(?<=[\s(])(?<!\w )|(?<=[,;] ))> ?(?=\d)"), "more than "),
    (re.compile(r"(?:(?<=^)|(?<=[\s(])(?<!\w )|(?<=[,;] ))< ?(?=\d)"), "less than "),
    (re.compile(r" ?± ?"), " plus or minus "),
    (re.compile(r" ?= ?"), " Equals "),
    (re.compile(r"(?<=\w) ?> ?(?=\w)"), " is greater than "),
    (re.compile(r"(?<=\w) ?< ?(?=\w)"), " is less than "),
    (re.compile(r"(?<=[A-Za-z])\+(?=[A-Za-z])"), " "),
    (re.compile(r"(?<=[A-Za-z+])\+"), " plus"),
    (re.compile(r"(?<![\w)])[\-](?=\.?\d)"), "negative "),
    (re.compile(r"#(?=\d)"), "number "),
    (re.compile(r" ?& ?"), " and "),
    (re.compile(r"(?<= )@(?= )"), "at"),
    (re.compile(r"(?<=\w)@(?=\w)"), " at "),
    (re.compile(r"(?<=[A-Za-z0-9])_+(?=[A-Za-z0-9])"), " "),
    (re.compile(r"(?<![\w/<])/[A-Za-z][\w.\-]*(?:/[\w.\-]+)+"), _path),
    (re.compile(r"\b([A-Za-z]+)/([A-Za-z]+)\b"), lambda m: m[1] + _slash(m) + m[2]),
    (re.compile(r"\d*\.\d+|\d+"), _number),
)  # fmt: skip

_QUOTE = re.compile(r"(?<![A-Za-z])'(?!(?:em|cause|bout|til|tis|twas)\b)|(?<!s)'(?![A-Za-z])")
_FOREIGN = re.compile(r"[^A-Za-z '.,?!\-]")
_CAPITAL = re.compile(r"(?<=[^\s])(?=[A-Z])")
_ONE_NAME = re.compile(r"\b(?:Mc|O'|De|Di|Du|La|Le|Van|Von|Fitz)[A-Z][a-z]+")


def _spell_capitals(text: Tracked) -> Tracked:
    names = [match.span() for match in _ONE_NAME.finditer(text.text) if lookup(match[0].lower()) is not None]
    places = [match.start() for match in _CAPITAL.finditer(text.text)]
    edits = [(at, at, " ") for at in places if not any(start < at < end for start, end in names)]
    return text.replace_spans(edits) if edits else text


def _shouted(text: str) -> bool:
    """A sentence in capitals throughout (STOP RIGHT NOW) is shouting, not a row of acronyms."""
    words = re.findall("[A-Za-z]+", text)
    if len(words) < 2 or any(word != word.upper() for word in words):
        return False
    spoken = sum(word in ("I", "A") or len(word) > 1 and lookup(word.lower()) is not None for word in words)
    return spoken == len(words) and sum(len(word) > 3 for word in words) * 2 >= len(words)


def normalize(text: Tracked, cjk_pauses: bool = True) -> Tracked:
    """The whole English normalisation of one span (Mr. 5% -> Mister five percent)."""
    text = plain(text, cjk_pauses)
    if _shouted(text.text):
        text = text.map_chars({code: chr(code + 32) for code in range(65, 91)})
    for pattern, new in _RULES:
        text = text.sub(pattern, new)
    text = text.sub(re.compile(r"[;:]"), ",").sub(re.compile(r"-{2,}"), ",").sub(_QUOTE, "")
    text = text.sub(_FOREIGN, "")
    for name, word in amounts.WHOLE_NAMES.items():
        text = text.sub(re.compile(rf"\b{name}\b"), word)
    text = _spell_capitals(text)
    text = text.sub(re.compile(r" +(?=[.,?!])"), "").sub(re.compile(r"([.,?!\-])[.,?!]+"), lambda m: m[1])
    return text.sub(re.compile(r" {2,}"), " ")
