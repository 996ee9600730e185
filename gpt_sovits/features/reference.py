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
        return tensors, {"text": self.text, "language": self.language}

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
        return Reference(
            style=tensors["style"],
            codes=tensors["codes"],
            phones=tuple(int(p) for p in tensors["phones"]),
            text=metadata.get("text", ""),
            language=metadata.get("language", "auto"),
            **{name: tensors[name] for name in _OPTIONAL if name in tensors},
        )
