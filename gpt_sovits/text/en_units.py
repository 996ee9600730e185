"""English quantities: units, ranges between anything countable, fractions, powers, roots, sizes, comparisons."""

from __future__ import annotations

import re

from gpt_sovits.text.en_numbers import cardinal, ordinal, plural
from gpt_sovits.text.en_tables import (
    DIGITS,
    GLUED_ONLY,
    NUMBERED_PLACE,
    PER,
    PLURALS,
    UNITS,
    Pattern,
    Rule,
    any_of,
    ends_sentence,
    stop,
)

_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
_SPACED = any_of([unit for unit in UNITS if unit not in GLUED_ONLY and unit.isalpha()])
_ANY = any_of(UNITS)


def _plural(name: str) -> str:
    head, space, rest = name.partition(" ")
    if name in PLURALS:
        return PLURALS[name]
    if head in ("square", "cubic", "fluid", "P", "R", "C"):
        return f"{head} {_plural(rest)}"
    if rest == "hour":
        return name + "s"
    return PLURALS.get(head, head + "s") + space + rest


def _describes(match: re.Match[str]) -> bool:
    """A unit before a noun (a 16GB stick, a 5-km run) stays singular."""
    return bool(
        re.search(
            r"\b[Aa]n? (?:[a-z]+ )?$|\b[Aa]n? [\d.]+ to $", match.string[max(0, match.start() - 30) : match.start()]
        )
        and re.match(r"[ -][a-z]{3,}", match.string[match.end() : match.end() + 40])
        and not re.match(r" (?:and|or|per|for|from|with|away|ago|each|above|below|over|under|more|less)\b",
                         match.string[match.end() : match.end() + 40])
    )  # fmt: skip


_DOTTED = frozenset("lb lbs oz ft in mi hr hrs min mins sec secs tsp tbsp yd yds gal yr yrs mos wks deg kt kts".split())
# A letter alone behind a space is a unit unless it names a part (Section 5 A) or counts millions of something.
_LETTERS = frozenset("m g h l L W V".split())
_LABEL = re.compile(
    r"\b(?:[Ss]ections?|[Cc]hapters?|[Pp]arts?|[Rr]ooms?|[Aa]p(?:artmen)?t|[Gg]roups?|[Tt]ypes?|[Ss]eats?|[Rr]ows?|"
    r"[Ll]evels?|[Gg]rades?|[Ss]izes?|[Gg]ates?|[Uu]nits?|[Nn]o\.?|[Tt]he|[Ee]xhibits?|[Qq]uestions?|[Ff]ig\w*\.?) $"
)
_MILLIONS = re.compile(
    r" (?:people|users|messages|requests|rows|events|downloads|calls|tokens|records|views|"
    r"followers|customers|years|inhabitants|copies|subscribers|dollars|in \w+s\b)"
)


def _unit(match: re.Match[str]) -> str | None:
    amount, unit = match[1], match[2]
    after = match.string[match.end() : match.end() + 40]
    if unit == "x":
        return None if re.match(r" ?[+\-−*/=^²³]", after) else f"{amount} times"
    if unit == "m" and after[:4] != " in " and _MILLIONS.match(after):
        return f"{amount} million"
    name = UNITS[unit]
    part = re.search(r"(?<!\d )\b\d/$", match.string[max(0, match.start() - 5) : match.start()])
    one = amount in ("1", "-1") or bool(part) or _describes(match)
    dot = ""
    if match.group().endswith(".") and not unit.endswith("."):
        dot = "." if unit not in _DOTTED or ends_sentence(match.string, match.end()) else ""
    elif unit.endswith("."):
        dot = stop(match)
    return f"{amount} {name if one else _plural(name)}{dot}"


