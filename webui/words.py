"""Beneath the text of the Speak tab: the person's own readings of words."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr

from gpt_sovits.errors import InputError, VoiceError
from webui.i18n import Words
from webui.parts import catch, good, heading, new_place, notice, problem
from webui.person import Ask

_SHOWN = 600  # words of a long list


def build(ask: Ask, words: Words, folder: Path) -> None:
    """The fold with the list."""
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    with gr.Accordion(words("words.title"), open=False, elem_id="words-box", elem_classes="fold") as own:
        heading("", words("words.intro"))
        with gr.Row(elem_classes="aligned"):
            word = gr.Textbox(label=words("words.word"), max_length=80, max_lines=1, scale=2, elem_id="words-word")
            reading = gr.Textbox(
                label=words("words.reading"),
                placeholder=words("words.reading_hint"),
                max_length=200,
                max_lines=1,
                scale=3,
                elem_id="words-reading",
            )
            where = gr.Dropdown(
                [(words("words.any"), ""), *((words(f"language.{code}"), code) for code in ("zh", "en"))],
                value="",
                label=words("words.where"),
                filterable=False,
                scale=2,
                elem_id="words-where",
            )
            add = gr.Button(words("words.add"), scale=1, elem_id="words-add")
        message = notice(elem_id="words-message")
        listed = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="words-list")
        with gr.Row(elem_classes="aligned"):
            chosen = gr.Dropdown([], label=words("words.which"), scale=3, elem_id="words-chosen")
            remove = gr.Button(words("words.remove"), scale=1, elem_id="words-remove")
        with gr.Row():
            take = gr.UploadButton(
                words("words.import"), file_types=[".csv", ".txt"], type="binary", elem_id="words-import"
            )
            give = gr.DownloadButton(words("words.export"), elem_id="words-export")

    def now(message: str = "") -> list[Any]:
        """Everything that shows the list, as it is now."""
        try:
            entries = ask().lexicon.entries()
            path = new_place(folder) / "words.csv"
            path.write_text(ask().lexicon.export_csv(), encoding="utf-8")
        except VoiceError as error:
            return [problem(words, error), "", gr.update(choices=[], value=None), gr.update(value=None)]
        choices = [(f"{entry.word} · {entry.reading}", f"{entry.language}:{entry.word}") for entry in entries]
        return [message, _table(entries, words), gr.update(choices=choices, value=None), gr.update(value=str(path))]

    def put(word: str, reading: str, where: str) -> list[Any]:
        try:
            ask().lexicon.add(word, reading, where)
        except VoiceError as error:
            return [*now(problem(words, error)), word, reading]
        return [*now(good(words("words.added", word=word.strip()))), "", ""]

    def forget(key: str | None) -> list[Any]:
        try:
            if not key:
                raise InputError(words("words.need_choice"))
            language, _, word = key.partition(":")
            ask().lexicon.remove(word, language)
        except VoiceError as error:
            return now(problem(words, error))
        return now(good(words("words.removed", word=word)))

    def read_table(data: bytes) -> list[Any]:
        try:
            count = ask().lexicon.import_csv(data)
        except VoiceError as error:
            return now(problem(words, error))
        return now(good(words("words.imported", count=count)))

    view = [message, listed, chosen, give]
    for event in (
        own.expand(now, None, view, **quiet),
        add.click(put, [word, reading, where], [*view, word, reading], **quiet),
        reading.submit(put, [word, reading, where], [*view, word, reading], **quiet),
        remove.click(forget, chosen, view, **quiet),
        take.upload(read_table, take, view, **quiet),
    ):
        catch(event, words, message)


def _table(entries: Any, words: Words) -> str:
    if not entries:
        return f"<p>{html.escape(words('words.none'))}</p>"
    head = "".join(
        f'<th scope="col">{html.escape(name)}</th>'
        for name in (words("words.word"), words("words.reading"), words("words.where"))
    )
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in (e.word, e.reading, _language(e.language, words)))
        + "</tr>"
        for e in entries[:_SHOWN]
    )
    return f'<div class="words"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _language(code: str, words: Words) -> str:
    key = f"language.{code}"
    return words(key) if words.has(key) else code or words("words.any")
