"""What may be done with a voice. A voice made here may do everything; a shared one, what its person allowed.

The terms are kept by every program that honours them, this one among them. A determined receiver of a voice file could
use another program: sharing a voice needs trust, and the terms say what the trust is about.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any

from gpt_sovits.errors import InputError, RefusedError

_WORDS = {"speak": "speak", "mix": "be mixed", "retrain": "be trained further", "export": "be passed on"}


@dataclass(frozen=True)
class Terms:
    """Permissions, and the last day (ISO date, "" for no end) on which any of them holds."""

    speak: bool = True
    mix: bool = True
    retrain: bool = True
    export: bool = True
    until: str = ""

    def checked(self) -> Terms:
        """The same with the day written as 2030-12-31, so that days compare as text does."""
        try:
            return replace(self, until=date.fromisoformat(self.until).isoformat()) if self.until else self
        except ValueError as error:
            raise InputError(f"{self.until!r} is not a date.", "Write it as 2030-12-31.") from error

    def require(self, deed: str, name: str, today: date | None = None) -> None:
        """Raise ``RefusedError`` unless the voice called ``name`` may do this: speak, mix, retrain or export."""
        if self.until and (today or date.today()) > date.fromisoformat(self.until):
            raise RefusedError(f"The voice {name!r} was shared until {self.until}.", "Ask its person for a new file.")
        if not getattr(self, deed):
            raise RefusedError(f"The voice {name!r} may not {_WORDS[deed]}.", "Ask its person for another file.")

    def __and__(self, other: Terms) -> Terms:
        """What both allow: the terms of a mix."""
        allowed = {deed: getattr(self, deed) and getattr(other, deed) for deed in _WORDS}
        ends = [end for end in (self.until, other.until) if end]
        return Terms(**allowed, until=min(ends, default=""))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> Terms:
        """The inverse of ``to_json``; raises ``KeyError``, ``TypeError`` or ``VoiceError`` on a damaged value."""
        if set(value) != {each.name for each in fields(Terms)}:
            raise KeyError("terms lack a word, or have one too many")
        if not all(isinstance(value[deed], bool) for deed in _WORDS) or not isinstance(value["until"], str):
            raise TypeError("a permission is yes or no")
        return Terms(**value).checked()
