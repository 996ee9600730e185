"""``python -m gpt_sovits takes``: what was spoken and kept, on the page or with ``speak --keep``."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from gpt_sovits.cli.voices import show_rows
from gpt_sovits.services.session import Session

ABOUT_TAKES = "list, save, name, star, delete or bring back what was spoken and kept, or say a sentence of it anew"


def takes_command(session: Session, given: argparse.Namespace) -> int:
    """Run one action; without one, list."""
    takes, action = session.takes, given.action or "list"
    if action == "list":
        rows = [
            {
                "id": take.id,
                "name": take.name,
                "voice": take.voice_name,
                "seconds": take.seconds,
                "sentences": len(take.lines),
                "starred": take.starred,
                "created": take.created,
                "text": " ".join(take.text.split())[: None if given.json else 40],
            }
            for take in takes.list()
        ]
        return show_rows(given, rows, "Nothing was kept yet. Keep something with `speak --keep`.")
    if action == "save":
        from gpt_sovits.audio import write_bytes

        kind = given.out.suffix.lower().lstrip(".")
        write_bytes(given.out, takes.file(given.take, kind))
        print(given.out)
    elif action == "rename":
        takes.rename(given.take, given.name)
    elif action == "star":
        takes.star(given.take, not given.off)
    elif action == "delete":
        takes.delete(given.take)
        print("For an hour `takes restore` brings it back.")
    elif action == "restore":
        takes.restore(given.take)
    elif action == "again":
        seed = secrets.randbelow(2**31) if given.seed is None else given.seed
        print(takes.again(given.take, given.sentence - 1, seed=seed).id)
    return 0


def add_take_actions(
    parser: argparse.ArgumentParser, common: argparse.ArgumentParser, listing: argparse.ArgumentParser
) -> None:
    """The actions of ``takes`` and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="all takes, the newest first", parents=[common, listing])
    named = {
        "save": "write it as a sound file, or its words as subtitles",
        "rename": "give it a name",
        "star": "mark it as a favourite",
        "delete": "remove it; for an hour it can be brought back",
        "restore": "bring a deleted one back",
        "again": "a further take in which one sentence is said anew",
    }
    found = {}
    for name, text in named.items():
        found[name] = actions.add_parser(name, help=text, description=text, parents=[common])
        found[name].add_argument("take", help="id of the take")
    found["save"].add_argument("out", type=Path, help="wav, flac, mp3, opus, aac, m4a, srt or vtt file")
    found["rename"].add_argument("name", help="the new name")
    found["star"].add_argument("--off", action="store_true", help="take the mark away")
    found["again"].add_argument("sentence", type=int, help="number of the sentence, from 1")
    found["again"].add_argument("--seed", type=int, help="the same seed gives the same sound")
