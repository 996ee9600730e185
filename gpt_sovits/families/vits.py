"""VITS: SoVITS v1, v2, v2Pro and v2ProPlus, which decode a waveform from a latent; v2Pro hears a speaker vector too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.code_alignment import CodeFollower, Evidence
from gpt_sovits.acoustic.config import SoVITSConfig
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.errors import InputError
from gpt_sovits.families.family import STYLE_RATE, Delivery, Family, Widths
from gpt_sovits.families.timbre import timbre_for
from gpt_sovits.features.reference import Reference
from gpt_sovits.text import Phones
from gpt_sovits.torchaudio_compat import functional as sound
from gpt_sovits.versions import VITS

if TYPE_CHECKING:
    from gpt_sovits.families.base import Base

POSTERIOR = "enc_q."  # the posterior encoder: only training needs it


class Vits(Family):
    name = VITS

    def acoustic(self, config: Mapping[str, Any]) -> SoVITS:
        return SoVITS(SoVITSConfig.from_dict(config))

    def widths(self, config: Mapping[str, Any]) -> Widths:
        sizes = SoVITSConfig.from_dict(config)
        return Widths(sizes.gin, sizes.codebook, sizes.text.symbols, speaker=sizes.speaker_dim)

    def for_speaking(self, network: nn.Module, state: dict[str, Tensor]) -> tuple[dict[str, Tensor], Collection[str]]:
        network.enc_q = nn.Identity()
        return {name: value for name, value in state.items() if not name.startswith(POSTERIOR)}, ()

    def style(self, base: Base, acoustic: nn.Module, spec: Tensor, wave: Tensor) -> tuple[Tensor, Tensor | None]:
        network = cast(SoVITS, acoustic)
        vector = None
        if network.config.speaker_dim:
            vector = self.speaker_vector(base, sound.resample(wave, STYLE_RATE, 16000))
        return network.style(spec, None, vector), vector

    def speaker_vector(self, base: Base, wave: Tensor) -> Tensor | None:
        if not cast(SoVITS, base.acoustic).config.speaker_dim:
            return None
        if base.speaker is None:
            raise InputError(f"The model {base.name} lacks its speaker network.", "Import it again.")
        return base.speaker(wave)  # type: ignore[no-any-return]

    def follower(self, base: Base, phones: Tensor) -> CodeFollower | None:
        alignment = cast(SoVITS, base.acoustic).alignment
        if alignment is None or not base.semantic.config.aligned:
            return None
        return CodeFollower(alignment, phones.cpu().numpy())

    def evidence(self, base: Base, phones: Sequence[int]) -> Callable[[Tensor], Evidence | None]:
        alignment = cast(SoVITS, base.acoustic).alignment
        if alignment is None or not base.semantic.config.aligned:
            return super().evidence(base, phones)
        written = np.asarray(phones)
        return lambda tokens: alignment.evidence(tokens.cpu().numpy(), written)

    def render(
        self, base: Base, acoustic: nn.Module, reference: Reference, said: Phones, tokens: Tensor, how: Delivery
    ) -> Tensor:
        network = cast(SoVITS, acoustic)
        style, told = timbre_for(base, said, self.timbres(reference))
        if how.pitch:
            colour = told.get("colour", style.new_zeros(network.config.decoder.bands + 1)).clone()
            colour[..., -1] += how.pitch
            told["colour"] = colour
        if said.stressed and self.pitched:
            told["stress"] = torch.zeros(len(said.ids), device=base.device)
            told["stress"][list(said.stressed)] = 1.0
        return network.decode(
            tokens.to(base.device)[None, None],
            torch.tensor(said.ids, device=base.device)[None],
            style,
            noise_scale=base.noise if how.noise is None else how.noise,
            speed=how.speed,
            generator=how.generator,
            **told,
        )
