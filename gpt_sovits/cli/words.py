"""``python -m gpt_sovits read`` and ``lexicon``: how a text will be read, and the person's own readings."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gpt_sovits.cli.voices import show_rows
from gpt_sovits.errors import MissingError
from gpt_sovits.files import read_whole
from gpt_sovits.services.session import Session
from gpt_sovits.storage.word_lists import MAX_BYTES

ABOUT_LEXICON = "list, add, remove, import or export your own readings of words"
ABOUT_READ = "show how a text will be read, word by word, and why"


def read_command(session: Session, given: argparse.Namespace) -> int:
    """Print every word with its reading and where that comes from."""
    text = sys.stdin.read() if given.text == "-" else given.text
    rows: list[dict[str, Any]] = []
    voice = session.voices.find(given.voice).id if given.voice else None
    for reading in session.speech.explain(text, language=given.language, voice=voice):
        row: dict[str, Any] = {"text": text[reading.start : reading.end], "spoken": reading.text}
        row |= {"reading": reading.reading, "why": reading.why, "language": reading.language}
        if given.json:
            row["notice"] = reading.notice
        elif reading.notice:
            print(reading.notice, file=sys.stderr)
        if given.json:
            row |= {"start": reading.start, "end": reading.end, "phones": list(reading.phones)}
        rows.append(row)
    return show_rows(given, rows, "There is nothing to read.")


def lexicon_command(session: Session, given: argparse.Namespace) -> int:
    """Run one action on the user's word list; without one, list it."""
    action = given.action or "list"
    if action == "list":
        rows = [asdict(entry) for entry in session.lexicon.entries()]
        return show_rows(given, rows, "The word list is empty. Fill it with `lexicon add WORD READING`.")
    if action == "add":
        entry = session.lexicon.add(given.word, " ".join(given.reading), given.language)
        print(f"{entry.word}: {entry.reading}")
    elif action == "remove":
        session.lexicon.remove(given.word, given.language)
    elif action == "import":
        try:
            data = read_whole(given.file, MAX_BYTES)
        except OSError as error:
            raise MissingError(f"The file {given.file} cannot be read.", "Check its name.") from error
        print(f"{session.lexicon.import_csv(data)} words")
    elif action == "export":
        _export(session.lexicon.export_csv(), given.out)
    return 0


def _export(table: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(table)
        return
    from gpt_sovits.audio import write_bytes  # late: a list of words needs no codecs

    write_bytes(out, table.encode())


def add_lexicon_actions(
    parser: argparse.ArgumentParser, common: argparse.ArgumentParser, listing: argparse.ArgumentParser
) -> None:
    """The actions of ``lexicon`` and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="all words", parents=[common, listing])
    add = actions.add_parser("add", help="set how a word is read", parents=[common])
    add.add_argument("word")
    add.add_argument("reading", nargs="+", help="pinyin, ARPAbet, IPA between slashes, spell, or = and other words")
    remove = actions.add_parser("remove", help="forget a word", parents=[common])
    remove.add_argument("word")
    for each, usual in ((add, ""), (remove, None)):
        each.add_argument("--language", default=usual, help="zh, en, yue, ja or ko (default: any)")
    take = actions.add_parser("import", help="add the rows of a CSV file", parents=[common])
    take.add_argument("file", type=Path, help="word, reading and, if wanted, language in each row")
    give = actions.add_parser("export", help="write the list as CSV", parents=[common])
    give.add_argument("--out", type=Path, help="the file (default: print it)")
