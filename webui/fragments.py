"""Parts of the page that are written by hand: markup with ``{{key}}`` for its sentences, and the scripts behind it.

A script asks for a sentence as ``SAY['key']``; only those that it asks for travel with it.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import gradio as gr

from webui.i18n import Words

FOLDER = Path(__file__).parent
BLANK = re.compile(r"\{\{([a-z_.]+)\}\}")
ASKED = re.compile(r"SAY\['([a-z_.]+)'\]")


def fragment(words: Words, name: str, *scripts: str, elem_id: str) -> gr.HTML:
    """The markup of ``<name>.html`` with the scripts ``<each>.js``, which run once, one after the other."""
    markup = (FOLDER / f"{name}.html").read_text(encoding="utf-8")
    code = "\n".join((FOLDER / f"{each}.js").read_text(encoding="utf-8") for each in scripts)
    said = {key: words(key) for key in ASKED.findall(code)}
    return gr.HTML(
        "",
        html_template=BLANK.sub(lambda found: html.escape(words(found[1])), markup),
        js_on_load=f"const SAY = {json.dumps(said, ensure_ascii=False)};\n{code}",
        apply_default_css=False,
        elem_id=elem_id,
    )
