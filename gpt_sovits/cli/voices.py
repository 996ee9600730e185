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
from gpt_sovits.files import read_whole
from gpt_sovits.services.session import Session
from gpt_sovits.storage.erase import Scan
from gpt_sovits.storage.starters import KIND as INVENTED
from gpt_sovits.storage.starters import refuse
from gpt_sovits.storage.voicefile import MAX_BYTES
from gpt_sovits.voices.manifest import VoiceCard
from gpt_sovits.voices.terms import Terms

ABOUT = "list, show, rename, pin, freeze, lock, mix, export, import, delete or destroy voices"
_ON_A_VOICE = {
    "show": "everything that is known about a voice, as JSON",
    "versions": "its recordings over time",
    "rename": "give it another name",
    "pin": "choose the version that speaks",
    "prune": "remove one of its versions",
    "freeze": "let nothing change, retrain or delete it",
    "unfreeze": "allow changes again",
    "lock": "let nobody read it from the disk without a passphrase",
    "unlock": "remove its lock (to use it once, `speak` asks for the passphrase)",
    "journal": "what was done with it",
    "sample": "write the sentence that it said when it was made",
    "statement": "write the recording in which its person agreed",
    "export": "write it into one encrypted file",
    "delete": "remove it with its recording and everything learnt from it (an invented voice is only hidden)",
    "destroy": "delete it, empty the pages' cache, keep a receipt, and look for left-overs",
}


def voices_command(session: Session, given: argparse.Namespace) -> int:
    """Run one action; without one, list."""
    action = given.action or "list"
    if action == "list":
        rows = [_row(card) for card in session.voices.list()]
        shown = show_rows(given, rows, "There are no voices yet. Make one with `train`.")
        invented = ", ".join(card.name for card in session.voices.invented())
        if invented and not given.json:
            print(f"Invented voices that come with the program: {invented}.")
        return shown
    if action == "invented":
        return _invented(session, given)
    if action == "restore":
        aside = {name: card.id for card in session.voices.put_aside() for name in (card.id, card.name)}
        if given.voice not in aside:
            raise MissingError("This voice is not put away.", f"These are: {', '.join(aside) or 'none'}.")
        session.voices.bring_back(aside[given.voice])
        return 0
    if action == "verify":
        problems = session.voices.verify()
        locked = [card.name for card in session.voices.list() if not session.voices.is_open(card.id)]
        print("\n".join(problems) or "Every file of every voice that can be read is as it was saved.")
        if locked:
            print(f"Of locked voices only the sizes of files were compared: {', '.join(locked)}.")
        return 1 if problems else 0
    if action == "key":
        print(session.voices.public_key())
        return 0
    if action == "import":
        return _import(session, given)
    if action == "mix":
        return _mix(session, given)
    if action == "verify-destroyed":
        return _report(session.voices.verify_destroyed(given.voice))
    return _on_a_voice(session, given, session.voices.find(given.voice))


def _invented(session: Session, given: argparse.Namespace) -> int:
    """List the voices to begin with, after all of them were hidden or shown again on request."""
    if given.hide or given.show:
        session.voices.offer_invented(given.show)
    return show_rows(given, [_row(card) for card in session.voices.invented()], "No invented voice is shown.")


def _on_a_voice(session: Session, given: argparse.Namespace, card: VoiceCard) -> int:
    action = given.action
    if card.kind == INVENTED and action not in ("show", "versions", "delete"):
        raise refuse(card)
    if action == "show":
        value = {**asdict(card), "consent": card.consent.to_json(), "terms": card.terms.to_json()}
        print(json.dumps(value, ensure_ascii=False, indent=1))
    elif action == "rename":
        session.voices.rename(card.id, given.name)
    elif action == "pin":
        session.voices.pin(card.id, None if given.version == "newest" else given.version)
    elif action == "versions":
        rows = [
            {
                "id": version.id,
                "number": version.number,
                "made": version.created,
                "speech": f"{version.seconds:.0f} s",
                "speaks": "yes" if version.id == card.default_version else "",
            }
            for version in card.versions
        ]
        return show_rows(given, rows, "")
    elif action == "prune":
        confirm(given, f"Remove the version {given.version} of {card.name!r}?")
        session.voices.delete_version(card.id, given.version)
    elif action == "freeze":
        own = given.user in session.users.names()
        passphrase = "" if own else ask_secret(given, "A passphrase that unfreezing will ask for: ", twice=True)
        session.voices.freeze(card.id, passphrase=passphrase)
    elif action == "unfreeze":
        secret = ask_secret(given, "The passphrase of freezing, or your password: ")
        session.voices.unfreeze(card.id, secret=secret)
    elif action == "lock":
        passphrase = ask_secret(given, "A passphrase, which nobody can replace: ", twice=True)
        for name in session.voices.lock(card.id, passphrase):
            print(f"The mix {name!r} contains a part of it and is not locked.")
    elif action == "unlock":
        session.voices.remove_lock(card.id, ask_secret(given, "The passphrase of the voice: "))
    elif action == "journal":
        for entry in session.voices.journal(card.id):
            details = " ".join(f"{key}={value}" for key, value in entry.details.items())
            print(f"{entry.number:5d}  {entry.at}  {entry.what}  {details}".rstrip())
    elif action in ("sample", "statement"):
        return _recorded(session, given, card)
    elif action == "export":
        return _export(session, given, card)
    elif action == "delete":
        confirm(given, f"Delete {card.name!r} with its recording and everything learnt from it?")
        session.voices.delete(card.id)
    elif action == "destroy":
        confirm(given, f"Destroy {card.name!r}? Nothing can bring it back.")
        return _report(session.voices.destroy(card.id, mixes=given.mixes))
    return 0


