"""``python -m gpt_sovits tokens``: let other programs speak with your voices, and end that."""

from __future__ import annotations

import argparse
import sys

from gpt_sovits.cli.voices import show_rows
from gpt_sovits.services.session import Session
from gpt_sovits.services.tokens import DEEDS

ABOUT_TOKENS = "let other programs use your voices through the studio's address"


def tokens_command(session: Session, given: argparse.Namespace) -> int:
    """Run one action; without one, list."""
    action = given.action or "list"
    if action == "add":
        token, shown = session.tokens.add(given.name, deeds=given.may, voices=given.voices)
        print("This is shown once. The program sends it as its API key:", file=sys.stderr)
        print(shown)
        return 0
    if action == "revoke":
        session.tokens.revoke(given.name)
        return 0
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
    return show_rows(given, rows, "There are no tokens. Any program of this computer may speak, as the page may.")


def add_token_actions(
    parser: argparse.ArgumentParser, common: argparse.ArgumentParser, listing: argparse.ArgumentParser
) -> None:
    """The actions of ``tokens`` and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="all tokens", parents=[common, listing])
    add = actions.add_parser("add", help="make a token for a program", parents=[common])
    add.add_argument("name", help="what the program is called here")
    add.add_argument("--may", nargs="+", choices=DEEDS, default=["speak", "read"], help="default: speak read")
    add.add_argument("--voices", nargs="+", metavar="VOICE", help="names or ids (default: every voice)")
    revoke = actions.add_parser("revoke", help="end what a program may do", parents=[common])
    revoke.add_argument("name", help="name or id of the token")
