"""What the computer gives, and what lies where on it for one person: for the settings page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpt_sovits.services.core import Core
from gpt_sovits.services.voices import VoiceService

_PAGE = 4096  # bytes, of Linux's count of memory


class House:
    """``user``'s; what is everybody's is told only ``whole``, where nobody signs in."""

    def __init__(self, core: Core, user: str) -> None:
        self._core, self._user = core, user
        self._voices = VoiceService(core, user)

    def report(self, *, whole: bool) -> dict[str, Any]:
        """Sizes in bytes; ``places`` by what they hold."""
        settings = self._core.settings
        home = self._core.registry.home_of(self._user)
        voices = [
            {"id": card.id, "name": card.name, "day": card.created[:10], "bytes": self._voices.size(card.id)}
            for card in self._voices.list()
        ]
        places: Mapping[str, Path] = {
            "takes": home / "takes",
            "narrations": home / "narrations",
            "desk": home / "desk",
            "receipts": home / "receipts",
            "intake": settings.data_dir / "intake" / self._user,
        }
        if whole:
            places = {**places, "jobs": settings.jobs_dir, "models": settings.models_dir, "cache": settings.cache_dir}
        found: dict[str, Any] = {
            "voices": voices,
            "places": {name: _bytes(path) for name, path in places.items()},
            "words": len(self._core.word_lists.of(self._user).entries()),
            "waiting": sum(job.state in ("queued", "running") for job in self._core.store.states(self._user)),
            "device": settings.device,
            "threads": settings.threads or os.cpu_count() or 1,
            "memory": _memory(),
            "accounts": len(self._core.registry.accounts.names()),
        }
        if whole:
            found |= {"folder": str(settings.data_dir), "free": shutil.disk_usage(settings.data_dir).free}
        return found


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def _memory() -> int:
    """Bytes of this process; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0
