"""The studio's voices for other programs, over HTTP: OpenAI's speech route and our own, in front of the pages' fence.

The guard has looked at every request before. Nothing here reads a cookie but to know who signed in.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gpt_sovits import __version__
from gpt_sovits.errors import ResourceError, VoiceError
from gpt_sovits.studio import Studio
from webui.api import docs, drafts, kept, models, openai, own
from webui.api.callers import Callers
from webui.api.failures import AskedError, failure, handle
from webui.api.speaking import Speaker
from webui.guard import MAX_UPLOAD, STOPPING, TOO_LARGE
from webui.sessions import Sessions
from webui.turns import Turns
from webui.uploads import LEFT_FREE

ROOTS = ("/v1/", "/api/")
MAX_BODY = 2**20  # bytes of what is no recording
_UPLOADS = ("/api/jobs", "/api/drafts", "/api/models")


def create_api(studio: Studio, folder: Path, sessions: Sessions | None = None, turns: Turns | None = None) -> FastAPI:
    """The ASGI app of every route. ``folder`` keeps uploads for the moment; ``sessions``: where people sign in.

    ``turns``: what speaks shares them with the pages.
    """
    shut: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None, "redirect_slashes": False}
    app = FastAPI(title="Voice Studio", version=__version__, **shut)
    app.state.callers, app.state.speaker, app.state.folder = Callers(studio, sessions), Speaker(turns), folder
    handle(app)

    @app.get("/api/health", tags=["studio"], summary="Whether the studio is there")
    def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @app.get("/api/openapi.json", include_in_schema=False)
    def description() -> JSONResponse:
        return JSONResponse(app.openapi())

    @app.get("/api/docs", include_in_schema=False)
    def described(request: Request) -> HTMLResponse:
        return docs.page(app.openapi(), str(request.base_url))

    app.include_router(openai.router)
    app.include_router(own.router)
    app.include_router(kept.router)
    app.include_router(drafts.router)
    app.include_router(models.router)
    app.state.whole = sessions is None
    return app


class Doors:
    """ASGI middleware: what programs ask goes to ``api``, everything else to the pages."""

    def __init__(self, app: ASGIApp, *, api: FastAPI) -> None:
        self._app = app
        self._api = api
        self._coming = 0  # bytes of recordings on their way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_door(str(scope["path"])):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        length = request.headers.get("content-length", "0")
        if scope["path"] in _UPLOADS and scope["method"] == "POST":
            try:
                await to_thread.run_sync(self._admit, request, length)
            except VoiceError as refusal:
                await failure(request, refusal)(scope, receive, send)
                return
            self._coming += int(length)
            try:
                await self._api(scope, receive, send)
            finally:
                self._coming -= int(length)
            return
        if length.isdigit() and int(length) > MAX_BODY:
            error = AskedError(413, "length", "This is too large.", "Send it in parts.")
            await failure(request, error)(scope, receive, send)
            return
        await self._api(scope, bounded(receive), send)

    def _admit(self, request: Request, length: str) -> None:
        """Refuse a recording before it is read, which comes before any route is asked: whose it is, how large it is."""
        self._api.state.callers.of(request)
        if not (length.isdigit() and len(length) < 16) or "content-length" not in request.headers:
            raise AskedError(411, "length", "The size of the file must be said first.")
        if int(length) > MAX_UPLOAD:
            raise AskedError(413, "length", "This is too large.", "Send it in parts.")
        if shutil.disk_usage(self._api.state.folder).free - self._coming - int(length) < LEFT_FREE:
            raise ResourceError("The disk of the studio is nearly full.", "Free some space.")


def is_door(path: str) -> bool:
    return f"{path}/".startswith(ROOTS)


def refused(request: Request, reason: str) -> Response:
    """What the guard says: to a program in its shape, to a browser in plain words."""
    if is_door(request.scope["path"]):
        if reason == STOPPING:
            return failure(request, AskedError(503, "stopping", reason, "Try again soon.", wait=10.0))
        status, code = (413, "length") if reason == TOO_LARGE else (403, "origin")
        return failure(request, AskedError(status, code, reason))
    return PlainTextResponse(reason, status_code=503 if reason == STOPPING else 403)


def bounded(receive: Receive) -> Receive:
    """Nothing more of a body that does not say its length than is allowed."""
    taken = 0

    async def measured() -> Message:
        nonlocal taken
        message: Any = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY:
            raise AskedError(413, "length", "This is too large.", "Send it in parts.")
        return message

    return measured
