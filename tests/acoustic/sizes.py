"""Sizes of the published acoustic networks, written down once more: what is read off their files must be these."""

from __future__ import annotations

from gpt_sovits.acoustic.config import HiFiGANConfig, SoVITSCFMConfig, SoVITSConfig, StyleConfig, TextEncoderConfig

_PRO = TextEncoderConfig(dropout=0.0)
_PLUS = HiFiGANConfig(channels=768, kernels=(20, 16, 8, 2, 2))

VITS = {
    "v1": SoVITSConfig("v1", text=TextEncoderConfig(symbols=322), style=StyleConfig(bins=1025)),
    "v2": SoVITSConfig("v2"),
    "v2Pro": SoVITSConfig("v2Pro", gin=1024, speaker_dim=20480, text=_PRO),
    "v2ProPlus": SoVITSConfig("v2ProPlus", gin=1024, speaker_dim=20480, text=_PRO, decoder=_PLUS),
}
FLOW_MATCHING = {  # both have the same tensors
    "v3": SoVITSCFMConfig(),
    "v4": SoVITSCFMConfig(
        "v4",
        sample_rate=48000,
        mel_rate=32000,
        mel_n_fft=1280,
        mel_hop=320,
        frames_scale=2.0,
        mask_frames_per_code=4.0,
        prompt_frames=500,
        window_frames=1000,
    ),
}
