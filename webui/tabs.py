"""One language of all pages: the tabs, what each shows when it is opened, and how they lead to one another."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from gpt_sovits.studio import Studio
from webui import create, house, i18n, mix, settings, speak, voices
from webui import studio as studio_tab
from webui.closed import ClosedBlocks
from webui.fragments import fragment
from webui.i18n import Words
from webui.live import Live
from webui.person import asking, present, signed_in

__all__ = ["build"]
_TABS = (Path(__file__).parent / "tablist.js").read_text(encoding="utf-8")


def build(
    studio: Studio,
    language: str = "en",
    folder: Path | None = None,
    *,
    users: bool = False,
    live: Live | None = None,
) -> ClosedBlocks:
    """The whole page in one language. ``folder`` takes the sound files that the browser plays (Gradio's by default).

    ``users``: people sign in, and each call of a service is for whoever sent the request. ``live`` speaks for the page.
    """
    words = i18n.load(language)
    ask = asking(studio, signed_in if users else present)
    place = folder or Path(get_upload_folder())
    live = live or Live(studio, users=users)
    with ClosedBlocks(title=words("app.title"), analytics_enabled=False, delete_cache=(3600, 24 * 3600)) as page:
        gr.HTML(_header(words, users), js_on_load=_TABS, apply_default_css=False, elem_id="header")
        fragment(words, "watch", "live", "watch", elem_id="watch")
        with gr.Tabs(selected="speak", elem_id="tabs"):
            with gr.Tab(words("tab.speak"), id="speak") as speak_tab:
                speak.SpeakTab(ask, words, place, live.clips).build()
            with gr.Tab(words("tab.create"), id="create") as create_tab:
                create.build(words)
            with gr.Tab(words("tab.studio"), id="studio") as books_tab:
                studio_tab.build(words)
            with gr.Tab(words("tab.mix"), id="mix") as mix_tab:
                mix.MixTab.build(words)
            with gr.Tab(words("tab.voices"), id="voices") as voices_tab:
                voices.build(ask, words, place)
            with gr.Tab(words("tab.settings"), id="settings") as settings_tab:
                house.build(words)
                if not users:  # the models are the machine's: where people sign in, its owner keeps them (``models``)
                    models = settings.build(studio.models, words)

        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        for event, js in (
            (speak_tab.select, speak.VOICES),
            (mix_tab.select, speak.VOICES),
            (books_tab.select, studio_tab.BOOKS),
            (voices_tab.select, voices.PEOPLE),
            (settings_tab.select, house.HOUSE),
        ):
            event(None, None, None, js=js, **quiet)
        if not users:
            settings_tab.select(models.look, models.inputs, models.view, **quiet)
        create_tab.select(None, None, None, js=speak.SILENCE, **quiet)
    return page


def _header(words: Words, users: bool) -> str:
    links = "".join(
        f'<a href="../?language={code}" lang="{code}"'
        f"{' aria-current=true' if code == words.language else ''}>{html.escape(name)}</a>"
        for code, name in i18n.LANGUAGES.items()
    )
    leave = f'<form method="post" action="../sign-out"><button>{html.escape(words("signin.out"))}</button></form>'
    return (
        f"<header><div><h1>{html.escape(words('app.title'))}</h1><p>{html.escape(words('app.tagline'))}</p></div>"
        f'<nav aria-label="{html.escape(words("app.language"))}">{links}{leave if users else ""}</nav></header>'
    )
