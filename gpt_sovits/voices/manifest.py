"""The JSON files of the registry as values, read strictly, with the schema number that migrations go by.

voice.json     one per voice: its name and what may change about it
version.json   one per version: never changes, and holds the SHA-256 of every file beside it

Where the voice has a key, each is sealed with it (``crypto.seals``): all but its name and its owner, which a rename and
a restore may change without the key.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from gpt_sovits.errors import InputError
from gpt_sovits.files import read_json, write_json
from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.ids import check_name, is_id
from gpt_sovits.voices.terms import Terms

SCHEMA = 3
VOICE_FILE = "voice.json"
VERSION_FILE = "version.json"
MOST_DEPTH = 32  # lists and objects inside each other
_MOST_MADE_BY = 64 * 1024  # characters
_UNSEALED = ("schema", "name", "owner", "seal")


def _with_freeze_passphrase(value: dict[str, Any]) -> dict[str, Any]:
    """1 to 2: a voice may keep the hash of the passphrase that unfreezes it; versions stay as they are."""
    return {**value, "thaw": ""} if "frozen" in value else value


def _unsealed(value: dict[str, Any]) -> dict[str, Any]:
    """2 to 3: manifests carry a seal; an older one has none until its voice gets a key of today (``storage.rekey``)."""
    return value


# Named functions, one per step: MIGRATIONS[n] turns the JSON of schema n into that of schema n + 1.
MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _with_freeze_passphrase, 2: _unsealed}

_RESTORE = "Restore it from a backup, or delete the voice."
_Manifest = TypeVar("_Manifest", "VoiceManifest", "VersionManifest")


@dataclass(frozen=True)
class Parent:
    """One part of a mix: which version of which voice, and its share from 0 to 1."""

    voice: str
    name: str
    version: str
    share: float


def parents_of(made_by: Mapping[str, Any]) -> tuple[Parent, ...]:
    """The parts of a mix as ``made_by`` of a voice from elsewhere names them; none of a voice that is no mix.

    Raises ``KeyError``, ``TypeError``, ``ValueError`` or ``InputError`` unless they have the form that ``mix`` gives.
    """
    found = made_by.get("parents", [])
    if not isinstance(found, list):
        raise TypeError("the parents are a list")
    return tuple(_parent(each) for each in found)


def _parent(value: Mapping[str, Any]) -> Parent:
    voice, version, share = _text(value["voice"]), _text(value["version"]), amount(value["share"])
    if not is_id(voice) or not (version == "" or is_id(version)) or share > 1.0:
        raise ValueError("a parent has a wrong form")
    return Parent(voice, check_name(value["name"]), version, share)


def check_made_by(made_by: object) -> None:
    """Raise ``TypeError`` or ``ValueError`` unless ``made_by`` of a voice from elsewhere is what this program reads."""
    if not isinstance(made_by, dict):
        raise TypeError("an object is expected")
    for word in {"kind", "base_release"} & set(made_by):
        _text(made_by[word])
    for word in {"steps", "seconds_of_speech"} & set(made_by):
        amount(made_by[word])
    if len(json.dumps(made_by)) > _MOST_MADE_BY:
        raise ValueError("it is too long")


@dataclass(frozen=True)
class VoiceManifest:
    """``default_version`` None means the newest one speaks; ``signer`` is who signed the file it was imported from.

    ``thaw`` is the argon2 hash of the passphrase that unfreezes the voice, "" where the account's password does.
    """

    id: str
    owner: str
    name: str
    created: str
    kind: str = "trained"
    parents: tuple[Parent, ...] = ()
    default_version: str | None = None
    frozen: bool = False
    terms: Terms = Terms()
    signer: str = ""
    thaw: str = ""
    seal: str = field(default="", compare=False)
    digest: str = field(default="", compare=False, repr=False)  # of what was read; not stored


@dataclass(frozen=True)
class FileEntry:
    sha256: str
    bytes: int


@dataclass(frozen=True)
class VersionManifest:
    id: str
    voice: str
    number: int
    created: str
    base: str
    consent: Consent
    files: Mapping[str, FileEntry]
    recording: str = ""  # name of the file that was recorded, "" for a mix
    seconds: float = 0.0  # of speech it was made from
    label: str = ""
    made_by: Mapping[str, Any] = field(default_factory=dict)
    seal: str = field(default="", compare=False)
    digest: str = field(default="", compare=False, repr=False)  # of what was read; not stored


@dataclass(frozen=True)
class VersionCard:
    """A version in a list."""

    id: str
    number: int
    created: str
    label: str
    seconds: float
    has_sample: bool


@dataclass(frozen=True)
class VoiceCard:
    """A voice in a list; ``parents`` are the ids of the voices it was mixed from, named as they were then.

    Their shares are from 0 to 1.
    """

    id: str
    name: str
    base: str
    created: str
    seconds_of_speech: float
    versions: tuple[VersionCard, ...]
    kind: str
    parents: tuple[str, ...]
    consent: Consent
    parent_names: tuple[str, ...] = ()
    parent_shares: tuple[float, ...] = ()
    default_version: str = ""
    frozen: bool = False
    terms: Terms = Terms()
    signer: str = ""
    locked: bool = False


def card(voice: VoiceManifest, versions: list[VersionManifest], locked: bool = False) -> VoiceCard:
    """What a list shows; ``versions`` by number, never empty."""
    spoken = next((version for version in versions if version.id == voice.default_version), versions[-1])
    parents = {each.voice: each for each in (*voice.parents, *parents_of(spoken.made_by))}
    return VoiceCard(
        id=voice.id,
        name=voice.name,
        base=spoken.base,
        created=voice.created,
        seconds_of_speech=spoken.seconds,
        versions=tuple(
            VersionCard(each.id, each.number, each.created, each.label, each.seconds, "sample.wav" in each.files)
            for each in versions
        ),
        kind=voice.kind,
        parents=tuple(parents),
        consent=spoken.consent,
        parent_names=tuple(each.name for each in parents.values()),
        parent_shares=tuple(each.share for each in parents.values()),
        default_version=spoken.id,
        frozen=voice.frozen,
        terms=voice.terms,
        signer=voice.signer,
        locked=locked,
    )


def write_manifest(folder: Path, manifest: VoiceManifest | VersionManifest, aside: Path | None = None) -> None:
    write_json(folder / _file_name(type(manifest)), to_json(manifest), aside)


def to_json(manifest: VoiceManifest | VersionManifest) -> dict[str, Any]:
    """What is stored of a manifest."""
    value = {"schema": SCHEMA, **asdict(manifest)}
    value.pop("digest")
    if isinstance(manifest, VersionManifest):
        value["consent"] = manifest.consent.to_json()
    return value


def digest_of(value: Mapping[str, Any]) -> str:
    """SHA-256 of everything in a stored manifest that its seal is for, however it is spaced."""
    rest = {name: each for name, each in value.items() if name not in _UNSEALED}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_voice(folder: Path) -> VoiceManifest:
    """``MissingError`` when there is no voice in ``folder``, ``InputError`` when its manifest is damaged."""
    return _read(folder, VoiceManifest, _voice)


def read_version(folder: Path) -> VersionManifest:
    return _read(folder, VersionManifest, _version)


def _file_name(kind: type) -> str:
    return VOICE_FILE if kind is VoiceManifest else VERSION_FILE


def _read(folder: Path, kind: type[_Manifest], build: Callable[[dict[str, Any]], _Manifest]) -> _Manifest:
    path = folder / _file_name(kind)
    value = read_json(path)
    if is_deep(value):
        raise InputError(f"The file {path} is damaged.", _RESTORE)
    schema = value.pop("schema", None)
    if isinstance(schema, int) and schema > SCHEMA:
        raise InputError(f"The voice in {folder} was saved by a newer version of this program.", "Update the program.")
    try:
        digest, seal = digest_of(value), _text(value.pop("seal", ""))
        while schema != SCHEMA:
            value, schema = MIGRATIONS[schema](value), schema + 1
        unknown = set(value) - {each.name for each in fields(kind)} | {"digest"} & set(value)
        if unknown:
            raise ValueError(f"unknown entries {sorted(unknown)}")
        manifest = replace(build(value), seal=seal, digest=digest)
        if manifest.id != folder.name:
            raise ValueError("it belongs to another folder")
        return manifest
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"The file {path} is damaged ({error}).", _RESTORE) from error


def _voice(value: dict[str, Any]) -> VoiceManifest:
    texts = {name: _text(value[name]) for name in ("id", "owner", "name", "created", "kind", "signer")}
    parents = tuple(
        Parent(_text(each["voice"]), _text(each["name"]), _text(each["version"]), float(each["share"]))
        for each in value["parents"]
    )
    default = value["default_version"]
    if not (is_id(texts["id"]) and is_id(texts["owner"]) and (default is None or is_id(default))):
        raise ValueError("an id has a wrong form")
    return VoiceManifest(
        **texts,
        parents=parents,
        default_version=default,
        frozen=value["frozen"] is True,
        terms=Terms.from_json(value["terms"]),
        thaw=_text(value.get("thaw", "")),
    )


def _version(value: dict[str, Any]) -> VersionManifest:
    texts = {name: _text(value[name]) for name in ("id", "voice", "created", "base", "recording", "label")}
    files = {name: FileEntry(_text(each["sha256"]), int(each["bytes"])) for name, each in value["files"].items()}
    if not (is_id(texts["id"]) and is_id(texts["voice"])):
        raise ValueError("an id has a wrong form")
    for name in files:
        if "/" in name or "\\" in name or name.startswith(".") or ":" in name:
            raise ValueError("a file has a wrong name")
    check_made_by(value["made_by"])
    parents_of(value["made_by"])
    return VersionManifest(
        **texts,
        number=int(value["number"]),
        seconds=float(value["seconds"]),
        consent=Consent.from_json(value["consent"]),
        files=files,
        made_by=dict(value["made_by"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text is expected")
    return value


def amount(value: object) -> float:
    """A finite number of 0 or more; ``TypeError``, ``ValueError`` or ``OverflowError`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("a number is expected")
    if not 0.0 <= float(value) < math.inf:
        raise ValueError("a number is out of range")
    return float(value)


def is_deep(value: object) -> bool:
    """Whether a JSON value has more than ``MOST_DEPTH`` lists and objects inside each other."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        inside = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, (dict, list))]
        level = [item for each in inside for item in each]
    return bool(level)
