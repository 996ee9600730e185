"""Relative-attention encoder (post-norm) of the prior, and the cross attention that brings in the phones.

Shapes: x [B, C, T]; mask [B, 1, T], 1 for valid frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MASKED = -1e4  # score of a padded key; not -inf, so that a row without any key stays finite


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [B, C, T]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta, 1e-5).transpose(1, 2)


def _heads(x: Tensor, heads: int) -> Tensor:
    """[B, C, T] -> [B, heads, T, C/heads]."""
    batch, channels, length = x.shape
    return x.view(batch, heads, channels // heads, length).transpose(2, 3)


def _spread(scores: Tensor, window: int) -> Tensor:
    """[B, H, T, 2w+1] scores of relative positions -> [B, H, T, T] with zeros outside the window."""
    batch, heads, length, width = scores.shape
    flat = F.pad(scores, (0, length)).flatten(2)[:, :, : length * (length + width - 1)]
    return flat.view(batch, heads, length, length + width - 1)[..., window : window + length]


def _gather(weights: Tensor, window: int) -> Tensor:
    """[B, H, T, T] -> the 2w+1 diagonals around the main one, [B, H, T, 2w+1]; the inverse of ``_spread``."""
    batch, heads, length, _ = weights.shape
    width = 2 * window + 1
    flat = F.pad(F.pad(weights, (window, window)).flatten(2), (0, length))
    return flat.view(batch, heads, length, length + width)[..., :width]


class RelativeAttention(nn.Module):
    """Self-attention; keys and values within ``window`` frames get a learned offset, shared by the heads."""

    def __init__(self, channels: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.window, self.dropout = heads, window, dropout
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        size = channels // heads
        self.emb_rel_k = nn.Parameter(torch.randn(1, 2 * window + 1, size) * size**-0.5)
        self.emb_rel_v = nn.Parameter(torch.randn(1, 2 * window + 1, size) * size**-0.5)
        for conv in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(conv.weight)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        query = _heads(self.conv_q(x), self.heads)
        key, value = _heads(self.conv_k(x), self.heads), _heads(self.conv_v(x), self.heads)
        query = query * query.shape[-1] ** -0.5
        scores = query @ key.transpose(2, 3) + _spread(query @ self.emb_rel_k.transpose(1, 2), self.window)
        weights = F.softmax(scores.masked_fill(mask.unsqueeze(1) == 0, MASKED), dim=-1)
        weights = F.dropout(weights, self.dropout, self.training)
        out = weights @ value + _gather(weights, self.window) @ self.emb_rel_v
        return self.conv_o(out.transpose(2, 3).reshape(x.shape))


class FeedForward(nn.Module):
    def __init__(self, channels: int, hidden: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, hidden, kernel)
        self.conv_2 = nn.Conv1d(hidden, channels, kernel)
        self.pad = ((kernel - 1) // 2, kernel // 2)
        self.dropout = dropout

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = F.relu(self.conv_1(F.pad(x * mask, self.pad)))
        x = F.dropout(x, self.dropout, self.training)
        return self.conv_2(F.pad(x * mask, self.pad)) * mask


class Encoder(nn.Module):
    """``layers`` times: x = LN(x + attention(x)), x = LN(x + feed_forward(x)); masked at both ends."""

    def __init__(
        self, channels: int, hidden: int, heads: int, layers: int, kernel: int, window: int, dropout: float
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.attn_layers = nn.ModuleList(RelativeAttention(channels, heads, window, dropout) for _ in range(layers))
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(FeedForward(channels, hidden, kernel, dropout) for _ in range(layers))
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x * mask
        layers = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attention, norm_1, feed_forward, norm_2 in layers:
            x = norm_1(x + F.dropout(attention(x, mask), self.dropout, self.training))
            x = norm_2(x + F.dropout(feed_forward(x, mask), self.dropout, self.training))
        return x * mask


class CrossAttention(nn.Module):
    """Plain multi-head attention: queries from x [B, C, T], keys and values from context [B, C, P]."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        for conv in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(conv.weight)

    def forward(self, x: Tensor, context: Tensor, context_mask: Tensor) -> Tensor:
        query = _heads(self.conv_q(x), self.heads)
        key, value = _heads(self.conv_k(context), self.heads), _heads(self.conv_v(context), self.heads)
        allowed = torch.where(context_mask == 0, MASKED, 0.0).to(query.dtype).unsqueeze(1)
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        return self.conv_o(out.transpose(2, 3).reshape(x.shape))


class MRTE(nn.Module):
    """Multi-reference timbre encoder: content attends to phones, then the style vector is added."""

    def __init__(self, channels: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.cross_attention = CrossAttention(hidden, heads)
        self.c_pre = nn.Conv1d(channels, hidden, 1)
        self.text_pre = nn.Conv1d(channels, hidden, 1)
        self.c_post = nn.Conv1d(hidden, channels, 1)

    def forward(self, content: Tensor, mask: Tensor, text: Tensor, text_mask: Tensor, style: Tensor) -> Tensor:
        """content [B, C, T], text [B, C, P], style [B, hidden, 1] -> [B, C, T]."""
        content = self.c_pre(content * mask)
        text = self.text_pre(text * text_mask)
        x = self.cross_attention(content * mask, text * text_mask, text_mask) + content + style
        return self.c_post(x * mask)
