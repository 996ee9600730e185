"""Which language each part of a text is read in: by script and context, without a model.

Latin letters are English; Han is Chinese, or Japanese when its clause has kana and nothing that only Chinese
writes; a number goes with the neighbour a reader would give it to; marks stay with what stands before them.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache

from gpt_sovits.text.en_abbreviations import roman
from gpt_sovits.text.zh_units import UNIT_NAMES


@dataclass(frozen=True)
class Run:
    """``original[start:end]`` in one language; ``punctuation`` when there is nothing to read."""

    language: str
    start: int
    end: int


_HAN = "々〇㐀-䶿一-鿿\uf900-\ufaff\U00020000-\U0003134f"
_KANA = "ぁ-ゖゝゞァ-ヺー-ヿｦ-ﾟ"
_HANGUL = "가-힣ᄀ-ᇿㄱ-ㆎ"
_LATIN = "A-Za-zＡ-Ｚａ-ｚÀ-ÖØ-öø-ɏ"
_UNIT = "|".join(re.escape(name) for name in sorted(UNIT_NAMES, key=len, reverse=True))
# What the reference frontend does not keep together: 5th, 4x4, a price behind a space.
_ORDINAL = rf"|\d{{1,4}}(?:st|nd|rd|th)(?![{_LATIN}\d])"
_TIMES = r"|(?:(?<=[1-9])|(?<=\d0))[xX][1-9]\d*"
_PRICE = r"|[$¥￥€£] ?\d"
_OWN_BLOCK = (
    rf"(?P<han>[{_HAN}]+)|(?P<kana>[{_KANA}]+)|(?P<hangul>[{_HANGUL}]+)"
    rf"|(?P<web>(?:https?://|www\.)[!-~]+|[A-Za-z]:\\[!-~]+"
    rf"|[A-Za-z0-9._+\-]{{1,64}}@[A-Za-z0-9\-]{{1,64}}(?:\.[A-Za-z0-9\-]{{1,64}})+"
    rf"|(?<![A-Za-z0-9/~])~?(?:/[A-Za-z0-9._\-]+){{2,}}/?{_ORDINAL})"
    rf"|(?P<unit>\d+h ?\d+(?:min|m)?(?: ?\d+s)?(?![{_LATIN}\d])|\d+(?:min|m) ?\d+s(?![{_LATIN}\d])"
    rf"|\d[\d.,]{{0,24}}(?:[~\-/–～〜]\d[\d.,]{{0,24}})?\+? ?(?:{_UNIT})(?![{_LATIN}\d²³]|/(?![\d一-鿿])))"
    rf"|(?P<number>(?:HKD|USD|RMB|CNY|EUR|GBP|JPY) ?\d+(?:\.\d+|,\d{{3}})*"
    rf"|(?:HK|US|NT|A|C)?[$¥￥€£] ?\d+(?:\.\d+|,\d{{3}})* ?(?:[MBkK]|[mbtr]+illion)(?![{_LATIN}])"
    rf"|\d{{1,2}}:[0-5]\d ?[aApP][mM](?![{_LATIN}])"
    rf"|(?<![\d·.])\d(?:\.\d+)?[eE][+\-]?\d+(?![{_LATIN}])"
    rf"|(?:(?:HK|US|NT|A|C)?[$¥￥€£] ?)?\d+(?:[.:/~\-]\d+{_TIMES}|,\d{{3}})*[%‰％]?|[₀-₉]+)"
    rf"|(?P<latin>[{_LATIN}]+(?:['’][A-Za-z]+)*)|(?P<other>(?:(?![{_HAN}{_KANA}{_HANGUL}{_LATIN}])[^\W\d_])+)"
    rf"|(?P<mark>(?:(?!~?(?:/[A-Za-z0-9._\-]+){{2}}{_PRICE})[\W_])+|.)"
)
_BLOCK = re.compile(_OWN_BLOCK.replace(_ORDINAL, "").replace(_TIMES, "").replace(_PRICE, ""), re.S)
_WHOLE_BLOCK = re.compile(_OWN_BLOCK, re.S)
_ROMAN = re.compile(r"[IVX]{1,5}")
_STOP = tuple(",.!?，。！？")
_CLAUSE_END = re.compile(r"[，。！？；：,!?;:\n“”\"「」『』]")
_SCRIPT = {"han": "zh", "kana": "ja", "hangul": "ko", "latin": "en", "web": "en"}


@lru_cache(maxsize=8192)
def _chinese_only(char: str) -> bool:
    """A character that no Japanese character set holds (这, 说, 们 ...)."""
    try:
        char.encode("euc_jp")
    except UnicodeEncodeError:
        return True
    return False


def _japanese_clauses(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, has kana) of every clause."""
    kana = re.compile(f"[{_KANA}]")
    cuts = [0, *(match.end() for match in _CLAUSE_END.finditer(text)), len(text)]
    return [(a, b, bool(kana.search(text, a, b))) for a, b in zip(cuts, cuts[1:], strict=False) if a < b]


