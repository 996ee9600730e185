"""How a voice is learnt on the embedded base: what of it is kept."""

from __future__ import annotations

import torch
from torch import nn

from gpt_sovits.training.mini import KEPT, step_back


def test_a_part_of_what_was_learnt_is_kept_and_what_was_fixed_stays():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    before = {name: value.clone().half() for name, value in model.state_dict().items()}
    model.load_state_dict(before)
    model[1].requires_grad_(False)
    with torch.no_grad():
        model[0].weight += 1.0
    step_back(model, before)
    assert torch.allclose(model[0].weight, before["0.weight"].float() + KEPT)
    assert torch.equal(model[1].weight, before["1.weight"].float())
