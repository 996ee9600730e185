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

from gpt_sovits.errors import InputError
from gpt_sovits.features.transformer import EncoderLayer, fill, layer_state, take

SAMPLE_RATE = 16000
RECEPTIVE_FIELD = 400  # samples that the first frame sees
HOP = 320
PROMPT_TAIL = 9600  # zeros that upstream's inference appends: their frames are part of a prompt's codes
LAYER_NAMES = (
    "attention.q_proj",
    "attention.k_proj",
    "attention.v_proj",
    "attention.out_proj",
    "layer_norm",
    "feed_forward.intermediate_dense",
    "feed_forward.output_dense",
    "final_layer_norm",
)


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
    """The frozen content encoder of the official bases."""

    sample_rate = SAMPLE_RATE
    hears_phones = False

    def __init__(self, config: HubertConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or HubertConfig()
        channels = config.conv_channels
        self.convs = nn.ModuleList(
            nn.Conv1d(1 if index == 0 else channels, channels, kernel, stride, bias=False)
            for index, (kernel, stride) in enumerate(zip(config.conv_kernels, config.conv_strides, strict=True))
        )
        self.conv_norm = nn.GroupNorm(channels, channels, config.eps)
        self.feature_norm = nn.LayerNorm(channels, config.eps)
        self.projection = nn.Linear(channels, config.hidden)
        self.position = nn.Conv1d(
            config.hidden,
            config.hidden,
            config.position_kernel,
            padding=config.position_kernel // 2,
            groups=config.position_groups,
        )
        self.norm = nn.LayerNorm(config.hidden, config.eps)
        self.layers = nn.ModuleList(
            EncoderLayer(config.hidden, config.heads, config.feed_forward, config.eps) for _ in range(config.layers)
        )

    def frames(self, wave: Tensor) -> Tensor:
        """Convolutional features [B, conv_channels, T] of wave [B,L]."""
        x = wave[:, None]
        for index, conv in enumerate(self.convs):
            x = conv(x)
            x = F.gelu(self.conv_norm(x) if index == 0 else x)
        return x

    def embed(self, features: Tensor) -> Tensor:
        """Input of the first layer [B,T,C] from ``frames``."""
        x = self.projection(self.feature_norm(features.transpose(1, 2)))
        places = self.position(x.transpose(1, 2))[:, :, : x.shape[1]]  # an even kernel gives one frame too many
        return self.norm(x + F.gelu(places).transpose(1, 2))

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
        x = self.embed(self.frames(wave))
        for layer in self.layers:
            x = layer(x)
        return x.transpose(1, 2)


def with_prompt_tail(wave: Tensor) -> Tensor:
    """wave [..., L] and the silence that upstream puts behind a reference recording before HuBERT hears it."""
    return F.pad(wave, (0, PROMPT_TAIL))


def load_hubert(state: Mapping[str, Tensor], config: HubertConfig | None = None) -> HubertContent:
    """Build the encoder from the tensors of ``chinese-hubert-base`` (any float type; ``masked_spec_embed`` unused).

    The matrices of the layers stay in the file's type and are widened when they are used.
    """
    with torch.device("meta"):
        model = HubertContent(config)
    ours: dict[str, Tensor] = {}
    for index in range(len(model.convs)):
        ours[f"convs.{index}.weight"] = take(state, f"feature_extractor.conv_layers.{index}.conv.weight")
    for kind in ("weight", "bias"):
        ours[f"conv_norm.{kind}"] = take(state, f"feature_extractor.conv_layers.0.layer_norm.{kind}")
        ours[f"feature_norm.{kind}"] = take(state, f"feature_projection.layer_norm.{kind}")
        ours[f"projection.{kind}"] = take(state, f"feature_projection.projection.{kind}")
        ours[f"norm.{kind}"] = take(state, f"encoder.layer_norm.{kind}")
    ours["position.weight"] = _position_weight(state)
    ours["position.bias"] = take(state, "encoder.pos_conv_embed.conv.bias")
    for index in range(len(model.layers)):
        layer = layer_state(state, f"encoder.layers.{index}.", LAYER_NAMES)
        ours.update({f"layers.{index}.{key}": value for key, value in layer.items()})
    fill(model, ours)
    return model


def _position_weight(state: Mapping[str, Tensor]) -> Tensor:
    """The folded kernel of the positional convolution, whose weight norm runs over dimensions 0 and 1."""
    prefix = "encoder.pos_conv_embed.conv."
    newer = f"{prefix}parametrizations.weight.original1" in state  # the name since transformers 4.32
    names = (
        ("parametrizations.weight.original0", "parametrizations.weight.original1")
        if newer
        else ("weight_g", "weight_v")
    )
    gain, direction = (take(state, prefix + name) for name in names)
    return gain * direction / direction.norm(dim=(0, 1), keepdim=True)
