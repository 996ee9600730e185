"""``gpt_sovits users``, ``backup`` and ``restore``: accounts of a shared studio, and a copy of all voices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from gpt_sovits.cli.commands import Costly, Json, Secret, Yes, command, group
from gpt_sovits.cli.terminal import ask_secret, confirm, show_rows
from gpt_sovits.errors import InputError
from gpt_sovits.services.session import Session

app = group("add, list or remove the accounts of a shared studio")
Name = Annotated[str, Argument(help="2 to 32 small letters and digits")]


@command(app)
def list_(session: Session, json: Json = False) -> None:
    """all accounts"""
    rows = [{"name": name, "voices": session.users.voices_of(name)} for name in session.users.names()]
    show_rows(rows, json, "There are no accounts: one person uses this studio, without a password.")


@command(app)
def add(session: Session, name: Name, passphrase_file: Secret = None) -> None:
    """a new account"""
    session.users.add(name, _password(name, passphrase_file))


@command(app)
def password(session: Session, name: Name, passphrase_file: Secret = None) -> None:
    """give an account another password"""
    session.users.set_password(name, _password(name, passphrase_file))


@command(app)
def remove(
    session: Session,
    name: Name,
    yes: Yes = False,
    frozen: Annotated[bool, Option("--frozen", help="frozen voices too")] = False,
) -> None:
    """remove an account with all its voices"""
    voices = session.users.voices_of(name)
    confirm(yes, f"Remove {name!r} with all {voices} voices, recordings and jobs, for good?")
    session.users.remove(name, frozen=frozen)


def backup(
    session: Session,
    out: Annotated[Path, Option(help="the file")] = Path("voices.gsbackup"),
    only: Annotated[str | None, Option(metavar="USER", help="the voices of this user only")] = None,
    passphrase_file: Secret = None,
) -> None:
    """write all voices to one encrypted file"""
    if out.exists():
        raise InputError(f"{out} is there already.", "Choose another name with --out.")
    passphrase = ask_secret("A passphrase for the backup: ", passphrase_file, twice=True)
    count = session.users.backup(out, passphrase, only)
    print(f"{out}: {count} voices, {out.stat().st_size / 2**20:.1f} MB")


def restore(
    session: Session,
    file: Annotated[Path, Argument(help="a file that `backup` wrote")],
    into: Annotated[
        str | None, Option(metavar="USER", help="give the voices of a one-user backup to this user")
    ] = None,
    costly: Costly = False,
    passphrase_file: Secret = None,
) -> None:
    """bring back the voices of a backup; nothing that is here is replaced"""
    passphrase = ask_secret("The passphrase of the backup: ", passphrase_file)
    result = session.users.restore(file, passphrase, into, costly)
    for sentence in result.conflicts:
        print(sentence)
    print(f"{len(result.voices)} voices came back.")


def _password(name: str, file: Path | None) -> str:
    return ask_secret(f"Password of {name}, at least 8 characters: ", file, twice=True)
