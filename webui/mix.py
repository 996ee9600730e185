"""The Mix tab: two or three voices, sliders that are heard while they move, and a name to keep a blend (mix.html)."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter, Request

from gpt_sovits.audio import wav_bytes
from gpt_sovits.events import CancelToken
from gpt_sovits.voices.ids import check_name
from webui import i18n
from webui.fragments import fragment
from webui.i18n import Words
from webui.live import Blend, Language, Live, answered, blended
from webui.people import spoken_sample


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

    async def keep(self, language: Language, wish: KeptBlend, request: Request) -> dict[str, Any]:
        """Store the blend with what it says, by which it is drawn; the new voice's id, or why it cannot be."""
        asker = self._live.asker(request)
        session, words = asker.session, i18n.load(language)

        def kept() -> dict[str, Any]:
            check_name(wish.name)
            voice = blended(session, wish)
            said = wav_bytes(spoken_sample(session, voice, words))
            return {"voice": session.voices.save(voice, wish.name, sample=said)}

        return await self._live.turn(asker, partial(answered, language, kept), CancelToken())

    @staticmethod
    def build(words: Words) -> None:
        with gr.Column(elem_classes="narrow"):
            fragment(words, "mix", "live", "mix", elem_id="mix")
