"""How a voice sounded while it was learning: WAV files of its job, plain until the voice is there to encrypt them.

<job>/samples/25.wav      after a quarter of the plan
<job>/samples/25.sealed   the same encrypted, for the moment until it takes the plain file's place
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from gpt_sovits.crypto import vault
from gpt_sovits.errors import VoiceError
from gpt_sovits.files import shred, write_blocks
from gpt_sovits.jobs.store import SAMPLES
from gpt_sovits.storage.registry import Registry

log = logging.getLogger(__name__)


def encrypt(work_dir: Path, registry: Registry, user: str, voice_id: str) -> None:
    """Encrypt a finished job's samples as the voice's own files are; what a crash left half done is completed."""
    folder = work_dir / SAMPLES
    if not folder.is_dir():
        return
    for path in folder.glob(".part-*"):
        shred(path)
    try:
        for path in sorted(folder.glob("[0-9][0-9].wav")):
            key = None if vault.is_sealed(path) else registry.key_at_hand(user, voice_id)
            if key is not None:
                write_blocks(path.with_suffix(".sealed"), vault.seal([path.read_bytes()], key, path.name))
                shred(path)
        for path in folder.glob("[0-9][0-9].sealed"):
            os.replace(path, path.with_suffix(".wav"))
    except (VoiceError, OSError) as error:
        log.warning("The samples of %s stay as they are: %s", work_dir.name, error)


def read(path: Path, registry: Registry, user: str, voice_id: str) -> bytes:
    """The WAV file at ``path``; once it is encrypted, what may be done with the voice counts for it too."""
    if not vault.is_sealed(path):
        return path.read_bytes()
    registry.ask(user, voice_id, "hear")
    return b"".join(vault.open_file(path, registry.data_key(user, voice_id), path.name))
