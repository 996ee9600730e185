"""What belongs to owning a voice, below its card on the Voices tab: versions, freeze, lock, send, journal, destroy.

And below the list, what concerns all voices: receiving one, a backup of all, and bringing one back.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.voices.terms import Terms
from webui.i18n import Words
from webui.parts import catch, day, file_name, good, heading, new_place, problem, voice_card
from webui.person import Ask
from webui.player import player, sample

_LINES = 200  # of the journal that are shown, the newest


@dataclass(frozen=True)
class Owning:
    """``show(voice_id)`` fills ``shown`` for the chosen voice."""

    show: Callable[[str | None], list[Any]]
    shown: list[Any]


def build(ask: Ask, words: Words, folder: Path, chosen: gr.Radio, message: gr.HTML, changed: gr.State) -> Owning:
    """The folds for the voice in ``chosen``; what was done is said in ``message`` and counted in ``changed``."""
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    def fold(key: str) -> gr.Accordion:
        return gr.Accordion(words(key), open=False, elem_classes="fold", elem_id=key.replace(".", "-"))

    def secret(key: str) -> gr.Textbox:
        return gr.Textbox(label=words(key), type="password", max_lines=1, elem_id=key.replace(".", "-"))

    def button(key: str, variant: Literal["primary", "secondary", "stop"] = "secondary") -> gr.Button:
        return gr.Button(words(key), variant=variant, elem_id=key.replace(".", "-"))

    with fold("own.versions"):
        heading("", words("own.versions_text"))
        with gr.Row():
            with gr.Column(min_width=220):
                left = gr.Dropdown([], label=words("own.first"), filterable=False, elem_id="own-first")
                hear_left = button("own.hear_first")
                sound_left = player(words, "own-player-first")
            with gr.Column(min_width=220):
                right = gr.Dropdown([], label=words("own.second"), filterable=False, elem_id="own-second")
                hear_right = button("own.hear_second")
                sound_right = player(words, "own-player-second")
        with gr.Row():
            pin, newest, prune = button("own.pin"), button("own.newest"), button("own.prune", "stop")
        prune_sure = gr.Checkbox(label=words("own.prune_sure"), container=False, elem_id="own-prune-sure")
    with fold("own.freeze"):
        heading("", words("own.freeze_text"))
        thaw = secret("own.freeze_secret")
        with gr.Row():
            freeze, unfreeze = button("own.freeze_do"), button("own.unfreeze")
    with fold("own.lock"):
        heading("", words("own.lock_text"))
        passphrase = secret("own.passphrase")
        with gr.Row():
            lock, unlock, close, remove = (
                button(f"own.{key}") for key in ("lock_do", "unlock", "close", "lock_remove")
            )
    with fold("own.send"):
        heading("", words("own.send_text"))
        friend = gr.Textbox(label=words("own.friend"), max_lines=1, elem_id="own-friend")
        send_secret = secret("own.send_secret")
        with gr.Row():
            may_mix, may_retrain, may_export = (
                gr.Checkbox(True, label=words(f"own.{key}"), container=False, elem_id=f"own-{key.replace('_', '-')}")
                for key in ("may_mix", "may_retrain", "may_export")
            )
        until = gr.Textbox(label=words("own.until"), placeholder="2030-12-31", max_lines=1, elem_id="own-until")
        send = button("own.send_do", "primary")
        ready = gr.DownloadButton(words("own.send_ready"), visible=False, elem_id="own-send-ready")
    with fold("own.journal"):
        journal = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="own-journal-lines")
    with fold("own.destroy"):
        heading("", words("own.destroy_text"))
        typed = gr.Textbox(label=words("voices.confirm"), max_lines=1, elem_id="own-destroy-name")
        sure = gr.Checkbox(label=words("own.destroy_sure"), container=False, elem_id="own-destroy-sure")
        with_mixes = gr.Checkbox(label=words("own.destroy_mixes"), container=False, elem_id="own-destroy-mixes")
        destroy = button("own.destroy_do", "stop")

    card = partial(voice_card, ask, words)

    def show(voice_id: str | None) -> list[Any]:
        """Versions and journal of the chosen voice; every secret field empty again."""
        try:
            found = card(voice_id)
            choices = _versions(words, found)
            lines = _journal(words, ask().voices.journal(voice_id=found.id))
        except VoiceError as error:
            choices, lines = [], problem(words, error) if voice_id else ""
        first, last = (choices[0][1], choices[-1][1]) if choices else (None, None)
        return [
            gr.update(choices=choices, value=first),
            gr.update(choices=choices, value=last),
            None,
            None,
            lines,
            *[""] * 6,
            *[gr.update(value=False)] * 3,
            gr.update(value=None, visible=False),
        ]

    def deed(work: Callable[..., str]) -> Callable[..., tuple[str, Any]]:
        """A handler: ``work(card, *fields)`` returns the sentence to say; then the lists are read anew."""

        def done(voice_id: str | None, changes: int, *fields: Any) -> tuple[str, Any]:
            try:
                said = work(card(voice_id), *fields)
            except VoiceError as error:
                return problem(words, error), gr.skip()
            return good(said), changes + 1

        return done

    def hear(voice_id: str | None, version: str | None) -> tuple[Any, str]:
        try:
            return sample(ask, words, folder, card(voice_id).id, version), ""
        except VoiceError as error:
            return None, problem(words, error)

    def to_pin(found: Any, version: str) -> str:
        ask().voices.pin(found.id, version)
        return words("own.pinned")

    def to_newest(found: Any) -> str:
        ask().voices.pin(found.id, None)
        return words("own.unpinned")

    def to_prune(found: Any, version: str, agreed: bool) -> str:
        if not agreed:
            raise InputError(words("own.need_sure"))
        ask().voices.delete_version(found.id, version)
        return words("own.pruned")

    def to_freeze(found: Any, chosen_secret: str) -> str:
        ask().voices.freeze(found.id, passphrase=chosen_secret)
        return words("own.frozen", name=found.name)

    def to_unfreeze(found: Any, given: str) -> str:
        ask().voices.unfreeze(found.id, secret=given)
        return words("own.unfrozen", name=found.name)

    def to_lock(found: Any, given: str) -> str:
        mixes = ask().voices.lock(found.id, given)
        also = words("own.locked_mixes", mixes=", ".join(mixes)) if mixes else ""
        return f"{words('own.locked', name=found.name)} {also}".strip()

    def to_unlock(found: Any, given: str) -> str:
        ask().voices.unlock(found.id, given)
        return words("own.unlocked", name=found.name)

    def to_close(found: Any) -> str:
        ask().voices.relock(found.id)
        return words("own.closed", name=found.name)

    def to_remove(found: Any, given: str) -> str:
        ask().voices.remove_lock(found.id, given)
        return words("own.lock_removed", name=found.name)

    def to_send(voice_id: str | None, key: str, given: str, mix: bool, retrain: bool, export: bool, end: str) -> Any:
        try:
            found = card(voice_id)
            terms = Terms(mix=mix, retrain=retrain, export=export, until=end.strip())
            secret_for_file = "" if key.strip() else given
            data = ask().voices.export_file(found.id, passphrase=secret_for_file, recipient=key.strip(), terms=terms)
        except VoiceError as error:
            return problem(words, error), gr.update(value=None, visible=False)
        path = new_place(folder) / f"{file_name(found.name)}.gsvoice"
        path.write_bytes(data)
        said = words("own.sent_mix" if found.parents else "own.sent")
        return good(said), gr.update(value=str(path), visible=True)

    def to_destroy(found: Any, name: str, agreed: bool, mixes: bool) -> str:
        if " ".join(name.split()) != found.name:
            raise InputError(words("voices.confirm_wrong", name=found.name))
        if not agreed:
            raise InputError(words("own.need_sure"))
        scan = ask().voices.destroy(found.id, mixes=mixes)
        key = "own.destroyed" if scan.clean else "own.destroyed_left"
        said = [words(key, name=found.name, files=scan.files, left=len(scan.found))]
        if scan.locked or scan.others or scan.unread:
            unseen = len(scan.locked) + scan.others + len(scan.unread)
            said.append(words("own.destroyed_unseen", names=", ".join(scan.locked) or "-", count=unseen))
        return " ".join([*said, words("own.destroyed_limits")])

    said = [message, changed]
    heavy: dict[str, Any] = {
        **quiet,
        "concurrency_limit": None,
        "concurrency_id": "passphrase",
    }  # each takes much memory
    for event in (
        hear_left.click(hear, [chosen, left], [sound_left, message], **quiet),
        hear_right.click(hear, [chosen, right], [sound_right, message], **quiet),
        pin.click(deed(to_pin), [chosen, changed, right], said, **quiet),
        newest.click(deed(to_newest), [chosen, changed], said, **quiet),
        prune.click(deed(to_prune), [chosen, changed, right, prune_sure], said, **quiet),
        freeze.click(deed(to_freeze), [chosen, changed, thaw], said, **quiet),
        unfreeze.click(deed(to_unfreeze), [chosen, changed, thaw], said, **quiet),
        lock.click(deed(to_lock), [chosen, changed, passphrase], said, **heavy),
        unlock.click(deed(to_unlock), [chosen, changed, passphrase], said, **heavy),
        close.click(deed(to_close), [chosen, changed], said, **quiet),
        remove.click(deed(to_remove), [chosen, changed, passphrase], said, **heavy),
        send.click(
            to_send,
            [chosen, friend, send_secret, may_mix, may_retrain, may_export, until],
            [message, ready],
            **heavy,
        ),
        destroy.click(deed(to_destroy), [chosen, changed, typed, sure, with_mixes], said, **quiet),
    ):
        catch(event, words, message)
    fields = [thaw, passphrase, friend, send_secret, until, typed]
    shown = [left, right, sound_left, sound_right, journal, *fields, prune_sure, sure, with_mixes, ready]
    return Owning(show, shown)


def build_for_all(ask: Ask, words: Words, folder: Path, message: gr.HTML, changed: gr.State) -> None:
    """Receiving a voice, and the backup, which need no chosen voice."""
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    heavy: dict[str, Any] = {**quiet, "concurrency_limit": None, "concurrency_id": "passphrase"}
    with gr.Accordion(words("own.receive"), open=False, elem_classes="fold", elem_id="own-receive"):
        heading("", words("own.receive_text"))
        with gr.Row(elem_classes="aligned"):
            key = gr.Textbox(label=words("own.key"), interactive=False, max_lines=1, elem_id="own-key")
            show_key = gr.Button(words("own.key_show"), elem_id="own-key-show")
        given = gr.File(
            label=words("own.file"), file_types=[".gsvoice"], type="filepath", buttons=[], elem_id="own-file"
        )
        secret = gr.Textbox(label=words("own.file_secret"), type="password", max_lines=1, elem_id="own-file-secret")
        name = gr.Textbox(label=words("own.file_name"), max_length=80, max_lines=1, elem_id="own-file-name")
        take = gr.Button(words("own.receive_do"), variant="primary", elem_id="own-receive-do")
    with gr.Accordion(words("own.backup"), open=False, elem_classes="fold", elem_id="own-backup"):
        heading("", words("own.backup_text"))
        phrase = gr.Textbox(label=words("own.backup_secret"), type="password", max_lines=1, elem_id="own-backup-secret")
        save = gr.Button(words("own.backup_do"), elem_id="own-backup-do")
        ready = gr.DownloadButton(words("own.backup_ready"), visible=False, elem_id="own-backup-ready")
        old = gr.File(
            label=words("own.backup_file"), file_types=[".gsbackup"], type="filepath", buttons=[], elem_id="own-old"
        )
        restore = gr.Button(words("own.restore_do"), elem_id="own-restore-do")

    def own_key() -> tuple[str, str]:
        try:
            return ask().voices.public_key(), ""
        except VoiceError as error:
            return "", problem(words, error)

    def receive(path: str | None, phrase: str, call: str, changes: int) -> tuple[str, Any, Any, str]:
        try:
            if not path:
                raise InputError(words("own.need_file"))
            ask().voices.import_file(Path(path).read_bytes(), passphrase=phrase, name=call)
        except VoiceError as error:
            return problem(words, error), gr.skip(), gr.skip(), ""
        return good(words("own.received")), changes + 1, None, ""

    def back_up(phrase: str) -> tuple[str, Any]:
        path = new_place(folder) / "voices.gsbackup"
        try:
            count = ask().voices.backup(path, phrase)
        except VoiceError as error:
            return problem(words, error), gr.update(value=None, visible=False)
        return good(words("own.backed_up", count=count)), gr.update(value=str(path), visible=True)

    def bring_back(path: str | None, phrase: str, changes: int) -> tuple[str, Any]:
        try:
            if not path:
                raise InputError(words("own.need_file"))
            result = ask().voices.restore(Path(path), phrase)
        except VoiceError as error:
            return problem(words, error), gr.skip()
        lines = [words("own.restored", count=len(result.voices)), *map(words.sentence, result.conflicts)]
        return "".join(good(line) for line in lines), changes + 1

    for event in (
        show_key.click(own_key, None, [key, message], **quiet),
        take.click(receive, [given, secret, name, changed], [message, changed, given, secret], **heavy),
        save.click(back_up, phrase, [message, ready], **heavy),
        restore.click(bring_back, [old, phrase, changed], [message, changed], **heavy),
    ):
        catch(event, words, message)


def _versions(words: Words, found: Any) -> list[tuple[str, str]]:
    """(label, id) of each version, oldest first."""
    choices = []
    for version in found.versions:
        parts = [f"{version.number} · {day(version.created)}", version.label]
        if version.id == found.default_version:
            parts.append(words("own.speaks"))
        choices.append((" · ".join(part for part in parts if part), version.id))
    return choices


def _journal(words: Words, entries: Sequence[Any]) -> str:
    rows = []
    for entry in reversed(entries[-_LINES:]):
        details = ", ".join(f"{key} {value}" for key, value in entry.details.items())
        what = (
            words(f"deed.{entry.what.replace(' ', '_')}") if words.has(f"deed.{entry.what.replace(' ', '_')}") else ""
        )
        cells = (entry.at.replace("T", " ")[:16], what or entry.what, details)
        rows.append("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>")
    return f'<div class="journal"><table>{"".join(rows)}</table></div>'
