"""Names of days, months, units, coins and the like, as they are written and as they are said in English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

from gpt_sovits.text.tracked import Tracked

DIGITS = "0123456789"


class Pattern:
    """A regular expression that costs nothing in a text without the characters that it cannot match without.

    ``needs``: characters of which a match holds at least one ("" where nothing is certain).
    """

    def __init__(self, source: str, flags: int = 0, *, needs: str = "") -> None:
        self._source, self._flags = source, flags
        self.needs = frozenset(needs)

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """Compiled when it is first needed."""
        return re.compile(self._source, self._flags)


# What to find, what to say instead (None from a function: leave it), and an example.
Rule = tuple[Pattern, "str | Callable[[re.Match[str]], str | None]", str]


def apply_rules(text: Tracked, rules: Iterable[Rule]) -> Tracked:
    """All of ``rules``, in order."""
    present = frozenset(text.text)
    for pattern, new, _ in rules:
        if pattern.needs and pattern.needs.isdisjoint(present):
            continue
        changed = text.sub(pattern.compiled, new)
        if changed is not text:
            text, present = changed, frozenset(changed.text)
    return text


MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
MONTHS = {name: name for name in MONTH_NAMES} | {name[:3]: name for name in MONTH_NAMES} | {"Sept": "September"}
DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Weds": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
BOOKS = (
    "Genesis|Exodus|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|Samuel|Kings|Chronicles|Ezra|Nehemiah|Esther|Job|"
    "Psalms?|Proverbs|Ecclesiastes|Isaiah|Jeremiah|Lamentations|Ezekiel|Daniel|Hosea|Joel|Amos|Obadiah|Jonah|Micah|"
    "Nahum|Habakkuk|Zephaniah|Haggai|Zechariah|Malachi|Matthew|Mark|Luke|John|Acts|Romans|Corinthians|Galatians|"
    "Ephesians|Philippians|Colossians|Thessalonians|Timothy|Titus|Philemon|Hebrews|James|Peter|Jude|Revelation|Surah?|"
    "Gen|Exod|Ex|Lev|Num|Deut|Josh|Ps|Prov|Eccl|Isa|Jer|Ezek|Dan|Matt|Mt|Mk|Lk|Jn|Rom|Cor|Gal|Eph|Phil|Col|Thess|Tim|"
    "Heb|Jas|Pet|Rev|Quran|Qur'an"
)
BOOK_NAMES = {
    "Gen": "Genesis", "Exod": "Exodus", "Ex": "Exodus", "Lev": "Leviticus", "Num": "Numbers", "Deut": "Deuteronomy",
    "Josh": "Joshua", "Ps": "Psalm", "Prov": "Proverbs", "Eccl": "Ecclesiastes", "Isa": "Isaiah", "Jer": "Jeremiah",
    "Ezek": "Ezekiel", "Dan": "Daniel", "Matt": "Matthew", "Mt": "Matthew", "Mk": "Mark", "Lk": "Luke", "Jn": "John",
    "Rom": "Romans", "Cor": "Corinthians", "Gal": "Galatians", "Eph": "Ephesians", "Phil": "Philippians",
    "Col": "Colossians", "Thess": "Thessalonians", "Tim": "Timothy", "Heb": "Hebrews", "Jas": "James", "Pet": "Peter",
    "Rev": "Revelation",
}  # fmt: skip

# Sign -> (one, many, a hundredth, hundredths).
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""),
    "¢": ("cent", "cents", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "", ""),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₺": ("lira", "lira", "", ""),
    "₫": ("dong", "dong", "", ""),
    "₴": ("hryvnia", "hryvnias", "", ""),
    "₦": ("naira", "naira", "", ""),
    "₱": ("peso", "pesos", "centavo", "centavos"),
    "₪": ("shekel", "shekels", "", ""),
    "₿": ("bitcoin", "bitcoins", "", ""),
    "฿": ("baht", "baht", "", ""),
    "₸": ("tenge", "tenge", "", ""),
    "₡": ("colon", "colons", "", ""),
    "₲": ("guarani", "guaranis", "", ""),
    "₵": ("cedi", "cedis", "", ""),
    "₾": ("lari", "lari", "", ""),
    "₼": ("manat", "manat", "", ""),
    "₭": ("kip", "kip", "", ""),
    "₮": ("tugrik", "tugriks", "", ""),
    "৳": ("taka", "taka", "", ""),
    "៛": ("riel", "riels", "", ""),
    "֏": ("dram", "drams", "", ""),
    "₨": ("rupee", "rupees", "", ""),
    "₤": ("pound", "pounds", "penny", "pence"),
    "₣": ("franc", "francs", "", ""),
}
DOLLARS = {
    "US": "U S", "HK": "Hong Kong", "A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian",
    "NZ": "New Zealand", "NT": "New Taiwan", "S": "Singapore",
}  # fmt: skip
CODES = {
    "USD": "U S dollar", "EUR": "euro", "GBP": "pound", "JPY": "yen", "CNY": "yuan", "RMB": "yuan", "CAD":
    "Canadian dollar", "AUD": "Australian dollar", "NZD": "New Zealand dollar", "HKD": "Hong Kong dollar",
    "SGD": "Singapore dollar", "CHF": "Swiss franc", "INR": "Indian rupee", "KRW": "won", "SEK": "Swedish krona",
    "NOK": "Norwegian krone", "DKK": "Danish krone", "PLN": "zloty", "BTC": "bitcoin", "MXN": "Mexican peso",
    "BRL": "Brazilian real", "ZAR": "South African rand", "TWD": "New Taiwan dollar", "THB": "baht",
    "CZK": "koruna", "HUF": "forint", "RUB": "ruble", "UAH": "hryvnia", "AED": "dirham", "SAR": "riyal",
    "IDR": "rupiah", "MYR": "ringgit", "VND": "dong", "Rs": "rupee", "kr": "krona", "Rs.": "rupee",
}  # fmt: skip
UNCHANGED = frozenset(
    ("yen", "yuan", "won", "zloty", "baht", "lira", "forint", "rupiah", "ringgit", "dong")
)  # the same for one and for many
CROWNS = {"krona": "kronor", "krone": "kroner", "rand": "rand", "real": "reais"}
SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "mm": "million",
          "bn": "billion", "b": "billion", "B": "billion", "tn": "trillion", "T": "trillion"}  # fmt: skip

UNITS = {
    "km/h": "kilometer per hour", "kmh": "kilometer per hour", "kph": "kilometer per hour", "m/s": "meter per second",
    "mph": "mile per hour", "mpg": "mile per gallon", "km²": "square kilometer", "m²": "square meter",
    "cm²": "square centimeter", "mm²": "square millimeter", "m³": "cubic meter", "cm³": "cubic centimeter",
    "ft²": "square foot", "sq. ft.": "square foot", "sq ft": "square foot", "sq. ft": "square foot",
    "sq. m": "square meter", "sq m": "square meter", "sq. mi.": "square mile", "sq mi": "square mile",
    "cu ft": "cubic foot", "cu. ft.": "cubic foot", "cu yd": "cubic yard", "cu. yd.": "cubic yard",
    "sq yd": "square yard", "sq. yd.": "square yard", "sq. yds.": "square yard",
    "fl oz": "fluid ounce", "fl. oz.": "fluid ounce",
    "m/s²": "meter per second squared",
    "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "μm": "micrometer", "µm": "micrometer",
    "nm": "nanometer", "m": "meter", "mi": "mile", "ft": "foot", "in": "inch", "yd": "yard", "yds": "yard",
    "kg": "kilogram", "kgs": "kilogram", "mg": "milligram", "μg": "microgram", "µg": "microgram", "mcg": "microgram",
    "g": "gram", "lb": "pound", "lbs": "pound", "oz": "ounce", "L": "liter", "l": "liter", "ml": "milliliter",
    "mL": "milliliter", "dl": "deciliter", "dL": "deciliter", "gal": "gallon", "tbsp": "tablespoon",
    "tsp": "teaspoon", "hrs": "hour", "hr": "hour", "h": "hour", "mins": "minute", "min": "minute", "sec": "second",
    "secs": "second", "ms": "millisecond", "µs": "microsecond", "μs": "microsecond", "ns": "nanosecond",
    "s": "second", "yrs": "year", "yr": "year", "wks": "week", "mos": "month", "mo": "month",
    "°C": "degree celsius", "°F": "degree fahrenheit", "℃": "degree celsius", "℉": "degree fahrenheit",
    "°": "degree", "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "kW": "kilowatt",
    "kWh": "kilowatt hour", "MWh": "megawatt hour", "Wh": "watt hour", "MW": "megawatt", "GW": "gigawatt",
    "W": "watt", "V": "volt", "kV": "kilovolt", "mV": "millivolt", "A": "amp", "mA": "milliamp", "mAh": "milliamp hour",
    "Ω": "ohm", "kΩ": "kilohm", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte",
    "TB": "terabyte", "PB": "petabyte", "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte",
    "kbps": "kilobit per second", "Mbps": "megabit per second", "Gbps": "gigabit per second",
    "MB/s": "megabyte per second", "GB/s": "gigabyte per second", "dB": "decibel", "db": "decibel",
    "kcal": "kilocalorie", "cal": "calorie", "kJ": "kilojoule", "J": "joule", "N": "newton", "Pa": "pascal",
    "kPa": "kilopascal", "hPa": "hectopascal", "psi": "P S I", "rpm": "R P M", "bpm": "beat per minute",
    "Kbps": "kilobit per second", "Tbps": "terabit per second", "kb/s": "kilobit per second",
    "Mb/s": "megabit per second", "Gb/s": "gigabit per second", "kB/s": "kilobyte per second",
    "deg": "degree", "cc": "C C", "μL": "microliter", "µL": "microliter", "µA": "microamp", "TWh": "terawatt hour",
    "ac": "acre", "qt": "quart", "pt": "pint", "kn": "knot", "kt": "knot",
    "kts": "knot", "Nm": "newton meter", "ft-lb": "foot pound", "ft-lbs": "foot pound", "lx": "lux", "lm": "lumen",
    "px": "pixel", "fps": "frame per second", "ppm": "part per million", "ppb": "part per billion", "ha": "hectare",
    "mmHg": "millimeter of mercury", "mm Hg": "millimeter of mercury", "mol": "mole", "hp": "horsepower",
    "mg/L": "milligram per liter", "mg/dL": "milligram per deciliter", "x": "time",
}  # fmt: skip
# Words or letters of their own, so only a number glued to them makes them units.
GLUED_ONLY = frozenset(
    ("m", "g", "h", "s", "l", "L", "in", "W", "V", "A", "J", "N", "x", "°", "cal", "Pa", "K", "mol", "min", "ac", "pt",
     "lm", "kn", "ha")
)  # fmt: skip
PLURALS = {
    "foot": "feet", "inch": "inches", "hertz": "hertz", "kilohertz": "kilohertz", "megahertz": "megahertz",
    "gigahertz": "gigahertz", "horsepower": "horsepower", "P S I": "P S I", "R P M": "R P M",
    "C C": "C C", "lux": "lux", "foot pound": "foot pounds",
}  # fmt: skip
PER = {  # behind a slash
    "day": "day", "d": "day", "week": "week", "wk": "week", "month": "month", "mo": "month", "year": "year",
    "yr": "year", "hour": "hour", "hr": "hour", "h": "hour", "night": "night", "minute": "minute", "min": "minute",
    "person": "person", "pp": "person", "head": "head", "piece": "piece", "pc": "piece", "ea": "piece",
    "unit": "unit", "user": "user", "seat": "seat", "item": "item", "kg": "kilogram", "g": "gram", "lb": "pound",
    "oz": "ounce", "km": "kilometer", "mi": "mile", "mile": "mile", "gal": "gallon", "gallon": "gallon",
    "liter": "liter", "litre": "liter", "L": "liter", "l": "liter", "kWh": "kilowatt hour", "GB": "gigabyte",
    "sq ft": "square foot", "m²": "square meter", "ft": "foot", "s": "second", "sec": "second", "second": "second",
    "mL": "milliliter", "dL": "deciliter", "m³": "cubic meter", "m": "meter", "share": "share", "ton": "ton",
    "token": "token", "request": "request", "page": "page", "word": "word", "semester": "semester",
}  # fmt: skip


def any_of(names: Iterable[str]) -> str:
    """An alternation of literal names, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


