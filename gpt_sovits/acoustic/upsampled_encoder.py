"""The embedded base's ``enc_p``: phones, upsampled to the frames that say them, with what the codes say beside.

Codes tell when each phone is said (acoustic/code_alignment.py), so nothing has to be attended to: every frame gets the
encoding of its phone (the length regulator of Ren et al., "FastSpeech", 2019) and its place in it, counted from both
ends, as the position in the phone and state of statistical synthesis (Zen et al. 2009). From random weights this is
understood after minutes, where cross attention over the same phones took days.

Shapes: content [B, S, T] at 50 frames/s, phones [B, P], latent [B, Z, T'].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.config import TextEncoderConfig
from gpt_sovits.acoustic.convnext import ConvNeXtBlock
from gpt_sovits.acoustic.text_encoder import PriorEncoder

PLACES = 16  # frames from an end of a phone that are told apart
_KERNEL = 5  # phones


def places(spoken: Tensor) -> tuple[Tensor, Tensor]:
    """How many frames ago the run of equal values around each frame began, and how many are left: ``spoken`` [B, T].

    Both [B, T], at most ``PLACES - 1``.
    """
    total = spoken.shape[1]
    index = torch.arange(total, device=spoken.device).expand_as(spoken)
    changes = spoken[:, 1:] != spoken[:, :-1]
    edge = torch.ones_like(spoken[:, :1], dtype=torch.bool)
    begins, ends = torch.cat([edge, changes], 1), torch.cat([changes, edge], 1)
    since = index - torch.where(begins, index, 0).cummax(1).values
    until = torch.where(ends, index, total).flip(1).cummin(1).values.flip(1) - index
    return since.clamp_max(PLACES - 1), until.clamp_max(PLACES - 1)


class UpsampledTextEncoder(PriorEncoder):
    """``enc_p`` of the embedded base; the style is left to the decoder."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.text_embedding = nn.Embedding(config.symbols, hidden)
        self.text = nn.ModuleList(ConvNeXtBlock(hidden, _KERNEL, 2) for _ in range(config.text_layers))
        self.silence = nn.Parameter(torch.zeros(hidden))
        self.since, self.until = nn.Embedding(PLACES, hidden), nn.Embedding(PLACES, hidden)
        self.heard = nn.Conv1d(config.ssl_dim, hidden, 3, padding=1)
        self.proj = nn.Conv1d(hidden, 2 * config.latent, 1)
        for table in (self.text_embedding, self.since, self.until):
            nn.init.normal_(table.weight, 0.0, 0.3)

    def encode(
        self,
        content: Tensor,
        mask: Tensor,
        phones: Tensor,
        text_mask: Tensor,
        style: Tensor,
        spoken: Tensor | None = None,
    ) -> Tensor:
        """As of ``PriorEncoder``."""
        if spoken is None:
            spoken = torch.full(content.shape[::2], -1, device=content.device)
        text = self.text_embedding(phones).transpose(1, 2) * text_mask
        for block in self.text:
            text = block(text) * text_mask
        said = text.gather(2, spoken.clamp_min(0)[:, None].expand(-1, text.shape[1], -1))
        said = torch.where((spoken >= 0)[:, None], said, self.silence[:, None])
        since, until = places(spoken)
        place = (self.since(since) + self.until(until)).transpose(1, 2)
        hidden: Tensor = (said + place + self.heard(content * mask)) * mask
        return hidden
