"""A voice between two voices of one base.

Weights: deltas are interpolated linearly in float32 and kept as float16; a key that one voice lacks counts as zero,
and low-rank factors are put side by side (weights/delta.py), which is exact.
Vectors of timbre (style, speaker) lie near a sphere, so their direction goes along the arc between the two (slerp) and
their length linearly. What cannot lie between (the prompt: codes, phones, text, mel) is taken whole from the nearer
voice: from A below 0.5, from B at 0.5 and above. At 0 and 1 everything is A's or B's own, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gpt_sovits.errors import InputError
from gpt_sovits.registry.consent import joined, now
from gpt_sovits.registry.voice import Voice

if TYPE_CHECKING:
    from torch import Tensor


def mix(a: Voice, b: Voice, ratio: float, *, manner: float | None = None) -> Voice:
    """The voice that is ``ratio`` of the way from ``a`` (0) to ``b`` (1). It has no id and is not stored.

    ``manner``, the ratio of the semantic part (rhythm and intonation), follows ``ratio`` (timbre) unless given.
    Raises ``InputError`` for voices of different bases and for a ratio outside 0 to 1, ``RefusedError``
    where the terms of a shared voice forbid mixing; the mix may do what both may.
    """
    manner = ratio if manner is None else manner
    for value in (ratio, manner):
        if not (isinstance(value, (int, float)) and 0.0 <= value <= 1.0):
            raise InputError(f"The ratio {value} is not between 0 and 1.", "Move the slider between the two voices.")
    if a.base != b.base:
        raise InputError(
            f"{a.name} is made on the base {a.base} and {b.name} on {b.base}; only voices of one base can be mixed.",
            "Train one of them on the other's base.",
        )
    for voice in (a, b):
        voice.terms.require("mix", voice.name)
    releases = {str(voice.made_by["base_release"]) for voice in (a, b) if "base_release" in voice.made_by}
    if len(releases) > 1:
        raise InputError(
            f"{a.name} and {b.name} were made on two releases of the base {a.base}.", "Train the older one again."
        )
    reference = (a if manner < 0.5 else b).reference
    reference = replace(
        reference,
        style=slerp(a.reference.style, b.reference.style, ratio),
        speaker=_speaker(a.reference.speaker, b.reference.speaker, ratio),
        mel=(a if ratio < 0.5 else b).reference.mel,
    )
    delta = {**_between(a.delta, b.delta, ratio, "acoustic."), **_between(a.delta, b.delta, manner, "semantic.")}
    consents = [voice.consent for voice in (a, b) if voice.consent is not None]
    return Voice(
        id="",
        name=f"{a.name} + {b.name}",
        owner=a.owner,
        base=a.base,
        version_id=None,
        reference=reference,
        delta=delta,
        consent=joined(consents) if len(consents) == 2 else None,
        created=now(),
        terms=a.terms & b.terms,
        made_by={
            "kind": "mix",
            "ratio": float(ratio),
            "manner": float(manner),
            **({"base_release": releases.pop()} if releases else {}),
            "parents": [_lineage(a, 1.0 - ratio), _lineage(b, ratio)],
        },
    )


def slerp(a: Tensor, b: Tensor, ratio: float) -> Tensor:
    """From vector ``a`` to ``b`` of the same shape: direction along the arc, length linearly; ends exact."""
    import torch

    if a.shape != b.shape:
        raise InputError("The two voices have style vectors of different sizes.", "Train one of them again.")
    if ratio == 0.0 or ratio == 1.0:
        return a if ratio == 0.0 else b
    left, right = a.double(), b.double()
    lengths = [float(torch.linalg.vector_norm(vector)) for vector in (left, right)]
    if min(lengths) == 0.0:
        return torch.lerp(left, right, ratio).to(a.dtype)
    left, right = left / lengths[0], right / lengths[1]
    angle = 2.0 * math.atan2(
        float(torch.linalg.vector_norm(left - right)), float(torch.linalg.vector_norm(left + right))
    )
    if angle < 1e-6 or math.pi - angle < 1e-6:  # the arc is a point, or any of many: go straight
        return torch.lerp(a.double(), b.double(), ratio).to(a.dtype)
    direction = (math.sin((1.0 - ratio) * angle) * left + math.sin(ratio * angle) * right) / math.sin(angle)
    return (direction * ((1.0 - ratio) * lengths[0] + ratio * lengths[1])).to(a.dtype)


def _speaker(a: Tensor | None, b: Tensor | None, ratio: float) -> Tensor | None:
    if a is None or b is None:
        return a if ratio < 0.5 else b
    return slerp(a, b, ratio)


def _between(a: Mapping[str, Tensor], b: Mapping[str, Tensor], ratio: float, prefix: str) -> dict[str, Tensor]:
    if ratio == 0.0 or ratio == 1.0:
        return {key: value for key, value in (a if ratio == 0.0 else b).items() if key.startswith(prefix)}
    from gpt_sovits.weights.delta import stacked  # late: lists of voices need no torch

    left = {key: value for key, value in a.items() if key.startswith(prefix)}
    right = {key: value for key, value in b.items() if key.startswith(prefix)}
    return stacked([(left, 1.0 - ratio), (right, ratio)])


def _lineage(voice: Voice, share: float) -> dict[str, object]:
    return {"voice": voice.id, "name": voice.name, "version": voice.version_id or "", "share": round(share, 6)}
