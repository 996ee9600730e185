"""English dates, times, money, telephone numbers, units and fractions."""

from __future__ import annotations

import re

from gpt_sovits.text.en_numbers import cardinal, decimal, digits, integer, ordinal, year

# Names whose capitals are not spelled.
WHOLE_NAMES = {r"Wi-?Fi": "wifi", "JSON": "json", "JPE?G": "jay-peg", "WWII": "World War two",
               "WWI": "World War one"}  # fmt: skip
WHOLE_NAMES |= {
    name: name.lower()
    for name in "NASA NATO UNESCO UNICEF OPEC ASEAN AIDS SARS FIFA NAFTA ROM SIM PIN GIF LEGO IKEA SWAT".split()
}

_MONTHS = (
    "January February March April May June July August September October November December".split()
)  # fmt: skip
_MONTH = "|".join(_MONTHS)
_DAYS = {"Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
         "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday"}  # fmt: skip
_DAY_NAMES = "|".join(sorted(_DAYS, key=len, reverse=True))
_HOURS = r"(?:\d{1,2}:[0-5]\d(?: ?[AaPp]\.?[Mm]\.?)?|\d{1,2} ?[AaPp]\.?[Mm]\.?)"


def _day(month: int, day: int, value: int) -> str:
    return f"{_MONTHS[month - 1]} {ordinal(day)}, {_year(value)}"


def _year(value: int) -> str:
    return year(value) if 1000 < value < 3000 else cardinal(value)


def _month_first(match: re.Match[str]) -> str | None:
    first, second, last = int(match[1]), int(match[3]), int(match[4])
    month, day = (first, second) if first <= 12 else (second, first)
    return _day(month, day, last) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _year_first(match: re.Match[str]) -> str | None:
    month, day = int(match[3]), int(match[4])
    return _day(month, day, int(match[1])) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _day_first(match: re.Match[str]) -> str:
    the = "" if re.search(r"\bthe $", match.string[: match.start()]) else "the "
    return f"{the}{ordinal(int(match[1]))} of {match[2]}"


def _named_day(match: re.Match[str]) -> str:
    return f"{match[1]} {ordinal(int(match[2]))}"


def _clock(match: re.Match[str]) -> str | None:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24:
        return None
    half = (match[4] or ("p" if 12 <= hour < 24 else "a")).upper()
    spoken = cardinal(hour % 12 or 12)
    words = [spoken] + ([f"oh {cardinal(minute)}" if minute < 10 else cardinal(minute)] if minute else [])
    if match[3]:
        words.append(f"and {cardinal(int(match[3]))} seconds")
    return " ".join(words) + f" {half} M" + _stop(match)


def _lasting(match: re.Match[str]) -> str:
    """1:45:30 behind "took": a duration, not a time of day."""
    names = ("hour", "minute", "second")
    parts = [
        f"{cardinal(n)} {name}{'' if n == 1 else 's'}"
        for n, name in zip(map(int, match.groups()), names, strict=True)
        if n
    ]
    return ", ".join(parts) or "zero seconds"


def _stop(match: re.Match[str]) -> str:
    """The full stop of "p.m." also ends the sentence when nothing, or a capital, follows."""
    after = match.string[match.end() :]
    return "." if match[0].endswith(".") and (not after.strip() or re.match(r"\s+[A-Z]", after)) else ""


def _hour(match: re.Match[str]) -> str:
    return f"{cardinal(int(match[1]))} {match[2].upper()} M" + _stop(match)


_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""),
    "¢": ("cent", "cents", "", ""),
}
_DOLLARS = {"US": "U S", "HK": "Hong Kong", "A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian",
            "NZ": "New Zealand", "NT": "New Taiwan", "S": "Singapore"}  # fmt: skip
_CODES = {"USD": "U S dollar", "EUR": "euro", "GBP": "pound", "JPY": "yen", "CNY": "yuan", "RMB": "yuan", "CAD":
          "Canadian dollar", "AUD": "Australian dollar", "HKD": "Hong Kong dollar", "CHF": "Swiss franc"}  # fmt: skip
_SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "bn": "billion", "B": "billion"}


def _money(symbol: str, amount: str, scale: str | None) -> str:
    one, many, small, smalls = _CURRENCIES[symbol]
    whole, _, cents = amount.partition(".")
    if scale or len(cents) > 2 or (cents and not small):
        words = decimal(amount) if cents else cardinal(int(whole))
        return f"{words} {_SCALES.get(scale, scale) + ' ' if scale else ''}{many}"
    value, rest = int(whole or "0"), int(cents.ljust(2, "0")) if cents else 0
    parts = [f"{cardinal(value)} {one if value == 1 else many}"] if value or not rest else []
    if rest:
        parts.append(f"{cardinal(rest)} {small if rest == 1 else smalls}")
    return " and ".join(parts)


def _money_before(match: re.Match[str]) -> str:
    sign = "negative " if match[1] else ""
    return sign + _money(match[2], match[3], match[4])


def _money_of(match: re.Match[str]) -> str:
    return re.sub(r"\bdollar", f"{_DOLLARS[match[1]]} dollar", _money("$", match[2], match[3]))


def _money_coded(amount: str, code: str) -> str:
    name = _CODES[code]
    many = name if amount == "1" or name in ("yen", "yuan") else name + "s"
    return f"{decimal(amount) if '.' in amount else cardinal(int(amount))} {many}"


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    if match[0].startswith("+"):
        return "plus " + ", ".join(digits(group) for group in groups)
    return ", ".join(digits(group) for group in groups)


def _height(match: re.Match[str]) -> str:
    inches = f" {cardinal(int(match[2]))}" if match[2] else ""
    return f"{cardinal(int(match[1]))} foot{inches}"


RULES = (
    (re.compile(rf"\b({_DAY_NAMES})\.? ?[\-–] ?({_DAY_NAMES})\b\.?"), lambda m: f"{_DAYS[m[1]]} to {_DAYS[m[2]]}"),
    (re.compile(rf"\b({_DAY_NAMES})\.(?=,? [A-Z]?[a-z]*\.? ?\d)|\b(Mon|Tue|Tues|Thu|Thur|Thurs|Fri)\b\.?(?=,? \d|,)"),
     lambda m: _DAYS[m[1] or m[2]]),
    (re.compile(rf"(?<![\w:])({_HOURS}) ?[\-–] ?(?={_HOURS})"), lambda m: m[1] + " to "),
    (re.compile(r"(?:(?<=\blasts )|(?<=\blasted )|(?<=\btakes )|(?<=\btook )|(?<=\bin )|(?<=\btime of ))"
                r"(\d{1,2}):([0-5]\d):([0-5]\d)(?! ?[AaPp]\.?[Mm])"), _lasting),
    (re.compile(rf"\b0?(\d{{1,2}})(?:st|nd|rd|th)? ({_MONTH})\b(?! \d{{1,2}}\b(?!:))"), _day_first),
    (re.compile(r"\b(\d{1,3})' ?(\d{1,2})(?:\"|'')|\b(\d{1,3}) ?(?:ft|feet) (\d{1,2}) ?in\b(?! the)"),
     lambda m: f"{cardinal(int(m[1] or m[3]))} {'foot' if m[1] else 'feet'} {cardinal(int(m[2] or m[4]))}"
     + ("" if m[1] else " inches")),
    (re.compile(r"\b(\d{1,2})([/.\-])(\d{1,2})\2(\d{4})\b"), _month_first),
    (re.compile(r"\b(\d{4})([/.\-])(\d{1,2})\2(\d{1,2})\b"), _year_first),
    (re.compile(rf"\b({_MONTH}) (\d{{1,2}})(?!\d|st|nd|rd|th|:|\.\d)\b"), _named_day),
    (re.compile(r"\b(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?: ?([AaPp])\.? ?[Mm]\b\.?)?(?!:?\d)"), _clock),
    (re.compile(r"\b(\d{1,2}) ?([AaPp])(?:\. ?[Mm]\b\.?|[Mm]\b)"), _hour),
    (re.compile(r"(?<![\w.])\+\d{1,3}[ \-]?\(?\d{2,4}\)?(?:[ \-]\d{2,4}){1,4}\b"), _phone),
    (re.compile(r"(?<![\w.])\(\d{3}\) ?\d{3}[ \-]\d{4}\b|(?<![\w.\-])\d{3}[\-.]\d{3}[\-.]\d{4}\b"), _phone),
    (re.compile(r"(?<![\w.\-])\d{3}-\d{4}(?![\d\-])|(?<![\w.\-])\d+(?:-\d+){3,}(?![\w\-])"), _phone),
    (re.compile(r"\b(US|HK|AU?|CA?|NZ|NT|S)\$ ?(\d*\.?\d+)"
                r"(?: ?(hundred|thousand|million|billion|trillion|bn|[kKmMB])\b)?"), _money_of),
    (re.compile(r"\b(USD|EUR|GBP|JPY|CNY|RMB|CAD|AUD|HKD|CHF) ?(\d*\.?\d+)\b"), lambda m: _money_coded(m[2], m[1])),
    (re.compile(r"(?<![\w.])(\d*\.?\d+) ?(USD|EUR|GBP|JPY|CNY|RMB|CAD|AUD|HKD|CHF)\b"),
     lambda m: _money_coded(m[1], m[2])),
    (re.compile(r"\b(\d{1,2})'(?: ?(\d{1,2})(?:\"|''))?(?=\s|[.,!?]|$)"), _height),
    (re.compile(r"(?<![\w])(-?)([$£€¥]) ?(\d*\.?\d+)(?: ?(hundred|thousand|million|billion|trillion|bn|[kKmMB])\b)?"),
     _money_before),
    (re.compile(r"(?<![\w.])(\d*\.?\d+) ?([$£€¥¢])"), lambda m: _money(m[2], m[1], None)),
)  # fmt: skip

