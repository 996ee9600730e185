"""The real services over an engine that hums: each voice is a pitch, a mix lies between, one line is 0.4 seconds."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from gpt_sovits.audio import Audio
from gpt_sovits.errors import InputError
from gpt_sovits.events import CancelToken
from gpt_sovits.synthesis import Speech
from gpt_sovits.voices.voice import Voice
from webui.books import BookRoutes
from webui.learning import LearningRoutes
from webui.live import Live
from webui.mix import MixTab
from webui.people import PeopleRoutes
from webui.reading import ReadingRoutes
from webui.recording import RecordingRoutes
from webui.server import unreadable
from webui.takes import TakeRoutes

RATE = 32000
PITCHES = {"invented1": 160.0, "invented2": 240.0, "invented3": 320.0}


class Humming:
    """What ``Studio(synthesizer=...)`` takes. ``said`` lists (pitch, text); a text with "wait" waits for ``go``.

    One with "mumble" is in doubt the first time.
    """

    def __init__(self) -> None:
        self.said: list[tuple[int, str]] = []
        self.dropped: list[str] = []
        self.go = threading.Event()

    def base(self, name: str) -> Any:
        return SimpleNamespace(rate=RATE, release="r", symbols_version="v2")

    def forget(self, voice_id: str) -> None:
        """It remembers no voice."""

    def pitch(self, voice: Voice) -> float:
        parents = voice.made_by.get("parents") or [{"voice": voice.id, "share": 1.0}]
        return sum(PITCHES.get(str(each["voice"]), 420.0) * float(each["share"]) for each in parents)

    def speak(
        self,
        voice: Voice,
        text: str,
        *,
        speed: float = 1.0,
        pitch: float = 0.0,
        cancel: CancelToken | None = None,
        **_: Any,
    ) -> Iterator[Speech]:
        if not re.search(r"\w", text):
            raise InputError("There is nothing in this text that can be spoken.", "Type a sentence.")
        if "boom" in text:
            raise ZeroDivisionError("a bug")
        heard = self.pitch(voice) * 2 ** (pitch / 12)
        self.said.append((round(heard), text))
        while "wait" in text and not self.go.wait(0.02):
            if cancel is not None and cancel.cancelled:
                self.dropped.append(text)
                cancel.check()
        seconds = np.arange(int(RATE * 0.4 / speed)) / RATE
        tone = 0.3 * np.sin(2 * np.pi * heard * seconds)
        doubt = "loop" if "mumble" in text and self.said.count(self.said[-1]) == 1 else None
        yield Speech(Audio(tone.astype(np.float32), RATE), text, 0, len(text), 0.0, (), doubt=doubt)


def own_routes(studio: Any, folder: Path = Path("nowhere"), *, users: bool = False) -> FastAPI:
    """The pages' own routes over a studio, without the pages; what is made comes into ``folder``."""
    made = FastAPI(exception_handlers={RequestValidationError: unreadable})
    live = Live(studio, users=users)
    whole = (live, ReadingRoutes(live), MixTab(live), TakeRoutes(live), BookRoutes(live, folder))
    for routes in (*whole, PeopleRoutes(live, folder), RecordingRoutes(live), LearningRoutes(live)):
        made.include_router(routes.router())
    return made


def frames(data: bytes) -> Iterator[dict[str, Any]]:
    """What ``webui.live.frame`` wrote, with the sound under "sound"."""
    while data:
        head, sound = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4))
        yield {**json.loads(data[8 : 8 + head]), "sound": data[8 + head : 8 + head + sound]}
        data = data[8 + head + sound :]
