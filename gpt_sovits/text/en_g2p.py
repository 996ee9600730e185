"""Normalised English -> ARPAbet phones, word by word: dictionary, homographs, endings, compounds, letter-to-sound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from gpt_sovits.text.data import own_pronunciations, pronunciations, rare_pronunciation
from gpt_sovits.text.en_homographs import homograph
from gpt_sovits.text.en_numbers import digits
from gpt_sovits.text.en_pinyin import mandarin
from gpt_sovits.text.en_spell import guess
from gpt_sovits.text.symbols import MARKS

MINIMUM = 4
_NAMED = re.compile("[A-Za-z0-9]")
_TOKEN = re.compile(r"'(?:em|cause|bout|til|tis|twas)\b|[A-Za-z][A-Za-z'\-]+[A-Za-z](?:(?<=s)')?|[A-Za-z]+|\S")
_SPELLED = frozenset(("ae", "ai", "ar", "ios", "hud", "os"))
_VOICELESS = frozenset(("P", "T", "K", "F", "TH", "HH"))
_HISSING = frozenset(("S", "Z", "SH", "ZH", "CH", "JH"))
_CONTRACTED = {"ve": ["AH0", "V"], "ll": ["AH0", "L"], "d": ["D"], "re": ["ER0"], "m": ["M"], "em": ["AH0", "M"]}


@dataclass(frozen=True)
class EnglishWord:
    """``norm_text[start:end]`` and how it is read; ``why``: dictionary, rule, guess or mark."""

    text: str
    start: int
    end: int
    phones: tuple[str, ...]
    why: str


@lru_cache(maxsize=32768)
def lookup(word: str) -> tuple[str, ...] | None:
    """The first dictionary pronunciation of a lower-case word."""
    found = own_pronunciations().get(word) or pronunciations().get(word)
    return tuple(found.split()) if found and word not in _SPELLED else None


@lru_cache(maxsize=8192)
def _listed(word: str) -> tuple[str, ...] | None:
    """The pronunciation of a lower-case word in either dictionary, also in its American spelling."""
    found = lookup(word)
    if found is None and len(word) > 2:
        rare = rare_pronunciation(word)
        found = tuple(rare.split()) if rare else _american(word)
    return found


_BRITISH = (
    (re.compile(r"(?<=[a-z]{2})is(?=(?:e|ed|es|er|ers|ing|ation|ations|ational|able)$)"), "iz"),
    (re.compile(r"(?<=[a-z]{2})ys(?=(?:e|ed|es|ing)$)"), "yz"),
    (re.compile(r"(?<=[a-z]{2})our(?=(?:s|ed|ing|ite|ites|ful|less|able|ably|hood|y)?$)"), "or"),
    (re.compile(r"(?<=[aeiou]l)l(?=(?:ed|ing|er|ers)$)"), ""),
    (re.compile(r"(?<=[^aeiou])re(?=s?$)"), "er"),
    (re.compile(r"[ao]e(?=[a-z]{3})"), "e"),
    (re.compile(r"(?<=og)ue(?=s?$)"), ""),
    (re.compile(r"(?<=en)ce(?=s?$)"), "se"),
)


def _american(word: str) -> tuple[str, ...] | None:
    """organised, colourful, travelled, anaemia: read as they are spelled in America, where that is a known word."""
    for pattern, new in _BRITISH:
        other = pattern.sub(new, word, count=1)
        if other != word:
            found = lookup(other)
            rare = None if found else rare_pronunciation(other)
            if found or rare:
                return found or tuple((rare or "").split())
    return None


def letter(char: str) -> list[str]:
    """The name of one letter."""
    return ["EY1"] if char.lower() == "a" else pronunciations()[char.lower()].split()


def spell(word: str) -> list[str]:
    """Letter by letter and digit by digit; anything else is left out."""
    names = (lookup(digits(char)) if char in "0123456789" else letter(char) for char in word if _NAMED.match(char))
    return [phone for name in names for phone in name or ()]


def with_s(phones: list[str]) -> list[str]:
    """Adds a plural, possessive or third-person s."""
    last = phones[-1] if phones else "Z"
    return phones + (["S"] if last in _VOICELESS else ["AH0", "Z"] if last in _HISSING else ["Z"])


def with_ed(phones: list[str]) -> list[str]:
    """Adds a past-tense -ed."""
    last = phones[-1]
    return phones + (
        ["IH0", "D"] if last in ("T", "D") else ["T"] if last in _VOICELESS | _HISSING - {"Z", "ZH", "JH"} else ["D"]
    )


def _contracted(word: str) -> list[str] | None:
    """Word + 've, 'll, 'd, n't ..., possibly several."""
    stem, _, tail = word.rpartition("'")
    if tail == "t" and stem.endswith("n") and lookup(stem[:-1]):
        return [*(lookup(stem[:-1]) or ()), "AH0", "N", "T"]
    if not stem or tail not in _CONTRACTED:
        return None
    known = lookup(stem) or _contracted(stem)
    return [*known, *_CONTRACTED[tail]] if known else None


_BARE = frozenset(
    "dont cant wont isnt arent wasnt werent hasnt havent hadnt doesnt didnt couldnt shouldnt wouldnt aint youre theyre "
    "youve weve theyve youll theyll itll whos thats whats theres shes hes youd theyd wouldve couldve shouldve".split()
)
_TAILS = re.compile(r"(?<=n)(?=t$)|(?=(?:re|ve|ll|s|d)$)")


def _careless(word: str) -> list[str] | None:
    """dont and lookin: an apostrophe or a g that was left out."""
    if word in _BARE:
        whole = _TAILS.sub("'", word, count=1)
        return list(lookup(whole) or ()) or _contracted(whole)
    if word.endswith("in") and len(word) > 4 and (found := lookup(word + "g")):
        return [*found[:-1], "N"]
    return None


def _suffixed(word: str) -> list[str] | None:
    """A known stem with a regular ending: -s, -es, -ed, -ing, -er, -ly, -ness, -less, -ful, -able, -ism, -ist."""
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        for stem in (
            word[:-1],
            word[:-2] if word.endswith("es") else "",
            word[:-3] + "y" if word.endswith("ies") else "",
        ):
            if len(stem) > 2 and (found := _listed(stem)):
                return with_s(list(found))
    for ending, phones in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            base = word[: -len(ending)]
            for stem in (
                base,
                base + "e",
                base[:-1] if base[-1] == base[-2] else "",
                base[:-1] + "y" if base[-1] == "i" else "",
            ):
                if len(stem) > 2 and (found := _listed(stem)):
                    return with_ed(list(found)) if ending == "ed" else [*found, *phones]
    return None


_ENDINGS: tuple[tuple[str, list[str]], ...] = (
    ("ed", []), ("ing", ["IH0", "NG"]), ("ness", ["N", "AH0", "S"]), ("less", ["L", "AH0", "S"]), ("ly", ["L", "IY0"]),
    ("ful", ["F", "AH0", "L"]), ("able", ["AH0", "B", "AH0", "L"]), ("ers", ["ER0", "Z"]), ("er", ["ER0"]),
    ("ish", ["IH0", "SH"]), ("ism", ["IH2", "Z", "AH0", "M"]), ("ist", ["AH0", "S", "T"]),
    ("ment", ["M", "AH0", "N", "T"]), ("wise", ["W", "AY2", "Z"]), ("like", ["L", "AY2", "K"]),
    ("ship", ["SH", "IH2", "P"]), ("hood", ["HH", "UH2", "D"]),
)  # fmt: skip


_ONSET = re.compile("[^aeiouy]{2}")
_ONSETS = frozenset(
    "bl br ch cl cr cz dj dr dw fl fr gh gl gn gr kh kl kn kr lh ll mc mn ph pl pn pr ps pt rh sc sh sk sl sm sn sp sq "
    "sr st sv sw th tr ts tw vl wh wr zh".split()
)


def _lettered(word: str) -> list[str] | None:
    """kmail, Xcode, msbuild, mkdir: letters before a known word, where no English word could begin so."""
    if not _ONSET.match(word) or word[:2] in _ONSETS:
        return None
    for size in (1, 2):
        rest = word[size:]
        found = (lookup(rest) or _suffixed(rest)) if len(rest) > 1 + size else None
        if found:
            return [*spell(word[:size]), *found]
    return None


_TAIL = re.compile("(?:wm|vm|db|dm|tk|fs|xp|kb)$")
_STRAY = re.compile(r"[^aeiouy]{3}(?<!ch|th|sh|ck|ng|ll|lm|ph)(?<![stdzn])$")


def _tailed(word: str) -> list[str] | None:
    """winecfg, localectl, icewm: a known word before two or three letters that end no English word."""
    for size, tail in ((2, _TAIL), (3, _STRAY)):
        found = lookup(word[:-size]) if len(word) - size >= 3 and tail.search(word) else None
        if found:
            return [*found, *spell(word[-size:])]
    return None


_APART = re.compile(
    "^(?:next|key|bug|hot|sub|net|web|log|bit|map|run|set|get|put|add|pre|box|top|dev|app)[b-df-hj-np-tvwxz]"
)


def _compound(word: str) -> list[str] | None:
    """Two known words of at least 3 letters each, the split with the longest shorter part."""
    best: tuple[int, tuple[str, ...], tuple[str, ...]] | None = None
    for cut in range(3, len(word) - 2):
        head = lookup(word[:cut])
        if head:
            tail = lookup(word[cut:])
            if tail and (best is None or min(cut, len(word) - cut) > best[0]):
                best = (min(cut, len(word) - cut), head, tail)
    if best is None or best[0] < 4 and len(word) < 9 and not _APART.search(word):
        return None
    weak = tuple(phone.replace("1", "2") for phone in best[2])
    return [*best[1], *weak]


def _word(part: str) -> bool:
    return len(part) > 2 and lookup(part) is not None


@lru_cache(maxsize=32768)
def read_word(word: str) -> tuple[tuple[str, ...], str]:
    """(phones, why) of one word without context."""
    low = word.lower()
    if len(word) == 1:
        return (("EY1",) if word == "A" else tuple(pronunciations()[low].split())), "dictionary"
    found = lookup(low) or _listed(low)
    if found:
        return found, "dictionary"
    if len(word) <= 3 and low.isalpha():
        return tuple(spell(low)), "rule"
    if low.endswith("'s"):
        stem, why = read_word(low[:-2])
        return tuple(with_s(list(stem))), why
    if low.endswith("s'"):
        stem, why = read_word(low[:-2])
        return (tuple(with_s(list(stem))), why) if len(low) > 4 and lookup(low[:-2]) else read_word(low[:-1])
    joined = _contracted(low)
    if joined:
        return tuple(joined), "rule"
    if "-" in low or "'" in low:
        names = low.split("'")
        if "-" not in low and len(names) > 1 and not (names[0] == "o" or "n" in names or any(map(_word, names))):
            return read_word("".join(names))  # P'urhepecha
        parts = [read_word(part) for part in re.split(r"[-']", low) if part]
        parts = [(("R", "IY0"), "rule"), *parts[1:]] if low.startswith("re-") else parts
        why = "guess" if any(part[1] == "guess" for part in parts) else "rule"
        return tuple(phone for part in parts for phone in part[0]), why
    if not re.search(r"[aeiouy]", low) and len(low) <= 5:
        return tuple(spell(low)), "rule"
    derived = _careless(low) or _suffixed(low) or _compound(low)
    derived = derived or ((_lettered(low) or _tailed(low)) if word in (low, "X" + low[1:]) else None)
    if derived:
        return tuple(derived), "rule"
    if chinese := mandarin(low):
        return tuple(chinese), "rule"
    sounded = guess(low)
    if not any(phone[-1].isdigit() for phone in sounded):
        return tuple(spell(low)), "rule"  # xfce
    return tuple(sounded), "guess"


def _letters_around(tokens: list[re.Match[str]], at: int) -> bool:
    """Whether a lone lower-case a stands in a row of letters (a b c)."""
    return any(
        0 <= i < len(tokens) and len(tokens[i].group()) == 1 and tokens[i].group() in "bcdefghjklmnopqrstuvwxyz"
        for i in (at - 1, at + 1)
    )


def tokens(norm_text: str) -> Iterator[re.Match[str]]:
    """Words and marks of normalised text, in order."""
    return _TOKEN.finditer(norm_text)


def read_words(norm_text: str, as_trained: bool = False) -> list[EnglishWord]:
    """The words and marks of normalised text, each with its phones; ``as_trained``: homographs by the rules
    alone, and no word otherwise than in the dictionary that the checkpoints were trained with."""
    marks = list(tokens(norm_text))
    context = [match.group().lower() if any(map(str.isalpha, match.group())) else "" for match in marks]
    words = []
    for i, match in enumerate(marks):
        token = match.group()
        found: tuple[str, ...]
        if not context[i]:
            found, why = ((token,) if token in MARKS else ()), "mark"
        elif token == "a" and _letters_around(marks, i):
            found, why = ("EY1",), "rule"
        else:
            named = token[0].isupper() and i > 0 and marks[i - 1].group() not in ".!?"
            usual = " ".join(lookup(context[i]) or ())
            alike = homograph(context, i, named, usual, as_trained) if len(token) > 1 else None
            found, why = (tuple(alike), "rule") if alike else read_word(token)
            if as_trained and not alike and context[i] in own_pronunciations():
                found = tuple(pronunciations().get(context[i], " ".join(found)).split())
        words.append(EnglishWord(token, match.start(), match.end(), found, why))
    return words


def pad(phones: list[str], norm_text: str) -> list[str]:
    """A pause in front of fewer than four phones, as the checkpoints were trained."""
    return [",", *phones] if norm_text and len(phones) < MINIMUM else phones
