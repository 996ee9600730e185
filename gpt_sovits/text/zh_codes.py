"""What is read digit by digit in Chinese (telephone and card numbers, plates, rooms), and numbers beside letters.

The letters themselves are read as English; here they stand in the text only to be looked at (``zh_normalize``), and a
``№`` before them marks a number plate, ``∑`` a formula.
"""

from __future__ import annotations

import re

from gpt_sovits.text.zh_dates import Rule
from gpt_sovits.text.zh_numbers import cardinal, number, spell_digits
from gpt_sovits.text.zh_units import measures

_MEASURE = "|".join(map(re.escape, measures()))


def grouped_phone(match: re.Match[str]) -> str:
    """Digit by digit, a short pause between the groups."""
    groups = [group for group in re.split(r"[\- ()]+", match[0].lstrip("+")) if group]
    return ("加" if match[0].startswith("+") else "") + ",".join(spell_digits(group, "幺") for group in groups)


def _named(match: re.Match[str]) -> str:
    """A number glued to letters: RTX4090 digit by digit, A100 and Mate60 as numbers."""
    digits = match[1]
    if len(digits) < 3 and digits[0] != "0" or re.fullmatch("[1-9]00", digits):
        return cardinal(digits)
    return spell_digits(digits, "幺")


BESIDE_LETTERS: tuple[Rule, ...] = (
    (re.compile(r"№([A-Za-z·.\- ]*)(\d+)"), lambda m: m[1] + spell_digits(m[2], "幺")),
    (re.compile(r"(?<![A-Za-z\d])([A-Z])([\-–·]?)(\d{1,4})[\-–~](?=\1(?![A-Za-z]))"),
     lambda m: f"{m[1]}{number(m[3])}到"),
    (re.compile(r"(?<![\dA-Za-z.])([1-9]\d{0,4})[xX]([1-9]\d{0,4})(?![\dA-Za-z.])"),
     lambda m: f"{cardinal(m[1])}乘{cardinal(m[2])}"),
    (re.compile(r"(?<=[Pp])\.?(\d{1,4}) ?[\-–~] ?(?=\d{1,4} ?页)"), lambda m: number(m[1]) + "到"),
    (re.compile(r"(?<![\d.])(\d{2,}) ?\+(?= ?(?:[GTMK]B?)(?![A-Za-z\d]))"), lambda m: number(m[1]) + "多"),
    (re.compile(r"(?<=[A-Z]{3} )(\d{1,3})[\-–~](?=\d{1,3}(?![\d.\-]))"), lambda m: f"{cardinal(m[1])}到"),
    (re.compile(r"(?<=\d)\.{2,3}(?=\d|[A-Za-z](?![A-Za-z]))"), "到"),
    (re.compile(r"(?<=\d)\.(?=x(?![A-Za-z]))"), "点"),
    (re.compile(r"(?<![A-Za-z\d\-])([a-z])[\-–](?=\d(?![\d.\-]))"), lambda m: f"{m[1]}减"),
    (re.compile(r"(?<=[A-Za-z]) / (?=\d{1,4}(?![\d./]))"), "除以"),
    (re.compile(r"(?<=[A-Za-z]) - (?=\d+(?![\d.]| ?[\u4e00-\u9fa5]))"), "减"),
    (re.compile(r"(?<=[A-Za-z])[\-–_](?=\d)"), ""),
    (re.compile(r"(?<=\d)[\-–_]+(?= ?[A-Za-z])"), ""),
    (re.compile(r"(?<=[Nn][Oo])\. ?(?=\d)"), ""),
    (re.compile(r"(?:^|(?<=[^A-Za-z]))([Pp]{1,2})\. ?(\d{1,4})( ?[\-–~～] ?(?=\d))?"),
     lambda m: f"{m[1]}{number(m[2])}{'到' if m[3] else ''}"),
    (re.compile(r"(?<=[A-Za-z])\.(?=\d)"), "点"),
    (re.compile(r"(?<=[GDCZTKYLS])(\d{1,4})(?=次(?!方|数))"), lambda m: spell_digits(m[1], "幺")),
    (re.compile(rf"(?<=[A-Za-z])(\d+)(?![\d.,:/%°]|(?:{_MEASURE}))"), _named),
    (re.compile(r"(?<=ISSN )\d{4}-\d{3,4}(?!\d)"), grouped_phone),
    (re.compile(r"(?<=[A-Za-z] )(\d{3,})(?!-\d|[\d.,:/%元块分个人年月日℃°])"), _named),
    (re.compile(r"(?<![\d.A-Za-z$¥￥€£])(\d+)(?= ?(?:GB|TB|MB|KB|Gb|Mb|G|T|M|K|k|P)(?![A-Za-z]))"),
     lambda m: cardinal(m[1])),
)  # fmt: skip

PHONES: tuple[Rule, ...] = (
    (re.compile(r"(?<![\d\-])(?:\+86[ \-]?)?1[3-9]\d([ \-])\d{4}\1\d{4}(?!\d)|(?<!\d)\+\d{1,3}[ \-]?\d[\d \-]{5,20}\d"),
     grouped_phone),
    (re.compile(r"(?<![\d.])\d{4}(?: \d{4}){2,4}(?: \d{1,3})?(?!\d)"), grouped_phone),
    (re.compile(r"(?<!\d)\(0\d{2,3}\) ?\d{3,4}[\- ]?\d{4}(?!\d)"), grouped_phone),
    (re.compile(r"(?<![\d\-])(?:400|800)[\- ]\d{3,4}[\- ]\d{3,4}(?!\d)|(?<![\d\-])\(?0\d{2,3}\)?[\- ]\d{7,8}"
                r"(?:-\d{1,6})?(?!\d)|(?<![\d\-])0\d{2,3}[\- ]\d{3,4} \d{4}(?!\d)"), grouped_phone),
    (re.compile(r"(?<![\d\-.])\d+(?:-\d+){2,}(?![\d.])"), grouped_phone),
    (re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), lambda m: spell_digits(m[0], "幺")),
    (re.compile(r"(?<![\d.])(?:\d{5,}-\d+|\d+-0\d+)(?![\d.])"),
     lambda m: "，".join(spell_digits(part, "幺") for part in m[0].split("-"))),
)  # fmt: skip
