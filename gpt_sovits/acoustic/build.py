"""Networks from the plain values of a base's ``config.json``. Unknown keys and kinds raise InputError."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from gpt_sovits.acoustic.bigvgan import BigVGAN
from gpt_sovits.acoustic.config import BigVGANConfig, HiFiGANConfig, strict
from gpt_sovits.acoustic.hifigan import HiFiGAN
from gpt_sovits.acoustic.weight_norm import fold_weight_norm
from gpt_sovits.errors import InputError

MEL_BANDS = 100  # of the mel that both vocoders read


def build_vocoder(values: Mapping[str, Any]) -> nn.Module:
    """The vocoder of v3 (``bigvgan``, weight norm in the file) or v4 (``hifigan``, folded in the file).

    Called as vocoder(natural-log mel [B, 100, T]) -> wave [B, 1, L].
    """
    kind = values.get("kind")
    if kind == "bigvgan":
        return BigVGAN(strict(BigVGANConfig, values))
    if kind == "hifigan":
        return fold_weight_norm(HiFiGAN(strict(HiFiGANConfig, values), inputs=MEL_BANDS))
    raise InputError(f"There is no vocoder of the kind '{kind}'.", "Known vocoders: bigvgan, hifigan.")
