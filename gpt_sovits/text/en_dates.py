"""English dates, years, decades, clock times, durations, scripture and ratios."""

from __future__ import annotations

import re

from gpt_sovits.text.en_numbers import cardinal, digits, integer, ordinal, year
from gpt_sovits.text.en_tables import BOOK_NAMES, BOOKS, DAYS, DIGITS, MONTH_NAMES, MONTHS, Pattern, Rule, any_of, stop

_MONTH = rf"(?:{any_of(MONTHS)})"
_DAY = rf"(?:{any_of(DAYS)})"
_NTH = r"(?:st|nd|rd|th)"
_HALF = r"(?:[AaPp]\.? ?[Mm]\b\.?)"
_HOURS = rf"(?:\d{{1,2}}[:.][0-5]\d ?{_HALF}?|\d{{1,2}} ?{_HALF}|\d{{1,2}}:[0-5]\d|noon|midnight)"


def _before(match: re.Match[str]) -> str:
    return match.string[max(0, match.start() - 12) : match.start()]


def _month(name: str) -> str:
    return MONTHS[name.rstrip(".")]


def _dated(month: int, day: int, value: int) -> str | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{MONTH_NAMES[month - 1]} {ordinal(day)}, {_year(value)}"


def _year(value: int) -> str:
    return year(value) if 1000 < value < 3000 else cardinal(value)


def _month_first(match: re.Match[str]) -> str | None:
    """12/25/2024, 3/4/98: the month first, unless it cannot be one or full stops divide (25.12.2024 is European)."""
    first, second, last = int(match[1]), int(match[3]), match[4]
    month, day = (first, second) if first <= 12 and (match[2] != "." or second > 12) else (second, first)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{MONTH_NAMES[month - 1]} {ordinal(day)}, {_year(int(last)) if len(last) == 4 else _two(last)}"


_FRACTIONAL = frozenset((2, 3, 4, 5, 6, 8, 9, 10, 12, 16, 20))


def _month_day(match: re.Match[str]) -> str | None:
    """on 10/31, Fri 11/29: a date, unless it could be a part of something (by 1/3, or 3/4)."""
    month, day = int(match[2]), int(match[3])
    if month > 12:  # Mon 31/3
        month, day = day, month
    sure = match[1][0].isupper() or match[1].startswith(("on", "due", "until", "till"))
    if not (1 <= month <= 12 and 1 <= day <= 31) or (month, day) == (9, 11):
        return None
    if not sure and month < day and day in _FRACTIONAL:
        return None
    name = match[1].rstrip("., ")
    return f"{DAYS.get(name, name)} {MONTH_NAMES[month - 1]} {ordinal(day)}"


def _slashed_span(match: re.Match[str]) -> str | None:
    """28/11-2/12, 11/28-12/2: days, where one of the four numbers can be no month."""
    first, second, third, fourth = map(int, match.groups())
    if max(first, third) > 12:
        days = ((first, second), (third, fourth))
    elif max(second, fourth) > 12 and {second, fourth}.isdisjoint((16, 20, 32)):
        days = ((second, first), (fourth, third))
    else:
        return None
    if any(day > 31 or not day or not 1 <= month <= 12 for day, month in days):
        return None
    return " to ".join(f"{MONTH_NAMES[month - 1]} {ordinal(day)}" for day, month in days)


def _day_month(match: re.Match[str]) -> str | None:
    """01.07. beside a whole date or behind a word that asks for a day; 22.04. may be a version."""
    before = match.string[max(0, match.start() - 100) : match.start()]
    if not re.search(rf"(?i:\b(?:on|by|until|till|since|before|after|due)) $|{any_of(MONTH_NAMES)}", before):
        return None
    return f"{_the(match)}{ordinal(int(match[1]))} of {MONTH_NAMES[int(match[2]) - 1]}" + stop(match)


def _instant(match: re.Match[str]) -> str | None:
    """2023-11-05T14:30:00Z."""
    day = _dated(int(match[2]), int(match[3]), int(match[1]))
    hour, minute = int(match[4]), int(match[5])
    if day is None or hour > 23:
        return None
    spoken = cardinal(hour % 12 or 12) + (f" {'oh ' if minute < 10 else ''}{cardinal(minute)}" if minute else "")
    return f"{day}, at {spoken} {'P' if hour >= 12 else 'A'} M"


