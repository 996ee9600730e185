"""Chinese number words, from strings of ASCII digits."""

from __future__ import annotations

DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿", "亿亿")


def spell_digits(text: str, one: str = "一") -> str:
    """Digit by digit; ``one`` is 幺 in codes and telephone numbers."""
    return "".join(one if char == "1" else DIGITS[int(char)] for char in text if char in "0123456789")


def _group(text: str) -> str:
    """Up to four digits without leading zeros; 零 stands for any run of zeros inside."""
    words = ""
    zero = False
    for i, char in enumerate(text):
        if char == "0":
            zero = True
            continue
        words += ("零" if zero and words else "") + DIGITS[int(char)] + _UNITS[len(text) - 1 - i]
        zero = False
    return words


def cardinal(text: str) -> str:
    """``10200`` -> 一万零二百. More than 16 digits are read one by one."""
    text = text.lstrip("0")
    if not text:
        return "零"
    if len(text) > 16:
        return spell_digits(text)
    words = ""
    gap = False
    groups = [text[max(0, end - 4) : end] for end in range(len(text), 0, -4)][::-1]
    for i, group in enumerate(groups):
        place = len(groups) - 1 - i
        value = group.lstrip("0")
        if not value:
            gap = True
            if place == 2 and words and not words.endswith("亿"):
                words += "亿"
            continue
        zero = words and (gap or len(value) < len(group))
        words += ("零" if zero else "") + _group(value) + _scale(place, words)
        gap = False
    return words[1:] if words.startswith("一十") else words


def _scale(place: int, before: str) -> str:
    """万 and 亿 alternate; 万亿 is said as 万 ... 亿."""
    return ("", "万", "亿", "万")[place] if place < 4 else "亿"


def number(text: str) -> str:
    """An unsigned integer or decimal; of trailing zeros after the point one remains: ``10.00`` -> 十点零."""
    whole, point, fraction = text.partition(".")
    if not point or not fraction:
        return cardinal(whole)
    kept = fraction.rstrip("0")
    fraction = kept + ("0" if len(kept) < len(fraction) else "")
    return f"{cardinal(whole)}点{spell_digits(fraction)}"


def signed(text: str) -> str:
    """``number`` with an optional minus sign."""
    return "负" + number(text[1:]) if text[:1] in ("-", "−") else number(text)
