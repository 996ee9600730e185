"""Below the voices, what concerns all of them: receiving one, a backup, and bringing one back.

Files of any size come through the framework's own upload, which the fence watches.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr

from gpt_sovits.errors import CostlyError, InputError, VoiceError
from webui.i18n import Words
from webui.parts import catch, good, heading, new_place, notice, problem, status_line
from webui.person import Ask

_RENEWED = """() => { for (const each of ['people', 'voices'])
  window.dispatchEvent(new CustomEvent(`studio-${each}`, {detail: {}})); }"""


def build(ask: Ask, words: Words, folder: Path) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    heavy: dict[str, Any] = {**quiet, "concurrency_limit": None, "concurrency_id": "passphrase"}
    with gr.Accordion(words("own.receive"), open=False, elem_classes="fold", elem_id="own-receive"):
        heading("", words("own.receive_text"))
        with gr.Row(elem_classes="aligned"):
            key = gr.Textbox(label=words("own.key"), interactive=False, max_lines=1, elem_id="own-key")
            show_key = gr.Button(words("own.key_show"), elem_id="own-key-show")
        with gr.Row(elem_classes="aligned"):
            given = gr.UploadButton(
                words("own.file"), file_types=[".gsvoice"], type="filepath", elem_id="own-file", scale=0
            )
            given_name = _chosen(words, given, "own-file-chosen")
        secret = gr.Textbox(label=words("own.file_secret"), type="password", max_lines=1, elem_id="own-file-secret")
        name = gr.Textbox(label=words("own.file_name"), max_length=80, max_lines=1, elem_id="own-file-name")
        costly = gr.Checkbox(label=words("own.costly"), visible=False, elem_id="own-file-costly")
        take = gr.Button(words("own.receive_do"), variant="primary", elem_id="own-receive-do")
        received = notice(elem_id="own-received")
    with gr.Accordion(words("own.backup"), open=False, elem_classes="fold", elem_id="own-backup"):
        heading("", words("own.backup_text"))
        phrase = gr.Textbox(label=words("own.backup_secret"), type="password", max_lines=1, elem_id="own-backup-secret")
        save = gr.Button(words("own.backup_do"), elem_id="own-backup-do")
        ready = gr.DownloadButton(words("own.backup_ready"), visible=False, elem_id="own-backup-ready")
        with gr.Row(elem_classes="aligned"):
            old = gr.UploadButton(
                words("own.backup_file"), file_types=[".gsbackup"], type="filepath", elem_id="own-old", scale=0
            )
            _chosen(words, old, "own-old-chosen")
        old_costly = gr.Checkbox(label=words("own.costly"), visible=False, elem_id="own-old-costly")
        restore = gr.Button(words("own.restore_do"), elem_id="own-restore-do")
        kept = notice(elem_id="own-kept")

    def own_key() -> tuple[str, str]:
        try:
            return ask().voices.public_key(), ""
        except VoiceError as error:
            return "", problem(words, error)

    def receive(path: str | None, phrase: str, call: str, allowed: bool) -> tuple[str, Any, Any, Any, Any]:
        try:
            if not path:
                raise InputError(words("own.need_file"))
            ask().voices.import_file(Path(path).read_bytes(), passphrase=phrase, name=call, costly=allowed)
        except VoiceError as error:
            asks = isinstance(error, CostlyError)
            return problem(words, error), gr.skip(), gr.skip() if asks else "", gr.skip(), _offered(error)
        return good(words("own.received")), None, "", "", _offered()

    def back_up(phrase: str) -> tuple[str, Any]:
        path = new_place(folder) / "voices.gsbackup"
        try:
            count = ask().voices.backup(path, phrase)
        except VoiceError as error:
            return problem(words, error), gr.update(value=None, visible=False)
        return good(words("own.backed_up", count=count)), gr.update(value=str(path), visible=True)

    def bring_back(path: str | None, phrase: str, allowed: bool) -> tuple[str, Any]:
        try:
            if not path:
                raise InputError(words("own.need_file"))
            result = ask().voices.restore(Path(path), phrase, allowed)
        except VoiceError as error:
            return problem(words, error), _offered(error)
        lines = [words("own.restored", count=len(result.voices)), *map(words.sentence, result.conflicts)]
        return "".join(good(line) for line in lines), _offered()

    trying = f'<p class="hint">{html.escape(words("own.trying"))}</p>'
    for press, do, fields, view, place in (
        (show_key, own_key, None, [key, received], received),
        (take, receive, [given, secret, name, costly], [received, given, secret, given_name, costly], received),
        (save, back_up, phrase, [kept, ready], kept),
        (restore, bring_back, [old, phrase, old_costly], [kept, old_costly], kept),
    ):
        event = press.click(lambda: trying, None, place, queue=False, **quiet).then(do, fields, view, **heavy)
        catch(event, words, place)
        event.then(None, None, None, js=_RENEWED, **quiet)


def _offered(error: VoiceError | None = None) -> Any:
    """The tick that allows a file its memory is there from when it is asked for until the file is taken."""
    return (
        gr.skip() if error and not isinstance(error, CostlyError) else gr.update(visible=error is not None, value=False)
    )


def _chosen(words: Words, button: gr.UploadButton, elem_id: str) -> gr.HTML:
    """Says which file was chosen."""
    shown = status_line(elem_id=elem_id)
    button.upload(
        lambda path: html.escape(words("own.chosen", name=Path(path).name)),
        button,
        shown,
        api_visibility="private",
        show_progress="hidden",
    )
    return shown
