"""BigVGAN v2 and the v4 vocoder."""

from __future__ import annotations

import torch
from torch import Tensor

from gpt_sovits.acoustic.bigvgan import AliasFreeActivation, BigVGAN
from gpt_sovits.acoustic.config import VOCODER_V4, BigVGANConfig
from gpt_sovits.acoustic.hifigan import HiFiGAN
from gpt_sovits.acoustic.weight_norm import fold_weight_norm
from tests.parity import Fixture


@torch.inference_mode()
def run_bigvgan(fixture: Fixture) -> dict[str, Tensor]:
    with torch.device("meta"):
        model = BigVGAN(BigVGANConfig())
    model.load_state_dict(fixture.weights("bigvgan_v2_24khz_100band_256x"), strict=True, assign=True)
    kept: dict[str, Tensor] = {}
    parts = {"conv_pre": model.conv_pre, "ups0_head": model.ups[0][0], "resblock0_head": model.resblocks[0]}
    for key, part in parts.items():
        part.register_forward_hook(lambda _m, _i, o, key=key: kept.update({key: o[:, :64] if "head" in key else o}))
    audio = model(fixture.tensor("in_mel"))
    wave = fixture.tensor("in_activation")
    activation = AliasFreeActivation(wave.shape[1])
    source = model.resblocks[0].activations[0].act
    activation.act.alpha.copy_(source.alpha[: wave.shape[1]])
    activation.act.beta.copy_(source.beta[: wave.shape[1]])
    return kept | {"audio": audio, "activation": activation(wave)}


@torch.inference_mode()
def run_vocoder_v4(fixture: Fixture) -> dict[str, Tensor]:
    mel = fixture.tensor("in_mel")
    model = fold_weight_norm(HiFiGAN(VOCODER_V4, inputs=mel.shape[1]))  # the file is stored folded
    model.load_state_dict(fixture.weights("vocoder_v4"), strict=True)
    return {"conv_pre": model.conv_pre(mel), "audio": model(mel)}
