"""``gpt_sovits narrate``: a book from a text file, which goes on where it was stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Option

from gpt_sovits.cli.commands import Json, Language, Seed, Unlock, command, group
from gpt_sovits.cli.terminal import open_voice, progress, show_rows
from gpt_sovits.cli.texts import doubt_said
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.services.session import Session
from gpt_sovits.voices.ids import is_id

if TYPE_CHECKING:
    from gpt_sovits.services.narration import Project

MOST_TOLD = 50  # sentences in doubt
app = group("list, delete or bring back the narrations that the page keeps; `narrate ID` goes on with one")
Book = Annotated[str, Argument(help="its id")]


def _role(text: str) -> tuple[str, str]:
    role, _, voice = text.partition("=")
    if not role.strip() or not voice.strip():
        raise BadParameter("write it as NAME=VOICE")
    return role.strip(), voice.strip()


def narrate(
    session: Session,
    book: Annotated[Path, Argument(help="the text file, or the folder or id of a narration that was begun")],
    voice: Annotated[str, Option(help="name or id of the voice that reads")] = "",
    role: Annotated[list[str] | None, Option(metavar="NAME=VOICE", help="who says 'Name: …'")] = None,
    project: Annotated[Path | None, Option(help="folder of the narration (default: BOOK.narration beside it)")] = None,
    out: Annotated[Path | None, Option(help="m4b, m4a, mp3, flac or wav file")] = None,
    subtitles: Annotated[Path | None, Option(help="write an .srt or .vtt file too")] = None,
    cover: Annotated[Path | None, Option(help="JPEG or PNG picture")] = None,
    title: Annotated[str, Option(help="default: the document's")] = "",
    author: Annotated[str, Option(help="default: the document's")] = "",
    language: Language = "auto",
    speed: Annotated[float, Option(help="0.5 to 2")] = 1.0,
    seed: Seed = None,
    list_: Annotated[bool, Option("--list", help="show the sentences, their takes, and what is in doubt")] = False,
    redo: Annotated[
        list[str] | None,
        Option(metavar="N...", help="say these sentences once more; doubted: those that may be wrong"),
    ] = None,
    edit: Annotated[tuple[str, str] | None, Option(metavar="N TEXT", help="let a sentence say something else")] = None,
    choose: Annotated[tuple[str, str] | None, Option(metavar="N TAKE", help="hear an earlier take of it")] = None,
    mark: Annotated[bool, Option("--mark", help="end the book with a signal that says: a machine spoke")] = False,
    unlock_file: Unlock = None,
    json: Json = False,
) -> None:
    """make an audiobook from a text file (md, txt, html, docx, epub, srt, vtt)"""
    roles = dict(map(_role, role or ()))
    begun = _begun(session, book, project)
    if begun is None:
        if not voice:
            raise InputError("It is not said who should read.", "Name a voice with --voice.")
        for name in (voice, *roles.values()):
            open_voice(session, session.voices.find(name), unlock_file)
        folder = _folder(book, project)
        begun = session.narration.begin(
            folder, book, voice, roles=roles, language=language, speed=speed, seed=seed or 0
        )
        _tell_of(begun, book, roles)
    if not list_ or redo:
        for voice_id in dict.fromkeys(begun.roles.values()):
            open_voice(session, session.voices.find(voice_id), unlock_file)
    _change(session, begun, redo or (), edit, choose)
    if list_:
        return _list(begun, json)
    with progress() as bar:
        session.narration.go_on(begun, on_event=lambda event: bar(event.fraction, f"{event.step} of {event.total}", ""))
    doubted = [sentence.number for sentence in begun.sentences(doubted=True)]
    if doubted:
        numbers = " ".join(map(str, doubted[:MOST_TOLD])) + (" …" if len(doubted) > MOST_TOLD else "")
        print(f"In doubt: {numbers}. Hear them, or use --redo doubted.", file=sys.stderr)
    if out:
        _build(session, begun, out, subtitles, json, title=title, author=author, cover=cover, mark=mark)
    else:
        print(f"{begun.folder}: {begun.count()[1]} sentences are spoken. Write the book with --out book.m4b")


def _begun(session: Session, book: Path, project: Path | None) -> Project | None:
    """The narration that is meant, if it was begun: one that the page keeps, a folder, or the one beside a file."""
    from gpt_sovits.narration.project import FILE

    if not book.exists() and is_id(str(book)):
        return session.books.open(str(book))
    folder = _folder(book, project)
    return session.narration.open(folder) if (folder / FILE).is_file() else None


def _folder(book: Path, project: Path | None) -> Path:
    return book if book.is_dir() else project or book.with_name(f"{book.stem}.narration")


def _tell_of(begun: Project, book: Path, roles: dict[str, str]) -> None:
    """What of the document is not said, and who seems to speak in it without a voice of their own."""
    from gpt_sovits.narration.books import read_book, speakers

    if "left_out" in begun.about:
        print(f"Left out, as it is no speech: {begun.about['left_out']}", file=sys.stderr)
    known, found = {role.casefold() for role in roles}, speakers(read_book(book))
    if unheard := [role for role in roles if role.casefold() not in set(map(str.casefold, found))]:
        print(f"Nobody speaks in this text as: {', '.join(unheard)}.", file=sys.stderr)
    others = [name for name, lines in found.items() if lines > 1 and name.casefold() not in known]
    if others:
        named = ", ".join(others[:10])
        print(f"Who else seems to speak: {named}. A voice of their own: --role NAME=VOICE", file=sys.stderr)


def _change(
    session: Session,
    project: Project,
    redo: Sequence[str],
    edit: tuple[str, str] | None,
    choose: tuple[str, str] | None,
) -> None:
    for asked in redo:
        doubted = asked == "doubted"
        numbers = [each.number for each in project.sentences(doubted=True)] if doubted else [_number(asked)]
        with progress() as bar:
            for done, number in enumerate(numbers, 1):
                session.narration.redo(project, number)
                bar(done / len(numbers), f"{done} of {len(numbers)}", "")
    if edit:
        session.narration.edit(project, _number(edit[0]), edit[1])
    if choose:
        project.choose(*map(_number, choose))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(f"{text[:40]!r} is not a number.", "The list shows the numbers of the sentences.")
    return int(text)


def _list(project: Project, as_json: bool) -> None:
    for sentence in project.sentences():
        if as_json:
            print(json.dumps(asdict(sentence), ensure_ascii=False))
        else:
            role = f"{sentence.role}: " if sentence.role else ""
            doubt = f"  ({doubt_said(sentence.doubt)})" if sentence.doubt else ""
            print(f"{sentence.number:5d}  {sentence.takes} takes  {role}{' '.join(sentence.text.split())}{doubt}")


def _build(
    session: Session,
    project: Project,
    out: Path,
    subtitles: Path | None,
    as_json: bool,
    *,
    title: str,
    author: str,
    cover: Path | None,
    mark: bool,
) -> None:
    from gpt_sovits.audio import write_bytes
    from gpt_sovits.subtitles import srt, vtt

    if cover and not cover.is_file():
        raise MissingError(f"There is no picture {cover}.", "Check its name.")
    made = session.narration.build(project, out, title=title, author=author, cover=cover, mark=mark)
    if subtitles:
        kind = vtt if subtitles.suffix.lower() == ".vtt" else srt
        write_bytes(subtitles, kind(made.subtitles).encode())
    said = {
        "file": str(out),
        "seconds": round(made.seconds, 2),
        "loudness": round(made.loudness, 2),
        "true_peak": round(made.peak, 2),
        "chapters": len(made.chapters),
        "sentences": len(made.cues),
    }
    if as_json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(f"{out}: {made.seconds / 60:.1f} min, {made.loudness:.1f} LUFS, {len(made.chapters)} chapters")


@command(app)
def list_(session: Session, json: Json = False) -> None:
    """all of them"""
    rows = [
        {"id": book.id, "title": book.title, "kind": book.kind, "sentences": book.whole, "spoken": book.done}
        for book in session.books.list()
    ]
    show_rows(rows, json, "The page keeps no narration.")


@command(app)
def delete(session: Session, book: Book) -> None:
    """remove one; for an hour it can be brought back"""
    session.books.delete(book, deleted=True)


@command(app)
def restore(session: Session, book: Book) -> None:
    """bring one back"""
    session.books.delete(book, deleted=False)
