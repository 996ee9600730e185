"""A small page of its own, for what is shown before the studio's pages: one language, no Gradio."""

from __future__ import annotations

import html

from starlette.responses import HTMLResponse, Response

from webui.guard import HEADERS
from webui.i18n import Words

_STYLE = """
body{font:1.05rem system-ui,sans-serif;background:#faf8f5;color:#1c1917;display:grid;place-items:center;height:90vh}
form,main{display:grid;gap:.8rem;width:20rem}label{display:grid;gap:.3rem}
input,button{font:inherit;padding:.6rem;border:1px solid #a8a29e;border-radius:.6rem}
button{background:#0f6e6e;color:#fff}.problem{color:#9f1239}progress{width:100%;accent-color:#0f6e6e}
@media(prefers-color-scheme:dark){body{background:#171614;color:#f5f5f4}input{background:#262422;color:#fff}}
"""


def plain_page(words: Words, body: str, *, head: str = "", status: int = 200) -> Response:
    """``body`` and ``head`` are HTML. Nobody keeps a copy of the answer."""
    title = html.escape(words("app.title"))
    page = (
        f'<!doctype html><html lang="{words.language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style>{head}</head><body>{body}</body></html>"
    )
    return HTMLResponse(page, status, headers={**HEADERS, "Cache-Control": "no-store"})
