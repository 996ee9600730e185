"""``python -m gpt_sovits service``: let the studio's routes be there from the moment a person signs in (systemd)."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from gpt_sovits.errors import MissingError
from gpt_sovits.files import write_bytes
from gpt_sovits.services.session import Session
from gpt_sovits.settings import PROJECT_ROOT

ABOUT_SERVICE = "run the studio's routes in the background, as a systemd service of this user"
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


def service_command(session: Session, given: argparse.Namespace) -> int:
    text = unit(session.models.settings.data_dir, given.port)
    if given.action == "show":
        print(text, end="")
    elif given.action == "install":
        _place().parent.mkdir(parents=True, exist_ok=True)
        write_bytes(_place(), text.encode())
        print(f"{_place()}\nStart it with: systemctl --user daemon-reload && systemctl --user enable --now {NAME}")
    elif not _place().is_file():
        raise MissingError(f"There is no service {_place()}.", "`service install` makes it.")
    else:
        _place().unlink()
        print(f"Stop it with: systemctl --user disable --now {NAME}")
    return 0


def add_service_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("show", "install", "remove"))
    command.add_argument("--port", type=int, default=7860, help="default: 7860")
