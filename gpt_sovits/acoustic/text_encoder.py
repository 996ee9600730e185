"""Prior network ``enc_p``: decoded codes + phones + style -> mean and log deviation of the latent.

Shapes: content [B, S, T] at 50 frames/s, phones [B, P], style [B, mrte_hidden, 1], latent [B, Z, T'].
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.acoustic.attention import MRTE, Encoder
from gpt_sovits.acoustic.config import TextEncoderConfig


class Prior(NamedTuple):
    """x [B, hidden, T'] (after any speed change), mean and log_std [B, Z, T'], mask [B, 1, T']."""

    x: Tensor
    mean: Tensor
    log_std: Tensor
    mask: Tensor


def length_mask(lengths: Tensor, total: int, like: Tensor) -> Tensor:
    """[B, 1, total] with ones on the first ``lengths`` frames, in the type of ``like``."""
    frames = torch.arange(total, device=lengths.device)
    return (frames[None, :] < lengths[:, None]).unsqueeze(1).to(like.dtype)


def change_speed(x: Tensor, mask: Tensor, speed: float) -> tuple[Tensor, Tensor]:
    """Stretch [B, C, T] to int(T / speed) + 1 frames; speed 1 returns the input."""
    if speed == 1:
        return x, mask
    length = int(x.shape[-1] / speed) + 1
    return F.interpolate(x, size=length, mode="linear"), F.interpolate(mask, size=length, mode="nearest")


def crossfade(new: Tensor, old: Tensor) -> Tensor:
    """Fade the first n frames of ``new`` [B, C, T] in over the n frames of ``old`` [B, C, n]."""
    count = old.shape[-1]
    window = torch.sin(torch.arange(2 * count, device=new.device) * (math.pi / (2 * count))).to(new.dtype)
    head = window[:count] * new[:, :, :count] + window[count:] * old
    return torch.cat([head, new[:, :, count:]], dim=-1)


class PriorEncoder(nn.Module):
    """What every ``enc_p`` shares; each gives ``encode`` and its last layer ``proj``, to mean and log deviation."""

    proj: nn.Conv1d

    def encode(
        self,
        content: Tensor,
        mask: Tensor,
        phones: Tensor,
        text_mask: Tensor,
        style: Tensor,
        spoken: Tensor | None = None,
    ) -> Tensor:
        """Everything before the speed change: [B, hidden, T].

        ``spoken`` [B, T] says which phone each frame says, -1 for none; without it nothing is known of the phones.
        """
        raise NotImplementedError

    def project(self, x: Tensor, mask: Tensor, speed: float = 1.0) -> Prior:
        """Speed change, then mean and log deviation."""
        x, mask = change_speed(x, mask, speed)
        mean, log_std = (self.proj(x) * mask).chunk(2, dim=1)
        return Prior(x, mean, log_std, mask)

    def forward(
        self,
        content: Tensor,
        lengths: Tensor,
        phones: Tensor,
        phone_lengths: Tensor,
        style: Tensor,
        speed: float = 1.0,
        spoken: Tensor | None = None,
    ) -> Prior:
        mask = length_mask(lengths, content.shape[-1], content)
        text_mask = length_mask(phone_lengths, phones.shape[-1], content)
        return self.project(self.encode(content, mask, phones, text_mask, style, spoken), mask, speed)


class TextEncoder(PriorEncoder):
    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.ssl_proj = nn.Conv1d(config.ssl_dim, config.hidden, 1)
        self.encoder_ssl = self._encoder(config, config.ssl_layers)
        self.encoder_text = self._encoder(config, config.text_layers)
        self.text_embedding = nn.Embedding(config.symbols, config.hidden)
        self.aligned = nn.Conv1d(config.hidden, config.hidden, 1) if config.aligned else None
        self.mrte = MRTE(config.hidden, config.mrte_hidden, config.mrte_heads)
        self.encoder2 = self._encoder(config, config.fusion_layers)
        self.proj = nn.Conv1d(config.hidden, 2 * config.latent, 1)
        nn.init.normal_(self.text_embedding.weight, 0.0, config.hidden**-0.5)

    @staticmethod
    def _encoder(config: TextEncoderConfig, layers: int) -> Encoder:
        return Encoder(config.hidden, config.filter, config.heads, layers, config.kernel, config.window, config.dropout)

    def encode(
        self,
        content: Tensor,
        mask: Tensor,
        phones: Tensor,
        text_mask: Tensor,
        style: Tensor,
        spoken: Tensor | None = None,
    ) -> Tensor:
        """As of ``PriorEncoder``; an aligned encoder adds the phone that a frame says to what is heard."""
        x = self.encoder_ssl(self.ssl_proj(content * mask) * mask, mask)
        text = self.encoder_text(self.text_embedding(phones).transpose(1, 2), text_mask)
        if self.aligned is not None and spoken is not None:
            index = spoken.clamp_min(0)[:, None].expand(-1, text.shape[1], -1)
            said = text.gather(2, index) * (spoken >= 0)[:, None]
            x = (x + self.aligned(said)) * mask
        return self.encoder2(self.mrte(x, mask, text, text_mask, style) * mask, mask)
