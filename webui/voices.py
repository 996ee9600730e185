"""The Voices tab: every voice of this person, to hear, rename and delete."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from gpt_sovits.errors import VoiceError
from gpt_sovits.voices.terms import Terms
from webui import owning, programs
from webui.i18n import Words
from webui.parts import catch, day, good, heading, notice, pick, problem, voice_card, voice_choices
from webui.person import Ask
from webui.player import player, sample


@dataclass(frozen=True)
class VoicesTab:
    chosen: gr.Radio
    count: gr.HTML
    details: gr.Column
    changed: gr.State
    speak_with: gr.Button
    show: Callable[..., Any]
    shown: list[Any]


def build(ask: Ask, words: Words, folder: Path) -> VoicesTab:
    heading(words("voices.title"), words("voices.intro"))
    count = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="voices-count", elem_classes="heading")
    changed = gr.State(0)
    with gr.Row(elem_classes="voices"):
        with gr.Column(scale=2, min_width=280):
            chosen = gr.Radio([], label=words("voices.list"), elem_id="voices-list", elem_classes="voice-list")
            message = notice(elem_id="voices-message")
        with gr.Column(scale=3, min_width=300, visible=False, elem_classes="card", elem_id="voices-details") as details:
            about = gr.HTML(
                "", js_on_load=None, apply_default_css=False, elem_id="voices-about", elem_classes="heading"
            )
            with gr.Row():
                play = gr.Button(words("voices.play"), variant="primary", elem_id="voices-play")
                speak_with = gr.Button(words("voices.speak"), elem_id="voices-speak")
            trouble = notice(elem_id="voices-problem")
            sound = player(words, "voices-player")
            with gr.Accordion(
                words("voices.rename_title"), open=False, elem_id="voices-rename-box", elem_classes="fold"
            ):
                with gr.Row(elem_classes="aligned"):
                    new_name = gr.Textbox(
                        label=words("voices.new_name"), max_length=80, max_lines=1, scale=3, elem_id="voices-new-name"
                    )
                    rename = gr.Button(words("voices.rename"), scale=1, elem_id="voices-rename")
            own = owning.build(ask, words, folder, chosen, message, changed)
    with gr.Column(elem_classes="card"):
        owning.build_for_all(ask, words, folder, message, changed)
        programs.build(ask, words)

    card = partial(voice_card, ask, words)

    def show(voice_id: str | None) -> list[Any]:
        try:
            found = card(voice_id)
        except VoiceError:
            return [gr.update(visible=False), "", None, "", "", *own.show(None)]
        about_it = _about(words, found, ask().voices.is_open(found.id))
        return [gr.update(visible=True), about_it, None, "", "", *own.show(voice_id)]

    def hear(voice_id: str | None) -> tuple[Any, str]:
        try:
            return sample(ask, words, folder, card(voice_id).id), ""
        except VoiceError as error:
            return None, problem(words, error)

    def call_it(voice_id: str | None, name: str, changes: int) -> tuple[str, str, Any, str]:
        try:
            ask().voices.rename(card(voice_id).id, name)
        except VoiceError as error:
            return "", problem(words, error), gr.skip(), name
        return good(words("voices.renamed", name=name.strip())), "", changes + 1, ""

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    shown = [details, about, sound, trouble, new_name, *own.shown]
    chosen.change(show, chosen, shown, **quiet)
    chosen.input(lambda: "", None, message, **quiet)
    for event in (
        play.click(hear, chosen, [sound, trouble], api_visibility="private", show_progress_on=[play]),
        rename.click(call_it, [chosen, new_name, changed], [message, trouble, changed, new_name], **quiet),
    ):
        catch(event, words, trouble)
    return VoicesTab(chosen, count, details, changed, speak_with, show, shown)


_TO_CREATE = "document.querySelector('#tabs [data-tab-id=create]').click()"


def refreshed(ask: Ask, words: Words, current: str | None) -> tuple[Any, str]:
    """The list of now, and the sentence above it."""
    choices = voice_choices(ask().voices.list())
    sentence = words("voices.count", count=len(choices)) if len(choices) > 1 else words("voices.count_one")
    told = f"<p>{html.escape(sentence)}</p>"
    if not choices:
        told = (
            f'<div class="empty"><p>{html.escape(words("voices.none"))}</p><button type="button" class="main" '
            f'onclick="{_TO_CREATE}">{html.escape(words("speak.record"))}</button></div>'
        )
    return gr.update(choices=choices, value=pick(choices, current), visible=bool(choices)), told


def _about(words: Words, card: Any, is_open: bool) -> str:
    if card.kind == "mix":
        made = words("voices.mixed", parents=" + ".join(card.parent_names))
    else:
        made = words("voices.trained", seconds=round(card.seconds_of_speech))
    lines = [made, words("voices.created", day=day(card.created))]
    if len(card.versions) > 1:
        lines.append(words("voices.versions", count=len(card.versions)))
    if card.consent is not None:
        lines.append(words("voices.consent", who=card.consent.who, purpose=card.consent.purpose))
        lines.append(words("voices.statement", statement=card.consent.statement, day=day(card.consent.when)))
    if card.frozen:
        lines.append(words("voices.frozen"))
    if card.locked:
        lines.append(words("voices.open") if is_open else words("voices.locked"))
    if card.signer:
        lines.append(words("voices.from", signer=card.signer[:16]))
    if card.terms != Terms():
        lines.append(_terms(words, card.terms))
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<h3>{html.escape(card.name)}</h3><ul>{items}</ul>"


def _terms(words: Words, terms: Terms) -> str:
    """What the person of a shared voice does not allow, and until when it may be used."""
    parts = [
        text
        for allowed, text in (
            (terms.mix, words("voices.no_mix")),
            (terms.retrain, words("voices.no_retrain")),
            (terms.export, words("voices.no_export")),
        )
        if not allowed
    ]
    if terms.until:
        parts.append(words("voices.until", day=terms.until))
    return "; ".join(parts)
