"""The Mix tab: two voices, a slider between them, a sentence to hear, and a name to keep the blend under."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from gpt_sovits.errors import InputError, VoiceError
from webui.i18n import Words
from webui.parts import catch, good, heading, notice, pick, problem, speaking_choices
from webui.person import Ask
from webui.player import player, whole_speech


@dataclass(frozen=True)
class MixTab:
    first: gr.Dropdown
    second: gr.Dropdown
    ratio: gr.Slider
    blend: gr.HTML
    saved: gr.State


def build(ask: Ask, words: Words, folder: Path) -> MixTab:
    with gr.Column(elem_classes="narrow"):
        heading(words("mix.title"), words("mix.intro"))
        with gr.Column(elem_classes="card"):
            with gr.Row():
                first = gr.Dropdown([], label=words("mix.first"), elem_id="mix-first")
                second = gr.Dropdown([], label=words("mix.second"), elem_id="mix-second")
            ratio = gr.Slider(
                0.0,
                1.0,
                value=0.5,
                step=0.05,
                label=words("mix.ratio"),
                info=words("mix.ratio_hint"),
                buttons=[],
                elem_id="mix-ratio",
            )
            blend = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="mix-blend")
            follow = gr.Checkbox(
                True, label=words("mix.follow"), info=words("mix.follow_hint"), buttons=[], elem_id="mix-follow"
            )
            manner = gr.Slider(
                0.0,
                1.0,
                value=0.5,
                step=0.05,
                label=words("mix.manner"),
                info=words("mix.ratio_hint"),
                buttons=[],
                visible=False,
                elem_id="mix-manner",
            )
            text = gr.Textbox(label=words("mix.text"), value=words("mix.text_value"), lines=2, elem_id="mix-text")
            preview = gr.Button(words("mix.preview"), variant="primary", elem_id="mix-preview")
            status = gr.HTML(
                "",
                html_template='<p class="status" role="status" aria-live="polite">${value}</p>',
                js_on_load=None,
                apply_default_css=False,
                elem_id="mix-status",
            )
            trouble = notice(elem_id="mix-problem")
            sound = player(words, "mix-player")
        with gr.Column(elem_classes="card"):
            heading(words("mix.save_title"), level=3)
            with gr.Row(elem_classes="aligned"):
                name = gr.Textbox(label=words("mix.name"), max_length=80, max_lines=1, scale=3, elem_id="mix-name")
                save = gr.Button(words("mix.save"), scale=1, elem_id="mix-save")
            saved_notice = notice(elem_id="mix-saved")
    saved = gr.State("")

    def both(a: str | None, b: str | None) -> tuple[str, str]:
        if not a or not b:
            raise InputError(words("mix.need_two"))
        return a, b

    def hear(
        a: str | None, b: str | None, ratio: float, follow: bool, manner: float, text: str
    ) -> tuple[Any, str, str]:
        try:
            one, other = both(a, b)
            if not text.strip():
                raise InputError(words("speak.need_text"))
            voice = ask().voices.mix(one, other, float(ratio), manner=None if follow else float(manner))
            value = whole_speech(ask().speech.speak(text, voice, seed=0), folder, f"mix-{ratio:.2f}")
        except VoiceError as error:
            return None, "", problem(words, error)
        return value, words("mix.ready"), ""

    def keep(
        a: str | None, b: str | None, ratio: float, follow: bool, manner: float, name: str
    ) -> tuple[str, Any, str]:
        try:
            one, other = both(a, b)
            own = None if follow else float(manner)
            voice_id = ask().voices.save(ask().voices.mix(one, other, float(ratio), manner=own), name)
        except VoiceError as error:
            return problem(words, error), gr.skip(), name
        return good(words("mix.saved", name=name.strip())), voice_id, ""

    def describe(a: str | None, b: str | None, ratio: float) -> str:
        return _blend(words, speaking_choices(ask, words), a, b, ratio)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    parts: list[Any] = [first, second, ratio]
    whole: list[Any] = [*parts, follow, manner]
    working = f"() => {{ document.querySelector('#mix-status p').textContent = {words('mix.working')!r}; }}"
    for trigger in (ratio.release, manner.release, preview.click):
        trigger(None, None, None, js=working, **quiet)
        hearing = trigger(
            hear,
            [*whole, text],
            [sound, status, trouble],
            trigger_mode="always_last",
            concurrency_limit=2,
            concurrency_id="speech",
            **quiet,
        )
        catch(hearing, words, trouble, {status: ""})
    follow.change(lambda own, at: gr.update(visible=not own, value=at), [follow, ratio], manner, **quiet)
    for part in parts:
        part.change(describe, parts, blend, trigger_mode="always_last", **quiet)
    catch(save.click(keep, [*whole, name], [saved_notice, saved, name], **quiet), words, saved_notice)
    return MixTab(first, second, ratio, blend, saved)


def refreshed(ask: Ask, words: Words, a: str | None, b: str | None, ratio: float) -> tuple[Any, Any, str]:
    """Both drop-downs with the voices of now, two different ones to begin with, and the sentence below them."""
    choices = speaking_choices(ask, words)
    one = pick(choices, a)
    rest = [choice for choice in choices if choice[1] != one]
    other = pick(rest or choices, b)
    sentence = _blend(words, choices, one, other, ratio)
    return gr.update(choices=choices, value=one), gr.update(choices=choices, value=other), sentence


def _blend(words: Words, choices: Sequence[tuple[str, str]], a: str | None, b: str | None, ratio: float) -> str:
    if not a or not b or len(choices) < 2:
        return f"<p>{html.escape(words('mix.need_two'))}</p>"
    names = {voice_id: label for label, voice_id in choices}
    share = round(float(ratio) * 100)
    sentence = words("mix.blend", first=100 - share, second=share, a=names.get(a, ""), b=names.get(b, ""))
    return f'<p class="blend">{html.escape(sentence)}</p>'
