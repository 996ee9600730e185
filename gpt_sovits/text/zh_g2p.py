"""Normalised Chinese text -> phones: words, readings, tone changes, then an initial and a final per character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from gpt_sovits.text import zh_polyphone_net
from gpt_sovits.text.data import table
from gpt_sovits.text.sandhi import all_third, change_tones, erhua
from gpt_sovits.text.symbols import MARKS
from gpt_sovits.text.types import PolyphoneModel
from gpt_sovits.text.zh_polyphones import choose, is_phrase
from gpt_sovits.text.zh_prosody import Clause, settle
from gpt_sovits.text.zh_words import Token, tag
from gpt_sovits.versions import FIRST_PHONES, PHONES

_CLAUSE = re.compile(r"[^!?…,.\-]{0,500}[!?…,.\-]|[^!?…,.\-]{1,500}")


@dataclass(frozen=True)
class Word:
    """A Chinese word with one pinyin syllable (tone digit last) per character, or a single mark without any."""

    text: str
    pos: str
    pinyin: tuple[str, ...]
    why: str = "dictionary"


@cache
def _syllables() -> dict[tuple[str, str], str]:
    """(strict initial, final) -> pinyin spelling that ``table('zh')['pinyin']`` knows or the inventory lists."""
    return {(row[0], row[1]): name for name, row in table("zh")["syllables"].items()}


@cache
def _phone_table() -> dict[str, tuple[str, str]]:
    phones = {name: (row[0], row[1]) for name, row in table("zh")["pinyin"].items()}
    phones.update({name: (row[2], row[3]) for name, row in table("zh")["syllables"].items()})
    return phones


def pinyin_phones(pinyin: str) -> tuple[str, str] | None:
    """Phones of one syllable such as ``ma3``, ``lv4`` or ``hao`` (no digit: neutral tone); None for no syllable.

    Two phones, the tone digit 1-5 on the second: ``("m", "a3")``.
    """
    spelled = pinyin.strip().lower().replace("ü", "v").replace("u:", "v")
    tone = spelled[-1:] if spelled[-1:] in set("12345") else ""
    base = spelled[: len(spelled) - len(tone)]
    found = _phone_table().get(base)
    if found is None and base.endswith("r") and base != "er":
        return None
    return None if found is None else (found[0], found[1] + (tone or "5"))


@lru_cache(maxsize=65536)
def _read(word: str) -> tuple[tuple[str, str], ...]:
    """pypinyin's (initial, final with tone) per character of ``word``."""
    from pypinyin import Style, lazy_pinyin

    initials = lazy_pinyin(word, neutral_tone_with_five=True, style=Style.INITIALS)
    finals = lazy_pinyin(word, neutral_tone_with_five=True, style=Style.FINALS_TONE3)
    return tuple(zip(initials, finals, strict=True))


@lru_cache(maxsize=65536)
def readable(char: str) -> bool:
    """Whether the character has a reading that the phone tables can spell."""
    initial, final = _read(char)[0]
    return (initial, final[:-1]) in _syllables()


def _split_pinyin(pinyin: str) -> tuple[str, str]:
    """``zhang3`` -> ("zh", "ang3")."""
    row = table("zh")["syllables"][pinyin[:-1]]
    return row[0], row[1] + pinyin[-1]


def _finals(word: str) -> list[str]:
    return [final for _, final in _read(word)]


def _merge_bu(tokens: list[Token]) -> list[Token]:
    merged: list[Token] = []
    last = ""
    for word, pos in tokens:
        word = last + word if last == "不" else word
        if word != "不":
            merged.append((word, pos))
        last = word
    return [*merged, ("不", "d")] if last == "不" else merged


def _merge_yi(tokens: list[Token]) -> list[Token]:
    merged: list[Token] = []
    i = 0
    while i < len(tokens):
        word, pos = tokens[i]
        around = tokens[i - 1] if 0 < i < len(tokens) - 1 and tokens[i - 1] == tokens[i + 1] else None
        if word == "一" and around and around[1] == "v" and merged[-1] == around:
            x = around[0]
            merged[-1] = (f"{x}一{x}", "v")
            i += 2
            continue
        if merged and merged[-1][0] == "一":
            merged[-1] = ("一" + word, merged[-1][1])
        else:
            merged.append((word, pos))
        i += 1
    return merged


def _merge_equal(tokens: list[Token]) -> list[Token]:
    merged: list[Token] = []
    for word, pos in tokens:
        if merged and word == merged[-1][0]:
            merged[-1] = (word + word, merged[-1][1])
        else:
            merged.append((word, pos))
    return merged


