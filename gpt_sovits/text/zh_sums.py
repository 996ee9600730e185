"""Arithmetic in Chinese: sums, operators, powers, roots, fractions."""

from __future__ import annotations

import re

from gpt_sovits.text.zh_dates import Rule, slashed_date
from gpt_sovits.text.zh_numbers import cardinal, signed, spell_digits
from gpt_sovits.text.zh_units import UNIT_NAMES

_N = r"\d+(?:\.\d+)?"
_AFTER = "|".join(map(re.escape, sorted(UNIT_NAMES, key=len, reverse=True)))
_OPERATORS = {
    "+": "加", "＋": "加", "-": "减", "−": "减", "×": "乘", "x": "乘", "X": "乘", "*": "乘", "÷": "除以", "=": "等于",
    "±": "加减", ">": "大于", "<": "小于", "≥": "大于等于", "≤": "小于等于", "≈": "约等于", "≠": "不等于", "/": "除以",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹ⁿˣʸ⁻", "0123456789nxy-")
_SUM = re.compile("[=＝+×÷*]|等于|得|减")
_LOOK = 60  # characters on either side in which a sum shows


def _operator(match: re.Match[str]) -> str:
    """A stroke between numbers is a minus in a sum; elsewhere it is part of a name (i7-13700)."""
    around = match.string[max(0, match.start() - _LOOK) : match.end() + _LOOK]
    if match[1] in "-−" and not _SUM.search(around) and around.strip("0123456789.- "):
        return "杠"
    return _OPERATORS[match[1]]


def _sum(match: re.Match[str]) -> str | None:
    """Every number of a sum is a quantity: 184+456. Strokes alone make no sum of a score or a code."""
    parts = re.findall(rf"{_N}|[^\d.\s]", match[0])
    asked = re.match(" ?(?:等于|是多少|是几|得|=)", match.string[match.end() : match.end() + 5]) or "=" in match[0]
    strokes = all(part == "-" or part[0].isdigit() for part in parts)
    if strokes and not asked or any(part[0] == "0" and part.isdigit() and len(part) > 1 for part in parts):
        return None
    out = []
    for i, part in enumerate(parts):
        negative = part in "-−" and (i == 0 or not parts[i - 1][0].isdigit())
        out.append(signed(part) if part[0].isdigit() else "负" if negative else _OPERATORS[part])
    return "".join(out)


def _power(match: re.Match[str]) -> str:
    exponent = match[1].translate(_SUPERSCRIPTS)
    return f"的{signed(exponent) if exponent.lstrip('-').isdigit() else exponent}次方"


def _scientific(match: re.Match[str], exponent: str) -> str:
    return f"{signed(match[1])}乘以十的{signed(exponent.lstrip('+'))}次方"


def _fraction(match: re.Match[str]) -> str | None:
    top, bottom = int(match[2]), int(match[3])
    if bottom == 0:
        return None
    before = match.string[max(0, match.start() - 12) : match.start()]
    after = match.string[match.end() : match.end() + 12].lstrip()
    if re.search("(?:血压|高压|收缩压)[^，。,0-9]{0,3}$", before):
        return f"{cardinal(match[2])}，{cardinal(match[3])}"
    if (top, bottom) == (24, 7):
        return "七乘二十四"
    if after[:1] == "=" and top > bottom:
        return f"{cardinal(match[2])}除以{cardinal(match[3])}"
    dated = None if match[1] else slashed_date(match[2], match[3], before, after)
    return dated or ("负" if match[1] else "") + f"{cardinal(match[3])}分之{cardinal(match[2])}"


FRACTIONS: tuple[Rule, ...] = (
    (re.compile(r"(?<=\d) / (?=\d{1,6}(?:\.\d+)? ?[=＝])"), "除以"),
    (re.compile(r"(?<!\d)(\d{2,3})/(\d{2,3}) ?mmHg"), lambda m: f"{cardinal(m[1])}，{cardinal(m[2])}毫米汞柱"),
    (re.compile(r"(?<![\d./])(\d{1,3}) (\d{1,2})/(\d{1,2})(?![\d/.])"),
     lambda m: f"{cardinal(m[1])}又{cardinal(m[3])}分之{cardinal(m[2])}" if int(m[2]) < int(m[3]) else None),
    (re.compile(r"(?<![\d./])((?<!\d)-)?(\d{1,4})/(\d{1,4})(?![\d/.])"), _fraction),
)  # fmt: skip

SUMS: tuple[Rule, ...] = (
    (re.compile(r"(?<![\w.\-)）])-?\d{1,12}(?:\.\d{1,8})?(?: ?[+＋\-−×xX*÷] ?-?\d{1,12}(?:\.\d{1,8})?){1,9}"
                r"(?: ?= ?-?\d{1,16}(?![\d.])(?:\.\d{1,8})?| ?(?==|等于|是多少|是几|得多少|得几|[?？]))"), _sum),
    (re.compile(r"√ ?"), "根号"),
)  # fmt: skip

POWERS: tuple[Rule, ...] = (
    (re.compile(rf"(?<![\d.])(-?{_N}) ?[×xX*] ?10(?:\^([+\-]?\d+)|([⁻⁰¹²³⁴-⁹]+))(?: ?({_AFTER})(?![A-Za-z\d]))?"),
     lambda m: _scientific(m, m[2] or m[3].translate(_SUPERSCRIPTS)) + UNIT_NAMES.get(m[4], "")),
    (re.compile(r"(?<![A-Za-z\d.·])(-?\d(?:\.\d+)?)[eE]([+\-]?\d+)(?![\dA-Za-z])"),
     lambda m: _scientific(m, m[2])),
)  # fmt: skip

# ``∑`` before a letter: it stands in a formula (see ``zh_codes``).
FORMULAS: tuple[Rule, ...] = (
    (re.compile(r"(?<=[A-Za-z])(\d+(?:\.\d+)?)°(?![CF\d])"), lambda m: f"{signed(m[1])}度"),
    (re.compile(r"(?<=∑)([A-Za-z]{1,4}) ?[\-−] ?(?=[\dA-Za-z(（√π])"), lambda m: f"{m[1]}减"),
    (re.compile(r"(?<=∑)([A-Za-z]{1,4}) ?/ ?(?=[\dA-Za-z(（√π])"), lambda m: f"{m[1]}除以"),
    (re.compile(r"([=<>≤≥≈≠]) ?[\-−](?=[A-Za-z(（√π])"), lambda m: f"{_OPERATORS[m[1]]}负"),
)  # fmt: skip

RAISED: tuple[Rule, ...] = (
    (re.compile(r"\^(-?\d+|[nxy])"), _power),
    (re.compile(r"([⁻⁰¹²³⁴-⁹ⁿˣʸ]+)"), _power),
    (re.compile(r"(?<=次方) ?[\-−] ?(?=[\dA-Za-z(（√π])"), "减"),
)

OPERATORS: tuple[Rule, ...] = (
    (re.compile(r"(?<=第) ?\d+(?:\.\d+){2,}(?= ?[章节条款])"),
     lambda m: "点".join(cardinal(part) for part in m[0].strip().split("."))),
    (re.compile(r"(?<![\d.])(?:0|[1-9]\d?)(?:\.(?:0|[1-9]\d?)){2}(?![\d.]\d|\d)"),
     lambda m: "点".join(map(cardinal, m[0].split(".")))),
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}"), lambda m: "点".join(spell_digits(part) for part in m[0].split("."))),
    (re.compile(r"(?<![\d.]) ?([±×÷*=><≥≤≈≠]) ?(?=-?\d)|(?<=[\d)）]) ?([xX]) ?(?=\d)"),
     lambda m: "正负" if m[1] == "±" else _OPERATORS[m[1] or m[2]]),
    (re.compile(r"(?<=[\d)）]) ?([+\-−±×÷*=><≥≤≈≠]) ?(?=[\d(（.])"), _operator),
    (re.compile(r"(?<=[A-Za-zα-ωΑ-Ω\d)）方]) ?([+±×÷=><≥≤≈≠]) ?(?=[A-Za-zα-ωΑ-Ω\d(（\-])"), _operator),
    (re.compile(r" ?!= ?"), "不等于"),
    (re.compile(r"([±≥≤≈≠])"), lambda m: "正负" if m[1] == "±" else _operator(m)),
)  # fmt: skip
