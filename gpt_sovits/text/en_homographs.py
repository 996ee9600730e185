"""English words that are spelled alike and read apart: the record / to record, a lead pipe / to lead.

Rules over the neighbouring words (verb or not, a few words with cues of their own) say what they think; a linear model
that was fitted to labelled sentences weighs that with the words themselves and decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from gpt_sovits.text.data import table
from gpt_sovits.text.en_homograph_model import choose, features, verbal


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_DETERMINERS = _set(
    "a an the this these those my your his her its our their no some any each every another either neither whose "
    "several many few most more much such what which one two three four five six seven eight nine ten first second "
    "third last next other own all both same new old good bad great big small little long short high low full whole "
    "strange recent final main total annual"
)
_ARTICLES = _set("a an the this these those my your his her its our their every each another some any no")
_TO_VERB = _set(
    "to will would can could may might must shall should do does did don't doesn't didn't won't wouldn't can't cannot "
    "couldn't shouldn't mustn't let's let please i you we they i'll you'll we'll they'll he'll she'll it'll i'd you'd "
    "we'd they'd he'd she'd who help helps helped not never always often sometimes usually rarely seldom hardly"
)
_THIRD_PERSON = _set("he she it who that which everyone everybody someone nobody")
_BE = _set(
    "is are was were be been being am isn't aren't wasn't weren't it's that's i'm you're we're they're he's she's"
)
_HAVE = _set(
    "have has had having haven't hasn't hadn't i've you've we've they've been get got gets was were is are be being"
)
_PREPOSITIONS = _set(
    "of in on at for with by from into onto about against during without within under over through between among as "
    "like per via after before since toward towards upon"
)
_OBJECT_STARTS = _ARTICLES | _set("me him them us it you that all up out in off down over away back to themselves")
_ADVERBS = _set("just also then now even still soon really only again quickly carefully first actually already")
_CONJUNCTIONS = _set("and or but")


def _is_verb(words: Sequence[str], at: int) -> bool:
    """Whether ``words[at]`` (lower case; ``""`` marks a pause) acts as a verb."""
    before = words[at - 1] if at else ""
    earlier = words[at - 2] if at > 1 else ""
    after = words[at + 1] if at + 1 < len(words) else ""
    if before in _ADVERBS and earlier:
        before, earlier = earlier, words[at - 3] if at > 2 else ""
    if before == "that":
        return after in _OBJECT_STARTS and earlier not in ("to", "of", "in", "for")
    if before in _TO_VERB:
        return not (before in ("help",) and after in _PREPOSITIONS)
    if before in _DETERMINERS or before.endswith("'s") and before not in ("it's", "that's", "let's"):
        return False
    if before in _BE or before in _PREPOSITIONS:
        return False
    if before in _THIRD_PERSON:
        return True
    if not before:
        return after in _OBJECT_STARTS
    if before in _CONJUNCTIONS:
        return after in _ARTICLES or after in ("it", "them", "him", "us", "me")
    if earlier in _ARTICLES and not before.endswith("s"):
        return False
    if before.endswith("s") and not before.endswith("ss") or before in ("people", "children", "men", "women"):
        return after in _OBJECT_STARTS or after in _PREPOSITIONS or after == ""
    return after in _ARTICLES


_PAST_CUES = _set("yesterday ago last already once before earlier")


def _read_is_past(words: Sequence[str], at: int) -> bool:
    clause_start = max((i for i in range(at) if words[i] == ""), default=-1) + 1
    clause_end = next((i for i in range(at, len(words)) if words[i] == ""), len(words))
    before = words[at - 1] if at else ""
    clause = words[clause_start:clause_end]
    if before in _HAVE or any(word in _HAVE for word in words[max(clause_start, at - 2) : at]):
        return True
    if before in _TO_VERB and before not in ("i", "you", "we", "they", "who", "never", "always", "often"):
        return False
    if before in _DETERMINERS:
        return False
    if before in ("he", "she", "it") or any(word in _PAST_CUES for word in clause):
        return True
    return False


# word -> (reading when one of the cues holds, words before, words after, else-reading)
_CUED: dict[str, tuple[str, frozenset[str], frozenset[str], str]] = {
    "lead": (
        "L EH1 D",
        _set("of molten heavy contains containing pure toxic red white"),
        _set("mine mines pipe pipes paint pencil pencils poisoning acid bullet bullets weight weights shield glass ore "
             "roof free balloon coffin battery batteries apron shot levels content exposure and-tin"),
        "L IY1 D",
    ),
    "bass": (
        "B AE1 S",
        _set("caught catch catches striped largemouth smallmouth fresh grilled sea fried black"),
        _set("fish fishing fishery boat swim swims"),
        "B EY1 S",
    ),
    "minute": (
        "M AY0 N UW1 T",
        _set("very so extremely most"),
        _set("details detail amounts amount particles particle quantities quantity differences difference traces trace "
             "changes change organisms variations fraction fragments"),
        "M IH1 N AH0 T",
    ),
    "bow": (
        "B AW1",
        _set("deep low ship's"),
        _set("to before down out of his her their your politely deeply low and-scrape"),
        "B OW1",
    ),
    "dove": ("D OW1 V", _set("he she they we i"), _set("into in off under headfirst down"), "D AH1 V"),
    "sow": ("S AW1", _set("pregnant fat old"), _set("bug and-piglets"), "S OW1"),
    "wicked": ("W IH1 K AH0 D", frozenset(), frozenset(), "W IH1 K AH0 D"),
    "tears": ("T EH1 R Z", _set("he she it"), _set("down apart up off through"), "T IH1 R Z"),
    "live": (
        "L AY1 V",
        _set("a go goes going went broadcast streamed streaming watch watching performed see"),
        _set("music show shows concert concerts broadcast broadcasts stream streams streaming tv television audience "
             "performance performances event events wire wires coverage report album recording animals ammunition "
             "on-air chat video update updates bait band bands"),
        "L IH1 V",
    ),
    "lives": ("L IH1 V Z", _set("he she it who that"), _set("in at with on alone near"), "L AY1 V Z"),
}  # fmt: skip
_FIRST_HOMOGRAPHS = frozenset((*_CUED, "wind", "winds", "wound", "tear", "invalid", "polish", "read", "used", "excuse"))


def _wound_is_past(words: Sequence[str], at: int) -> bool:
    before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
    turned = after in _set("around up down tightly through back its round")
    return turned and before not in _ARTICLES or before in ("he", "she", "they", "we", "i", "it", "and") and turned


def _invalid_is_person(words: Sequence[str], at: int) -> bool:
    before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
    follows = after in _BE or after in ("", "who", "and", "in", "had", "has", "could", "with", "lay", "sat")
    return before in ("an", "the", "his", "her", "their", "old", "poor") and follows


def _special(word: str, words: Sequence[str], at: int, capital: bool) -> str:
    if word == "read":
        return "R EH1 D" if capital or _read_is_past(words, at) else "R IY1 D"
    if word == "excuse":
        fixed = at + 1 < len(words) and words[at + 1] == "me" and (at == 0 or words[at - 1] == "")
        return "IH0 K S K Y UW1 S" if fixed or not _is_verb(words, at) else "IH0 K S K Y UW1 Z"
    if word == "used":
        to = at + 1 < len(words) and words[at + 1] == "to"
        before = words[at - 1] if at else ""
        return "Y UW1 S T" if to and before not in ("be", "is", "are", "was", "were", "being") else "Y UW1 Z D"
    if word in ("wind", "winds"):
        verb = _is_verb(words, at)
        return ("W AY1 N D" if verb else "W IH1 N D") + (" Z" if word.endswith("s") else "")
    if word == "wound":
        return "W AW1 N D" if _wound_is_past(words, at) else "W UW1 N D"
    if word == "tear":
        gap = at + 1 < len(words) and words[at + 1] in ("in", "down", "up", "apart", "off", "gas-proof")
        return "T EH1 R" if _is_verb(words, at) or gap else "T IH1 R"
    if word == "invalid":
        return "IH1 N V AH0 L AH0 D" if _invalid_is_person(words, at) else "IH0 N V AE1 L AH0 D"
    if word == "polish":
        return "P OW1 L IH0 SH" if capital else "P AA1 L IH0 SH"
    reading, before_cues, after_cues, otherwise = _CUED[word]
    before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
    return reading if before in before_cues or after in after_cues else otherwise


# What settles a reading whatever the model makes of the rest: words before it (p), after it (n) or near it (b).
_FIXED: dict[str, tuple[tuple[str, frozenset[str], str], ...]] = {
    "lead": (
        ("p", _set("to will would can could should must may might let's take took taking"), "L IY1 D"),
        (
            "n",
            _set("the us me him them singer singers vocals vocalist actor actress role guitar guitarist to character"),
            "L IY1 D",
        ),
        ("p", _set("pencil molten"), "L EH1 D"),
        ("n", _set("pipe pipes paint poisoning acid shot bullet bullets mine mines miner miners crystal"), "L EH1 D"),
        ("b", _set("paint pipes zinc copper mercury metal metals toxic poison poisonous poisoning arsenic tin pencil "
                   "cadmium ore solder batteries"), "L EH1 D"),
    ),
    "leads": (("p", _set("pencil"), "L EH1 D Z"),),
    "bow": (
        ("n", _set("tie ties string"), "B OW1"),
        ("p", _set("to not did take took"), "B AW1"),
        ("b", _set("arrow arrows ribbon ribbons hair violin cello string strings tied archer archery knot quiver"),
         "B OW1"),
        ("b", _set("ship ship's boat stern queen king audience curtain took deep politely deck anchor applause"),
         "B AW1"),
        ("n", _set("to down before out"), "B AW1"),
    ),
    "bass": (
        ("n", _set("guitar guitars player players drum drums line lines clef notes guitarist"), "B EY1 S"),
        ("b", _set("caught catch catching fish fishing lake river pond trout boat largemouth hook"), "B AE1 S"),
    ),
    "tear": (
        ("n", _set("gas ducts duct drop drops"), "T IH1 R"),
        ("b", _set("cheek cheeks eye eyes cry cried crying shed sheds weep wept sad rolled face wiped"), "T IH1 R"),
        ("b", _set("coat paper page jeans hole muscle ligament fabric apart wear shirt cloth dress sail skin"),
         "T EH1 R"),
    ),
    "tears": (("b", _set("cheek cheeks eyes cry cried crying joy shed wept burst sweat laughter"), "T IH1 R Z"),),
    "live": (
        ("p", _set("let to we you they i will would can could must people who"), "L IH1 V"),
        ("n", _set("with without alone together here there near in"), "L IH1 V"),
        ("n", _set("music show shows concert concerts broadcast stream streams streaming tv television audience"),
         "L AY1 V"),
    ),
    "read": (
        ("p", frozenset("<"), "R IY1 D"),
        ("p", _set("to will would can can't could should must may might let's please don't didn't did does do"),
         "R IY1 D"),
        ("p", _set("have has had having haven't hasn't hadn't i've you've we've they've he's been was were he she"),
         "R EH1 D"),
    ),
    "minute": (
        ("p", _set("very so extremely"), "M AY0 N UW1 T"),
        ("n", _set("amount amounts detail details particles particle traces quantities quantity differences changes "
                   "crack cracks hole holes scratch dose doses speck specks"),
         "M AY0 N UW1 T"),
    ),
    "desert": (
        ("n", _set("us me him them her you"), "D IH0 Z ER1 T"),
    ),
    "dove": (("n", _set("into headfirst headlong"), "D OW1 V"),),
    "does": (("p", _set("two three four several stags bucks"), "D OW1 Z"),),
    "lives": (
        ("p", _set("two three four five many our their your his her my lost save saves saved saving human daily "
                   "private other people's countless whose several past these those"), "L AY1 V Z"),
    ),
    "object": (("p", _set("i we you they to"), "AH0 B JH EH1 K T"),),
    "content": (("p", _set("was were am quite feel felt very not perfectly"), "K AH0 N T EH1 N T"),),
    "contract": (("p", _set("muscles metals to pupils not can will"), "K AH0 N T R AE1 K T"),),
    "aged": (("n", _set("man woman men women parents mother father people relatives"), "EY1 JH AH0 D"),),
    "number": (("p", _set("grew much even feel felt"), "N AH1 M ER0"),),
    "close": (
        ("p", _set("to will please would can't don't not"), "K L OW1 Z"),
        ("n", _set("the your my it his her this"), "K L OW1 Z"),
        ("n", _set("to by enough friend friends together behind"), "K L OW1 S"),
    ),
    "use": (
        ("p", _set("the no any of its their in this"), "Y UW1 S"),
        ("p", _set("to you we they i please will"), "Y UW1 Z"),
    ),
    "wound": (
        ("n", _set("up down around through back its"), "W AW1 N D"),
        ("p", _set("a his her my this"), "W UW1 N D"),
    ),
    "reading": (
        ("n", _set("railway borough festival station university gaol fc"), "R EH1 D IH0 NG"),
        ("p", _set("berkshire"), "R EH1 D IH0 NG"),
    ),
    "polish": (("n", _set("the your it this my these our"), "P AA1 L IH0 SH"),),
    "row": (("n", _set("of the in across boat"), "R OW1"),),
    "sow": (
        ("n", _set("the seeds seed discord doubt in wheat"), "S OW1"),
        ("b", _set("piglets pig pigs boar litter farrowed sty"), "S AW1"),
    ),
}  # fmt: skip


def _fixed(words: Sequence[str], at: int) -> str | None:
    """The reading that the first of the table's cues for this word gives."""
    before = words[at - 1] if at else "<"
    after = words[at + 1] if at + 1 < len(words) else ""
    for place, cues, reading in _FIXED[words[at]]:
        near = words[max(0, at - 7) : at + 8] if place == "b" else (before if place == "p" else after,)
        if any(word in cues for word in near):
            return reading
    return None


