"""The Speak tab: a voice or a clip, and a text that is spoken while it is written (speak.html, speak.js, live.py)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from gpt_sovits.audio import concatenate
from gpt_sovits.encoding import write_audio
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.services.models import EMBEDDED
from gpt_sovits.storage.sounds import new_place
from webui import words as own_words
from webui.api.speaking import MAX_TEXT
from webui.fragments import fragment
from webui.i18n import Words
from webui.live import Clips
from webui.parts import catch, heading, notice, recorder
from webui.person import Ask, owner

SILENCE = "() => { window.dispatchEvent(new Event('studio-silence')); }"
VOICES = "() => { window.dispatchEvent(new CustomEvent('studio-voices', {detail: {}})); }"
_TOLD = """watch('value', () => {
  if (props.value) window.dispatchEvent(new CustomEvent(props.value.event, {detail: props.value.detail}));
});"""


def told(event: str, detail: Any) -> dict[str, Any]:
    """What makes the page's scripts hear ``event``; never the same twice, or the page would not look at it."""
    return {"event": event, "detail": detail, "once": secrets.token_hex(4)}


class SpeakTab:
    """What stands behind the tab: ``ask`` gives the services of whoever looks, ``clips`` keeps voices from clips."""

    def __init__(self, ask: Ask, words: Words, folder: Path, clips: Clips) -> None:
        self._ask = ask
        self._words = words
        self._folder = folder
        self._clips = clips

    def take_clip(self, clip: str | None, transcript: str) -> Iterator[dict[str, Any]]:
        """What the page learns about the clip that was chosen: its name, or why it is no voice."""
        yield told("studio-clip", None)  # the one before is gone
        if not clip:
            return
        try:
            voice = self._ask().speech.reference_voice(Path(clip), transcript=transcript.strip())
            yield told("studio-clip", {"clip": self._clips.put(owner(), voice), "pitched": voice.base == EMBEDDED})
        except VoiceError as error:
            yield told("studio-clip", {"problem": self._words.error(error)})

    def say(self, text: str, voice: str, language: str, speed: float, pause: float, seed: float) -> str:
        """For programs that ask the page by ``gradio_client``: a WAV file, the same that the HTTP doors give."""
        try:
            session = self._ask()
            card = session.voices.find(voice)
            if len(text) > MAX_TEXT:
                raise InputError(f"The text has more than {MAX_TEXT} characters.", "Speak it in parts.")
            way: dict[str, Any] = {"language": language, "speed": speed, "pause": pause, "seed": int(seed)}
            spoken = [piece.audio for piece in session.speech.speak(text, card.id, **way)]
            path = new_place(self._folder, owner()) / "speech.wav"
            write_audio(path, concatenate(spoken), label=session.speech.label(card.id))
            return str(path)
        except VoiceError as error:
            raise gr.Error(self._words.error(error)) from error

    def offer(self) -> None:
        """``/speak`` of the page's own interface; nothing of it is to be seen."""
        wishes = [gr.Textbox(visible=False), gr.Textbox(visible=False), gr.Textbox("auto", visible=False)]
        wishes += [gr.Number(value, visible=False) for value in (1.0, 0.3, 0)]  # type: ignore[misc]
        gr.Button(visible=False).click(
            self.say, wishes, gr.File(visible=False), api_name="speak", concurrency_id="speech", concurrency_limit=None
        )

    def build(self) -> gr.HTML:
        """The layout; what is returned carries what ``told`` makes to the page."""
        words = self._words
        with gr.Column(elem_classes="narrow"):
            fragment(words, "speak", "live", "speak", "read", "takes", "wave", elem_id="speak")
            with gr.Column(elem_classes="card", elem_id="speak-clip-box"):
                clip = recorder(words, words("speak.clip"), "speak-clip")
                transcript = gr.Textbox(
                    label=words("speak.clip_text"),
                    placeholder=words("speak.clip_text_hint"),
                    lines=2,
                    elem_id="speak-clip-text",
                )
                heading("", words("speak.clip_rule"))
                trouble = notice(elem_id="speak-clip-problem")
            ear = gr.HTML(None, html_template="", js_on_load=_TOLD, apply_default_css=False, elem_id="speak-clip-told")
            with gr.Column(elem_classes="card"):
                own_words.build(self._ask, words, self._folder)
        self.offer()
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        for event in (clip.change, transcript.blur):
            taken = event(
                self.take_clip, [clip, transcript], ear, concurrency_limit=None, concurrency_id="speech", **quiet
            )
            catch(taken, words, trouble)
        return ear
