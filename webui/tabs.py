"""One language of all pages: the tabs, what each shows when it is opened, and how they lead to one another."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from gpt_sovits.studio import Studio
from webui import create, i18n, mix, settings, speak, voices
from webui import studio as studio_tab
from webui.closed import ClosedBlocks
from webui.fragments import fragment
from webui.i18n import Words
from webui.live import Live
from webui.person import asking, present, signed_in

__all__ = ["build"]


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
        gr.HTML(_header(words, users), js_on_load=None, apply_default_css=False, elem_id="header")
        fragment(words, "watch", "live", "watch", elem_id="watch")
        with gr.Tabs(selected="speak", elem_id="tabs") as tabs:
            with gr.Tab(words("tab.speak"), id="speak") as speak_tab:
                ear = speak.SpeakTab(ask, words, place, live.clips).build()
            with gr.Tab(words("tab.create"), id="create") as create_tab:
                create.build(words)
            with gr.Tab(words("tab.studio"), id="studio") as books_tab:
                studio_tab.build(words)
            with gr.Tab(words("tab.mix"), id="mix") as mix_tab:
                mix.MixTab.build(words)
            with gr.Tab(words("tab.voices"), id="voices") as voices_tab:
                listed = voices.build(ask, words, place)
            if not users:  # the models are the machine's: where people sign in, its owner keeps them (``models``)
                with gr.Tab(words("tab.settings"), id="settings") as settings_tab:
                    models = settings.build(studio.models, words)

        def refresh(chosen: str | None) -> tuple[Any, ...]:
            return voices.refreshed(ask, words, chosen)

        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        for event in (page.load, voices_tab.select):
            event(refresh, listed.chosen, [listed.chosen, listed.count], **quiet)
        for event in (speak_tab.select, mix_tab.select):
            event(None, None, None, js=speak.VOICES, **quiet)
        books_tab.select(None, None, None, js=studio_tab.BOOKS, **quiet)
        renewed = listed.changed.change(refresh, listed.chosen, [listed.chosen, listed.count], **quiet)
        renewed.then(listed.show, listed.chosen, listed.shown, **quiet)
        listed.speak_with.click(_speak_with, listed.chosen, [tabs, ear], **quiet)
        if not users:
            settings_tab.select(models.look, models.inputs, models.view, **quiet)
        create_tab.select(None, None, None, js=speak.SILENCE, **quiet)
    return page


def _speak_with(voice: str | None) -> tuple[Any, Any]:
    return gr.update(selected="speak"), speak.told("studio-speak-with", voice)


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
