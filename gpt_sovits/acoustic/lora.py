"""Low-rank adapters on linear layers: W + scale * B @ A, with W frozen.

The adapted layer keeps the names ``weight`` and ``bias``; the adapter adds ``lora_A`` [r, in] and ``lora_B`` [out, r].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DIT_TARGETS = ("to_q", "to_k", "to_v", "to_out.0")  # attention layers of the v3/v4 flow


class LoRALinear(nn.Linear):
    def __init__(self, base: nn.Linear, rank: int, alpha: float | None = None) -> None:
        super().__init__(base.in_features, base.out_features, bias=base.bias is not None, device="meta")
        self.weight, self.bias = base.weight, base.bias
        self.weight.requires_grad_(False)
        if self.bias is not None:
            self.bias.requires_grad_(False)
        self.scale = (rank if alpha is None else alpha) / rank
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features, device=base.weight.device))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank, device=base.weight.device))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale


def _owner(model: nn.Module, name: str) -> tuple[nn.Module, str]:
    parent, _, leaf = name.rpartition(".")
    return model.get_submodule(parent), leaf


def add_lora(
    model: nn.Module, rank: int = 32, alpha: float | None = None, targets: tuple[str, ...] = DIT_TARGETS
) -> list[nn.Parameter]:
    """Put adapters on every linear layer whose name ends in a target, in place; returns what is to be trained."""
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and any(name.endswith(f".{target}") for target in targets)
    ]
    trained: list[nn.Parameter] = []
    for name in names:
        parent, leaf = _owner(model, name)
        adapted = LoRALinear(parent.get_submodule(leaf), rank, alpha)  # type: ignore[arg-type]
        parent._modules[leaf] = adapted
        trained += [adapted.lora_A, adapted.lora_B]
    return trained


@torch.no_grad()
def merge_lora(model: nn.Module) -> nn.Module:
    """Fold every adapter into its weight and put the plain layer back, in place; returns the model."""
    for name, module in list(model.named_modules()):
        if isinstance(module, LoRALinear):
            plain = nn.Linear(module.in_features, module.out_features, bias=module.bias is not None, device="meta")
            plain.weight = nn.Parameter(module.weight + module.scale * module.lora_B @ module.lora_A)
            plain.bias = module.bias
            parent, leaf = _owner(model, name)
            parent._modules[leaf] = plain
    return model
