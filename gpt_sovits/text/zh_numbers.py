"""Chinese number words, from strings of ASCII digits."""

from __future__ import annotations

from functools import lru_cache

DIGITS = "零一二三四五六七八九"
_LONGEST = 16  # digits that cn2an has words for


def spell_digits(text: str, one: str = "一") -> str:
    """Digit by digit; ``one`` is 幺 in codes and telephone numbers."""
    return "".join(one if char == "1" else DIGITS[int(char)] for char in text if char in "0123456789")


@lru_cache(maxsize=4096)
def cardinal(text: str) -> str:
    """``10200`` -> 一万零二百. More than 16 digits are read one by one."""
    import cn2an  # late: it would double the time that English waits for

    text = "".join(str(int(char)) for char in text).lstrip("0")  # digits of any script
    if not text:
        return "零"
    return str(cn2an.an2cn(text, "low")) if len(text) <= _LONGEST else spell_digits(text)


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