_UNITS = {
    "km/h": "kilometer per hour", "kmh": "kilometer per hour", "kph": "kilometer per hour", "m/s": "meter per second",
    "mph": "mile per hour", "km²": "square kilometer", "m²": "square meter", "cm²": "square centimeter",
    "m³": "cubic meter", "cm³": "cubic centimeter", "ft²": "square foot", "km": "kilometer", "cm": "centimeter",
    "mm": "millimeter", "μm": "micrometer", "nm": "nanometer", "m": "meter", "mi": "mile", "ft": "foot",
    "in": "inch", "yd": "yard", "kg": "kilogram", "mg": "milligram", "g": "gram", "lb": "pound", "lbs": "pound",
    "oz": "ounce", "L": "liter", "l": "liter", "ml": "milliliter", "mL": "milliliter", "tbsp": "tablespoon",
    "tsp": "teaspoon", "hrs": "hour", "hr": "hour", "h": "hour", "mins": "minute", "min": "minute", "sec": "second",
    "secs": "second", "ms": "millisecond", "s": "second", "°C": "degree celsius", "°F": "degree fahrenheit",
    "°": "degree", "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "kW": "kilowatt",
    "kWh": "kilowatt hour", "MW": "megawatt", "W": "watt", "V": "volt", "mA": "milliamp", "mAh": "milliamp hour",
    "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "Mbps":
    "megabit per second", "Gbps": "gigabit per second", "dB": "decibel", "db": "decibel", "kcal": "kilocalorie",
    "cal": "calorie", "Pa": "pascal", "kPa": "kilopascal", "px": "pixel", "fps": "frame per second", "x": "time",
}  # fmt: skip
_GLUED_ONLY = frozenset(("m", "g", "h", "s", "l", "L", "in", "W", "V", "x", "°", "mi", "min", "cal", "Pa"))
_PLURALS = {"foot": "feet", "inch": "inches", "hertz": "hertz", "kilohertz": "kilohertz", "megahertz": "megahertz",
            "gigahertz": "gigahertz"}  # fmt: skip


