"""What this computer gives and what lies where, on the settings page (house.html, house.js).

GET  <language>/own/house
POST <language>/own/house         {"device", "threads"}, from the next start on
POST <language>/own/house/pace    {"base"} -> {"pace"}, measured now
"""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from gpt_sovits.events import CancelToken
from webui.fragments import fragment
from webui.i18n import Words
from webui.live import Language, Live, answered

HOUSE = "() => { window.dispatchEvent(new CustomEvent('studio-house')); }"


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    device: str = Field(default="", max_length=8)
    threads: int = 0


class Measured(BaseModel):
    model_config = ConfigDict(extra="forbid")
    base: str = Field(max_length=64)


class HouseRoutes:
    """``whole``: nobody signs in, so the computer is the person's own."""

    def __init__(self, live: Live, *, whole: bool) -> None:
        self._live, self._whole = live, whole

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own")
        routes.add_api_route("/house", self.house, methods=["GET"])
        if self._whole:
            routes.add_api_route("/house", self.choose, methods=["POST"])
            routes.add_api_route("/house/pace", self.pace, methods=["POST"])
        return routes

    def choose(self, language: Language, wish: Choice, request: Request) -> dict[str, Any]:
        house = self._live.asker(request).session.house
        return answered(language, partial(house.choose, wish.device, wish.threads))

    async def pace(self, language: Language, wish: Measured, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)
        measure = partial(answered, language, lambda: {"pace": asker.session.house.pace(wish.base)})
        return await self._live.turn(asker, measure, CancelToken())

    def house(self, language: Language, request: Request) -> dict[str, Any]:
        session = self._live.asker(request).session
        return answered(language, lambda: session.house.report(whole=self._whole))


def build(words: Words) -> gr.HTML:
    return fragment(words, "house", "live", "house", elem_id="house")
