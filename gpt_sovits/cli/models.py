"""``python -m gpt_sovits models``: the bases of this machine. Only ``download`` reaches out, and says so first."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from gpt_sovits.errors import InputError
from gpt_sovits.events import Event
from gpt_sovits.settings import Settings
from gpt_sovits.voices.ids import LOCAL_USER


def main(arguments: Sequence[str]) -> int:
    """Run one action. Raises ``VoiceError``."""
    given = _parser().parse_args(arguments)
    settings = Settings.load(given.data)
    return int(given.run(settings, given))


def _list(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.services.model_files import models_and_shared
    from gpt_sovits.services.models import ModelService

    chosen = ModelService(settings).chosen
    cards, shared = models_and_shared(settings)
    if given.json:
        rows = [{**asdict(replace(card, facts=None)), "chosen": card.name == chosen} for card in cards]
        print(json.dumps(rows, indent=1))
        return 0
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
    return 0


def _download(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.models.catalog import TRANSCRIBER, bundle, licences
    from gpt_sovits.services.model_files import download_model, download_transcriber

    size = sum(file.size for file in bundle(given.name)) / 2**20
    print(f"{given.name} consists of the following, at least {size:.0f} MB from {given.endpoint}:", file=sys.stderr)
    for licence in licences(given.name):
        print(f"  {licence}", file=sys.stderr)
    if not given.yes:
        question = "This needs the network, and accepts these licences."
        if not sys.stdin.isatty():
            raise InputError(question, "Add --yes to agree.")
        if input(f"{question} Type yes: ").strip().lower() != "yes":
            return 1
    told = _Progress()
    try:
        if given.name == TRANSCRIBER:
            download_transcriber(settings, accept_licences=True, endpoint=given.endpoint, on_event=told)
        else:
            download_model(given.name, settings, accept_licences=True, endpoint=given.endpoint, on_event=told)
    finally:
        told.end()
    print(f"{given.name} is installed.")
    return 0


def _import(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.services.model_files import import_models

    report = import_models(
        given.paths, settings, name=given.name, version=given.version, replace=given.replace, on_event=_told
    )
    for base in report.bases:
        print(f"{base.name}: {base.version}" + (f", still lacks {', '.join(base.missing)}" if base.missing else ""))
    for kind in report.shared:
        print(f"kept for the bases that need it: {kind}")
    for name, reason in report.skipped:
        print(f"left out: {name}: {reason}")
    return 0


def _choose(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.services.models import ModelService

    ModelService(settings).choose(given.name)
    return 0


def _verify(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.services.model_files import verify_file, verify_model

    path = Path(given.name)
    print(verify_file(path) if path.is_file() else "\n".join(verify_model(given.name, settings)))
    return 0


def _export(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.studio import Studio

    voices = Studio(settings).session(given.user).voices
    for path in voices.export_for_upstream(voices.find(given.voice).id, given.folder):
        print(path)
    return 0


def _remove(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.models.store import remove_base

    remove_base(given.name, settings)
    return 0


class _Progress:
    """One line that counts up on a terminal; a line per file elsewhere."""

    def __init__(self) -> None:
        self._shown = ""
        self._live = sys.stderr.isatty()

    def __call__(self, event: Event) -> None:
        line = f"{100 * event.fraction:3.0f} %  {event.message}" if event.total else event.message
        key = line if self._live else event.message
        if key and key != self._shown:
            self._shown = key
            print(f"\r\x1b[K{line}" if self._live else key, end="" if self._live else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._live and self._shown:
            print(file=sys.stderr)


def _told(event: Event) -> None:
    if event.message:
        print(event.message, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpt_sovits models", description="The bases that voices are made on.")
    parser.add_argument("--data", type=Path, default=None, help="the data folder (default: the system's)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="what is here, and which official ones there are")
    listed.add_argument("--json", action="store_true", help="print JSON")
    listed.set_defaults(run=_list)
    choose = actions.add_parser("choose", help="the base on which new voices are made, here and on the page")
    choose.add_argument("name", help="a base that is here")
    choose.set_defaults(run=_choose)
    download = actions.add_parser("download", help="fetch an official model; the only command that uses the network")
    download.add_argument("name", help="v1, v2, v2Pro, v2ProPlus, v3, v4, or whisper-base (writes down recordings)")
    download.add_argument(
        "--endpoint", default="https://huggingface.co", help="the site, or a mirror (such as https://hf-mirror.com)"
    )
    download.add_argument("--yes", action="store_true", help="do not ask")
    download.set_defaults(run=_download)
    take = actions.add_parser("import", help="convert upstream files or folders; nothing in them is run")
    take.add_argument("paths", nargs="+", type=Path)
    take.add_argument("--name", default="", help="what the base is called here")
    take.add_argument("--version", default="", help="when the files do not tell")
    take.add_argument("--replace", action="store_true", help="overwrite a base of that name")
    take.set_defaults(run=_import)
    export = actions.add_parser("export", help="write a voice as the two files that upstream's program loads")
    export.add_argument("voice", help="name or id")
    export.add_argument("folder", type=Path)
    export.add_argument("--to", default="upstream", choices=("upstream",), help="for which program (default: upstream)")
    export.add_argument("--user", default=LOCAL_USER)
    export.set_defaults(run=_export)
    verify = actions.add_parser("verify", help="compare a base with its record, or a file with the published ones")
    verify.add_argument("name", help="a base, or a file")
    verify.set_defaults(run=_verify)
    remove = actions.add_parser("remove", help="delete an installed base")
    remove.add_argument("name")
    remove.set_defaults(run=_remove)
    return parser
