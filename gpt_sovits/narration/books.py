"""A document -> chapters of paragraphs, each with the role that says it. Reads txt, md, html, docx, epub, srt and vtt.

docx and epub are ZIP files of XML; what is read of them is bounded, and nothing in them can name a file or an address.
"""

from __future__ import annotations

import html.parser
import io
import posixpath
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import read_whole
from gpt_sovits.text.frontend import speakable
from gpt_sovits.text.tags import TAG

KINDS = ("txt", "md", "markdown", "html", "htm", "docx", "epub", "srt", "vtt")
MAX_FILE = 64 * 2**20  # bytes
MAX_TEXT = 32 * 2**20  # bytes of text in it, unpacked
MOST_TAGS = 1_000_000
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MD_HEADING = re.compile(r"(#{1,6})[ \t]+(.+)")
_TXT_HEADING = re.compile(
    r"(?:chapter|part|book|prologue|epilogue|preface|introduction)\b[^.!?]{0,80}|第[〇零一二三四五六七八九十百千\d]{1,9}[章回节课幕卷部].{0,60}",
    re.IGNORECASE,
)
_ROLE = re.compile(  # Anna: …, **Anna:** …, Anna (laughing): …
    r"[*_]{0,3}(?P<role>[^\W\d_][\w .'’·-]{0,39}?)[*_]{0,3}[ \t]{0,9}(?:[(（\[][^()（）\[\]\n]{0,60}[)）\]])?[*_]{0,3}"
    r"[ \t]{0,9}[:：][*_]{0,3}[ \t]*(?=\S)"
)
_FRONT = re.compile(r"---[ \t]*\n(?P<said>(?:(?:#|-[ \t]|[\w-]+[ \t]*:)[^\n]*\n|[ \t][^\n]*\n){0,60})---[ \t]*(?:\n|$)")
_NAMED = re.compile(r"^(title|author):(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)")
_DIRECTION = re.compile(r"\[[^\[\]]{1,200}\]")
_CUE = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d\d)[.,](\d{1,3})[ \t]*--+>")
Line = tuple[int, str]  # level of a heading, 0 for a paragraph; its text
_TOP = 2  # headings of these levels begin a chapter; lower ones are read as paragraphs


@dataclass(frozen=True)
class Paragraph:
    """``at``: seconds at which it should be heard (subtitles); ``role`` "" is the narrator."""

    text: str
    role: str = ""
    at: float | None = None


@dataclass
class Chapter:
    title: str
    paragraphs: list[Paragraph] = field(default_factory=list)


@dataclass
class Book:
    """``cover``: the picture that the document brings (epub), as a file's bytes.

    ``left_out``: lines that are no speech, as "[music]", and blocks of code.
    """

    title: str
    author: str
    chapters: list[Chapter]
    cover: bytes = b""
    left_out: list[str] = field(default_factory=list)


