"""What other programs show to speak for a person: one small file a token, which holds its hash and what it may do.

    <root>/users/<user>/tokens/<token>.json

A token is 256 random bits and is shown once, when it is made; nobody can read it from the disk. It goes with its user.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gpt_sovits import files
from gpt_sovits.errors import InputError, MissingError, RefusedError, VoiceError
from gpt_sovits.voices.consent import now
from gpt_sovits.voices.ids import check_id, check_name, check_user, is_id, new_id

DEEDS = ("speak", "read", "mix", "train", "manage", "keep")
PREFIX = "gsv_"
MOST = 100  # of one user
_FORM = re.compile(r"gsv_([a-z0-9]{2,32})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True)
class Token:
    """What a program called ``name`` may do for ``user``: ``deeds``, with ``voices`` (ids; None: all of them)."""

    id: str
    user: str
    name: str
    deeds: frozenset[str]
    voices: frozenset[str] | None
    created: str


class Tokens:
    """The tokens of all users under ``root``. What is revoked is refused from the next request on."""

    def __init__(self, root: Path) -> None:
        self._users = root / "users"

    def add(self, user: str, name: str, deeds: Iterable[str], voices: Iterable[str] | None) -> tuple[Token, str]:
        """A new token and the words that a program shows, which are not kept."""
        name, wanted = check_name(name), frozenset(deeds)
        if not wanted or wanted - set(DEEDS):
            raise InputError("It is not said what the program may do.", f"Choose from: {', '.join(DEEDS)}.")
        folder = files.make_private(self._folder(user))
        with files.exclusive(folder / ".lock", wait=30.0, busy="Another program is changing the tokens."):
            return self._add(folder, user, name, wanted, voices)

    def _add(
        self, folder: Path, user: str, name: str, wanted: frozenset[str], voices: Iterable[str] | None
    ) -> tuple[Token, str]:
        known = self.list(user)
        if len(known) >= MOST:
            raise InputError(f"There are {MOST} tokens already.", "Revoke one that is not used.")
        if name.casefold() in {token.name.casefold() for token in known}:
            raise InputError(f"There is a token named {name!r} already.", "Choose another name, or revoke it.")
        secret = secrets.token_urlsafe(32)
        only = None if voices is None else frozenset(voices)
        token = Token(new_id("t"), user, name, wanted, only, now())
        with files.disk_errors("the token could not be kept"):
            files.write_json(folder / f"{token.id}.json", {**_json(token), "hash": _hash(secret)})
        return token, f"{PREFIX}{token.id}_{secret}"

    def list(self, user: str) -> list[Token]:
        """Oldest first; a damaged file is no token."""
        found = (self._read(path)[0] for path in self._folder(user).glob("t*.json"))
        return sorted((token for token in found if token is not None), key=lambda token: (token.created, token.id))

    def revoke(self, user: str, token_id: str) -> None:
        """``MissingError`` when the user has no such token."""
        path = self._folder(user) / f"{check_id(token_id, 'token')}.json"
        if not path.is_file():
            raise MissingError(f"There is no token {token_id}.", "`tokens list` shows them.")
        path.unlink()
        files.sync_folder(path.parent)

    def check(self, shown: str) -> Token:
        """The token that a program shows; ``RefusedError`` for any other words."""
        form = _FORM.fullmatch(shown)
        if form is not None and is_id(form[1]):
            for path in self._users.glob(f"*/tokens/{form[1]}.json"):
                token, hashed = self._read(path)
                if token is not None and hmac.compare_digest(hashed, _hash(form[2])):
                    return token
        raise RefusedError("This token is not valid.", "Make a new one: python -m gpt_sovits tokens add NAME")

    def any(self, user: str) -> bool:
        """Whether the user has made one, without reading any."""
        return next(self._folder(user).glob("t*.json"), None) is not None

    # ------------------------------------------------------------------------------------------------------- private

    def _folder(self, user: str) -> Path:
        return self._users / check_user(user) / "tokens"

    def _read(self, path: Path) -> tuple[Token | None, str]:
        try:
            value = files.read_json(path)
            voices = value["voices"]
            token = Token(
                id=path.stem,
                user=check_user(path.parent.parent.name),
                name=check_name(value["name"]),
                deeds=frozenset(value["deeds"]) & set(DEEDS),
                voices=None if voices is None else frozenset(map(str, voices)),
                created=str(value["created"]),
            )
            return token, str(value["hash"])
        except (VoiceError, KeyError, TypeError):
            return None, ""


def _json(token: Token) -> dict[str, object]:
    voices = None if token.voices is None else sorted(token.voices)
    return {"name": token.name, "deeds": sorted(token.deeds), "voices": voices, "created": token.created}


def _hash(secret: str) -> str:
    """Of 256 random bits: nobody can guess them, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
