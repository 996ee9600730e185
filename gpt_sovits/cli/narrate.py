"""``python -m gpt_sovits narrate``: a book from a text file, which goes on where it was stopped."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gpt_sovits.cli.texts import doubt_said
from gpt_sovits.cli.voices import open_voice, show_rows
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.events import Event
from gpt_sovits.services.session import Session
from gpt_sovits.voices.ids import is_id

if TYPE_CHECKING:
    from gpt_sovits.services.narration import Project

MOST_TOLD = 50  # sentences in doubt
ABOUT_BOOKS = "list, delete or bring back the narrations that the page keeps; `narrate ID` goes on with one"
ABOUT_NARRATE = "make an audiobook from a text file (md, txt, html, docx, epub, srt, vtt)"


def narrate_command(session: Session, given: argparse.Namespace) -> int:
    """Begin or go on; then, with ``--out``, write the book."""
    project = _opened(session, given)
    if given.list:
        return _list(project, given.json)
    for voice_id in dict.fromkeys(project.roles.values()):
        open_voice(session, given, session.voices.find(voice_id))
    _change(session, project, given)
    session.narration.go_on(project, on_event=_progress)
    doubted = [sentence.number for sentence in project.sentences(doubted=True)]
    if doubted:
        numbers = " ".join(map(str, doubted[:MOST_TOLD])) + (" …" if len(doubted) > MOST_TOLD else "")
        print(f"In doubt: {numbers}. Hear them, or use --redo doubted.", file=sys.stderr)
    if given.out:
        _build(session, project, given)
    else:
        print(f"{project.folder}: {project.count()[1]} sentences are spoken. Write the book with --out book.m4b")
    return 0


def _opened(session: Session, given: argparse.Namespace) -> Project:
    """The narration that is meant: one that the page keeps, a folder, or the one beside a file, which is begun."""
    from gpt_sovits.narration.project import FILE

    if not given.book.exists() and is_id(str(given.book)):
        return session.books.open(str(given.book))
    folder = given.project or given.book.with_name(f"{given.book.stem}.narration")
    if given.book.is_dir():
        folder = given.book
    if not (folder / FILE).is_file():
        if not given.voice:
            raise InputError("It is not said who should read.", "Name a voice with --voice.")
        for name in (given.voice, *given.role.values()):
            open_voice(session, given, session.voices.find(name))
        begun = session.narration.begin(
            folder,
            given.book,
            given.voice,
            roles=given.role,
            language=given.language,
            speed=given.speed,
            seed=given.seed or 0,
        )
        _tell_of(begun, given)
    return session.narration.open(folder)


def _tell_of(begun: Project, given: argparse.Namespace) -> None:
    """What of the document is not said, and who seems to speak in it without a voice of their own."""
    from gpt_sovits.narration.books import read_book, speakers

    if "left_out" in begun.about:
        print(f"Left out, as it is no speech: {begun.about['left_out']}", file=sys.stderr)
    known, found = {role.casefold() for role in given.role}, speakers(read_book(given.book))
    others = [name for name, lines in found.items() if lines > 1 and name.casefold() not in known]
    if others:
        named = ", ".join(others[:10])
        print(f"Who else seems to speak: {named}. A voice of their own: --role NAME=VOICE", file=sys.stderr)


def books_command(session: Session, given: argparse.Namespace) -> int:
    """The narrations that the page keeps."""
    if given.action in ("delete", "restore"):
        session.books.delete(given.book, deleted=given.action == "delete")
        return 0
    rows = [
        {"id": book.id, "title": book.title, "kind": book.kind, "sentences": book.whole, "spoken": book.done}
        for book in session.books.list()
    ]
    return show_rows(given, rows, "The page keeps no narration.")


def add_book_actions(
    parser: argparse.ArgumentParser, common: argparse.ArgumentParser, listing: argparse.ArgumentParser
) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="all of them", parents=[common, listing])
    for name, text in (("delete", "remove one; for an hour it can be brought back"), ("restore", "bring one back")):
        actions.add_parser(name, help=text, parents=[common]).add_argument("book", help="its id")


def _change(session: Session, project: Project, given: argparse.Namespace) -> None:
    for asked in given.redo or ():
        doubted = asked == "doubted"
        numbers = [each.number for each in project.sentences(doubted=True)] if doubted else [_number(asked)]
        for done, number in enumerate(numbers, 1):
            session.narration.redo(project, number)
            _progress(Event("narrate", "", done, len(numbers)))
    if given.edit:
        session.narration.edit(project, _number(given.edit[0]), given.edit[1])
    if given.choose:
        project.choose(*map(_number, given.choose))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(f"{text[:40]!r} is not a number.", "The list shows the numbers of the sentences.")
    return int(text)


def _progress(event: Event) -> None:
    if sys.stderr.isatty():
        print(f"\r{event.step} of {event.total}", end="", file=sys.stderr, flush=True)


def _list(project: Project, as_json: bool) -> int:
    for sentence in project.sentences():
        if as_json:
            print(json.dumps(asdict(sentence), ensure_ascii=False))
        else:
            role = f"{sentence.role}: " if sentence.role else ""
            doubt = f"  ({doubt_said(sentence.doubt)})" if sentence.doubt else ""
            print(f"{sentence.number:5d}  {sentence.takes} takes  {role}{' '.join(sentence.text.split())}{doubt}")
    return 0


def _build(session: Session, project: Project, given: argparse.Namespace) -> None:
    from gpt_sovits import subtitles
    from gpt_sovits.audio import write_bytes

    if given.cover and not given.cover.is_file():
        raise MissingError(f"There is no picture {given.cover}.", "Check its name.")
    made = session.narration.build(project, given.out, title=given.title, author=given.author, cover=given.cover)
    if given.subtitles:
        kind = subtitles.vtt if given.subtitles.suffix.lower() == ".vtt" else subtitles.srt
        write_bytes(given.subtitles, kind(made.subtitles).encode())
    said = {
        "file": str(given.out),
        "seconds": round(made.seconds, 2),
        "loudness": round(made.loudness, 2),
        "true_peak": round(made.peak, 2),
        "chapters": len(made.chapters),
        "sentences": len(made.cues),
    }
    if given.json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(f"{given.out}: {made.seconds / 60:.1f} min, {made.loudness:.1f} LUFS, {len(made.chapters)} chapters")


def _role(text: str) -> tuple[str, str]:
    role, _, voice = text.partition("=")
    if not role.strip() or not voice.strip():
        raise argparse.ArgumentTypeError("write it as NAME=VOICE")
    return role.strip(), voice.strip()


class _Roles(argparse.Action):
    def __call__(self, parser: object, given: argparse.Namespace, value: object, option: str | None = None) -> None:
        setattr(given, self.dest, getattr(given, self.dest) | dict([cast("tuple[str, str]", value)]))


def add_narrate_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("book", type=Path, help="the text file, or the folder or id of a narration that was begun")
    command.add_argument("--voice", help="name or id of the voice that reads")
    command.add_argument(
        "--role", type=_role, action=_Roles, default={}, metavar="NAME=VOICE", help="who says 'Name: …'"
    )
    command.add_argument("--project", type=Path, help="folder of the narration (default: BOOK.narration beside it)")
    command.add_argument("--out", type=Path, help="m4b, m4a, mp3, flac or wav file")
    command.add_argument("--subtitles", type=Path, help="write an .srt or .vtt file too")
    command.add_argument("--cover", type=Path, help="JPEG or PNG picture")
    command.add_argument("--title", default="", help="default: the document's")
    command.add_argument("--author", default="", help="default: the document's")
    command.add_argument("--language", default="auto", help="auto, zh, en, ... (default: auto)")
    command.add_argument("--speed", type=float, default=1.0, help="0.5 to 2 (default: 1)")
    command.add_argument("--list", action="store_true", help="show the sentences, their takes, and what is in doubt")
    command.add_argument(
        "--redo", nargs="+", metavar="N", help="say these sentences once more; doubted: those that may be wrong"
    )
    command.add_argument("--edit", nargs=2, metavar=("N", "TEXT"), help="let a sentence say something else")
    command.add_argument("--choose", nargs=2, metavar=("N", "TAKE"), help="hear an earlier take of a sentence")
