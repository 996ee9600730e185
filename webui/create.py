"""The Create tab: what will be read, recording or files, the look over them, permission; and what is being learnt.

Its parts: create.html (the form and the reading screen), create.js (form and clips), prompter.js (the reading screen),
pieces.js (bytes on their way to the server), review.js (the pieces), learning.js (the jobs); watch.js is on every tab.
What they ask is answered by recording.py and learning.py.
"""

from __future__ import annotations

import gradio as gr

from webui.fragments import fragment
from webui.i18n import Words

SCRIPTS = ("live", "pieces", "prompter", "review", "learning", "create")


def build(words: Words) -> None:
    with gr.Column(elem_classes="narrow"):
        fragment(words, "create", *SCRIPTS, elem_id="create")
