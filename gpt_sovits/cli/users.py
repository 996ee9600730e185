"""``python -m gpt_sovits users``, ``backup`` and ``restore``: accounts of a shared studio, and a copy of all voices."""

from __future__ import annotations

import argparse
from pathlib import Path

from gpt_sovits.cli.voices import add_costly, ask_secret, confirm, secret_options, show_rows
from gpt_sovits.errors import InputError
from gpt_sovits.services.session import Session

ABOUT_USERS = "add, list or remove the accounts of a shared studio"
ABOUT_BACKUP = "write all voices to one encrypted file"
ABOUT_RESTORE = "bring back the voices of a backup; nothing that is here is replaced"


def users_command(session: Session, given: argparse.Namespace) -> int:
    """Run one action; without one, list."""
    action = given.action or "list"
    if action == "list":
        rows = [{"name": name, "voices": session.users.voices_of(name)} for name in session.users.names()]
        return show_rows(given, rows, "There are no accounts: one person uses this studio, without a password.")
    if action == "remove":
        voices = session.users.voices_of(given.name)
        confirm(given, f"Remove {given.name!r} with all {voices} voices, recordings and jobs, for good?")
        session.users.remove(given.name, frozen=given.frozen)
        return 0
    password = ask_secret(given, f"Password of {given.name}, at least 8 characters: ", twice=True)
    if action == "add":
        session.users.add(given.name, password)
    else:
        session.users.set_password(given.name, password)
    return 0


def backup_command(session: Session, given: argparse.Namespace) -> int:
    if given.out.exists():
        raise InputError(f"{given.out} is there already.", "Choose another name with --out.")
    passphrase = ask_secret(given, "A passphrase for the backup: ", twice=True)
    count = session.users.backup(given.out, passphrase, given.only)
    print(f"{given.out}: {count} voices, {given.out.stat().st_size / 2**20:.1f} MB")
    return 0


def restore_command(session: Session, given: argparse.Namespace) -> int:
    passphrase = ask_secret(given, "The passphrase of the backup: ")
    result = session.users.restore(given.file, passphrase, given.into, given.costly)
    for sentence in result.conflicts:
        print(sentence)
    print(f"{len(result.voices)} voices came back.")
    return 0


def add_user_actions(
    parser: argparse.ArgumentParser, common: argparse.ArgumentParser, listing: argparse.ArgumentParser
) -> None:
    """The actions of ``users`` and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="all accounts", parents=[common, listing])
    for name, text in (("add", "a new account"), ("password", "give an account another password")):
        action = actions.add_parser(name, help=text, parents=[common, secret_options()])
        action.add_argument("name", help="2 to 32 small letters and digits")
    remove = actions.add_parser("remove", help="remove an account with all its voices", parents=[common])
    remove.add_argument("name")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.add_argument("--frozen", action="store_true", help="frozen voices too")


def add_backup_options(backup: argparse.ArgumentParser, restore: argparse.ArgumentParser) -> None:
    backup.add_argument("--out", type=Path, default=Path("voices.gsbackup"), help="the file (default: voices.gsbackup)")
    backup.add_argument("--only", metavar="USER", help="the voices of this user only")
    restore.add_argument("file", type=Path, help="a file that `backup` wrote")
    add_costly(restore)
    restore.add_argument("--into", metavar="USER", help="give the voices of a one-user backup to this user")