def read_book(path: Path, roles: Collection[str] = ()) -> Book:
    """Read a document. A paragraph that begins with one of ``roles`` and a colon is said by that role.

    ``MissingError``, or ``InputError`` for what is no such document, too large or empty.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in KINDS:
        raise InputError(f"A file of the kind {path.suffix!r} cannot be narrated.", f"Use one of: {', '.join(KINDS)}.")
    try:
        data = read_whole(path, MAX_FILE)
    except OSError as error:
        raise MissingError(f"There is no text file {path}.", "Check its name.") from error
    if kind in ("docx", "epub"):
        book = _zipped(path, data, _docx if kind == "docx" else _epub)
    elif kind in ("srt", "vtt"):
        book = Book("", "", [Chapter("", list(_cues(decoded(path, data))))])
    elif kind in ("html", "htm"):
        book = _book("", "", _html_lines(decoded(path, data)))
    elif kind in ("md", "markdown"):
        book = _markdown(decoded(path, data))
    else:
        book = Book("", "", _chapters(_plain_lines(decoded(path, data), markdown=False)))
    wanted = {role.casefold(): role for role in roles}
    for chapter in book.chapters:
        spoken = [_without_directions(each, book.left_out) for each in chapter.paragraphs]
        parts = [part for each in spoken if each.text.strip() for part in _by_role(each, wanted)]
        whole: list[tuple[Paragraph, list[str]]] = []
        for part in parts:
            if speakable(part.text):
                whole.append((part, [part.text]))
            elif whole and TAG.search(part.text):  # a pause alone in its line
                whole[-1][1].append(part.text)
        chapter.paragraphs = _joined(whole)
    book.chapters = [each for each in book.chapters if each.paragraphs]
    book.title = book.title or path.stem
    if not book.chapters:
        raise InputError(f"There is no text in {path.name}.", "Choose another file.")
    return book


def _book(title: str, author: str, lines: Iterable[Line]) -> Book:
    """A title that the document does not name is its heading of the first level, where it has one."""
    lines = list(lines)
    first = [text for level, text in lines if level == 1]
    return Book(title or (first[0] if len(first) == 1 else ""), author, _chapters(lines))


def _markdown(text: str) -> Book:
    """With the title and author that stand between "---" in front of it."""
    front = _FRONT.match(text)
    named = {key: said.strip(" \t\"'") for key, said in _NAMED.findall(front["said"])} if front else {}
    front = front if named else None
    text = text[front.end() if front else 0 :]
    closed = text.rfind("-->") + 3  # behind it every comment would be looked for to the end
    text = _COMMENT.sub("", text[:closed]) + text[closed:]
    code, text = _without_code(text)
    book = _book(named.get("title", "")[:200], named.get("author", "")[:200], _plain_lines(text, markdown=True))
    book.left_out += code
    return book


def _without_code(text: str) -> tuple[list[str], str]:
    """Blocks of code between fences, and the text without them; one that is never closed stays."""
    kept: list[str] = []
    block: list[str] = []
    code: list[str] = []
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line)
        if not block and not found:
            kept.append(line)
            continue
        block.append(line)
        if found and len(block) > 1 and not found[2].strip() and found[1].startswith(block[0].strip()[:3]):
            code.append("\n".join(block))
            block = []
            kept.append("")
    return code, "\n".join(kept + block)


def _without_directions(paragraph: Paragraph, left_out: list[str]) -> Paragraph:
    """The paragraph without lines like "[music]", which go into ``left_out``."""
    lines = paragraph.text.split("\n")
    found = [line for line in lines if _DIRECTION.fullmatch(line.strip()) and not TAG.search(line)]
    if not found:
        return paragraph
    left_out += map(str.strip, found)
    gone = set(found)
    return replace(paragraph, text="\n".join(line for line in lines if line not in gone))


def speakers(book: Book) -> dict[str, int]:
    """Who seems to speak in lines like "Anna: …", and in how many; a note ("Attention: …") may be among them."""
    found: dict[str, list[str]] = {}
    said = (each.text for chapter in book.chapters for each in chapter.paragraphs if each.text != chapter.title)
    for line in (line.strip() for text in said for line in text.split("\n")):
        if role := _ROLE.match(line):
            found.setdefault(role["role"].strip().casefold(), []).append(role["role"].strip())
    return {names[0]: len(names) for names in sorted(found.values(), key=len, reverse=True)}


def _by_role(paragraph: Paragraph, wanted: dict[str, str]) -> list[Paragraph]:
    """The paragraph, parted before each line that one of ``wanted`` says, and behind it where another name begins."""
    parts: list[tuple[Paragraph, list[str]]] = []
    for line in paragraph.text.split("\n"):
        found = _ROLE.match(line.strip()) if wanted else None
        role = wanted.get(found["role"].strip().casefold()) if found else None
        if found and role:
            said = line.strip()[found.end() :]
            parts.append((Paragraph("", role, None if parts else paragraph.at), [said]))
        elif found and parts and parts[-1][0].role:
            parts.append((Paragraph(""), [line]))
        elif parts:
            parts[-1][1].append(line)
        else:
            parts.append((paragraph, [line]))
    return _joined(parts)


def _joined(parts: Iterable[tuple[Paragraph, list[str]]]) -> list[Paragraph]:
    return [replace(part, text="\n".join(lines)) for part, lines in parts]


def decoded(path: Path, data: bytes) -> str:
    """A text in UTF-8, in UTF-16 with its mark, or in GB 18030. ``InputError`` for another.

    Nearly any bytes can be read as GB 18030: those of a Western or a Japanese text make characters that nobody writes.
    """
    for coding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030"):
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            continue
        foreign = re.sub(r"[\0-\x7f]", "", text) if coding == "gb18030" else ""
        usual = len(foreign.encode("gb2312", "ignore")) // 2
        if "\0" not in text and 4 * usual >= len(foreign) and not re.search(r"[\ue000-\uf8ff]", foreign):
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise InputError(f"The file {path.name} is not text in UTF-8.", "Save it as UTF-8 text.")


def _chapters(lines: Iterable[Line]) -> list[Chapter]:
    """A heading is said as the first paragraph of its chapter."""
    found = [Chapter("")]
    for level, text in lines:
        text = text.strip()
        if not any(map(str.isalnum, text)):
            continue
        if 0 < level <= _TOP:
            if len(found[-1].paragraphs) == 1 and found[-1].paragraphs[0].text == found[-1].title:
                found[-1].title += f" – {text}"  # a part and its first chapter
            else:
                found.append(Chapter(text))
        found[-1].paragraphs.append(Paragraph(text))
    return found


def _plain_lines(text: str, *, markdown: bool) -> Iterator[Line]:
    for block in re.split(r"\n[ \t]*\n", text):
        gathered: list[str] = []
        for line in block.strip("\n").split("\n"):
            heading = _MD_HEADING.fullmatch(line.strip()) if markdown else None
            if markdown and gathered and re.fullmatch(r"=+|-+", line.strip()) and len(gathered) == 1:
                yield 1 if "=" in line else 2, gathered.pop()
            elif heading:
                yield from [(0, "\n".join(gathered))] if gathered else []
                gathered = []
                yield len(heading[1]), heading[2].rstrip("#").rstrip()
            else:
                gathered.append(line)
        alone = len(gathered) == 1 and not markdown and _TXT_HEADING.fullmatch(gathered[0].strip())
        if gathered:
            yield (1 if alone else 0), "\n".join(gathered)


def _cues(text: str) -> Iterator[Paragraph]:
    for block in re.split(r"\n[ \t]*\n", text):
        lines = block.strip().split("\n")
        place = next((n for n, line in enumerate(lines) if _CUE.match(line.strip())), None)
        if place is None:
            continue
        hours, minutes, seconds, rest = (int(part or 0) for part in _CUE.match(lines[place].strip()).groups())  # type: ignore[union-attr]
        said = " ".join(re.sub(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}", "", line).strip() for line in lines[place + 1 :])
        fraction = rest / 10 ** len(str(_CUE.match(lines[place].strip())[4]))  # type: ignore[index]
        if any(map(str.isalnum, said)):
            yield Paragraph(said, "", hours * 3600 + minutes * 60 + seconds + fraction)


# ------------------------------------------------------------------------------------------------------------ markup


class _Html(html.parser.HTMLParser):
    """Text by blocks; scripts, styles and what stands only in the head are left out."""

    _BLOCKS = frozenset("p div li br tr h1 h2 h3 h4 h5 h6 blockquote section article dd dt figcaption hr td th".split())
    _SILENT = frozenset(("script", "style", "head", "nav", "rt", "rp", "template"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[Line] = []
        self._parts: list[str] = []
        self._level, self._silent = 0, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        if tag in self._BLOCKS:
            self.end()
            self._level = int(tag[1]) if tag[0] == "h" and tag[1:].isdigit() else 0

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in self._BLOCKS:
            self.end()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(data)

    def end(self) -> None:
        text = " ".join("".join(self._parts).split())
        if text:
            self.lines.append((self._level, text))
        self._parts, self._level = [], 0


def _html_lines(text: str) -> list[Line]:
    parser = _Html()
    parser.feed(_closed(text))
    parser.close()
    parser.end()
    return parser.lines


def _closed(text: str) -> str:
    """HTML that opens nothing without closing it: Python's reader looks for each end through all of the rest."""
    text = text.replace("<![CDATA[", "").replace("]]>", "").replace("<![", "<!")  # of others it makes an AssertionError
    for end, opened, instead in (("-->", "<!--", ""), (">", "<", "&lt;")):
        at = text.rfind(end) + len(end)
        text = text[:at] + text[at:].replace(opened, instead)
    return text


