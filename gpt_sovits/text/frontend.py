"""Text -> one phone sequence: markup and word list, runs of language, each normalised and read, joined in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gpt_sovits.errors import InputError
from gpt_sovits.text import ja
from gpt_sovits.text.documents import clean
from gpt_sovits.text.lexicon import Lexicon
from gpt_sovits.text.markup import Marked, Region, parse_markup
from gpt_sovits.text.readers import How, Read, read_around, read_en, read_ja, read_ko, read_yue, read_zh
from gpt_sovits.text.segment import Run, in_formula, runs_for
from gpt_sovits.text.split import split_text
from gpt_sovits.text.symbols import SymbolTable, symbols
from gpt_sovits.text.tracked import Tracked
from gpt_sovits.text.types import Phones, Piece, PolyphoneModel, Reading, Span
from gpt_sovits.versions import FIRST_PHONES, PHONES

MINIMUM = 6
FIRST = 60  # phones of the first piece of several: it is heard soon
_SILENT = Read("", [","], None, [])


@dataclass(frozen=True)
class _Job:
    """Plain text (with its places in the original), what is forced on it, and how to read it."""

    source: Tracked
    original: str
    regions: tuple[Region, ...]
    how: How
    notices: tuple[tuple[int, int, str], ...] = ()
    stressed: tuple[tuple[int, int], ...] = ()

    def start(self, at: int) -> int:
        """Original place of the plain character ``at``."""
        starts = self.source.starts
        return starts[at] if at < len(starts) else len(self.original)

    def end(self, at: int) -> int:
        """Original place after the plain characters up to ``at``."""
        return self.source.ends[at - 1] if at else self.start(0)


def _read_run(run: Run, job: _Job) -> Read:
    part = job.source.text[run.start : run.end]
    regions = _regions_of(run, job.regions)
    if run.language == "en":
        return read_en(part, run.start, job.how, regions)
    if run.language == "zh":
        beside = (_letters_before(job.source.text, run.start), _letters_after(job.source.text, run.end))
        return read_zh(part, run.start, job.how, regions, beside)
    others: dict[str, Callable[[str, int], Read]] = {}
    if job.how.version != FIRST_PHONES:
        others = {"yue": read_yue, "ko": lambda text, start: read_ko(text, start, job.how)}
    if run.language == "ja" and ja.available():
        others["ja"] = lambda text, start: read_ja(text, start, job.how)
    if run.language in others:
        return read_around(part, run.start, run.language, regions, others[run.language])
    return _SILENT


_PLATE = re.compile(r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·.]?[A-Z0-9]{0,5}$")


def _letters_before(text: str, at: int) -> str:
    """Up to eight Latin letters that end at ``at`` (a space between counts): they say what a number is."""
    found = re.search(r"[A-Za-z]{1,8} ?[(（]?$", text[max(0, at - 10) : at])
    if found is None:
        return ""
    if in_formula(text, at):
        return "∑" + found.group()
    return ("№" if _PLATE.search(text[max(0, at - 9) : at]) else "") + found.group()


def _letters_after(text: str, at: int) -> str:
    found = re.match(r" ?[A-Za-z]{1,8}", text[at : at + 9])
    if found is None:
        return ""
    return "vs" if re.match(r"[vV]\d", text[at : at + 2]) else found.group()  # 1v1 counts no volts


def _regions_of(run: Run, regions: tuple[Region, ...]) -> list[Region]:
    """What is forced inside ``run``: at one place the reading for its language, else the one for any language."""
    inside = [r for r in regions if run.start <= r.start and r.end <= run.end and r.language in ("", run.language)]
    own = {r.start for r in inside if r.language}
    return [r for r in inside if r.language or r.start not in own]


def _whole_regions(runs: list[Run], regions: tuple[Region, ...]) -> list[Run]:
    """Runs in which every region lies whole: one across a border is of its own language, or its first run's."""
    borders = {run.start: run.language for run in runs}
    for region in regions:
        inside = [at for at in borders if region.start < at < region.end]
        if inside:
            last = max(inside)
            after = borders[last]
            for at in inside:
                del borders[at]
            borders.setdefault(region.end, after)
            if region.language in {run.language for run in runs}:
                borders[region.start] = region.language
    size = runs[-1].end if runs else 0
    starts = sorted(at for at in borders if at < size)
    return [Run(borders[at], at, end) for at, end in zip(starts, [*starts[1:], size], strict=True)]


