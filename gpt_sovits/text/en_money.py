"""English money: signs before and after, codes, ranges, plural hundreds, per this and that."""

from __future__ import annotations

import re

from gpt_sovits.text.en_numbers import cardinal, decimal, plural
from gpt_sovits.text.en_tables import (
    CODES,
    CROWNS,
    CURRENCIES,
    DIGITS,
    DOLLARS,
    PER,
    SCALES,
    UNCHANGED,
    Pattern,
    Rule,
    any_of,
)

_SIGN = "[" + re.escape("".join(CURRENCIES)) + "]"
_AMOUNT = r"(?:\d+(?:\.\d+)?|\.\d+)"
_SCALE = r"(?: ?(hundred|thousand|million|billion|trillion|mn|bn|tn|[kKmMBT])\b|-(million|billion|trillion)\b)?"


def _value(amount: str) -> str:
    return decimal(amount) if "." in amount else cardinal(int(amount))


def _money(sign: str, amount: str, scale: str | None, one_only: bool = False) -> str:
    one, many, small, smalls = CURRENCIES[sign]
    many = one if one_only else many
    whole, _, cents = amount.partition(".")
    if scale or len(cents) > 2 or cents and not small:
        words = decimal(amount) if cents else cardinal(int(whole))
        return f"{words} {SCALES.get(scale, scale) + ' ' if scale else ''}{many}"
    value, rest = int(whole or "0"), int(cents.ljust(2, "0")) if cents else 0
    parts = [f"{cardinal(value)} {one if value == 1 else many}"] if value or not rest else []
    if rest:
        parts.append(f"{cardinal(rest)} {small if rest == 1 else smalls}")
    return " and ".join(parts)


def _spaced(match: re.Match[str], words: str) -> str:
    """A letter that is glued to the amount (£5each) is a word of its own."""
    return words + (" " if match.string[match.end() : match.end() + 1].isalpha() else "")


_PAPER = re.compile(r" (?:bills?|notes?|coins?|stamps?|tickets?|fines?|fees?|tips?|checks?|cheques?|bets?|tolls?)\b")


def _after(match: re.Match[str]) -> str:
    article = re.search(r"\b[Aa]n? $", match.string[max(0, match.start() - 3) : match.start()])
    noun = re.match(r" [a-z]", match.string[match.end() : match.end() + 40]) and "." not in match[1]
    return _spaced(match, _money(match[2], match[1], None, bool(article and noun)))


def _before(match: re.Match[str]) -> str:
    article = re.search(r"\b[Aa]n? $", match.string[max(0, match.start() - 3) : match.start()])
    scale = match[4] or match[5]
    noun = re.match(r" [a-z]", match.string[match.end() : match.end() + 40]) and ("." not in match[3] or scale)
    paper = _PAPER.match(match.string[match.end() : match.end() + 40]) and "." not in match[3]
    words = _money(match[2], match[3], scale, bool(article and noun or paper))
    return ("negative " if match[1] else "") + _spaced(match, words)


def _range(match: re.Match[str]) -> str:
    """$10-$20 -> ten to twenty dollars; with cents each amount is said in full."""
    sign, low, low_scale, high, high_scale = match[1], match[2], match[3] or match[4], match[6], match[7] or match[8]
    if "." in low or "." in high and not high_scale:
        return _spaced(match, f"{_money(sign, low, low_scale)} to {_money(sign, high, high_scale)}")
    last = re.search(r"\b[Aa]n? $", match.string[max(0, match.start() - 3) : match.start()])
    words = f"{_value(low)} "
    if low_scale and low_scale != high_scale:
        words += SCALES.get(low_scale, low_scale) + " "
    return _spaced(match, f"{words}to {_money(sign, high, high_scale, bool(last))}")


def _plural(match: re.Match[str]) -> str | None:
    """$100s -> hundreds of dollars."""
    names = {"100": "hundreds", "1000": "thousands", "10000": "tens of thousands", "100000": "hundreds of thousands",
             "1000000": "millions", "10": "tens"}  # fmt: skip
    amount = match[2].replace(",", "")
    name = names.get(amount)
    if not name and len(amount) < 3 and not match[3]:
        return plural(cardinal(int(amount)))  # notes: a stack of $20s
    many = f"{match[3]} of " if match[3] else ""
    return f"{name} of {many}{CURRENCIES[match[1]][1]}" if name else None