def _xml(data: bytes) -> ElementTree.Element:
    if b"<!ENTITY" in data.replace(b"\0", b""):  # nothing that a document needs, in UTF-16 neither
        raise InputError("The document holds what none needs.", "Save it again as text.")
    if data.count(b"<") > MOST_TAGS:  # each takes some 300 bytes of memory
        raise InputError("The document is too large.", "Narrate it in parts.")
    return ElementTree.fromstring(data)


class _Zip:
    """Members of a ZIP file, together within ``MAX_TEXT``."""

    def __init__(self, data: bytes) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._left = MAX_TEXT

    def read(self, name: str) -> bytes:
        with self._zip.open(name) as member:
            data = member.read(self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise InputError("The document is too large.", "Narrate it in parts.")
        return data


def _zipped(path: Path, data: bytes, read: object) -> Book:
    try:
        return read(_Zip(data))  # type: ignore[operator,no-any-return]
    except (
        zipfile.BadZipFile,
        KeyError,
        ElementTree.ParseError,
        NotImplementedError,
        RuntimeError,
        StopIteration,
        ValueError,
    ) as error:
        raise InputError(f"The file {path.name} is damaged or of another kind.", "Save it again.") from error
    except (OSError, EOFError) as error:
        raise InputError(f"The file {path.name} is damaged or of another kind.", "Save it again.") from error


def _docx(found: _Zip) -> Book:
    lines: list[Line] = []
    for paragraph, text in _word_paragraphs(_xml(found.read("word/document.xml"))):
        style = paragraph.find(f"{_WORD}pPr/{_WORD}pStyle")
        named = "" if style is None else style.get(f"{_WORD}val", "")
        level = re.fullmatch(r"(?:Heading|Title|标题|berschrift|\D{0,3})\s?(\d?)", named)
        heading = level is not None and bool(named) and (named == "Title" or bool(level[1]))
        lines.append((int(level[1] or 1) if heading and level else 0, text))
    return Book("", "", _chapters(lines))


def _word_paragraphs(root: ElementTree.Element) -> list[tuple[ElementTree.Element, str]]:
    """Each paragraph with its text; that of one inside of it, as in a text box, is the inner one's alone."""
    found: list[tuple[ElementTree.Element, list[str]]] = []
    waiting: list[tuple[ElementTree.Element, list[str]]] = [(root, [])]
    while waiting:
        part, text = waiting.pop()
        kind = part.tag.removeprefix(_WORD)
        if kind == "p":
            text = []
            found.append((part, text))
        elif kind in ("t", "br", "cr", "tab"):
            text.append((part.text or "") if kind == "t" else " " if kind == "tab" else "\n")
        waiting += [(each, text) for each in reversed(part)]
    return [(paragraph, "".join(text)) for paragraph, text in found]


def _epub(found: _Zip) -> Book:
    """The spine in its order; titles are the headings of the pages."""
    root = next(
        each.get("full-path", "")
        for each in _xml(found.read("META-INF/container.xml")).iter()
        if each.tag.endswith("}rootfile")
    )
    package = _xml(found.read(root))
    items = {each.get("id", ""): each for each in package.iter() if each.tag.endswith("}item")}
    chapters: list[Chapter] = []
    for each in package.iter():
        if each.tag.endswith("}itemref") and each.get("idref", "") in items and each.get("linear") != "no":
            item = items[each.get("idref", "")]
            if item.get("media-type") == "application/xhtml+xml" and "nav" not in (item.get("properties") or ""):
                page = found.read(_place(root, item.get("href", ""))).decode("utf-8-sig", "replace")
                chapters += _chapters(_html_lines(page))
    cover = next((i for i in items.values() if "cover-image" in (i.get("properties") or "")), None)
    return Book(
        _said(package, "title"),
        _said(package, "creator"),
        chapters,
        b"" if cover is None else found.read(_place(root, cover.get("href", ""))),
    )


def _place(root: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(root), unquote(href.partition("#")[0])))


def _said(package: ElementTree.Element, name: str) -> str:
    found = next((each.text for each in package.iter() if each.tag.endswith(f"}}{name}")), None)
    return " ".join((found or "").split())[:200]