_CALENDAR = re.compile("[年月日号点]")


@dataclass
class _Block:
    kind: str
    language: str
    start: int
    end: int


def _blocks(text: str, default: str | None, codes: bool) -> list[_Block]:
    """Blocks of one script; marks are already part of the block before them (or of the first one)."""
    clauses = _japanese_clauses(text) if default is None and re.search(f"[{_KANA}]", text) else []
    blocks: list[_Block] = []
    lead = 0
    clause = 0
    for match in (_WHOLE_BLOCK if codes else _BLOCK).finditer(text):
        kind = match.lastgroup or "mark"
        if kind == "mark":
            if blocks:
                blocks[-1].end = match.end()
            continue
        language = _SCRIPT.get(kind, "")
        if kind == "han" and clauses:
            while clauses[clause][1] <= match.start():
                clause += 1
            if clauses[clause][2] and not any(map(_chinese_only, match.group())):
                language = "ja"
        if default is not None and language != "en":
            language = default
        start = match.start() if blocks else lead
        blocks.append(_Block(kind, language, start, match.end()))
    return blocks


def _number_language(text: str, block: _Block, before: _Block | None, after: _Block | None, alone: str) -> str:
    if before is None or after is None:
        only = before or after
        return only.language if only and only.language else alone
    if before.language == after.language or not after.language:
        return before.language
    apart = not text[block.start - 1].isalnum()
    if before.language == "en" and after.language == "zh" and apart and _CALENDAR.match(text, block.end):
        return after.language  # in 3月
    if block.kind == "unit":
        stops = text[before.start : before.end].rstrip().endswith(_STOP)
        return after.language if before.language == "en" and after.language == "zh" and stops else before.language
    if text[before.start : before.end].rstrip().endswith(_STOP):
        return after.language
    if text[block.start : block.end].rstrip().endswith(_STOP):
        return before.language
    return after.language if after.end - after.start > before.end - before.start else before.language


_SALARY = re.compile("(?:薪资?|工资|收入|月入|年入|奖金?|存款?|房租|预算|价|块|投资|赚了?|花了?)[^，。！？,!?]{0,6}$")
_SIGNS = re.compile(r"(?<=\w)(?:[\-–.·_#]| [\-/] | ?[=＝≈<>+×÷≤≥≠] ?-?)$")
_SYMBOL = re.compile("[Α-Ωα-ω\u2160-\u2188\u2460-\u24ff\u3220-\u3229]")
_SENTENCE = re.compile("[。！？!?\n]")


def _words_of_language(text: str, blocks: list[_Block], i: int) -> int:
    """How many plain lower-case English words stand around block ``i``, up to the next Han on either side."""
    count = 0
    for step in (-1, 1):
        j = i + step
        while 0 <= j < len(blocks) and abs(j - i) < 12 and blocks[j].kind not in ("han", "kana", "hangul"):
            count += bool(re.match("[a-z]{2,}", text[blocks[j].start : blocks[j].end]))
            j += step
    return count


