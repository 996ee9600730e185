"""HuBERT: convolutions, first layers, content."""

from __future__ import annotations

import torch
from torch import Tensor

from gpt_sovits.features.hubert import load_hubert
from tests.parity import Fixture


@torch.no_grad()
def run_hubert(fixture: Fixture) -> dict[str, Tensor]:
    model = load_hubert(fixture.weights("chinese_hubert_base"))
    wave = torch.nn.functional.pad(fixture.tensor("in_wav_16000"), (0, int(fixture.number("in_zeros"))))[None]
    frames = model.network.feature_extractor(wave)
    hidden = model.network(wave, output_hidden_states=True).hidden_states
    return {
        "conv_features_head": frames[:, :64],
        "hidden0_head": hidden[0][:, :, :64],
        "hidden1_head": hidden[1][:, :, :64],
        "last_hidden_state": model(wave).transpose(1, 2),
    }
