"""The studio's voices for other programs, over HTTP: OpenAI's speech route and our own, in front of the pages' fence.

The guard has looked at every request before. Nothing here reads a cookie but to know who signed in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gpt_sovits import __version__
from gpt_sovits.studio import Studio
from webui.api import docs, openai, own
from webui.api.callers import Callers
from webui.api.failures import AskedError, failure, handle
from webui.api.speaking import Speaker
from webui.sessions import Sessions

ROOTS = ("/v1/", "/api/")
MAX_BODY = 2**20  # bytes of what is no recording
_UPLOADS = ("/api/jobs",)


def create_api(studio: Studio, folder: Path, sessions: Sessions | None = None) -> FastAPI:
    """The ASGI app of every route. ``folder`` keeps uploads for the moment; ``sessions``: where people sign in."""
    shut: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None, "redirect_slashes": False}
    app = FastAPI(title="Voice Studio", version=__version__, **shut)
    app.state.callers, app.state.speaker, app.state.folder = Callers(studio, sessions), Speaker(), folder
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
    return app


class Doors:
    """ASGI middleware: what programs ask goes to ``api``, everything else to the pages."""

    def __init__(self, app: ASGIApp, *, api: ASGIApp) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not str(scope["path"]).startswith(ROOTS):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        length = request.headers.get("content-length", "0")
        if scope["path"] not in _UPLOADS:
            if length.isdigit() and int(length) > MAX_BODY:
                error = AskedError(413, "length", "This is too large.", "Send it in parts.")
                await failure(request, error)(scope, receive, send)
                return
            receive = _bounded(receive)
        await self._api(scope, receive, send)


def _bounded(receive: Receive) -> Receive:
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