def _export(session: Session, given: argparse.Namespace, card: VoiceCard) -> int:
    terms = Terms(
        mix="mix" not in given.forbid,
        retrain="retrain" not in given.forbid,
        export="export" not in given.forbid,
        until=given.until,
    )
    open_voice(session, given, card)
    passphrase = "" if given.to else ask_secret(given, "A passphrase for the file: ", twice=True)
    data = session.voices.export_file(
        card.id, version=given.version, passphrase=passphrase, recipient=given.to, terms=terms
    )
    from gpt_sovits.audio import write_bytes  # late: listing voices needs no codecs

    write_bytes(given.out, data)
    print(f"{given.out}: {len(data) / 2**20:.1f} MB. A receiver who is determined could ignore the terms.")
    if card.parents:
        print("It holds the timbre of each voice in the mix: send it only to people who may have those voices too.")
    return 0


def _recorded(session: Session, given: argparse.Namespace, card: VoiceCard) -> int:
    from gpt_sovits.audio import write_bytes

    open_voice(session, given, card)
    if given.action == "sample":
        name, data = "sample.wav", session.voices.sample(card.id)
    else:
        name, data = session.voices.statement(card.id)
    out = given.out or Path(name)
    write_bytes(out, data)
    print(out)
    return 0


def _mix(session: Session, given: argparse.Namespace) -> int:
    """Two or more voices by their shares."""
    if len(given.parts) < 4 or len(given.parts) % 2:
        raise InputError("A mix needs two voices or more, each with its share.", "Like this: voices mix Ana 2 Ben 1")
    cards = [session.voices.find(name) for name in given.parts[::2]]
    try:
        shares = [float(share) for share in given.parts[1::2]]
    except ValueError as error:
        raise InputError("A share is not a number.", "Like this: voices mix Ana 2 Ben 1") from error
    for card in cards:
        open_voice(session, given, card)
    ids = [card.id for card in cards]
    print(session.voices.save(session.voices.blend(ids, shares, manners=given.manner), given.save))
    return 0


def _import(session: Session, given: argparse.Namespace) -> int:
    try:
        data = read_whole(given.file, MAX_BYTES)
    except OSError as error:
        raise MissingError(f"The file {given.file} cannot be read.", "Check its name.") from error
    locked = b"-> scrypt " in data[:200]
    passphrase = ask_secret(given, "The passphrase of the file: ") if locked else ""
    print(session.voices.import_file(data, passphrase=passphrase, name=given.name, costly=given.costly))
    return 0


def _report(scan: Scan) -> int:
    for path, what in scan.found:
        print(f"{path}: {what}")
    verdict = "clean" if scan.clean else "NOT clean"
    print(f"{scan.files} files, {scan.bytes / 2**20:.1f} MB looked through: {verdict}")
    print("\n".join(scan.limits()))
    return 0 if scan.clean else 1


def open_voice(session: Session, given: argparse.Namespace, card: VoiceCard) -> None:
    """Ask for the passphrase of a locked voice and open it for this command."""
    if not session.voices.is_open(card.id):
        source = getattr(given, "unlock_file", None)
        passphrase = ask_secret(given, f"The passphrase of {card.name}: ", source, "--unlock-file")
        session.voices.unlock(card.id, passphrase)


