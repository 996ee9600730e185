"""Eight-bit decoding says (nearly) what the full network says, and leaves the full network alone."""

from __future__ import annotations

import pytest
import torch

from gpt_sovits.errors import InputError
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.decode import generate
from gpt_sovits.semantic.int8 import PARTS, Int8Linear, quantize
from gpt_sovits.semantic.model import T2S

CONFIG = T2SConfig(hidden=64, layers=2, heads=2, feed_forward=128, vocabulary=33, phones=20, bert_dim=0, dropout=0.0)


@pytest.mark.parametrize("rows", [1, 3, 40])
def test_a_quantised_layer_is_close_to_the_original(rows: int) -> None:
    torch.manual_seed(0)
    linear = torch.nn.Linear(64, 96)
    x = torch.randn(2, rows, 64)
    exact, rounded = linear(x), Int8Linear(linear.weight.detach(), linear.bias)(x)
    assert rounded.shape == exact.shape
    assert (rounded - exact).norm() / exact.norm() < 0.01


def test_decoding_agrees_and_the_original_is_untouched() -> None:
    torch.manual_seed(0)
    model = T2S(CONFIG).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    small = quantize(model, PARTS)
    text, codes = torch.randint(0, 20, (7,)), torch.randint(0, 32, (1, 12))
    logits = [m.prefill([text], [None], codes, m.new_cache(1, 19)) for m in (model, small)]
    assert (logits[0] - logits[1]).norm() / logits[0].norm() < 0.05
    assert len(generate(small, text, max_tokens=20, generator=torch.Generator().manual_seed(0)).tokens) <= 20
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_what_is_not_chosen_is_shared_not_copied() -> None:
    model = T2S(CONFIG).eval()
    small = quantize(model, ("ff_in",))
    assert small.ar_audio_embedding is model.ar_audio_embedding
    assert small.h.layers[0].linear2 is model.h.layers[0].linear2
    with pytest.raises(InputError, match="everything"):
        quantize(model, ("everything",))