_NEGATED = _set("don't doesn't didn't won't can't cannot couldn't wouldn't shouldn't mustn't")
_AUXILIARY = _set("do does did will would can could shall should may might must")
_REFLEXIVE = _set("myself yourself ourselves yourselves")  # the object itself is a noun


def _surely_verb(words: Sequence[str], at: int) -> bool:
    """did not object, don't desert, subject yourself."""
    before, earlier = words[at - 1] if at else "", words[at - 2] if at > 1 else ""
    after = words[at + 1] if at + 1 < len(words) else ""
    return before in _NEGATED or before == "not" and earlier in _AUXILIARY or after in _REFLEXIVE


@cache
def _pairs() -> dict[str, tuple[str, str, str]]:
    return {word: (pos, first, second) for word, (pos, first, second) in table("en_homographs").items()}


# Kinds of neighbours that the model looks at.
CLASSES = {
    "d": _DETERMINERS, "t": _TO_VERB, "b": _BE, "h": _HAVE, "i": _PREPOSITIONS, "o": _OBJECT_STARTS,
    "3": _THIRD_PERSON, "a": _ADVERBS,
}  # fmt: skip


def homograph(
    words: Sequence[str], at: int, capital: bool = False, usual: str = "", as_trained: bool = False
) -> list[str] | None:
    """Phones of ``words[at]`` when it is a homograph, else None.

    ``words``: lower-case words of the sentence with ``""`` for each pause; ``capital``: it is written so
    inside a sentence, as names are; ``usual``: its reading in the dictionary; ``as_trained``: by the rules alone.
    """
    word = words[at]
    if as_trained:
        return _by_rules(words, at, capital)
    if word in _FIXED:
        found = _fixed(words, at)
        if found:
            return found.split()
    pair = _pairs().get(word)
    if pair is not None and pair[0] == "V" and _surely_verb(words, at):
        return pair[1].split()
    names = features(words, at, capital, CLASSES)
    chosen = choose(words, at, names, lambda: " ".join(_by_rules(words, at, capital) or ()) or usual)
    if chosen:
        return chosen.split()
    if pair is None or pair[0] != "V" or word in _FIRST_HOMOGRAPHS:
        return _by_rules(words, at, capital)
    return (pair[1] if verbal(names, _is_verb(words, at)) > 0 else pair[2]).split()


def _by_rules(words: Sequence[str], at: int, capital: bool) -> list[str] | None:
    """What the rules say without the model."""
    word = words[at]
    if word in _FIRST_HOMOGRAPHS:
        return _special(word, words, at, capital).split()
    pair = _pairs().get(word)
    if pair is None:
        return None
    pos, first, second = pair
    if pos == "V":
        return (first if _is_verb(words, at) else second).split()
    before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
    if word == "content":
        adjective = (
            before in _BE or before in ("feel", "feels", "felt", "quite", "so", "very", "not") or after == "with"
        )
        return (second if adjective and before not in _ARTICLES else first).split()
    if word == "complex":
        noun = after in ("", "is", "was", "in", "of", "with", "and", "that", "has") and before not in _BE
        return (second if noun and before not in ("very", "more", "so", "too", "most") else first).split()
    if word == "closer":
        return (first if before in ("a", "the") and after in ("", "of") else second).split()
    return second.split()