# Behind these a number with a letter is a place (seat 14C, Apt. 4B), no amount.
NUMBERED_PLACE = re.compile(
    r"(?i)\b(?:seats?|rows?|rooms?|gates?|ap(?:artmen)?t|units?|flat|suite|no|number|block|platform|bus|sections?|sizes?|"
    r"levels?|grades?|class|pages?|forms?|house|door|exit|bay|pier|lot|hall|dock|berth|track|wing|booth|locker|stall|bra|building|rm|route|line|chapter|schedule|"
    r"stand|terminal|exhibit|appendix|pencils?|figure|fig|table|question)\.? $"
)

# Words that begin a sentence far more often than they stand inside one.
STARTERS = frozenset(
    "the a an it he she they we you this that these those there here then but and so yet or if when while after before "
    "as at in on for from with by to my your his her its our their what who where why how no not yes one some many "
    "most all each every both please now today also however although because since until let do does did is are was "
    "were has have had can could will would should may might nobody everybody someone everyone nothing i i'm it's he's "
    "she's they're we're that's there's".split()
)
_NEXT = re.compile(r"\s+[\"'“‘(]?([A-Z][\w']*)")


def ends_sentence(text: str, end: int) -> bool:
    """Whether a sentence ends at ``end``, right behind the full stop of an abbreviation.

    It does at the end of the text and before a word that begins sentences (``in the U.S. He``, ``the U.S. Army``).
    """
    if not text[end : end + 200].strip(" \t\"')"):
        return True
    found = _NEXT.match(text, end)
    return bool(found and found[1].lower() in STARTERS)


def stop(match: re.Match[str]) -> str:
    """The full stop that an abbreviation's own stop also was, or nothing."""
    return "." if match.group().endswith(".") and ends_sentence(match.string, match.end()) else ""