def _military(match: re.Match[str]) -> str:
    """0900 hours, 1430 hrs."""
    hour, minute = match[1], match[2]
    first = f"zero {cardinal(int(hour[1]))}" if hour[0] == "0" else cardinal(int(hour))
    return f"{first} {'hundred' if minute == '00' else _two(minute)} hours" + stop(match)


def _season(match: re.Match[str]) -> str | None:
    """2023/24, FY 23/24: two years in a row."""
    first, second = [part for part in match.groups() if part]
    if (int(first) + 1) % 100 != int(second) % 100:
        return None
    return f"{year(int(first)) if len(first) == 4 else _two(first)} {_two(second)}"


def _the(match: re.Match[str]) -> str:
    return "" if re.search(r"\b[Tt]he $", match.string[max(0, match.start() - 5) : match.start()]) else "the "


def _two(text: str) -> str:
    """A year of two digits behind an apostrophe or a dash: 09 -> oh nine."""
    return f"oh {cardinal(int(text))}" if text[0] == "0" and text != "00" else cardinal(int(text))


def _day_span(match: re.Match[str]) -> str:
    return f"{_the(match)}{ordinal(int(match[1]))} to the {ordinal(int(match[2]))} of {_month(match[3])}"


def _month_span(match: re.Match[str]) -> str | None:
    if int(match[3]) > 31 or int(match[2]) > 31:
        return None
    return f"{_month(match[1])} {ordinal(int(match[2]))} to {ordinal(int(match[3]))}"


def _day_first(match: re.Match[str]) -> str | None:
    value = int(match[1])
    if not 1 <= value <= 31:
        return None
    return f"{_the(match)}{ordinal(value)} of {_month(match[2])}"


def _short_year(match: re.Match[str]) -> str:
    last = int(match[3]) + (0 if len(match[3]) == 4 else 1900 if int(match[3]) > 40 else 2000)
    return f"{_the(match)}{ordinal(int(match[1]))} of {_month(match[2])}, {_year(last)}"


def _year_span(match: re.Match[str]) -> str | None:
    first, second = match[1], match[2]
    if len(second) == 2 and int(second) <= int(first[2:]) and first[2:] != "99":
        return None
    return f"{year(int(first))} to {_two(second) if len(second) == 2 else year(int(second))}"


_TIMETABLE = re.compile(r"\b(?:trains?|flights?|bus|buses|ferry|departs?|departures?|arrives?|arrivals?)\b", re.I)
_WHOLE_DAY = re.compile(r"\b(?:0?0|1[3-9]|2[0-4]|0[1-9]):[0-5]\d\b(?! ?[AaPp])")


def _sure(text: str, hour: int) -> bool:
    """Whether the half of the day is certain though nobody wrote it: the clock of 24 hours is in use."""
    return hour > 12 or hour == 0 or bool(_WHOLE_DAY.search(text) or _TIMETABLE.search(text))


def _clock(match: re.Match[str]) -> str | None:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24 or hour == 24 and minute:
        return _run(match) if minute < 60 and hour + minute != 100 and not match[4] else None
    half = match[4].upper() if match[4] else ""
    if not half and _sure(match.string, hour):
        half = "P" if 12 <= hour < 24 else "A"
    words = [cardinal(hour % 12 or 12)]
    if minute:
        words.append(f"oh {cardinal(minute)}" if minute < 10 else cardinal(minute))
    words += [f"{half} M"] if half else []
    if match[3] and int(match[3]):
        words.append(f"and {cardinal(int(match[3]))} seconds")
    return " ".join(words) + stop(match)


def _run(match: re.Match[str]) -> str:
    """41:07 is no time of day: minutes and seconds."""
    parts = [cardinal(int(match[1])), *(_two(part) for part in match.groups()[1:3] if part)]
    return " ".join(parts).replace("zero", "oh oh")


def _hour(match: re.Match[str]) -> str:
    return f"{cardinal(int(match[1]))} {match[2].upper()} M" + stop(match)


def _count(amount: str, name: str) -> str:
    return f"{cardinal(int(amount))} {name}{'' if int(amount) == 1 else 's'}"


