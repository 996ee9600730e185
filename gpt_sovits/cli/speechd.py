"""``python -m gpt_sovits speechd``: let Orca, spd-say and the like speak in a voice of yours."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import write_bytes
from gpt_sovits.services.session import Session
from gpt_sovits.settings import PROJECT_ROOT

ABOUT_SPEECHD = "be a voice of speech-dispatcher: screen readers (Orca) and spd-say speak through the studio"
NAME = "voice-studio"
_MOST_SHEBANG = 250
_SCRIPT = """#!{python}
# Made by `{program} speechd install`; `speechd remove` takes it away. speech-dispatcher starts it.
import sys

sys.path.insert(0, {root!r})
from gpt_sovits.cli.main import main

sys.exit(main(["speechd", "run", "--data", {data!r}, "--user", {user!r}, "--voice", {voice!r}]))
"""


def _place() -> Path:
    """Where the daemon of this user looks for modules of the user's own: by way of the folder for data."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / ".." / "libexec" / "speech-dispatcher-modules" / f"sd_{NAME}"


def _conf() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "speech-dispatcher" / "speechd.conf"


def script(python: str, data: Path, user: str, voice: str) -> str:
    """The text of the module's program."""
    if re.search(r"\s", python) or len(python) > _MOST_SHEBANG:
        raise InputError(
            f"A program cannot be started from {python!r}.", "Put the studio where no space is in the path."
        )
    return _SCRIPT.format(
        python=python, program="gpt_sovits", root=str(PROJECT_ROOT), data=str(data), user=user, voice=voice
    )


def speechd_command(session: Session, given: argparse.Namespace) -> int:
    if given.action == "run":
        return _run(session, given)
    if given.action == "remove":
        if not _place().is_file():
            raise MissingError(f"There is no module {_place()}.", "`speechd install` makes it.")
        _place().unlink()
        print("Restart the daemon: systemctl --user restart speech-dispatcher, or sign in anew.")
        return 0
    card = session.voices.find(given.voice) if given.voice else None
    data = session.models.settings.data_dir
    text = script(sys.executable, Path(data).resolve(), session.user, card.id if card else "")
    _place().parents[3].mkdir(parents=True, exist_ok=True)  # the daemon goes up from it, so it must be there
    _place().parent.mkdir(parents=True, exist_ok=True)
    write_bytes(_place(), text.encode())
    _place().chmod(0o755)
    print(_place().resolve())
    print(f"Restart the daemon (systemctl --user restart speech-dispatcher), then try: spd-say -o {NAME} Hello")
    if _conf().is_file() and re.search(r"^\s*AddModule\b", _conf().read_text("utf-8", "replace"), re.MULTILINE):
        print(f'{_conf()} names its modules; add the line: AddModule "{NAME}" "sd_{NAME}" ""')
    print("In Orca: Preferences, Voice, Speech synthesizer.")
    return 0


def _run(session: Session, given: argparse.Namespace) -> int:
    from gpt_sovits.speechd.module import Module

    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed must not come between the protocol's lines
    Module(session, source, sink, given.voice).run()
    sink.close()
    os._exit(0)  # a sentence that is still being made is not waited for


def add_speechd_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("install", "remove", "run"), help="run is what speech-dispatcher starts")
    command.add_argument(
        "--voice", default="", help="name or id of the voice (default: the first; Orca can choose another)"
    )
