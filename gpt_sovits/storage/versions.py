"""One version of a voice as a folder of files, each listed with its SHA-256 in version.json.

    delta.safetensors      the tensors that differ from the base, float16
    reference.safetensors  frozen reference features; of a mix also the timbres of the voices in it
    recording.<suffix>     what the person recorded (not for a mix)
    statement.<suffix>     another person's recorded consent (not for one's own voice)
    sample.wav             the version speaking a test sentence

The folder is built aside by ``write``, checked by ``load``, and never changes once it is visible. In the registry the
files are encrypted with the voice's data key (``vault``); the manifest lists what is inside them. Without a key here,
they are plain: as a training job makes them, in its own folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_sovits import files
from gpt_sovits.crypto import seals, vault
from gpt_sovits.errors import InputError, MissingError, RefusedError
from gpt_sovits.voices.consent import require
from gpt_sovits.voices.manifest import FileEntry, VersionManifest, VoiceManifest, read_version, write_manifest
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from torch import Tensor

    from gpt_sovits.features.reference import Reference

DELTA = "delta.safetensors"
REFERENCE = "reference.safetensors"
SAMPLE = "sample.wav"
RECORDING_SUFFIXES = frozenset({"wav", "flac", "mp3", "m4a", "mp4", "webm", "ogg", "opus", "aac", "amr", "aiff", "caf"})


def recording_name(path: Path, what: str = "recording") -> str:
    """The name under which we keep a person's file: ours, with its suffix where that is a known one."""
    suffix = path.suffix.lower().lstrip(".")
    return f"{what}.{suffix}" if suffix in RECORDING_SUFFIXES else f"{what}.bin"


def write(
    folder: Path,
    voice: Voice,
    *,
    recording: Path | None = None,
    statement: Path | None = None,
    key: bytes | None = None,
) -> VersionManifest:
    """Write ``voice`` as a version into the new ``folder``, named by the version's id. No number, no sample yet.

    Raises ``RefusedError`` without a consent that is bound to this very ``recording``, and to the recorded
    ``statement`` where it is another person's; both are copied as they are.
    """
    consent = require(voice.consent)
    files.make_private(folder)
    entries = {
        DELTA: put(folder / DELTA, _packed(voice.delta), key),
        REFERENCE: put(folder / REFERENCE, _packed(*voice.reference.to_tensors()), key),
    }
    name = ""
    if recording is not None:
        name = recording_name(recording)
        sha256 = files.copy_private(recording, folder / name)
        consent = consent.bind(sha256)
        entries[name] = FileEntry(sha256, (folder / name).stat().st_size)
    if statement is not None:
        spoken = recording_name(statement, "statement")
        sha256 = files.copy_private(statement, folder / spoken)
        if sha256 != consent.spoken_sha256:
            raise RefusedError("The recorded statement is another one.", "Ask for it again.")
        entries[spoken] = FileEntry(sha256, (folder / spoken).stat().st_size)
    manifest = VersionManifest(
        id=folder.name,
        voice=voice.id,
        number=0,
        created=voice.created,
        base=voice.base,
        consent=consent,
        files=entries,
        recording=name,
        seconds=float(voice.made_by.get("seconds_of_speech", 0.0)),
        made_by=dict(voice.made_by),
    )
    write_manifest(folder, seals.sealed(manifest, key))
    return manifest


def add_sample(folder: Path, wav: bytes, key: bytes | None = None) -> VersionManifest:
    """Keep the test sentence that a staged version spoke."""
    entry = put(folder / SAMPLE, wav, key)
    manifest = read_version(folder)
    manifest = replace(manifest, files={**manifest.files, SAMPLE: entry})
    write_manifest(folder, seals.sealed(manifest, key))
    return manifest


def manifest_of(folder: Path, key: bytes | None) -> VersionManifest:
    """What the version in ``folder`` says, as it was sealed with ``key``."""
    return seals.check(read_version(folder), key)


def load(folder: Path, voice: VoiceManifest, key: bytes | None = None) -> Voice:
    """The version in ``folder`` as a value, after its weights and reference are found unchanged."""
    from gpt_sovits.features.reference import Reference  # late: lists of voices need no torch

    manifest = manifest_of(folder, key)
    if manifest.voice != voice.id:
        raise InputError(f"The version {manifest.id} belongs to another voice.", "Restore it from a backup.")
    return Voice(
        id=voice.id,
        name=voice.name,
        owner=voice.owner,
        base=manifest.base,
        version_id=manifest.id,
        reference=Reference.from_tensors(*_unpacked(read_file(folder, manifest, REFERENCE, key))),
        delta=_unpacked(read_file(folder, manifest, DELTA, key))[0],
        consent=manifest.consent,
        created=manifest.created,
        made_by=manifest.made_by,
        terms=voice.terms,
    )


