"""English number words."""

from __future__ import annotations

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion")
_IRREGULAR = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip


def _below_hundred(value: int) -> str:
    if value < 20:
        return _ONES[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    parts = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    return " ".join(parts + ([_below_hundred(rest)] if rest or not parts else []))


def cardinal(value: int) -> str:
    """``1234`` -> "one thousand, two hundred thirty-four". Above 10^21: digit by digit."""
    if value < 0:
        return "minus " + cardinal(-value)
    if value >= 1000 ** len(_SCALES):
        return digits(str(value))
    if value == 0:
        return "zero"
    groups = []
    scale = 0
    while value:
        value, group = divmod(value, 1000)
        if group:
            groups.append(f"{_below_thousand(group)} {_SCALES[scale]}".strip())
        scale += 1
    return ", ".join(reversed(groups))


def digits(text: str) -> str:
    """``007`` -> "zero zero seven"; anything that is not a digit is left out."""
    return " ".join(_ONES[int(char)] for char in text if char in "0123456789")


def ordinal(value: int) -> str:
    """``42`` -> "forty-second"."""
    words = cardinal(value)
    head, separator, last = words.rpartition("-") if "-" in words.rsplit(" ", 1)[-1] else words.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return head + separator + last


def year(value: int) -> str:
    """1001-2999 as years are read: nineteen ninety-eight, two thousand five, fifteen oh three, nineteen hundred."""
    century, rest = divmod(value, 100)
    if 2000 <= value <= 2009 or rest == 0 and century % 10 == 0:
        return cardinal(value).replace(",", "")
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"


def integer(value: int) -> str:
    """Bare integers: 1001-2999 as years, everything else as cardinals (the checkpoints' convention)."""
    return year(value) if 1000 < value < 3000 else cardinal(value)


def decimal(text: str) -> str:
    """``3.14`` -> "three point one four"; ``.5`` -> "zero point five"."""
    whole, _, fraction = text.partition(".")
    return f"{cardinal(int(whole or '0'))} point {digits(fraction)}"


def plural(words: str) -> str:
    """``twenty`` -> "twenties", ``six`` -> "sixes"."""
    return words[:-1] + "ies" if words.endswith("y") else words + "es" if words.endswith("x") else words + "s"


def letters_aloud(word: str) -> str:
    """``www`` -> "w w w": single letters are read by their names."""
    return " ".join(word)
