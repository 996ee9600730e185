"""DiT: the velocity field of the v3/v4 flow matching.

Shapes: B batch, T mel frames, M mel bands (100), D width (1024), E width of the content condition (512).
Blocks work on [B, T, D]. Padded key frames are masked; the convolutions and the response normalisation see them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.acoustic.config import DiTConfig

MAX_POSITION = 4095  # text positions beyond this share the last one
TIME_FREQUENCIES = 128


class StoredLinear(nn.Linear):
    """A linear layer whose weight may be held in float16, as official files store it; it is widened when it is used."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype), self.bias)


def _sinusoid(value: Tensor) -> Tensor:
    """Scalars [B] in [0, 1] -> [B, 256]: sin and cos of 1000 * value * frequency."""
    steps = torch.arange(TIME_FREQUENCIES, device=value.device, dtype=torch.float32)
    frequencies = torch.exp(steps * (-math.log(1e4) / (TIME_FREQUENCIES - 1)))
    angle = 1000.0 * value.float()[:, None] * frequencies
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def _positions(length: int, width: int, device: torch.device) -> Tensor:
    """[length, width]: the cosines of all frequencies, then the sines."""
    inverse = 1e4 ** -(torch.arange(0, width, 2, device=device, dtype=torch.float32) / width)
    angle = torch.arange(length, device=device).clamp_max(MAX_POSITION)[:, None].float() * inverse
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


