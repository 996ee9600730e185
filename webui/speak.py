"""The Speak tab: a voice or a clip, a text, and speech that starts while the rest is being made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from gpt_sovits.errors import CancelledError, InputError, VoiceError
from gpt_sovits.events import CancelToken
from webui import words as own_words
from webui.i18n import Words
from webui.parts import (
    catch,
    heading,
    language_choices,
    notice,
    pick,
    problem,
    recorder,
    speaking_choices,
    unchanged,
)
from webui.person import Ask
from webui.player import Recorder, player

SILENCE = "() => { window.dispatchEvent(new Event('studio-silence')); }"


@dataclass(frozen=True)
class SpeakTab:
    source: gr.Radio
    voice: gr.Dropdown
    by_voice: gr.Column
    by_clip: gr.Column


def build(ask: Ask, words: Words, folder: Path) -> SpeakTab:
    tokens: dict[str, CancelToken] = {}  # one running speech per open page
    with gr.Column(elem_classes="narrow"):
        heading(words("speak.title"), words("speak.intro"))
        with gr.Column(elem_classes="card"):
            source = gr.Radio(
                [(words("speak.source_voice"), "voice"), (words("speak.source_clip"), "clip")],
                value="voice",
                label=words("speak.source"),
                elem_id="speak-source",
            )
            with gr.Column(elem_classes="plain") as by_voice:
                voice = gr.Dropdown([], label=words("speak.voice"), elem_id="speak-voice", filterable=True)
            with gr.Column(visible=False, elem_classes="plain") as by_clip:
                clip = recorder(words, words("speak.clip"), "speak-clip")
                clip_text = gr.Textbox(
                    label=words("speak.clip_text"),
                    placeholder=words("speak.clip_text_hint"),
                    lines=2,
                    elem_id="speak-clip-text",
                )
                heading("", words("speak.clip_rule"))
        with gr.Column(elem_classes="card"):
            text = gr.Textbox(
                label=words("speak.text"),
                placeholder=words("speak.text_hint"),
                lines=6,
                max_lines=16,
                elem_id="speak-text",
            )
            with gr.Row():
                language = gr.Dropdown(
                    language_choices(words),
                    value="auto",
                    label=words("speak.language"),
                    filterable=False,
                    elem_id="speak-language",
                )
                speed = gr.Slider(
                    0.5,
                    2.0,
                    value=1.0,
                    step=0.05,
                    label=words("speak.speed"),
                    info=words("speak.speed_hint"),
                    buttons=[],
                    elem_id="speak-speed",
                )
            with gr.Row():
                preview = gr.Button(words("speak.preview"), elem_id="speak-preview")
                start = gr.Button(words("speak.button"), variant="primary", elem_id="speak-start")
                stop = gr.Button(words("speak.stop"), visible=False, elem_id="speak-stop")
            status = gr.HTML(
                "",
                html_template='<p class="status" role="status" aria-live="polite">${value}</p>',
                js_on_load=None,
                apply_default_css=False,
                elem_id="speak-status",
            )
            trouble = notice(elem_id="speak-problem")
            sound = player(words, "speak-player")

        with gr.Column(elem_classes="card"):
            own_words.build(ask, words, folder, text, language)

    outputs = [sound, status, trouble, stop, start, preview]

    def wanted(source: str, voice: str | None, clip: str | None, clip_text: str) -> Any:
        if source == "voice":
            if not voice:
                raise InputError(words("speak.need_voice"))
            return voice
        if not clip:
            raise InputError(words("speak.need_clip"))
        return ask().speech.reference_voice(Path(clip), transcript=clip_text.strip())

    def speak(
        request: gr.Request,
        only_first: bool,
        source: str,
        voice: str | None,
        clip: str | None,
        clip_text: str,
        text: str,
        language: str,
        speed: float,
    ) -> Iterator[list[Any]]:
        token = CancelToken()
        session = str(request.session_hash)
        if session in tokens:
            tokens[session].cancel()
        tokens[session] = token
        idle = [gr.update(visible=False), gr.update(interactive=True), gr.update(interactive=True)]
        busy = [gr.update(visible=True), gr.update(interactive=False), gr.update(interactive=False)]
        recorder = Recorder(folder, text)
        try:
            if not text.strip():
                raise InputError(words("speak.need_text"))
            yield [None, words("speak.starting"), "", *busy]
            chosen = wanted(source, voice, clip, clip_text)
            for piece in ask().speech.speak(text, chosen, language=language, speed=speed, cancel=token):
                recorder.add(piece)
                if only_first:
                    break
                going = words("speak.going", count=len(recorder.parts), seconds=f"{recorder.seconds:.0f}")
                yield [recorder.live(), going, "", *unchanged(3)]
            if recorder.parts:
                yield [recorder.whole(), _summary(words, recorder), "", *idle]
            else:
                yield [None, "", "", *idle]
        except CancelledError:
            kept = recorder.whole(autoplay=False) if recorder.parts else None
            yield [kept, words("speak.stopped"), "", *idle]
        except VoiceError as error:
            kept = recorder.whole() if recorder.parts else None
            yield [kept, "", problem(words, error), *idle]
        finally:
            token.cancel()
            if tokens.get(session) is token:
                del tokens[session]

    def speak_all(request: gr.Request, *fields: Any) -> Iterator[list[Any]]:
        yield from speak(request, False, *fields)

    def speak_first(request: gr.Request, *fields: Any) -> Iterator[list[Any]]:
        yield from speak(request, True, *fields)

    def halt(request: gr.Request) -> None:
        token = tokens.get(str(request.session_hash))
        if token is not None:
            token.cancel()

    def switch(source: str) -> tuple[Any, Any]:
        return gr.update(visible=source == "voice"), gr.update(visible=source == "clip")

    fields = [source, voice, clip, clip_text, text, language, speed]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    source.change(switch, source, [by_voice, by_clip], **quiet)
    idle = {stop: gr.update(visible=False), start: gr.update(interactive=True), preview: gr.update(interactive=True)}
    for button, handler in ((start, speak_all), (preview, speak_first)):
        speaking = button.click(handler, fields, outputs, concurrency_limit=None, concurrency_id="speech", **quiet)
        catch(speaking, words, trouble, {**idle, status: ""})
    stop.click(halt, None, None, js=SILENCE, queue=False, **quiet)
    return SpeakTab(source, voice, by_voice, by_clip)


def refreshed(ask: Ask, words: Words, current: str | None) -> Any:
    """The drop-down with the voices of now; keeps what is chosen while it exists."""
    choices = speaking_choices(ask, words)
    return gr.update(choices=choices, value=pick(choices, current), info=None if choices else words("speak.no_voice"))


def _summary(words: Words, recorder: Recorder) -> str:
    return words(
        "speak.done",
        seconds=f"{recorder.seconds:.1f}",
        took=f"{recorder.took:.1f}",
        first=f"{recorder.first_after:.1f}",
    )
