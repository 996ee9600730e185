"""How a voice's timbre moves with the language of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gpt_sovits.features.reference import Timbre, stacked
from gpt_sovits.text import Phones, mandarin_share

if TYPE_CHECKING:
    from gpt_sovits.families.base import Base


def timbre_for(base: Base, said: Phones, timbres: Sequence[Timbre]) -> tuple[Tensor, dict[str, Tensor]]:
    """Styles `[K, G, 1]` of K voices for what is said, and their colours and shares for the decoder.

    In the language that it was heard in a voice's are its own. The further what is said lies from it, the further the
    style moves towards the other language's speakers, and the more the colour, measured in its own, fades.
    """
    share = mandarin_share(said.ids, base.symbols_version) if base.accent is not None else None
    moved = [_moved(timbre, share, base.accent) for timbre in timbres]
    told: dict[str, Tensor] = {}
    if len(moved) > 1:
        told["shares"] = torch.tensor([timbre.share for timbre in timbres], device=base.device)
    colours = stacked([colour for _, colour in moved])
    if colours is not None:
        told["colour"] = colours.to(base.device)
    return torch.cat([style for style, _ in moved]).to(base.device), told


def _moved(timbre: Timbre, told: float | None, accent: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Style and colour for speech of which the share ``told`` is Mandarin."""
    heard = timbre.tongue
    if accent is None or told is None or heard is None or told == heard:
        return timbre.style, timbre.colour
    foreign = told - heard
    style = timbre.style + foreign * accent.to(timbre.style.device)
    return style, None if timbre.colour is None else (1 - abs(foreign)) * timbre.colour
