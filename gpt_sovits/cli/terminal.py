"""What commands ask and show at a terminal: passphrases, consent to what cannot be undone, tables, progress."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gpt_sovits.errors import CancelledError, InputError, MissingError, VoiceError
from gpt_sovits.files import read_whole
from gpt_sovits.services.session import Session
from gpt_sovits.voices.manifest import VoiceCard


def open_voice(session: Session, card: VoiceCard, unlock_file: Path | None) -> None:
    """Ask for the passphrase of a locked voice and open it for this command."""
    if not session.voices.is_open(card.id):
        question = f"The passphrase of {card.name}: "
        session.voices.unlock(card.id, ask_secret(question, unlock_file, "--unlock-file"))


def ask_secret(question: str, file: Path | None, option: str = "--passphrase-file", *, twice: bool = False) -> str:
    """From a file, or typed (``twice`` where a slip would be for ever): never an argument, which others could see."""
    if file:
        try:
            return read_whole(file, 2**16).decode("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise MissingError(f"The file {file} cannot be read.", "Check its name.") from error
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError("There is no passphrase.", f"Give a file that holds it with {option}.")
    typed = getpass.getpass(question)
    if twice and getpass.getpass("The same again: ") != typed:
        raise InputError("The two differ.", "Try again.")
    return typed


def confirm(yes: bool, question: str) -> None:
    """Ask, unless ``yes`` was said; ``CancelledError`` for anything but yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("This cannot be undone and was not confirmed.", "Add --yes.")
    if input(f"{question} Type yes: ").strip().lower() != "yes":
        raise CancelledError("Nothing was changed.")


def show_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def show_rows(rows: list[dict[str, Any]], as_json: bool, nothing: str = "") -> None:
    """A table, or JSON."""
    if as_json:
        show_json(rows)
    elif not rows:
        print(nothing)
    else:
        widths = {key: max(len(str(row[key])) for row in (*rows, {key: key})) for key in rows[0]}
        for row in ({key: key for key in rows[0]}, *rows):
            print("  ".join(str(row[key]).ljust(widths[key]) for key in row).rstrip())


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@contextmanager
def progress(*, told: bool = False) -> Iterator[Callable[[float, str, str], None]]:
    """A bar on the error stream, for a share, what is done, and what is left in words. Where that stream is no
    terminal, nothing, or (``told``) a line for each new message."""
    if not sys.stderr.isatty():
        last = ""

        def tell(share: float, message: str = "", left: str = "") -> None:
            nonlocal last
            if told and message and message != last:
                print(f"{share:4.0%} {message}", file=sys.stderr)
            last = message or last

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, left="")

        def show(share: float, message: str = "", left: str = "") -> None:
            bar.update(task, description=message, completed=share, left=left)

        yield show


def in_their_language(error: VoiceError) -> str:
    """A failure as the terminal's person reads it: in Chinese where the system speaks Chinese."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    if not next(filter(None, names), "").lower().startswith("zh"):
        return str(error)
    from webui import i18n

    return i18n.load("zh").error(error)
