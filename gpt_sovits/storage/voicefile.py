"""A voice in one file, to keep or to share: the inside of ``.gsvoice``, and its encryption.

Outside it is an age file (age-encryption.org/v1), for a passphrase or for a person's public key ("age1..."), which the
plain ``age`` tool opens too. Inside:

    8 bytes     "gsvoice1"
    8 bytes     length of the header, little endian
    header      JSON in UTF-8: schema, name, base, kind, created, consent, terms, made_by, seconds, label,
                signer (Ed25519 public key, hex), files: a list of [name, bytes, SHA-256] in the order below
    64 bytes    Ed25519 signature of everything before it
    contents    the files, one after the other; nothing follows

Files have one of four fixed names, so a name is never a path. ``open_sealed`` checks sizes, signature and every hash
before it returns; nothing is written before that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gpt_sovits.crypto import age, seals
from gpt_sovits.crypto.vault import check_passphrase
from gpt_sovits.errors import InputError, RefusedError, VoiceError
from gpt_sovits.storage.versions import DELTA, REFERENCE, SAMPLE, put, read_file
from gpt_sovits.voices.consent import Consent, require
from gpt_sovits.voices.ids import check_name
from gpt_sovits.voices.manifest import (
    Parent,
    VersionManifest,
    VoiceManifest,
    amount,
    check_made_by,
    is_deep,
    parents_of,
    write_manifest,
)
from gpt_sovits.voices.terms import Terms

MAGIC = b"gsvoice1"
SCHEMA = 1
MAX_BYTES = 1024 * 2**20
MAX_HEADER = 2**20
_NAMES = (DELTA, REFERENCE, SAMPLE)
_NEEDED = {DELTA, REFERENCE}
_FIELDS = {"schema", "name", "base", "kind", "created", "consent", "terms", "made_by", "seconds", "label"} | {
    "signer",
    "files",
}
_MOST_WORD = 200  # characters of base, date and label
_KINDS = {"trained": False, "mix": True}  # whether it has parents
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError, InvalidSignature) + (
    OverflowError,  # a number without end
    RecursionError,  # a header without bottom
)


@dataclass(frozen=True)
class Sealed:
    """What a voice file says. ``signer`` is the public key of whoever made the file, hex."""

    name: str
    base: str
    kind: str
    created: str
    consent: Consent
    terms: Terms
    made_by: Mapping[str, Any]
    seconds: float
    label: str
    files: Mapping[str, bytes]
    signer: str = ""

    @property
    def parents(self) -> tuple[Parent, ...]:
        """The voices that it was mixed from, by the ids that they had where the file was made."""
        return parents_of(self.made_by)


def collect(folder: Path, version: VersionManifest, voice: VoiceManifest, terms: Terms, key: bytes | None) -> Sealed:
    """What a voice file of the version in ``folder`` says; nothing of its recording."""
    return Sealed(
        name=voice.name,
        base=version.base,
        kind=voice.kind,
        created=version.created,
        consent=version.consent,
        terms=terms,
        made_by=version.made_by,
        seconds=version.seconds,
        label=version.label,
        files={name: read_file(folder, version, name, key) for name in _NAMES if name in version.files},
    )


def stage(folder: Path, sealed: Sealed, voice_id: str, key: bytes) -> None:
    """Write what a voice file holds as a version into the new private ``folder``, encrypted with ``key``."""
    manifest = VersionManifest(
        id=folder.name,
        voice=voice_id,
        number=0,
        created=sealed.created,
        base=sealed.base,
        consent=require(sealed.consent),
        files={name: put(folder / name, content, key) for name, content in sealed.files.items()},
        seconds=sealed.seconds,
        label=sealed.label,
        made_by=sealed.made_by,
    )
    write_manifest(folder, seals.sealed(manifest, key))


def seal(voice: Sealed, key: Ed25519PrivateKey) -> bytes:
    """The inside of a voice file, signed."""
    names = [name for name in _NAMES if name in voice.files]
    header = {
        "schema": SCHEMA,
        "name": voice.name,
        "base": voice.base,
        "kind": voice.kind,
        "created": voice.created,
        "consent": voice.consent.to_json(),
        "terms": voice.terms.to_json(),
        "made_by": dict(voice.made_by),
        "seconds": voice.seconds,
        "label": voice.label,
        "signer": key.public_key().public_bytes_raw().hex(),
        "files": [[name, len(voice.files[name]), hashlib.sha256(voice.files[name]).hexdigest()] for name in names],
    }
    text = json.dumps(header, ensure_ascii=False).encode()
    head = MAGIC + len(text).to_bytes(8, "little") + text
    return b"".join([head, key.sign(head), *(voice.files[name] for name in names)])


def open_sealed(data: bytes) -> Sealed:
    """Read and check the inside of a voice file. Raises ``InputError`` whatever is wrong with it."""
    if len(data) > MAX_BYTES:
        raise InputError("The voice file is too large.", "Ask for it again.")
    try:
        return _parsed(data)
    except _MALFORMED as error:
        raise _damaged() from error
    except VoiceError as error:
        raise InputError(f"The voice file is damaged: {error.message}", "Ask for it again.") from error


def _parsed(data: bytes) -> Sealed:
    if data[:8] != MAGIC:
        raise ValueError("not a voice file")
    length = int.from_bytes(data[8:16], "little")
    if not 0 < length <= MAX_HEADER or len(data) < 16 + length + 64:
        raise ValueError("the header is cut")
    head, signature = data[: 16 + length], data[16 + length : 16 + length + 64]
    header = json.loads(head[16:])
    json.dumps(header, ensure_ascii=False, allow_nan=False).encode()  # half characters and no numbers: ValueError
    if set(header) != _FIELDS or is_deep(header):
        raise KeyError("the header lacks a word, or has one too many")
    if header["schema"] != SCHEMA:
        raise InputError("it was made by a newer version of this program.")
    if not re.fullmatch("[0-9a-f]{64}", header["signer"]):  # ``fromhex`` alone takes spaces, any number of them
        raise ValueError("the signer has a wrong form")
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(header["signer"])).verify(signature, head)

    contents: dict[str, bytes] = {}
    position = len(head) + 64
    for name, size, digest in header["files"]:
        if name not in _NAMES or name in contents or not isinstance(size, int) or size < 0:
            raise ValueError("a file has a wrong name or size")
        contents[name] = data[position : position + size]
        position += size
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise ValueError("a file was changed")
    if position != len(data) or not set(contents) >= _NEEDED:
        raise ValueError("the contents are not complete")
    for field in ("base", "created", "label"):
        if not isinstance(header[field], str) or len(header[field]) > _MOST_WORD:
            raise TypeError("a word of the header has a wrong form")
    check_made_by(header["made_by"])
    if _KINDS[header["kind"]] != bool(parents_of(header["made_by"])):
        raise ValueError("a mix names its parents, and nothing else has any")
    return Sealed(
        name=check_name(header["name"]),
        base=header["base"],
        kind=header["kind"],
        created=header["created"],
        consent=Consent.from_json(header["consent"]),
        terms=Terms.from_json(header["terms"]),
        made_by=header["made_by"],
        seconds=amount(header["seconds"]),
        label=header["label"],
        files=contents,
        signer=header["signer"],
    )


def encrypt(data: bytes, *, passphrase: str = "", recipient: str = "") -> bytes:
    """An age file for a passphrase of at least 8 characters, or for the public key ``recipient``."""
    import pyrage

    if recipient and passphrase:
        raise InputError("Choose either a passphrase or a receiver's key.")
    if recipient:
        try:
            return pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(recipient.strip())])
        except pyrage.RecipientError as error:
            raise InputError("That is not a receiver's public key.", 'It begins with "age1".') from error
    return age.encrypt(data, check_passphrase(passphrase))


def decrypt(data: bytes, *, passphrase: str = "", identity: str = "", costly: bool = True) -> bytes:
    """The inside of an age file; ``identity`` is our secret key, ``costly`` as in ``age.decrypt``.

    Raises ``InputError`` or ``RefusedError``.
    """
    import pyrage

    if not data.startswith(age.HEAD):
        raise InputError("This is not an encrypted voice file.", "Choose a file that ends with .gsvoice.")
    if age.is_locked(data):
        if not passphrase:
            raise RefusedError("The voice file is locked with a passphrase.", "Type the passphrase.")
        return age.decrypt(data, passphrase, costly)
    try:
        return pyrage.decrypt(data, [pyrage.x25519.Identity.from_str(identity)])
    except pyrage.DecryptError as error:
        raise RefusedError(
            "The voice file was made for another person, or it is damaged.", "Give its sender your public key."
        ) from error


def _damaged() -> InputError:
    return InputError("The voice file is damaged, or it was changed after it was made.", "Ask for it again.")
