"""Chinese number words, from strings of ASCII digits."""

from __future__ import annotations

DIGITS = "零一二三四五六七八九"
_SCALES = ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十"))
_LONGEST = 16  # digits that are read as one number


def spell_digits(text: str, one: str = "一") -> str:
    """Digit by digit; ``one`` is 幺 in codes and telephone numbers."""
    return "".join(one if char == "1" else DIGITS[int(char)] for char in text if char in "0123456789")


def _words(value: int) -> str:
    for scale, name in _SCALES:
        if value >= scale:
            head, rest = divmod(value, scale)
            return _words(head) + name + ("零" if 0 < rest < scale // 10 else "") + (_words(rest) if rest else "")
    return DIGITS[value]


def cardinal(text: str) -> str:
    """``10200`` -> 一万零二百. More than 16 digits are read one by one."""
    text = "".join(str(int(char)) for char in text).lstrip("0")  # digits of any script
    if len(text) > _LONGEST:
        return spell_digits(text)
    words = _words(int(text or "0"))
    return words[1:] if words.startswith("一十") else words


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
