"""Tokens for other programs: made for a name, some deeds and some voices, shown once, and revoked."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.services.tokens import DEEDS
from webui.i18n import Words
from webui.parts import catch, good, heading, notice, problem
from webui.person import Ask

_USUAL = ["speak", "read"]


def build(ask: Ask, words: Words) -> None:
    """A folded card; what is in it is read when it is opened."""
    with gr.Accordion(words("programs.title"), open=False, elem_id="programs-box", elem_classes="fold") as box:
        heading("", words("programs.intro"))
        table = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="programs-table")
        name = gr.Textbox(label=words("programs.name"), max_length=80, max_lines=1, elem_id="programs-name")
        choices = [(said, deed) for deed, said in _deeds(words).items()]
        deeds = gr.CheckboxGroup(choices, value=_USUAL, label=words("programs.may"), elem_id="programs-may")
        voices = gr.Dropdown([], multiselect=True, label=words("programs.voices"), elem_id="programs-voices")
        make = gr.Button(words("programs.make"), elem_id="programs-make")
        trouble = notice(elem_id="programs-problem")
        shown = gr.Textbox(
            label=words("programs.shown"), visible=False, interactive=False, buttons=["copy"], elem_id="programs-shown"
        )
        with gr.Row(elem_classes="aligned"):
            gone = gr.Dropdown([], label=words("programs.which"), scale=3, elem_id="programs-which")
            revoke = gr.Button(words("programs.revoke"), variant="stop", scale=1, elem_id="programs-revoke")

    def look() -> list[Any]:
        tokens = ask().tokens.list()
        known = {card.id: card.name for card in ask().voices.list()}
        known |= {card.id: words("voices.invented", name=card.name) for card in ask().voices.invented()}
        return [
            _table(words, tokens, known),
            gr.update(choices=[(label, voice) for voice, label in known.items()]),
            gr.update(choices=[(token.name, token.id) for token in tokens], value=None),
        ]

    def add(called: str, may: list[str], of: list[str]) -> tuple[Any, str]:
        try:
            _, words_of_it = ask().tokens.add(called, deeds=may, voices=of or None)
        except VoiceError as error:
            return gr.update(value="", visible=False), problem(words, error)
        return gr.update(value=words_of_it, visible=True), good(words("programs.once"))

    def end(token: str | None) -> tuple[Any, str]:
        try:
            if not token:
                raise InputError(words("programs.need_choice"))
            ask().tokens.revoke(token)
        except VoiceError as error:
            return gr.update(), problem(words, error)
        return gr.update(value="", visible=False), good(words("programs.revoked"))

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    box.expand(look, None, [table, voices, gone], **quiet)
    for event in (
        make.click(add, [name, deeds, voices], [shown, trouble], **quiet),
        revoke.click(end, gone, [shown, trouble], **quiet),
    ):
        catch(event, words, trouble)
        event.then(look, None, [table, voices, gone], **quiet)


def _deeds(words: Words) -> dict[str, str]:
    said = {
        "speak": words("programs.speak"),
        "read": words("programs.read"),
        "mix": words("programs.mix"),
        "train": words("programs.train"),
        "manage": words("programs.manage"),
        "keep": words("programs.keep"),
    }
    return {deed: said[deed] for deed in DEEDS}


def _table(words: Words, tokens: list[Any], known: dict[str, str]) -> str:
    if not tokens:
        return f"<p>{html.escape(words('programs.none'))}</p>"
    heads = (words("programs.name"), words("programs.may"), words("programs.voices"))
    head = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in heads)
    rows = []
    for token in tokens:
        may = ", ".join(said for deed, said in _deeds(words).items() if deed in token.deeds)
        of = words("programs.all") if token.voices is None else ", ".join(known.get(v, v) for v in sorted(token.voices))
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in (may, of))
        rows.append(f'<tr><th scope="row">{html.escape(token.name)}</th>{cells}</tr>')
    return f'<div class="models"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
