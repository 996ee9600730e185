"""Keeps other web pages away from the studio that listens on this machine.

A page on the internet may point its own host name at 127.0.0.1 (DNS rebinding) or send requests here from a
visitor's browser. So every request must name a host that this studio really is, and a request that a browser
says comes from elsewhere is refused. The answers carry a policy that lets the page load from nowhere else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.i18n import LANGUAGES

TOO_LARGE = "This is too large."
STOPPING = "The studio is being stopped."
MAX_UPLOAD = 1024**3  # bytes; half an hour of 48 kHz stereo float is 0.7 GB
_BLOCKED = (  # of the pages' framework; matched where a route begins, so that no person's word or folder is one
    "proxy=",
    "file=http:",
    "file=https:",
    "file/http:",
    "file/https:",
    "monitoring",
    "deep_link",
    "vibe-",
    "undo-vibe-",
    "dev/",
    "process_recording",
    "profiling",
    "run-history",
    "custom_component",  # prints what it is asked for
)
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?", re.ASCII)
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Gradio evaluates its templates
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "form-action 'self'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def _plain(request: Request, reason: str) -> Response:
    return PlainTextResponse(reason, status_code=503 if reason == STOPPING else 403)


async def until_stopped(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, say: Callable[[Request, str], Response]
) -> None:
    """Pass a request on. Where the server stops and does not wait for its answer, ``say`` tells so.

    An answer that had begun just ends: its client sees that it is not whole.
    """
    begun = False

    async def sent(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await app(scope, receive, sent)
    except asyncio.CancelledError:
        if scope["type"] == "http" and not begun:
            await say(Request(scope), STOPPING)(scope, receive, send)


class Guard:
    """ASGI middleware around the whole app. ``names`` are further host names that it may be reached by.

    ``say`` makes the answer to a request that is refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str = "127.0.0.1",
        names: Iterable[str] = (),
        say: Callable[[Request, str], Response] = _plain,
    ) -> None:
        self._app, self._say = app, say
        self._everywhere = not is_loopback(host)
        self._names = {"localhost", host.lower(), *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        method, scheme = str(scope.get("method", "GET")), str(scope.get("scheme", "http"))
        reason = self.refusal(Headers(scope=scope), str(scope.get("path", "")), method, scheme)
        if reason and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if reason:
            answer = self._say(Request(scope), reason)
            answer.headers.update(HEADERS)
            await answer(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        try:
            await until_stopped(self._app, scope, receive, guarded, self._say)
        except ClientDisconnect:
            pass  # whoever sent it hung up in the middle; nobody waits for an answer

    def refusal(self, headers: Headers, path: str, method: str = "GET", scheme: str = "http") -> str:
        """Why a request is refused; empty when it may pass."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return "This studio answers only to its own address on this computer."
        if origins and not (len(origins) == 1 and _is_of(origins[0], hosts[0], scheme)):
            return "This request came from another web page."
        site = headers.get("sec-fetch-site", "same-origin")
        opened = method == "GET" and headers.get("sec-fetch-mode") == "navigate" and "/gradio_api" not in path
        if site not in ("same-origin", "none") and not opened:
            return "This request came from another web page."
        if _route(path).startswith(_BLOCKED):
            return "This page does not exist in the studio."
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > MAX_UPLOAD + 2**20:
            return TOO_LARGE
        return ""

    def _is_ours(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None or int(found[2] or 1) > 65535:
            return False
        name = found[1].strip("[]").lower()
        if name in self._names or is_loopback(name):
            return True
        return self._everywhere and _is_address(name)  # a literal address cannot be rebound by a name server


def _is_of(origin: str, host: str, scheme: str) -> bool:
    """Whether a page of this origin is ours. Only a proxy may hide from us that it was asked by HTTPS."""
    try:
        named = urlsplit(origin)
    except ValueError:
        return False
    return named.netloc.lower() == host.lower() and named.scheme in ("https", scheme)


def _route(path: str) -> str:
    """What a path asks of the pages' framework, whichever page and however many strokes it begins with."""
    parts = [part for part in path.lstrip("/").split("/") if part]
    while parts and parts[0] in (*LANGUAGES, "gradio_api"):
        del parts[0]
    return "/".join(parts) + ("/" if path.endswith("/") else "")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether a host name or address is this computer's own, which no other can reach."""
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)
