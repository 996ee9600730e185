"""``python -m gpt_sovits models``: the bases of this machine. Only ``download`` reaches out, and says so first."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gpt_sovits.errors import InputError
from gpt_sovits.events import Event
from gpt_sovits.settings import Settings


def main(arguments: Sequence[str]) -> int:
    """Run one action. Raises ``VoiceError``."""
    given = _parser().parse_args(arguments)
    settings = Settings.load(given.data)
    return int(given.run(settings, given))


def _list(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.models import list_models

    for card in list_models(settings):
        state = "installed" if card.installed else "not here"
        lacks = f"  lacks: {', '.join(card.missing)}" if card.installed and card.missing else ""
        print(f"{card.name:<16} {card.version:<10} {state:<10} {card.size / 2**20:7.0f} MB{lacks}")
    return 0


def _download(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.models import download_model, list_models

    card = next((each for each in list_models(settings) if each.name == given.name), None)
    size = f" about {card.size / 2**20:.0f} MB" if card is not None else ""
    question = f"This fetches{size} from {given.endpoint}, which needs the network and accepts the files' licences."
    if not given.yes:
        if not sys.stdin.isatty():
            raise InputError(question, "Add --yes to agree.")
        if input(f"{question} Type yes: ").strip().lower() != "yes":
            return 1
    base = download_model(given.name, settings, accept_licences=True, endpoint=given.endpoint, on_event=_told)
    print(f"{base.name} is installed.")
    return 0


def _import(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.models import import_models

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


def _verify(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.models import verify_file, verify_model

    path = Path(given.name)
    print(verify_file(path) if path.is_file() else "\n".join(verify_model(given.name, settings)))
    return 0


def _remove(settings: Settings, given: argparse.Namespace) -> int:
    from gpt_sovits.weights.store import remove_base

    remove_base(given.name, settings)
    return 0


def _told(event: Event) -> None:
    if event.message:
        print(event.message, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpt_sovits models", description="The bases that voices are made on.")
    parser.add_argument("--data", type=Path, default=None, help="the data folder (default: the system's)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="what is here, and which official ones there are").set_defaults(run=_list)
    download = actions.add_parser("download", help="fetch an official base; the only command that uses the network")
    download.add_argument("name", help="v1, v2, v2Pro, v2ProPlus, v3 or v4")
    download.add_argument("--endpoint", default="https://huggingface.co", help="the site, or a mirror of it")
    download.add_argument("--yes", action="store_true", help="do not ask")
    download.set_defaults(run=_download)
    take = actions.add_parser("import", help="convert upstream files or folders; nothing in them is run")
    take.add_argument("paths", nargs="+", type=Path)
    take.add_argument("--name", default="", help="what the base is called here")
    take.add_argument("--version", default="", help="when the files do not tell")
    take.add_argument("--replace", action="store_true", help="overwrite a base of that name")
    take.set_defaults(run=_import)
    verify = actions.add_parser("verify", help="compare a base with its record, or a file with the published ones")
    verify.add_argument("name", help="a base, or a file")
    verify.set_defaults(run=_verify)
    remove = actions.add_parser("remove", help="delete an installed base")
    remove.add_argument("name")
    remove.set_defaults(run=_remove)
    return parser
