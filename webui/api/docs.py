"""The description of the routes as a plain page of our own: it loads nothing from anywhere."""

from __future__ import annotations

import html
from typing import Any

from starlette.responses import HTMLResponse

_STYLE = """body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:.9em ui-monospace,monospace}pre{background:#8881;padding:.7rem;border-radius:.5rem;overflow-x:auto}
summary{cursor:pointer;padding:.3rem 0}td,th{text-align:left;vertical-align:top;padding:.15rem .8rem .15rem 0}
@media(prefers-color-scheme:dark){body{background:#171614;color:#f5f5f4}a{color:#5eead4}}"""
_INTRO = """<p>Programs speak through these addresses with the voices of this studio. They show a token
(<code>Authorization: Bearer gsv_…</code>), made with <code>python -m gpt_sovits tokens add NAME</code>; until there is
one, programs of this computer need none where nobody signs in. A failure is always
<code>{"error": {"message", "type", "code", "param"}}</code>. The same as data:
<a href="openapi.json">openapi.json</a>.</p>
<p lang="zh">其他程序可以通过这些地址使用本工坊的声音。令牌用 <code>python -m gpt_sovits tokens add 名称</code>
生成，只显示一次；还没有令牌、也无人需要登录时，本机的程序不用令牌。出错时总是同一种格式，句子的语言随
<code>Accept-Language</code>。</p>"""


def page(description: dict[str, Any], address: str) -> HTMLResponse:
    """``description`` is OpenAPI's; ``address`` what the studio was asked under."""
    example = (
        f"curl {address}v1/audio/speech -H 'Content-Type: application/json' \\\n"
        '  -d \'{"model": "gpt-sovits", "voice": "Ada", "input": "Good morning!"}\' -o morning.mp3'
    )
    parts = [f"<pre>{html.escape(example)}</pre>"]
    schemas = description.get("components", {}).get("schemas", {})
    for path, ways in description["paths"].items():
        for method, way in ways.items():
            parts.append(_route(method, path, way, schemas))
    body = f"<h1>{html.escape(description['info']['title'])}</h1>{_INTRO}{''.join(parts)}"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><title>HTTP</title>{head}</head><body>{body}</body></html>'
    )


def _route(method: str, path: str, way: dict[str, Any], schemas: dict[str, Any]) -> str:
    rows = [(each["name"], each.get("schema", {}), each.get("required")) for each in way.get("parameters", [])]
    for kind in way.get("requestBody", {}).get("content", {}).values():
        form = schemas.get(kind["schema"].get("$ref", "").rpartition("/")[2], kind["schema"])
        needed = form.get("required", [])
        rows += [(name, schema, name in needed) for name, schema in form.get("properties", {}).items()]
    table = "".join(_row(f"{name} *" if needed else name, _said(schema)) for name, schema, needed in rows)
    said = sorted((str(status), answer.get("description", "")) for status, answer in way.get("responses", {}).items())
    answers = "".join(_row(status, text) for status, text in said)
    title = f"<code>{method.upper()} {html.escape(path)}</code> {html.escape(way.get('summary', ''))}"
    return f"<details><summary>{title}</summary><table>{table}</table><table>{answers}</table></details>"


def _row(name: str, text: str) -> str:
    return f"<tr><td><code>{html.escape(name)}</code></td><td>{html.escape(text)}</td></tr>"


def _said(schema: dict[str, Any]) -> str:
    kinds = [each.get("type", "") for each in schema.get("anyOf", [schema])]
    words = ", ".join(map(str, schema.get("enum", []))) or " or ".join(filter(None, kinds))
    default = f" (default: {schema['default']})" if schema.get("default") not in (None, "") else ""
    return f"{words}{default}. {schema.get('description', '')}".strip(" .")
