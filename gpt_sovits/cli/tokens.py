"""``gpt_sovits tokens``: let other programs speak with your voices, and end that."""

from __future__ import annotations

import sys
from typing import Annotated

from typer import Argument, Option

from gpt_sovits.cli.commands import Json, command, group
from gpt_sovits.cli.terminal import show_rows
from gpt_sovits.services.session import Session
from gpt_sovits.services.tokens import DEEDS

app = group("let other programs use your voices through the studio's address")


@command(app)
def list_(session: Session, json: Json = False) -> None:
    """all tokens"""
    rows = [
        {
            "id": token.id,
            "name": token.name,
            "may": " ".join(deed for deed in DEEDS if deed in token.deeds),
            "voices": "all" if token.voices is None else " ".join(sorted(token.voices)),
            "created": token.created,
        }
        for token in session.tokens.list()
    ]
    show_rows(rows, json, "There are no tokens. Any program of this computer may speak, as the page may.")


@command(app)
def add(
    session: Session,
    name: Annotated[str, Argument(help="what the program is called here")],
    may: Annotated[list[str] | None, Option(metavar=f"{'|'.join(DEEDS)}...", help="default: speak read")] = None,
    voices: Annotated[list[str] | None, Option(metavar="VOICE...", help="names or ids (default: every voice)")] = None,
) -> None:
    """make a token for a program"""
    _, shown = session.tokens.add(name, deeds=may or ("speak", "read"), voices=voices)
    print("This is shown once. The program sends it as its API key:", file=sys.stderr)
    print(shown)


@command(app)
def revoke(session: Session, name: Annotated[str, Argument(help="name or id of the token")]) -> None:
    """end what a program may do"""
    session.tokens.revoke(name)
