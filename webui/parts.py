"""What the tabs share: sentences on the page, lists of voices, sound files for the browser to play."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from gpt_sovits.errors import VoiceError
from gpt_sovits.storage import sounds
from webui.i18n import Words
from webui.person import owner


def notice(**options: Any) -> gr.HTML:
    """A place for one sentence that is read out when it appears."""
    return gr.HTML(
        "",
        html_template='<div class="notice" role="alert">${value}</div>',
        js_on_load=None,
        apply_default_css=False,
        elem_classes="notice-box",
        **options,
    )


def status_line(**options: Any) -> gr.HTML:
    """A place for how far something is, read out politely when it changes."""
    return gr.HTML(
        "",
        html_template='<div role="status" aria-live="polite">${value}</div>',
        js_on_load=None,
        apply_default_css=False,
        **options,
    )


def heading(title: str, text: str = "", level: int = 2) -> gr.HTML:
    first = f"<h{level}>{html.escape(title)}</h{level}>" if title else ""
    second = f"<p>{html.escape(text)}</p>" if text else ""
    return gr.HTML(
        first + second,
        js_on_load=None,
        apply_default_css=False,
        elem_classes="heading",
    )


def recorder(words: Words, label: str, elem_id: str) -> gr.Audio:
    """Record with the microphone or choose a file; either way the value is the path of one sound file."""
    with gr.Column(elem_classes="recorder"):
        sound = gr.Audio(
            label=label, sources=["microphone"], type="filepath", editable=False, buttons=[], elem_id=elem_id
        )
        choose = gr.UploadButton(
            words("recorder.choose"), file_types=["audio", "video"], type="filepath", elem_id=f"{elem_id}-file"
        )
    choose.upload(lambda path: path, choose, sound, api_visibility="private", show_progress="hidden")
    return sound


def catch(event: Any, words: Words, place: gr.HTML, restore: Mapping[Any, Any] | None = None) -> None:
    """After a failure that nobody foresaw (its traceback is in the log), say so in ``place`` and restore buttons."""
    buttons = dict(restore or {})
    event.failure(
        lambda: [f'<p class="problem">{html.escape(words("app.unexpected"))}</p>', *buttons.values()],
        None,
        [place, *buttons],
        api_visibility="private",
        show_progress="hidden",
    )


def problem(words: Words, error: VoiceError) -> str:
    """The inline sentence for a failure."""
    return f'<p class="problem">{html.escape(words.error(error))}</p>'


def good(text: str) -> str:
    return f'<p class="good">{html.escape(text)}</p>'


def unchanged(count: int) -> list[Any]:
    return [gr.skip() for _ in range(count)]


def pick(choices: Sequence[tuple[str, str]], current: str | None, fallback: int = 0) -> str | None:
    """``current`` if it is still a choice, otherwise the one at ``fallback``, otherwise nothing."""
    ids = [value for _, value in choices]
    if current in ids:
        return current
    return ids[min(fallback, len(ids) - 1)] if ids else None


def new_place(folder: Path) -> Path:
    """A new folder under ``folder``, of the present person and browser, whose name nobody can guess."""
    return sounds.new_place(folder, owner())


def file_name(text: str) -> str:
    """A short safe name for a download, made of the letters and digits of ``text``."""
    words = re.findall(r"\w+", text)
    return "-".join(words)[:40].strip("-_") or "speech"
