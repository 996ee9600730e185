"""The speaker encoder: filter bank, every stage, the vector, and the head that the product leaves out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gpt_sovits.features.speaker import fbank, load_speaker_encoder
from tests.parity import Fixture


@torch.no_grad()
def run_speaker(fixture: Fixture) -> dict[str, Tensor]:
    state = fixture.weights("eres2netv2_w24s4ep4")
    model = load_speaker_encoder(state)
    wave = fixture.tensor("in_wav_16000")
    features = fbank(wave)
    maps = model.maps(features)
    pooled = maps["fuse34"].flatten(1, 2)
    deviation = (pooled.var(-1) + 1e-8).sqrt()
    results = {f"{name}_mean": value[:, ::8].mean(-1) for name, value in maps.items()}
    return results | {
        "fbank": features,
        "embedding": model(wave),
        "fuse34_head": maps["fuse34"][:, :64],
        "speaker_192": F.linear(
            torch.cat((pooled.mean(-1), deviation), -1), state["seg_1.weight"], state["seg_1.bias"]
        ),
    }