def _english_sentence(text: str, at: int) -> bool:
    """Whether the sentence around a place is English with a Chinese word or two: The price is 299元, about $41."""
    ends = [m.end() for m in _SENTENCE.finditer(text[max(0, at - 120) : at])]
    start = max(0, at - 120) + (ends[-1] if ends else 0)
    rest = _SENTENCE.search(text, at, at + 120)
    around = text[start : rest.start() if rest else at + 120]
    return len(re.findall(r"\b[a-z]{2,}\b", around)) >= 3 and len(re.findall("[一-鿿]", around)) < 3


def _in_chinese(text: str, blocks: list[_Block], i: int) -> bool:
    """A number beside letters is said in Chinese when its sentence is (iPhone 15, 京A12345, PM2.5, 4K, GPT-5)."""
    block = blocks[i]
    after = blocks[i + 1] if i + 1 < len(blocks) else None
    if after is not None and after.kind == "latin":
        counted = text[block.end - 1] == " " and re.match("[a-z]{2}", text[after.start : after.start + 2])
        if counted:  # 2 days
            return False
    if text[block.end - 1] == "、":
        return True
    glued = "一" <= text[block.end : block.end + 1] <= "鿿"
    if _words_of_language(text, blocks, i) >= 3 or not glued and _english_sentence(text, block.start):
        return False
    for step in (-1, 1):
        j = i + step
        while 0 <= j < len(blocks) and abs(j - i) < 40:
            between = text[blocks[min(i, j)].start : blocks[max(i, j)].start]
            if blocks[j].kind == "han":
                if blocks[j].language in ("", "zh") and not _SENTENCE.search(between[:200].rstrip()):
                    return True
                break
            j += step
    han = any(b.kind == "han" for b in blocks[max(0, i - 40) : i + 40])
    return not han and bool(re.search("[：，；。]", text[max(0, block.start - 40) : block.end + 40]))  # QQ：123456


def _take_sign(text: str, blocks: list[_Block], i: int) -> None:
    """The stroke, point or operator between letters and a number (M.2, GPT-5, x=3) goes with the number."""
    if i and blocks[i - 1].kind in ("latin", "other"):
        sign = _SIGNS.search(text, blocks[i - 1].start, blocks[i - 1].end)
        if sign and sign.end() == blocks[i - 1].end:
            blocks[i - 1].end = blocks[i].start = sign.start()


_ERA = re.compile(r"(?:AD|BC|CE|BCE)\b")


def _mostly_english(text: str, at: int) -> bool:
    """Whether more words than Han stand around a place: Su Song (苏颂, 1020-1101 AD)."""
    around = text[max(0, at - 120) : at + 60]
    return len(re.findall("[A-Za-z]+", around)) > 2 * len(re.findall("[一-鿿]", around))


def _chinese_codes(text: str, blocks: list[_Block]) -> None:
    """Gives every number that Chinese says to Chinese, with the K and W of money."""
    if not any(block.language == "zh" for block in blocks) and not re.search("[，。：；！？、]", text):
        return
    _options(text, blocks)
    for i, block in enumerate(blocks):
        if block.kind == "other" and _SYMBOL.match(text, block.start) and _in_chinese(text, blocks, i):
            block.language = "zh"
            continue
        if block.kind not in ("number", "unit") or block.language not in ("", "zh"):
            continue
        before = blocks[i - 1] if i else None
        after = blocks[i + 1] if i + 1 < len(blocks) else None
        if after and _ERA.match(text, after.start) and _mostly_english(text, block.start):
            block.language = "en"
            continue
        beyond = next((b for b in blocks[i + 1 : i + 4] if b.kind not in ("number", "unit")), None)
        if not any(b is not None and b.kind == "latin" and b.language == "en" for b in (before, beyond)):
            continue
        if not _in_chinese(text, blocks, i):
            continue
        block.language = "zh"
        _take_sign(text, blocks, i)
        letter = text[after.start : after.end].strip(" -~～，。！？+") if after and after.start == block.end else ""
        if after and letter in tuple("KkWw") and _SALARY.search(text[max(0, block.start - 12) : block.start]):
            after.language = "zh"


