"""``gpt_sovits service``: let the studio's routes be there from the moment a person signs in (systemd)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from typer import Option

from gpt_sovits.cli.commands import command, group
from gpt_sovits.errors import MissingError
from gpt_sovits.files import write_bytes
from gpt_sovits.settings import PROJECT_ROOT, Settings

app = group("run the studio's routes in the background, as a systemd service of this user")
Port = Annotated[int, Option(help="of this computer")]
NAME = "voice-studio.service"


def unit(data: Path, port: int) -> str:
    """The unit's text. Nothing in it may become more than it was: systemd's own signs are doubled or quoted."""
    words = [sys.executable, str(PROJECT_ROOT / "app.py"), "--headless", "--port", str(port), "--data", str(data)]
    command = " ".join(_quoted(word) for word in words)
    return f"""[Unit]
Description=Voice Studio: voices for the programs of this user

[Service]
ExecStart={command}
Restart=on-failure
RestartSec=5
TimeoutStopSec=20
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
"""


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$").replace("\n", "\\n")
    return f'"{escaped}"'


def _place() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "systemd" / "user" / NAME


@command(app)
def show(settings: Settings, port: Port = 7860) -> None:
    """print the unit"""
    print(unit(settings.data_dir, port), end="")


@command(app)
def install(settings: Settings, port: Port = 7860) -> None:
    """put the unit where systemd finds it"""
    _place().parent.mkdir(parents=True, exist_ok=True)
    write_bytes(_place(), unit(settings.data_dir, port).encode())
    print(f"{_place()}\nStart it with: systemctl --user daemon-reload && systemctl --user enable --now {NAME}")


@command(app)
def remove() -> None:
    """take the unit away"""
    if not _place().is_file():
        raise MissingError(f"There is no service {_place()}.", "`service install` makes it.")
    _place().unlink()
    print(f"Stop it with: systemctl --user disable --now {NAME}")