def _spaced_unit(match: re.Match[str]) -> str | None:
    """A unit that is a letter or a word (5 in, 30 s) needs a sign that it is one."""
    if match.group()[len(match[1])] == " " and match[2] in GLUED_ONLY:
        seconds = match[2] == "s" and re.match(r"\s*(?:$|[.,;:!?)])|\s\w", match.string[match.end() : match.end() + 40])
        inches = match[2] == "in" and (
            match.group().endswith(".") or not match.string[match.end() : match.end() + 40].strip(" .,")
        )
        before, after = (
            match.string[max(0, match.start() - 20) : match.start()],
            match.string[match.end() : match.end() + 40],
        )
        single = match[2] in _LETTERS and not _LABEL.search(before) and not _MILLIONS.match(after)
        area = match[2] == "ha" and not re.match(r"[ \-]ha\b", after)
        if not (seconds or inches or area or match[2] == "min" or single and not re.match(r" ?[A-Z.]\w?\b", after)):
            return None
    return _unit(match)


def _hyphened(match: re.Match[str]) -> str:
    return f"{match[1]} {UNITS[match[2]]}{stop(match)}"


def _compound(match: re.Match[str]) -> str | None:
    """5 mg/day, kg/m³: any unit per any other."""
    top, bottom = UNITS[match[2]], UNITS.get(match[3]) or PER.get(match[3])
    if not bottom:
        return None
    return f"{match[1] + ' ' if match[1] else ''}{top if match[1] == '1' else _plural(top)} per {bottom}"


def _same_unit(match: re.Match[str]) -> str:
    """20°C–25°C, 5%-10%: the unit is said once."""
    return f"{match[1]} to {match[3]}"


def _range(match: re.Match[str]) -> str | None:
    low, high = match[1], match[2]
    after = match.string[match.end() : match.end() + 40]
    before = match.string[max(0, match.start() - 24) : match.start()]
    counted = re.match(
        rf"\s?%|[\s\-]+(?:[a-z]+s|people|percent|to|or|of|day|week|month|year|hour|minute|mile|man|foot|point)\b|"
        rf"\s?(?:{_ANY})(?!\w)",
        after,
    )
    chained = re.search(r"\d ?(?:[\-~]|to) ?\d+(?:,| and|, and| or|, or| &) $", before)
    asked = re.search(
        r"\b(?:pp?|pages?|ages?|aged|chapters?|from|between|lines?|ll|years?|sizes?|rows?|seats?|items?|verses?|grades?|levels?|"
        r"nos|vols?|volumes?|steps?|questions?|rooms?|weeks?|days?|numbers?|figures?|tables?|sections?|versions?|about|around|roughly|"
        r"approximately|every|another|pp|mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?|weekdays|"
        r"daily|hours)[ .:,]+$",
        before,
        re.I,
    )
    if re.search(r"\b[Oo]dds\b[^.]{0,40}$", match.string[max(0, match.start() - 46) : match.start()]):
        return f"{low} to {high}"
    if re.search(r"\b(?:[Vv]ote|passed|margin)\b[^.]{0,20}$", before):
        return f"{low} to {high}"
    if re.search(r"\b(?:won|lost|beat|score[ds]?|drew|led|finished|win|loss|victory|tied)\b[^.]{0,20}$", before, re.I):
        return f"{low} to {high}" if float(low) > 9 and float(high) > 9 else None
    tilde = "~" in match.group()
    shortened = bool(asked) and len(high) < len(low) and low.isdigit() and int(low[-len(high) :]) < int(high or "0")
    growing = float(low) < float(high) or shortened
    if shortened and re.search(r"\b(?:pp?|pages?)[ .]+$", before, re.I):
        high = low[: -len(high)] + high
    ends = (
        re.match(r"[.,;:!?)]|$", after)
        and re.search(r"\b(?!Boeing|Airbus)[A-Za-z]?[a-z]+ $", before)
        and (low, high) != ("7", "11")
    )
    return f"{low} to {high}" if growing and (counted or asked or chained or ends) or tilde else None


