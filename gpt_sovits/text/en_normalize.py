"""English text -> speakable words: only letters, spaces and ``' . , ? ! -`` remain.

One ordered list of replacements; each keeps the place in the original text (see ``tracked``).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from gpt_sovits.text.en_abbreviations import ABBREVIATION_RULES, INCORPORATED, INITIALS
from gpt_sovits.text.en_capitals import speak_capitals
from gpt_sovits.text.en_codes import CODE_RULES, PHONE_RULES, ROOM
from gpt_sovits.text.en_dates import DATE_RULES, TIME_RULES
from gpt_sovits.text.en_money import EUROPEAN, MONEY_RULES
from gpt_sovits.text.en_numbers import cardinal, decimal, digits, integer, ordinal
from gpt_sovits.text.en_tables import CURRENCIES, Rule
from gpt_sovits.text.en_units import FRACTION_RULES, RANGE_RULES, UNIT_RULES
from gpt_sovits.text.en_web import SLASH_RULES, WEB_RULES
from gpt_sovits.text.tracked import Tracked

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


_KEPT = frozenset("¼½¾⅓⅔⅛⅜⅝⅞⅕⅖⅗⅘⅙²³¹⁰⁴⁵⁶⁷⁸⁹⁻ⁿ°×÷±µ√≈≤≥≠§№") | frozenset(CURRENCIES)


@lru_cache(maxsize=4096)
def _ascii(char: str) -> str:
    if char in _KEPT:
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
    for pattern, new, _ in _FIRST_RULES:
        text = text.sub(pattern, new)
    text = text.sub(re.compile("，(?=\\d)"), ", ").map_chars({ord("、"): ","}).map_chars(_WIDTH).map_chars(_MARKS)
    edits = [(i, i + 1, _ascii(char)) for i, char in enumerate(text.text) if ord(char) > 127 and _ascii(char) != char]
    return text.replace_spans(edits) if edits else text


def _glue(match: re.Match[str], words: str) -> str:
    """Puts spaces where letters touch the number; a hyphen stays (Catch-22, COVID-19)."""
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    return (" " if before.isalpha() else "") + words + (" " if after.isalpha() else "")


def _list_number(match: re.Match[str]) -> str | None:
    """``1. Open the box. 2. Read it.`` counts; ``The answer? 42. The question?`` ends a sentence."""
    value = int(match[2])
    neighbour = f"{value - 1}. " if value > 1 else "2. "
    if match[1].strip() and neighbour not in match.string or value > 31:
        return None
    return f"{match[1]}{ordinal(value)}, "


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


# Before anything is folded to ASCII.
_FIRST_RULES: tuple[Rule, ...] = (
    (re.compile(r"\b([A-Z])[–—]([A-Z])\b"), lambda m: f"{m[1]} to {m[2]}", "A–F"),
    (re.compile(r"(?<=[^\W\d_])[—―]+(?=[^\W\d_])|(?<=[.,!?\"”’)])[—―]+(?=\w)"), ", ", "stopped—then"),
    (re.compile(r"(?<![—―])[—―]+(?=[\"”’'])"), "", "“But—”"),
    (re.compile(r"^\s*[—―–]\s*(?=[^\W\d_])"), "", "— Hello"),
    (re.compile(r"(?<=\d) ?(k|M)?Ω"), lambda m: f" {({'k': 'kil', 'M': 'meg'}).get(m[1] or '', '')}ohms", "5 kΩ"),
    (re.compile(r"μ(?=[gmsFlLA]\b)"), "µ", "5 μg"),
    (re.compile("©"), " copyright ", "© 2024"),
    (re.compile("[™®]"), "", "Acme™"),
    (re.compile(" ?[→⇒➔➜⟶] ?"), " to ", "A → B"),
    (re.compile(r"(?<=\w) ?[•·●] ?(?=\w)"), ", ", "milk • eggs"),
    (re.compile(r"(?<=\d) ?-- ?(?=\d)"), "-", "1990--91"),
    (re.compile(r"\bs/he\b|\(s\)he\b"), "she or he", "s/he"),
    (re.compile(r"\bS/[Hh]e\b|\(S\)he\b"), "She or he", "S/he"),
    (re.compile(r"(?<=\d) ?zł\b"), " zlotys", "50 zł"),
    (re.compile(r"(?<=\d) ?Kč\b"), " koruna", "50 Kč"),
    (re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))"), "", "1 000 000 with narrow spaces"),
    (re.compile(r"\s?(?:\. ?){4,}\s?|\s?…{2,}\s?(?=\d)"), ", ", "Item........5"),
    (re.compile(r"\.{3}(?=\d)"), "... ", "wait...5"),
    (re.compile(r"[℃]"), "°C", "20℃"),
    (re.compile(r"[℉]"), "°F", "70℉"),
    (re.compile(r"[−‒]"), "-", "−5"),
    (re.compile(r"[“”]"), '"', "“so”"),
)  # fmt: skip

_LINE_RULES: tuple[Rule, ...] = (
    (re.compile(r"(?:^|(?<=\n))([$£€¥]?\d[\d.,:/%\-]{0,12}?)\.?[ \t]*\n\s*(?=\S)"),
     lambda m: f"{m[1]}, ", "12\nIt was"),
    (re.compile(r"(?<=[^\s.,!?;:\-])[ \t]*\n\s*(?=\S)"), ". ", "one line\nanother"),
    (re.compile(r"\s+"), " ", "two  spaces"),
    (re.compile(r"(^ ?|[.!?:] )(\d{1,3})\. (?=\S)"), _list_number, "1. Open it."),
    (re.compile(r"(?<![\d$£€¥₹.])[12],\d{3}(?![.,]\d|[\d%°\w])(?! ?(?:million|billion)| [a-z]{1,3}\b)"),
     _thousands, "1,024"),
    EUROPEAN,
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))(?<!:\d\d,)"), "", "1,234,567"),
    (re.compile(r"(?<![\d.,+\-(/:])(?<!\d )(?:[1-9]\d{0,2}(?: 000){1,4}|[1-9]\d?(?: \d{3}){2,4})(?! ?\d|[.,:/\-]\d)"),
     lambda m: m[0].replace(" ", ""), "1 000 000"),
    (re.compile(r"\d{25,}"), lambda m: f" {digits(m[0])} ", "a key of 40 digits"),
    (re.compile(r"\b[Tt]el\b\.?(?=:? ?[\d(+])"), "telephone", "Tel: 555"),
    (re.compile(r"\((s|es|ren|ies)\)"), lambda m: m[1], "file(s)"),
    (re.compile(r"(?<=[A-Za-z]) \((?=[A-Za-z\"'$£€]|\d+[^\d)])(?!0)|(?<=\d) \((?=[A-Za-z])"),
     ", ", "the dog (a big one)"),
    (re.compile(r"(?<=[A-Za-z\"'%.!?])\)(?= [A-Za-z\d\"'$£€])"), ",", "(a big one) barked"),
)  # fmt: skip

_SYMBOL_RULES: tuple[Rule, ...] = (
    (re.compile(r"(?<=[=+*/(<>]) ?-(?=[a-z]\b)"), " negative ", "x = -b"),
    (re.compile(r"(?<=\d) ?%"), " percent", "5%"),
    (re.compile(r"%"), " percent ", "%"),
    (re.compile(r"°(?! ?[CF])"), " degrees ", "90°"),
    (re.compile(r"§§? ?"), "section ", "§ 4"),
    (re.compile(r"(?<![\d:])(\d+) ?: ?(\d+)(?![\d:])"), lambda m: f"{m[1]} to {m[2]}", "3:1"),
    (re.compile(r" \+ (?=\S)|(?<=\d)\+(?=\d)|(?<=[A-Za-z])\+(?=\d)|(?<=\d)\+(?=[A-Za-z])"), " plus ", "2 + 2"),
    (re.compile(r"(?<=\b[A-Za-z])\+(?=[A-Za-z]\b)|(?<=\d)\+(?!\w)"), " plus ", "50+"),
    (re.compile(r"(?<=\d)x(?=\d)"), " by ", "4x6"),
    (re.compile(r"\b([A-G])#"), lambda m: m[1] + " sharp", "F#"),
    (re.compile(r"(?<=\w) [\-–] (?=\d)"), " minus ", "7 - 3"),
    (re.compile(r" ?[×✕] ?|(?<=\d) ?\* ?(?=\d)"), " times ", "6 × 7"),
    (re.compile(r" ?÷ ?|(?<=\d) / (?=\d)"), " divided by ", "8 / 2"),
    (re.compile(r"(?<=\w) / (?=\w)"), " or ", "7pm PT / 10pm ET"),
    (re.compile(r"(?<![\w)]) ?√ ?|√"), " square root of ", "√16"),
    (re.compile(r"(?<![\w)])[~≈] ?(?=[\d$£€¥])"), " about ", "~50"),
    (re.compile(r" ?≈ ?"), " is about ", "pi ≈ 3"),
    (re.compile(r"(?<=[\w)]) ?(?:≤|<=) ?(?=[\w(\-])"), " is at most ", "x <= 5"),
    (re.compile(r"(?<=[\w)]) ?(?:≥|>=) ?(?=[\w(\-])"), " is at least ", "x >= 5"),
    (re.compile(r" ?(?:≠|!=) ?(?=[\w(\-])"), " is not equal to ", "a != b"),
    (re.compile(r"(?<![\w)]) ?(?:≤|<=) ?(?=\d)"), " at most ", "<= 5"),
    (re.compile(r"(?<![\w)]) ?(?:≥|>=) ?(?=\d)"), " at least ", ">= 5"),
    (re.compile(r"(?:(?<=^)|(?<=[\s(])(?<!\w )|(?<=[,;] ))> ?(?=\d)"), "more than ", ">100"),
    (re.compile(r"(?:(?<=^)|(?<=[\s(])(?<!\w )|(?<=[,;] ))< ?(?=\d)|(?<=[a-z] )<(?=\d)"), "less than ", "<100"),
    (re.compile(r"(?<=[a-z] )>(?=\d)"), "more than ", "in >100 towns"),
    (re.compile(r"<([A-Za-z][\w.\-]{0,30})>"), lambda m: f", {m[1]}, ", "<Ann> so"),
    (re.compile(r"(?<=[a-z]) > (?=[A-Z][A-Za-z])"), ", ", "Settings > Wi-Fi"),
    (re.compile(r" ?± ?"), " plus or minus ", "5 ± 1"),
    (re.compile(r" ?={1,2} ?"), " Equals ", "a = b"),
    (re.compile(r"(?<=\w) ?> ?(?=\w)"), " is greater than ", "a > b"),
    (re.compile(r"(?<=\w) ?< ?(?=\w)"), " is less than ", "a < b"),
    (re.compile(r"(?<=[A-Za-z])\+(?=[A-Za-z])"), " ", "Ctrl+Shift"),
    (re.compile(r"(?<=[A-Za-z+])\+"), " plus", "Google+"),
    (re.compile(r"(?<![\w)])[\-](?=\.?\d)"), "negative ", "-5"),
    (re.compile(r"#(?=\d)"), "number ", "#12"),
    (re.compile(r"\b([A-Z]{1,2}) ?& ?([A-Z]{1,2})\b"), lambda m: f"{' '.join(m[1])} and {' '.join(m[2])}", "AT&T"),
    (re.compile(r" ?& ?"), " and ", "R & D"),
    (re.compile(r"(?<= )@(?= )"), "at", "five @ ten"),
    (re.compile(r"(?<=\w)@(?=\w)"), " at ", "me@home"),
    (re.compile(r"(?<=[A-Za-z0-9])_+(?=[A-Za-z0-9])"), " ", "snake_case"),
    (re.compile(r"\d*\.\d+|\d+"), _number, "42"),
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    *WEB_RULES, *_LINE_RULES, *PHONE_RULES, *DATE_RULES, *TIME_RULES, *MONEY_RULES, *RANGE_RULES, *UNIT_RULES,
    *ABBREVIATION_RULES, *CODE_RULES, *FRACTION_RULES, *SLASH_RULES, *_SYMBOL_RULES,
)  # fmt: skip

_AS_TRAINED = tuple(rule for rule in RULES if rule not in (INCORPORATED, INITIALS, ROOM))
_INNER = re.compile(r"(?<=\b[A-Z]\.)(?=[A-Z]\b)")
_QUOTE = re.compile(r"(?<![A-Za-z])'(?!(?:em|cause|bout|til|tis|twas)\b)|(?<!s)'(?![A-Za-z])")
_FOREIGN = re.compile(r"[^A-Za-z '.,?!\-]")


def normalize(text: Tracked, cjk_pauses: bool = True, as_trained: bool = False) -> Tracked:
    """The whole English normalisation of one span (Mr. 5% -> Mister five percent).

    ``as_trained``: the few things that the checkpoints' own frontend reads worse are read as there.
    """
    text = plain(text, cjk_pauses)
    for pattern, new, _ in _AS_TRAINED if as_trained else RULES:
        text = text.sub(pattern, new)
    text = text.sub(re.compile(r"[;:]"), ",").sub(re.compile(r"-{2,}"), ",").sub(_QUOTE, "")
    text = text.sub(_FOREIGN, "").sub(_INNER, " ")
    text = speak_capitals(text, as_trained)
    text = text.sub(re.compile(r" +(?=[.,?!])"), "").sub(re.compile(r"([.,?!\-])[.,?!]+"), lambda m: m[1])
    return text.sub(re.compile(r" {2,}"), " ")
