"""What a voice sounds like, as frozen features: computed once from a clip, kept with the voice, never again from audio.

Letters: G style width, N prompt codes, P prompt phones, M mel bands, T mel frames, S speaker width.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gpt_sovits.errors import InputError
from gpt_sovits.text import mandarin_share

_REQUIRED = ("style", "codes", "phones")
_OPTIONAL = ("bert", "mel", "speaker", "colour")


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
    colour: Tensor | None = None  # [N + 1] what a harmonic decoder adds for this voice (acoustic/harmonic.py)

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

    @staticmethod
    def from_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Reference:
        """The inverse of ``to_tensors``. Raises ``InputError`` where something is missing or unknown."""
        missing = [name for name in _REQUIRED if name not in tensors]
        unknown = sorted(set(tensors) - {*_REQUIRED, *_OPTIONAL})
        if missing or unknown:
            raise InputError(
                f"The reference features of this voice are damaged ({json.dumps([missing, unknown])}).",
                "Restore the voice from a copy or create it again.",
            )
        mandarin = metadata.get("mandarin")
        return Reference(
            mandarin=None if mandarin is None else _share(mandarin),
            style=tensors["style"],
            codes=tensors["codes"],
            phones=tuple(int(p) for p in tensors["phones"]),
            text=metadata.get("text", ""),
            language=metadata.get("language", "auto"),
            **{name: tensors[name] for name in _OPTIONAL if name in tensors},
        )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise InputError(
            "The reference features of this voice are damaged (its languages).",
            "Restore the voice from a copy or create it again.",
        )
    return value
