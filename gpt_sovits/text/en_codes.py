"""English codes: telephone numbers, serial numbers, plates, roads and flights, hashes, versions, counts like 10k."""

from __future__ import annotations

import re

from gpt_sovits.text.en_numbers import cardinal, decimal, digits, year
from gpt_sovits.text.en_tables import DIGITS, NUMBERED_PLACE, Pattern, Rule

_ROADS = (
    "Boeing|Airbus|Highway|Hwy|Route|Rte|Interstate|Freeway|Autobahn|Bus|Flight|Channel|Area|Studio|Terminal|Fahrenheit|"
    "Model|Peugeot|Porsche|Ferrari|Error|error|HTTP|status|Status|Apartment|apartment|Apt|Suite|suite|Catch|the"
)
_CODED = (
    "code|pin|PIN|extension|ext|zip|zip code|postcode|password|account|account number|serial|serial number|passport|"
    "tracking number|order number|reference|reference number|invoice|invoice number|ID|id|id number|number is|code is|"
    "ending in|ends in|code:|pin is|PIN is|PIN:|password is|ID is|call|dial|ring|text|phone|port|fax|number|line|"
    "key is|key"
)


_PLURAL = r"(?!is\b|was\b|has\b|as\b|its\b|this\b|plus\b|always\b|across\b|versus\b|gives\b|means\b)[a-z]{2,}s\b"


def _groups(match: re.Match[str]) -> str:
    """Digits one by one, a breath between the groups."""
    plus = "plus " if match.group().lstrip().startswith("+") else ""
    return plus + ", ".join(digits(group) for group in re.findall(r"\d+", match.group()))


def hundreds(text: str) -> str:
    """Three digits as names say them: 747 seven forty-seven, 101 one oh one, 300 three hundred."""
    rest = int(text[1:])
    if rest == 0:
        return f"{cardinal(int(text[0]))} hundred"
    return f"{cardinal(int(text[0]))} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def _road(match: re.Match[str]) -> str:
    letter = " " if match.string[match.end() : match.end() + 1].isalpha() else ""
    return f"{match[1]} {hundreds(match[2])}{letter}"


def _named_road(match: re.Match[str]) -> str | None:
    """``the 405`` is a road where it goes somewhere; after the other names any number is one."""
    if match[1] == "the":
        goes = re.match(
            r" (?:to|freeway|north|south|east|west|is)\b|[,.]", match.string[match.end() : match.end() + 40]
        )
        if not goes or match[2][1] != "0":
            return None
    return _road(match)


def _letters_digits(text: str) -> str:
    parts = re.findall(r"[A-Za-z]|\d", text)
    return " ".join(digits(part) if part.isdigit() else part for part in parts)


def _hash(match: re.Match[str]) -> str | None:
    """72a3277: letters and digits mixed, too many changes for a word or an amount."""
    text = match.group()
    changes = sum(a.isdigit() != b.isdigit() for a, b in zip(text, text[1:], strict=False))
    if changes < 3 and not (len(text) > 11 and changes):
        return None
    return _letters_digits(text)


def _plate(match: re.Match[str]) -> str:
    tail = match[2]
    spoken = (
        cardinal(int(tail)) if len(tail) < 3 and tail[0] != "0" else hundreds(tail) if len(tail) == 3 else digits(tail)
    )
    if len(tail) == 3 and tail[0] == "0":
        spoken = digits(tail)
    return f"{match[1]} {spoken}"


def _flight(match: re.Match[str]) -> str:
    value = int(match[2])
    spoken = year(value) if value % 100 else f"{digits(match[2])}"
    return f"{match[1]} {spoken}"


def _dotted(text: str) -> str:
    return " dot ".join(digits(part) if "." in text else cardinal(int(part)) for part in text.split("."))


def _version(match: re.Match[str]) -> str:
    parts = match[0].lstrip("v").split(".")
    if len(parts) == 4:
        words = _dotted(match[0].lstrip("v"))
    else:
        words = " point ".join(cardinal(int(part)) if part[0] != "0" else digits(part) for part in parts)
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    return (
        (" " if before.isalpha() else "")
        + ("v " if match[0][0] == "v" else "")
        + words
        + (" " if after.isalpha() else "")
    )


_SCALE = {"k": "thousand", "K": "thousand", "M": "million", "B": "billion", "bn": "billion", "T": "trillion"}


def _scaled(match: re.Match[str]) -> str | None:
    """10k steps, 3.2M views: one thousand, million, billion."""
    amount, scale = match[1], match[2]
    if scale != "k" and NUMBERED_PLACE.search(match.string[max(0, match.start() - 14) : match.start()]):
        return None
    if (
        scale == "K"
        and amount in ("2", "4", "5", "8")
        and not re.match(r" (?:people|steps|users)", match.string[match.end() : match.end() + 40])
    ):
        return None
    if scale == "K" and re.match(
        r" (?:TV|tv|video|resolution|display|monitor|screen|run|race|PB|row|trail|pace|champion)",
        match.string[match.end() : match.end() + 40],
    ):
        return None
    if scale in ("B", "T") and not re.match(
        r"\+?(?: [a-z]|-param|$|[.,])", match.string[match.end() : match.end() + 40]
    ):
        return None
    return f"{decimal(amount) if '.' in amount else cardinal(int(amount))} {_SCALE[scale]}"