def _temperature(match: re.Match[str]) -> str | None:
    if "°" not in match.group() and NUMBERED_PLACE.search(match.string[max(0, match.start() - 12) : match.start()]):
        return None
    sign = "negative " if match[1] else ""
    return f"{sign}{match[2]} degree{'' if match[2] == '1' else 's'} {'celsius' if match[3] == 'C' else 'fahrenheit'}"


def _pressure(match: re.Match[str]) -> str:
    high = int(match[1])
    words = f"{cardinal(high // 100)} {_tens(high % 100)}" if high >= 100 else cardinal(high)
    return f"{words} over {cardinal(int(match[2]))}"


def _tens(rest: int) -> str:
    return "hundred" if rest == 0 else f"oh {cardinal(rest)}" if rest < 10 else cardinal(rest)


_WINDS = {"N": "north", "S": "south", "E": "east", "W": "west"}


def _feet(match: re.Match[str]) -> str:
    return f"{cardinal(int(match[1]))} foot {cardinal(int(match[2]))}"


def _foot(match: re.Match[str]) -> str | None:
    """3' is three feet unless a quotation in single marks may end there ('Route 66')."""
    before = match.string[max(0, match.start() - 200) : match.start()]
    if re.search(r"(?<![\w.!?])'\S", before):
        return None
    adjective = re.match(r"[ -][a-z]", match.string[match.end() : match.end() + 2])
    return f"{match[1]} {'foot' if match[1] == '1' or adjective else 'feet'}"


def _inches(match: re.Match[str]) -> str | None:
    """55" is a length where no quotation is open."""
    before = match.string[: match.start()]
    if len(re.findall(r"(?<!\d)\"", before)) % 2 or re.search(r"(?<!\w)\"\S[^\"]{0,80}$", before):
        return None
    after = match.string[match.end() : match.end() + 8]
    adjective = re.match(r" (?!(?:and|or|but|is|was|in|by|from|for|to|at|on|of|with)\b)[a-z]", after)
    return f"{match[1]} {'inch' if match[1] == '1' or adjective else 'inches'}"


def _part(top: int, bottom: int) -> str:
    if bottom == 2:
        name = "half" if top == 1 else "halves"
    else:
        name = ordinal(bottom) + ("" if top == 1 else "s")
    return f"{cardinal(top)} {name}"


def _fraction(match: re.Match[str]) -> str | None:
    top, bottom = int(match[2]), int(match[3])
    before, after = (
        match.string[max(0, match.start() - 12) : match.start()],
        match.string[match.end() : match.end() + 40],
    )
    if bottom == 0:
        return None
    if re.search(r"\b[Oo]dds\b[^.]{0,40}$", match.string[max(0, match.start() - 46) : match.start()]):
        return f"{cardinal(top)} to {cardinal(bottom)}"
    meter = re.match(r"[ -](?:time|beat|meter|rule|split|vision)\b", after)
    if top == bottom or meter or (top, bottom) in ((24, 7), (9, 11), (20, 20), (50, 50)):
        return f"{cardinal(top)} {cardinal(bottom)}"
    if bottom in (5, 10, 100) and re.search(r"\b(?:[Rr]at(?:ed|ing)|[Ss]cored?|gave it|is a|and)[: ]+$", before):
        return f"{cardinal(top)} out of {cardinal(bottom)}"
    whole = f"{cardinal(int(match[1]))} and " if match[1] else ""
    return whole + _part(top, bottom)


def _score(match: re.Match[str]) -> str:
    return f"{match[1]} out of {match[2]}"


_VULGAR = {"½": "one half", "¼": "one quarter", "¾": "three quarters", "⅓": "one third", "⅔": "two thirds",
           "⅛": "one eighth", "⅜": "three eighths", "⅝": "five eighths", "⅞": "seven eighths", "⅕": "one fifth",
           "⅖": "two fifths", "⅗": "three fifths", "⅘": "four fifths", "⅙": "one sixth"}  # fmt: skip
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ", "0123456789-n", strict=True))


