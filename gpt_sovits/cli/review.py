"""``gpt_sovits review`` and ``scripts``: look a recording over before it is learnt from; what can be read."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from gpt_sovits.cli.commands import Json, Language, Yes, command, group
from gpt_sovits.cli.terminal import confirm, show_rows
from gpt_sovits.cli.texts import read_text
from gpt_sovits.errors import MissingError
from gpt_sovits.jobs.review import PROGRAM, Draft
from gpt_sovits.services.session import Session

app = group("look a recording over, hear and correct its pieces; `train --reviewed` learns from what was kept")
Piece = Annotated[int, Argument(help="its number")]


@command(app)
def show(session: Session, json: Json = False) -> None:
    """the pieces, with what is doubtful"""
    _show(the_draft(session), json)


@command(app)
def new(
    session: Session,
    recording: Annotated[Path, Argument(help="sound file, 10 seconds to 30 minutes of one person")],
    script: Annotated[Path | None, Option(help="text file of what was read")] = None,
    language: Language = "auto",
    base: Annotated[str, Option(help="the base to start from (default: the chosen model)")] = "",
    yes: Yes = False,
    json: Json = False,
) -> None:
    """cut a recording up and listen to it"""
    reviews = session.jobs.reviews
    if reviews.all(PROGRAM):
        confirm(yes, "Another recording is being looked over. Put it away?")
    words = read_text(script) if script else ""
    _show(reviews.prepare(recording, script=words, language=language, base=base or session.models.chosen), json)


@command(app)
def correct(
    session: Session,
    piece: Piece,
    text: Annotated[str | None, Option(help="what is said in it")] = None,
    language: Annotated[str | None, Option(help="of the text")] = None,
    keep: Annotated[bool | None, Option("--keep/--leave-out", help="learn from it, or do not")] = None,
) -> None:
    """change a piece, or leave it out"""
    draft = the_draft(session).id
    made = session.jobs.reviews.correct(draft, piece, text=text, language=language, kept=keep)
    print(f"{made.number}: {made.level}{'' if made.kept else ', left out'}: {made.text}")


@command(app)
def save(session: Session, piece: Piece, out: Annotated[Path, Argument(help="wav file")]) -> None:
    """write a piece as a wav file, to hear it"""
    shutil.copyfile(session.jobs.reviews.sound(the_draft(session).id, piece), out)


@command(app)
def delete(session: Session, yes: Yes = False) -> None:
    """put it away with its recording"""
    draft = the_draft(session)
    confirm(yes, "Remove what was looked over, with its recording?")
    session.jobs.reviews.discard(draft.id)


def the_draft(session: Session) -> Draft:
    """``MissingError`` where nothing is being looked over."""
    for draft in session.jobs.reviews.all():
        return draft
    raise MissingError("No recording is being looked over.", "Begin with: review new RECORDING")


def scripts(
    session: Session, script: Annotated[str | None, Argument(help="id of one")] = None, json: Json = False
) -> None:
    """the passages that can be read aloud, each about a minute"""
    passages = session.jobs.scripts()
    if not script:
        return show_rows([{"id": each.id, "language": each.language, "title": each.title} for each in passages], json)
    found = next((each for each in passages if each.id == script), None)
    if found is None:
        raise MissingError(f"There is no passage {script!r}.", "`scripts` lists them.")
    print(found.text)


def _show(draft: Draft, json: bool) -> None:
    if json:
        return show_rows([asdict(piece) for piece in draft.pieces], json)
    rows = [
        {
            "piece": piece.number,
            "from": f"{piece.start:.1f}",
            "seconds": f"{piece.end - piece.start:.1f}",
            "kept": "yes" if piece.kept else "",
            "level": piece.level,
            "text": piece.text,
        }
        for piece in draft.pieces
    ]
    print(f"{draft.verdict}: {draft.seconds:.0f} s are kept. {' '.join(draft.advice)}".rstrip())
    show_rows(rows, json, "Nothing of it can be used.")
