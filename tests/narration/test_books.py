"""Every kind of document that people have becomes the same chapters and paragraphs; hostile ones are one sentence."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import docx
import pytest

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.narration import books
from gpt_sovits.narration.books import Book, read_book, speakers

CONTAINER = '<container xmlns="urn:x"><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
PACKAGE = """<package xmlns="urn:opf" xmlns:dc="urn:dc"><metadata><dc:title>The Book</dc:title><dc:creator>A. Writer
</dc:creator></metadata><manifest><item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="a" href="one%20page.xhtml" media-type="application/xhtml+xml"/><item id="b" href="two.xhtml"
media-type="application/xhtml+xml"/><item id="c" href="c.jpg" media-type="image/jpeg" properties="cover-image"/>
</manifest><spine><itemref idref="n"/><itemref idref="b"/><itemref idref="a"/></spine></package>"""
PAGE = "<!DOCTYPE html><html><head><title>x</title><style>p{{}}</style></head><body><h1>{}</h1><p>{}</p></body></html>"


def said(book: Book) -> list[tuple[str, list[str]]]:
    return [(chapter.title, [each.text for each in chapter.paragraphs]) for chapter in book.chapters]


def epub(path: Path, package: str = PACKAGE) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("META-INF/container.xml", CONTAINER)
        out.writestr("OPS/book.opf", package)
        out.writestr("OPS/nav.xhtml", PAGE.format("Contents", "not read"))
        out.writestr("OPS/one page.xhtml", PAGE.format("Last", "It ended &amp; was&nbsp;good.<br/>Yes."))
        out.writestr("OPS/two.xhtml", PAGE.format("First", "It <i>began</i>.<script>alert(1)</script>"))
        out.writestr("OPS/c.jpg", b"\xff\xd8\xffpicture")
    return path


def test_markdown_text_and_html(tmp_path: Path) -> None:
    wanted = [("One", ["One", "It began.\nAt night.", "Anna: Who?"]), ("Two", ["Two", "It ended."])]
    md, txt, html = (tmp_path / f"x.{kind}" for kind in ("md", "txt", "html"))
    md.write_text("# One\nIt began.\nAt night.\n\nAnna: Who?\n\nTwo\n---\n\n***\n\nIt ended.\n")
    assert said(read_book(md)) == wanted
    txt.write_bytes("Chapter One\r\n\r\nIt began.\r\n\r\nchapter 2: The end\r\n\r\nIt ended.".encode("utf-16"))
    assert [title for title, _ in said(read_book(txt))] == ["Chapter One", "chapter 2: The end"]
    txt.write_bytes("第一章 开始\n\n天亮了。\n\n第二课\n\n天黑了。".encode("gb18030"))
    assert said(read_book(txt)) == [("第一章 开始", ["第一章 开始", "天亮了。"]), ("第二课", ["第二课", "天黑了。"])]
    html.write_text("<h1>One</h1><p>It began.<p>Anna: Who?<h2>Two</h2><div>It ended.</div>")
    assert said(read_book(html)) == [("One", ["One", "It began.", "Anna: Who?"]), ("Two", ["Two", "It ended."])]


@pytest.mark.parametrize(
    "data",
    [
        "It’s a dog’s “life”.".encode("cp1252"),
        "The naïve girl".encode("latin-1"),
        "こんにちは世界".encode("shift-jis"),
        "Привет, мир".encode("koi8-r"),
        "繁體中文的文字今天天氣很好".encode("big5"),
        "Hello".encode("utf-32"),
        "Hello".encode("utf-16-le"),
        b"PK\3\4\0\0\0",
    ],
)
def test_no_other_coding_is_taken_for_chinese(data: bytes) -> None:
    with pytest.raises(InputError, match="UTF-8"):
        books.decoded(Path("x"), data)
    for text in ("讓我們試試看這個說法", "价格是€5，朱镕基说😀", "天"):
        assert books.decoded(Path("x"), text.encode("gb18030")) == text


def test_roles_are_those_that_were_named(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text("Anna: Who is there?\n\nanna：又是谁？\n\nNote: nobody.\n\nIt was 10:30.")
    roles = [(each.role, each.text) for each in read_book(path, ["Anna"]).chapters[0].paragraphs]
    assert roles == [("Anna", "Who is there?"), ("Anna", "又是谁？"), ("", "Note: nobody."), ("", "It was 10:30.")]


def test_a_script_as_people_write_it(tmp_path: Path) -> None:
    script = (
        "---\ntitle: 'Two Cups'\nauthor: Rosa\ntags:\n  - news\n---\n\n"
        "**Rosa:** It's 7:30.\n[music]\nTIM (laughing): Hi!\n\n"
        "[pause 2]\n\n[Illustration: a tram]\n\nTim：Hello."
    )
    (tmp_path / "show.md").write_text(script)
    book = read_book(tmp_path / "show.md", ["Rosa", "Tim"])
    assert (book.title, book.author, book.left_out) == ("Two Cups", "Rosa", ["[music]", "[Illustration: a tram]"])
    said = [(each.role, each.text) for chapter in book.chapters for each in chapter.paragraphs]
    assert said == [("Rosa", "It's 7:30."), ("Tim", "Hi!\n[pause 2]"), ("Tim", "Hello.")]
    assert speakers(read_book(tmp_path / "show.md")) == {"TIM": 2, "Rosa": 1}
    silent = ["<!-- cut\n\nthis -->", "![](cup.png)", "<br>", "&nbsp;", "[1]: https://example.org", "</div>"]
    (tmp_path / "show.md").write_text("# Bread\n\n" + "\n\n".join(silent) + "\n\nTim: Hello.")
    kept = [each.text for each in read_book(tmp_path / "show.md", ["Tim"]).chapters[0].paragraphs]
    assert kept == ["Bread", "Hello."], "what nobody says stops no narration"
    (tmp_path / "show.md").write_text("# Episode 12: Bread\n\nTim: Hello.")
    assert speakers(read_book(tmp_path / "show.md")) == {"Tim": 1}, "a heading is nobody's"
    (tmp_path / "show.md").write_text("---\n\nIt was night.\n\n---\n\n# The only one\n\nMorning.")
    book = read_book(tmp_path / "show.md")
    assert book.title == "The only one" and book.chapters[0].paragraphs[0].text == "It was night."
    (tmp_path / "show.md").write_text("Run\n~~~sh\n# all\n\n```\nls\n~~~\nthis.\n\n```\nOpen to the end.")
    book = read_book(tmp_path / "show.md")
    assert [each.text for each in book.chapters[0].paragraphs] == ["Run", "this.", "```\nOpen to the end."]
    assert book.left_out == ["~~~sh\n# all\n\n```\nls\n~~~"], "code is not read aloud"


def test_word_and_epub(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_heading("One", 1)
    made.add_paragraph("It began.").add_run(" At night.").bold = True
    made.add_heading("Two", 2)
    made.add_paragraph("It ended.")
    made.save(str(tmp_path / "x.docx"))
    assert said(read_book(tmp_path / "x.docx")) == [
        ("One", ["One", "It began. At night."]),
        ("Two", ["Two", "It ended."]),
    ]
    book = read_book(epub(tmp_path / "x.epub"))
    assert (book.title, book.author, book.cover[:3]) == ("The Book", "A. Writer", b"\xff\xd8\xff")
    assert said(book) == [("First", ["First", "It began."]), ("Last", ["Last", "It ended & was good.", "Yes."])]


def test_subtitles_keep_their_times(tmp_path: Path) -> None:
    path = tmp_path / "x.srt"
    path.write_text(
        "1\n00:00:01,500 --> 00:00:02,000\nOne <i>line</i>\nand more.\n\n2\n01:00:03,25 --> 01:00:04,000\n二。\n"
    )
    cues = read_book(path).chapters[0].paragraphs
    assert [(each.at, each.text) for each in cues] == [(1.5, "One line and more."), (3603.25, "二。")]
    path = tmp_path / "x.vtt"
    path.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n")
    assert [each.at for each in read_book(path).chapters[0].paragraphs] == [1.0]


def test_what_is_no_document_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><package>&b;</package>'
    for name, data in {
        "a.docx": b"no zip",
        "b.epub": b"PK\x03\x04",
        "c.exe": b"MZ",
        "d.txt": b"   \n\n ... \n",
        "e.srt": b"no cue",
        "f.md": b"\xff\xfe\xff",
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError):
            read_book(tmp_path / name)
    for name, package in (("bomb.epub", bomb), ("bare.epub", "")):
        with pytest.raises(InputError):
            read_book(epub(tmp_path / name, package))
    with zipfile.ZipFile(tmp_path / "lost.epub", "w") as out:
        out.writestr("META-INF/container.xml", "<container/>")
    with pytest.raises(InputError):
        read_book(tmp_path / "lost.epub")
    with zipfile.ZipFile(tmp_path / "big.docx", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("word/document.xml", b" " * 2**20)
    monkeypatch.setattr(books, "MAX_TEXT", 2**19)
    with pytest.raises(InputError, match="too large"):
        read_book(tmp_path / "big.docx")
    with pytest.raises(InputError, match="what none needs"):
        books._xml(bomb.encode("utf-16"))
    monkeypatch.setattr(books, "MOST_TAGS", 1000)
    with pytest.raises(InputError, match="too large"):
        books._xml(b"<p>" * 1001)
    with pytest.raises(MissingError):
        read_book(tmp_path / "nothing.txt")


def test_no_document_takes_longer_than_its_length_allows(tmp_path: Path) -> None:
    """What is opened and never closed, runs of spaces, one endless paragraph, text boxes in text boxes."""
    inner = "<w:p><w:r><w:t>a</w:t></w:r>" * 8_000 + "</w:p>" * 8_000
    document = io.BytesIO()
    with zipfile.ZipFile(document, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("word/document.xml", f'<w:d xmlns:w="{books._WORD[1:-1]}">{inner}</w:d>')
    hard = {
        "box.docx": document.getvalue(),
        "open.html": b"<p>Hi.</p>" + b"<!-- > <![CDATA[ <![foo[ <? </a <a b='" * 3_000,
        "open.md": b"Hi.\n" + b"<!--" * 30_000,
        "wide.md": b"---\ntitle: " + b'" ' * 20_000 + b"x\n---\n# a" + b" #" * 20_000 + b"b\n\nHi.",
        "name.txt": b"A" + b" " * 30_000 + b"x",
        "log.txt": b"It was a line.\n" * 8_000,
        "away.txt": b"Hi.\n" + b"".join(b"[a%d]\n" % number for number in range(8_000)),
        "pause.txt": b"Hi.\n\n" + b"[pause 1]\n\n" * 8_000,
    }
    for name, data in hard.items():
        began = time.process_time()
        (tmp_path / name).write_bytes(data)
        assert speakers(read_book(tmp_path / name, ["Anna"])) is not None
        assert time.process_time() - began < 5.0, name
