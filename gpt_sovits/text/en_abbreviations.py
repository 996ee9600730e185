"""English abbreviations that are spoken as words, initials, titles with and without a full stop, Roman numerals."""

from __future__ import annotations

import re

from gpt_sovits.text.en_numbers import cardinal, ordinal, year
from gpt_sovits.text.en_tables import DIGITS, Pattern, Rule, any_of, ends_sentence, stop

_TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Dr": "Doctor", "Drs": "Doctors", "Prof": "Professor", "St": "Saint",
    "Ste": "Sainte", "Gen": "General", "Sen": "Senator", "Rep": "Representative", "Gov": "Governor", "Capt": "Captain",
    "Cpt": "Captain", "Sgt": "Sergeant", "Lt": "Lieutenant", "Col": "Colonel", "Maj": "Major", "Cmdr": "Commander",
    "Adm": "Admiral", "Cpl": "Corporal", "Pvt": "Private", "Rev": "Reverend", "Hon": "Honorable", "Pres": "President",
    "Supt": "Superintendent", "Insp": "Inspector", "Det": "Detective", "Mt": "Mount", "Ft": "Fort", "Fr": "Father",
    "Messrs": "Messieurs", "Sr": "Senior", "Msgr": "Monsignor", "Amb": "Ambassador", "Sec": "Secretary",
    "Br": "Brother", "Mme": "Madame", "Mlle": "Mademoiselle", "Mmes": "Mesdames", "Ald": "Alderman",
}  # fmt: skip
# Sure without a full stop too, before a name.
_BARE = ("Mr", "Mrs", "Dr", "Drs", "Prof", "St", "Capt", "Cpt", "Sgt", "Lt", "Col", "Cmdr", "Adm", "Cpl", "Pvt", "Rev",
         "Sen", "Gov", "Mt", "Ft", "Msgr", "Gen", "Mme", "Mlle")  # fmt: skip
