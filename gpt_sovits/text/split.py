"""Cutting a long text into pieces that are spoken one at a time; every piece keeps its offsets.

Sentences first; a sentence that is too long is cut at clause marks, then inside quotations, then at spaces. Never
inside a number, an abbreviation or a markup tag. Pieces that are too short join a neighbour of their paragraph.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate

from gpt_sovits.text import cuts, zh_breath
from gpt_sovits.text.breath import breath
from gpt_sovits.text.documents import clean
from gpt_sovits.text.en_abbreviations import SHORTENED
from gpt_sovits.text.en_tables import any_of
from gpt_sovits.text.pauses import with_rests
from gpt_sovits.text.segment import without_formulas
from gpt_sovits.text.tags import TAG, pause_of, speed_of
from gpt_sovits.text.tracked import Tracked
from gpt_sovits.text.types import Piece

_CLOSERS = "”’」』》〉）)】]\"'"
_OPEN, _CLOSE = "“「『《（(【", "”」』》）)】"
_MARK = re.compile(
    rf"(?:[。！？!?…～~]+|\.+|[，、；：,;:]+|—{{2,}}|(?<![\s`(\[])--+|--+(?![A-Za-z]))[{re.escape(_CLOSERS)}]*|\n+"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Mx|Drs?|Prof|St|Ste|Mt|Ft|Jr|Sr|vs|cf|etc|e\.g|i\.e|a\.m|p\.m|al|ca|Nos?|Inc|Ltd|Co|Corp|Gen|Sen"
    r"|Gov|Capt|Cpt|Sgt|Lt|Col|Maj|Cmdr|Adm|Rev|Hon|Rep|Pres|Supt|Fr|Fig|Figs|Vols?|Ch|Chap|Sec|Eq|Art|Par|Ed|Eds|Pt"
    r"|approx|est|dept|Bros|Ave|Blvd|Rd|Ln|Hwy|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Mon|Tue|Tues|Wed|Thu"
    rf"|Thur|Thurs|Fri|pp|p|ft|in|(?<=/)mo|cu|Sat|Sun|lb|lbs|oz|mi|min|hrs?|sq|op|cit|B\.Sc|M\.Sc|Pss?|Cor|Rom|Matt|Mk|Lk|Jn|Heb|Exod?|Lev|Num|Deut|Isa|Jer|Thess|Tim|Phil|Eph|Gal|Pet|{any_of(SHORTENED)})"
    r"|(?:\b[A-Za-z]\.)+[A-Za-z]|\b[A-Z])$",
    re.IGNORECASE,
)
# Words too: an abbreviation only before a digit.
_BOTH = frozenset(
    "in al fr art ed no nos par para sec secs sat sun mar est op ref tab pt sq pl ct temp ext cor rom num phil tim gal "
    "jer pet lev".split()
)
# Abbreviations behind which a sentence may end after all.
_CLOSING = re.compile(r"\b(?:etc|inc|ltd|co|corp|jr|sr|bros|assn|al|[ap]\.?m|(?:[a-z]\.)+[a-z])$", re.IGNORECASE)
_WEEKDAY = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}$")
_DAY = re.compile(r"[A-Z][a-z]{2,8}\.? \d{1,2}(?:st|nd|rd|th)?$")
_MEASURED = re.compile(r"\d ?in$|\bet al$|\b(?:Sat|Sun)$")
_HAN = re.compile("[一-鿿]")
_DATED = re.compile("[\\d年月日号点半分秒时] ?$")
_COUNTS = frozenset("0123456789一二两三四五六七八九十")
_ADDRESS = re.compile(r"(?:https?://|www\.)[!-~]+")


_Placed = tuple[tuple[int, int], Piece]  # a piece, and where its words lie in the text that is read


@dataclass(frozen=True)
class _Cut:
    """A place where the text may be cut: 3 paragraph, 2 sentence, 1 clause, 0 only in need."""

    at: int
    strength: int


class _Weights:
    """About how many phones a stretch has: two for a Han character or kana, four for a digit, one for a letter."""

    def __init__(self, text: str) -> None:
        self._sums = list(accumulate(map(_weight, text), initial=0))

    def __call__(self, begin: int, end: int) -> int:
        return self._sums[end] - self._sums[begin]


def _weight(char: str) -> int:
    if "぀" <= char <= "鿿" or "가" <= char <= "힣":
        return 2
    return 4 if char.isdigit() else int(char.isalpha())


def _strength(text: str, match: re.Match[str], depth: int) -> int | None:
    """How well the text may be cut after this mark; None for not at all."""
    mark = match.group()
    before, rest = text[max(0, match.start() - 12) : match.start()], text[match.end() : match.end() + 3]
    after = rest[:1]
    if mark[0] == "\n":
        return 3
    digits = before[-1:].isdigit() and after.isdigit()
    if digits and mark[0] in ".,:，：":
        return None
    if mark[0] in "~～" and _DATED.search(before) and rest.strip()[:1] in _COUNTS:
        return None
    if mark[0] in "~～" and after.isdigit() and before[-1:] in ("", " ", "(", "`", "（"):
        return None
    if mark[0] == "." and len(mark.rstrip(_CLOSERS)) == 1:
        if after and not after.isspace() and after.isascii():
            return None
        if _abbreviated(before, rest):
            if rest.strip()[:1] in "§#":
                return None
            return 0 if _CLOSING.search(before) and not rest.strip()[:1].islower() else None
    if mark[0] == "," and before[-1:].isdigit() and re.match(r" [12]\d", rest) and _DAY.search(before):
        return None
    if mark[0] == "," and re.match(r" \d", rest) and _WEEKDAY.search(before):
        return None
    if mark[0] in ",;:" and after and not after.isspace() and after.isascii():
        return None
    inside = depth > 0 and not any(char in _CLOSE for char in mark)
    if inside:
        return 0
    if rest.lstrip()[:1].islower() and (mark[-1] in _CLOSERS or mark[0] in "…." and len(mark) + ("…" in mark) > 1):
        return 1
    return 2 if mark[0] in "。！？!?…～~." else 1


def _abbreviated(before: str, rest: str) -> bool:
    found = _ABBREVIATION.search(before)
    if not found or not rest.strip():
        return False
    goes_on = rest.strip()[:1].isdigit() or rest.strip()[:1].islower() and _MEASURED.search(before)
    return found.group().lower() not in _BOTH or bool(goes_on)


def _cuts(text: str, begin: int, end: int) -> list[_Cut]:
    """Every permitted cut of ``text[begin:end]``, the last one at ``end``."""
    protected = sorted(m.span() for pattern in (TAG, _ADDRESS) for m in pattern.finditer(text, begin, end))
    starts = [start for start, _ in protected]
    found: dict[int, int] = {}
    depth = 0
    at = begin
    for match in _MARK.finditer(text, begin, end):
        for char in text[at : match.end()]:
            depth = max(0, depth + (char in _OPEN) - (char in _CLOSE))
        at = match.end()
        holder = bisect_right(starts, match.end() - 1) - 1
        if holder >= 0 and match.end() < protected[holder][1]:
            continue
        if match.group()[0] == "\n":
            depth = 0
        strength = _strength(text, match, depth)
        if strength is not None:
            found[match.end()] = strength
    found[end] = 3
    return [_Cut(place, strength) for place, strength in sorted(found.items())]


def _hard(text: str, begin: int, end: int, longest: int) -> list[tuple[int, int]]:
    """Cuts a stretch without usable marks at spaces, or else between words."""
    parts = []
    start = begin
    total = 0
    space = -1
    i = begin
    while i < end:
        total += _weight(text[i])
        if text[i].isspace() and not (text[i - 1 : i].isdigit() and text[i + 1 : i + 2].isdigit()):
            space = i + 1
        if total > longest and i > start:
            space = breath(text, start, i) or max(space, zh_breath.breath(text, start, i) or 0)
            run = "!" <= text[i - 1] <= "~" and "!" <= text[i] <= "~"
            cut = space if space > start else _before_number(text, start, i)
            if run and space <= start and total < 2 * longest:
                i += 1
                continue
            parts.append((start, cut))
            start = i = cut
            total, space = 0, -1
            continue
        i += 1
    parts.append((start, end))
    return parts


_NUMBER = re.compile(r"\d[\d年月日.:,/ -]*$")


def _before_number(text: str, start: int, at: int) -> int:
    """``at``, or the beginning of the number or the date that lies across it."""
    found = _NUMBER.search(text, start, at) if text[at].isdigit() or text[at] in "年月日号时点分秒元%℃.: " else None
    return found.start() if found and found.start() > start else at


def _pack(text: str, weigh: _Weights, begin: int, cuts: list[_Cut], longest: int) -> list[tuple[int, int]]:
    """Pieces of one sentence that is too long: as few as possible, at its strongest inner cuts."""
    strengths = sorted({cut.strength for cut in cuts}, reverse=True)
    end = cuts[-1].at
    for least in strengths:
        places = [cut.at for cut in cuts if cut.strength >= least]
        spans = list(zip([begin, *places[:-1]], places, strict=True))
        if len(spans) > 1 and (least == strengths[-1] or all(weigh(a, b) <= longest for a, b in spans)):
            break
    else:
        return _hard(text, begin, end, longest)
    packed: list[tuple[int, int]] = []
    for a, b in spans:
        if packed and weigh(packed[-1][0], b) <= longest:
            packed[-1] = (packed[-1][0], b)
        elif weigh(a, b) > longest:
            packed += _hard(text, a, b, longest)
        else:
            packed.append((a, b))
    return packed


def _sentences(text: str, weigh: _Weights, begin: int, end: int, longest: int) -> list[list[tuple[int, int]]]:
    """Pieces per paragraph, no piece over ``longest`` where the text allows it."""
    paragraphs: list[list[tuple[int, int]]] = [[]]
    start = begin
    held: list[_Cut] = []
    for cut in _cuts(text, begin, end):
        held.append(cut)
        if cut.strength < 2:
            continue
        whole = weigh(start, cut.at) <= longest
        paragraphs[-1] += [(start, cut.at)] if whole else _pack(text, weigh, start, held, longest)
        start, held = cut.at, []
        if cut.strength == 3:
            paragraphs.append([])
    return paragraphs


def _join_short(weigh: _Weights, spans: list[tuple[int, int]], shortest: int, longest: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        if joined:
            before, here = weigh(*joined[-1]), weigh(begin, end)
            if (before < shortest or here < shortest) and before + here <= max(longest, 2 * shortest):
                joined[-1] = (joined[-1][0], end)
                continue
        joined.append((begin, end))
    return joined


def _parts(text: str) -> list[tuple[int, int, float | None, float]]:
    """(start, end, pause after, speed) of the stretches between pause tags and around speed tags."""
    parts: list[tuple[int, int, float | None, float]] = []
    at = 0
    for tag in TAG.finditer(text):
        pause, speed = pause_of(tag), speed_of(tag)
        if pause is not None:
            parts.append((at, tag.start(), pause, 1.0))
        elif speed is not None:
            parts.append((at, tag.start(), None, 1.0))
            parts.append((*tag.span("text"), None, speed))
        else:
            continue
        at = tag.end()
    return [*parts, (at, len(text), None, 1.0)]


def split_text(
    text: str,
    language: str = "auto",
    *,
    shortest: int = 12,
    longest: int = 120,
    numbers: str = "zh",
    first: int = 0,
    cut: str = "",
) -> list[Piece]:
    """Pieces of about ``shortest`` to ``longest`` phones, in order; stretches with nothing to speak are left out.

    Every letter and digit of ``text`` that is spoken (see ``documents``) lies in exactly one piece. ``numbers``: the
    language of a text that has nothing but numbers and formulas. ``first``: where several sentences come, the first
    piece ends at a clause's mark before so many phones, so that something is heard soon. ``cut``: cut as upstream does
    instead, by one of its methods (``cuts``).
    """
    source = clean(Tracked.of(text))
    if cut:
        source = cuts.prepared(source, language)
    weigh = _Weights(source.text)
    placed: list[_Placed] = []
    for begin, end, pause, speed in _parts(source.text):
        spans = (
            cuts.cut(source.text, begin, end, cut)
            if cut
            else [
                span
                for paragraph in _sentences(source.text, weigh, begin, end, longest)
                for span in _join_short(weigh, paragraph, shortest, longest)
            ]
        )
        bodies = [body for span in spans if (body := _trimmed(source.text, *span))]
        spans = bodies if cut else _join_numbers(source.text, weigh, bodies, longest)
        found = [(span, _piece(text, source, *span, speed)) for span in spans]
        tagged = found or placed
        if pause is not None and tagged:
            tagged[-1] = (tagged[-1][0], replace(tagged[-1][1], pause=(tagged[-1][1].pause or 0.0) + pause))
        if first and found and not placed and not cut:
            found = _soon(text, source, weigh, found, (shortest, first))
        placed += found
    return _with_numbers(with_rests(source, placed), numbers)


def _soon(text: str, source: Tracked, weigh: _Weights, found: list[_Placed], sizes: tuple[int, int]) -> list[_Placed]:
    """The pieces, the first of which is cut at the last clause's mark within ``sizes`` phones, if it has one."""
    (start, end), piece = found[0]
    shortest, longest = sizes
    if len(found) < 2 or weigh(start, end) <= longest:
        return found
    marks = [
        cut.at
        for cut in _cuts(source.text, start, end)
        if cut.strength and shortest <= weigh(cut.at, end) and _alike(source.text, start, cut.at, end)
    ]
    fitting = [at for at in marks if shortest <= weigh(start, at) <= longest]
    if not fitting:
        return found
    halves = [_trimmed(source.text, start, fitting[-1]), _trimmed(source.text, fitting[-1], end)]
    return [(half, _piece(text, source, *half, piece.speed)) for half in halves if half] + found[1:]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The stretch without spaces around it; None when nothing in it is spoken."""
    body = text[start:end].strip()
    if not any(char.isalnum() for char in body):
        return None
    start += text[start:end].index(body)
    return start, start + len(body)


def _piece(text: str, source: Tracked, start: int, end: int, speed: float) -> Piece:
    plain = _whole(source.slice(start, end))
    first, last = min(plain.starts), max(plain.ends)
    before = text[source.ends[start - 1] if start else 0 : first]  # markup that opens or closes on these lines
    behind = text[last : source.starts[end] if end < len(source) else len(text)]
    first -= len(before.rpartition("\n")[2].lstrip()) if start == 0 or source.text[start - 1].isspace() else 0
    last += len(behind.partition("\n")[0].rstrip()) if end == len(source) or source.text[end].isspace() else 0
    plain = Tracked(plain.text, tuple(at - first for at in plain.starts), tuple(at - first for at in plain.ends))
    return Piece(text[first:last], first, last, None, speed, plain=plain)


def _whole(plain: Tracked) -> Tracked:
    """A piece as it is read alone: what begins it may be a list's mark that stood inside a line."""
    again = clean(plain)
    return again if any(char.isalnum() for char in again.text) else plain


