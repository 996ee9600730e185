"""The accounts of a shared studio, and what concerns all of them: for the machine's owner, not for a person's page."""

from __future__ import annotations

from pathlib import Path

from gpt_sovits.errors import RefusedError
from gpt_sovits.services.core import Core
from gpt_sovits.storage.backup import Restored
from gpt_sovits.storage.tokens import Token


class UserService:
    """Accounts of one data folder."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._accounts = core.registry.accounts

    def names(self) -> list[str]:
        """Who has an account; nobody in the usual case of one person."""
        return self._accounts.names()

    def voices_of(self, name: str) -> int:
        """How many voices an account has."""
        return len(self._core.registry.cards(name))

    def add(self, name: str, password: str) -> None:
        self._accounts.add(name, password)

    def set_password(self, name: str, password: str) -> None:
        self._accounts.set_password(name, password)

    def remove(self, name: str, *, frozen: bool = False) -> None:
        """Remove an account with all its voices, for good. ``frozen``: those that are frozen too (``RefusedError``)."""
        self._core.eraser.remove_user(name, frozen=frozen)

    def mark(self, name: str) -> str:
        """Something that changes whenever the password does; "" without an account."""
        return self._accounts.mark(name)

    def sign_in(self, name: str, password: str) -> str:
        """The user's name; ``RefusedError`` when name or password is wrong, ``BusyError`` after too many tries."""
        return self._accounts.verify(name, password)

    def of_token(self, shown: str) -> Token:
        """What a program may do that shows a token; ``RefusedError`` where it is unknown, revoked or nobody's."""
        token = self._core.tokens.check(shown)
        if self.names() and not self._accounts.has(token.user):
            raise RefusedError("This token is not valid.", "Make a new one: python -m gpt_sovits tokens add NAME")
        return token

    def has_tokens(self, user: str) -> bool:
        return self._core.tokens.any(user)

    def backup(self, out: Path, passphrase: str, only: str | None = None) -> int:
        """Write all voices of all users, or of one, to one encrypted file; returns how many voices are in it."""
        return self._core.registry.backup(out, passphrase, only)

    def restore(self, source: Path, passphrase: str, into: str | None = None, costly: bool = False) -> Restored:
        """Bring back what a backup holds and is not here; nothing here is replaced. ``into``: the user who gets it."""
        return self._core.registry.restore(source, passphrase, into, self._core.submission.find_base, costly)