def _power(text: str) -> str:
    if text in ("2", "3"):
        return " squared" if text == "2" else " cubed"
    if text.lstrip("-").isdigit():
        value = int(text)
        return f" to the {'minus ' if value < 0 else ''}{cardinal(abs(value)) if value < 0 else ordinal(value)}"
    return f" to the {text}"


def _raised(match: re.Match[str]) -> str:
    return _power("".join(_RAISED[char] for char in match[1]))


def _by(match: re.Match[str]) -> str:
    product = re.match(r" ?=", match.string[match.end() : match.end() + 40]) or re.match(
        r" ?[x×] ?\d", match.string[match.end() : match.end() + 40]
    )
    if re.match(r"10(?: to the | squared| cubed|\^|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])", match.string[match.end() : match.end() + 40]):
        return " times "
    equals = bool(re.match(r"[\d ×x]{0,12}[=≈≠≤≥]", match.string[match.end() : match.end() + 40]))
    return " times " if product and equals or equals else " by "


RANGE_RULES: tuple[Rule, ...] = (
    (Pattern(rf"(?<![\w.])({_NUMBER} ?(?:{_ANY}|'|\")) ?[x×✕] ?(?={_NUMBER} ?(?:{_ANY}|'|\"))", needs=DIGITS),
     lambda m: f"{m[1]} by ", "3m x 4m"),
    (Pattern(rf"(?<![\w.])({_NUMBER}) ?(%|{_ANY}) ?[\-–~] ?({_NUMBER}) ?(?=\2(?!\w))",
             needs=DIGITS), _same_unit, "20°C–25°C"),
    (Pattern(r"(?<![\d.\-/])(\d{1,4}(?:\.\d+)?) ?[\-~] ?(\d{1,4}(?:\.\d+)?)(?![\d\-/]|\.\d)", needs=DIGITS),
     _range, "5-10 apples"),
)  # fmt: skip

