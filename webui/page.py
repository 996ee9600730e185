"""The HTML page around the studio: its language, title and icon, without the links that Gradio's page carries."""

from __future__ import annotations

import html
import re
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui import i18n

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='9' fill='%230f6e6e'/%3E"
    "%3Cpath d='M8 14v4M12 10v12M16 7v18M20 11v10M24 14v4' stroke='white' stroke-width='2.4' stroke-linecap='round'/%3E"
    "%3C/svg%3E"
)
_STREAM = (Path(__file__).parent / "stream.js").read_text(encoding="utf-8")
_LOCALES = {"en": "en-US", "zh": "zh-CN"}
_META = re.compile(r"<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*?/>\s*", re.DOTALL)
_MANIFEST = re.compile(r"<link rel=\"manifest\"[^>]*>\s*")


def rewrite(page: str, language: str) -> str:
    """Gradio's index page made ours. Its own small words (record, upload) follow ``navigator.language``."""
    words = i18n.load(language)
    locale = _LOCALES[language]
    head = (
        f"<title>{html.escape(words('app.title'))}</title>"
        f'<meta name="description" content="{html.escape(words("app.tagline"))}" />'
        f'<link rel="icon" href="{_ICON}" />'
        f"<script>Object.defineProperty(navigator,'language',{{value:'{locale}'}});"
        f"Object.defineProperty(navigator,'languages',{{value:['{locale}']}});{_STREAM}</script>"
    )
    page = _MANIFEST.sub("", _META.sub("", page))
    page = re.sub(r"<html(\s+)lang=\"[^\"]*\"", rf'<html\1lang="{locale}"', page, count=1)
    return page.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" />{head}', 1)


class Page:
    """ASGI middleware that rewrites the index page under ``/en/`` and ``/zh/`` and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        language = str(scope.get("path", "")).strip("/")
        if scope["type"] != "http" or scope["method"] != "GET" or language not in i18n.LANGUAGES:
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def rewritten(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                    start = message
                    return
            if start is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = rewrite(body.decode("utf-8"), language).encode("utf-8")
            headers = MutableHeaders(scope=start)
            headers["content-length"] = str(len(page))
            headers["cache-control"] = "no-store"
            await send(start)
            await send({"type": "http.response.body", "body": page})

        await self._app(_uncompressed(scope), receive, rewritten)


def _uncompressed(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": headers}
