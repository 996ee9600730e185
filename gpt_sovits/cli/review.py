"""``python -m gpt_sovits review`` and ``scripts``: look a recording over before it is learnt from; what can be read."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import asdict
from pathlib import Path

from gpt_sovits.cli.texts import read_text
from gpt_sovits.cli.voices import confirm, show_rows
from gpt_sovits.errors import MissingError
from gpt_sovits.jobs.review import PROGRAM, Draft
from gpt_sovits.services.session import Session

ABOUT_REVIEW = "look a recording over, hear and correct its pieces; `train --reviewed` learns from what was kept"
ABOUT_SCRIPTS = "the passages that can be read aloud, each about a minute"


def review_command(session: Session, given: argparse.Namespace) -> int:
    """Run one action; without one, show what is being looked over."""
    reviews, action = session.jobs.reviews, given.action or "show"
    if action == "new":
        if reviews.all(PROGRAM):
            confirm(given, "Another recording is being looked over. Put it away?")
        base = given.base or session.models.chosen
        script = read_text(given.script) if given.script else ""
        draft = reviews.prepare(given.recording, script=script, language=given.language, base=base)
        return _show(draft, given)
    draft = the_draft(session)
    if action == "show":
        return _show(draft, given)
    if action == "correct":
        kept = True if given.keep else False if given.leave_out else None
        piece = reviews.correct(draft.id, given.piece, text=given.text, language=given.language, kept=kept)
        print(f"{piece.number}: {piece.level}{'' if piece.kept else ', left out'}: {piece.text}")
    elif action == "save":
        shutil.copyfile(reviews.sound(draft.id, given.piece), given.out)
    elif action == "delete":
        confirm(given, "Remove what was looked over, with its recording?")
        reviews.discard(draft.id)
    return 0


def the_draft(session: Session) -> Draft:
    """``MissingError`` where nothing is being looked over."""
    for draft in session.jobs.reviews.all():
        return draft
    raise MissingError("No recording is being looked over.", "Begin with: review new RECORDING")


def scripts_command(session: Session, given: argparse.Namespace) -> int:
    """List the passages, or print one."""
    passages = session.jobs.scripts()
    if not given.script:
        rows = [{"id": each.id, "language": each.language, "title": each.title} for each in passages]
        return show_rows(given, rows, "")
    found = next((each for each in passages if each.id == given.script), None)
    if found is None:
        raise MissingError(f"There is no passage {given.script!r}.", "`scripts` lists them.")
    print(found.text)
    return 0


def _show(draft: Draft, given: argparse.Namespace) -> int:
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
    if getattr(given, "json", False):
        rows = [asdict(piece) for piece in draft.pieces]
    else:
        print(f"{draft.verdict}: {draft.seconds:.0f} s are kept. {' '.join(draft.advice)}".rstrip())
    return show_rows(given, rows, "Nothing of it can be used.")


def add_review_actions(
    parser: argparse.ArgumentParser, common: argparse.ArgumentParser, listing: argparse.ArgumentParser
) -> None:
    """The actions of ``review`` and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    sure = argparse.ArgumentParser(add_help=False)
    sure.add_argument("--yes", action="store_true", help="do not ask")
    new = actions.add_parser("new", help="cut a recording up and listen to it", parents=[common, listing, sure])
    new.add_argument("recording", type=Path, help="sound file, 10 seconds to 30 minutes of one person")
    new.add_argument("--script", type=Path, help="text file of what was read")
    new.add_argument("--base", default="", help="the base to start from (default: the chosen model)")
    actions.add_parser("show", help="the pieces, with what is doubtful", parents=[common, listing])
    correct = actions.add_parser("correct", help="change a piece, or leave it out", parents=[common])
    save = actions.add_parser("save", help="write a piece as a wav file, to hear it", parents=[common])
    for action in (correct, save):
        action.add_argument("piece", type=int, help="its number")
    correct.add_argument("--text", help="what is said in it")
    new.add_argument("--language", default="auto", help="of the text (default: auto)")
    correct.add_argument("--language", help="of the text")
    which = correct.add_mutually_exclusive_group()
    which.add_argument("--keep", action="store_true", help="learn from it")
    which.add_argument("--leave-out", action="store_true", help="do not")
    save.add_argument("out", type=Path, help="wav file")
    actions.add_parser("delete", help="put it away with its recording", parents=[common, sure])