def _european(match: re.Match[str]) -> str:
    """1.000,50: the full stop groups thousands, the comma is the point."""
    return f"{cardinal(int(match[1].replace('.', '')))} point {digits(match[2])}"


def _long(match: re.Match[str]) -> str | None:
    text = match.group()
    return None if text.endswith("000") and len(text) < 22 else digits(text)


PHONE_RULES: tuple[Rule, ...] = (
    (Pattern(r"(?<![\w.])\+\d{1,3}[ \-.]?\(?\d{1,4}\)?(?:[ \-.]?\d{2,4}){1,4}\b(?!\.\d)", needs="+"),
     _groups, "+44 20 7946 0958"),
    (Pattern(r"(?<![\w.])\(0?\d{2,4}\) ?\d{3,4}[ \-]?\d{3,4}\b", needs="("), _groups, "(020) 7946 0018"),
    (Pattern(r"(?<![\w.\-])\d{3}[\-.]\d{3}[\-.]\d{4}\b|(?<![\w.\-])1[345678]\d[\- ]\d{4}[\- ]\d{4}\b", needs=DIGITS),
     _groups, "138-0013-8000"),
    (Pattern(r"(?<![\w.\-])\d{3}-\d{4}(?![\d\-])|(?<![\w.\-])\d+(?:-\d+){3,}(?![\w\-])",
             needs=DIGITS), _groups, "555-0134"),
    (Pattern(r"(?<![\w.\-])0\d{1,4}[ \-]\d{3,4}[ \-]\d{3,4}\b|(?<![\w.\-])0\d{3,4} \d{6,7}\b", needs="0"),
     _groups, "0800 123 4567"),
    (Pattern(r"\b[\da-fA-F]{8}(?:-[\da-fA-F]{4}){2,3}(?:-[\da-fA-F]{12})?\b|\b[\dA-Fa-f]{2}(?::[\dA-Fa-f]{2}){5}\b",
             needs="-:"),
     lambda m: ", ".join(_letters_digits(part) for part in re.split("[-:]", m[0])), "550e8400-e29b-41d4"),
    (Pattern(r"(?<![\w.\-])\d{4} \d{4} \d{4} \d{4}\b", needs=DIGITS), _groups, "4111 1111 1111 1111"),
    (Pattern(r"(?:(?<=[Cc]all )|(?<=[Rr]ing )|(?<=[Tt]ext )|(?<=[Pp]hone )|(?<=[Ff]ax )|(?<=[Dd]ial ))"
                r"\d{2,5}(?:[ \-]\d{2,5}){1,4}\b", needs=DIGITS), _groups, "Ring 01632 960 123"),
)  # fmt: skip