_OPTION = re.compile(r"(?:^|(?<=[\s,，/|(（\[]))-{1,2}(?=[A-Za-z])")


def _options(text: str, blocks: list[_Block]) -> None:
    """Gives the strokes before an option (-v, --help) to Chinese where its sentence is."""
    starts = [block.start for block in blocks]
    for match in reversed([*_OPTION.finditer(text)]):
        i = bisect_right(starts, match.start()) - 1
        block = blocks[i]
        if block.kind != "latin" or not _in_chinese(text, blocks, i):
            continue
        parts = [_Block("number", "zh", *match.span())]
        if block.start < match.start():
            parts.insert(0, _Block("latin", block.language, block.start, match.start()))
        if match.end() < block.end:
            parts.append(_Block("latin", block.language, match.end(), block.end))
        blocks[i : i + 1] = parts


_VARIABLE = r"(?:(?:sin|cos|tan|log|ln|lg|[A-Za-z]{1,2})(?![A-Za-z])|[α-ωΔ∞])"
_TERM = rf"(?:[∠√] ?|[|(（])?(?:\d+(?:\.\d+)?(?!\d){_VARIABLE}?|{_VARIABLE})[)）|⁰¹²³⁴-⁹ⁿ°]*"
_FORMULA = re.compile(
    rf"(?<![A-Za-z\d_./@#:?&$\-])[\-−]?{_TERM}(?: ?[=＝+\-−×÷/<>≤≥≈≠·^] ?[\-−]?{_TERM}|{_TERM})*(?![A-Za-z\d_@])"
)
_SURE = re.compile(r"[=＝≈≠≤≥²³√∠]|[a-z)] ?[<>] ?[\d\-a-z]|\b[a-z] ?\+ ?[a-z\d]")

_MEASURED = re.compile(r"(?:[\d /]|[cdk])m[²³]|/s²|°[CF]")  # 35μg/m³