def _assemble(runs: list[Run], job: _Job, table: SymbolTable) -> Phones:
    runs = _whole_regions(runs, job.regions) if job.regions else runs
    job = replace(job, how=replace(job.how, alone=all(run.language == "en" for run in runs)))
    phones: list[str] = []
    spans: list[Span] = []
    readings: list[Reading] = []
    stressed: list[int] = []
    for run in runs:
        read = _read_run(run, job)
        start, end = job.start(run.start), job.end(run.end)
        counts = None if read.word2ph is None else tuple(read.word2ph)
        spans.append(
            Span(run.language, job.original[start:end], start, end, read.norm_text, len(phones), len(read.phones),
                 counts, tuple(read.neutral))
        )  # fmt: skip
        stressed += _stressed(read, len(phones), job)
        phones += read.phones
        readings += (_placed(r, job) for r in read.readings)
    readings = _said_once(readings)
    every = [span.word2ph for span in spans]
    joined = None if None in every else tuple(n for count in every if count is not None for n in count)
    norm_text = "".join(span.norm_text for span in spans)
    ids = table.encode(phones)
    return Phones(tuple(phones), ids, joined, norm_text, tuple(spans), tuple(readings), tuple(stressed))


def _stressed(read: Read, first: int, job: _Job) -> Iterator[int]:
    """Indices of the phones of a run that markup emphasises: whole words, single characters of Chinese ones."""
    at = 0
    for reading in read.readings if job.stressed else ():
        size = len(reading.phones)
        at = next((n for n in range(at, len(read.phones)) if tuple(read.phones[n : n + size]) == reading.phones), at)
        each = size // len(reading.text) if reading.language == "zh" and size % len(reading.text) == 0 else 0
        for n in range(size):
            start, end = (
                (reading.start + n // each, reading.start + n // each + 1) if each else (reading.start, reading.end)
            )
            if any(begin < end and start < over for begin, over in job.stressed):
                yield first + at + n
        at += size


def _placed(reading: Reading, job: _Job) -> Reading:
    """The reading at its place in the original, with what is to be said about it."""
    notice = next((text for a, b, text in job.notices if a < reading.end and reading.start < b), "")
    return replace(reading, start=job.start(reading.start), end=job.end(reading.end), notice=notice)


def _said_once(readings: list[Reading]) -> list[Reading]:
    """A notice stands at the first word that it is about."""
    before = ["", *(reading.notice for reading in readings)]
    return [
        replace(r, notice="") if r.notice and r.notice == last else r for last, r in zip(before, readings, strict=False)
    ]


def _require_installed(language: str) -> None:
    """A language that was asked for by name and is an extra must be installed; inside ``auto`` it stays silent."""
    if language in ("ja", "all_ja"):
        ja.require()


def _job(text: str, source: Tracked, lexicon: Lexicon | None, how: How) -> _Job:
    marked: Marked = parse_markup(source)
    regions = marked.regions
    if lexicon is not None:
        taken = [(region.start, region.end) for region in regions]
        regions = (*regions, *lexicon.find(marked.source.text, taken))
    return _Job(marked.source, text, regions, how, marked.notices, marked.stressed)


def phonemize_span(text: str, language: str, version: str = PHONES, *, polyphones: bool = True) -> Phones:
    """Phones of a text that is in one language throughout: no runs, no markup, no minimum length."""
    table = symbols(version)
    _require_installed(language)
    job = _Job(Tracked.of(text), text, (), How(table.version, polyphones))
    return _assemble([Run(language, 0, len(text))] if text else [], job, table)


def phonemize(
    text: str | Piece,
    language: str = "auto",
    version: str = PHONES,
    lexicon: Lexicon | None = None,
    *,
    polyphones: bool | PolyphoneModel = True,
    numbers: str = "zh",
) -> Phones:
    """Phones of one piece. Never raises on odd text: what cannot be spoken is left out.

    ``text``: a piece of ``split_text`` is read as its document shows it and ends with a mark; a string as it stands.
    ``language``: auto, zh, en, yue, ja, ko (with English words inside), auto_yue, or all_zh and the like.
    ``lexicon``: the person's own readings; markup in the text (see ``markup``) is stronger.
    ``polyphones`` False reproduces the reference frontend without its optional polyphone model; a model (see
    ``g2pw``) decides before our rules do. ``numbers``: the language of a string that holds nothing but numbers.
    """
    table = symbols(version)
    _require_installed(language)
    how = How(table.version, polyphones)
    codes = polyphones is not False
    if isinstance(text, Piece):
        numbers = text.numbers
        job = _job(text.text, ended(text), lexicon, how)
    else:
        job = _job(text, clean(Tracked.of(text)), lexicon, how)
    found = _assemble(runs_for(job.source.text, language, numbers, codes=codes), job, table)
    if len(found) >= MINIMUM or not job.source.text:
        return found
    return _assemble(runs_for(_headed(job).source.text, language, numbers, codes=codes), _headed(job), table)


def _headed(job: _Job) -> _Job:
    """Very short texts get a full stop in front: the networks need a few phones to start from."""
    mark = "。" if job.source.text.lstrip()[:1].isdigit() else "."
    place = (job.source.starts[0],)
    source = Tracked(mark + job.source.text, place + job.source.starts, place + job.source.ends)
    regions = tuple(replace(region, start=region.start + 1, end=region.end + 1) for region in job.regions)
    notices = tuple((start + 1, end + 1, notice) for start, end, notice in job.notices)
    stressed = tuple((start + 1, end + 1) for start, end in job.stressed)
    return replace(job, source=source, regions=regions, notices=notices, stressed=stressed)


_ENDED = re.compile(r"[。．.!?！？…,，;；:：、—~-][”’」』\"')）】\]]*$")
_HAN_LAST = re.compile(r"[一-鿿぀-ヿ][^A-Za-z]*$")


def ended(piece: Piece) -> Tracked:
    """The words of a piece, with a full stop where no mark ends them: it is spoken as a whole sentence.

    A piece that stops for a pause inside a sentence gets a comma, which keeps the voice up.
    """
    source = clean(Tracked.of(piece.text)) if piece.plain is None else piece.plain
    if not source.text or _ENDED.search(source.text[-20:]):
        return source
    chinese = bool(_HAN_LAST.search(source.text[-200:])) or piece.numbers != "en" and not _LETTER.search(source.text)
    mark = ("，" if chinese else ",") if piece.goes_on or piece.pause is not None else ("。" if chinese else ".")
    at = source.ends[-1]
    return Tracked(source.text + mark, (*source.starts, at), (*source.ends, at))


_LETTER = re.compile("[A-Za-z]")


def read_text(
    text: str,
    language: str = "auto",
    version: str = PHONES,
    lexicon: Lexicon | None = None,
    *,
    polyphones: bool | PolyphoneModel = True,
    numbers: str = "zh",
) -> Iterator[tuple[Piece, Phones]]:
    """A whole text piece by piece, each with its phones: what is shown and what is spoken is this.

    ``numbers``: the language of a text without a single word (that of the voice).
    """
    for piece in split_text(text, language, numbers=numbers, first=FIRST):
        said = phonemize(piece, language, version, lexicon, polyphones=polyphones)
        if said.ids:
            yield piece, said


def explain(
    text: str,
    language: str = "auto",
    version: str = PHONES,
    lexicon: Lexicon | None = None,
    *,
    polyphones: bool | PolyphoneModel = True,
    numbers: str = "zh",
) -> tuple[Reading, ...]:
    """How each word of a text will be read and why, without marks: the readings of ``read_text``."""
    readings: list[Reading] = []
    for piece, said in read_text(text, language, version, lexicon, polyphones=polyphones, numbers=numbers):
        for reading in said.readings:
            if reading.why != "mark" and reading.phones:
                start, end = reading.start + piece.start, reading.end + piece.start
                readings.append(replace(reading, start=start, end=end))
    return tuple(readings)


def speakable(text: str) -> bool:
    """Whether there is a letter, digit or character that could be spoken."""
    return any(char.isalnum() for char in parse_markup(clean(Tracked.of(text))).source.text)


def require_speakable(text: str) -> str:
    """``text`` itself, or an ``InputError`` where it is not ``speakable``."""
    if not speakable(text):
        raise InputError("There is nothing to speak in this text.", "Type at least one word, number or character.")
    return text