class _TimeEmbedding(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.time_mlp = nn.Sequential(StoredLinear(2 * TIME_FREQUENCIES, dim), nn.SiLU(), StoredLinear(dim, dim))

    def forward(self, value: Tensor) -> Tensor:
        biases = self.get_parameter("time_mlp.0.bias")  # never held in fewer bits than is computed with
        return self.time_mlp(_sinusoid(value).to(biases.dtype))


class _ResponseNorm(nn.Module):
    """Global response normalisation: each channel against the mean energy of all, over the time axis."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        energy = x.norm(p=2, dim=1, keepdim=True)
        return self.gamma * (x * (energy / (energy.mean(dim=-1, keepdim=True) + 1e-6))) + self.beta + x


class _ConvNeXt(nn.Module):
    """ConvNeXt V2 block on [B, T, C]."""

    def __init__(self, channels: int, expand: int = 2) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = StoredLinear(channels, expand * channels)
        self.grn = _ResponseNorm(expand * channels)
        self.pwconv2 = StoredLinear(expand * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(self.dwconv(x.transpose(1, 2)).transpose(1, 2))
        return x + self.pwconv2(self.grn(F.gelu(self.pwconv1(inner))))


class _TextEmbedding(nn.Module):
    """Content condition [B, E, T] -> [B, T, E]."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.text_blocks = nn.Sequential(*(_ConvNeXt(width) for _ in range(layers)))

    def forward(self, content: Tensor) -> Tensor:
        x = content.transpose(1, 2)
        return self.text_blocks(x + _positions(x.shape[1], x.shape[2], x.device).to(x.dtype))


class _ConvPosition(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv1d = nn.Sequential(
            nn.Conv1d(dim, dim, 31, padding=15, groups=16),
            nn.Mish(),
            nn.Conv1d(dim, dim, 31, padding=15, groups=16),
            nn.Mish(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1d(x.transpose(1, 2)).transpose(1, 2)


class _InputEmbedding(nn.Module):
    def __init__(self, mel: int, text: int, dim: int) -> None:
        super().__init__()
        self.proj = StoredLinear(2 * mel + text, dim)
        self.conv_pos_embed = _ConvPosition(dim)

    def forward(self, x: Tensor, prompt: Tensor, text: Tensor) -> Tensor:
        x = self.proj(torch.cat([x, prompt, text], dim=-1))
        return x + self.conv_pos_embed(x)


class _Rotary(nn.Module):
    """Angles of the rotary positions; ``inv_freq`` is a stored constant."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("inv_freq", 1e4 ** -(torch.arange(0, dim, 2).float() / dim))

    def forward(self, length: int) -> tuple[Tensor, Tensor]:
        """cos and sin [length, dim / 2]."""
        inverse = self.get_buffer("inv_freq")
        angle = torch.arange(length, device=inverse.device).float()[:, None] * inverse
        return angle.cos(), angle.sin()


def _rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the pairs (x0, x1), (x2, x3) ... of the first channels only; with the published sizes that is head 0."""
    cos, sin = (part.to(x.dtype) for part in rotary)
    width = 2 * cos.shape[-1]
    even, odd = x[..., 0:width:2], x[..., 1:width:2]
    turned = torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)
    return torch.cat([turned, x[..., width:]], dim=-1)


class _Attention(nn.Module):
    def __init__(self, dim: int, heads: int, head_dim: int) -> None:
        super().__init__()
        self.heads = heads
        inner = heads * head_dim
        self.to_q = StoredLinear(dim, inner)
        self.to_k = StoredLinear(dim, inner)
        self.to_v = StoredLinear(dim, inner)
        self.to_out = nn.ModuleList([StoredLinear(inner, dim)])

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], valid: Tensor | None) -> Tensor:
        batch, length, _ = x.shape
        shape = (batch, length, self.heads, -1)
        query, key = _rotate(self.to_q(x), rotary), _rotate(self.to_k(x), rotary)
        query, key, value = (part.view(shape).transpose(1, 2) for part in (query, key, self.to_v(x)))
        allowed = None if valid is None else valid[:, None, None, :]
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        out = self.to_out[0](out.transpose(1, 2).flatten(2))
        return out if valid is None else out * valid[:, :, None]


class _Modulation(nn.Module):
    """Linear(SiLU(c)), cut into ``parts`` vectors [B, 1, D]."""

    def __init__(self, dim: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.linear = StoredLinear(dim, parts * dim)

    def forward(self, condition: Tensor) -> tuple[Tensor, ...]:
        return self.linear(F.silu(condition)).unsqueeze(1).chunk(self.parts, dim=-1)


class _FeedForward(nn.Module):
    def __init__(self, dim: int, expand: int) -> None:
        super().__init__()
        first = nn.Sequential(StoredLinear(dim, expand * dim), nn.GELU(approximate="tanh"))
        self.ff = nn.Sequential(first, nn.Identity(), StoredLinear(expand * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.ff(x)


def _norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


class Block(nn.Module):
    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.attn_norm = _Modulation(config.dim, 6)
        self.attn = _Attention(config.dim, config.heads, config.head_dim)
        self.ff = _FeedForward(config.dim, config.ff_mult)

    def forward(self, x: Tensor, condition: Tensor, rotary: tuple[Tensor, Tensor], valid: Tensor | None) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.attn_norm(condition)
        x = x + gate1 * self.attn(_norm(x) * (1 + scale1) + shift1, rotary, valid)
        return x + gate2 * self.ff(_norm(x) * (1 + scale2) + shift2)


class DiT(nn.Module):
    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.config = config
        self.time_embed = _TimeEmbedding(config.dim)
        self.d_embed = _TimeEmbedding(config.dim)
        self.text_embed = _TextEmbedding(config.text_dim, config.conv_layers)
        self.input_embed = _InputEmbedding(config.mel_dim, config.text_dim, config.dim)
        self.rotary_embed = _Rotary(config.head_dim)
        self.transformer_blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm_out = _Modulation(config.dim, 2)
        self.proj_out = StoredLinear(config.dim, config.mel_dim)

    def velocity(
        self, x: Tensor, prompt: Tensor, text: Tensor, t: Tensor, d: Tensor, lengths: Tensor | None = None
    ) -> Tensor:
        """x and prompt [B, M, T], text [B, T, E] from ``text_embed``, t and d [B] -> velocity [B, M, T].

        ``lengths`` [B] are the valid frames; None means that all are valid.
        """
        condition = self.time_embed(t) + self.d_embed(d)
        h = self.input_embed(x.transpose(1, 2), prompt.transpose(1, 2), text)
        rotary = self.rotary_embed(h.shape[1])
        valid = None if lengths is None else torch.arange(h.shape[1], device=h.device)[None, :] < lengths[:, None]
        for block in self.transformer_blocks:
            h = block(h, condition, rotary, valid)
        scale, shift = self.norm_out(condition)
        return self.proj_out(_norm(h) * (1 + scale) + shift).transpose(1, 2)

    def forward(
        self, x: Tensor, prompt: Tensor, content: Tensor, t: Tensor, d: Tensor, lengths: Tensor | None = None
    ) -> Tensor:
        """As ``velocity`` with the raw content condition [B, E, T]."""
        return self.velocity(x, prompt, self.text_embed(content), t, d, lengths)