def read_file(folder: Path, manifest: VersionManifest, name: str, key: bytes | None = None) -> bytes:
    """The bytes of one file of a version, compared with the manifest."""
    entry = manifest.files.get(name)
    if entry is None:
        raise MissingError(f"The version {manifest.id} has no {name}.", "Train the voice again.")
    try:
        data = b"".join(vault.open_file(folder / name, key, name))
    except (OSError, InputError) as error:
        raise _damaged(folder, name) from error
    if len(data) != entry.bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise _damaged(folder, name)
    return data


def check(folder: Path, key: bytes | None = None, *, locked: bool = False) -> VersionManifest:
    """Compare every file with the manifest; nothing may be missing, changed or extra.

    Of a ``locked`` version only the sizes are known, and that every file is encrypted.
    """
    manifest = manifest_of(folder, key)
    for name, entry in manifest.files.items():
        path = folder / name
        if not path.is_file() or vault.size_of_content(path) != entry.bytes:
            raise _damaged(folder, name)
        if locked and not vault.is_sealed(path):
            raise _damaged(folder, name)
        if not locked and _sha256(path, key, name) != entry.sha256:
            raise _damaged(folder, name)
    extra = {path.name for path in folder.iterdir()} - set(manifest.files) - {"version.json"}
    if extra:
        raise InputError(f"The version {manifest.id} holds files it should not.", "Restore it from a backup.")
    return manifest


def settle(staged: Path, manifest: VersionManifest, target: Path, key: bytes) -> None:
    """Put the checked version in ``staged`` into the new folder ``target``, encrypted and sealed."""
    files.make_private(target)
    for name in manifest.files:
        if vault.is_sealed(staged / name):
            files.move_in(staged / name, target / name)
        else:
            files.write_blocks(target / name, vault.seal(vault.open_file(staged / name, None, name), key, name))
    write_manifest(target, seals.sealed(manifest, key))


def _sha256(path: Path, key: bytes | None, name: str) -> str:
    digest = hashlib.sha256()
    try:
        for block in vault.open_file(path, key, name):
            digest.update(block)
    except InputError:
        return ""
    return digest.hexdigest()


def read_tensors(contents: Mapping[str, bytes]) -> tuple[dict[str, Tensor], Reference]:
    """The delta and the reference of a voice from elsewhere; ``InputError`` unless they are what they should be."""
    from gpt_sovits.features.reference import Reference

    delta, _ = _unpacked(contents[DELTA])
    for key, value in delta.items():
        known = key.startswith(("acoustic.", "semantic.")) and value.is_floating_point()
        if not known or not bool(value.float().isfinite().all()):
            raise InputError("The file holds weights that are not a voice's.", "Ask for it again.")
    return delta, Reference.from_tensors(*_unpacked(contents[REFERENCE]))


def put(path: Path, data: bytes, key: bytes | None = None) -> FileEntry:
    """Write one file of a version that is being built; its entry for the manifest."""
    if key is None:
        files.write_bytes(path, data)
    else:
        files.write_blocks(path, vault.seal([data], key, path.name))
    return FileEntry(hashlib.sha256(data).hexdigest(), len(data))


def _packed(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    from safetensors.torch import save

    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    # without any tensor, safetensors puts metadata behind a closed header; a mix of voices without deltas has none
    return save(plain, dict(metadata or {}) if plain else None)


def _unpacked(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file and its text metadata (in the JSON header, whose length comes first)."""
    from safetensors import SafetensorError
    from safetensors.torch import load as parse

    try:
        tensors = parse(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return tensors, dict(header.get("__metadata__", {}))
    except (SafetensorError, ValueError, KeyError, TypeError, AssertionError, RuntimeError, OverflowError) as error:
        raise InputError("A file of the voice is not a safetensors file.", "Restore it from a backup.") from error


def _damaged(folder: Path, name: str) -> InputError:
    return InputError(
        f"The file {name} of the version {folder.name} is missing or was changed.",
        "Restore it from a backup, or train the voice again.",
    )