def _lasting(match: re.Match[str]) -> str:
    """1:45:30 behind "took": a duration, not a time of day."""
    parts = [_count(n, name) for n, name in zip(match.groups(), ("hour", "minute", "second"), strict=True) if int(n)]
    return ", ".join(parts) or "zero seconds"


def _worded(match: re.Match[str]) -> str:
    """1h 45m -> one hour forty-five minutes."""
    found = {name.rstrip("_"): value for name, value in match.groupdict().items() if value}
    if match.group()[-1].isdigit() and re.search(r"\b(?:at|from|by|until|till|before|after|since) $", _before(match)):
        return f"{cardinal(int(found['hour']))} {_two(found['minute'])}"  # at 14h30
    if found.get("hour") == "0":
        del found["hour"]
    words = (_count(found[name], name) for name in ("hour", "minute", "second") if name in found)
    return " ".join(words) + stop(match)


def _stopwatch(match: re.Match[str]) -> str:
    first, *rest, fraction = [part for part in match.groups() if part]
    parts = [cardinal(int(first))]
    parts += [f"oh {cardinal(int(part))}" if part[0] == "0" and part != "00" else cardinal(int(part)) for part in rest]
    return " ".join(parts) + f" point {digits(fraction).replace('zero', 'oh')}"


def _ratio(match: re.Match[str]) -> str:
    return f"{cardinal(int(match[1]))} to {cardinal(int(match[2]))}"


def _verse(match: re.Match[str]) -> str:
    last = f" to {cardinal(int(match[4]))}" if match[4] else ""
    number, _, name = match[1].rpartition(" ")
    book = f"{ordinal(int(number)).title() if number else ''} {BOOK_NAMES.get(name, name)}".strip()
    return f"{book} {cardinal(int(match[2]))} {cardinal(int(match[3]))}{last}"


def _decade(match: re.Match[str]) -> str:
    words = integer(int(match[1])) if len(match[1]) == 4 else cardinal(int(match[1]))
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def _weekday(match: re.Match[str]) -> str:
    return DAYS[match[1]] + stop(match)


