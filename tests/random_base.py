"""A base folder of the mini kind with random weights and tiny sizes: everything runs, nothing makes sense."""

from __future__ import annotations

from pathlib import Path

import torch

from gpt_sovits.acoustic.config import HarmonicConfig, SoVITSConfig, StyleConfig, TextEncoderConfig
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.features.mini_content import MiniContentConfig, MiniContentEncoder
from gpt_sovits.models.native import save_config, save_tensors
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.model import T2S


def write_random_base(folder: Path, seed: int = 0) -> Path:
    """Write config and weights into ``folder``, whose name is the base's name; returns it."""
    torch.manual_seed(seed)
    content = MiniContentConfig(stem=32, hidden=32, blocks=1, phonetic=13)
    acoustic = SoVITSConfig(
        version="mini",
        gin=32,
        codebook=128,
        posterior_hidden=16,
        posterior_layers=1,
        flow_hidden=16,
        flow_layers=1,
        flow_couplings=1,
        text=TextEncoderConfig(
            ssl_dim=content.width,
            latent=16,
            hidden=32,
            filter=32,
            ssl_layers=1,
            text_layers=1,
            fusion_layers=1,
            mrte_hidden=32,
            aligned=True,
        ),
        style=StyleConfig(bins=256, hidden=32),
        decoder=HarmonicConfig(channels=32, blocks=1, fine_blocks=1),
    )
    semantic = T2SConfig(hidden=32, layers=2, heads=2, feed_forward=64, vocabulary=129, bert_dim=0, aligned=True)
    networks = {"content": MiniContentEncoder(content), "acoustic": SoVITS(acoustic), "semantic": T2S(semantic)}
    for name, network in networks.items():
        save_tensors(folder / f"{name}.safetensors", network.state_dict())
    save_config(
        folder,
        {
            "name": folder.name,
            "version": "mini",
            "rate": acoustic.sample_rate,
            "content": {"kind": "mini", **content.to_dict()},
            "acoustic": acoustic.to_dict(),
            "semantic": semantic.to_dict(),
        },
    )
    return folder
