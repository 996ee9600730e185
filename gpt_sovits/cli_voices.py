"""``python -m gpt_sovits voices``: the voices of a person, and what belongs to owning them."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gpt_sovits.errors import CancelledError, InputError, MissingError
from gpt_sovits.registry.erase import Scan
from gpt_sovits.registry.manifest import VoiceCard
from gpt_sovits.registry.terms import Terms
from gpt_sovits.studio import Studio

ABOUT = "list, show, rename, pin, freeze, export, import, delete or destroy voices"
_ON_A_VOICE = {
    "show": "everything that is known about a voice, as JSON",
    "rename": "give it another name",
    "pin": "choose the version that speaks",
    "freeze": "let nothing change, retrain or delete it",
    "unfreeze": "allow changes again",
    "journal": "what was done with it",
    "export": "write it into one encrypted file",
    "delete": "remove it with its recording and everything learnt from it",
    "destroy": "delete it, empty the pages' cache, keep a receipt, and look for left-overs",
}


def voices_command(studio: Studio, given: argparse.Namespace) -> int:
    """Run one action; without one, list."""
    action = given.action or "list"
    if action == "list":
        rows = [_row(card) for card in studio.voices(given.user)]
        return show_rows(given, rows, "There are no voices yet. Make one with `train`.")
    if action == "verify":
        problems = studio.verify(given.user)
        print("\n".join(problems) or "Every file of every voice is as it was saved.")
        return 1 if problems else 0
    if action == "key":
        print(studio.public_key(given.user))
        return 0
    if action == "import":
        return _import(studio, given)
    if action == "verify-destroyed":
        return _report(studio.verify_destroyed(given.voice, given.user))
    return _on_a_voice(studio, given, studio.find_voice(given.voice, given.user))


def _on_a_voice(studio: Studio, given: argparse.Namespace, card: VoiceCard) -> int:
    action = given.action
    if action == "show":
        value = {**asdict(card), "consent": card.consent.to_json(), "terms": card.terms.to_json()}
        print(json.dumps(value, ensure_ascii=False, indent=1))
    elif action == "rename":
        studio.rename_voice(card.id, given.name, given.user)
    elif action == "pin":
        studio.pin_version(card.id, None if given.version == "newest" else given.version, given.user)
    elif action == "freeze":
        studio.freeze_voice(card.id, given.user)
    elif action == "unfreeze":
        studio.unfreeze_voice(card.id, given.user)
    elif action == "journal":
        for entry in studio.journal(given.user, card.id):
            details = " ".join(f"{key}={value}" for key, value in entry.details.items())
            print(f"{entry.number:5d}  {entry.at}  {entry.what}  {details}".rstrip())
    elif action == "export":
        return _export(studio, given, card)
    elif action == "delete":
        _confirm(given, f"Delete {card.name!r} with its recording and everything learnt from it?")
        studio.delete_voice(card.id, given.user)
    elif action == "destroy":
        _confirm(given, f"Destroy {card.name!r}? Nothing can bring it back.")
        return _report(studio.destroy_voice(card.id, given.user, mixes=given.mixes))
    return 0


def _export(studio: Studio, given: argparse.Namespace, card: VoiceCard) -> int:
    terms = Terms(
        mix="mix" not in given.forbid,
        retrain="retrain" not in given.forbid,
        export="export" not in given.forbid,
        until=given.until,
    )
    passphrase = "" if given.to else _passphrase(given, "A passphrase for the file: ")
    data = studio.export_voice(
        card.id, version=given.version, passphrase=passphrase, recipient=given.to, terms=terms, user=given.user
    )
    from gpt_sovits.audio import write_bytes  # late: listing voices needs no codecs

    write_bytes(given.out, data)
    print(f"{given.out}: {len(data) / 2**20:.1f} MB. A receiver who is determined could ignore the terms.")
    return 0


def _import(studio: Studio, given: argparse.Namespace) -> int:
    try:
        data = given.file.read_bytes()
    except OSError as error:
        raise MissingError(f"The file {given.file} cannot be read.", "Check its name.") from error
    locked = b"-> scrypt " in data[:200]
    passphrase = _passphrase(given, "The passphrase of the file: ") if locked else ""
    print(studio.import_voice(data, passphrase=passphrase, name=given.name, user=given.user))
    return 0


def _report(scan: Scan) -> int:
    for path, what in scan.found:
        print(f"{path}: {what}")
    verdict = "clean" if scan.clean else "NOT clean"
    print(f"{scan.files} files, {scan.bytes / 2**20:.1f} MB looked through: {verdict}")
    return 0 if scan.clean else 1


def _passphrase(given: argparse.Namespace, question: str) -> str:
    """From a file, or typed: never an argument, which other users of the computer could see."""
    if given.passphrase_file:
        try:
            return given.passphrase_file.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise MissingError(f"The file {given.passphrase_file} cannot be read.", "Check its name.") from error
    if not sys.stdin.isatty():
        raise InputError("There is no passphrase.", "Give a file that holds it with --passphrase-file.")
    return getpass.getpass(question)


def _confirm(given: argparse.Namespace, question: str) -> None:
    if given.yes:
        return
    if not sys.stdin.isatty():
        raise InputError("This cannot be undone and was not confirmed.", "Add --yes.")
    if input(f"{question} Type yes: ").strip().lower() != "yes":
        raise CancelledError("Nothing was changed.")


def _row(card: VoiceCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "name": card.name,
        "kind": card.kind,
        "base": card.base,
        "versions": len(card.versions),
        "speech": f"{card.seconds_of_speech:.0f} s",
        "created": card.created,
        "consent": card.consent.who,
    }


def show_rows(given: argparse.Namespace, rows: list[dict[str, Any]], nothing: str) -> int:
    """A table, or JSON with ``--json``."""
    if given.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    if not rows:
        print(nothing)
        return 0
    widths = {key: max(len(str(row[key])) for row in (*rows, {key: key})) for key in rows[0]}
    for row in ({key: key for key in rows[0]}, *rows):
        print("  ".join(str(row[key]).ljust(widths[key]) for key in row).rstrip())
    return 0


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def add_actions(
    parser: argparse.ArgumentParser, common: argparse.ArgumentParser, listing: argparse.ArgumentParser
) -> None:
    """The actions of ``voices`` and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    locked = argparse.ArgumentParser(add_help=False)
    locked.add_argument("--passphrase-file", type=Path, help="text file with the passphrase (else it is asked for)")
    sure = argparse.ArgumentParser(add_help=False)
    sure.add_argument("--yes", action="store_true", help="do not ask")

    actions.add_parser("list", help="all voices", parents=[common, listing])
    actions.add_parser("verify", help="compare every file with its hash", parents=[common])
    actions.add_parser("key", help="your public key, for friends who send you voices", parents=[common])
    take = actions.add_parser("import", help="store the voice of an encrypted file", parents=[common, locked])
    take.add_argument("file", type=Path, help="a .gsvoice file")
    take.add_argument("--name", default="", help="what it is called here")
    look = actions.add_parser("verify-destroyed", help="look for anything of a destroyed voice", parents=[common])
    look.add_argument("voice", help="id of the destroyed voice")

    extra = {"export": [locked], "delete": [sure], "destroy": [sure]}
    found = {}
    for name, text in _ON_A_VOICE.items():
        found[name] = actions.add_parser(name, help=text, description=text, parents=[common, *extra.get(name, [])])
        found[name].add_argument("voice", help="name or id")
    found["rename"].add_argument("name", help="the new name")
    found["pin"].add_argument("version", help="id of the version that speaks, or newest")
    found["destroy"].add_argument("--mixes", action="store_true", help="with the stored mixes that contain it")
    export = found["export"]
    export.add_argument("--out", type=Path, default=Path("voice.gsvoice"), help="the file (default: voice.gsvoice)")
    export.add_argument("--to", default="", metavar="KEY", help="encrypt to a friend's public key (age1...)")
    export.add_argument("--version", default=None, help="id of a version (default: the one that speaks)")
    export.add_argument("--forbid", nargs="+", default=[], choices=("mix", "retrain", "export"), help="not allowed")
    export.add_argument("--until", default="", metavar="DATE", help="last day of use, as 2030-12-31")
