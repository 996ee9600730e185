"""The judge of envelopes learns to tell two kinds apart, and what it asks for leads from the one to the other."""

from __future__ import annotations

from pathlib import Path

import torch

from gpt_sovits.lab.envelope_judge import EnvelopeJudge, Rivalry


def envelopes(rows: int, rough: float, seed: int) -> torch.Tensor:
    """Log envelopes [B, 40, 32] around one level, flat or with ripples along the bands."""
    generator = torch.Generator().manual_seed(seed)
    phase = 6.3 * torch.rand(rows, 1, 1, generator=generator)
    ripple = torch.sin(torch.arange(40)[None, :, None] * 0.8 + phase)
    return -5.0 + rough * ripple + 0.1 * torch.randn(rows, 40, 32, generator=generator)


def test_the_judge_tells_flat_from_rippled_and_asks_for_ripples():
    torch.manual_seed(0)
    style, keep = torch.zeros(4, 6, 1), torch.ones(1, 40, 1)
    rivalry = Rivalry(6, rate=2e-3, alone=30)
    losses = []
    for step in range(40):
        asked = rivalry(envelopes(4, 0.0, 100 + step), envelopes(4, 1.0, step), keep, style)
        losses.append(rivalry.learn())
        assert (float(asked) == 0.0) == (step < 30), "it asks for nothing before it has learnt"
    assert losses[-1] < 0.5 * losses[0]
    flat, rippled = (float(rivalry(envelopes(4, rough, 7), envelopes(4, 1.0, 8), keep, style)) for rough in (0.0, 1.0))
    assert rippled < flat


def test_the_gradient_reaches_what_was_made_and_not_the_judge_nor_the_style():
    rivalry = Rivalry(6, alone=0)
    fake, style = envelopes(2, 0.0, 1).requires_grad_(), torch.randn(2, 6, 1).requires_grad_()
    rivalry(fake, envelopes(2, 1.0, 2), torch.ones(1, 40, 1), style).backward()
    assert fake.grad is not None and float(fake.grad.abs().sum()) > 0 and style.grad is None
    assert all(p.grad is None for p in rivalry.judge.parameters())
    assert rivalry.learn() > 0 and rivalry.learn() == 0.0, "each lesson is learnt once"


def test_bands_above_a_recordings_bandwidth_say_nothing():
    judge = EnvelopeJudge(4).eval()
    keep = torch.ones(1, 40, 32)
    keep[:, 30:] = 0
    one, other = torch.randn(1, 40, 32), torch.randn(1, 40, 32)
    other[:, :30] = one[:, :30]
    style = torch.randn(1, 4, 1)
    assert torch.equal(judge(one, keep, style)[0], judge(other, keep, style)[0])


def test_a_judge_that_was_kept_goes_on_from_where_it_was(tmp_path: Path):
    rivalry, keep, style = Rivalry(6, alone=5), torch.ones(1, 40, 1), torch.zeros(2, 6, 1)
    heard = envelopes(2, 0.0, 1), envelopes(2, 1.0, 2)
    rivalry(*heard, keep, style)
    rivalry.learn()
    rivalry.save(tmp_path / "judge.safetensors", 1)
    again = Rivalry(6, alone=5)
    again.load(tmp_path / "judge.safetensors")
    assert float(again(*heard, keep, style)) > 0, "it knows its trade"
    rivalry(*heard, keep, style)
    assert again.learn() == rivalry.learn()
    pairs = zip(again.judge.parameters(), rivalry.judge.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs), "its optimiser was kept as well"
