"""``gpt_sovits voices``: the voices of a person, and what belongs to owning them."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from gpt_sovits.cli.commands import Costly, Json, Secret, Unlock, Voice, Yes, command, group
from gpt_sovits.cli.terminal import ask_secret, confirm, open_voice, show_json, show_rows
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import read_whole
from gpt_sovits.services.session import Session
from gpt_sovits.storage.erase import Scan
from gpt_sovits.storage.starters import KIND as INVENTED
from gpt_sovits.storage.starters import refuse
from gpt_sovits.storage.voicefile import MAX_BYTES
from gpt_sovits.voices.manifest import VoiceCard
from gpt_sovits.voices.terms import Terms

app = group("list, show, rename, pin, freeze, lock, mix, export, import, delete or destroy voices")
Deed = StrEnum("Deed", ["mix", "retrain", "export"])


@command(app)
def list_(session: Session, json: Json = False) -> None:
    """all voices"""
    show_rows([_row(card) for card in session.voices.list()], json, "There are no voices yet. Make one with `train`.")
    invented = ", ".join(card.name for card in session.voices.invented())
    if invented and not json:
        print(f"Invented voices that come with the program: {invented}.")


@command(app)
def invented(
    session: Session,
    show: Annotated[bool | None, Option("--show/--hide", help="offer all or none of them to this user")] = None,
    json: Json = False,
) -> None:
    """the voices that come with the program"""
    if show is not None:
        session.voices.offer_invented(show)
    show_rows([_row(card) for card in session.voices.invented()], json, "No invented voice is shown.")


@command(app)
def show(session: Session, voice: Voice) -> None:
    """everything that is known about a voice, as JSON"""
    card = session.voices.find(voice)
    show_json({**asdict(card), "consent": card.consent.to_json(), "terms": card.terms.to_json()})


@command(app)
def versions(session: Session, voice: Voice, json: Json = False) -> None:
    """its recordings over time"""
    card = session.voices.find(voice)
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
    show_rows(rows, json)


@command(app)
def rename(session: Session, voice: Voice, name: Annotated[str, Argument(help="the new name")]) -> None:
    """give it another name"""
    session.voices.rename(_own(session, voice).id, name)


@command(app)
def pin(
    session: Session, voice: Voice, version: Annotated[str, Argument(help="id of the version that speaks, or newest")]
) -> None:
    """choose the version that speaks"""
    session.voices.pin(_own(session, voice).id, None if version == "newest" else version)


@command(app)
def prune(
    session: Session,
    voice: Voice,
    version: Annotated[str, Argument(help="id of the version to remove")],
    yes: Yes = False,
) -> None:
    """remove one of its versions"""
    card = _own(session, voice)
    confirm(yes, f"Remove the version {version} of {card.name!r}?")
    session.voices.delete_version(card.id, version)


@command(app)
def freeze(session: Session, voice: Voice, passphrase_file: Secret = None) -> None:
    """let nothing change, retrain or delete it"""
    card, passphrase = _own(session, voice), ""
    if session.user not in session.users.names():
        passphrase = ask_secret("A passphrase that unfreezing will ask for: ", passphrase_file, twice=True)
    session.voices.freeze(card.id, passphrase=passphrase)


@command(app)
def unfreeze(session: Session, voice: Voice, passphrase_file: Secret = None) -> None:
    """allow changes again"""
    card = _own(session, voice)
    secret = ask_secret("The passphrase of freezing, or your password: ", passphrase_file)
    session.voices.unfreeze(card.id, secret=secret)


@command(app)
def lock(session: Session, voice: Voice, passphrase_file: Secret = None) -> None:
    """let nobody read it from the disk without a passphrase"""
    card = _own(session, voice)
    passphrase = ask_secret("A passphrase, which nobody can replace: ", passphrase_file, twice=True)
    for name in session.voices.lock(card.id, passphrase):
        print(f"The mix {name!r} contains a part of it and is not locked.")


@command(app)
def unlock(session: Session, voice: Voice, passphrase_file: Secret = None) -> None:
    """remove its lock (to use it once, `speak` asks for the passphrase)"""
    card = _own(session, voice)
    session.voices.remove_lock(card.id, ask_secret("The passphrase of the voice: ", passphrase_file))


@command(app)
def journal(session: Session, voice: Voice) -> None:
    """what was done with it"""
    for entry in session.voices.journal(_own(session, voice).id):
        details = " ".join(f"{key}={value}" for key, value in entry.details.items())
        print(f"{entry.number:5d}  {entry.at}  {entry.what}  {details}".rstrip())


@command(app)
def sample(
    session: Session,
    voice: Voice,
    out: Annotated[Path, Option(help="the file")] = Path("sample.wav"),
    unlock_file: Unlock = None,
) -> None:
    """write the sentence that it said when it was made"""
    card = _own(session, voice)
    open_voice(session, card, unlock_file)
    _write(out, session.voices.sample(card.id))


@command(app)
def statement(
    session: Session,
    voice: Voice,
    out: Annotated[Path | None, Option(help="the file (default: statement.*)")] = None,
    unlock_file: Unlock = None,
) -> None:
    """write the recording in which its person agreed"""
    card = _own(session, voice)
    open_voice(session, card, unlock_file)
    name, data = session.voices.statement(card.id)
    _write(out or Path(name), data)


@command(app)
def mix(
    session: Session,
    parts: Annotated[list[str], Argument(metavar="VOICE SHARE...", help="name or id and its share, again and again")],
    save: Annotated[str, Option(metavar="NAME", help="what the mix is called")],
    manner: Annotated[
        list[float] | None, Option(metavar="SHARE...", help="of the way of speaking (default: the same)")
    ] = None,
    unlock_file: Unlock = None,
) -> None:
    """keep a mix of two voices or more, by their shares"""
    if len(parts) < 4 or len(parts) % 2:
        raise InputError("A mix needs two voices or more, each with its share.", "Like this: voices mix Ana 2 Ben 1")
    cards = [session.voices.find(name) for name in parts[::2]]
    try:
        shares = [float(share) for share in parts[1::2]]
    except ValueError as error:
        raise InputError("A share is not a number.", "Like this: voices mix Ana 2 Ben 1") from error
    for card in cards:
        open_voice(session, card, unlock_file)
    print(session.voices.save(session.voices.blend([card.id for card in cards], shares, manners=manner), save))


@command(app)
def export(
    session: Session,
    voice: Voice,
    out: Annotated[Path, Option(help="the file")] = Path("voice.gsvoice"),
    to: Annotated[str, Option(metavar="KEY", help="encrypt to a friend's public key (age1...)")] = "",
    version: Annotated[str | None, Option(help="id of a version (default: the one that speaks)")] = None,
    forbid: Annotated[list[Deed] | None, Option(metavar="mix|retrain|export...", help="not allowed")] = None,
    until: Annotated[str, Option(metavar="DATE", help="last day of use, as 2030-12-31")] = "",
    passphrase_file: Secret = None,
    unlock_file: Unlock = None,
) -> None:
    """write it into one encrypted file"""
    card, denied = _own(session, voice), forbid or ()
    terms = Terms(mix="mix" not in denied, retrain="retrain" not in denied, export="export" not in denied, until=until)
    open_voice(session, card, unlock_file)
    passphrase = "" if to else ask_secret("A passphrase for the file: ", passphrase_file, twice=True)
    data = session.voices.export_file(card.id, version=version, passphrase=passphrase, recipient=to, terms=terms)
    from gpt_sovits.audio import write_bytes  # late: listing voices needs no codecs

    write_bytes(out, data)
    print(f"{out}: {len(data) / 2**20:.1f} MB. A receiver who is determined could ignore the terms.")
    if card.parents:
        print("It holds the timbre of each voice in the mix: send it only to people who may have those voices too.")


@command(app)
def import_(
    session: Session,
    file: Annotated[Path, Argument(help="a .gsvoice file")],
    name: Annotated[str, Option(help="what it is called here")] = "",
    costly: Costly = False,
    passphrase_file: Secret = None,
) -> None:
    """store the voice of an encrypted file"""
    try:
        data = read_whole(file, MAX_BYTES)
    except OSError as error:
        raise MissingError(f"The file {file} cannot be read.", "Check its name.") from error
    locked = b"-> scrypt " in data[:200]
    passphrase = ask_secret("The passphrase of the file: ", passphrase_file) if locked else ""
    print(session.voices.import_file(data, passphrase=passphrase, name=name, costly=costly))


@command(app)
def key(session: Session) -> None:
    """your public key, for friends who send you voices"""
    print(session.voices.public_key())


@command(app)
def verify(session: Session) -> int:
    """compare every file with its hash"""
    problems = session.voices.verify()
    locked = [card.name for card in session.voices.list() if not session.voices.is_open(card.id)]
    print("\n".join(problems) or "Every file of every voice that can be read is as it was saved.")
    if locked:
        print(f"Of locked voices only the sizes of files were compared: {', '.join(locked)}.")
    return 1 if problems else 0


@command(app)
def restore(session: Session, voice: Voice) -> None:
    """bring back what the page deleted within the hour"""
    aside = {name: card.id for card in session.voices.put_aside() for name in (card.id, card.name)}
    if voice not in aside:
        raise MissingError("This voice is not put away.", f"These are: {', '.join(aside) or 'none'}.")
    session.voices.bring_back(aside[voice])


@command(app)
def delete(session: Session, voice: Voice, yes: Yes = False) -> None:
    """remove it with its recording and everything learnt from it (an invented voice is only hidden)"""
    card = session.voices.find(voice)
    confirm(yes, f"Delete {card.name!r} with its recording and everything learnt from it?")
    session.voices.delete(card.id)


@command(app)
def destroy(
    session: Session,
    voice: Voice,
    mixes: Annotated[bool, Option("--mixes", help="with the stored mixes that contain it")] = False,
    yes: Yes = False,
) -> int:
    """delete it, empty the pages' cache, keep a receipt, and look for left-overs"""
    card = _own(session, voice)
    confirm(yes, f"Destroy {card.name!r}? Nothing can bring it back.")
    return _report(session.voices.destroy(card.id, mixes=mixes))


@command(app)
def verify_destroyed(session: Session, voice: Annotated[str, Argument(help="id of the destroyed voice")]) -> int:
    """look for anything of a destroyed voice"""
    return _report(session.voices.verify_destroyed(voice))


def _own(session: Session, voice: str) -> VoiceCard:
    """A voice that its person may change: none that comes with the program."""
    card = session.voices.find(voice)
    if card.kind == INVENTED:
        raise refuse(card)
    return card


def _write(out: Path, data: bytes) -> None:
    from gpt_sovits.audio import write_bytes

    write_bytes(out, data)
    print(out)


def _report(scan: Scan) -> int:
    for path, what in scan.found:
        print(f"{path}: {what}")
    verdict = "clean" if scan.clean else "NOT clean"
    print(f"{scan.files} files, {scan.bytes / 2**20:.1f} MB looked through: {verdict}")
    print("\n".join(scan.limits()))
    return 0 if scan.clean else 1


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
