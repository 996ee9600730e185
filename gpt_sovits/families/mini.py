"""The embedded base: a small SoVITS with a harmonic decoder, and a content encoder of its own that hears phones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.config import SoVITSConfig
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.audio import Audio, resample
from gpt_sovits.families.family import STYLE_RATE, State, Widths, settings_of
from gpt_sovits.families.vits import Vits
from gpt_sovits.features.mini_content import MiniContentConfig, MiniContentEncoder
from gpt_sovits.features.phone_decoding import decode_phones
from gpt_sovits.features.pitch import track_pitch
from gpt_sovits.features.reference import Reference, Timbre
from gpt_sovits.models.native import load_into
from gpt_sovits.text import symbols
from gpt_sovits.versions import MINI

if TYPE_CHECKING:
    from gpt_sovits.families.base import Base

LEAST_CODES = 25  # a second of speech tells a voice's colour


class Mini(Vits):
    name = MINI
    style_seconds = 3.0
    hears_phones = True
    pitched = True

    def widths(self, config: Mapping[str, Any]) -> Widths:
        sizes = SoVITSConfig.from_dict(config)
        bands = sizes.decoder.bands + 1 if sizes.decoder.kind == "harmonic" else 0
        return Widths(sizes.gin, sizes.codebook, sizes.text.symbols, colour=bands)

    def content(self, config: Mapping[str, Any], state: State, what: str) -> MiniContentEncoder:
        encoder = MiniContentEncoder(MiniContentConfig.from_dict(settings_of(config)))
        load_into(encoder, state, what)
        return encoder

    @torch.inference_mode()
    def codes(self, base: Base, wave: Tensor, around: tuple[Tensor, int] | None = None) -> Tensor:
        return base.acoustic.extract_codes(base.content(wave))[0, 0].cpu()

    def recognise(self, base: Base, wave: Tensor) -> tuple[int, ...]:
        return recognise(cast(MiniContentEncoder, base.ear), wave)

    def colour(
        self, base: Base, acoustic: nn.Module, clip: Audio, codes: Tensor, phones: Sequence[int], style: Tensor
    ) -> Tensor | None:
        if len(codes) < LEAST_CODES or not len(phones):
            return None
        network = cast(SoVITS, acoustic)
        length = 2 * len(codes) * network.config.hop
        samples = resample(clip, STYLE_RATE).samples[:length]
        samples = np.pad(samples, (0, length - len(samples)))
        pitch = np.resize(track_pitch(resample(Audio(samples, STYLE_RATE), 16000).samples), 2 * len(codes))
        found = network.measure_colour(
            codes[None, None].to(base.device),
            torch.tensor(phones, device=base.device)[None],
            style.to(base.device),
            torch.from_numpy(samples)[None].to(base.device),
            torch.from_numpy(pitch).to(base.device),
        )
        return None if found is None else found.cpu().clone()

    def timbres(self, reference: Reference) -> tuple[Timbre, ...]:
        return reference.timbres


@torch.inference_mode()
def recognise(encoder: MiniContentEncoder, wave: Tensor) -> tuple[int, ...]:
    """Phones that the embedded base's ear hears in 16 kHz speech `[1, L]`, ended with a full stop."""
    heard = decode_phones(encoder.phone_logits(wave)[0].cpu().numpy(), encoder.config.symbols)
    return (*heard, symbols().ids["."]) if heard else ()
