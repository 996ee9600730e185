"""The Voices tab: the cards (voices.html, voices.js, people.py), and below them what concerns all voices."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from webui import owning, programs
from webui.fragments import fragment
from webui.i18n import Words
from webui.person import Ask

PEOPLE = "() => { window.dispatchEvent(new CustomEvent('studio-people')); }"


def build(ask: Ask, words: Words, folder: Path) -> None:
    fragment(words, "voices", "live", "voices", elem_id="voices")
    with gr.Column(elem_classes="card"):
        owning.build(ask, words, folder)
        programs.build(ask, words)