_PLACES = {
    "St": "Street", "Ave": "Avenue", "Av": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive", "Ln": "Lane",
    "Hwy": "Highway", "Sq": "Square", "Pl": "Place", "Ct": "Court", "Pkwy": "Parkway", "Ter": "Terrace", "Cres":
    "Crescent", "Expy": "Expressway",
}  # fmt: skip
_WINDS = {"N": "North", "S": "South", "E": "East", "W": "West"}
_WORDS = {
    "Jr": "Junior", "Sr": "Senior", "vs": "versus", "etc": "et cetera", "approx": "approximately", "Ltd": "Limited",
    "dept": "department", "Dept": "Department", "govt": "government", "Govt": "Government", "misc": "miscellaneous",
    "min": "minimum", "Min": "minimum", "max": "maximum", "Max": "maximum", "Esq": "Esquire", "Bros": "Brothers",
    "tel": "telephone", "Tel": "Telephone", "ext": "extension", "Ext": "Extension", "est": "established",
    "Est": "established", "Fig": "Figure", "fig": "figure", "Figs": "Figures", "figs": "figures", "Vol": "Volume",
    "vol": "volume", "Vols": "Volumes", "vols": "volumes", "ch": "chapter", "Ch": "Chapter", "chap": "chapter",
    "Chap": "Chapter", "pp": "pages", "sec": "section", "Sec": "Section", "secs": "sections", "par": "paragraph",
    "Par": "Paragraph", "para": "paragraph", "art": "article", "Art": "Article", "Eq": "Equation", "eq": "equation",
    "Tab": "Table", "ed": "edition", "Ed": "Edition", "eds": "editors", "Co": "Company",
    "Corp": "Corporation", "Assn": "Association", "Intl": "International", "intl": "international",
    "Univ": "University", "Inst": "Institute", "incl": "including", "excl": "excluding", "asst": "assistant",
    "Asst": "Assistant", "hrs": "hours", "mins": "minutes", "cf": "compare", "Cf": "Compare", "viz": "namely",
    "ca": "circa", "al": "al", "resp": "respectively", "attn": "attention", "Attn": "Attention", "no": "number",
    "nos": "numbers", "Nos": "Numbers", "Pt": "Part", "pt": "part", "lbs": "pounds", "wk": "week", "yr": "year",
    "yrs": "years", "temp": "temperature", "avg": "average", "Avg": "Average", "qty": "quantity", "Qty": "Quantity",
    "acct": "account", "mfg": "manufacturing", "esp": "especially", "ref": "reference", "Ref": "Reference",
    "tbsp": "tablespoon", "tsp": "teaspoon", "Mfr": "Manufacturer", "Dist": "District", "Bldg": "Building",
    "bldg": "building", "Apt": "Apartment", "apt": "apartment", "Ste": "Suite", "Rte": "Route", "agg": "aggregate",
}  # fmt: skip
_WORDS |= {word.capitalize(): said.capitalize() for word, said in _WORDS.items() if word.islower() and word != "al"}
SHORTENED = frozenset((*_TITLES, *_PLACES, *_WORDS))  # what a full stop behind does not end a sentence with
# Words of their own as well: an abbreviation only before a number.
_NUMBERED_ONLY = frozenset(
    "sec Sec secs Secs par Par para Para art Art Tab ed Ed no No nos Nos Pt pt Apt apt Ste Temp ca Ca Ref Est al "
    "Resp".split()
)
_HASTY = {"pls": "please", "plz": "please", "thx": "thanks", "tnx": "thanks", "ctrl": "control"}
_ENDING = frozenset("Jr Sr etc Ltd Esq Bros govt Govt dept Dept Co Inc Corp al hrs mins Assn yrs".split())
_SHORT = {
    "gov't": "government", "Gov't": "Government", "int'l": "international", "Int'l": "International", "nat'l":
    "national", "dep't": "department", "ass'n": "association", "w/o": "without", "b/c": "because", "a.k.a.":
    "also known as", "aka": "also known as", "N.B.": "note well", "n.b.": "note well", "P.S.": "P S", "th'": "the",
    "o'": "of", "TL;DR": "T L D R", "tl;dr": "T L D R", "'n'": "n", "q.v.": "which see",
}  # fmt: skip
_SHORT |= {
    short[0].upper() + short[1:]: said[0].upper() + said[1:] for short, said in _SHORT.items() if "'" in short[1:]
}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_NUMBERED = (
    "Chapter|Part|Volume|Book|Act|Scene|Section|Phase|Stage|Type|Class|Level|Grade|Episode|Season|War|Mark|Article|"
    "Appendix|Title|Round|Step|Figure|Table|Bowl|Symphony|Sonata|Rocky|Division|Group|Category|Case|Page|No|Unit|Lesson|"
    "Fantasy|Quest|Star Wars|Saw|Rambo|Wars|Canto|Psalm|Olympiad|Schedule|Tier|Factor|Apollo|Saturn|Photoshop|Mk"
)
_RULERS = (
    "Henry|Louis|Charles|George|Edward|James|William|Richard|Elizabeth|Philip|Pius|Paul|Benedict|Napoleon|Catherine|"
    "Frederick|Nicholas|Peter|Alexander|Leo|Gregory|Innocent|Clement|John|Mary|Francis|Ferdinand|Wilhelm|Ludwig|Karl|"
    "Carl|Gustav|Christian|Haakon|Harald|Olaf|Olav|Sixtus|Urban|Julius|Boniface|Celestine|Eugene|Callixtus|Martin|Adrian|"
    "Thutmose|Amenhotep|Rames+es|Ramses|Seti|Ptolemy|Cleopatra|Pepi|Mentuhotep|Darius|Xerxes|Artaxerxes|Cyrus|Mehmed|"
    "Murad|Selim|Suleiman|Otto|Leopold|Joseph|Maximilian|Rudolf|Albert|Alfonso|Alphonse|Juan|Carlos|Felipe|Pedro|Manuel|"
    "Sancho|Isabella|Margaret|Margrethe|Beatrix|Wilhelmina|Victoria|Anne|Robert|David|Malcolm|Stephen|Casimir|Sigismund|"
    "Ivan|Boris|Constantine|Justinian|Theodosius|Basil|Michael|Alexios|Antiochus|Seleucus|Attalus|Mithridates|Tiberius|"
    "Umberto|Emmanuel|Amadeus|Hassan|Mohammed|Abdullah|Hussein|Rama|Kamehameha|Sobhuza|Letsie|Moshoeshoe|Vajiralongkorn"
)
_REIGNS = r"(?:King|Queen|Emperor|Empress|Pope|Tsar|Czar|Kaiser|Prince|Princess|Sultan|Pharaoh|Duke|Count|Shah|Caliph)"
_VERBS = r" (?:am|was|have|will|do|did|think|know|had|would|could|can|love|want|see|saw|said|met|like)\b"


