"""One run of one language -> phones with readings. Offsets are places in the text that the run was cut from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gpt_sovits.text import en_g2p, en_normalize, ja, ko, yue, zh_g2p
from gpt_sovits.text.markup import Region
from gpt_sovits.text.reading import in_cantonese, in_chinese
from gpt_sovits.text.symbols import UNKNOWN, symbols
from gpt_sovits.text.tracked import Tracked
from gpt_sovits.text.types import PolyphoneModel, Reading
from gpt_sovits.versions import PHONES

_PAUSES = {"￥": "SP2", "^": "SP3"}
_HAN = re.compile("[一-龥]")
_EITHER = re.compile(r"(?<![\w./~:\\])([A-Za-z]{3,})/(?=[A-Za-z]{3,}(?![\w./(:]))")  # Linux/Windows in Chinese


@dataclass(frozen=True)
class How:
    """How a whole text is read: phone table version, context rules on or off, English standing alone or not."""

    version: str = PHONES
    polyphones: bool | PolyphoneModel = True
    alone: bool = True

    @property
    def ours(self) -> bool:
        """Whether our rules hold, not only those of the checkpoints' frontend."""
        return self.polyphones is not False


@dataclass
class Read:
    """One run, read."""

    norm_text: str
    phones: list[str]
    word2ph: list[int] | None
    readings: list[Reading]
    neutral: list[bool] = field(default_factory=list)


def _pause_symbol(text: str) -> tuple[str, str] | None:
    """The reference's pause notation: every ``^`` (or, beside it, ``￥``) makes all commas of the text long pauses."""
    if "^" in text and not re.search(r"(?:^|\d)\^-?\d", text) or re.search(r"￥(?!\s?\d)", text):
        mark = "￥" if "￥" in text else "^"
        return mark, _PAUSES[mark]
    return None


def _inside(norm: Tracked, region: Region) -> list[int]:
    return [
        i for i, (start, end) in enumerate(zip(norm.starts, norm.ends, strict=True))
        if region.start <= start and end <= region.end
    ]  # fmt: skip


def _with_all(
    source: Tracked, regions: Sequence[Region], normalize: Callable[[Tracked], Tracked], stand_in: str
) -> Tracked:
    """Normalised text in which every region has a character, even one that is all marks (``[→|=to]``)."""
    norm = normalize(source)
    lost = [r for r in regions if not any(norm.text[i].isalpha() for i in _inside(norm, r))]
    if not lost:
        return norm
    offset = source.starts[0]
    edits = [(r.start - offset, r.end - offset, stand_in) for r in sorted(lost, key=lambda region: region.start)]
    return normalize(source.replace_spans(edits))


def _why(text: str, start: int, end: int, offset: int, otherwise: str) -> str:
    return "number" if any(char.isdigit() for char in text[start - offset : end - offset]) else otherwise


def read_zh(
    text: str, start: int, how: How, regions: Sequence[Region] = (), beside: tuple[str, str] = ("", "")
) -> Read:
    """A Chinese run. Forced pinyin enters before the readings are chosen; forced phones replace them after.

    ``beside``: the Latin letters on either side, which are read elsewhere but tell what a number is.
    """
    pause = _pause_symbol(text)
    source = Tracked.of(text, start)
    if pause:
        source = source.map_chars({ord(pause[0]): ","})
    from gpt_sovits.text import zh_normalize  # late: an English text does not wait for its rules

    norm = _with_all(source, regions, lambda plain: zh_normalize.normalize(plain, beside, how.ours), "某")
    forced = dict.fromkeys(_labels(text, start, beside[0], norm), "yi1") if how.ours else {}
    instead: dict[int, tuple[str, ...]] = {}
    reasons: dict[int, str] = {}
    for region in regions:
        places = [i for i in _inside(norm, region) if _HAN.match(norm.text[i])]
        reasons.update(dict.fromkeys(places, region.why))
        if region.given.pinyin and len(region.given.pinyin) == len(places):
            forced.update(zip(places, region.given.pinyin, strict=True))
        elif places:
            instead.update(dict.fromkeys(places, ()))
            instead[places[0]] = in_chinese(region.given, text[region.start - start : region.end - start])
    found, counts, words = zh_g2p.g2p(norm.text, how.version, forced=forced, polyphones=how.polyphones)
    phones: list[str] = []
    word2ph: list[int] = []
    at = 0
    for i, count in enumerate(counts):
        here = list(instead.get(i, found[at : at + count]))
        at += count
        phones += [pause[1] if pause and phone == "," else phone for phone in here]
        word2ph.append(len(here))
    readings = []
    phone = 0
    for char, word, pinyin, why in _shares(words, reasons):
        size = len(word)
        count = sum(word2ph[char : char + size])
        first, last = min(norm.starts[char : char + size]), max(norm.ends[char : char + size])
        own = tuple(phones[phone : phone + count])
        given = any(i in instead for i in range(char, char + size))
        if why in ("markup", "lexicon"):
            word = text[first - start : last - start]
        elif pinyin:
            why = _why(text, first, last, start, why)
        spelled = " ".join(own if given else pinyin)
        readings.append(Reading(word, first, last, "zh", spelled or word, own, why))
        phone += count
    return Read(norm.text, phones, word2ph, readings, [i in reasons for i in range(len(norm.text))])


_LABEL = re.compile(r"(?<=[A-Za-z(（\[_])1(?![\d.:/%])")


