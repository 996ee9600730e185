"""A voice between two or more voices of one base.

Weights: deltas are summed by their shares in float32 and kept as float16; a key that a voice lacks counts as zero,
and low-rank factors are put side by side (weights/delta.py), which is exact.
Vectors of timbre (style, speaker) lie near a sphere, so their direction goes along the arc between two (slerp), to the
mean on the sphere of more, and their length linearly. What cannot lie between (the prompt: codes, phones, text, mel) is
taken whole from the voice with the largest share, of equal ones from the last. The languages of the parents count by
their shares. A base that can say something between several voices is told all of them (``parts``): pitch and spectrum
then go evenly from one to the other, while a style half of the way sounds like neither. A voice with all of the share
is itself, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from gpt_sovits.errors import InputError
from gpt_sovits.voices.consent import joined, now
from gpt_sovits.voices.rights import require_of
from gpt_sovits.voices.terms import Terms
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from torch import Tensor

    from gpt_sovits.features.reference import Reference, Timbre

_MOST = 8  # voices of one mix
_ROUNDS = 30  # of the search for the mean on the sphere; each shrinks the error several times


def mix(a: Voice, b: Voice, ratio: float, *, manner: float | None = None) -> Voice:
    """The voice that is ``ratio`` of the way from ``a`` (0) to ``b`` (1). It has no id and is not stored.

    ``manner``, the ratio of the semantic part (rhythm and intonation), follows ``ratio`` (timbre) unless given.
    Raises as ``blend`` does, and ``InputError`` for a ratio outside 0 to 1.
    """
    manner = ratio if manner is None else manner
    for value in (ratio, manner):
        if not (isinstance(value, (int, float)) and 0.0 <= value <= 1.0):
            raise InputError(f"The ratio {value} is not between 0 and 1.", "Move the slider between the two voices.")
    made = blend([a, b], [1.0 - ratio, ratio], [1.0 - manner, manner])
    return replace(made, made_by={**made.made_by, "ratio": float(ratio), "manner": float(manner)})


def blend(voices: Sequence[Voice], shares: Sequence[float], manners: Sequence[float] | None = None) -> Voice:
    """The mix of two or more voices by their shares, which need not sum to 1. It has no id and is not stored.

    ``shares`` weigh the timbre, ``manners`` (the same unless given) the way of speaking: rhythm and intonation.
    Raises ``InputError`` for voices of different bases and for shares that are none, ``RefusedError`` where the terms
    of a shared voice forbid mixing; the mix may do what all of its voices may.
    """
    timbre = _normed(shares, len(voices))
    manner = timbre if manners is None else _normed(manners, len(voices))
    first = voices[0]
    for voice in voices:
        if voice.base != first.base:
            raise InputError(
                f"{first.name} is made on the base {first.base} and {voice.name} on {voice.base};"
                " only voices of one base can be mixed.",
                "Train one of them on the other's base.",
            )
        require_of("mix", voice)
    releases = {str(voice.made_by["base_release"]) for voice in voices if "base_release" in voice.made_by}
    if len(releases) > 1:
        raise InputError(
            f"{first.name} and {voices[-1].name} were made on two releases of the base {first.base}.",
            "Train the older one again.",
        )
    speakers = [voice.reference.speaker for voice in voices]
    known = [speaker for speaker in speakers if speaker is not None]
    sounding = voices[_largest(timbre)]
    prompting = voices[_largest(manner)].reference
    tongue = _languages([voice.reference for voice in voices], timbre)
    reference = replace(
        prompting,
        style=sphere_mean([voice.reference.style for voice in voices], timbre),
        speaker=sphere_mean(known, timbre) if len(known) == len(voices) else sounding.reference.speaker,
        mel=sounding.reference.mel,
        mandarin=prompting.mandarin if tongue == prompting.tongue else tongue,
        parts=_parts([voice.reference for voice in voices], timbre),
        colour=_between([voice.reference.colour for voice in voices], timbre),
    )
    deltas = [voice.delta for voice in voices]
    consents = [voice.consent for voice in voices if voice.consent is not None]
    return Voice(
        id="",
        name=" + ".join(voice.name for voice in voices),
        owner=first.owner,
        base=first.base,
        version_id=None,
        reference=reference,
        delta={**_weighted(deltas, timbre, "acoustic."), **_weighted(deltas, manner, "semantic.")},
        consent=joined(consents) if len(consents) == len(voices) else None,
        created=now(),
        terms=reduce(Terms.__and__, (voice.terms for voice in voices)),
        made_by={
            "kind": "mix",
            "manners": [round(share, 6) for share in manner],
            **({"base_release": releases.pop()} if releases else {}),
            "parents": [_lineage(voice, share) for voice, share in zip(voices, timbre, strict=True)],
        },
    )


def _between(colours: Sequence[Tensor | None], shares: Sequence[float]) -> Tensor | None:
    """The mean of logarithmic colours by their shares; a voice without one adds nothing. Ends are exact."""
    parts = [(colour, share) for colour, share in zip(colours, shares, strict=True) if share > 0.0]
    if len(parts) == 1:
        return parts[0][0]
    known = [colour * share for colour, share in parts if colour is not None]
    return sum(known[1:], known[0]) if known else None


def _parts(references: Sequence[Reference], shares: Sequence[float]) -> tuple[Timbre, ...]:
    """The voices that the mix lies between, those of a mix among them by their shares of it. None at the ends."""
    from gpt_sovits.features.reference import MOST_PARTS  # late: lists of voices need no torch

    parts = [(reference, share) for reference, share in zip(references, shares, strict=True) if share > 0.0]
    if len(parts) == 1:
        return parts[0][0].parts
    found = [replace(each, share=share * each.share) for reference, share in parts for each in reference.timbres]
    if len(found) > MOST_PARTS:
        raise InputError(f"This mix would lie between {len(found)} voices.", f"Mix at most {MOST_PARTS} in all.")
    return tuple(found)


def _languages(references: Sequence[Reference], shares: Sequence[float]) -> float | None:
    """The mean share of Mandarin; None where one that has a share of the mix does not tell. Ends are exact."""
    parts = [(reference.tongue, share) for reference, share in zip(references, shares, strict=True) if share > 0.0]
    known = [tongue * share for tongue, share in parts if tongue is not None]
    return min(1.0, sum(known)) if len(known) == len(parts) else None


def sphere_mean(vectors: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The vector of the mean direction on the sphere and the mean length; of two it is ``slerp``, ends are exact."""
    import torch

    parts = [(vector, share) for vector, share in zip(vectors, shares, strict=True) if share > 0.0]
    if any(vector.shape != parts[0][0].shape for vector in vectors):
        raise InputError("The two voices have style vectors of different sizes.", "Train one of them again.")
    if len(parts) == 1:
        return parts[0][0]
    if len(parts) == 2:
        return slerp(parts[0][0], parts[1][0], parts[1][1])
    wide = [vector.double() for vector, _ in parts]
    weights = [share for _, share in parts]
    straight = sum((share * vector for share, vector in zip(weights, wide, strict=True)), torch.zeros_like(wide[0]))
    lengths = [float(torch.linalg.vector_norm(vector)) for vector in wide]
    size = float(torch.linalg.vector_norm(straight))
    if min(lengths) == 0.0 or size < 1e-9 * max(lengths):
        return straight.to(parts[0][0].dtype)
    units = [vector / length for vector, length in zip(wide, lengths, strict=True)]
    middle = straight / size
    for _ in range(_ROUNDS):
        step = torch.zeros_like(middle)
        for unit, share in zip(units, weights, strict=True):
            cosine = float((unit * middle).sum().clamp(-1.0, 1.0))
            across = unit - cosine * middle
            norm = float(torch.linalg.vector_norm(across))
            if norm > 1e-12:
                step += share * math.atan2(norm, cosine) / norm * across
        angle = float(torch.linalg.vector_norm(step))
        if angle < 1e-12:
            break
        middle = math.cos(angle) * middle + math.sin(angle) * step / angle
    length = sum(share * each for share, each in zip(weights, lengths, strict=True))
    return (middle / torch.linalg.vector_norm(middle) * length).to(parts[0][0].dtype)


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


