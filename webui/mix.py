"""The Mix tab: two voices, a slider that is heard while it moves, and a name to keep a blend (mix.html, mix.js)."""

from __future__ import annotations

from typing import Any

import gradio as gr
from fastapi import APIRouter, Request

from webui.fragments import fragment
from webui.i18n import Words
from webui.live import Blend, Language, Live, answered, blended


class KeptBlend(Blend):
    """A blend with the name under which it is stored."""

    name: str


class MixTab:
    """``live`` speaks for the tab; what is left is to keep a blend."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own")
        routes.add_api_route("/mix", self.keep, methods=["POST"])
        return routes

    def keep(self, language: Language, wish: KeptBlend, request: Request) -> dict[str, Any]:
        """Store the blend; the new voice's id, or why it cannot be."""
        session = self._live.asker(request).session
        return answered(language, lambda: {"voice": session.voices.save(blended(session, wish), wish.name)})

    @staticmethod
    def build(words: Words) -> None:
        with gr.Column(elem_classes="narrow"):
            fragment(words, "mix", "live", "mix", elem_id="mix")
