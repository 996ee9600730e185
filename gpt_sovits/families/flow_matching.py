"""Flow matching: SoVITS v3 and v4, which make a mel that goes on from the reference's, for a vocoder to speak."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.config import SoVITSCFMConfig
from gpt_sovits.acoustic.dit import StoredLinear
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.audio import Audio, resample
from gpt_sovits.errors import InputError
from gpt_sovits.families.family import Delivery, Family, Widths
from gpt_sovits.families.timbre import timbre_for
from gpt_sovits.features.reference import Reference
from gpt_sovits.features.spectral import MelConfig, denormalize_mel, mel_spectrogram, normalize_mel
from gpt_sovits.text import Phones
from gpt_sovits.versions import FLOW_MATCHING

if TYPE_CHECKING:
    from gpt_sovits.families.base import Base


class FlowMatching(Family):
    name = FLOW_MATCHING
    needs_words = True

    def acoustic(self, config: Mapping[str, Any]) -> SoVITSCFM:
        return SoVITSCFM(SoVITSCFMConfig.from_dict(config))

    def widths(self, config: Mapping[str, Any]) -> Widths:
        sizes = SoVITSCFMConfig.from_dict(config)
        return Widths(sizes.gin, sizes.codebook, sizes.text.symbols, mel=sizes.dit.mel_dim)

    def for_speaking(self, network: nn.Module, state: dict[str, Tensor]) -> tuple[dict[str, Tensor], Collection[str]]:
        held = [f"{name}.weight" for name, module in network.named_modules() if isinstance(module, StoredLinear)]
        return state, held

    def prompt_mel(self, base: Base, clip: Audio) -> Tensor:
        mel = _mel_of(base)
        wave = torch.from_numpy(resample(clip, mel.rate).samples)[None]
        return normalize_mel(mel_spectrogram(wave, mel)).contiguous()

    def target_mel(self, base: Base, clip: Audio) -> Tensor:
        mel = _mel_of(base)
        wave = resample(clip, mel.rate).samples
        wave = np.pad(wave, (0, -len(wave) % mel.hop))
        return normalize_mel(mel_spectrogram(torch.from_numpy(wave.astype(np.float32))[None], mel))

    def render(
        self, base: Base, acoustic: nn.Module, reference: Reference, said: Phones, tokens: Tensor, how: Delivery
    ) -> Tensor:
        if reference.mel is None or base.vocoder is None:
            raise InputError("This voice has no reference for this model.", "Create it again from a clip.")
        style, _ = timbre_for(base, said, self.timbres(reference))
        mel = cast(SoVITSCFM, acoustic).decode(
            tokens.to(base.device)[None, None],
            torch.tensor(said.ids, device=base.device)[None],
            style,
            prompt_codes=reference.codes.to(base.device)[None, None],
            prompt_phones=torch.tensor(reference.phones, device=base.device)[None],
            prompt_mel=reference.mel.to(base.device),
            steps=how.mel_steps,
            speed=how.speed,
            generator=how.generator,
            check=how.check,
        )
        return base.vocoder(denormalize_mel(mel))  # type: ignore[no-any-return]


def _mel_of(base: Base) -> MelConfig:
    sizes = cast(SoVITSCFM, base.acoustic).config
    return MelConfig(sizes.mel_rate, sizes.mel_n_fft, sizes.mel_hop, sizes.dit.mel_dim)