_STATES = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
)
# The reference frontend reads the number of a room in full.
ROOM: Rule = (Pattern(rf"\b([Rr]oom) ([1-9]\d\d)(?=[A-Z]?\b)(?! {_PLURAL})", needs="123456789"), _road, "Room 305")
CODE_RULES: tuple[Rule, ...] = (
    (Pattern(r"#(?=[A-Z]{1,3}-?\d)", needs="#"), "number ", "invoice #A-2093"),
    (Pattern(rf"(?<=, )({_STATES}) (\d{{5}})(-\d{{4}})?\b", needs=DIGITS),
     lambda m: f"{m[1]} {digits(m[2])}{', ' + digits(m[3][1:]) if m[3] else ''}", "Salem, OR 97301"),
    (Pattern(r"\b(ISO|IEC|IEEE|ECMA|ANSI|DIN|RFC)([ \-])([1-9]\d)([1-9]\d)\b(?!\.\d)", needs=DIGITS),
     lambda m: f"{m[1]}{m[2]}{cardinal(int(m[3]))} {cardinal(int(m[4]))}", "ISO-8859-1"),
    (Pattern(r"\b([A-Z]{1,4})-(\d{3,6})-(\d{1,6}[A-Z]?)\b(?![\-.]\w)", needs="-"),
     lambda m: f"{m[1]} {digits(m[2])}, {_letters_digits(m[3])}", "XK-4471-09B"),
    (Pattern(r"(?<=\d\.\d)(\d{0,2}):(\d{2,5})(?![\d:])", needs=":"),
     lambda m: f"{m[1]} port {digits(m[2])}", "10.0.0.1:80"),
    (Pattern(r"\b(?=[a-f\d]{7,64}\b)(?=[a-f]*\d)(?=\d*[a-f])[a-f\d]+\b", needs=DIGITS), _hash, "72a3277cd7abc"),
    (Pattern(rf"\b({_ROADS}) ([1-9]\d\d)\b"
                rf"(?![.,]?\d|[\w%]| (?:{_PLURAL}|(?:people|men|women|million|thousand|of)\b))", needs="123456789"),
     _named_road, "Boeing 747"),
    ROOM,
    (Pattern(rf"\b911\b(?! {_PLURAL}| people\b)", needs="9"), "nine one one", "911!"),
    (Pattern(r"(?<=\bnine one one or )(\d{3})\b", needs=DIGITS), lambda m: digits(m[1]), "911 or 112"),
    (Pattern(r"(?:(?<=[Tt]el )|(?<=[Tt]el: )|(?<=telephone ))\d{3,}\b",
             needs=DIGITS), lambda m: digits(m[0]), "tel: 4417"),
    (Pattern(r"\bI-([1-9]\d\d)\b", needs="I"), lambda m: f"I {hundreds(m[1])}", "I-405"),
    (Pattern(r"\bI-(\d\d)\b", needs="I"), lambda m: f"I {cardinal(int(m[1]))}", "I-95"),
    (Pattern(rf"(?i)(?:#\s?|\b(?:{_CODED}) )(?=\d{{3,}}\b)(\d+)\b(?!\.\d|,\d| (?:{_PLURAL}|people\b|or more\b))",
             needs=DIGITS),
     lambda m: _coded(m), "order #4451"),
    (Pattern(r"(?<=[A-Za-z]{2})-\d{5,}(?!\d)|(?<=[A-Z])-?\d{5,}(?!\d)|(?<=\b[A-Z] )\d{5,}(?!\d)", needs=DIGITS),
     lambda m: f" {digits(m[0])} ", "京A12345"),
    (Pattern(r"\b([A-Z]{2})([1-9]\d(?:0[1-9]|[1-9]\d|\d0))\b(?![.,]\d)", needs="123456789"), _flight, "CZ3101"),
    (Pattern(r"(?:(?<=\b[A-Z]{2} )|(?<=\b[A-Z]{3} )(?<!ISO )(?<!IEC )(?<!DIN ))"
                r"[1-9]\d(?:0[1-9]|[1-9]\d)(?!\d|[.,]\d)", needs="123456789"),
     lambda m: year(int(m[0])), "BA 2491"),
    (Pattern(r"\b([A-Z]{1,3})-?(\d{3})(?=[A-Z]?\b)(?![.,]\d)", needs=DIGITS), _plate, "A380"),
    (Pattern(r"\b([ixh])(?=[3456]86\b|26[3-6]\b)(\d{3})\b", needs=DIGITS), _plate, "i386"),
    (Pattern(r"\b(\d{1,3}(?:\.\d{3})+),(\d{1,2})\b(?!,)", needs=DIGITS), _european, "1.000,50"),
    (Pattern(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})/(\d{1,3}(?:\.\d{1,3}){3}|\d{1,2})\b", needs="/"),
     lambda m: " slash ".join(_dotted(part) for part in m.groups()), "10.0.0.0/8"),
    (Pattern(r"(?<=\d)-(rc|alpha|beta|dev|pre|post)\.?(?=\d)", needs="-"),
     lambda m: f" {'R C' if m[1] == 'rc' else m[1]} ", "1.0-rc.3"),
    (Pattern(r"(?<![\d.])(?<!\d-)v?\d+(?:\.\d+){2,}(?!\d)", needs=DIGITS), _version, "2.10.3"),
    (Pattern(r"\b([A-Z])((?:\.\d{1,2}){1,4})\b(?!\.\d)", needs=DIGITS),
     lambda m: m[1] + "".join(f" point {cardinal(int(part))}" for part in m[2].split(".")[1:]), "section C.2"),
    (Pattern(r"(?<=\b[vV])(\d+)\.(\d+)\b",
             needs=DIGITS), lambda m: f" {cardinal(int(m[1]))} point {cardinal(int(m[2]))}", "v2.0"),
    (Pattern(r"(?<![\w.,$£€¥\-])(\d+(?:\.\d+)?)(k|K|M|B|bn|T)\b(?![/'.]\w|-[a-z]{2})",
             needs=DIGITS), _scaled, "3.2M views"),
    (Pattern(r"(?<![\d.,])\d{10,}(?![\d.,]\d|\d)", needs=DIGITS), _long, "a key of 37 digits"),
)  # fmt: skip


def _coded(match: re.Match[str]) -> str | None:
    head = match.group()[: match.start(1) - match.start()]
    value = match[1]
    if head.startswith("#"):
        return f"number {digits(value)}" if len(value) > 3 else None
    if len(value) == 4 and re.match(r"(?i)(?:extension|number|line)", head) and re.search(r"\bis $", head):
        return None
    if re.match(r"(?i)(?:text|number|line|ring|key|code|port|account|reference|phone) $", head) and len(value) < 4:
        return None if not re.match(r"(?i)(?:ring|phone|text)", head) else head + digits(value)
    return head + digits(value)
