"""The takes of a person: what was spoken is kept, named, starred, compared, taken along, and deleted with a way back.

GET    <language>/own/takes                  newest first
POST   <language>/own/takes/<id>             {"name" or "starred"}
DELETE <language>/own/takes/<id>             for an hour it can be brought back:
POST   <language>/own/takes/<id>/restore
POST   <language>/own/takes/<id>/again       {"line", "seed"}: a new take in which this line is said anew
GET    <language>/own/takes/<id>/words       the words that are heard in it, and from when to when
GET    <language>/own/takes/<id>/<name>.<kind>   the file: wav, flac, mp3, opus, srt, vtt ...
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from gpt_sovits.encoding import FORMATS
from gpt_sovits.errors import VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.services.takes import SUBTITLES
from gpt_sovits.storage.takes import Take
from webui import i18n
from webui.live import Language, Live, answered, card
from webui.parts import file_name


class Change(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str | None = None
    starred: bool | None = None


class Again(BaseModel):
    model_config = ConfigDict(extra="forbid")
    line: int = Field(ge=0, lt=2**31)
    seed: int = Field(ge=0, lt=2**31)


class TakeRoutes:
    """The routes; ``live`` knows who asks, and speaks in turn with everything else."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own/takes")
        routes.add_api_route("", self.all, methods=["GET"])
        routes.add_api_route("/{take}", self.change, methods=["POST"])
        routes.add_api_route("/{take}", self.delete, methods=["DELETE"])
        routes.add_api_route("/{take}/restore", self.restore, methods=["POST"])
        routes.add_api_route("/{take}/again", self.again, methods=["POST"])
        routes.add_api_route("/{take}/words", self.words, methods=["GET"])
        routes.add_api_route("/{take}/{name}.{kind}", self.file, methods=["GET"])
        return routes

    def all(self, language: Language, request: Request) -> dict[str, Any]:
        takes = self._live.asker(request).session.takes
        return answered(language, lambda: {"takes": [card(take) for take in takes.list()]})

    def change(self, language: Language, take: str, wish: Change, request: Request) -> dict[str, Any]:
        takes = self._live.asker(request).session.takes

        def changed() -> Take:
            found = takes.get(take)
            if wish.name is not None:
                found = takes.rename(take, wish.name)
            return found if wish.starred is None else takes.star(take, wish.starred)

        return answered(language, lambda: {"take": card(changed())})

    def delete(self, language: Language, take: str, request: Request) -> dict[str, Any]:
        takes = self._live.asker(request).session.takes
        return answered(language, lambda: {"take": card(takes.delete(take))})

    def restore(self, language: Language, take: str, request: Request) -> dict[str, Any]:
        takes = self._live.asker(request).session.takes
        return answered(language, lambda: {"take": card(takes.restore(take))})

    async def again(self, language: Language, take: str, wish: Again, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)
        takes = asker.session.takes
        token = CancelToken()
        say = partial(takes.again, take, wish.line, seed=wish.seed, cancel=token)
        try:
            return await self._live.turn(asker, partial(answered, language, lambda: {"take": card(say())}), token)
        finally:
            token.cancel()

    async def words(self, language: Language, take: str, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)

        def heard() -> dict[str, Any]:
            found = asker.session.takes.words(take)
            return {"words": [{"text": text, "from": begins, "to": ends} for text, begins, ends in found]}

        return await self._live.turn(asker, partial(answered, language, heard), CancelToken())

    async def file(self, language: Language, take: str, name: str, kind: str, request: Request) -> Response:
        """Its name comes from what the take is called, or from its first words."""
        takes = self._live.asker(request).session.takes

        def made() -> tuple[Take, bytes]:
            return takes.get(take), takes.file(take, kind)

        try:
            found, data = await to_thread.run_sync(made)
        except VoiceError as error:
            return JSONResponse({"problem": i18n.load(language).error(error)}, 404)
        kinds = "text/plain; charset=utf-8" if kind in SUBTITLES else FORMATS[kind].media_type
        called = quote(f"{file_name(found.name or found.text)}.{kind}")
        how = "inline" if name == "hear" else "attachment"
        headers = {"Content-Disposition": f"{how}; filename*=UTF-8''{called}", "Cache-Control": "private, no-store"}
        return Response(data, media_type=kinds, headers=headers)
