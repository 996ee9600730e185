"""ScaledAdam (its numbers are checked by tests/parity): learning, resuming, limits."""

from __future__ import annotations

import copy
from pathlib import Path

import torch

from gpt_sovits.training.checkpoint import load_checkpoint, save_checkpoint
from gpt_sovits.training.optim import ScaledAdam


def _problem() -> tuple[list[torch.nn.Parameter], torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(4, 3, generator=generator))
    gain = torch.nn.Parameter(torch.ones(1))
    x = torch.randn(64, 4, generator=generator)
    return [weight, gain], x, x @ torch.randn(4, 3, generator=generator)


def _train(params: list[torch.nn.Parameter], optimizer: ScaledAdam, x: torch.Tensor, y: torch.Tensor, n: int) -> float:
    for _ in range(n):
        loss = (x @ params[0] * params[1] - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def test_it_learns() -> None:
    params, x, y = _problem()
    assert _train(params, ScaledAdam(params, lr=0.02), x, y, 300) < 0.05


def test_a_resumed_run_continues_exactly() -> None:
    whole, x, y = _problem()
    _train(whole, ScaledAdam(whole, clipping_update_period=3), x, y, 14)
    halves, _, _ = _problem()
    first = ScaledAdam(halves, clipping_update_period=3)
    _train(halves, first, x, y, 7)
    second = ScaledAdam(halves, clipping_update_period=3)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    _train(halves, second, x, y, 7)
    assert all(torch.equal(a, b) for a, b in zip(whole, halves, strict=True))


def test_its_state_survives_the_disk(tmp_path: Path) -> None:
    params, x, y = _problem()
    first = ScaledAdam(params)
    _train(params, first, x, y, 5)
    save_checkpoint(tmp_path / "c.safetensors", {}, {"o": first}, step=5)
    again, _, _ = _problem()
    for param, learnt in zip(again, params, strict=True):
        param.data.copy_(learnt.data)
    second = ScaledAdam(again)
    load_checkpoint(tmp_path / "c.safetensors", {}, {"o": second})
    _train(params, first, x, y, 5)
    _train(again, second, x, y, 5)
    assert all(torch.equal(a, b) for a, b in zip(params, again, strict=True))


def test_learning_recovers_sooner_from_an_outlier_when_clipping_reaches_the_main_update() -> None:
    losses = {}
    for clip in (False, True):
        params, x, y = _problem()
        optimizer = ScaledAdam(params, lr=0.02, clipping_update_period=4, clip_main_update=clip)
        _train(params, optimizer, x, y, 9)
        params[0].grad = torch.full_like(params[0], 1e4)
        optimizer.step()
        losses[clip] = _train(params, optimizer, x, y, 40)
    assert losses[True] < 0.8 * losses[False]


def test_parameters_without_a_gradient_stay_as_they_are() -> None:
    params, _, _ = _problem()
    before = [param.detach().clone() for param in params]
    ScaledAdam(params).step()
    assert all(torch.equal(a, b) for a, b in zip(before, params, strict=True))
