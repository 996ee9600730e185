"""What this computer gives and what lies where, on the settings page (house.html, house.js).

GET <language>/own/house
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from fastapi import APIRouter, Request

from webui.fragments import fragment
from webui.i18n import Words
from webui.live import Language, Live, answered

HOUSE = "() => { window.dispatchEvent(new CustomEvent('studio-house')); }"


class HouseRoutes:
    """``whole``: nobody signs in, so the computer is the person's own."""

    def __init__(self, live: Live, *, whole: bool) -> None:
        self._live, self._whole = live, whole

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own")
        routes.add_api_route("/house", self.house, methods=["GET"])
        return routes

    def house(self, language: Language, request: Request) -> dict[str, Any]:
        session = self._live.asker(request).session
        return answered(language, lambda: session.house.report(whole=self._whole))


def build(words: Words) -> gr.HTML:
    return fragment(words, "house", "live", "house", elem_id="house")
