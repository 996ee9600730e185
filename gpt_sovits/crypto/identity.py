"""A user's own keys: one signs voice files (Ed25519), one receives them (age, X25519). They never leave the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gpt_sovits.errors import InputError
from gpt_sovits.files import exclusive, make_private, read_json, write_json

FILE = "identity.json"


@dataclass(frozen=True)
class Identity:
    """``recipient`` is the public key that others encrypt to; ``secret`` opens what they send."""

    signing: Ed25519PrivateKey
    secret: str
    recipient: str

    @property
    def signer(self) -> str:
        """Public key of the signatures, hex."""
        return self.signing.public_key().public_bytes_raw().hex()


def identity(folder: Path) -> Identity:
    """The keys in the user's folder; made when they are first needed."""
    import pyrage

    path = folder / FILE
    if not path.is_file():
        make_private(folder)
        with exclusive(folder / f".{FILE}.lock", wait=30.0, busy="Another program is making your keys."):
            if not path.is_file():
                write_json(
                    path,
                    {
                        "signing": Ed25519PrivateKey.generate().private_bytes_raw().hex(),
                        "secret": str(pyrage.x25519.Identity.generate()),
                    },
                )
    value = read_json(path)
    try:
        signing = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(value["signing"]))
        secret = pyrage.x25519.Identity.from_str(value["secret"])
    except (KeyError, ValueError, TypeError, pyrage.IdentityError) as error:
        raise InputError(f"The file {path} is damaged.", "Restore it from a backup.") from error
    return Identity(signing, value["secret"], str(secret.to_public()))
