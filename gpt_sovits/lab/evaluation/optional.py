"""Import a judge's package, or say in one sentence how to get it. Judges are development extras, not user needs."""

from __future__ import annotations

import importlib
from types import ModuleType

from gpt_sovits.errors import ResourceError

INSTALL = {
    "resemblyzer": "pip install -r requirements-dev.txt && pip install --no-deps resemblyzer==0.1.4",
    "faster_whisper": "pip install -r requirements.txt",
    "onnxruntime": "pip install -r requirements.txt",
    "soundfile": "pip install -r requirements.txt",
    "pypinyin": "pip install -r requirements.txt",
    "speechmos.dnsmos": "pip install -r requirements-dev.txt",
}


def judge_package(name: str) -> ModuleType:
    """The module ``name``; raises ``ResourceError`` naming the command that installs it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ResourceError(
            f"The judge {name.split('.')[0]} is not installed ({error}).", f"Run: {INSTALL[name]}"
        ) from error
