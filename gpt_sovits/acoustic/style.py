"""Style encoder ``ref_enc``: a reference spectrogram of any length -> one vector [B, gin, 1]."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.acoustic.config import StyleConfig


class _Linear(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class _Conv(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _GatedConv(nn.Module):
    """x + a * sigmoid(b), where a, b are the halves of a convolution. x [B, C, T]."""

    def __init__(self, channels: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = _Conv(channels, 2 * channels, kernel)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        return x + F.dropout(F.glu(self.conv1(x), dim=1), self.dropout, self.training)


class _SelfAttention(nn.Module):
    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.w_qs = nn.Linear(channels, channels)
        self.w_ks = nn.Linear(channels, channels)
        self.w_vs = nn.Linear(channels, channels)
        self.fc = nn.Linear(channels, channels)

    def forward(self, x: Tensor, padded: Tensor | None) -> Tensor:
        """x [B, T, C]; padded [B, T] is True on frames that must not be heard."""
        batch, length, channels = x.shape
        shape = (batch, length, self.heads, -1)
        query, key, value = (w(x).view(shape).transpose(1, 2) for w in (self.w_qs, self.w_ks, self.w_vs))
        allowed = None if padded is None else ~padded[:, None, None, :]
        out = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=allowed,
            dropout_p=self.dropout if self.training else 0.0,
            scale=channels**-0.5,  # all channels, not those of one head: the published weights need it
        )
        out = self.fc(out.transpose(1, 2).reshape(batch, length, channels))
        return F.dropout(out, self.dropout, self.training) + x


class StyleEncoder(nn.Module):
    def __init__(self, config: StyleConfig, gin: int) -> None:
        super().__init__()
        hidden, dropout = config.hidden, config.dropout
        self.bins = config.bins
        self.spectral = nn.Sequential(
            _Linear(config.bins, hidden),
            nn.Mish(),
            nn.Dropout(dropout),
            _Linear(hidden, hidden),
            nn.Mish(),
            nn.Dropout(dropout),
        )
        self.temporal = nn.Sequential(*(_GatedConv(hidden, config.kernel, dropout) for _ in range(2)))
        self.slf_attn = _SelfAttention(hidden, config.heads, dropout)
        self.fc = _Linear(hidden, gin)

    def forward(self, spectrogram: Tensor, mask: Tensor | None = None) -> Tensor:
        """Magnitudes [B, F >= bins, T], mask [B, 1, T] -> [B, gin, 1]."""
        x = spectrogram[:, : self.bins]
        if mask is not None:
            x = x * mask
        x = self.temporal(self.spectral(x.transpose(1, 2)).transpose(1, 2))
        if mask is None:
            return self.fc(self.slf_attn(x.transpose(1, 2), None)).mean(dim=1).unsqueeze(-1)
        padded = mask.squeeze(1) == 0
        x = self.fc(self.slf_attn((x * mask).transpose(1, 2), padded)).transpose(1, 2)
        return (x * mask).sum(dim=2, keepdim=True) / mask.sum(dim=2, keepdim=True)
