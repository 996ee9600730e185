"""What the computer gives, and what lies where on it for one person: for the settings page."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpt_sovits import files
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.services.core import Core
from gpt_sovits.services.speech import SpeechService
from gpt_sovits.services.voices import VoiceService
from gpt_sovits.settings import CHOICE

SAID = "The kettle is on the stove, and the children are playing outside."  # by which is measured
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
            "places": {name: files.bytes_below(path) for name, path in places.items()},
            "words": len(self._core.word_lists.of(self._user).entries()),
            "waiting": sum(job.state in ("queued", "running") for job in self._core.store.states(self._user)),
            "device": settings.device,
            "threads": settings.threads or os.cpu_count() or 1,
            "memory": _memory(),
            "accounts": len(self._core.registry.accounts.names()),
        }
        if whole:
            found |= {"cores": os.cpu_count() or 1, "usable": self._usable(), "chosen": self._chosen()}
            found |= {"folder": str(settings.data_dir), "free": shutil.disk_usage(settings.data_dir).free}
        return found

    def _usable(self) -> list[str]:
        from gpt_sovits.models.store import list_bases

        return [base.name for base in list_bases(self._core.settings) if not base.missing]

    def _chosen(self) -> dict[str, Any]:
        try:
            return files.read_json(self._core.settings.data_dir / CHOICE)
        except VoiceError:
            return {"device": "", "threads": 0}

    def choose(self, device: str, threads: int) -> None:
        """From the next start on compute on ``device`` ("cpu", or "" for the fastest) with ``threads`` (0: all)."""
        if device not in ("", "cpu") or not 0 <= threads <= (os.cpu_count() or 1):
            raise InputError("This computer does not have so much.", "Choose one of the list.")
        with files.disk_errors("your choice could not be kept"):
            files.write_json(self._core.settings.data_dir / CHOICE, {"device": device, "threads": threads})

    def pace(self, base: str) -> float:
        """Seconds of speech that an installed base makes in a second here, measured now: twice, after once to warm up.

        ``MissingError`` where the base or the invented voice that speaks is not here.
        """
        from gpt_sovits.audio import concatenate, write_wav  # late: the page opens without

        card = next(iter(self._voices.invented()), None)
        if card is None or base not in self._usable():
            raise MissingError("There is nothing here that could be measured.", "Show the invented voices again.")
        speech, voice = SpeechService(self._core, self._user), self._voices.load(card.id)
        line = speech.lines(SAID, voice)[0]
        if base != voice.base:
            with tempfile.TemporaryDirectory() as folder:
                clip = Path(folder) / "clip.wav"
                write_wav(clip, concatenate([speech.say(each, voice) for each in speech.lines(SAID, voice)]))
                voice = speech.reference_voice(clip, base=base)
        made, took = 0.0, 0.0
        for seed in range(3):
            began = time.perf_counter()
            seconds = sum(each.audio.seconds for each in self._core.synthesizer.speak(voice, line.said, seed=seed))
            if seed:
                made, took = made + seconds, took + time.perf_counter() - began
        self._core.models.note_pace(base, made / took)
        return made / took


def _memory() -> int:
    """Bytes of this process; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0
