"""Weight-normalised convolutions stored as ``weight_g`` and ``weight_v``: W = g * v / ||v||.

The norm runs over all dimensions but 0 (also for transposed convolutions, whose dimension 0 is the input).
``fold_weight_norm`` replaces the pair by one plain ``weight`` for inference.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def _norm(weight: Tensor) -> Tensor:
    shape = (-1, *[1] * (weight.dim() - 1))
    if weight.is_meta:  # a shell to be filled: torch takes its time over norms of nothing
        return weight.new_empty(len(weight)).view(shape)
    return weight.flatten(1).norm(dim=1).view(shape)


class _Normed(nn.Module):
    """Mixed into a convolution: splits ``weight`` on construction, joins it on use."""

    def _split(self) -> None:
        weight = self._parameters.pop("weight")
        if weight is None:
            return
        gain = (len(weight), *[1] * (weight.dim() - 1))  # on meta, the norm would import a second of torch
        self.weight_g = nn.Parameter(weight.new_empty(gain) if weight.is_meta else _norm(weight.detach()))
        self.weight_v = nn.Parameter(weight.detach().clone())

    def reset_gain(self) -> None:
        """Set g = ||v|| after v was initialised by hand."""
        with torch.no_grad():
            self.weight_g.copy_(_norm(self.weight_v))

    def kernel(self) -> Tensor:
        weight = self._parameters.get("weight")
        return torch._weight_norm(self.weight_v, self.weight_g, 0) if weight is None else weight

    def fold(self) -> None:
        if "weight_v" in self._parameters:
            weight = self.kernel().detach().clone()
            del self._parameters["weight_g"], self._parameters["weight_v"]
            self._parameters["weight"] = nn.Parameter(weight, requires_grad=False)


class NormConv1d(nn.Conv1d, _Normed):
    def __init__(self, *args: int, **kwargs: int) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._split()

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.kernel(), self.bias)


class NormConv2d(nn.Conv2d, _Normed):
    def __init__(self, *args: int | tuple[int, int], **kwargs: tuple[int, int]) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._split()

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.kernel(), self.bias)


class NormConvTranspose1d(nn.ConvTranspose1d, _Normed):
    def __init__(self, *args: int, **kwargs: int) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._split()

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        padding: tuple[int, ...] = self.padding  # type: ignore[assignment]
        return nn.functional.conv_transpose1d(x, self.kernel(), self.bias, self.stride, padding)


def fold_weight_norm(model: M) -> M:
    """Replace every weight_g/weight_v pair inside ``model`` by its product, in place; returns the model."""
    for module in model.modules():
        if isinstance(module, _Normed):
            module.fold()
    return model
