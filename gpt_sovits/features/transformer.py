"""The encoders of transformers as they are used here: frozen, and stored in float16 where their files are.

Importing their classes costs two seconds once, and only a machine with an official base does (see ``ARCHITECTURE.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import gpt_sovits.torchaudio_compat  # noqa: F401  # transformers imports torchaudio where it is installed
from gpt_sovits.errors import InputError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


class WideLinear(nn.Linear):
    """A linear layer that may be stored in float16 and is widened to the input's type when it is used."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


def empty(network: type[PreTrainedModel], config: PretrainedConfig, **options: bool) -> PreTrainedModel:
    """A network without weights, for ``fill``; its linear layers keep what the file holds."""
    config._attn_implementation = "sdpa"
    with torch.device("meta"):
        model = network(config, **options)
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = WideLinear
    return model


def fill_as_stored(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give ``model`` its tensors out of ``state``, under the same names; what it has no place for is ignored.

    The matrices of linear layers and embedded words stay as the file holds them, all else becomes float32.
    """
    narrow = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, WideLinear)}
    found = {}
    for name in model.state_dict():
        tensor = take_stored(state, name)
        found[name] = tensor if name in narrow or name.endswith("word_embeddings.weight") else tensor.float()
    fill(model, found)


def take_stored(state: Mapping[str, Tensor], name: str) -> Tensor:
    """The tensor as the file holds it."""
    if name not in state:
        raise InputError(f"This weight file has no tensor named {name}.", "Download the file again.")
    return state[name]


def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put ``state`` into a module built on the meta device; names and shapes must match exactly."""
    try:
        module.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        raise InputError(f"These weights do not fit this network: {error}", "Download the file again.") from error
    module.requires_grad_(False)
    module.eval()
