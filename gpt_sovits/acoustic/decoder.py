"""Chooses the decoder that a config names. Every decoder is called as decoder(z [B, Z, T], style) -> [B, 1, L]."""

from __future__ import annotations

from torch import nn

from gpt_sovits.acoustic.config import SoVITSConfig
from gpt_sovits.acoustic.harmonic import HarmonicDecoder
from gpt_sovits.acoustic.hifigan import HiFiGAN
from gpt_sovits.errors import InputError


def build_decoder(config: SoVITSConfig) -> nn.Module:
    """The module for ``config.decoder.kind``."""
    if config.decoder.kind == "hifigan":
        return HiFiGAN(config.decoder, config.latent, config.gin)
    if config.decoder.kind == "harmonic":
        return HarmonicDecoder(config.decoder, config.latent, config.gin, config.sample_rate, config.hop)
    raise InputError(f"There is no decoder of the kind '{config.decoder.kind}'.", "Update the program.")
