"""``gpt_sovits speechd``: let Orca, spd-say and the like speak in a voice of yours."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from typer import Option

from gpt_sovits.cli.commands import command, group
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import write_bytes
from gpt_sovits.services.session import Session
from gpt_sovits.settings import PROJECT_ROOT

app = group("be a voice of speech-dispatcher: screen readers (Orca) and spd-say speak through the studio")
NAME = "voice-studio"
_MOST_SHEBANG = 250
_SYSTEM = Path("/etc/speech-dispatcher/speechd.conf")
_MARK = "# by speechd install --default:"  # followed by the line that stood there; alone: the next line is ours
_SCRIPT = """#!{python}
# Made by `{program} speechd install`; `speechd remove` takes it away. speech-dispatcher starts it.
import sys

sys.path.insert(0, {root!r})
from gpt_sovits.speechd.module import serve


def session():
    from gpt_sovits.settings import Settings
    from gpt_sovits.studio import Studio

    return Studio(Settings.load({data!r})).session({user!r})


serve(session, {voice!r}, {known!r})
"""


def _place() -> Path:
    """Where the daemon of this user looks for modules of the user's own: by way of the folder for data."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / ".." / "libexec" / "speech-dispatcher-modules" / f"sd_{NAME}"


def _conf() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "speech-dispatcher" / "speechd.conf"


def as_default(conf: str) -> str:
    """The daemon's settings with our module as the default one; ``undone`` takes it back."""
    lines = [f"{_MARK} {line}" if re.match(r"\s*DefaultModule\b", line) else line for line in undone(conf).splitlines()]
    ours = [f'AddModule "{NAME}" "sd_{NAME}" ""'] if _names_modules(conf) else []
    for line in (*ours, f"DefaultModule {NAME}"):
        lines += [_MARK, line]
    return "\n".join(lines) + "\n"


def undone(conf: str) -> str:
    """The settings as they were before ``as_default``."""
    lines, found = [], iter(conf.splitlines(keepends=True))
    for line in found:
        if line.strip() == _MARK:
            next(found, "")
        else:
            lines.append(line.removeprefix(f"{_MARK} "))
    return "".join(lines)


def _names_modules(conf: str) -> bool:
    """Whether the daemon starts only the modules that are named, instead of all that it finds."""
    return re.search(r"^\s*AddModule\b", undone(conf), re.MULTILINE) is not None


def _read(path: Path) -> str:
    return path.read_text("utf-8", "surrogateescape") if path.is_file() else ""


def _systems() -> str:
    """The system's settings, which the daemon reads where the user has none, as they read in another folder."""
    return re.sub(r'^(\s*Include\s+")(?!/)', rf"\g<1>{_SYSTEM.parent}/", _read(_SYSTEM), flags=re.MULTILINE)


def _set_default() -> None:
    write_bytes(_conf(), as_default(_read(_conf()) or _systems()).encode("utf-8", "surrogateescape"))


def _unset_default() -> None:
    before = undone(_read(_conf()))
    if before == _read(_conf()):
        return
    if before.strip() in ("", _systems().strip()):
        _conf().unlink()
    else:
        write_bytes(_conf(), before.encode("utf-8", "surrogateescape"))


def script(python: str, data: Path, user: str, voice: str, known: Sequence[str]) -> str:
    """The text of the module's program. ``known``: names of voices, for who asks before the studio is open."""
    if re.search(r"\s", python) or len(python) > _MOST_SHEBANG:
        raise InputError(
            f"A program cannot be started from {python!r}.", "Put the studio where no space is in the path."
        )
    return _SCRIPT.format(
        python=python,
        program="gpt_sovits",
        root=str(PROJECT_ROOT),
        data=str(data),
        user=user,
        voice=voice,
        known=tuple(known),
    )


@command(app)
def install(
    session: Session,
    voice: Annotated[str, Option(help="name or id of the voice (default: the first; Orca can choose another)")] = "",
    default: Annotated[
        bool, Option("--default", help="speak where no other module was chosen; remove undoes it")
    ] = False,
) -> None:
    """put the module where speech-dispatcher finds it"""
    card = session.voices.find(voice) if voice else None
    data = session.models.settings.data_dir
    known = [each.name for each in (*session.voices.list(), *session.voices.invented())]
    text = script(sys.executable, Path(data).resolve(), session.user, card.id if card else "", known)
    _place().parents[3].mkdir(parents=True, exist_ok=True)  # the daemon goes up from it, so it must be there
    _place().parent.mkdir(parents=True, exist_ok=True)
    write_bytes(_place(), text.encode())
    _place().chmod(0o755)
    print(_place().resolve())
    if default:
        _conf().parent.mkdir(parents=True, exist_ok=True)
        _set_default()
        print(f"{_conf()}: {NAME} speaks wherever no other module was chosen")
    option = "" if default else f" -o {NAME}"
    print(f"Restart the daemon (systemctl --user restart speech-dispatcher), then try: spd-say{option} Hello")
    if not default and _names_modules(_read(_conf())):
        print(f'{_conf()} names its modules; add the line: AddModule "{NAME}" "sd_{NAME}" ""')
    print("In Orca: Preferences, Voice, Speech synthesizer" + (": Default." if default else "."))


@command(app)
def remove() -> None:
    """take the module away"""
    if not _place().is_file():
        raise MissingError(f"There is no module {_place()}.", "`speechd install` makes it.")
    _place().unlink()
    _unset_default()
    print("Restart the daemon: systemctl --user restart speech-dispatcher, or sign in anew.")


@command(app)
def run(session: Session, voice: Annotated[str, Option(help="name or id of the voice")] = "") -> None:
    """be the module in this process, as what `install` writes is"""
    from gpt_sovits.speechd.module import serve

    serve(lambda: session, voice)