UNIT_RULES: tuple[Rule, ...] = (
    (Pattern(rf"(?<=[a-z]{{3}}s)(?: / |/)({any_of(name for name in PER if len(name) > 1)})\b(?![/\w\-])", needs="/"),
     lambda m: f" per {PER[m[1]]}", "requests/day"),
    (Pattern(r"\bRm\.? (?=\d)", needs="R"), "Room ", "Rm 204"),
    (Pattern(r"\bI-(\d\d) ([NSEW])\b(?!\.\w)", needs="I"),
     lambda m: f"I {cardinal(int(m[1]))} {_WINDS[m[2]]}", "I-90 W"),
    (Pattern(r"\b([Ee]xit|[Gg]ate|[Ss]eat|[Pp]latform|[Aa]partment|[Rr]oom(?= \d\d?[A-Z])) (\d{1,3})([A-HW])\b",
             needs=DIGITS),
     lambda m: f"{m[1]} {cardinal(int(m[2]))} {m[3]}", "exit 12A"),
    (Pattern(r"\b([4-7])ft(\d{1,2})\b", needs="f"), lambda m: _feet(m).replace("foot", "feet"), "6ft2"),
    (Pattern(r"\bmc(?:2|²|\^2)(?![\w.]\d)", needs="2²"), "mc squared", "E=mc2"),
    (Pattern(r"\b([A-Z]{1,3}-)(\d{1,3})s\b", needs=DIGITS), lambda m: m[1] + plural(cardinal(int(m[2]))), "two B-52s"),
    (Pattern(r"\b([Oo]ver-|[Uu]nder-)(\d{1,3})s\b", needs=DIGITS),
     lambda m: m[1] + plural(cardinal(int(m[2]))), "under-5s"),
    (Pattern(r"(?:(?<=\bper )|(?<=\ban )|(?<=\b[Aa] )|(?<=\bEach ))"
             r"(oz|lb|kg|km|cm|mm|m[Ll]|[GMT]B|kWh|(?<=per )[gLl])\b(?!['-]|\.\w)\.?"),
     lambda m: UNITS[m[1]] + (stop(m) if m[1] in _DOTTED else "." * m.group().endswith(".")), "30p an oz"),
    (Pattern(r"(?<![\d/])(\d{1,2}/\d{1,2})\"(?!\w)", needs="\""),
     lambda m: f"{m[1]} inch" if m.string.count('"', 0, m.start()) % 2 == 0 else None, "a 3/8\" bolt"),
    (Pattern(r"\b(\d{2,3}) ?/ ?(\d{2,3}) ?mm ?Hg\b", needs="/"), _pressure, "120/80 mmHg"),
    (Pattern(r"(?:(?<=\bBP )|(?<=\bBP: )|(?<=\bBP is )|(?<=\bBP was )|(?<=\bpressure )|(?<=\bpressure is )|"
                r"(?<=\bpressure was )|(?<=\bpressure of ))(\d{2,3})/(\d{2,3})\b",
             needs="/"), _pressure, "BP is 118/76"),
    (Pattern(r"(?<![\w.])(-?)(\d{1,3}(?:\.\d)?) ?° ?([CF])\b", needs="°"), _temperature, "21 °C"),
    (Pattern(r"(?<![\w.\-])(-?)(\d{2,3}|(?<=-)\d)([CF])\b(?!['#+])", needs=DIGITS), _temperature, "72F"),
    (Pattern(r"\b(\d{1,2})' ?(\d{1,2})(?:\"|'')|\b(\d)(?: ?ft\.? ?| feet )(\d{1,2})(?: ?in\b\.?| inches)?(?=[ .,]|$)",
             needs=DIGITS),
     lambda m: _feet(m) if m[1] else f"{cardinal(int(m[3]))} {'foot' if m[3] == '1' else 'feet'} {cardinal(int(m[4]))}"
     + ((" inch" if m[4] == "1" else " inches") if "in" in m.group() else ""), "6'2\""),
    (Pattern(r"(?<!['\"\w])(\d{1,3})'(?=\s+(?:tall|high|long|wide|deep|by|x)\b)", needs=DIGITS),
     lambda m: f"{cardinal(int(m[1]))} foot", "8' tall"),
    (Pattern(r"(?<![\"\w])(\d{1,3}(?:\.\d)?)\""
                r"(?=[ -](?:screen|monitor|tv|display|pipe|wheel|wide|long|tall|nail|by)\b)",
                re.I, needs="\""), lambda m: f"{m[1]} inch", "a 27\" screen"),
    (Pattern(r"(?<![\w.'\"])(\d{1,3})'(?![\w'])", needs=DIGITS), _foot, "3' board"),
    (Pattern(r"(?<![\w.'\"])(\d{1,3}(?:\.\d)?)\"(?!\w)", needs="\""), _inches, "the TV is 55\""),
    (Pattern(r"\b(\d{1,3}) ?bps\b", needs="b"),
     lambda m: f"{m[1]} basis point{'' if m[1] == '1' else 's'}", "25bps"),
    (Pattern(rf"(?<![\w.])({_NUMBER})-({_SPACED}|min|mi|m|in|W|V|g|s|h|L|l|ha)(?:\.|(?=[ -][a-z]|,))", needs=DIGITS),
     _hyphened, "a 5-lb bag"),
    (Pattern(rf"(?:(?<![\w.])({_NUMBER}) ?|(?<![\w/.$£€]))({_ANY})\.?/({any_of(dict.fromkeys([*UNITS, *PER]))})"
                r"(?![\w/²³])", needs="/"), _compound, "mg/day"),
    (Pattern(rf"(?<![\w.])({_NUMBER}) ?({_ANY})(?![\w²³]|/(?!\d)|'\w|\.\d)\.?", needs=DIGITS), _spaced_unit, "5 lbs."),
    (Pattern(r"(?<![\w/])(mph|km/h|kph|ppm|kWh|m/s|psi|rpm|fps|mpg|mmHg|GHz|MHz|kHz)(?![\w/])"),
     lambda m: _plural(UNITS[m[1]]), "in mph"),
)  # fmt: skip