def _merge_third(tokens: list[Token], whole: bool) -> list[Token]:
    """Joins neighbours in third tone: both throughout (``whole``), or only where they touch."""
    merged: list[Token] = []
    finals = [_finals(word) for word, _ in tokens]
    just_joined = False
    for i, (word, pos) in enumerate(tokens):
        before = tokens[i - 1][0] if i else ""
        doubled = len(before) == 2 and before[0] == before[1]
        if i and not just_joined and not doubled and len(before) + len(word) <= 3:
            left, right = finals[i - 1], finals[i]
            if all_third(left) and all_third(right) if whole else left[-1][-1:] == right[0][-1:] == "3":
                merged[-1] = (merged[-1][0] + word, merged[-1][1])
                just_joined = True
                continue
        merged.append((word, pos))
        just_joined = False
    return merged


def _merge_er(tokens: list[Token]) -> list[Token]:
    merged: list[Token] = []
    for word, pos in tokens:
        if word == "儿" and merged:
            merged[-1] = (merged[-1][0] + word, merged[-1][1])
        else:
            merged.append((word, pos))
    return merged


def words(
    clause: str, version: str = PHONES, *, forced: dict[int, str] | None = None,
    polyphones: bool | PolyphoneModel = True,
) -> list[Word]:  # fmt: skip
    """Words of one clause of Han characters with the pinyin that is spoken, after all tone changes.

    ``forced``: character index -> pinyin that nothing may change. ``polyphones`` False leaves out the context rules
    for characters with several readings (the reference frontend without its optional model); a model decides before
    those rules do, outside version v1.
    """
    raw = tag(clause)
    tokens = _merge_equal(_merge_yi(_merge_bu(raw)))
    tokens = _merge_er(_merge_third(_merge_third(tokens, True), False))
    reads = [pair for word, _ in tokens for pair in _read(word)]
    chosen: dict[int, str] = {}
    if polyphones:
        chosen, undecided = choose(clause, raw)
        listed = {i: _syllables()[reads[i][0], reads[i][1][:-1]] + reads[i][1][-1] for i in undecided}
        chosen.update(zh_polyphone_net.choose(clause, undecided, listed))
    forced = forced or {}
    modelled: dict[int, str] = {}
    if not isinstance(polyphones, bool) and version != FIRST_PHONES:
        modelled = {i: pinyin for i, pinyin in polyphones.choose(clause).items() if i not in forced}
        chosen.update(modelled)
    chosen.update(forced)
    initials: list[str] = []
    base: list[str] = []
    finals: list[str] = []
    for token in tokens:
        at = len(base)
        read = reads[at : at + len(token[0])]
        for i in range(len(read)):
            if at + i in chosen:
                read[i] = _split_pinyin(chosen[at + i])
        initials += (initial for initial, _ in read)
        base += (final for _, final in read)
        spoken = change_tones(token, base[at:])
        finals += spoken if version == FIRST_PHONES else erhua(token, spoken)
    kept = {i for i in chosen if i in forced or finals[i].endswith("5") or clause[i] in "得地的着儿"}
    for i in kept:
        finals[i] = base[i]
    if polyphones:
        finals = settle(Clause(clause, raw, base, finals, frozenset(kept)), is_phrase)
    out = []
    at = 0
    for text, pos in tokens:
        end = at + len(text)
        pinyin = tuple(_syllables()[initials[i], finals[i][:-1]] + finals[i][-1] for i in range(at, end))
        here = [i for i in range(at, end) if i in chosen and i not in forced]
        why = "model" if any(i in modelled for i in here) else "rule" if here else "dictionary"
        out.append(Word(text, pos, pinyin, why))
        at = end
    return out


def g2p(
    norm_text: str, version: str = PHONES, *, forced: dict[int, str] | None = None,
    polyphones: bool | PolyphoneModel = True,
) -> tuple[list[str], list[int], list[Word]]:  # fmt: skip
    """(phones, phones per character of ``norm_text``, words). ``norm_text`` holds readable Han and kept marks only.

    ``forced``: index in ``norm_text`` -> pinyin. Clauses longer than 500 characters are read in parts.
    """
    phones: list[str] = []
    word2ph: list[int] = []
    found: list[Word] = []
    for match in _CLAUSE.finditer(norm_text):
        clause, at = match.group(), match.start()
        mark = clause[-1] if clause[-1] in MARKS else ""
        body = clause[: len(clause) - len(mark)]
        here = {i - at: pinyin for i, pinyin in (forced or {}).items() if at <= i < match.end()}
        for word in words(body, version, forced=here, polyphones=polyphones) if body else []:
            found.append(word)
            for pinyin in word.pinyin:
                initial, final = _phone_table()[pinyin[:-1]]
                phones += [initial, final + pinyin[-1]]
                word2ph.append(2)
        if mark:
            found.append(Word(mark, "x", ()))
            phones.append(mark)
            word2ph.append(1)
    return phones, word2ph, found