def _plural(name: str) -> str:
    head, space, rest = name.partition(" ")
    if head in ("square", "cubic"):
        return f"{head} {_plural(rest)}"
    return _PLURALS.get(head, head + "s") + space + rest


def _unit(match: re.Match[str]) -> str | None:
    amount, name = match[1], _UNITS[match[2]]
    if match[2] == "x":
        algebra = re.match(r" ?[+\-−*/=^²³]", match.string[match.end() :])
        return None if algebra else f"{amount} times"
    return f"{amount} {name if amount in ('1', '-1') else _plural(name)}"


def _any(names: list[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def _decade(match: re.Match[str]) -> str:
    words = integer(int(match[1])) if len(match[1]) == 4 else cardinal(int(match[1]))
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


UNIT_RULES = (
    (re.compile(r"(?:(?<!\w)')?\b([12]\d{2}0|[2-9]0)'?s\b"), _decade),
    (re.compile(rf"(?<![\w.])(\d*\.?\d+)({_any(list(_UNITS))})(?![\w²³]|/(?!\d)|'\w)"), _unit),
    (
        re.compile(rf"(?<![\w.])(\d*\.?\d+) ({_any([u for u in _UNITS if u not in _GLUED_ONLY])})(?![\w²³']|/(?!\d))"),
        _unit,
    ),
)


def _ordinal(match: re.Match[str]) -> str:
    return ordinal(int(match[1]))


def _part(numerator: int, denominator: int) -> str:
    if denominator == 2:
        name = "half" if numerator == 1 else "halves"
    else:
        name = ordinal(denominator) + ("" if numerator == 1 else "s")
    return f"{cardinal(numerator)} {name}"


def _fraction(match: re.Match[str]) -> str | None:
    top, bottom = int(match[2]), int(match[3])
    if bottom == 0:
        return None
    meter = re.match(r"[ -](?:time|beat|meter)\b", match.string[match.end() :])
    if top == bottom or meter or (top, bottom) in ((24, 7), (9, 11)):
        return f"{cardinal(top)} {cardinal(bottom)}"
    whole = f"{cardinal(int(match[1]))} and " if match[1] else ""
    return whole + _part(top, bottom)


_VULGAR = {"½": "one half", "¼": "one quarter", "¾": "three quarters", "⅓": "one third", "⅔": "two thirds",
           "⅛": "one eighth"}  # fmt: skip

FRACTION_RULES = (
    (re.compile(r"(?<=\d)([½¼¾⅓⅔⅛])"), lambda m: f" and {_VULGAR[m[1]].replace('one', 'a')}"),
    (re.compile(r"[½¼¾⅓⅔⅛]"), lambda m: f" {_VULGAR[m[0]]} "),
    (re.compile(r"\b()(\d{1,3})/(\d{1,4})(?:st|nd|rd|th)\b"), lambda m: _part(int(m[2]), int(m[3]) or 1)),
    (re.compile(r"\b(?:(\d{1,3}) )?(\d{1,3})/(\d{1,3})\b(?!/)"), _fraction),
    (re.compile(r"\b(\d+)(?:st|nd|rd|th)\b"), _ordinal),
    (re.compile(r"(?<=\w)²"), " squared"),
    (re.compile(r"(?<=\w)³"), " cubed"),
    (re.compile(r"\b(\d+(?:\.\d+)?)[eE]([+\-]?)(\d+)\b"),
     lambda m: f"{m[1]} times ten to the {'minus ' if m[2] == '-' else ''}{int(m[3])}"),
    (re.compile(r"\^2\b"), " squared"),
    (re.compile(r"\^3\b"), " cubed"),
    (re.compile(r"\^(-?)(\d+)"), lambda m: f" to the {'minus ' if m[1] else ''}{int(m[2])}"),
)  # fmt: skip
