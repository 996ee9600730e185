"""Plays speech in the page while it is still being made, then offers the whole of it to hear again and to keep.

Gradio's own streaming needs an ffmpeg on the system. Here the server writes each piece as a WAV file into the
browser folder and names it in the component's value; ``player.js`` fetches the pieces and joins them without gaps.
"""

from __future__ import annotations

import html
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from gpt_sovits.errors import MissingError
from webui.i18n import Words
from webui.parts import new_place, pcm, save_wav
from webui.person import Ask

SCRIPT = (Path(__file__).parent / "player.js").read_text(encoding="utf-8")


def player(words: Words, elem_id: str) -> gr.HTML:
    """A player. Its value is ``{"run", "pieces": [{"file", "text"}], "file", "name", "autoplay"}`` or None."""
    text = {key: html.escape(words(f"player.{key}")) for key in ("pause", "resume", "listen", "download", "now")}
    return gr.HTML(
        None,
        html_template=f"""
<div class="player" role="group" aria-label="{text["listen"]}" data-state="empty">
  <div class="player-now" hidden>
    <button type="button" class="player-toggle" data-pause="{text["pause"]}" data-resume="{text["resume"]}"
      >{text["pause"]}</button>
    <p><span class="visually-hidden">{text["now"]} </span><span class="player-text"></span></p>
  </div>
  <div class="player-whole" hidden>
    <audio controls preload="metadata" aria-label="{text["listen"]}"></audio>
    <a class="player-download" download>{text["download"]}</a>
  </div>
</div>""",
        js_on_load=SCRIPT,
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="player-box",
    )


@dataclass
class Recorder:
    """Collects the pieces of one speech for a player and measures how long they took."""

    folder: Path
    name: str
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    started: float = field(default_factory=time.monotonic)
    first_after: float = 0.0
    rate: int = 0
    parts: list[np.ndarray] = field(default_factory=list)
    shown: list[dict[str, str]] = field(default_factory=list)

    def add(self, piece: Any) -> None:
        """Take one ``Speech``: write its sound and remember its text."""
        if not self.parts:
            self.first_after = time.monotonic() - self.started
        self.rate = piece.audio.rate
        self.parts.append(pcm(piece.audio.samples))
        path = save_wav(self.folder, f"piece-{len(self.parts)}", self.parts[-1:], self.rate)
        self.shown.append({"file": str(path), "text": piece.text.strip()})

    @property
    def seconds(self) -> float:
        return sum(len(part) for part in self.parts) / self.rate if self.rate else 0.0

    @property
    def took(self) -> float:
        return time.monotonic() - self.started

    def live(self) -> dict[str, Any]:
        """The value while more pieces may come."""
        return {"run": self.run, "pieces": list(self.shown), "file": None, "name": "", "autoplay": True}

    def whole(self, autoplay: bool = True) -> dict[str, Any]:
        """The value when everything is there."""
        path = save_wav(self.folder, self.name, self.parts, self.rate)
        return {**self.live(), "file": str(path), "name": path.name, "autoplay": autoplay}


def sample(ask: Ask, words: Words, folder: Path, voice_id: str, version: str | None = None) -> dict[str, Any]:
    """A player value with the sentence that was kept with a voice, or a new one when none was."""
    try:
        sound = ask().voices.sample(voice_id, version)
    except MissingError:
        voice = voice_id if version is None else ask().voices.load(voice_id, version)
        return whole_speech(ask().speech.speak(words("voices.sample"), voice), folder, "sample")
    place = new_place(folder) / "sample.wav"
    place.write_bytes(sound)
    return {"run": secrets.token_hex(8), "pieces": [], "file": str(place), "name": place.name, "autoplay": True}


def stored_sound(wav: bytes, folder: Path) -> dict[str, Any]:
    """A player value with a WAV file, which is put where the browser may read; it waits."""
    place = new_place(folder) / "sample.wav"
    place.write_bytes(wav)
    return {"run": secrets.token_hex(8), "pieces": [], "file": str(place), "name": place.name, "autoplay": False}


def whole_speech(pieces: Iterator[Any], folder: Path, name: str, *, autoplay: bool = True) -> dict[str, Any]:
    """A player value for speech that is short enough to wait for: one file, no separate pieces."""
    recorder = Recorder(folder, name)
    for piece in pieces:
        recorder.rate = piece.audio.rate
        recorder.parts.append(pcm(piece.audio.samples))
    return recorder.whole(autoplay)
