"""Failures that a person can understand: one sentence, and one thing to do about it.

Everything that is expected to go wrong raises a ``VoiceError``; the browser, the HTTP API and the command
line each render it once. Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations


class VoiceError(Exception):
    """An expected failure. ``message`` is a sentence for a person, ``action`` what they can do next."""

    def __init__(self, message: str, action: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.action = action

    def __str__(self) -> str:
        return f"{self.message} {self.action}".strip()


class InputError(VoiceError):
    """What was given (a file, a text, a number) cannot be used."""


class UnfitError(InputError):
    """What was recorded and what was written seem to differ; the person may know better and go on."""


class CostlyError(InputError):
    """A file from elsewhere asks for much of the computer; the person may know who made it, and allow it."""


class MissingError(VoiceError):
    """Something named does not exist: a voice, a version, a base, a job, a file."""


class RefusedError(VoiceError):
    """The rules of a voice do not allow this: consent, freeze, lock, terms of a shared voice."""


class BusyError(VoiceError):
    """Another job or process holds what is needed; trying again later helps."""


class ResourceError(VoiceError):
    """Not enough disk, memory or an optional package is not installed."""


class CancelledError(VoiceError):
    """The person stopped this work; nothing is wrong."""
