"""Turn a voice into what the program stored before manifests had seals."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gpt_sovits.crypto import vault


def edit(path: Path, **changes: object) -> None:
    """Change words of a manifest as a person with an editor would; None takes a word out."""
    value = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    gone = [key for key, each in changes.items() if each is None]
    path.write_text(json.dumps({key: each for key, each in value.items() if key not in gone}), encoding="utf-8")


def make_older(folder: Path, passphrase: str = "") -> bytes:
    """Put an unlocked voice under a key of then, which is returned, and take its seals away."""
    key, new = vault.read_key(folder), os.urandom(32)
    for path in list(folder.rglob("*")):
        if path.suffix == ".json":
            edit(path, schema=2, seal=None)
        elif path.is_file() and path.name != vault.KEY:
            content = list(vault.open_file(path, key, path.name))
            path.write_bytes(b"".join(vault.seal(content, new, path.name)))
    (folder / vault.KEY).write_bytes(new)
    if passphrase:
        (folder / vault.WRAPPED).write_bytes(vault.wrap(new, passphrase))
        (folder / vault.KEY).unlink()
    return new