def roman(text: str) -> int:
    """``XIV`` -> 14; 0 when it is not a well-formed numeral."""
    if not re.fullmatch(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})", text):
        return 0
    values = [_ROMAN[char] for char in text]
    return sum(-v if any(v < later for later in values[i + 1 :]) else v for i, v in enumerate(values))


def _roman_cardinal(match: re.Match[str]) -> str | None:
    value = roman(match[2])
    return f"{match[1]} {cardinal(value)}" if value and match[2] not in ("C", "L") else None  # Appendix C


def _roman_ordinal(match: re.Match[str]) -> str | None:
    value = roman(match[2])
    pronoun = match[2] == "I" and re.match(_VERBS, match.string[match.end() : match.end() + 40])
    if not value or pronoun or match[2] == "X" and match[1] == "Malcolm":
        return None
    return f"{match[1]} the {ordinal(value)}"


def _roman_before(match: re.Match[str]) -> str | None:
    value = roman(match[1])
    return f"{ordinal(value)} {match[2]}" if value else None


def _roman_pair(match: re.Match[str]) -> str | None:
    """World War I and II."""
    first, last = roman(match[2]), roman(match[4])
    return f"{match[1]} {cardinal(first)}{match[3]}{cardinal(last)}" if first and last else None


def _place(match: re.Match[str]) -> str:
    written = match.group().endswith(".")
    ends = not match.string[match.end() : match.end() + 40].strip() or re.match(
        r"\s+(?![NS]?[EW]?\b)[A-Z]", match.string[match.end() : match.end() + 40]
    )
    return _PLACES[match[1]] + ("." if written and ends else "")


def _bare_place(match: re.Match[str]) -> str | None:
    """``Elm St`` in an address needs no full stop to be a street."""
    before = re.search(r"([A-Z][a-z'\-]+) $", match.string[max(0, match.start() - 30) : match.start()])
    return _PLACES[match[1]] + stop(match) if before else None


def _word(match: re.Match[str]) -> str | None:
    rest = match.string[match.end() : match.end() + 40]
    if match[1] in _NUMBERED_ONLY and not re.match(r"\s?[\dIVX§A-Z]", rest):
        return None
    ends = not rest.strip(" \"')") or match[1] in _ENDING and ends_sentence(match.string, match.end())
    return _WORDS[match[1]] + ("." if ends else "")


def _spaced_initials(match: re.Match[str]) -> str:
    letters = " ".join(char for char in match.group() if char.isalpha())
    if match.group().endswith(" "):
        return letters + (". " if ends_sentence(match.string, match.end() - 1) else " ")
    named = re.match(r" ?[A-Z][a-z]+", match.string[match.end() : match.end() + 40])
    follows = match.string[match.end() : match.end() + 1]
    if named and not ends_sentence(match.string, match.end()):
        return letters + ("" if follows == " " else " ")
    return letters + (stop(match) if match.group().endswith(".") else "")


_LONE = frozenset(
    ("Vitamin", "Plan", "Type", "Option", "Section", "Part", "Group", "Grade", "Class", "Point", "Appendix")
)


def _middle(match: re.Match[str]) -> str | None:
    """A middle initial has no stop; ``Plan B. It works`` ends a sentence."""
    letter = match[1] or match[2] or match[3]
    before = match.string[max(0, match.start() - 40) : match.start()].split()
    if before and (before[-1].strip("\"'(") in _LONE or before[-1][:1].islower()) or letter == "I" and before:
        return None
    return None if ends_sentence(match.string, match.end()) and match[3] is None else letter


def _degree(match: re.Match[str]) -> str:
    first, second = [part for part in match.groups() if part]
    spoken = second if second in ("Phil", "Tech", "Com", "Ed", "Eng") else " ".join(second.upper())
    return f"{' '.join(first)} {spoken}" + stop(match)


def _roman_page(match: re.Match[str]) -> str | None:
    first, last = roman(match[3].upper()), roman((match[4] or "").upper())
    if not first or match[4] and not last:
        return None
    return f"{match[1]}age{'s' if match[2] else ''} {cardinal(first)}" + (f" to {cardinal(last)}" if last else "")


