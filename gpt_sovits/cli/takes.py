"""``gpt_sovits takes``: what was spoken and kept, on the page or with ``speak --keep``."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from gpt_sovits.cli.commands import Json, Seed, command, group
from gpt_sovits.cli.terminal import show_rows
from gpt_sovits.services.session import Session

app = group("list, save, name, star, delete or bring back what was spoken and kept, or say a sentence of it anew")
Take = Annotated[str, Argument(help="id of the take")]


@command(app)
def list_(session: Session, json: Json = False) -> None:
    """all takes, the newest first"""
    rows = [
        {
            "id": take.id,
            "name": take.name,
            "voice": take.voice_name,
            "seconds": take.seconds,
            "sentences": len(take.lines),
            "starred": take.starred,
            "created": take.created,
            "text": " ".join(take.text.split())[: None if json else 40],
        }
        for take in session.takes.list()
    ]
    show_rows(rows, json, "Nothing was kept yet. Keep something with `speak --keep`.")


@command(app)
def save(
    session: Session,
    take: Take,
    out: Annotated[Path, Argument(help="wav, flac, mp3, opus, aac, m4a, srt or vtt file")],
) -> None:
    """write it as a sound file, or its words as subtitles"""
    from gpt_sovits.audio import write_bytes

    write_bytes(out, session.takes.file(take, out.suffix.lower().lstrip(".")))
    print(out)


@command(app)
def rename(session: Session, take: Take, name: Annotated[str, Argument(help="the new name")]) -> None:
    """give it a name"""
    session.takes.rename(take, name)


@command(app)
def star(
    session: Session, take: Take, off: Annotated[bool, Option("--off", help="take the mark away")] = False
) -> None:
    """mark it as a favourite"""
    session.takes.star(take, not off)


@command(app)
def delete(session: Session, take: Take) -> None:
    """remove it; for an hour it can be brought back"""
    session.takes.delete(take)
    print("For an hour `takes restore` brings it back.")


@command(app)
def restore(session: Session, take: Take) -> None:
    """bring a deleted one back"""
    session.takes.restore(take)


@command(app)
def again(
    session: Session,
    take: Take,
    sentence: Annotated[int, Argument(help="number of the sentence, from 1")],
    seed: Seed = None,
) -> None:
    """a further take in which one sentence is said anew"""
    drawn = secrets.randbelow(2**31) if seed is None else seed
    print(session.takes.again(take, sentence - 1, seed=drawn).id)
