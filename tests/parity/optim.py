"""ScaledAdam: the trajectory of four tensors under given gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from gpt_sovits.training.optim import ScaledAdam, upstream_rate
from tests.parity import Fixture


def run_optim(fixture: Fixture) -> dict[str, Any]:
    names = sorted(key.removeprefix("in_param_") for key in fixture.arrays if key.startswith("in_param_"))
    params = {name: torch.nn.Parameter(fixture.tensor(f"in_param_{name}")) for name in names}
    gradients = {name: fixture.tensor(f"in_grad_{name}") for name in names}
    optimizer = ScaledAdam(params.values(), clipping_update_period=int(fixture.number("in_clipping_update_period")))
    rates = []
    path: dict[str, list[torch.Tensor]] = {name: [] for name in names}
    for step in range(len(gradients[names[0]])):
        rates.append(upstream_rate(step))
        for group in optimizer.param_groups:
            group["lr"] = rates[-1]
        for name, param in params.items():
            param.grad = gradients[name][step]
        optimizer.step()
        for name, param in params.items():
            path[name].append(param.detach().clone())
    return {f"param_{name}": torch.stack(values) for name, values in path.items()} | {
        "lr": np.asarray(rates, np.float32)
    }