FRACTION_RULES: tuple[Rule, ...] = (
    (Pattern(r"(?<![\d./])(\d{1,3}\.\d{1,4})/(\d{1,3}(?:\.\d{1,4})?)(?![\d/]|\.\d)", needs="/"),
     lambda m: f"{m[1]} {'out of' if float(m[1]) <= float(m[2]) <= 10 else 'over'} {m[2]}", "3.85/4.0"),
    (Pattern(rf"(?<=\d) ?([{''.join(_VULGAR)}])",
             needs="¼½¾⅓⅔⅕⅖⅗⅘⅙⅛⅜⅝⅞"), lambda m: f" and {_VULGAR[m[1]].replace('one', 'a')}", "2½"),
    (Pattern(rf"[{''.join(_VULGAR)}]", needs="¼½¾⅓⅔⅕⅖⅗⅘⅙⅛⅜⅝⅞"), lambda m: f" {_VULGAR[m[0]]} ", "½"),
    (Pattern(r"\b(\d{1,3}\.\d)/(10|5|100)\b", needs="/"), _score, "9.5/10"),
    (Pattern(r"(?<![\d/.\-])(\d{1,3})-([1-9])/([2-9]|16)(?![\d/])(?=[ -]?[a-z\"]|[.,;]|$)", needs="/"),
     lambda m: f"{m[1]} and {_part(int(m[2]), int(m[3]))}" if int(m[2]) < int(m[3]) else None, "10-3/4 ounces"),
    (Pattern(r"\b()(\d{1,3})/(\d{1,4})(?:st|nd|rd|th)s?\b", needs="/"),
     lambda m: _part(int(m[2]), int(m[3]) or 1), "7/8ths"),
    (Pattern(r"\b(Python|Windows|Vue|Angular|Qt|PHP|Perl|HTTP|[Vv]ersions?|[Ll]evels?|[Pp]hases?|[Gg]rades?|[Tt]ypes?) "
             r"(\d{1,2})/(\d{1,2})\b(?!/)", needs="/"), lambda m: f"{m[1]} {m[2]} or {m[3]}", "Python 2/3"),
    (Pattern(r"\b(?:(\d{1,3}) )?(\d{1,3})/(\d{1,3})\b(?!/)", needs="/"), _fraction, "2 1/2"),
    (Pattern(r"\b(\d{0,2}(?:1\d|[02-9]))st\b", needs=DIGITS), lambda m: f"{m[1]} stone", "12st"),
    (Pattern(r"\b(\d+)(?:st|nd|rd|th)\b", needs=DIGITS), lambda m: ordinal(int(m[1])), "33rd"),
    (Pattern(rf"(?<=\d)([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]{{1,9}}) ({_ANY})(?![\w²³/])", needs="⁰¹²³⁴⁵⁶⁷⁸⁹"),
     lambda m: None if m[2] in ("in", "x") else f"{_raised(m)} {_plural(UNITS[m[2]])}", "6×10²⁴ kg"),
    (Pattern(r"(?<=[\w)])([⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ]{1,9})"), _raised, "10⁶"),
    (Pattern(r"\b(\d+(?:\.\d+)?)[eE]([+\-]?)(\d+)\b", needs=DIGITS),
     lambda m: f"{m[1]} times ten to the {'minus ' if m[2] == '-' else ''}{int(m[3])}", "1.5e3"),
    (Pattern(r"\^\(?(-?\d{1,9}|[A-Za-z])\)?", needs="^"), lambda m: _power(m[1]) + " ", "x^2"),
    (Pattern(r"(?<=\d) ?[x×✕] ?(?=\d)", needs=DIGITS), _by, "4 x 6"),
    (Pattern(r"\b(\d{1,3})X\b(?!-)", needs="X"), lambda m: f"{m[1]} times", "10X more"),
)  # fmt: skip
