"""Training thin factors beside frozen weights instead of the weights themselves (LoRA, Hu et al. 2022).

``adapt`` freezes a network and puts ``up @ down`` beside every large tensor of two dimensions or more, of whatever
layer; tensors with one dimension (biases, gains, norms) are few and are trained as they are. What was learnt comes
out as a delta (weights/delta.py), so nobody who speaks with the voice needs to know how it was trained.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gpt_sovits.models.delta import DOWN, UP, balanced

PACE = 10.0  # factors learn at this many times the rate of whole tensors; both then move the network about as fast


def _factors(rows: int, columns: int, rank: int, like: Tensor) -> tuple[nn.Parameter, nn.Parameter]:
    """Down [rank, columns], random, and up [rows, rank], zero: together nothing yet."""
    down = torch.empty(rank, columns, device=like.device)
    nn.init.kaiming_uniform_(down, a=math.sqrt(5))
    return nn.Parameter(down), nn.Parameter(torch.zeros(rows, rank, device=like.device))


class LowRank(nn.Module):
    """Parametrisation of any tensor [m, ...]: the tensor plus ``up @ down``."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        self.down, self.up = _factors(weight.shape[0], weight[0].numel(), rank, weight)

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.up @ self.down).view_as(weight)


class LowRankLinear(nn.Linear):
    """A frozen linear layer with factors beside it: the gradient of the large matrix is never computed."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__(base.in_features, base.out_features, bias=base.bias is not None, device="meta")
        self.weight, self.bias = base.weight, base.bias
        self.weight.requires_grad_(False)
        self.down, self.up = _factors(base.out_features, base.in_features, rank, base.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        return F.linear(x, self.weight.to(x.dtype), self.bias) + F.linear(F.linear(x, self.down), self.up)


def adapt(
    model: nn.Module,
    rank: int,
    *,
    frozen: tuple[str, ...] = (),
    whole: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> None:
    """Choose what of ``model`` is trained, in place.

    Args:
        rank: of the factors; 0 trains every tensor whole.
        frozen: prefixes of names that stay as they are.
        whole: prefixes of names that are trained whole whatever the rank.
        only: parts of names; where given, nothing else (but ``whole``) is trained.
    """
    chosen: list[tuple[str, nn.Parameter]] = []
    for name, parameter in model.named_parameters():
        kept = (
            name.startswith(frozen or "\0")
            or bool(only)
            and not (name.startswith(whole or "\0") or any(part in name for part in only))
        )
        parameter.requires_grad_(not kept)
        if not kept and rank and not name.startswith(whole or "\0") and _worth(parameter, rank):
            chosen.append((name, parameter))
    for name, parameter in chosen:
        owner_name, _, leaf = name.rpartition(".")
        owner = model.get_submodule(owner_name)
        if isinstance(owner, nn.Linear) and leaf == "weight":
            above, _, last = owner_name.rpartition(".")
            model.get_submodule(above)._modules[last] = LowRankLinear(owner, rank)
        else:
            parametrize.register_parametrization(owner, leaf, LowRank(parameter, rank))
            owner.parametrizations[leaf].original.requires_grad_(False)  # type: ignore[union-attr,index]


def _worth(parameter: Tensor, rank: int) -> bool:
    """Whether factors are less than half of the tensor."""
    return parameter.dim() > 1 and 2 * rank * (parameter.shape[0] + parameter[0].numel()) <= parameter.numel()


def is_factor(name: str) -> bool:
    """Whether a parameter of an adapted network is a factor."""
    return name.endswith((".down", ".up"))


def _learnt_factors(model: nn.Module) -> Iterator[tuple[str, Tensor, Tensor]]:
    for name, module in model.named_modules():
        if isinstance(module, LowRankLinear):
            yield f"{name}.weight", module.down, module.up
        elif parametrize.is_parametrized(module):
            tables: Any = module.parametrizations
            for leaf, parts in tables.items():
                yield f"{name}.{leaf}".lstrip("."), parts[0].down, parts[0].up


@torch.no_grad()
def changes(model: nn.Module, before: Mapping[str, Tensor], left_out: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """What training did to ``model``: float16 factors, and differences of whole tensors to the base's ``before``.

    ``left_out``: prefixes of names that no voice keeps. What did not change is left out too.
    """
    delta: dict[str, Tensor] = {}
    for name, down, up in _learnt_factors(model):
        if not name.startswith(left_out or "\0") and bool(up.any()):
            delta[name + DOWN], delta[name + UP] = (factor.cpu() for factor in balanced(down, up))
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and name in before and not name.startswith(left_out or "\0"):
            difference = (parameter.detach().cpu() - before[name].float()).half()
            if bool(difference.any()):
                delta[name] = difference
    return delta