# What the reference frontend reads otherwise: ``U. S.`` with stops, ``Inc.`` as it is written.
INCORPORATED: Rule = (Pattern(r"\bInc\.", needs="I"), lambda m: "Incorporated" + stop(m), "Acme Inc.")
INITIALS: Rule = (
    Pattern(r"\b(?:[A-Za-z]\.){2,9}[A-Za-z]\b(?!\.)|\b(?:[A-Z]\. ?){2,6}(?=[A-Z][a-z])|\b(?:[A-Za-z]\.){2,9}"),
    _spaced_initials,
    "the U.S. team",
)
HASTY: Rule = (Pattern(rf"(?i)\b({any_of(_HASTY)})\b(?!['.]\w)"), lambda m: _HASTY[m[1].lower()], "pls reply")
ABBREVIATION_RULES: tuple[Rule, ...] = (
    (Pattern(r"\bPh\.? ?D\b\.?(?=\s+[a-z]|,)|\bPh\.? ?D\b", needs="P"), "P H D", "a Ph.D. agrees"),
    (Pattern(r"\b([BM])\.? ?(Sc|Ed|Phil|Eng|Tech|Com)\.(?=[\s,;)]|$)|\b(LL)\.? ?([BM])\.(?=[\s,;)]|$)|"
                r"\b([BM])(Sc)\b"), lambda m: _degree(m), "a B.Sc. degree"),
    (Pattern(r"\b[Pp]\.\s?(?=\d)", needs=DIGITS), "page ", "p. 9"),
    (Pattern(r"\b([Pp])(p?)\. ?([ivxl]+)(?: ?[\-–] ?([ivxl]+))?\b"), lambda m: _roman_page(m), "p. iv"),
    (Pattern(r"(?<![\w-])([ivxl]{2,6})-([ivxl]{2,6})(?![\w-])", needs="-"),
     lambda m: f"{cardinal(roman(m[1].upper()))} to {cardinal(roman(m[2].upper()))}"
     if roman(m[1].upper()) and roman(m[2].upper()) else None, "xvi-xviii"),
    (Pattern(r"\bM[MCDXLVI]{3,9}\b", needs="M"), lambda m: year(roman(m[0])) if roman(m[0]) > 1000 else None, "MMXXIV"),
    (Pattern(r"\bN([oO])s?\.(?= of\b)", needs="N"), "Number", "No. of guests"),
    (Pattern(rf"(?<![\w'])({any_of(_SHORT)})(?![\w'])"), lambda m: _SHORT[m[1]], "gov't"),
    (Pattern(r"\b[eE]\.g\.,?"), "for example", "e.g., figs"),
    (Pattern(r"\b[iI]\.e\.,?"), "that is", "i.e. sweet"),
    (Pattern(r"\bvs\b(?!\.)"), "versus", "red vs blue"),
    HASTY,
    (Pattern(r"\b[Vv]it\. ?(?=[A-Z]\d{0,2}\b)|\b[Vv]it (?=[A-EK]\d{0,2}\b)", needs="Vv"), "vitamin ", "Vit. B12"),
    (Pattern(r"\b([Qq])ty(?=: ?\d| \d)"), lambda m: m[1] + "uantity", "Qty: 3"),
    (Pattern(r"\bplat\.? (?=\d)"), "platform ", "plat. 9"),
    (Pattern(r"\blg\. (?=[a-z])"), "large ", "3 lg. eggs"),
    (Pattern(r"\bll\. ?(?=\d)"), "lines ", "ll. 1-4"),
    (Pattern(r"\bWm\. (?=[A-Z])", needs="W"), "William ", "Wm. Smith"),
    (Pattern(r"\bDr\. (?=(?:&|and) M)", needs="D"), "Doctor ", "Dr. & Mrs. Lee"),
    (Pattern(r"\bApt (?=#?\d)", needs="A"), "Apartment ", "Apt 4C"),
    (Pattern(r"(?<=\d) ?pts\b(?! of\b)", needs="p"), " points", "420 pts"),
    (Pattern(r"\bw/(?=\s)", needs="/"), "with", "w/ milk"),
    (Pattern(r"(?<=\()([Ee])d(s?)\.(?=\))", needs="("), lambda m: f"{m[1]}ditor{m[2]}", "(eds.)"),
    (Pattern(r"\b[Oo]p\. ?[Cc]it\."), "op cit", "Op. Cit., p. 7"),
    (Pattern(r"\bN[oO]\.\s?(?=\d)|№ ?(?=\d)|\bno\. ?(?=\d)", needs="0123456789N№"), "number ", "No. 7"),
    (Pattern(rf"(?<=[a-z] )({any_of(_PLACES)})\.(?!\s+[A-Z][a-z])"), _place, "Main St."),
    (Pattern(rf"(?<=[A-Z][a-z]{{2}} )({any_of(_PLACES)})\.(?=\s+[a-z]|[,;])"), _place, "Elm St., then"),
    (Pattern(rf"(?<=[a-z] )({any_of(_PLACES)})\b"
                r"(?=[,;.]|$| (?:and|near|then|in|at|to|is|was|by|or|on|for|with)\b)\.?"),
     _bare_place, "Elm St, then"),
    (Pattern(rf"\b([NSEW])\.? (?=(?:[A-Z][a-z]+ |\d{{1,3}}(?:st|nd|rd|th) ){{1,2}}(?:{any_of(_PLACES)}|Street|"
                r"Road|Avenue|Boulevard|Drive|Lane)\b)"), lambda m: _WINDS[m[1]] + " ", "N. Main St."),
    (Pattern(r"\b(Mr|Mrs)\.|\b(MR|MRS|DR)\.(?= [A-Z])",
             needs="DM"), lambda m: _TITLES[(m[1] or m[2]).capitalize()], "Mr. Fox"),

    (Pattern(rf"\b({any_of(_TITLES)})\.(?=\s*(?:[A-Z]|and\b)|\s*$)"), lambda m: _TITLES[m[1]], "Prof. Lee"),
    (Pattern(rf"\b({any_of(_BARE)})(?= (?:[A-Z][a-z]|[A-Z]\.|Mc|O'))(?!\w)"), lambda m: _TITLES[m[1]], "Dr Lee"),
    (Pattern(r"\bJr\b(?!\.)", needs="J"), "Junior", "King Jr spoke"),
    (Pattern(r"\bWW([12])\b", needs="W"), lambda m: f"World War {cardinal(int(m[1]))}", "WW2"),
    (Pattern(rf"\b({any_of(_WORDS)})\."), _word, "Acme Ltd."),
    INCORPORATED,
    INITIALS,
    (Pattern(r"(?<=\b[A-Z][a-z] )([A-Z])\.(?= [A-Z][a-z])|(?<=[a-z]{2} )([A-Z])\.(?= [A-Z][a-z])|"
                r"^([A-Z])\.(?= [A-Z][a-z])"), _middle, "James T. Kirk"),
    (Pattern(r"\b((?:World )?War) ([IVX]{1,4})( and | or |, )([IVX]{1,4})\b",
             needs="W"), _roman_pair, "World War I and II"),
    (Pattern(rf"\b({_NUMBERED}) ([IVXLC]+)\b(?!['’](?!s\b))"), _roman_cardinal, "Chapter IV"),
    (Pattern(r"\b(Act|Scene|Chapter|Part|Book|Volume|Section|Appendix|Canto) ([ivxl]{2,7})\b(?!['’])"),
     lambda m: f"{m[1]} {cardinal(value)}" if (value := roman(m[2].upper())) else None, "Scene ii"),
    (Pattern(rf"\b((?i:{_NUMBERED})) ([IVX]{{2,5}})\b(?!['’](?!s\b))", needs="IVX"), _roman_cardinal, "chapter IV"),
    (Pattern(rf"\b({_REIGNS} [A-Z][a-z]+) ([IVX]{{1,6}})\b(?!['’](?!s\b))", needs="IVX"),
     _roman_ordinal, "King Harald III"),
    (Pattern(rf"\b({_RULERS}) ([IVX]{{1,6}})\b(?!['’](?!s\b))", needs="IVX"), _roman_ordinal, "Seti II"),
    (Pattern(r"\b([IVX]{2,5}) (century|centuries|dynasty|Olympiad|Corps|Congress)\b",
             needs="IVX"), _roman_before, "XVI century"),
    (Pattern(r"(?<=[a-z] )([IVX]{2,5})\b(?!['’](?!s\b))(?=[ .,;:!?)]|$)", needs="IVX"),
     lambda m: cardinal(roman(m[1])) if roman(m[1]) and m[1] not in ("XX",) else None, "Final Fantasy VII"),
)  # fmt: skip
