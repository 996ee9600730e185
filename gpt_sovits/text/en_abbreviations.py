"""English abbreviations that are spoken as words, and Roman numerals after a name."""

from __future__ import annotations

import re

from gpt_sovits.text.en_numbers import cardinal, ordinal

_TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Dr": "Doctor", "Prof": "Professor", "St": "Saint", "Gen": "General",
    "Sen": "Senator", "Rep": "Representative", "Gov": "Governor", "Capt": "Captain", "Sgt": "Sergeant",
    "Lt": "Lieutenant", "Col": "Colonel", "Rev": "Reverend", "Hon": "Honorable", "Pres": "President", "Mt": "Mount",
    "Ft": "Fort", "Fr": "Father", "Messrs": "Messieurs",
}  # fmt: skip
_PLACES = {"St": "Street", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive", "Ln": "Lane",
           "Hwy": "Highway", "Sq": "Square", "Pl": "Place", "Ct": "Court"}  # fmt: skip
_WORDS = {
    "Jr": "Junior", "Sr": "Senior", "vs": "versus", "etc": "et cetera", "approx": "approximately", "Ltd": "Limited",
    "dept": "department", "Dept": "Department", "govt": "government", "misc": "miscellaneous", "min": "minimum",
    "max": "maximum", "Esq": "Esquire", "Bros": "Brothers", "tel": "telephone", "Tel": "Telephone", "ext": "extension",
    "Ext": "Extension", "est": "established", "Fig": "Figure", "fig": "figure", "Vol": "Volume", "vol": "volume",
    "ch": "chapter", "Ch": "Chapter", "pp": "pages",
}  # fmt: skip
_MONTHS = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July",
    "Aug": "August", "Sep": "September", "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December",
}  # fmt: skip
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_NUMBERED = (
    "Chapter|Part|Volume|Book|Act|Scene|Section|Phase|Stage|Type|Class|Level|Grade|Episode|Season|War|Mark|Article|"
    "Appendix|Title|Round|Step|Figure|Table|Bowl|Symphony|Sonata|Rocky|Division|Group|Category|Case|Page|No|Unit"
)
_RULERS = (
    "Henry|Louis|Charles|George|Edward|James|William|Richard|Elizabeth|Philip|Pius|Paul|Benedict|Napoleon|Catherine|"
    "Frederick|Nicholas|Peter|Alexander|Leo|Gregory|Innocent|Clement|John|Mary|Francis|Ferdinand|Ramesses|Wilhelm"
)


def roman(text: str) -> int:
    """``XIV`` -> 14; 0 when it is not a well-formed numeral."""
    if not re.fullmatch(r"(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})", text):
        return 0
    values = [_ROMAN[char] for char in text]
    return sum(-v if any(v < later for later in values[i + 1 :]) else v for i, v in enumerate(values))


def _roman_cardinal(match: re.Match[str]) -> str | None:
    value = roman(match[2])
    return f"{match[1]} {cardinal(value)}" if value else None


def _roman_ordinal(match: re.Match[str]) -> str | None:
    value = roman(match[2])
    return f"{match[1]} the {ordinal(value)}" if value else None


def _place(match: re.Match[str]) -> str:
    ends = not match.string[match.end() :].strip() or re.match(r"\s+[A-Z]", match.string[match.end() :])
    return _PLACES[match[1]] + ("." if ends else "")


_ENDING = frozenset(("Jr", "Sr", "etc", "Ltd", "Esq", "Bros", "govt", "dept", "Dept"))


def _word(match: re.Match[str]) -> str:
    rest = match.string[match.end() :]
    ends = not rest.strip() or match[1] in _ENDING and re.match(r"\s+[A-Z]", rest)
    return _WORDS[match[1]] + ("." if ends else "")


def _any(words: dict[str, str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


ABBREVIATION_RULES = (
    (re.compile(r"\bPh\.? ?D\b\.?(?=\s+[a-z]|,)|\bPh\.?D\b"), "P H D"),
    (
        re.compile(r"\b(?:[A-Z]\.){3,}(?=\s+[a-z]|,)|\b(?:[A-Z]\.){2,}[A-Z]\b(?!\.?[A-Za-z])"),
        lambda m: m[0].replace(".", " ").strip(),
    ),
    (re.compile(r"\bp\.\s?(?=\d)"), "page "),
    (
        re.compile(rf"(?<=\d) ({_any(_MONTHS)})\b\.?(?= \d|,|$)|(?<=\d(?:st|nd|rd|th)) ({_any(_MONTHS)})\b\.?"),
        lambda m: f" {_MONTHS[m[1] or m[2]]}",
    ),
    (re.compile(r"\b[eE]\.g\.,?"), "for example"),
    (re.compile(r"\b[iI]\.e\.,?"), "that is"),
    (re.compile(r"\ba\.k\.a\."), "also known as"),
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/(?=\s)"), "with"),
    (re.compile(r"\bN[oO]\.\s?(?=\d)"), "number "),
    (re.compile(rf"(?<=[a-z] )({_any(_PLACES)})\.(?!\s+[A-Z][a-z])"), _place),
    (re.compile(rf"(?<=[A-Z][a-z]{{2}} )({_any(_PLACES)})\.(?=\s+[a-z]|[,;])"), _place),
    (re.compile(r"\b(Mr|Mrs)\."), lambda m: _TITLES[m[1]]),
    (re.compile(rf"\b({_any(_TITLES)})\.(?=\s*[A-Z]|\s*$)"), lambda m: _TITLES[m[1]]),
    (re.compile(rf"\b({_any(_MONTHS)})\.?(?=\s\d)"), lambda m: _MONTHS[m[1]]),
    (re.compile(rf"\b({_any(_WORDS)})\."), _word),
    (re.compile(rf"\b({_NUMBERED}) ([IVXLC]+)\b(?!')"), _roman_cardinal),
    (re.compile(rf"\b((?i:{_NUMBERED})) ([IVX]{{2,5}})\b(?!')"), _roman_cardinal),
    (re.compile(rf"\b({_RULERS}) ([IVX]{{1,5}})\b(?!')(?! (?:am|was|have|will|do|did|think|know)\b)"), _roman_ordinal),
)
