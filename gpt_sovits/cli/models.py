"""``gpt_sovits models``: the bases of this machine. Only ``download`` reaches out, and says so first."""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from gpt_sovits.cli.commands import Json, Voice, Yes, command, group
from gpt_sovits.cli.terminal import progress, show_json
from gpt_sovits.errors import InputError
from gpt_sovits.events import Event
from gpt_sovits.services.session import Session
from gpt_sovits.settings import Settings

app = group("list, choose, download, import, export, verify and remove the bases that voices are made on")


@command(app)
def list_(settings: Settings, json: Json = False) -> None:
    """what is here, and which official ones there are"""
    from gpt_sovits.services.model_files import models_and_shared
    from gpt_sovits.services.models import ModelService

    chosen = ModelService(settings).chosen
    cards, shared = models_and_shared(settings)
    if json:
        rows = [dataclasses.replace(card, facts=None) for card in cards]
        return show_json([{**dataclasses.asdict(card), "chosen": card.name == chosen} for card in rows])
    for card in cards:
        state = "installed" if card.installed else "not here"
        size = f"{card.size / 2**20:.0f} MB" if card.size else "?"
        needs = f"{card.facts.memory_gib:.1f} GB memory, {card.facts.speed}" if card.facts else ""
        print(f"{card.name:<16} {card.version:<10} {state:<10} {size:>8}  {needs}")
        if card.name == chosen:
            print(f"{'':<16} new voices are made on it")
        if card.installed and card.missing:
            print(f"{'':<16} lacks: {', '.join(card.missing)}")
        if card.installed and not card.trainable:
            print(f"{'':<16} speaks, but new voices cannot be trained on it")
    if shared:
        print(f"{'(shared)':<38} {shared / 2**20:>5.0f} MB  what several models use")


@command(app)
def choose(settings: Settings, name: Annotated[str, Argument(help="a base that is here")]) -> None:
    """the base on which new voices are made, here and on the page"""
    from gpt_sovits.services.models import ModelService

    ModelService(settings).choose(name)


@command(app)
def download(
    settings: Settings,
    name: Annotated[str, Argument(help="v1, v2, v2Pro, v2ProPlus, v3, v4, or whisper-base (writes down recordings)")],
    endpoint: Annotated[
        str, Option(help="the site, or a mirror (such as https://hf-mirror.com)")
    ] = "https://huggingface.co",
    yes: Yes = False,
) -> int:
    """fetch an official model; the only command that uses the network"""
    from gpt_sovits.models.catalog import TRANSCRIBER, bundle, licences
    from gpt_sovits.services.model_files import download_model, download_transcriber

    size = sum(file.size for file in bundle(name)) / 2**20
    print(f"{name} consists of the following, at least {size:.0f} MB from {endpoint}:", file=sys.stderr)
    for licence in licences(name):
        print(f"  {licence}", file=sys.stderr)
    if not yes:
        question = "This needs the network, and accepts these licences."
        if not sys.stdin.isatty():
            raise InputError(question, "Add --yes to agree.")
        if input(f"{question} Type yes: ").strip().lower() != "yes":
            return 1
    with progress(told=True) as bar:
        fetch = download_transcriber if name == TRANSCRIBER else partial(download_model, name)
        fetch(
            settings,
            accept_licences=True,
            endpoint=endpoint,
            on_event=lambda event: bar(event.fraction, event.message, ""),
        )
    print(f"{name} is installed.")
    return 0


@command(app)
def import_(
    settings: Settings,
    paths: Annotated[list[Path], Argument(help="files or folders, or upstream's zip")],
    name: Annotated[str, Option(help="what the base is called here")] = "",
    version: Annotated[str, Option(help="when the files do not tell")] = "",
    replace: Annotated[bool, Option("--replace", help="overwrite a base of that name")] = False,
) -> None:
    """convert upstream files or folders; nothing in them is run"""
    from gpt_sovits.services.model_files import import_models

    report = import_models(paths, settings, name=name, version=version, replace=replace, on_event=_told)
    for base in report.bases:
        print(f"{base.name}: {base.version}" + (f", still lacks {', '.join(base.missing)}" if base.missing else ""))
    for kind in report.shared:
        print(f"kept for the bases that need it: {kind}")
    for left, reason in report.skipped:
        print(f"left out: {left}: {reason}")


@command(app)
def export(
    session: Session,
    voice: Voice,
    folder: Path,
    to: Annotated[Literal["upstream"], Option(help="for which program")] = "upstream",
) -> None:
    """write a voice as the two files that upstream's program loads"""
    for path in session.voices.export_for_upstream(session.voices.find(voice).id, folder):
        print(path)


@command(app)
def verify(settings: Settings, name: Annotated[str, Argument(help="a base, or a file")]) -> None:
    """compare a base with its record, or a file with the published ones"""
    from gpt_sovits.services.model_files import verify_file, verify_model

    path = Path(name)
    print(verify_file(path) if path.is_file() else "\n".join(verify_model(name, settings)))


@command(app)
def remove(settings: Settings, name: str) -> None:
    """delete an installed base"""
    from gpt_sovits.models.store import remove_base

    remove_base(name, settings)


def _told(event: Event) -> None:
    if event.message:
        print(event.message, file=sys.stderr)
