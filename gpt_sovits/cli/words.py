"""``gpt_sovits read`` and ``lexicon``: how a text will be read, and the person's own readings."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from gpt_sovits.cli.commands import Json, Language, command, group
from gpt_sovits.cli.terminal import show_rows
from gpt_sovits.errors import MissingError
from gpt_sovits.files import read_whole
from gpt_sovits.services.session import Session
from gpt_sovits.storage.word_lists import MAX_BYTES

app = group("list, add, remove, import or export your own readings of words")
_LANGUAGE = "zh, en, yue, ja or ko (default: any)"


def read(
    session: Session,
    text: Annotated[str, Argument(help="the text; - reads standard input")],
    language: Language = "auto",
    voice: Annotated[
        str | None, Option(help="the voice that will speak: a text of numbers only is read in its language")
    ] = None,
    json: Json = False,
) -> None:
    """show how a text will be read, word by word, and why"""
    text = sys.stdin.read() if text == "-" else text
    rows: list[dict[str, Any]] = []
    speaker = session.voices.find(voice).id if voice else None
    for reading in session.speech.explain(text, language=language, voice=speaker):
        row: dict[str, Any] = {"text": text[reading.start : reading.end], "spoken": reading.text}
        row |= {"reading": reading.reading, "why": reading.why, "language": reading.language}
        if json:
            row |= {"notice": reading.notice, "start": reading.start, "end": reading.end}
            row |= {"phones": list(reading.phones)}
        elif reading.notice:
            print(reading.notice, file=sys.stderr)
        rows.append(row)
    show_rows(rows, json, "There is nothing to read.")


@command(app)
def list_(session: Session, json: Json = False) -> None:
    """all words"""
    rows = [asdict(entry) for entry in session.lexicon.entries()]
    show_rows(rows, json, "The word list is empty. Fill it with `lexicon add WORD READING`.")


@command(app)
def add(
    session: Session,
    word: str,
    reading: Annotated[list[str], Argument(help="pinyin, ARPAbet, IPA between slashes, spell, or = and other words")],
    language: Annotated[str, Option(help=_LANGUAGE)] = "",
) -> None:
    """set how a word is read"""
    entry = session.lexicon.add(word, " ".join(reading), language)
    print(f"{entry.word}: {entry.reading}")


@command(app)
def remove(session: Session, word: str, language: Annotated[str | None, Option(help=_LANGUAGE)] = None) -> None:
    """forget a word"""
    session.lexicon.remove(word, language)


@command(app)
def import_(
    session: Session, file: Annotated[Path, Argument(help="word, reading and, if wanted, language in each row")]
) -> None:
    """add the rows of a CSV file"""
    try:
        data = read_whole(file, MAX_BYTES)
    except OSError as error:
        raise MissingError(f"The file {file} cannot be read.", "Check its name.") from error
    print(f"{session.lexicon.import_csv(data)} words")


@command(app)
def export(session: Session, out: Annotated[Path | None, Option(help="the file (default: print it)")] = None) -> None:
    """write the list as CSV"""
    table = session.lexicon.export_csv()
    if out is None:
        sys.stdout.write(table)
        return
    from gpt_sovits.audio import write_bytes  # late: a list of words needs no codecs

    write_bytes(out, table.encode())