def ask_secret(
    given: argparse.Namespace,
    question: str,
    file: Path | None = None,
    option: str = "--passphrase-file",
    *,
    twice: bool = False,
) -> str:
    """From a file, or typed (``twice`` where a slip would be for ever): never an argument, which others could see."""
    file = file or (getattr(given, "passphrase_file", None) if option == "--passphrase-file" else None)
    if file:
        try:
            return read_whole(file, 2**16).decode("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise MissingError(f"The file {file} cannot be read.", "Check its name.") from error
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError("There is no passphrase.", f"Give a file that holds it with {option}.")
    typed = getpass.getpass(question)
    if twice and getpass.getpass("The same again: ") != typed:
        raise InputError("The two differ.", "Try again.")
    return typed


def secret_options() -> argparse.ArgumentParser:
    """The option that names a file with a passphrase or password."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--passphrase-file", type=Path, help="text file with the secret (else it is asked for)")
    return options


def add_costly(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--costly", action="store_true", help="the file may take up to 2 GB of memory to be opened")


def unlock_options() -> argparse.ArgumentParser:
    """The option for commands that use voices, which may be locked."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--unlock-file", type=Path, help="text file with the passphrase of a locked voice")
    return options


def confirm(given: argparse.Namespace, question: str) -> None:
    """Ask, unless ``--yes``; ``CancelledError`` for anything but yes."""
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
        "state": " ".join(word for word, so in (("frozen", card.frozen), ("locked", card.locked)) if so),
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
    offered = actions.add_parser("invented", help="the voices that come with the program", parents=[common, listing])
    which = offered.add_mutually_exclusive_group()
    which.add_argument("--hide", action="store_true", help="offer none of them to this user")
    which.add_argument("--show", action="store_true", help="offer all of them again, deleted ones too")
    locked, opening = secret_options(), unlock_options()
    sure = argparse.ArgumentParser(add_help=False)
    sure.add_argument("--yes", action="store_true", help="do not ask")

    actions.add_parser("list", help="all voices", parents=[common, listing])
    actions.add_parser("verify", help="compare every file with its hash", parents=[common])
    actions.add_parser("key", help="your public key, for friends who send you voices", parents=[common])
    take = actions.add_parser("import", help="store the voice of an encrypted file", parents=[common, locked])
    take.add_argument("file", type=Path, help="a .gsvoice file")
    take.add_argument("--name", default="", help="what it is called here")
    add_costly(take)
    look = actions.add_parser("verify-destroyed", help="look for anything of a destroyed voice", parents=[common])
    look.add_argument("voice", help="id of the destroyed voice")

    back = actions.add_parser("restore", help="bring back what the page deleted within the hour", parents=[common])
    back.add_argument("voice", help="name or id")

    blend = actions.add_parser("mix", help="keep a mix of two voices or more", parents=[common, opening])
    blend.add_argument("parts", nargs="+", metavar="VOICE SHARE", help="name or id and its share, again and again")
    blend.add_argument("--manner", type=float, nargs="+", help="shares of the way of speaking (default: the same)")
    blend.add_argument("--save", required=True, metavar="NAME", help="what the mix is called")

    extra = {"export": [locked, opening], "delete": [sure], "destroy": [sure], "prune": [sure], "versions": [listing]}
    extra |= {"sample": [opening], "statement": [opening]}
    extra |= {name: [locked] for name in ("freeze", "unfreeze", "lock", "unlock")}
    found = {}
    for name, text in _ON_A_VOICE.items():
        found[name] = actions.add_parser(name, help=text, description=text, parents=[common, *extra.get(name, [])])
        found[name].add_argument("voice", help="name or id")
    found["rename"].add_argument("name", help="the new name")
    found["pin"].add_argument("version", help="id of the version that speaks, or newest")
    found["prune"].add_argument("version", help="id of the version to remove")
    found["destroy"].add_argument("--mixes", action="store_true", help="with the stored mixes that contain it")
    for name in ("sample", "statement"):
        found[name].add_argument("--out", type=Path, help="the file (default: sample.wav, statement.*)")
    export = found["export"]
    export.add_argument("--out", type=Path, default=Path("voice.gsvoice"), help="the file (default: voice.gsvoice)")
    export.add_argument("--to", default="", metavar="KEY", help="encrypt to a friend's public key (age1...)")
    export.add_argument("--version", default=None, help="id of a version (default: the one that speaks)")
    export.add_argument("--forbid", nargs="+", default=[], choices=("mix", "retrain", "export"), help="not allowed")
    export.add_argument("--until", default="", metavar="DATE", help="last day of use, as 2030-12-31")
