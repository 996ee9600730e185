"""The text-to-semantic network: names and sizes of official files, masks, cache, training targets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from gpt_sovits.errors import InputError
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.model import T2S

SMALL = T2SConfig(hidden=32, layers=2, heads=2, feed_forward=64, vocabulary=33, phones=20, bert_dim=8, dropout=0.0)
MANIFESTS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "manifests"


@pytest.fixture(scope="module")
def model() -> T2S:
    torch.manual_seed(0)
    return T2S(SMALL).eval()


@pytest.mark.parametrize("name", ["gpt_v1", "gpt_v2"])
def test_official_checkpoints_fit_without_missing_or_extra_names(name: str) -> None:
    path = MANIFESTS / f"{name}.json"
    if not path.exists():
        pytest.skip("the shared reference folder is not here")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    with torch.device("meta"):
        model = T2S(T2SConfig.from_upstream(manifest["config"]["model"]))
    ours = {key: list(value.shape) for key, value in model.state_dict().items()}
    assert ours == {t["key"].removeprefix("model."): t["shape"] for t in manifest["tensors"]}


def test_config_survives_a_round_trip_and_refuses_unknown_names_and_impossible_sizes() -> None:
    assert T2SConfig.from_dict(SMALL.to_dict()) == SMALL
    with pytest.raises(InputError, match="depth"):
        T2SConfig.from_dict({"depth": 3})
    with pytest.raises(InputError):
        T2SConfig(hidden=30, heads=4)


def test_without_text_features_there_is_no_projection() -> None:
    model = T2S(T2SConfig(**{**SMALL.to_dict(), "bert_dim": 0}))
    assert not any("bert" in key for key in model.state_dict())


def test_missing_text_features_mean_zeros(model: T2S) -> None:
    phones = torch.tensor([[1, 2, 3]])
    torch.testing.assert_close(model.embed_text(phones), model.embed_text(phones, torch.zeros(1, 8, 3)))


def test_stepping_with_the_cache_says_what_the_whole_sequence_says(model: T2S) -> None:
    phones, codes = torch.randint(0, 20, (1, 7)), torch.randint(0, 32, (1, 9))
    whole = model.forward_train(phones, torch.tensor([7]), codes, torch.tensor([9])).logits
    cache = model.new_cache(1, 16)
    stepped = [model.prefill([phones[0]], [None], codes[:, :4], cache)]
    with torch.no_grad():
        stepped += [model.stepper()(codes[:, i], i, cache, None) for i in range(4, 9)]
    torch.testing.assert_close(torch.stack(stepped, 1), whole[:, 4:], atol=1e-5, rtol=1e-4)


def test_padding_changes_neither_the_loss_nor_the_predictions_of_a_row(model: T2S) -> None:
    phones, codes, bert = torch.randint(0, 20, (2, 9)), torch.randint(0, 32, (2, 11)), torch.randn(2, 8, 9)
    lengths, code_lengths = torch.tensor([9, 5]), torch.tensor([6, 11])
    both = model.forward_train(phones, lengths, codes, code_lengths, bert)
    total = 0.0
    for row, (text, audio) in enumerate(zip(lengths.tolist(), code_lengths.tolist(), strict=True)):
        cut = slice(row, row + 1)
        alone = model.forward_train(
            phones[cut, :text], lengths[cut], codes[cut, :audio], code_lengths[cut], bert[cut, :, :text]
        )
        torch.testing.assert_close(both.logits[row, : audio + 1], alone.logits[0], atol=1e-5, rtol=1e-4)
        assert alone.targets[0].tolist() == [*codes[row, :audio].tolist(), SMALL.eos]
        total += alone.loss("sum").item()
    assert both.loss("sum").item() == pytest.approx(total, rel=1e-5)
    assert int((both.targets != -100).sum()) == 6 + 11 + 2


def test_attention_scores_of_one_head_are_those_the_layer_uses_and_can_be_trained_on(model: T2S) -> None:
    phones, codes = torch.randint(0, 20, (2, 6)), torch.randint(0, 32, (2, 8))
    lengths = torch.tensor([6, 4])
    out = model.forward_train(phones, lengths, codes, torch.tensor([8, 8]), attention_of=(1, 0))
    assert out.attention is not None and out.attention.shape == (2, 8, 6)
    weights = out.attention.softmax(-1)
    assert weights[1, :, 4:].max().item() == 0.0
    weights[:, :, 0].sum().backward()
    assert model.h.layers[1].self_attn.in_proj_weight.grad is not None
    assert torch.isfinite(model.h.layers[0].self_attn.in_proj_weight.grad).all()
    model.zero_grad()


def test_it_learns_a_short_sequence_by_heart() -> None:
    torch.manual_seed(0)
    model = T2S(SMALL).train()
    phones, codes = torch.randint(0, 20, (1, 5)), torch.randint(0, 32, (1, 12))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(60):
        out = model.forward_train(phones, torch.tensor([5]), codes, torch.tensor([12]))
        optimizer.zero_grad()
        out.loss().backward()
        optimizer.step()
    assert out.loss() < 0.2
    assert out.accuracy(SMALL.eos, top=1) == 1.0