_SPAN = r" ?[\-–—~] ?"
DATE_RULES: tuple[Rule, ...] = (
    (Pattern(r"(?<![\d/.$£€])(\d{1,2})/(\d{1,2})(?: ?[\-–—~] ?| (?:to|until|till) )(\d{1,2})/(\d{1,2})(?![\d/])",
             needs="/"), _slashed_span, "28/11–2/12"),
    (Pattern(rf"\b({_DAY})\.?/(?={_DAY}\b)(?:({_DAY})\b(?!/)\.?)?", needs="/"),
     lambda m: DAYS[m[1]] + ", " + (DAYS[m[2]] if m[2] else ""), "Mon/Wed/Fri"),
    (Pattern(rf"(?<=\d )({_MONTH}\.?(?:,? [12]\d{{3}})?){_SPAN}(?=\d{{1,2}}{_NTH}? {_MONTH}\b)", needs=DIGITS),
     lambda m: f"{m[1]} to ", "28 Feb–3 Mar"),
    (Pattern(rf"(?<=\d)((?:{_NTH})? {_MONTH}\.?(?:,? [12]\d{{3}})?){_SPAN}(?={_DAY}\b)", needs="-~–—"),
     lambda m: f"{m[1]} to ", "Thurs 28 Nov – Sun 1 Dec"),
    (Pattern(rf"\b(\d\d/[12]\d{{3}}){_SPAN}(?=\d\d/[12]\d{{3}}\b)",
             needs="/"), lambda m: f"{m[1]} to ", "01/2024–12/2025"),
    (Pattern(rf"\b({_MONTH}\.?(?: \d{{1,2}}{_NTH}?)?(?:,? [12]\d{{3}})?){_SPAN}(?={_MONTH}\b)", needs="-~–—"),
     lambda m: f"{m[1]} to ", "Dec 24–Jan 2"),
    (Pattern(rf"\b({_DAY})\.? ?[\-–] ?({_DAY})\b\.?",
             needs="-–"), lambda m: f"{DAYS[m[1]]} to {DAYS[m[2]]}", "Mon-Fri"),
    (Pattern(rf"\b({_DAY})\b\.?(?=,? ?(?:the )?(?:\d|{_MONTH}\b))"), lambda m: DAYS[m[1]], "Tue 9 Sept"),
    (Pattern(r"\b(Mon|Tues?|Weds?|Thu|Thurs?|Fri)\."), _weekday, "open Thurs."),
    (Pattern(rf"\b({_DAY})(?= (?:&|and|or) (?:{_DAY}|[A-Z][a-z]+day)\b)"), _weekday, "Sat & Sun"),
    (Pattern(r"\b(Sat|Sun)\.(?=,| and\b| or\b| to\b| [a-z])", needs="S"), _weekday, "off Sat. and Sun."),
    (Pattern(r"(?:(?<=\b[Oo]n )|(?<=\bby )|(?<=\bor )|(?<=\bto )|(?<=\band )|(?<=, )"
                r"|(?<= & )|(?<=\b[Cc]losed )|(?<=\b[Oo]pen )|(?<=\bevery ))"
                r"(Mon|Tues?|Weds?|Thu|Thurs?|Fri|(?:Sat|Sun)(?=\. [A-Z]|\.?(?:[,;:!?)](?! [A-Z]{2})|$|\s*\d"
                r"| (?:at|and|or|to|from|till|until|noon|morning|afternoon|evening|night)\b)))\b\.?(?![\w'])"),
     _weekday, "by Fri"),
    (Pattern(rf"\b((?:on|by|until|till|before|after|since|due|through|or|and|{_DAY}|[A-Z][a-z]+day)\.?,? )"
                r"(\d{1,2})/(\d{1,2})(?![/\d]|-\d)(?! (?:of|cups?|inch|inches|miles?|hours?|off|tsp|tbsp)\b)",
             needs="/"), lambda m: _month_day(m), "Fri 11/29"),
    (Pattern(r"(?<=\bQ[1-4])'(\d\d)\b", needs="Q"), lambda m: f" {_two(m[1])}", "Q4'23"),
    (Pattern(r"\b([bd])\. ?(?=[12]\d{3}\b)", needs="12"),
     lambda m: {"b": "born ", "d": "died "}[m[1]], "b. 1901, d. 1976"),
    (Pattern(rf"\b0?(\d{{1,2}}){_NTH}? ?(?:[\-–~]|to|and) ?0?(\d{{1,2}}){_NTH}? (?:of )?({_MONTH})\b\.?", needs=DIGITS),
     _day_span, "5–8 May"),
    (Pattern(rf"\b({_MONTH})\b\.? 0?(\d{{1,2}}){_NTH}? ?[\-–~] ?0?(\d{{1,2}}){_NTH}?\b(?![:\d])", needs=DIGITS),
     _month_span, "May 5-8"),
    (Pattern(rf"\b0?(\d{{1,2}})[\-/ ]({_MONTH})[\-/']{{1,2}}(\d{{4}}|\d{{2}})\b",
             needs=DIGITS), _short_year, "25-Dec-2024"),
    (Pattern(rf"\b0?(\d{{1,2}}){_NTH}? (?:of )?({_MONTH})\b\.?(?! \d{{1,2}}\b(?!:))",
             needs=DIGITS), _day_first, "3 Mar"),
    (Pattern(r"\b(\d{4})-(\d\d)-(\d\d)[T ](\d\d):([0-5]\d)(?::[0-5]\d)?(?:\.\d{1,9})?(?:Z|[+\-]\d\d:?\d\d)?"
                r"(?![\w:])", needs=":"),
     _instant, "2023-11-05T14:30:00Z"),
    (Pattern(r"\b(\d{1,2})([/.\-])(\d{1,2})\2(\d{4})\b", needs=DIGITS), _month_first, "12/25/2024"),
    (Pattern(r"(?<![\d/.])(\d{1,2})(/)(\d{1,2})/(\d\d)(?![\d/])", needs="/"), _month_first, "3/4/98"),
    (Pattern(r"(?<![\d/])(0[1-9]|1[0-2])/((?:19|20)\d\d)(?![\d/])", needs="/"),
     lambda m: f"{MONTH_NAMES[int(m[1]) - 1]} {year(int(m[2]))}", "01/2024"),
    (Pattern(r"(?<![\d.])(0[1-9]|[12]\d|3[01])\.(0[1-9])\.(?!\d)", needs="0"), _day_month, "01.07."),
    (Pattern(r"(?<![\d/$£€])((?:19|20)\d\d)/(\d\d)(?![\d/])|(?<=\bFY )(\d\d)/(\d\d)(?![\d/])|"
                r"(?<=\bFY)(\d\d)/(\d\d)(?![\d/])", needs="/"),
     _season, "2023/24"),
    (Pattern(r"\bca?\. ?(?=[1-9]\d{2,3}\b)", needs="123456789"), "circa ", "c. 1450"),
    (Pattern(r"(?<!\w)'?00s\b", needs="0"), "two thousands", "the '00s"),
    (Pattern(r"(?<!\w)'10s\b", needs="1"), "twenty tens", "the '10s"),
    (Pattern(r"\b(\d{4})([/.\-])(\d{1,2})\2(\d{1,2})\b", needs=DIGITS),
     lambda m: _dated(int(m[3]), int(m[4]), int(m[1])), "2024-12-25"),
    (Pattern(rf"\b({_MONTH})\b\.? 0?(\d{{1,2}})(?!\d|:|\.\d)(?:{_NTH})?\b", needs=DIGITS),
     lambda m: f"{_month(m[1])} {ordinal(int(m[2]))}" if 0 < int(m[2]) < 32 else None, "Nov 3"),
    (Pattern(rf"\b({any_of([m for m in MONTHS if len(m) < 5 and m not in ('May', 'June', 'July')])})\.(?! ?\d)"),
     lambda m: _month(m[1]) + stop(m), "In Sept. it rains"),
    (Pattern(rf"\b({any_of([m for m in MONTHS if len(m) < 5])})\b\.?(?=,? \d)",
             needs=DIGITS), lambda m: _month(m[1]), "Jan 2024"),
    (Pattern(r"\b([12]\d{3}) ?[\-–~] ?([12]\d{3}|\d\d)\b(?![\-.,]\d|%)", needs="12"), _year_span, "1939–45"),
    (Pattern(r"(?:(?<!\w)')?\b([12]\d{2}0|[2-9]0)'?s ?[\-–] ?'?(\d0)'?s\b", needs="0"),
     lambda m: f"{_decade(m)} to {cardinal(int(m[2]))[:-1]}ies", "1960s-80s"),
    (Pattern(r"(?<![$£€¥₹])(?:(?<!\w)')?\b([12]\d{2}0|[2-9]0)'?s\b", needs="0"), _decade, "the '90s"),
    (Pattern(r"(?<!\w)'(\d\d)\b(?!['s.]\w|')", needs=DIGITS), lambda m: _two(m[1]), "in '09"),
    (Pattern(r"\b(\d{1,4}) ?(BCE?|AD|CE)\b",
             needs=DIGITS), lambda m: f"{integer(int(m[1])) if int(m[1]) > 1000 else m[1]} "
     + " ".join(m[2]), "500 BC"),
)  # fmt: skip

