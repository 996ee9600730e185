"""What may be drawn, and how often."""

from __future__ import annotations

import torch

from gpt_sovits.semantic.sampling import penalize, probabilities, sample


def test_penalty_lowers_each_used_token_once() -> None:
    logits = torch.tensor([[2.0, -2.0, 1.0]])
    used = torch.tensor([[0, 0, 1]])
    assert penalize(logits, used, 2.0).tolist() == [[1.0, -4.0, 1.0]]
    assert penalize(logits, used[:, :0], 2.0) is logits


def test_top_k_keeps_ties_and_top_p_drops_the_crossing_token_but_never_the_first() -> None:
    tied = torch.tensor([[1.0, 1.0, 0.0]])
    assert (probabilities(tied, top_k=1) > 0).tolist() == [[True, True, False]]
    logits = torch.log(torch.tensor([[0.1, 0.6, 0.3]]))
    assert (probabilities(logits, top_k=0, top_p=0.8) > 0).tolist() == [[False, True, False]]
    assert (probabilities(logits, top_k=0, top_p=0.1) > 0).tolist() == [[False, True, False]]


def test_draws_follow_the_distribution_and_the_generator() -> None:
    logits = torch.log(torch.tensor([0.7, 0.2, 0.1])).repeat(20000, 1)
    previous = torch.zeros(20000, 0, dtype=torch.long)
    draws = [sample(logits, previous, generator=torch.Generator().manual_seed(s)) for s in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    shares = torch.bincount(draws[0], minlength=3) / 20000
    torch.testing.assert_close(shares, torch.tensor([0.7, 0.2, 0.1]), atol=0.02, rtol=0)


def test_low_temperature_is_greedy() -> None:
    logits = torch.tensor([[0.0, 0.3, 0.1]])
    assert float(probabilities(logits, temperature=0.0)[0, 1]) == 1.0
