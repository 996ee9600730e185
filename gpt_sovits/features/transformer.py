"""The post-norm GELU transformer encoder that HuBERT and BERT have in common, and loading it from their files.

Written out here because importing it from the transformers package costs three seconds and 150 MB at every start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.errors import InputError


class WideLinear(nn.Linear):
    """A linear layer that may be stored in float16 and is widened to the input's type when it is used."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


PARTS = ("query", "key", "value", "out", "norm1", "inner", "outer", "norm2")


class EncoderLayer(nn.Module):
    """``x = LN(x + attention(x))``, ``x = LN(x + outer(gelu(inner(x))))`` over x [B,T,H]."""

    def __init__(self, hidden: int, heads: int, feed_forward: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = WideLinear(hidden, hidden)  # three, as in the files: their pages are used as they are mapped
        self.key = WideLinear(hidden, hidden)
        self.value = WideLinear(hidden, hidden)
        self.out = WideLinear(hidden, hidden)
        self.norm1 = nn.LayerNorm(hidden, eps)
        self.inner = WideLinear(hidden, feed_forward)
        self.outer = WideLinear(feed_forward, hidden)
        self.norm2 = nn.LayerNorm(hidden, eps)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """mask: bool [B,1,1,T], True = may be attended to."""
        rows, length, hidden = x.shape
        shape = (rows, length, self.heads, hidden // self.heads)
        queries, keys, values = (part(x).view(shape).transpose(1, 2) for part in (self.query, self.key, self.value))
        heads = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        x = self.norm1(x + self.out(heads.transpose(1, 2).reshape(x.shape)))
        return self.norm2(x + self.outer(F.gelu(self.inner(x))))


def layer_state(state: Mapping[str, Tensor], prefix: str, names: Iterable[str]) -> dict[str, Tensor]:
    """One ``EncoderLayer``'s state dict out of a file whose parts (in the order of ``PARTS``) are called ``names``.

    Matrices stay as the file holds them (float16 in official files); norms and biases become float32.
    """
    files = dict(zip(PARTS, names, strict=True))
    result: dict[str, Tensor] = {}
    for kind, get in (("weight", take_stored), ("bias", take)):
        for part in ("query", "key", "value", "out", "inner", "outer"):
            result[f"{part}.{kind}"] = get(state, f"{prefix}{files[part]}.{kind}")
        for part in ("norm1", "norm2"):
            result[f"{part}.{kind}"] = take(state, f"{prefix}{files[part]}.{kind}")
    return result


def take_stored(state: Mapping[str, Tensor], name: str) -> Tensor:
    """The tensor as the file holds it."""
    if name not in state:
        raise InputError(f"This weight file has no tensor named {name}.", "Download the file again.")
    return state[name]


def take(state: Mapping[str, Tensor], name: str) -> Tensor:
    """The tensor as float32."""
    return take_stored(state, name).float()


def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put ``state`` into a module built on the meta device; names and shapes must match exactly."""
    try:
        module.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        raise InputError(f"These weights do not fit this network: {error}", "Download the file again.") from error
    module.requires_grad_(False)
    module.eval()