def _weighted(deltas: Sequence[Mapping[str, Tensor]], shares: Sequence[float], prefix: str) -> dict[str, Tensor]:
    from gpt_sovits.models.delta import stacked  # late: lists of voices need no torch

    parts = [
        ({key: value for key, value in delta.items() if key.startswith(prefix)}, share)
        for delta, share in zip(deltas, shares, strict=True)
        if share > 0.0
    ]
    return parts[0][0] if len(parts) == 1 else stacked(parts)


def _normed(shares: Sequence[float], count: int) -> list[float]:
    """Shares that sum to 1."""
    sound = all(isinstance(share, (int, float)) and 0.0 <= share < math.inf for share in shares)
    if not 2 <= count <= _MOST or len(shares) != count or not sound or sum(shares) <= 0.0:
        raise InputError(f"A mix needs 2 to {_MOST} voices, and a share of 0 or more for each.", "Correct the shares.")
    total = float(sum(shares))
    return [float(share) / total for share in shares]


def _largest(shares: Sequence[float]) -> int:
    """Index of the largest share, of equal ones the last."""
    return max(range(len(shares)), key=lambda index: (round(shares[index], 12), index))


def _lineage(voice: Voice, share: float) -> dict[str, object]:
    return {"voice": voice.id, "name": voice.name, "version": voice.version_id or "", "share": round(share, 6)}
