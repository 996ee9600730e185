"""Answers from the first second, while the studio behind it is still being imported and built.

Somebody who opens a page meanwhile sees that the studio is opening, and the page goes on by itself; every other request
waits until it can be answered, so that no program needs to try twice.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from webui import i18n
from webui.plain import plain_page

# Waits for an answer that is no page, which comes when the studio is there; without scripts the page asks every 2 s.
_ON = """<noscript><meta http-equiv="refresh" content="2"></noscript><script>
const on = () => fetch(location.href, {headers: {Accept: "*/*"}, cache: "no-store"})
  .then(() => location.reload(), () => setTimeout(on, 500));
on();
</script>"""


class Opening:
    """ASGI. ``make`` builds the studio's app, in a thread; if that fails, ``error`` is set and ``failed`` called.

    ``afterwards`` is done once the studio can be used, in a thread too: what makes it quicker.
    """

    def __init__(self, make: Callable[[], Starlette], afterwards: Callable[[], None] = lambda: None) -> None:
        self.error: BaseException | None = None
        self.failed: Callable[[], object] | None = None
        self._make, self._afterwards = make, afterwards
        self._app: Starlette | None = None
        self._ready = asyncio.Event()  # also when it failed: nobody waits for ever
        self._leaving = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if self._app is None and scope["type"] == "http" and _is_page(request := Request(scope)):
            await _page(request)(scope, receive, send)
            return
        await self._ready.wait()
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await Response(status_code=503)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1013})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        studio = asyncio.create_task(self._studio())
        studio.add_done_callback(self._ended)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._leaving.set()
        await asyncio.wait([studio])
        await send({"type": "lifespan.shutdown.complete"})

    async def _studio(self) -> None:
        app = await run_in_threadpool(self._make)
        async with app.router.lifespan_context(app):
            self._app = app
            self._ready.set()
            await run_in_threadpool(self._afterwards)
            await self._leaving.wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.error = None if task.cancelled() else task.exception()
        self._ready.set()
        if self.error is not None and self.failed is not None:
            self.failed()


def _is_page(request: Request) -> bool:
    """Whether somebody opened this in a browser."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _page(request: Request) -> Response:
    asked = request.url.path.strip("/")
    words = i18n.load(asked if asked in i18n.LANGUAGES else i18n.chosen(request))
    said = html.escape(words("app.opening"))
    body = f'<main><h1>{html.escape(words("app.title"))}</h1><p role="status">{said}</p><progress></progress></main>'
    return plain_page(words, body, head=_ON, status=503)