@lru_cache(maxsize=16)
def formulas(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of what is sure to be a formula: y=x²-4x+4, ∠A=90°, a+b."""
    if not re.search("[=＝≈≠≤≥<>²³√∠+]", text):
        return ()
    found = (match.span() for match in _FORMULA.finditer(text))
    return tuple(
        (a, b)
        for a, b in found
        if _SURE.search(text, a, b) and re.search("[A-Za-z√]", text[a:b]) and not _MEASURED.search(text, a, b)
    )


def without_formulas(text: str) -> str:
    """The rest of the text."""
    for start, end in reversed(formulas(text)):
        text = text[:start] + " " + text[end:]
    return text


def in_formula(text: str, at: int) -> bool:
    """Whether ``at`` lies inside a formula, behind its first character."""
    found = formulas(text)
    i = bisect_left(found, (at, 0)) - 1
    return i >= 0 and at < found[i][1]


def _split_formulas(text: str, blocks: list[_Block], alone: str) -> None:
    """Leaves only the letters of a formula to English where the sentence around it is Chinese."""
    found = formulas(text)
    starts = [block.start for block in blocks] if found else []
    han = any(block.kind == "han" for block in blocks) if found else False
    bare = not han and alone == "zh" and not re.search("[A-Za-z]", without_formulas(text))
    for start, end in reversed(found):  # the places before stay as they are
        first, last = max(0, bisect_right(starts, start) - 1), bisect_left(starts, end)
        own = first if starts[first] >= start else min(first + 1, last - 1)
        if not (bare or han and _in_chinese(text, blocks, own)):
            continue
        parts = [
            _Block("latin", "en", start + m.start(), start + m.end())
            if m.group().isascii() and m.group().isalpha()
            else _Block("number", "zh", start + m.start(), start + m.end())
            for m in re.finditer("[A-Za-z]+|[^A-Za-z]+", text[start:end])
        ]
        head = blocks[first]
        parts[-1].end = max(end, blocks[last - 1].end)
        before = [_Block(head.kind, head.language, head.start, start)] if head.start < start else []
        blocks[first:last] = [*before, *parts]


def _letters_follow(text: str, block: _Block, after: _Block | None, runs: list[_Block]) -> bool:
    """A number glued to a short run of capitals in Chinese text (用5G, 8GB): 五 G, not five G."""
    glued = after is not None and after.kind == "latin" and after.start == block.end
    return (
        glued
        and bool(re.match(r"(?:[A-Z]{1,3}|k)(?![A-Za-z])", text[block.end : block.end + 4]))
        and any(run.language == "zh" for run in runs)
    )


def _is_roman(text: str, block: _Block, body: str) -> bool:
    """第IX届, II型糖尿病, 亨利VIII世; a single V or X is a letter unless 第 stands before it."""
    body = body.rstrip(",.!?;:，。！？；：、”」）)“「『（(《… ")
    if not _ROMAN.fullmatch(body):
        return False
    if len(body) > 1 and body not in ("VI", "IV", "XX") and re.match("[一-龥》]", text[block.start - 1]):
        return roman(body) is not None
    counted = text[block.end : block.end + 1] in tuple("世期型级章类代卷部时") and (len(body) > 1 or body == "I")
    return text.startswith("第", max(0, block.start - 1)) or counted


def _resolve(text: str, blocks: list[_Block], default: str | None, alone: str) -> list[_Block]:
    runs: list[_Block] = []
    for i, block in enumerate(blocks):
        before = runs[-1] if runs else None
        after = next((b for b in blocks[i + 1 : i + 50] if b.kind not in ("number", "unit", "other")), None)
        body = text[block.start : block.end].strip()
        if block.kind == "number" and not block.language and _letters_follow(text, block, after, runs):
            block.language = "zh"
        elif block.kind in ("number", "unit") and not block.language:
            block.language = _number_language(text, block, before, after, alone)
        elif block.kind == "unit":
            block.language = default or "zh"
        elif block.kind == "latin" and before and before.language == "zh" and _is_roman(text, block, body):
            block.language = before.language
        elif not block.language:
            block.language = before.language if before else "en"
        if before and before.language == block.language:
            before.end = block.end
        else:
            runs.append(block)
    return runs


def segment(text: str, default: str | None = None, alone: str = "zh", *, codes: bool = False) -> list[Run]:
    """Runs that cover ``text`` without gaps.

    ``default`` None: free. Otherwise everything that is not Latin (digits too) is in that language. ``alone``: the
    language of a text that has numbers only. ``codes``: in Chinese a number beside letters is Chinese (the reference
    reads it in English).
    """
    if not text:
        return []
    blocks = _blocks(text, default, codes)
    if not blocks:
        return [Run(default or ("punctuation" if not any(map(_is_symbol, text)) else "en"), 0, len(text))]
    if codes:
        _split_formulas(text, blocks, alone)
        _chinese_codes(text, blocks)
    runs = _resolve(text, blocks, default, alone)
    return [Run(run.language, run.start, run.end) for run in runs]


def _is_symbol(char: str) -> bool:
    return ord(char) >= 0x1F000


def runs_for(text: str, mode: str, alone: str = "zh", *, codes: bool = False) -> list[Run]:
    """The runs that a mode of the reference frontend gives: auto, auto_yue, zh, en, ja, ko, yue, all_zh ...

    ``alone``: the language of numbers where no word tells it.
    """
    if mode == "en":
        return [Run("en", 0, len(text))] if text else []
    if mode.startswith("all_"):
        return segment(text, mode[4:], codes=codes)
    merged: list[Run] = []
    for run in segment(text, alone=alone, codes=codes):
        language = run.language
        if mode == "auto_yue" and language == "zh":
            language = "yue"
        elif mode not in ("auto", "auto_yue") and language != "en":
            language = mode
        if merged and merged[-1].language == language:
            merged[-1] = Run(language, merged[-1].start, run.end)
        else:
            merged.append(Run(language, run.start, run.end))
    return merged
