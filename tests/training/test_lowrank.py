"""Low-rank training: nothing changes at first, what is learnt is what a voice adds, and it stays small."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.errors import InputError
from gpt_sovits.models.delta import DOWN, UP, compressed, merged, nbytes, stacked, truncated
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.model import T2S, Layer
from gpt_sovits.training import lowrank
from gpt_sovits.training.precision import Precision, recompute
from tests.acoustic import tiny

CONFIG = T2SConfig(hidden=32, layers=2, heads=2, feed_forward=64, vocabulary=17, phones=20, bert_dim=8)


def heard(model: nn.Module) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    if isinstance(model, SoVITS):
        spec = torch.rand(1, model.config.spec_bins, 12, generator=generator)
        content = torch.randn(1, 12, 12, generator=generator)
        out = model(
            spec,
            torch.tensor([12]),
            content,
            torch.randint(30, (1, 5), generator=generator),
            torch.tensor([5]),
            segment=4,
            noise=torch.zeros(1, 8, 12),
            start=torch.tensor([2]),
        )
        return torch.cat([out.wave.flatten(), out.z_p.flatten(), out.prior.mean.flatten()])
    phones, codes = torch.randint(20, (2, 6), generator=generator), torch.randint(16, (2, 9), generator=generator)
    bert = torch.randn(2, 8, 6, generator=generator)
    return model.forward_train(phones, torch.tensor([6, 4]), codes, torch.tensor([9, 7]), bert).logits  # type: ignore[operator]


@pytest.mark.parametrize("make", [lambda: tiny.sovits(), lambda: T2S(CONFIG).eval()], ids=["sovits", "t2s"])
@pytest.mark.parametrize("rank", [0, 2])
def test_what_was_learnt_is_what_a_voice_adds(make, rank: int) -> None:
    torch.manual_seed(0)
    model = make()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    expected = heard(model)
    lowrank.adapt(model, rank, frozen=("quantizer.", "ssl_proj."))
    torch.testing.assert_close(heard(model), expected)
    assert lowrank.changes(model, before) == {}
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    for _ in range(3):
        optimizer.zero_grad()
        heard(model).square().mean().backward()
        optimizer.step()
    learnt = heard(model)
    assert not torch.allclose(learnt, expected, rtol=1e-3)
    delta = lowrank.changes(model, before)
    assert any(key.endswith(DOWN) for key in delta) is bool(rank)
    assert not any(key.startswith(("quantizer.", "ssl_proj.")) for key in delta)
    assert {value.dtype for value in delta.values()} == {torch.float16}
    fresh = make()
    fresh.load_state_dict(merged(before, delta, "tiny"), strict=True)
    torch.testing.assert_close(heard(fresh), learnt, rtol=2e-2, atol=2e-3 * float(learnt.detach().abs().max()))


def test_a_delta_that_does_not_fit_is_refused() -> None:
    state = {"a": torch.zeros(4, 3)}
    good = {"a" + DOWN: torch.ones(2, 3), "a" + UP: torch.ones(4, 2)}
    assert torch.equal(merged(state, good, "mini")["a"], torch.full((4, 3), 2.0))
    for bad in (
        {"b": torch.zeros(4, 3)},
        {"a": torch.zeros(3, 4)},
        {"a" + DOWN: torch.ones(2, 3)},
        {"a" + UP: torch.ones(4, 2)},
        {"a" + DOWN: torch.ones(2, 3), "a" + UP: torch.ones(4, 3)},
        {"a" + DOWN: torch.ones(2, 2), "a" + UP: torch.ones(4, 2)},
    ):
        with pytest.raises(InputError, match="does not fit the model mini"):
            merged(state, bad, "mini")


def test_a_mix_of_factors_is_exactly_between() -> None:
    generator = torch.Generator().manual_seed(0)
    state = {"a": torch.zeros(6, 5)}
    a = {"a" + DOWN: torch.randn(2, 5, generator=generator), "a" + UP: torch.randn(6, 2, generator=generator)}
    b = {"a" + DOWN: torch.randn(3, 5, generator=generator), "a" + UP: torch.randn(6, 3, generator=generator)}
    whole = {"a": torch.randn(6, 5, generator=generator)}
    mixed = merged(state, stacked([(a, 0.25), (b, 0.75)]), "x")["a"]
    torch.testing.assert_close(mixed, 0.25 * merged(state, a, "x")["a"] + 0.75 * merged(state, b, "x")["a"])
    mixed = merged(state, stacked([(a, 0.5), (whole, 0.5)]), "x")["a"]
    torch.testing.assert_close(mixed, 0.5 * merged(state, a, "x")["a"] + 0.5 * whole["a"])


def test_a_large_delta_is_kept_as_its_strongest_directions() -> None:
    generator = torch.Generator().manual_seed(0)
    learnt = torch.randn(300, 20, generator=generator) @ torch.randn(20, 400, generator=generator)
    down, up = truncated(learnt, 20)
    assert float((up.float() @ down.float() - learnt).norm() / learnt.norm()) < 0.01
    delta = {"acoustic.a": learnt.view(300, 40, 10), "acoustic.bias": torch.ones(300)}
    small = compressed(delta, 60_000)
    assert nbytes(small) <= 60_000 and "acoustic.bias" in small and "acoustic.a" + DOWN in small
    assert compressed(delta, 10**6).keys() == delta.keys()
    with pytest.raises(InputError, match="too large"):
        compressed(delta, 1000)


def test_forgotten_activations_change_nothing_but_memory() -> None:
    torch.manual_seed(0)
    model = T2S(CONFIG)
    model.train()
    gradients = []
    for again in range(2):
        if again:
            assert recompute(model, (Layer,)) == CONFIG.layers
        torch.manual_seed(1)  # the same dropout
        model.zero_grad()
        heard(model).square().mean().backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
    torch.testing.assert_close(gradients[0], gradients[1])


def test_sixteen_bits_are_used_where_asked_and_nowhere_else() -> None:
    layer, x = nn.Linear(8, 8), torch.randn(2, 8)
    half = Precision("bf16", "cpu")
    with half.autocast():
        assert layer(x).dtype == torch.bfloat16
        with half.exact():
            assert layer(x).dtype == torch.float32
    with Precision().autocast():
        assert layer(x).dtype == torch.float32
    scaled = Precision("fp16", "cpu")
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    loss = layer(x).square().mean()
    scaled.scaled(loss).backward()
    scaled.unscale(optimizer)
    true = torch.autograd.grad(layer(x).square().mean(), layer.weight)[0]
    torch.testing.assert_close(layer.weight.grad, true, rtol=1e-3, atol=1e-5)
    before = layer.weight.detach().clone()
    layer.weight.grad.fill_(float("inf"))  # type: ignore[union-attr]
    scaled2 = Precision("fp16", "cpu")
    scaled2.scaled(loss.detach().clone().requires_grad_())
    scaled2.unscale(optimizer)
    scaled2.step(optimizer)
    scaled2.update()
    assert torch.equal(layer.weight, before)
