"""Names of things on disk. Every id matches one pattern, so no id can ever be a path."""

from __future__ import annotations

import re
import secrets
import unicodedata

from gpt_sovits.errors import InputError, MissingError

ID_PATTERN = re.compile(r"[a-z][a-z0-9]{1,31}", re.ASCII)
LOCAL_USER = "local"
MAX_NAME = 80  # characters of a voice's name
_JOINING = "\u200c\u200d"  # between letters of Persian and Hindi, and inside emoji
_JOINERS = dict.fromkeys(map(ord, _JOINING))
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and marks without a form
_RESERVED = {"con", "prn", "aux", "nul", *(f"{kind}{digit}" for kind in ("com", "lpt") for digit in range(10))}


def new_id(letter: str) -> str:
    """A fresh random id: "v" voice, "r" version (a recording of its person), "j" job; 80 random bits."""
    return letter + secrets.token_hex(10)


def is_id(text: object) -> bool:
    return isinstance(text, str) and ID_PATTERN.fullmatch(text) is not None and text not in _RESERVED


def check_id(text: str, what: str = "voice") -> str:
    """Return ``text`` when it has the form of an id; ``MissingError`` otherwise, as nothing can exist under it."""
    if not is_id(text):
        raise MissingError(f"There is no {what} {_short(text)}.", f"Choose one from the list of {what}s.")
    return text


def check_user(user: str) -> str:
    if not is_id(user):
        raise InputError(f"{_short(user)} cannot be a user's name.", "Use 2 to 32 small letters and digits.")
    return user


def check_name(name: str) -> str:
    """The name that a person gives to a voice: any language, one line, at most 80 characters."""
    if not isinstance(name, str):
        raise InputError("The voice has no name.", "Type a name for it.")
    clean = unicodedata.normalize("NFC", " ".join(name.split()))
    if not clean:
        raise InputError("The voice has no name.", "Type a name for it.")
    if len(clean) > MAX_NAME:
        raise InputError(f"The name is {len(clean)} characters long.", f"Use at most {MAX_NAME}.")
    if not all(map(_is_shown, clean.translate(_JOINERS))) or clean.strip(_JOINING) != clean:
        raise InputError("The name holds characters that cannot be shown.", "Use letters, digits and spaces.")
    return clean


def _is_shown(character: str) -> bool:
    """Whether a person can see it, and it does not turn the direction of what stands beside it."""
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Cn", "Co") and character not in _BLANK


def _short(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else shown[:57] + "...'"
