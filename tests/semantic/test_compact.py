"""Compact decoding says (nearly) what the full network says, and leaves the full network alone."""

from __future__ import annotations

import pytest
import torch

from gpt_sovits.errors import InputError
from gpt_sovits.semantic.compact import KINDS, Kind, compact
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.decode import generate
from gpt_sovits.semantic.model import T2S

CONFIG = T2SConfig(hidden=64, layers=2, heads=2, feed_forward=128, vocabulary=33, phones=20, bert_dim=0, dropout=0.0)


@pytest.mark.parametrize("rows", [1, 3, 40])
@pytest.mark.parametrize(("kind", "error"), [("half", 1e-3), ("int8", 2e-2)])
def test_a_compact_layer_is_close_to_the_original(kind: str, error: float, rows: int) -> None:
    torch.manual_seed(0)
    linear = torch.nn.Linear(64, 96).requires_grad_(False)
    x = torch.randn(1, rows, 64)
    exact, rounded = linear(x), KINDS[kind](linear.weight, linear.bias)(x)
    assert rounded.shape == exact.shape
    assert (rounded - exact).norm() / exact.norm() < error


@pytest.mark.parametrize(("kind", "error"), [("half", 2e-3), ("int8", 0.1)])
def test_decoding_agrees_and_the_original_is_untouched(kind: Kind, error: float) -> None:
    torch.manual_seed(0)
    model = T2S(CONFIG).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    small = compact(model, kind)
    text, codes = torch.randint(0, 20, (7,)), torch.randint(0, 32, (1, 12))
    answers = []
    for network in (model, small):
        cache = network.new_cache(1, 20)
        network.prefill([text], [None], codes, cache)
        with torch.no_grad():
            answers.append(network.stepper()(torch.tensor([3]), 12, cache, None))
    assert (answers[0] - answers[1]).norm() / answers[0].norm() < error
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert len(generate(small, text, max_tokens=20).tokens) <= 20


def test_half_speaks_the_same_tokens() -> None:
    torch.manual_seed(0)
    model = T2S(CONFIG).eval()
    text = torch.randint(0, 20, (7,))
    runs = [
        generate(network, text, max_tokens=25, generator=torch.Generator().manual_seed(4)).tokens.tolist()
        for network in (model, compact(model))
    ]
    assert runs[0] == runs[1]


def test_what_is_not_chosen_is_shared_not_copied() -> None:
    model = T2S(CONFIG).eval()
    small = compact(model, "int8", ("ff_in",))
    assert small.ar_audio_embedding is model.ar_audio_embedding
    assert small.h.layers[0].linear2 is model.h.layers[0].linear2
    with pytest.raises(InputError, match="everything"):
        compact(model, "int8", ("everything",))
