"""Networks small enough for a test to build and train in milliseconds."""

from __future__ import annotations

import torch

from gpt_sovits.acoustic.config import (
    DiTConfig,
    HiFiGANConfig,
    SoVITSCFMConfig,
    SoVITSConfig,
    StyleConfig,
    TextEncoderConfig,
)
from gpt_sovits.acoustic.sovits import SoVITS

HOP = 20
TEXT = TextEncoderConfig(
    symbols=30, ssl_dim=12, latent=8, hidden=16, filter=24, ssl_layers=1, text_layers=1, fusion_layers=1, mrte_hidden=16
)
STYLE = StyleConfig(bins=30, hidden=8)
DECODER = HiFiGANConfig(channels=16, rates=(5, 4), kernels=(9, 8), block_kernels=(3,), block_dilations=(1, 3))


def sovits_config(speaker: int = 0) -> SoVITSConfig:
    return SoVITSConfig(
        version="v2",
        sample_rate=1000,
        hop=HOP,
        n_fft=80,
        gin=24 if speaker else 16,
        speaker_dim=speaker,
        codebook=10,
        posterior_hidden=8,
        posterior_layers=2,
        flow_hidden=8,
        flow_layers=2,
        flow_couplings=2,
        text=TEXT,
        style=STYLE,
        decoder=DECODER,
    )


def sovits(speaker: int = 0) -> SoVITS:
    torch.manual_seed(0)
    model = SoVITS(sovits_config(speaker)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".post." in name:  # couplings start as the identity
                parameter.normal_(std=0.3)
            elif name.startswith("dec.ups") and name.endswith("weight_g"):  # and the decoder starts nearly silent
                parameter.mul_(20)
    return model


def cfm_config() -> SoVITSCFMConfig:
    dit = DiTConfig(dim=32, depth=2, heads=2, head_dim=16, mel_dim=10, text_dim=16, conv_layers=1)
    return SoVITSCFMConfig(
        gin=16, codebook=10, refiner_layers=2, text=TEXT, style=STYLE, dit=dit, prompt_frames=12, window_frames=32
    )
