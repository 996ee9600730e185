"""What may be done with a voice: decided here, once, for every caller.

Whoever speaks with a voice, hears, mixes, trains, exports, copies, changes, locks or removes it asks ``require`` first:
for a stored voice by ``storage.Registry.ask``, which also finds out whether its manifest is as it was sealed, and for a
voice in memory by ``require_of``. What a voice's person allowed (its terms, which end on a day), whether it is frozen,
whether it is locked or only unlocked for a while, what it is, and which mixes contain it are all that counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from gpt_sovits.errors import InputError, RefusedError
from gpt_sovits.voices.terms import Terms

if TYPE_CHECKING:
    from gpt_sovits.voices.voice import Voice


@dataclass(frozen=True)
class Rule:
    """What a deed needs. ``term``: that the voice's person allowed it; ``thawed``: that the voice is not frozen;
    ``readable``: that its files can be read now; ``unlocked``: that no passphrase is on it at all; ``locked``: that one
    is; ``trained``: that it is no mix; ``alone``: that no stored mix that stays contains it."""

    term: str = ""
    thawed: bool = False
    readable: bool = False
    unlocked: bool = False
    locked: bool = False
    trained: bool = False
    alone: bool = False


RULES: Mapping[str, Rule] = {
    "look": Rule(),  # at its name, dates, consent and journal, and whether its files are whole
    "copy": Rule(),  # into a backup of one's own, as it lies there
    "hear": Rule(term="speak", readable=True),  # what it said when it was made
    "speak": Rule(term="speak", readable=True),
    "mix": Rule(term="mix", readable=True),
    "train": Rule(term="retrain", thawed=True, unlocked=True, trained=True),
    "export": Rule(term="export", readable=True),
    "rename": Rule(thawed=True),
    "pin": Rule(thawed=True, readable=True),
    "prune": Rule(thawed=True),
    "freeze": Rule(readable=True),
    "unfreeze": Rule(readable=True),
    "lock": Rule(unlocked=True),
    "unlock": Rule(locked=True),
    "remove": Rule(thawed=True, alone=True),
}


@dataclass(frozen=True)
class Standing:
    """How a voice stands. ``mixes``: names of the stored mixes that contain it and stay."""

    name: str
    terms: Terms = Terms()
    frozen: bool = False
    kind: str = "trained"
    locked: bool = False
    readable: bool = True
    mixes: Sequence[str] = ()


def require(deed: str, voice: Standing, today: date | None = None) -> None:
    """Raise ``RefusedError`` (``InputError`` for what makes no sense) unless this may be done with the voice now."""
    rule, name = RULES[deed], repr(voice.name)
    if rule.trained and voice.kind != "trained":
        raise InputError(f"{name} is a mix.", "Train the voices that it is made of.")
    if rule.thawed and voice.frozen:
        raise RefusedError(f"The voice {name} is frozen.", "Unfreeze it first.")
    if rule.term:
        voice.terms.require(rule.term, voice.name, today)
    if rule.unlocked and voice.locked:
        if deed == "lock":
            raise RefusedError("The voice is locked already.", "Remove the lock first to change its passphrase.")
        raise RefusedError(f"The voice {name} is locked.", "Remove its lock before training it further.")
    if rule.locked and not voice.locked:
        raise InputError("The voice is not locked.", "Use it as it is.")
    if rule.readable and not voice.readable:
        raise RefusedError(f"The voice {name} is locked.", "Unlock it with its passphrase.")
    if rule.alone and voice.mixes:
        raise RefusedError(
            f"The mix {voice.mixes[0]!r} contains a part of {name}.", "Delete that mix first, then this voice."
        )


def allows(deed: str, voice: Standing) -> bool:
    """Whether ``require`` would pass."""
    try:
        require(deed, voice)
    except (RefusedError, InputError):
        return False
    return True


def require_of(deed: str, voice: Voice) -> None:
    """``require`` of a voice that is in memory, stored or not: only its terms count."""
    require(deed, Standing(voice.name, voice.terms))
