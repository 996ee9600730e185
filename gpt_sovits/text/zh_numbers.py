"""Chinese number words."""

from __future__ import annotations

DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")


def spell_digits(text: str, one: str = "一") -> str:
    """Digit by digit; ``one`` is 幺 in codes and phone numbers."""
    return "".join(one if char == "1" else DIGITS[int(char)] for char in text if char in "0123456789")


def _below_myriad(text: str) -> str:
    out = ""
    zero = False
    for place, char in zip(range(len(text) - 1, -1, -1), text, strict=True):
        if char == "0":
            zero = bool(out)
            continue
        out += ("零" if zero else "") + DIGITS[int(char)] + _UNITS[place]
        zero = False
    return out


def cardinal(text: str) -> str:
    """``"10200"`` -> 一万零二百. ASCII digits only; leading zeros are dropped."""
    text = text.lstrip("0")
    if not text:
        return "零"
    if len(text) > 16:
        return spell_digits(text)
    if len(text) > 8:
        return _join(cardinal(text[:-8]) + "亿", text[-8:])
    if len(text) > 4:
        return _short(_below_myriad(text[:-4])) + "万" + _low(text[-4:])
    return _short(_below_myriad(text))


def _short(words: str) -> str:
    return words[1:] if words.startswith("一十") else words


def _low(text: str) -> str:
    rest = text.lstrip("0")
    return "" if not rest else ("零" if len(rest) < len(text) else "") + _below_myriad(rest)


def _join(high: str, text: str) -> str:
    rest = text.lstrip("0")
    if not rest:
        return high
    words = (_below_myriad(rest[:-4]) + "万" + _low(rest[-4:])) if len(rest) > 4 else _below_myriad(rest)
    return high + ("零" if len(rest) < len(text) else "") + words


def number(text: str) -> str:
    """An unsigned integer or decimal: ``3.14`` -> 三点一四."""
    whole, point, fraction = text.partition(".")
    return cardinal(whole) + (f"点{spell_digits(fraction)}" if point and fraction else "")