def _labels(text: str, start: int, before: str, norm: Tracked) -> list[int]:
    """Where a 1 that numbers (lp(1), LVM1) stands in the normalised text: it keeps its tone, unlike a count."""
    places = {match.start() - len(before) + start for match in _LABEL.finditer(before + text)}
    return [i for i, at in enumerate(norm.starts) if at in places and norm.text[i] == "一"] if places else []


def _shares(words: Sequence[zh_g2p.Word], reasons: dict[int, str]) -> Iterator[tuple[int, str, tuple[str, ...], str]]:
    """(first character, text, pinyin, why) of every word, cut where a forced reading begins or ends."""
    at = 0
    for word in words:
        cuts = [i for i in range(1, len(word.text)) if reasons.get(at + i) != reasons.get(at + i - 1)]
        for begin, end in zip([0, *cuts], [*cuts, len(word.text)], strict=True):
            why = reasons.get(at + begin) or (word.why if word.pinyin else "mark")
            yield at + begin, word.text[begin:end], word.pinyin[begin:end], why
        at += len(word.text)


def read_yue(text: str, start: int) -> Read:
    """A Cantonese run."""
    norm = yue.normalize(Tracked.of(text, start))
    phones, word2ph, jyutping = yue.g2p(norm.text)
    readings = []
    at = 0
    for i, (char, count) in enumerate(zip(norm.text, word2ph, strict=True)):
        why = "dictionary" if jyutping[i] else "mark"
        own = tuple(phones[at : at + count])
        readings.append(Reading(char, norm.starts[i], norm.ends[i], "yue", jyutping[i] or char, own, why))
        at += count
    return Read(norm.text, phones, word2ph, readings)


def read_around(
    text: str, start: int, language: str, regions: Sequence[Region], read: Callable[[str, int], Read]
) -> Read:
    """A run whose reader knows no forced readings: they stand as they are between the stretches that it reads."""
    if not regions:
        return read(text, start)
    parts: list[Read] = []
    at = start
    for region in sorted(regions, key=lambda region: region.start):
        if region.start > at:
            parts.append(read(text[at - start : region.start - start], at))
        parts.append(_forced(text[region.start - start : region.end - start], region, language))
        at = region.end
    if at < start + len(text):
        parts.append(read(text[at - start :], at))
    counts = [part.word2ph for part in parts]
    return Read(
        "".join(part.norm_text for part in parts),
        [phone for part in parts for phone in part.phones],
        None if None in counts else [n for count in counts if count is not None for n in count],
        [reading for part in parts for reading in part.readings],
    )


def _forced(word: str, region: Region, language: str) -> Read:
    phones = in_cantonese(region.given) if language == "yue" else region.given.phones
    word2ph = [len(phones), *([0] * (len(word) - 1))] if language == "yue" else None
    reading = Reading(word, region.start, region.end, language, " ".join(phones), phones, region.why)
    return Read(word, list(phones), word2ph, [reading])


def read_ja(text: str, start: int, how: How) -> Read:
    """A Japanese run; needs the extra package."""
    norm = ja.normalize(Tracked.of(text, start))
    readings = []
    for first, last, found in ja.g2p(norm.text, how.version):
        spoken = norm.text[first:last]
        phones = tuple(phone if phone in symbols(how.version) else UNKNOWN for phone in found)
        why = "dictionary" if any(map(str.isalnum, spoken)) else "mark"
        place = (min(norm.starts[first:last]), max(norm.ends[first:last]))
        readings.append(Reading(spoken, *place, "ja", " ".join(found), phones, why))
    return Read(norm.text, [phone for reading in readings for phone in reading.phones], None, readings)


def read_ko(text: str, start: int, how: How) -> Read:
    """A Korean run."""
    norm = ko.normalize(Tracked.of(text, start))
    readings = []
    for i, (char, found) in enumerate(zip(norm.text, ko.g2p(norm.text), strict=True)):
        phones = tuple(phone for phone in found if phone in symbols(how.version))
        why = "rule" if char.isalnum() else "mark"
        readings.append(Reading(char, norm.starts[i], norm.ends[i], "ko", " ".join(phones), phones, why))
    return Read(norm.text, [phone for reading in readings for phone in reading.phones], None, readings)


def read_en(text: str, start: int, how: How, regions: Sequence[Region] = ()) -> Read:
    """An English run; the first word of a forced region carries its phones, the rest of the region is silent."""
    trained = not how.ours
    pauses = how.alone or how.ours

    def normalize(plain: Tracked) -> Tracked:
        return en_normalize.normalize(plain, pauses, trained)

    source = Tracked.of(text, start)
    if how.ours and not how.alone:
        source = source.sub(_EITHER, lambda match: f"{match[1]}, ")
    norm = _with_all(source, regions, normalize, " x ")
    words = en_g2p.read_words(norm.text, trained)
    readings = []
    spoken: set[int] = set()
    for word in words:
        first, last = min(norm.starts[word.start : word.end]), max(norm.ends[word.start : word.end])
        phones, why, shown = word.phones, word.why, word.text
        region = next((r for r in regions if r.start <= first and last <= r.end), None) if why != "mark" else None
        if region is not None:
            if region.start in spoken:
                continue
            spoken.add(region.start)
            phones, why, first, last = region.given.phones, region.why, region.start, region.end
            shown = text[first - start : last - start]
        elif why != "mark":
            why = _why(text, first, last, start, why)
        readings.append(Reading(shown, first, last, "en", " ".join(phones), phones, why))
    phones_all = en_g2p.pad([phone for reading in readings for phone in reading.phones], norm.text)
    return Read(norm.text, phones_all, None, readings)
