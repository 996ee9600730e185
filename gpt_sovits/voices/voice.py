"""A voice as a value: everything that synthesis needs to know about it, in memory, immutable, and no path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.terms import Terms

if TYPE_CHECKING:
    from torch import Tensor

    from gpt_sovits.features.reference import Reference


@dataclass(frozen=True, eq=False)
class Voice:
    """A delta on a named base, frozen reference features, consent, and how it was made.

    ``delta`` maps "acoustic.<key>" and "semantic.<key>" to tensors minus the base's or to their low-rank factors
    (weights/delta.py), float16; a key that is absent means zero. It is empty for a zero-shot voice, which has no
    ``version_id`` either.
    ``made_by`` holds JSON values only: ``kind`` ("trained", "mix", "reference"), ``seconds_of_speech``, and for a mix
    ``parents`` and ``ratio``.
    """

    id: str
    name: str
    owner: str
    base: str
    version_id: str | None
    reference: Reference
    delta: Mapping[str, Tensor] = field(default_factory=dict)
    consent: Consent | None = None
    created: str = ""
    made_by: Mapping[str, Any] = field(default_factory=dict)
    terms: Terms = Terms()

    @property
    def kind(self) -> str:
        return str(self.made_by.get("kind", "trained"))
