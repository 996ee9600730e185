"""HuBERT base (Hsu et al. 2021): 16 kHz speech to 768 content channels at 50 frames per second.

The network of ``chinese-hubert-base``, read under the names of its official file. The wave goes in as it is,
without normalisation. Letters: B rows, L samples at 16 kHz, T frames, C content channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import remove_parametrizations

from gpt_sovits.errors import InputError
from gpt_sovits.features.transformer import empty, fill_as_stored

SAMPLE_RATE = 16000
RECEPTIVE_FIELD = 400  # samples that the first frame sees
HOP = 320
PROMPT_TAIL = 9600  # zeros that upstream's inference appends: their frames are part of a prompt's codes
_POSITION = "encoder.pos_conv_embed.conv."
_PARAMETRIZED = {  # since transformers 4.32
    f"{_POSITION}weight_g": f"{_POSITION}parametrizations.weight.original0",
    f"{_POSITION}weight_v": f"{_POSITION}parametrizations.weight.original1",
}


@dataclass(frozen=True)
class HubertConfig:
    """Sizes; the defaults are those of HuBERT base."""

    hidden: int = 768
    layers: int = 12
    heads: int = 12
    feed_forward: int = 3072
    conv_channels: int = 512
    conv_kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    conv_strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    position_kernel: int = 128
    position_groups: int = 16
    eps: float = 1e-5

    @property
    def width(self) -> int:
        """C, the number of content channels."""
        return self.hidden


class HubertContent(nn.Module):
    """The frozen content encoder of the official bases: HuBERT of transformers."""

    sample_rate = SAMPLE_RATE

    def __init__(self, config: HubertConfig | None = None) -> None:
        """Without weights; ``load_hubert`` brings them."""
        from transformers import HubertConfig as Sizes
        from transformers import HubertModel

        super().__init__()
        self.config = config = config or HubertConfig()
        sizes = Sizes(
            hidden_size=config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.feed_forward,
            conv_dim=[config.conv_channels] * len(config.conv_kernels),
            conv_kernel=list(config.conv_kernels),
            conv_stride=list(config.conv_strides),
            num_conv_pos_embeddings=config.position_kernel,
            num_conv_pos_embedding_groups=config.position_groups,
            layer_norm_eps=config.eps,
            apply_spec_augment=False,
            mask_time_prob=0.0,
        )
        self.network = empty(HubertModel, sizes)

    @torch.no_grad()
    def forward(self, wave: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Content [B,C,T] of waves [B,L]; T = (L - 400) // 320 + 1.

        With ``lengths`` [B] in samples every row is worked through alone, since the group norm and the attention see
        all of a row, and the results are padded with zeros behind.
        """
        if lengths is not None and wave.shape[0] > 1:
            rows = [self(row[None, :length])[0] for row, length in zip(wave, lengths.tolist(), strict=True)]
            longest = max(row.shape[1] for row in rows)
            return torch.stack([F.pad(row, (0, longest - row.shape[1])) for row in rows])
        if wave.shape[-1] < RECEPTIVE_FIELD:
            raise InputError("This recording is too short to be heard.", "Record at least one second.")
        return torch.as_tensor(self.network(wave).last_hidden_state).transpose(1, 2)


def with_prompt_tail(wave: Tensor) -> Tensor:
    """wave [..., L] and the silence that upstream puts behind a reference recording before HuBERT hears it."""
    return F.pad(wave, (0, PROMPT_TAIL))


def load_hubert(state: Mapping[str, Tensor], config: HubertConfig | None = None) -> HubertContent:
    """Build the encoder from the tensors of ``chinese-hubert-base`` (any float type; ``masked_spec_embed`` unused).

    The matrices of the layers stay in the file's type and are widened when they are used.
    """
    model = HubertContent(config)
    renamed = {_PARAMETRIZED.get(name, name): tensor for name, tensor in state.items()}
    fill_as_stored(model.network, renamed)
    remove_parametrizations(model.network.get_submodule(_POSITION.strip(".")), "weight")  # its weight norm, folded
    return model
