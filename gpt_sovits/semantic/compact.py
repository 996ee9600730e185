"""Smaller weights for decoding on a CPU, where one token costs one reading of all weights.

Two kinds, measured at the official size on one AVX2 thread (fp32: 25-28 tokens/s, 25 tokens are one second of speech):
``half`` keeps 16 bits, which is what official files hold anyway: 52 tokens/s and the same tokens; ``int8`` rounds
weights to eight bits and inputs to seven: 80 tokens/s, and a slightly different distribution (KL 0.01 nats). Norms,
embeddings and everything small stay as they are.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Collection
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.errors import InputError
from gpt_sovits.semantic.model import T2S, SelfAttention
from gpt_sovits.semantic.step import Product, product_of

Kind = Literal["half", "int8"]
M = TypeVar("M", bound=nn.Module)
PARTS = ("qkv", "out", "ff_in", "ff_out", "head")
MATRICES = ("in_proj_weight", "out_proj.weight", "linear1.weight", "linear2.weight", "ar_predict_layer.weight")


class HalfLinear(nn.Module):
    """A linear layer with float16 weights; sums are float32."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("weight", weight.half())
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        return self.product()(x)

    def product(self) -> Product:
        weight, bias = self.weight, self.bias

        def multiply(x: Tensor) -> Tensor:
            if x.shape[:-1].numel() > 1:  # the 16-bit product is fast for one row only
                return F.linear(x, weight.to(x.dtype), bias)
            y = F.linear(x.half(), weight).to(x.dtype)
            return y if bias is None else y.add_(bias)

        return multiply


class Int8Linear(nn.Module):
    """A linear layer with int8 weights, one scale per output; the input is rounded to seven bits as it comes."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        weight = weight.float()
        scale = weight.abs().amax(dim=1).clamp_min(1e-12) / 127.0
        rounded = (weight / scale[:, None]).round().to(torch.int8)
        zeros = torch.zeros(len(scale), dtype=torch.long)
        with warnings.catch_warnings():  # torch means to rename these tensors; requirements.txt pins a version
            warnings.simplefilter("ignore", UserWarning)
            tensor = torch._make_per_channel_quantized_tensor(rounded, scale.double(), zeros, 0)
            self._packed = torch.ops.quantized.linear_prepack(tensor, bias)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        return torch.ops.quantized.linear_dynamic(x, self._packed, True)


KINDS: dict[str, Callable[[Tensor, Tensor | None], nn.Module]] = {"half": HalfLinear, "int8": Int8Linear}


class _Fused(nn.Module):
    """The unchanged fused projection, as a module."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class CompactAttention(SelfAttention):
    """Attention whose fused projection is a module of its own."""

    def __init__(self, source: SelfAttention, qkv: nn.Module, out_proj: nn.Module) -> None:
        nn.Module.__init__(self)
        self.heads, self.dropout = source.heads, source.dropout
        self.qkv = qkv
        self.out_proj = out_proj  # type: ignore[assignment]

    def fused_projection(self, x: Tensor) -> Tensor:
        return self.qkv(x)

    def product(self) -> Product:
        return product_of(self.qkv)


@torch.no_grad()
def compact(model: T2S, kind: Kind = "half", parts: Collection[str] = PARTS) -> T2S:
    """A copy of ``model`` for decoding on a CPU; the original stays as it is, and shares what is not in ``parts``.

    Its state dict has other names: keep the original to save, train or mix. The tensors whose names end in
    ``MATRICES`` may be float16 already; "half" then takes them as they are, without a copy.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or kind not in KINDS:
        raise InputError(
            f"Weights cannot be stored as {kind} in: {', '.join(unknown or parts)}.",
            f"Choose among {', '.join(KINDS)}, and {', '.join(PARTS)}.",
        )

    def convert(linear: nn.Linear, part: str) -> nn.Linear:
        if part not in parts:
            return linear
        bias = None if linear.bias is None else linear.bias.detach()
        return KINDS[kind](linear.weight.detach(), bias)  # type: ignore[return-value]

    small = _shallow(model)
    small.h = _shallow(model.h)
    small.h.layers = nn.ModuleList()
    for layer in model.h:
        attention, new = layer.self_attn, _shallow(layer)
        make = KINDS[kind] if "qkv" in parts else _Fused
        qkv = make(attention.in_proj_weight.detach(), attention.in_proj_bias.detach())
        new.self_attn = CompactAttention(attention, qkv, convert(attention.out_proj, "out"))
        new.linear1 = convert(layer.linear1, "ff_in")
        new.linear2 = convert(layer.linear2, "ff_out")
        small.h.layers.append(new)
    small.ar_predict_layer = convert(model.ar_predict_layer, "head")
    return small.eval()


def _shallow(module: M) -> M:
    """The same module with its own table of children, so that one can be replaced without touching the original."""
    new = copy.copy(module)
    new._modules = dict(module._modules)
    return new
