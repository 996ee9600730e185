"""Consent: who allowed their voice to be copied, what for, in which words, bound to one recording.

A voice is biometric. Nothing is trained or saved without this value; ``storage.registry`` and ``jobs.run`` check
it for every caller.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gpt_sovits.errors import InputError, RefusedError

MAX_TEXT = 2000  # characters of a statement
_WORDS = ("who", "purpose", "statement", "authority")
_WHOSE = "Say one of the two."
_THEIRS = "Add a recording in which they say that they agree."
_YOURS = "Add a recording in which you say that you may decide, and why."
_GIVE = "Say whose voice it is, what it is for, and tick the statement."


def now() -> str:
    """The present as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Consent:
    """Permission of one person.

    ``own``: whoever uses this program is that person. Another person's permission is their recorded statement, whose
    hash is ``spoken_sha256``; the recording is kept with the voice. Where somebody decides for that person (a child's
    parent, an heir of the dead, the holder of a written permission), ``authority`` says who and why, and the recorded
    statement is that decider's.

    ``recording_sha256`` is empty until ``bind`` ties it to the recording it was given for. The consent to a mix has
    no recording of its own: its ``sources`` are the consents of the mixed voices, none of which has sources itself.
    """

    who: str
    purpose: str
    statement: str
    when: str = field(default_factory=now)
    recording_sha256: str = ""
    own: bool = True
    spoken_sha256: str = ""
    sources: tuple[Consent, ...] = ()
    authority: str = ""

    def checked(self) -> Consent:
        """This consent with trimmed words; ``RefusedError`` when any of them is missing."""
        words = {name: " ".join(str(getattr(self, name)).split()) for name in _WORDS}
        if not words["who"]:
            raise RefusedError("Nobody is named as the person whose voice this is.", _GIVE)
        if not words["purpose"]:
            raise RefusedError("It is not said what the voice is for.", _GIVE)
        if not words["statement"]:
            raise RefusedError("The consent is not given.", _GIVE)
        if words["authority"] and self.own:
            raise RefusedError("It is said that this voice is your own, and that another person decides.", _WHOSE)
        if any("\ud800" <= character <= "\udfff" for text in words.values() for character in text):
            raise InputError("The consent holds characters that cannot be stored.", "Write it with other ones.")
        if any(len(text) > MAX_TEXT for text in words.values()):
            raise InputError(f"The consent is longer than {MAX_TEXT} characters.", "Shorten it.")
        who, purpose, statement, authority = words.values()
        return replace(self, who=who, purpose=purpose, statement=statement, authority=authority)

    def bind(self, sha256: str) -> Consent:
        """This consent for the recording with that SHA-256; one that was given for another recording is refused."""
        checked = self.checked()
        if checked.recording_sha256 not in ("", sha256):
            raise RefusedError("The consent was given for another recording.", "Ask for consent to this one.")
        return replace(checked, recording_sha256=sha256)

    def with_statement(self, sha256: str) -> Consent:
        """This consent with the recorded statement of that SHA-256; one of another person needs it."""
        if not self.own and not sha256:
            raise RefusedError("This is another person's voice.", _YOURS if self.authority else _THEIRS)
        return replace(self, spoken_sha256=sha256)

    @property
    def bound(self) -> bool:
        """Whether it is tied to a recording, or every one of its sources is."""
        return bool(self.recording_sha256) or (bool(self.sources) and all(source.bound for source in self.sources))

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "who": self.who,
            "purpose": self.purpose,
            "statement": self.statement,
            "when": self.when,
            "recording_sha256": self.recording_sha256,
            "own": self.own,
            "spoken_sha256": self.spoken_sha256,
        }
        if self.authority:
            value["authority"] = self.authority
        if self.sources:
            value["sources"] = [source.to_json() for source in self.sources]
        return value

    @staticmethod
    def from_json(value: dict[str, Any]) -> Consent:
        """The inverse of ``to_json``; raises ``KeyError``, ``TypeError`` or ``ValueError`` on a damaged value."""
        fields = {name: value[name] for name in ("who", "purpose", "statement", "when", "recording_sha256")}
        if not all(isinstance(text, str) for text in fields.values()):
            raise TypeError("a consent holds text")
        own, spoken = value.get("own", True), value.get("spoken_sha256", "")  # older ones lack both
        authority = value.get("authority", "")
        if not isinstance(own, bool) or not isinstance(spoken, str) or not isinstance(authority, str):
            raise TypeError("a consent says whose voice it is")
        if any("sources" in source for source in value.get("sources", ())):
            raise ValueError("a consent rests on consents of persons")
        sources = tuple(Consent.from_json(source) for source in value.get("sources", ()))
        return Consent(**fields, own=own, spoken_sha256=spoken, sources=sources, authority=authority)


def require(consent: Consent | None) -> Consent:
    """The consent when it, and each that it rests on, is complete and bound; ``RefusedError`` otherwise."""
    if consent is None:
        raise RefusedError("There is no consent for this voice.", _GIVE)
    checked = consent.checked()
    if not checked.bound:
        raise RefusedError("The consent is not tied to a recording.", "Give it together with the recording.")
    for part in (checked, *(source.checked() for source in checked.sources)):
        part.with_statement(part.spoken_sha256)
        if part is not checked and part.sources:
            raise RefusedError("The consent to a mix rests on the consents of its people.", "Mix their voices.")
    return checked


def joined(consents: list[Consent]) -> Consent:
    """The consent to a mix: it rests on the consents of all its parts (those of a mixed part included)."""
    parts: list[Consent] = []
    for consent in consents:
        parts += [part for part in (consent.sources or (consent,)) if part not in parts]
    return Consent(
        who=" + ".join(dict.fromkeys(part.who for part in parts)),
        purpose="; ".join(dict.fromkeys(part.purpose for part in parts)),
        statement="Mixed from voices whose people each gave the consent that is kept with this voice.",
        sources=tuple(parts),
    )
