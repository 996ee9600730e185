"""The Studio tab: long texts (studio.html, studio.js, books.py)."""

from __future__ import annotations

import gradio as gr

from webui.fragments import fragment
from webui.i18n import Words

BOOKS = "() => { window.dispatchEvent(new CustomEvent('studio-books')); }"


def build(words: Words) -> None:
    with gr.Column(elem_classes="narrow"):
        fragment(words, "studio", "live", "studio", elem_id="studio")
