"""The Settings tab: which models are here, to download more with their licences shown first, to import, to remove."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from gpt_sovits.errors import InputError, RefusedError, VoiceError
from gpt_sovits.services.models import ModelService
from gpt_sovits.versions import FLOW_MATCHING, RECOMMENDED, of_family
from webui.i18n import Words
from webui.parts import catch, good, heading, notice, pick, problem, status_line, unchanged

TICK = 1.0  # seconds between two looks at a download
_FILES = [".pth", ".ckpt", ".pt", ".bin", ".safetensors", ".json", ".zip"]
_GIB, _MIB = 2**30, 2**20


@dataclass(frozen=True)
class SettingsTab:
    """What the page needs to wire: draw everything when the tab is opened."""

    look: Any
    inputs: list[Any]
    view: list[Any]


def build(library: ModelService, words: Words) -> SettingsTab:
    with gr.Column(elem_classes="narrow"):
        heading(words("settings.title"), words("settings.intro"))
        with gr.Column(visible=False, elem_classes="card job", elem_id="settings-errand") as panel:
            status = status_line(elem_id="settings-status", elem_classes="heading")
            bar = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="settings-bar")
            stop = gr.Button(words("settings.stop"), elem_id="settings-stop")
        with gr.Column(elem_classes="card"):
            table = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="settings-table")
            chosen = gr.Dropdown([], label=words("settings.chosen"), elem_id="settings-chosen")
            chosen_notice = notice(elem_id="settings-chosen-notice")
        with gr.Column(elem_classes="card", elem_id="settings-download"):
            heading(words("settings.download_title"), words("settings.download_text"), level=3)
            with gr.Row():
                which = gr.Dropdown([], label=words("settings.which"), elem_id="settings-which")
                site = gr.Dropdown(
                    list(library.sites), value=library.sites[0], label=words("settings.site"), elem_id="settings-site"
                )
            terms = gr.HTML(
                "", js_on_load=None, apply_default_css=False, elem_id="settings-terms", elem_classes="heading"
            )
            accept = gr.Checkbox(label=words("settings.accept"), container=False, elem_id="settings-accept")
            trouble = notice(elem_id="settings-problem")
            download = gr.Button(words("settings.download"), variant="primary", elem_id="settings-start")
        with gr.Accordion(words("settings.import_title"), open=False, elem_id="settings-import", elem_classes="fold"):
            heading("", words("settings.import_text", folder=library.inbox))
            ambiguous = gr.Radio(
                [(words("settings.ambiguous_no"), ""), *((row.name, row.name) for row in of_family(FLOW_MATCHING))],
                value="",
                label=words("settings.ambiguous"),
                elem_id="settings-ambiguous",
            )
            with gr.Row():
                own = gr.Textbox(
                    label=words("settings.own_name"), max_length=64, min_width=280, elem_id="settings-own-name"
                )
                over = gr.Checkbox(label=words("settings.replace"), min_width=280, elem_id="settings-replace")
            import_trouble = notice(elem_id="settings-import-problem")
            with gr.Row():
                files = gr.UploadButton(
                    words("settings.choose_files"),
                    file_count="multiple",
                    file_types=_FILES,
                    type="filepath",
                    elem_id="settings-files",
                )
                folder = gr.Button(words("settings.import_folder"), elem_id="settings-folder")
        with gr.Accordion(
            words("settings.remove_title"), open=False, elem_id="settings-remove-box", elem_classes="fold"
        ):
            heading("", words("settings.remove_text"))
            with gr.Row(elem_classes="aligned"):
                gone = gr.Dropdown([], label=words("settings.remove_which"), scale=3, elem_id="settings-remove-which")
                remove = gr.Button(words("settings.remove"), variant="stop", scale=1, elem_id="settings-remove")
            remove_notice = notice(elem_id="settings-remove-notice")

    drawn = gr.State("")
    timer = gr.Timer(TICK, active=False)  # it looks while something is on its way, and then no more
    progress = [panel, status, bar, stop, timer, drawn]
    lists = [table, chosen, which, gone]

    def look(before: str, wish: str | None, leaving: str | None) -> list[Any]:
        """The errand of now, and, when its state changed or nothing was drawn yet, the lists as well."""
        errand = library.errand
        picture = _signature(errand)
        if picture == before:
            return unchanged(len(progress) + len(lists))
        same = before and before.split("|")[0] == picture.split("|")[0]
        fresh = unchanged(len(lists)) if same else listed(wish, leaving)
        shown: list[Any] = [gr.update(visible=False), "", "", gr.skip(), gr.Timer(active=False)]
        if errand is not None:
            shown = [
                gr.update(visible=True),
                _status(words, errand),
                _bar(words, errand),
                gr.update(visible=errand.active, interactive=errand.state == "running"),
                gr.Timer(active=errand.active),
            ]
        return [*shown, picture, *fresh]

    def listed(wish: str | None, leaving: str | None) -> list[Any]:
        cards, shared = library.cards_and_shared()
        wanted = [(card.name, card.name) for card in cards if not card.bundled and (not card.installed or card.missing)]
        wanted = [choice for choice in wanted if choice[0] in _official(cards)]
        here = [(card.name, card.name) for card in cards if card.installed and not card.bundled]
        (here if library.writes_down else wanted).append((words("settings.transcriber"), library.transcriber))
        usable = [(card.name, card.name) for card in cards if card.installed and not card.missing]
        return [
            _table(words, cards, library.paces, shared),
            gr.update(choices=usable, value=pick(usable, library.chosen)),
            gr.update(choices=wanted, value=pick(wanted, wish or RECOMMENDED)),
            gr.update(choices=here, value=pick(here, leaving)),
        ]

    def reset(wish: str | None, leaving: str | None) -> list[Any]:
        return look("", wish, leaving)

    def choose(name: str | None) -> str:
        try:
            if not name:
                raise InputError(words("settings.need_choice"))
            library.choose(name)
        except VoiceError as error:
            return problem(words, error)
        return good(words("settings.chosen_now", name=name))

    def show_terms(name: str | None) -> tuple[str, bool]:
        """Another model has other licences: what was accepted before does not count for it."""
        if not name:
            return "", False
        size = library.size(name)
        items = "".join(f"<li>{html.escape(each)}</li>" for each in library.terms(name))
        sums = "".join(
            f"<li>{html.escape(file)}<br><code>{digest or '–'}</code></li>" for file, digest in library.digests(name)
        )
        return (
            f"<p>{html.escape(words('settings.terms', name=name, size=_size(size)))}</p><ul>{items}</ul>"
            f'<details class="sums"><summary>{html.escape(words("settings.sums"))}</summary><ul>{sums}</ul></details>'
        ), False

    def fetch(name: str | None, place: str, accepted: bool) -> str:
        try:
            if not name:
                raise InputError(words("settings.need_choice"))
            if not accepted:
                raise RefusedError(words("settings.need_accept"))
            library.download(name, accept_licences=True, site=place)
        except VoiceError as error:
            return problem(words, error)
        return ""

    def take(given: Sequence[str] | None, version: str, name: str, replace: bool) -> str:
        try:
            library.take_in([Path(each) for each in given or ()], version=version, name=name.strip(), replace=replace)
        except VoiceError as error:
            return problem(words, error)
        return ""

    def drop(name: str | None) -> str:
        try:
            if not name:
                raise InputError(words("settings.need_choice"))
            library.remove(name)
        except VoiceError as error:
            return problem(words, error)
        return good(words("settings.removed", name=name))

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    inputs, view = [drawn, which, gone], [*progress, *lists]
    timer.tick(look, inputs, view, concurrency_limit=None, **quiet)
    which.change(show_terms, which, [terms, accept], **quiet)
    for event, place in (
        (download.click(fetch, [which, site, accept], trouble, **quiet), trouble),
        (files.upload(take, [files, ambiguous, own, over], import_trouble, **quiet), import_trouble),
        (folder.click(lambda *way: take(None, *way), [ambiguous, own, over], import_trouble, **quiet), import_trouble),
        (chosen.input(choose, chosen, chosen_notice, **quiet), chosen_notice),
        (remove.click(drop, gone, remove_notice, **quiet), remove_notice),
    ):
        catch(event, words, place)
        event.then(reset, [which, gone], view, **quiet)
    stop.click(library.stop, None, None, **quiet).then(look, inputs, view, **quiet)
    return SettingsTab(reset, [which, gone], view)


def _official(cards: Sequence[Any]) -> set[str]:
    """Names that can be downloaded: a base that somebody imported under a name of their own is not among them."""
    return {card.name for card in cards if card.name == card.version and not card.bundled}


def _signature(errand: Any | None) -> str:
    if errand is None:
        return "none"
    return f"{errand.kind} {errand.name} {errand.state}|{errand.stage} {errand.message} {round(errand.fraction * 200)}"


def _status(words: Words, errand: Any) -> str:
    title = words("settings.importing") if errand.kind == "import" else words("settings.downloading", name=errand.name)
    line = words.sentence(errand.message) if errand.message else ""
    if errand.state == "failed":
        title, line = words("settings.failed"), _failure(words, errand)
    elif errand.state == "done":
        title = words("settings.ready", name=errand.name)
        line = words("settings.left_out", files=words.lines(errand.message)) if errand.message else ""
    elif errand.state in ("stopping", "stopped"):
        line = words("settings.stopping") if errand.state == "stopping" else words("settings.stopped")
    elif errand.stage == "download" and errand.total:
        amounts = {"done": _size(errand.done), "total": _size(errand.total)}
        line = words("settings.amount", **amounts, file=errand.message.rpartition("/")[2])
    elif errand.kind == "download" and errand.stage:
        line = words("settings.installing")
    paragraph = f"<p>{html.escape(line).replace(chr(10), '<br>')}</p>" if line else ""
    return f'<h3>{html.escape(title)}</h3><div data-state="{html.escape(errand.state)}">{paragraph}</div>'


def _failure(words: Words, errand: Any) -> str:
    return words.error(VoiceError(errand.message, errand.action))


def _bar(words: Words, errand: Any) -> str:
    if not errand.active:
        return ""
    percent = round(errand.fraction * 100)
    return (
        f'<label class="bar"><span class="visually-hidden">{html.escape(words("settings.progress"))}</span>'
        f'<progress max="100" value="{percent}">{percent} %</progress>'
        f'<span aria-hidden="true">{percent} %</span></label>'
    )


def _table(words: Words, cards: Sequence[Any], paces: Mapping[str, float], shared: int) -> str:
    """``paces``: seconds of speech in a second, measured here; ``shared``: bytes of what several models use."""
    here = [card for card in cards if card.installed]
    absent = [card for card in cards if not card.installed]
    names = (
        words("settings.name"),
        words("settings.about"),
        words("settings.speed"),
        words("settings.size"),
        words("settings.memory"),
    )
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    parts = []
    for title, group in ((words("settings.here"), here), (words("settings.available"), absent)):
        rows = "".join(_row(words, card, paces.get(card.name, 0.0)) for card in group)
        if group is here and shared:
            rows += _cells(words, words("settings.shared"), words("settings.shared_about"), "", _size(shared), "")
        if rows:
            parts.append(f"<table><caption>{html.escape(title)}</caption><tr>{head}</tr>{rows}</table>")
        else:
            parts.append(f"<h3>{html.escape(title)}</h3><p>{html.escape(words('settings.none_here'))}</p>")
    return f'<div class="models">{"".join(parts)}</div>'


def _row(words: Words, card: Any, pace: float) -> str:
    notes = [words.sentence(card.facts.summary)] if card.facts else []
    if card.installed and card.missing:
        notes.append(words("settings.incomplete"))
    if card.installed and not card.trainable:
        notes.append(words("settings.untrainable"))
    memory = f"{card.facts.memory_gib:.1f} GB" if card.facts else ""
    speed = words(f"settings.speed_{card.facts.speed}") if card.facts else ""
    if pace:
        speed = words("settings.speed_measured", pace=f"{pace:.1f}")
    return _cells(words, card.name, "; ".join(notes), speed, _size(card.size), memory)


def _cells(words: Words, name: str, about: str, speed: str, size: str, memory: str) -> str:
    named = ((words("settings.size"), size), (words("settings.memory"), memory))  # a phone shows no heads of columns
    data = "".join(f"<td>{html.escape(cell)}</td>" for cell in (about, speed))
    data += "".join(f'<td data-name="{html.escape(of)}">{html.escape(cell)}</td>' for of, cell in named)
    return f'<tr><th scope="row">{html.escape(name)}</th>{data}</tr>'


def _size(count: int) -> str:
    return f"{count / _GIB:.1f} GB" if count >= _GIB else f"{count / _MIB:.0f} MB"
