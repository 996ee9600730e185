"""English text -> speakable words: only letters, spaces and ``' . , ? ! -`` remain.

One ordered list of replacements; each keeps the place in the original text (see ``tracked``).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from gpt_sovits.text.en_abbreviations import ABBREVIATION_RULES, HASTY, INCORPORATED, INITIALS
from gpt_sovits.text.en_capitals import speak_capitals
from gpt_sovits.text.en_codes import CODE_RULES, PHONE_RULES, ROOM
from gpt_sovits.text.en_dates import DATE_RULES, TIME_RULES
from gpt_sovits.text.en_money import EUROPEAN, MONEY_RULES
from gpt_sovits.text.en_numbers import cardinal, decimal, digits, integer, ordinal
from gpt_sovits.text.en_tables import BOOKS, CURRENCIES, DIGITS, UNITS, Pattern, Rule, apply_rules
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
_WIDE_COMMA = re.compile(r"，(?=\d)")
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
    text = (
        apply_rules(text, _FIRST_RULES)
        .sub(_WIDE_COMMA, ", ")
        .map_chars({ord("、"): ","})
        .map_chars(_WIDTH)
        .map_chars(_MARKS)
    )
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


_MANY = {"10": "tens", "100": "hundreds", "1000": "thousands", "10000": "tens of thousands",
         "100000": "hundreds of thousands", "1000000": "millions"}  # fmt: skip


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


def _cited(match: re.Match[str]) -> str | None:
    """13(8):25-34: volume, number and pages of a journal; a verse of a book stays."""
    if re.search(rf"\b(?:{BOOKS})\.? $", match.string[max(0, match.start() - 24) : match.start()]):
        return None
    volume, number, first, last = match["volume"], match["number"], match["first"], match["last"]
    pages = f"{first} to {last}" if last else first
    return ", ".join(part for part in (volume, number, pages) if part)


_ELEMENTS = (
    "A[cglmrstu]|B[aeir]?|C[adelorsu]?|F[e]?|G[ade]|H[efg]?|I[nr]?|K[r]?|L[aiu]|M[gno]|N[abdei]?|Os?|P[abdtu]?|R[abhnu]|"
    "S[bceimnr]?|T[aeil]|U|V|W|X[e]|Y|Z[nr]"
)
_SIGNS = {"∈": " in ", "∪": " union ", "∩": " intersection ", "∠": " angle ", "⊂": " is inside "}
_NO_FORMULA = frozenset("NaN LiPo HeLa CoOp CaFe CoV CoC BSc".split())


def _formula(match: re.Match[str]) -> str | None:
    """NaCl, H2SO4, SO2: letter by letter; capitals alone (COIN) and NO are words for others."""
    text = match.group()
    mixed = bool(re.search("[a-z]", text)) and len(re.findall("[A-Z]", text)) > 1 and not re.fullmatch("[A-Z]+s", text)
    numbered = bool(re.search(r"\d(?=[A-Z])", text)) or re.fullmatch(r"(?:[CNS]O|[CN]H)\d", text) is not None
    if not mixed and not numbered or text in _NO_FORMULA:
        return None
    return " ".join(re.findall(r"[A-Za-z]|\d+", text)).upper()


# Before anything is folded to ASCII.
_FIRST_RULES: tuple[Rule, ...] = (
    (Pattern(r"\b([A-Z])[–—](?!\1)([A-Z])\b", needs="–—"), lambda m: f"{m[1]} to {m[2]}", "A–F"),
    (Pattern(r"(?<=[^\W\d_])[—―]+(?=[^\W\d_])|(?<=[.,!?\"”’)])[—―]+(?=\w)", needs="—―"), ", ", "stopped—then"),
    (Pattern(r"(?<![—―])[—―]+(?=[\"”’'](?!\w))", needs="—―"), "", "“But—”"),
    (Pattern(r"(?<=[^\W\d_])[—―]+(?=[\"“]\w)", needs="—―"), ", ", "said—“maybe”"),
    (Pattern(r"^\s*[—―–]\s*(?=[^\W\d_])", needs="–—―"), "", "— Hello"),
    (Pattern(r"(?<=\d) ?(k|M)?Ω",
             needs="Ω"), lambda m: f" {({'k': 'kil', 'M': 'meg'}).get(m[1] or '', '')}ohms", "5 kΩ"),
    (Pattern(r"μ(?=[gmsFlLA]\b)"), "µ", "5 μg"),
    (Pattern(r"(?<=\d) ?(k?N|k?W|m?A|V|Pa|ft)[·⋅](m|h|s|lb)\b", needs="·⋅"),
     lambda m: f" {UNITS.get(m[1]) or 'kilonewton'} {UNITS[m[2]]}"
     + "s" * (re.search(r"\b[Aa]n? [\d.]+$", m.string[: m.start()][-12:]) is None), "25 N·m"),
    (Pattern(r"(?<=\d) ?[★⭐](?= (?:hotel|review|rating|resort|service|product|experience|place)s?\b)",
             needs="★⭐"), " star", "a 3★ hotel"),
    (Pattern(r"(?<=\d) ?[★⭐]+", needs="★⭐"), " stars ", "4.5★"),
    (Pattern(r"(?:\b[Cc]opyright )?©", needs="©"), " copyright ", "Copyright © 2024"),
    (Pattern("[™®]", needs="®™"), "", "Acme™"),
    (Pattern(r"(?:^|(?<=\n))\s*[→⇒➔➜⟶]\s*", needs="→⇒➔➜⟶"), "", "→ See below"),
    (Pattern(" ?[→⇒➔➜⟶] ?", needs="→⇒➔➜⟶"), " to ", "A → B"),
    (Pattern(r"(?:(?<![^\s.,])(?<![^\s.,] )={3,}|={4,}|(?<=\s)===(?=\.?$))(?=[\s.,]|$) ?", needs="="),
     lambda m: ", " if m.start() > 1 else "", "=== Note ==="),
    (Pattern(r"(?<=\w) ?[•·●] ?(?=\w)", needs="·•●"), ", ", "milk • eggs"),
    (Pattern(r"(?<=\d) ?-- ?(?=\d)", needs=DIGITS), "-", "1990--91"),
    (Pattern(r"\bs/he\b|\(s\)he\b", needs="(/"), "she or he", "s/he"),
    (Pattern(r"\bS/[Hh]e\b|\(S\)he\b", needs="(/"), "She or he", "S/he"),
    (Pattern(r"(?<=\d) ?zł\b", needs=DIGITS), " zlotys", "50 zł"),
    (Pattern(r"(?<=\d) ?Kč\b", needs="K"), " koruna", "50 Kč"),
    (Pattern(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))", needs="   "), "", "1 000 000 with narrow spaces"),
    (Pattern(r"\s?(?:\. ?){4,}\s?|\s?…{2,}\s?(?=\d)"), ", ", "Item........5"),
    (Pattern(r"\.{3}(?=\d)", needs=DIGITS), "... ", "wait...5"),
    (Pattern(r"[℃]", needs="℃"), "°C", "20℃"),
    (Pattern(r"[℉]", needs="℉"), "°F", "70℉"),
    (Pattern(r"[−‒]", needs="‒−"), "-", "−5"),
    (Pattern(r"(?<![\w.:/])(?P<volume>\d{1,4})(?: ?\((?P<number>\d{1,3}(?:[-/]\d{1,3})?)\) ?: ?|: ?(?=\d{3,5} ?[-–]"
             r"|\d+ ?[-–] ?\d+ ?\((?:1[6-9]|20)\d\d\)|\d+, pp?\b))"
             r"(?P<first>\d{1,5})(?: ?[-–] ?(?P<last>\d{1,5}))?(?![\d:])", needs=":"),
     _cited, "Science 13(8):25-34"),
    *((Pattern(f" ?{sign} ?", needs=sign), said, sign) for sign, said in _SIGNS.items()),
    (Pattern(r"\b(\d{1,3}) ?x (?=[A-Z][a-z])", needs="x"), lambda m: f"{m[1]} ", "2 x Latte"),
    (Pattern(r"[“”]", needs="“”"), '"', "“so”"),
    (Pattern(rf"(?<![\w'])(?:(?:{_ELEMENTS})\d{{0,2}}){{2,8}}(?![\w'])"), lambda m: _formula(m), "H2SO4, NaCl"),
)  # fmt: skip

_LINE_RULES: tuple[Rule, ...] = (
    (Pattern(r"(?:^|(?<=\n))([$£€¥]?\d[\d.,:/%\-]{0,12}?)\.?[ \t]*\n\s*(?=\S)", needs="\n"),
     lambda m: f"{m[1]}, ", "12\nIt was"),
    (Pattern(r"(?<=[^\s.,!?;:\-])[ \t]*\n\s*(?=\S)", needs="\n"), ". ", "one line\nanother"),
    (Pattern(r"\s+"), " ", "two  spaces"),
    (Pattern(r"(^ ?|[.!?:] )(\d{1,3})\. (?=\S)", needs=DIGITS), _list_number, "1. Open it."),
    (Pattern(rf"(?<![\d{''.join(CURRENCIES)}.])[12],\d{{3}}(?![.,]\d|[\d%°\w])"
             r"(?! ?(?:million|billion)|[ -][a-z]{1,3}\b)", needs="12"),
     _thousands, "1,024"),
    (Pattern(r"(?<![\d,.])\d{1,2}(?:,\d\d)+,\d{3}(?![\d,])", needs=","),
     lambda m: m[0].replace(",", ""), "1,20,000 rupees"),
    (Pattern(r"(?<![\d:])1 ?: ?(\d{1,3}(?:,\d{3}){1,3})(?![\d,])", needs=":"),
     lambda m: f"1 to {cardinal(int(m[1].replace(',', '')))}", "a map of 1:25,000"),
    EUROPEAN,
    (Pattern(r"(?<=\d),(?=\d{3}(?!\d))(?<!:\d\d,)", needs=DIGITS), "", "1,234,567"),
    (Pattern(r"(?<![\d.,+\-(/:])(?<!\d )(?:[1-9]\d{0,2}(?: 000){1,4}|[1-9]\d?(?: \d{3}){2,4})(?! ?\d|[.,:/\-]\d)",
             needs="123456789"),
     lambda m: m[0].replace(" ", ""), "1 000 000"),
    (Pattern(r"\d{25,}", needs=DIGITS), lambda m: f" {digits(m[0])} ", "a key of 40 digits"),
    (Pattern(r"(?<=\d)(?: ?(?=[mck]?m)| )([mck]?m|ft|yd)([23])\b(?!\.?\d)", needs="23"),
     lambda m: f" {m[1]}{'²' if m[2] == '2' else '³'}", "118.8 mm2"),
    (Pattern(r"\b[Pp]p(?= \d)", needs="p"), "pages", "pp 6, 7"),
    (Pattern(r"\b[Tt]el\b\.?(?=:? ?[\d(+])", needs="(+0123456789"), "telephone", "Tel: 555"),
    (Pattern(r"(?<![\w$£€.,])(10{1,6})s(?= of\b)", needs="1"), lambda m: _MANY.get(m[1]), "100s of"),
    (Pattern(r"(?:^|(?<=\s))(?:\((\d{1,2})\)|(?<!\w\s)(\d{1,2})\)) (?=[A-Za-z\"'])", needs=")"),
     lambda m: f", {m[1] or m[2]}, " if m.start() and m.string[m.start() - 2] not in ".!?:," else f"{m[1] or m[2]}, ",
     "(2) Stir it."),
    (Pattern(r"\((s|es|ren|ies)\)", needs="("), lambda m: m[1], "file(s)"),
    (Pattern(r"(?<=[A-Za-z]) \((?=[A-Za-z\"'$£€]|\d+[^\d)])(?!0)|(?<=\d) \((?=[A-Za-z])", needs="("),
     ", ", "the dog (a big one)"),
    (Pattern(r"(?<=[A-Za-z\"'%.!?])\)(?= [A-Za-z\d\"'$£€])", needs=")"), ",", "(a big one) barked"),
    (Pattern(r"(?<=[A-Za-z\d\"'%.!?])\](?= [A-Za-z\d\"'$£€])", needs="]"), ",", "[Works, p. 9] However"),
)  # fmt: skip

_SYMBOL_RULES: tuple[Rule, ...] = (
    (Pattern(r"(?:(?<=squared)|(?<=cubed)|(?<=\^\d)) *- ?(?=[\w(])", needs="-"), " minus ", "x squared - 4x"),
    (Pattern(r"\|(?=[^|\s]{1,12}\| ?[<>=≤≥])|(?<=[\w)])\|(?= ?[<>=≤≥])", needs="|"), "", "|x| < 3"),
    (Pattern(r"(?<=[=+*/(<>]) ?-(?=[a-z]\b)", needs="(*+/<=>"), " negative ", "x = -b"),
    (Pattern(r"\b(\d{1,3}|[nkx])!(?= ?[=*/+×÷])", needs="!"), lambda m: f"{m[1]} factorial", "5! = 120"),
    (Pattern(r"(?:(?<=[=×÷≈] )|(?<=\d times ))[1-9]\d{3}\b(?![.,]?\d)", needs="=×÷≈"),
     lambda m: cardinal(int(m[0])), "2^10 = 1024"),
    (Pattern(r"(?<=\d) ?(?:%|pct\b\.?)", needs=DIGITS), " percent", "5%"),
    (Pattern(r"%", needs="%"), " percent ", "%"),
    (Pattern(r"°(?! ?[CF])", needs="°"), " degrees ", "90°"),
    (Pattern(r"§§? ?", needs="§"), "section ", "§ 4"),
    (Pattern(r"(?<![\d:])(\d+) ?: ?(\d+)(?![\d:])", needs=":"), lambda m: f"{m[1]} to {m[2]}", "3:1"),
    (Pattern(r" \+ (?=\S)|(?<=\d)\+(?=\d)|(?<=[A-Za-z])\+(?=\d)|(?<=\d)\+(?=[A-Za-z])", needs="+"), " plus ", "2 + 2"),
    (Pattern(r"(?<=\b[A-Za-z])\+(?=[A-Za-z]\b)|(?<=\d)\+(?!\w)", needs="+"), " plus ", "50+"),
    (Pattern(r"(?<=\d)x(?=\d)", needs=DIGITS), " by ", "4x6"),
    (Pattern(r"\b([A-G])#", needs="#"), lambda m: m[1] + " sharp", "F#"),
    (Pattern(r"(?<=[A-Z][a-z]) [\-–] (?=\d)|(?<=[A-Z][a-z]{2}) [\-–] (?=\d)|\b([A-Z][a-z]{3,30}) [\-–] (?=\d)",
             needs=DIGITS), lambda m: f"{m[1] or ''}, ", "Meetup - 8"),
    (Pattern(r"(?:(?<=[A-Za-z]{2})|(?<=[a-z] [A-Z])) [\-–] (?=\d)", needs=DIGITS), ", ", "backup - 10 copies"),
    (Pattern(r"(?<=\w) [\-–] (?=\d)", needs=DIGITS), " minus ", "7 - 3"),
    (Pattern(r" ?[×✕] ?|(?<=\d) ?\* ?(?=\d)", needs="*×✕"), " times ", "6 × 7"),
    (Pattern(r" ?÷ ?|(?<=\d) / (?=\d)", needs="/÷"), " divided by ", "8 / 2"),
    (Pattern(r"(?<=\w) / (?=\w)", needs="/"), " or ", "7pm PT / 10pm ET"),
    (Pattern(r"(?<![\w)]) ?√ ?|√", needs="√"), " square root of ", "√16"),
    (Pattern(r"(?<=[\w)]) ?≈ ?", needs="≈"), " is about ", "pi ≈ 3"),
    (Pattern(r"(?<![\w)])[~≈] ?(?=[\d$£€¥])", needs="~≈"), " about ", "~50"),
    (Pattern(r"(?<=[\w)]) ?(?:≤|<=) ?(?=[\w(\-])", needs="<≤"), " is at most ", "x <= 5"),
    (Pattern(r"(?<=[\w)]) ?(?:≥|>=) ?(?=[\w(\-])", needs=">≥"), " is at least ", "x >= 5"),
    (Pattern(r" ?(?:≠|!=) ?(?=[\w(\-])", needs="=≠"), " is not equal to ", "a != b"),
    (Pattern(r"(?<![\w)]) ?(?:≤|<=) ?(?=\d)", needs="<≤"), " at most ", "<= 5"),
    (Pattern(r"(?<![\w)]) ?(?:≥|>=) ?(?=\d)", needs=">≥"), " at least ", ">= 5"),
    (Pattern(r"(?:(?<=^)|(?<=[\s(])(?<!\w )|(?<=[,;] ))> ?(?=\d)", needs=">"), "more than ", ">100"),
    (Pattern(r"(?:(?<=^)|(?<=[\s(])(?<!\w )|(?<=[,;] ))< ?(?=\d)|(?<=[a-z] )<(?=\d)", needs="<"), "less than ", "<100"),
    (Pattern(r"(?<=,)< ?(?=\d)", needs="<"), " less than ", ">=3,<4"),
    (Pattern(r"(?<=[a-z]{2} )>(?=\w)", needs=">"), "more than ", "in >100 towns"),
    (Pattern(r"(?<![\w)])<([A-Za-z](?:[\w.,\- ]{0,40}\w)?)>", needs="<"), lambda m: f", {m[1]}, ", "<Ann> so"),
    (Pattern(r"(?<=[a-z]) > (?=[A-Z][A-Za-z])", needs=">"), ", ", "Settings > Wi-Fi"),
    (Pattern(r" ?± ?", needs="±"), " plus or minus ", "5 ± 1"),
    (Pattern(r" ?={1,2} ?", needs="="), " Equals ", "a = b"),
    (Pattern(r"(?<=\w) ?> ?(?=\w)", needs=">"), " is greater than ", "a > b"),
    (Pattern(r"(?<=\w) ?< ?(?=\w)", needs="<"), " is less than ", "a < b"),
    (Pattern(r"(?<=[A-Za-z])\+(?=[A-Za-z])", needs="+"), " ", "Ctrl+Shift"),
    (Pattern(r"(?<=[A-Za-z+])\+", needs="+"), " plus", "Google+"),
    (Pattern(r"(?<=\b[A-DF])-(?=[ ,.;]|$)", needs="-"), " minus", "an A- in art"),
    (Pattern(r"(?<![\w)])[\-](?=\.?\d)", needs=DIGITS), "negative ", "-5"),
    (Pattern(r"#(?=\d)", needs="#"), "number ", "#12"),
    (Pattern(r"\b([A-Z]{1,2}) ?& ?([A-Z]{1,2})\b",
             needs="&"), lambda m: f"{' '.join(m[1])} and {' '.join(m[2])}", "AT&T"),
    (Pattern(r" ?& ?", needs="&"), " and ", "R & D"),
    (Pattern(r"(?<= )@(?= )", needs="@"), "at", "five @ ten"),
    (Pattern(r"(?<=\w)@(?=\w)", needs="@"), " at ", "me@home"),
    (Pattern(r"(?<=[A-Za-z0-9])_+(?=[A-Za-z0-9])", needs="_"), " ", "snake_case"),
    (Pattern(r"\d*\.\d+|\d+", needs=DIGITS), _number, "42"),
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    *WEB_RULES, *_LINE_RULES, *PHONE_RULES, *DATE_RULES, *TIME_RULES, *MONEY_RULES, *RANGE_RULES, *UNIT_RULES,
    *ABBREVIATION_RULES, *CODE_RULES, *FRACTION_RULES, *SLASH_RULES, *_SYMBOL_RULES,
)  # fmt: skip

_AS_TRAINED = tuple(rule for rule in RULES if rule not in (HASTY, INCORPORATED, INITIALS, ROOM))
_INNER = re.compile(r"(?<=\b[A-Z]\.)(?=[A-Z]\b)")
_QUOTE = re.compile(r"(?<![A-Za-z])'(?!(?:em|cause|bout|til|tis|twas)\b)|(?<!s)'(?![A-Za-z])")
_CLAUSE = re.compile(r"[;:]|-{2,}")
_APART = re.compile(r"(?<=[A-Za-z])[^A-Za-z '.,?!\-]+(?=[A-Za-z])")
_LOOSE, _MARKS_TOGETHER, _SPACES = re.compile(r" +(?=[.,?!])"), re.compile(r"([.,?!\-])[.,?!]+"), re.compile(r" {2,}")
_FOREIGN = re.compile(r"[^A-Za-z '.,?!\-]")


def normalize(text: Tracked, cjk_pauses: bool = True, as_trained: bool = False) -> Tracked:
    """The whole English normalisation of one span (Mr. 5% -> Mister five percent).

    ``as_trained``: the few things that the checkpoints' own frontend reads worse are read as there.
    """
    text = plain(text, cjk_pauses)
    text = apply_rules(text, _AS_TRAINED if as_trained else RULES)
    text = text.sub(_CLAUSE, ",").sub(_QUOTE, "")
    text = text.sub(_APART, " ").sub(_FOREIGN, "").sub(_INNER, " ")
    text = speak_capitals(text, as_trained)
    return text.sub(_LOOSE, "").sub(_MARKS_TOGETHER, lambda m: m[1]).sub(_SPACES, " ")