_ASKS_RATIO = r"(?=[ -](?:scale|ratio|odds|majority|mix|mixture|split|aspect|model|draw|victory|win|lead|defeat)\b)"

TIME_RULES: tuple[Rule, ...] = (
    (Pattern(rf"(?<![\w:])({_HOURS}) ?[\-–~] ?(?={_HOURS}(?!\w))", needs="-~–"), lambda m: m[1] + " to ", "9am-5pm"),
    (Pattern(rf"(?<![\w:./$£€\-])(\d{{1,2}}) ?[\-–~] ?(?=\d{{1,2}}(?:[:.][0-5]\d)? ?{_HALF})", needs="-~–"),
     lambda m: m[1] + " to ", "9-10:30am"),
    (Pattern(r"(?<=[a-z]day )(\d{1,2})-(\d{1,2})\b(?![:./\-]?\d)|(?<=[a-z]day, )(\d{1,2})-(\d{1,2})\b(?![:./\-]?\d)",
             needs="y"),
     lambda m: " to ".join(part for part in m.groups() if part), "Monday to Friday 9-5"),
    (Pattern(r"(?i)(?<=\bhours )(\d{1,2})-(\d{1,2})\b|(?<=\bhours: )(\d{1,2})-(\d{1,2})\b|"
                r"(?<=\bopen )(\d{1,2})-(\d{1,2})\b", needs="0123456789:"),
     lambda m: " to ".join(g for g in m.groups() if g), "Office hours: 9-5"),
    (Pattern(r"\bPs\.? (?=\d)", needs="P"), "Psalm ", "Ps 23"),
    (Pattern(rf"\b((?:[123] )?(?:{BOOKS}))\.? (\d{{1,3}}):(\d{{1,3}})(?:[\-–](\d{{1,3}}))?\b", needs=":"),
     _verse, "Psalm 23:4"),
    (Pattern(r"\b(\d{1,3}):([0-5]\d)(?::([0-5]\d))?\.(\d{1,3})\b|\b(\d{1,2}):([0-5]\d):([0-5]\d),(\d{3})\b", needs=":"),
     _stopwatch, "3:59.4"),
    (Pattern(r"\b([01]\d|2[0-3])([0-5]\d) ?[\-–] ?(?=(?:[01]\d|2[0-3])[0-5]\d ?(?:hrs?|hours|h)\b)", needs="-–"),
     lambda m: _military(m).removesuffix(" hours") + " to ", "2200-0600 hrs"),
    (Pattern(r"\b([01]\d|2[0-3])([0-5]\d) ?(?:hrs?|hours|h)\b\.?", needs="012"), _military, "0900 hrs"),
    (Pattern(r"(?:(?<=\blasts )|(?<=\blasted )|(?<=\btakes )|(?<=\btook )|(?<=\bin )|(?<=\btime of )|(?<=\btime: ))"
                r"(\d{1,2}):([0-5]\d):([0-5]\d)(?! ?[AaPp]\.?[Mm])", needs=":"), _lasting, "took 1:45:30"),
    (Pattern(r"\b(?P<hour>\d{1,3}) ?(?:h|hrs?|hours?)\b\.?,? ?(?P<minute>\d{1,2}) ?(?:m|mins?|minutes?)\b\.?"
                r"(?:,? ?(?P<second>\d{1,2}) ?(?:s|secs?|seconds?)\b\.?)?|"
                r"\b(?P<hour_>\d{1,3})h(?P<minute_>\d{1,2}(?=m|min)|[0-5]\d)"
                r"(?:(?:m|min)(?P<second_>\d{1,2})s\b|(?:m|min)\b\.?|(?!\w))", needs=DIGITS),
     _worded, "1h 45m"),
    (Pattern(r"\b(?P<minute>\d{1,3}) ?(?:m(?=\d)|(?:m|mins?|minutes?)\b\.?,?)"
                r" ?(?P<second>\d{1,2}) ?(?:s|secs?|seconds?)\b\.?", needs=DIGITS),
     _worded, "1m30s"),
    (Pattern(rf"\b(\d{{1,2}}):(\d{{1,2}})\b(?!:){_ASKS_RATIO}", needs=":"), _ratio, "a 1:10 scale"),
    (Pattern(r"(?i)(?:(?<=\bratio of )|(?<=\bscale of )|(?<=\bodds of )|(?<=\bwon )|(?<=\blost )|(?<=\bscore )|"
                r"(?<=\bscore: )|(?<=\bbeat them )|(?<=\bscale is )|(?<=\bratio is )|(?<=\bodds are ))"
                r"(\d{1,3}):(\d{1,3})\b", needs=":"),
     _ratio, "won 21:15"),
    (Pattern(r"\b0{1,2}:([0-5]\d)(?= (?:long|clip|video|left|mark|into))", needs="0"),
     lambda m: f"{cardinal(int(m[1]))} seconds", "0:45 long"),
    (Pattern(r"\b(\d{1,2})\.([0-5]\d)() ?([AaPp])(?:\. ?[Mm]\b\.?|[Mm]\b)", needs="012345"), _clock, "7.30pm"),
    (Pattern(r"\b(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?: ?([AaPp])\.? ?[Mm]\b\.?)?(?!:?\d)",
             needs=":"), _clock, "7:05 p.m."),
    (Pattern(r"\b(\d{1,2}) ?([AaPp])(?:\. ?[Mm]\b\.?|[Mm]\b)", needs=DIGITS), _hour, "9 a.m."),
    (Pattern(r"\b([aApP])\.[mM]\b\.?"), lambda m: f"{m[1].upper()} M" + stop(m), "the a.m. shift"),
)  # fmt: skip
