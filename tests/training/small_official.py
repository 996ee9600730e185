"""Base folders of the official kinds at toy size with random weights, in the form that ``models import`` leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gpt_sovits.acoustic.build import build_vocoder
from gpt_sovits.acoustic.config import (
    DiTConfig,
    HiFiGANConfig,
    SoVITSCFMConfig,
    SoVITSConfig,
    StyleConfig,
    TextEncoderConfig,
)
from gpt_sovits.acoustic.discriminator import Discriminators
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.families.base import Base
from gpt_sovits.features.bert import BertConfig
from gpt_sovits.features.hubert import HubertConfig
from gpt_sovits.models.native import save_config, save_tensors
from gpt_sovits.models.store import BaseFiles
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.model import T2S
from gpt_sovits.versions import DISCRIMINATORS

WIDTH = 64  # of the content encoder
HUBERT = HubertConfig(hidden=WIDTH, layers=1, heads=2, feed_forward=64, conv_channels=16)
TEXT: dict[str, Any] = {
    "ssl_dim": WIDTH,
    "latent": 16,
    "hidden": 32,
    "filter": 32,
    "ssl_layers": 1,
    "text_layers": 1,
    "fusion_layers": 1,
    "mrte_hidden": 32,
}
STYLE = StyleConfig(bins=704, hidden=32)
RATES = {"v3": 24000, "v4": 48000}
VOCODERS: dict[str, dict[str, Any]] = {
    "v3": {"kind": "bigvgan", "channels": 64},
    "v4": {
        "kind": "hifigan",
        "channels": 32,
        "rates": [10, 6, 2, 2, 2],
        "kernels": [20, 12, 4, 4, 4],
        "final_bias": True,
    },
}
FLOWS: dict[str, dict[str, Any]] = {
    "v3": {},
    "v4": {"mel_rate": 32000, "mel_n_fft": 1280, "mel_hop": 320, "frames_scale": 2.0, "mask_frames_per_code": 4.0},
}


def acoustic_config(version: str) -> SoVITSConfig | SoVITSCFMConfig:
    """v2Pro: a speaker vector of 8 numbers, from whoever stands in for the speaker network."""
    text = TextEncoderConfig(symbols=322 if version == "v1" else 732, **TEXT)
    if version in FLOWS:
        dit = DiTConfig(dim=64, depth=2, heads=2, head_dim=32, text_dim=32, conv_layers=1)
        flow = {**FLOWS[version], "sample_rate": RATES[version]}
        return SoVITSCFMConfig(version, gin=32, codebook=64, refiner_layers=1, text=text, style=STYLE, dit=dit, **flow)
    pro = version.startswith("v2Pro")
    kernels = (20, 16, 8, 2, 2) if version == "v2ProPlus" else (16, 16, 8, 2, 2)
    return SoVITSConfig(
        version,
        gin=48 if pro else 32,
        speaker_dim=8 if pro else 0,
        codebook=64,
        posterior_hidden=32,
        posterior_layers=1,
        flow_hidden=32,
        flow_layers=1,
        flow_couplings=2,
        text=text,
        style=STYLE,
        decoder=HiFiGANConfig(channels=64, kernels=kernels, block_kernels=(3,), block_dilations=(1,)),
    )


def hubert_state() -> dict[str, Tensor]:
    """Random tensors under the names of the published content encoder."""
    config, generator = HUBERT, torch.Generator().manual_seed(5)
    channels, hidden = config.conv_channels, config.hidden
    shapes: dict[str, tuple[int, ...]] = {}
    for index, kernel in enumerate(config.conv_kernels):
        name = f"feature_extractor.conv_layers.{index}.conv.weight"
        shapes[name] = (channels, 1 if index == 0 else channels, kernel)
    shapes["feature_projection.projection.weight"] = (hidden, channels)
    position = "encoder.pos_conv_embed.conv."
    shapes[f"{position}weight_g"] = (1, 1, config.position_kernel)
    shapes[f"{position}weight_v"] = (hidden, hidden // config.position_groups, config.position_kernel)
    layer = "encoder.layers.0."
    for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
        shapes[f"{layer}attention.{part}.weight"] = (hidden, hidden)
    shapes[f"{layer}feed_forward.intermediate_dense.weight"] = (config.feed_forward, hidden)
    shapes[f"{layer}feed_forward.output_dense.weight"] = (hidden, config.feed_forward)
    state = {
        name: torch.randn(shape, generator=generator) / max(1, shape[-1] * shape[1]) ** 0.5
        for name, shape in shapes.items()
    }
    for name, shape in shapes.items():
        if name.endswith(".weight") and "conv_layers" not in name:
            state[name.replace(".weight", ".bias")] = torch.zeros(shape[0])
    state[f"{position}bias"] = torch.zeros(hidden)
    norms = {"feature_extractor.conv_layers.0.layer_norm": channels, "feature_projection.layer_norm": channels}
    norms |= {"encoder.layer_norm": hidden, f"{layer}layer_norm": hidden, f"{layer}final_layer_norm": hidden}
    for name, size in norms.items():
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.ones(size), torch.zeros(size)
    return state


def write_small_official(folder: Path, version: str, *, discriminator: bool = True, **more: Any) -> Base:
    """Write the base ``version`` into ``folder`` and open it; ``more`` goes into its config."""
    torch.manual_seed(0)
    config = acoustic_config(version)
    acoustic = SoVITSCFM(config) if isinstance(config, SoVITSCFMConfig) else SoVITS(config)
    with torch.no_grad():
        for name, parameter in acoustic.named_parameters():
            if name.startswith("dec.ups") and name.endswith("weight_g"):
                parameter.mul_(20)  # a fresh decoder is nearly silent
    semantic = T2SConfig(hidden=64, layers=2, heads=2, feed_forward=128, vocabulary=65, bert_dim=16)
    if version == "v1":
        semantic = T2SConfig(hidden=64, layers=2, heads=2, feed_forward=128, vocabulary=65, bert_dim=16, phones=512)
    states = {"acoustic": acoustic.state_dict(), "semantic": T2S(semantic).state_dict(), "content": hubert_state()}
    values: dict[str, Any] = {
        "name": version,
        "version": version,
        "rate": RATES.get(version, 32000),
        "trainable": True,
        "acoustic": config.to_dict(),
        "semantic": semantic.to_dict(),
        "content": {"kind": "hubert", **vars(HUBERT)},
        "bert": {"kind": "bert", **vars(BertConfig(hidden=16, layers=1, heads=2, feed_forward=16))},
    }
    if version in VOCODERS:
        values["vocoder"] = VOCODERS[version]
        states["vocoder"] = build_vocoder(VOCODERS[version]).state_dict()
    elif discriminator:
        kind = "v2Pro" if version.startswith("v2Pro") else "v2"
        states["discriminator"] = Discriminators(DISCRIMINATORS[kind], scale_width=4, period_width=4).state_dict()
    for part, state in states.items():
        save_tensors(folder / f"{part}.safetensors", {name: value.half() for name, value in state.items()})
    save_config(folder, {**values, **more})
    return Base(BaseFiles(version, folder, {**values, **more}, bundled=False))