def _dollars_to(match: re.Match[str]) -> str:
    """US$500-US$1,000: the kind of dollar is said once, unless there are cents."""
    scale = match[3] or match[4]
    whole = "." not in match[2] or scale
    low = f"{_value(match[2])} {SCALES.get(scale, scale) if scale else ''}" if whole else _kind_of_dollar(match)
    return f"{low.strip()} to {match[1]}$"


def _kind_of_dollar(match: re.Match[str]) -> str:
    return re.sub(r"\bdollar", f"{DOLLARS[match[1]]} dollar", _money("$", match[2], match[3] or match[4]))


def _coded(amount: str, code: str, scale: str | None = None) -> str:
    name = CODES[code]
    head, _, last = name.rpartition(" ")
    many = f"{head} {CROWNS.get(last, last + 's')}".strip()
    many = name if amount == "1" and not scale or name in UNCHANGED else many
    return f"{_value(amount)} {SCALES.get(scale, scale) + ' ' if scale else ''}{many}"


def _each(match: re.Match[str]) -> str:
    name = PER[match[2]]
    return f"{match[1]}{' an ' if name == 'hour' else ' a ' if name != 'person' else ' per '}{name}"


def _european(match: re.Match[str]) -> str:
    """€1.234,56 and 12,50 €: the comma is the point."""
    return (match[1] or "") + (match[2] or match[4]).replace(".", "") + "." + (match[3] or match[5]) + (match[6] or "")


# Before commas between thousands are dropped.
EUROPEAN: Rule = (
    Pattern(rf"({_SIGN} ?)(\d{{1,3}}(?:\.\d{{3}})+|\d+),(\d\d)(?![\d,])|"
               rf"(?<![\d.,])(\d{{1,3}}(?:\.\d{{3}})+|\d+),(\d\d)( ?(?:€|EUR\b|kr\b))",
             needs=DIGITS), _european, "€1.234,56"
)  # fmt: skip
_CODE, _DOLLARS = any_of(CODES), any_of(DOLLARS)
MONEY_RULES: tuple[Rule, ...] = (
    (Pattern(rf"({_SIGN} ?{_AMOUNT}(?: ?(?:[kKmMB]|bn|thousand|[mb]illion)\b)?) ?/ ?({any_of(PER)})\b"
             r"(?:\.(?= [a-z\d]))?", needs="/"), _each, "$1/day"),
    (Pattern(rf"(?<!\w)({_SIGN})([\d,]+)'?s\b(?: of ((?:thous|mill|bill|trill)\w+s))?",
             needs="$¢£¥֏৳฿៛₡₣₤₦₨₩₪₫€₭₮₱₲₴₵₸₹₺₼₽₾₿"), _plural, "$100s"),
    (Pattern(rf"(?<!\w)({_SIGN}) ?({_AMOUNT}){_SCALE} ?[\-–~] ?({_SIGN})? ?({_AMOUNT}){_SCALE}(?![\d\-])",
             needs=DIGITS),
     lambda m: _range(m) if m[5] in (None, m[1]) else None, "$10-$20"),
    (Pattern(rf"\b({_DOLLARS})\$ ?({_AMOUNT}){_SCALE} ?[\-~] ?(?:\1?\$ ?)?(?=\d)", needs="$"),
     _dollars_to, "US$5-US$9"),
    (Pattern(rf"\b({_DOLLARS})\$ ?({_AMOUNT}){_SCALE}", needs="$"), _kind_of_dollar, "US$300"),
    (Pattern(rf"\bR\$ ?({_AMOUNT}){_SCALE}", needs="$"),
     lambda m: f"{_value(m[1])} {SCALES.get(m[2], m[2]) + ' ' if m[2] else ''}reais", "R$20"),
    (Pattern(rf"\b({_CODE})\$? ?({_AMOUNT}){_SCALE}(?![\w.]\d)", needs=DIGITS),
     lambda m: _coded(m[2], m[1], m[3] or m[4]), "USD 40"),
    (Pattern(rf"(?<![\w.])({_AMOUNT}){_SCALE} ?({_CODE})\b", needs=DIGITS),
     lambda m: _coded(m[1], m[4], m[2] or m[3]), "45 EUR"),
    (Pattern(rf"(?<!\w)(-?)({_SIGN}) ?({_AMOUNT}){_SCALE}", needs=DIGITS), _before, "$4.99"),
    (Pattern(rf"(?<![\w.])({_AMOUNT}) ?({_SIGN})", needs=DIGITS), _after, "20$"),
)  # fmt: skip
