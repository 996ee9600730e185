"""Arithmetic of training on an accelerator: 16-bit products where they are safe, and less memory for more time."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

KINDS = ("full", "bf16", "fp16")


class Precision:
    """float32 throughout ("full"), or automatic mixed precision in bfloat16 or float16.

    float16 loses small gradients, so losses are scaled up before the backward pass and gradients down behind it.
    """

    def __init__(self, kind: str = "full", device: str = "cpu") -> None:
        self.device = device.split(":")[0]
        self.type = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(kind)
        self.scaler = torch.amp.GradScaler(self.device, enabled=kind == "fp16")

    def autocast(self) -> AbstractContextManager[object]:
        """In here matrix products and convolutions are computed in 16 bits."""
        return torch.autocast(self.device, self.type) if self.type is not None else nullcontext()

    def exact(self) -> AbstractContextManager[object]:
        """In here they are not, whatever is outside: spectrograms and losses."""
        return torch.autocast(self.device, enabled=False) if self.type is not None else nullcontext()

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss to call ``backward`` on."""
        return self.scaler.scale(loss) if self.scaler.is_enabled() else loss

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Bring the gradients of an optimiser's weights back to their true size."""
        if self.scaler.is_enabled():
            self.scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """One update; with float16 it is left out where gradients overflowed, which also lowers the scale."""
        if self.scaler.is_enabled():
            self.scaler.step(optimizer)
        else:
            optimizer.step()

    def update(self) -> None:
        """After all updates of a step."""
        if self.scaler.is_enabled():
            self.scaler.update()

    @property
    def forgiving(self) -> bool:
        """Whether gradients that are not finite are part of the plan."""
        return self.scaler.is_enabled()


def best_kind(device: str) -> str:
    """ "bf16" or "fp16" on CUDA by what the card can do, "full" elsewhere."""
    if not device.startswith("cuda"):
        return "full"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def recompute(model: nn.Module, kinds: tuple[type[nn.Module], ...]) -> int:
    """Let the submodules of these classes forget their activations and compute them again in the backward pass.

    In place, for training only; returns how many there are. Results are the same.
    """
    found = [module for module in model.modules() if isinstance(module, kinds)]
    for module in found:
        inner = module.forward
        module.forward = partial(_through, module, inner)  # type: ignore[method-assign]
    return len(found)


def _through(module: nn.Module, inner: object, *args: object, **options: object) -> object:
    if not (module.training and torch.is_grad_enabled()):
        return inner(*args, **options)  # type: ignore[operator]
    return checkpoint(inner, *args, use_reentrant=False, **options)  # type: ignore[arg-type]
