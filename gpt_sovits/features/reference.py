"""What a voice sounds like, as frozen features: computed once from a clip, kept with the voice, never again from audio.

Letters: G style width, B envelope bands, K voices of a mix, N prompt codes, P prompt phones, M mel bands, T mel frames,
S speaker width.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpt_sovits.errors import InputError
from gpt_sovits.text import mandarin_share

_REQUIRED = ("style", "codes", "phones")
_OPTIONAL = ("bert", "mel", "speaker", "colour")
_PARTS = ("parts.style", "parts.share", "parts.colour", "parts.tongue")
_WHOLE = ("codes", "phones")  # whole numbers; all else is floating-point
_SHAPES: Mapping[str, tuple[int | None, ...]] = {  # as in ``Reference``; None: any length
    "style": (1, None, 1),
    "codes": (None,),
    "phones": (None,),
    "bert": (None, None),
    "mel": (1, None, None),
    "speaker": (1, None),
    "colour": (None,),
    "parts.style": (None, None, 1),
    "parts.share": (None,),
    "parts.colour": (None, None),
    "parts.tongue": (None,),
}
MOST_PARTS = 64  # a mix of mixes of eight voices each


@dataclass(frozen=True, eq=False)
class Timbre:
    """How one voice sounds, and how much of it there is in a voice."""

    style: Tensor  # [1, G, 1] float32
    colour: Tensor | None  # [B + 1], as in ``Reference``
    tongue: float | None  # as in ``Reference``
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class Reference:
    """Style and prompt of a voice."""

    style: Tensor  # [1, G, 1] float32
    codes: Tensor  # [N] int64, semantic codes of the prompt; may be empty: then there is no prompt
    phones: tuple[int, ...]  # [P] phone ids of the prompt
    text: str = ""
    language: str = "auto"
    bert: Tensor | None = None  # [1024, P] for the official bases
    mel: Tensor | None = None  # [1, M, T] prompt of v3 and v4
    speaker: Tensor | None = None  # [1, S] speaker vector of v2Pro
    mandarin: float | None = None  # of a mix: the share of Mandarin in how its voices speak; None: as ``phones`` say
    parts: tuple[Timbre, ...] = ()  # of a mix: the voices that it lies between; their shares sum to 1
    colour: Tensor | None = None  # [B + 1] what a harmonic decoder adds for this voice (acoustic/harmonic.py)

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and text metadata, as a safetensors file keeps them."""
        tensors = {
            "style": self.style.float().contiguous(),
            "codes": self.codes.long().contiguous(),
            "phones": torch.tensor(self.phones, dtype=torch.long),
        }
        for name in _OPTIONAL:
            value = getattr(self, name)
            if value is not None:
                tensors[name] = value.contiguous()
        if self.parts:
            tensors |= _packed(self.parts)
        metadata = {"text": self.text, "language": self.language}
        if self.mandarin is not None:
            metadata["mandarin"] = repr(self.mandarin)
        return tensors, metadata

    @property
    def tongue(self) -> float | None:
        """The share of Mandarin beside English, 0 to 1, in what this voice was heard to say; None where unknown.

        By the phone table of v2, which every base with an accent has (``Base.accent``).
        """
        return mandarin_share(self.phones) if self.mandarin is None else self.mandarin

    @property
    def timbres(self) -> tuple[Timbre, ...]:
        """The voices that this one lies between, itself where it is no mix."""
        return self.parts or (self.timbre,)

    @property
    def timbre(self) -> Timbre:
        """How this voice sounds, of a mix what its style and colour alone say."""
        return Timbre(self.style, self.colour, self.tongue)

    @staticmethod
    def from_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Reference:
        """The inverse of ``to_tensors``.

        Raises ``InputError`` where something is missing or unknown, or has a form or numbers that it cannot have.
        """
        missing = [name for name in _REQUIRED if name not in tensors]
        unknown = sorted(set(tensors) - set(_SHAPES))
        if missing or unknown:
            raise _damaged(json.dumps([missing, unknown]))
        tensors = {name: _checked(name, tensor) for name, tensor in tensors.items()}
        if "bert" in tensors and tensors["bert"].shape[1] != len(tensors["phones"]):
            raise _damaged("bert")
        mandarin = metadata.get("mandarin")
        return Reference(
            mandarin=None if mandarin is None else _share(mandarin),
            style=tensors["style"],
            codes=tensors["codes"],
            phones=tuple(tensors["phones"].tolist()),
            text=metadata.get("text", ""),
            language=metadata.get("language", "auto"),
            parts=_parts(tensors),
            **{name: tensors[name] for name in _OPTIONAL if name in tensors},
        )


def stacked(colours: Sequence[Tensor | None]) -> Tensor | None:
    """Colours of K voices `[K, B + 1]`, zero for a voice that lacks one; None where all do."""
    known = [colour for colour in colours if colour is not None]
    return torch.stack([torch.zeros_like(known[0]) if each is None else each for each in colours]) if known else None


def _checked(name: str, tensor: Tensor) -> Tensor:
    """One tensor of a reference, in the type that it is used in; ``InputError`` unless its form and numbers are right.

    The ``tongue`` of a voice whose language is unknown is not a number; shares keep their precision.
    """
    shape = _SHAPES[name]
    fits = tensor.dim() == len(shape)
    fits = fits and all(want in (None, have) for want, have in zip(shape, tensor.shape, strict=True))
    if not fits or (tensor.dtype != torch.long if name in _WHOLE else not tensor.is_floating_point()):
        raise _damaged(name)
    if name in _WHOLE:
        if bool((tensor < 0).any()):
            raise _damaged(name)
        return tensor
    tensor = tensor if name == "parts.share" else tensor.float()
    if name != "parts.tongue" and not bool(tensor.isfinite().all()):
        raise _damaged(name)
    return tensor


def _packed(parts: tuple[Timbre, ...]) -> dict[str, Tensor]:
    """Parts as tensors `[K, ...]`; a colour that a voice lacks is zero, a tongue that it lacks is not a number."""
    tensors = {
        "parts.style": torch.cat([part.style.float() for part in parts]),
        "parts.share": torch.tensor([part.share for part in parts], dtype=torch.float64),
        "parts.tongue": torch.tensor([math.nan if part.tongue is None else part.tongue for part in parts]),
    }
    colours = stacked([part.colour for part in parts])
    return tensors if colours is None else {**tensors, "parts.colour": colours}


def _parts(tensors: Mapping[str, Tensor]) -> tuple[Timbre, ...]:
    found = [tensors.get(name) for name in _PARTS]
    if all(each is None for each in found):
        return ()
    style, share, colour, tongue = found
    if (
        style is None
        or share is None
        or tongue is None
        or not 2 <= len(share) <= MOST_PARTS
        or style.shape != (len(share), *tensors["style"].shape[1:])
        or share.shape != tongue.shape
        or not bool((share > 0).all())
        or not bool((tongue.isnan() | ((tongue >= 0) & (tongue <= 1))).all())
        or abs(float(share.sum()) - 1.0) > 1e-6
        or (colour is not None and len(colour) != len(share))
    ):
        raise _damaged("its parts")
    return tuple(
        Timbre(
            style[index : index + 1],
            None if colour is None else colour[index],
            None if bool(tongue[index].isnan()) else float(tongue[index]),
            float(share[index]),
        )
        for index in range(len(share))
    )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise _damaged("its languages")
    return value


def _damaged(what: str) -> InputError:
    return InputError(
        f"The reference features of this voice are damaged ({what}).",
        "Restore the voice from a copy or create it again.",
    )
