"""Letting other programs speak for one person: tokens are made, listed and revoked here."""

from __future__ import annotations

from collections.abc import Iterable

from gpt_sovits.services.core import Core
from gpt_sovits.services.voices import VoiceService
from gpt_sovits.storage.tokens import DEEDS, Token

__all__ = ["DEEDS", "Token", "TokenService"]


class TokenService:
    """``user``'s tokens."""

    def __init__(self, core: Core, user: str) -> None:
        self._core = core
        self._user = user

    def add(
        self, name: str, *, deeds: Iterable[str] = ("speak", "read"), voices: Iterable[str] | None = None
    ) -> tuple[Token, str]:
        """A token for the program ``name``, and the words that it shows: they are said this once.

        ``deeds``: some of ``DEEDS``. ``voices``: names or ids that it may use; None: every voice of the user.
        """
        of_user = VoiceService(self._core, self._user)
        ids = None if voices is None else {of_user.find(each).id for each in voices}
        return self._core.tokens.add(self._user, name, deeds, ids)

    def list(self) -> list[Token]:
        """Oldest first."""
        return self._core.tokens.list(self._user)

    def revoke(self, name_or_id: str) -> None:
        """The program can do nothing any more. ``MissingError`` when there is no such token."""
        wanted = name_or_id.casefold()
        found = next((each.id for each in self.list() if each.name.casefold() == wanted), name_or_id)
        self._core.tokens.revoke(self._user, found)