def _alike(text: str, start: int, at: int, end: int) -> bool:
    """Whether both halves have words, of one language: what is cut apart is read as it would be whole."""
    apart = _wordless(text, start, at) or _wordless(text, at, end)
    han = [bool(_HAN.search(text, *half)) for half in ((start, at), (at, end))]
    return not apart and han[0] == han[1] and _tongue(text[start:at]) == _tongue(text[at:end])


def _wordless(text: str, start: int, end: int) -> bool:
    return not any(char.isalpha() for char in text[start:end])


def _join_numbers(text: str, weigh: _Weights, spans: list[tuple[int, int]], longest: int) -> list[tuple[int, int]]:
    """A stretch without a word (12, $5.99) joins what follows it, else what stands before: they tell its language."""
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        before = joined[-1] if joined else None
        if before and _wordless(text, *before) and weigh(before[0], end) <= 2 * longest:
            joined[-1] = (before[0], end)
        else:
            joined.append((begin, end))
    if len(joined) > 1 and _wordless(text, *joined[-1]) and weigh(joined[-2][0], joined[-1][1]) <= 2 * longest:
        joined[-2:] = [(joined[-2][0], joined[-1][1])]
    return joined


def _with_numbers(pieces: list[Piece], numbers: str) -> list[Piece]:
    """Each piece with the language of the words nearest before it, or else after it."""
    told = [_tongue(piece.text if piece.plain is None else piece.plain.text) for piece in pieces]
    first = next((tongue for tongue in told if tongue), numbers)
    out = []
    for piece, tongue in zip(pieces, told, strict=True):
        first = tongue or first
        out.append(replace(piece, numbers=first))
    return out


def _tongue(text: str) -> str:
    """en or zh by the letters of a piece; those of a formula tell nothing; "" when it has none."""
    text = without_formulas(text)
    latin = sum(char.isascii() and char.isalpha() for char in text)
    han = sum("㐀" <= char <= "鿿" for char in text)
    return "" if not latin and not han else "zh" if 3 * han > latin else "en"
