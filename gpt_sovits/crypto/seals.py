"""The seal of a manifest: an HMAC under the voice's data key, so that what it says was written by this program.

Terms, freezing, parents, the version that speaks, consent and the hashes of all files are under it. Who has the disk
but not the key (a locked voice's is nowhere on it) can change none of them unnoticed; of a locked voice it is noticed
when it is unlocked.

What a determined owner of the disk can still do, with this as with any program on a computer of one's own: read the
key of a voice that is not locked and write a new seal with it, or use another program; put back an older state of a
voice that was sealed with the same key; remove a voice or one of its versions; make a voice out of nothing that looks
like an older program's, with words of consent that nobody said; rename a voice; set back the clock, by which terms end;
write another journal. So the seal keeps people honest who share a computer, and lets no fault of the disk go unseen.
From whoever has the disk, only a passphrase keeps a voice.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TypeVar

from gpt_sovits.crypto import vault
from gpt_sovits.errors import InputError
from gpt_sovits.voices.manifest import VersionManifest, VoiceManifest, digest_of, to_json


class ChangedError(InputError):
    """A manifest does not say what this program wrote; a voice may still be destroyed."""


_Manifest = TypeVar("_Manifest", VoiceManifest, VersionManifest)


def sealed(manifest: _Manifest, key: bytes | None) -> _Manifest:
    """The manifest with the seal that belongs to what it says now; without a key (a job's folder) it has none."""
    digest = digest_of(to_json(manifest))
    return replace(manifest, seal="" if key is None else _seal(type(manifest), digest, key), digest=digest)


def check(manifest: _Manifest, key: bytes | None) -> _Manifest:
    """The manifest that was read, if this program sealed it with ``key``; None: nothing can be told of it.

    Raises ``ChangedError``. A manifest of an older program has no seal, and no key of today.
    """
    if key is None or (not manifest.seal and not vault.is_of_today(key)):
        return manifest
    if not hmac.compare_digest(manifest.seal.encode(), _seal(type(manifest), manifest.digest, key).encode()):
        raise changed(manifest)
    return manifest


def changed(manifest: VoiceManifest | VersionManifest) -> ChangedError:
    """What to raise for a manifest that is not as it was sealed."""
    advice = "Restore it from a backup, or destroy the voice."
    if isinstance(manifest, VoiceManifest):
        return ChangedError(f"The voice {manifest.name!r} was changed outside this program.", advice)
    return ChangedError(f"The version {manifest.id} was changed outside this program.", advice)


def _seal(kind: type, digest: str, key: bytes) -> str:
    return hmac.digest(key, f"gsseal1 {kind.__name__} {digest}".encode(), "sha256").hex()
