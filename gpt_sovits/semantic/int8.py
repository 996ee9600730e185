"""Eight-bit weights for decoding on a CPU, where reading the weights is what takes the time.

Only the weights of linear layers are rounded (one scale per output channel); activations, norms, embeddings and
everything small stay as they are. Which layers is a choice: the feed-forward's second matrix and the output layer
are the sensitive ones.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.errors import InputError
from gpt_sovits.semantic.model import T2S, Layer, SelfAttention

M = TypeVar("M", bound=nn.Module)
PARTS = ("qkv", "out", "ff_in", "ff_out", "head")
DEFAULT_PARTS = ("qkv", "out", "ff_in", "ff_out")
FEW_ROWS = 32  # above this, multiplying by the restored weights is faster than by the packed ones


class Int8Linear(nn.Module):
    """A linear layer whose weight is stored as int8 [out, in] with one scale per row."""

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        scale = weight.abs().amax(dim=1).clamp_min(1e-12) / 127.0
        self.register_buffer("weight", (weight / scale[:, None]).round().clamp(-127, 127).to(torch.int8))
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if bias is None else bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        rows = x.reshape(-1, x.shape[-1])
        if len(rows) > FEW_ROWS:
            return F.linear(x, self.weight.to(x.dtype) * self.scale[:, None], self.bias)
        y = torch._weight_int8pack_mm(rows, self.weight, self.scale)
        if self.bias is not None:
            y += self.bias
        return y.view(*x.shape[:-1], -1)


class Int8Attention(SelfAttention):
    """Attention whose two projections are (optionally) eight-bit."""

    def __init__(self, source: SelfAttention, parts: Collection[str]) -> None:
        nn.Module.__init__(self)
        self.heads, self.dropout = source.heads, source.dropout
        self.qkv: nn.Module
        if "qkv" in parts:
            self.qkv = Int8Linear(source.in_proj_weight.detach(), source.in_proj_bias)
        else:
            self.qkv = _Fused(source)
        self.out_proj = _quantize(source.out_proj, "out" in parts)

    def fused_projection(self, x: Tensor) -> Tensor:
        return self.qkv(x)


class _Fused(nn.Module):
    def __init__(self, source: SelfAttention) -> None:
        super().__init__()
        self.weight, self.bias = source.in_proj_weight, source.in_proj_bias

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


def _quantize(linear: nn.Linear, wanted: bool) -> nn.Module:
    return Int8Linear(linear.weight.detach(), linear.bias) if wanted else linear


def quantize(model: T2S, parts: Collection[str] = DEFAULT_PARTS) -> T2S:
    """A copy of ``model`` for decoding only. What is not in ``parts`` is shared with the original, not copied."""
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise InputError(f"Unknown parts to quantise: {', '.join(unknown)}.", f"Choose among {', '.join(PARTS)}.")
    small = _shallow(model)
    small.h = _shallow(model.h)
    layers = nn.ModuleList()
    for layer in model.h:
        new: Layer = _shallow(layer)
        new.self_attn = Int8Attention(layer.self_attn, parts)
        new.linear1 = _quantize(layer.linear1, "ff_in" in parts)  # type: ignore[assignment]
        new.linear2 = _quantize(layer.linear2, "ff_out" in parts)  # type: ignore[assignment]
        layers.append(new)
    small.h.layers = layers
    small.ar_predict_layer = _quantize(model.ar_predict_layer, "head" in parts)  # type: ignore[assignment]
    return small.eval()


def _shallow(module: M) -> M:
    """The same module with its own table of children, so that one can be replaced without touching the original."""
    new = copy.copy(module)
    new._modules = dict(module._modules)
    return new
