"""Where things live on this machine and which device computes. The only reader of the environment.

What the environment says wins over what was chosen on the settings page (``CHOICE``).

    GPT_SOVITS_HOME      data folder (voices, jobs, downloaded bases); default: the system's per-user data folder
    GPT_SOVITS_DEVICE    cpu, cuda, cuda:0, mps; default: cpu, or cuda when there is one
    GPT_SOVITS_THREADS   threads for computing; 0 lets torch decide
    GPT_SOVITS_REDIS     URL of a Redis server that holds the queue of trainings for several machines; default: none
    GPT_SOVITS_PRECISION how large models are held on a CPU: full, half, int8; default: auto (see ``bases.Base``)

WORLD_SIZE, RANK and LOCAL_RANK are set by ``accelerate launch``, for training in several processes.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from gpt_sovits.errors import InputError

CHOICE = "computer.json"  # in the data folder: {"device": "" or "cpu", "threads"}, as the settings page wrote it
PRECISIONS = ("auto", "full", "half", "int8")
_DEVICE = re.compile(r"cpu|mps|cuda(:\d{1,2})?", re.ASCII)
_MOST_THREADS = 1024
PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Values that hold for one process. Every path of a person's data derives from ``data_dir``."""

    data_dir: Path
    device: str = "cpu"
    threads: int = 0
    precision: str = "auto"
    bundled_models: Path = PROJECT_ROOT / "pretrained_models"
    redis: str = ""  # URL of the queue's server; empty: the queue is a file of the data folder
    processes: int = 1  # that were launched together, and which of them this is
    rank: int = 0

    @property
    def registry_dir(self) -> Path:
        return self.data_dir / "registry"

    @property
    def jobs_dir(self) -> Path:
        return self.data_dir / "jobs"

    @property
    def models_dir(self) -> Path:
        """Bases that the person downloaded or imported; the embedded ones are in ``bundled_models``."""
        return self.data_dir / "models"

    @property
    def cache_dir(self) -> Path:
        return self.data_dir / "cache"

    @staticmethod
    def load(data_dir: Path | str | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment; an explicit ``data_dir`` wins over GPT_SOVITS_HOME."""
        usual = platformdirs.user_data_dir("gpt-sovits", appauthor=False)
        home = data_dir or environment.get("GPT_SOVITS_HOME") or usual
        folder = _folder(home)
        kept = _kept(folder)
        threads = environment.get("GPT_SOVITS_THREADS", str(kept.get("threads", 0)))
        if not (threads.isascii() and threads.isdigit() and len(threads) < 10):
            raise InputError(f"GPT_SOVITS_THREADS is {threads!r}, which is not a number.", "Set it to 0 or more.")
        if int(threads) > _MOST_THREADS:
            raise InputError(f"GPT_SOVITS_THREADS is {threads[:20]}.", f"Set it to {_MOST_THREADS} or less.")
        device = environment.get("GPT_SOVITS_DEVICE") or kept.get("device") or _best_device()
        if not _DEVICE.fullmatch(device):
            raise InputError(f"GPT_SOVITS_DEVICE is {device[:40]!r}.", "Set it to cpu, cuda, cuda:0 or mps.")
        precision = environment.get("GPT_SOVITS_PRECISION", "auto")
        if precision not in PRECISIONS:
            raise InputError(f"GPT_SOVITS_PRECISION is {precision!r}.", f"Set it to one of {', '.join(PRECISIONS)}.")
        return Settings(
            data_dir=folder,
            device=_own_card(device, environment),
            threads=int(threads),
            precision=precision,
            redis=environment.get("GPT_SOVITS_REDIS", ""),
            processes=_number(environment, "WORLD_SIZE", 1),
            rank=_number(environment, "RANK", 0),
        )


def _kept(folder: Path) -> Mapping[str, Any]:
    """What the person chose on the settings page; nothing where that cannot be read."""
    try:
        value = json.loads((folder / CHOICE).read_text(encoding="utf-8"))
        return {key: kind(value[key]) for key, kind in (("device", str), ("threads", int))}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _folder(home: Path | str) -> Path:
    try:
        return Path(home).expanduser().resolve()
    except RuntimeError as error:  # links in a circle
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(home)) from error


def _own_card(device: str, environment: Mapping[str, str]) -> str:
    """Of several processes on one machine, each computes on a graphics card of its own."""
    card = environment.get("LOCAL_RANK", "")
    return f"cuda:{card}" if device == "cuda" and _DEVICE.fullmatch(f"cuda:{card}") else device


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    """What a launcher of several processes (accelerate, torchrun) says; the default when there is none."""
    value = environment.get(name, "")
    return int(value) if re.fullmatch(r"\d{1,9}", value, re.ASCII) else default


_GPU_DOORS = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/nvmap")  # driver, WSL, Jetson


def _best_device() -> str:
    if sys.platform == "linux" and not any(Path(door).exists() for door in _GPU_DOORS):
        return "cpu"  # without importing torch, which takes two seconds and 200 MB
    import torch  # late: settings are read by commands that never compute

    return "cuda" if torch.cuda.is_available() else "cpu"
