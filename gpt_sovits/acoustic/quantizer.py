"""Vector quantizer: one frozen codebook that turns content features into semantic tokens and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class _Codebook(nn.Module):
    """Buffers under the published names; only ``embed`` [N, C] takes part in coding."""

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        table = torch.randn(size, dim)
        self.register_buffer("inited", torch.ones(1))
        self.register_buffer("cluster_size", torch.ones(size))
        self.register_buffer("embed", table)
        self.register_buffer("embed_avg", table.clone())


class _Layer(nn.Module):
    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self._codebook = _Codebook(size, dim)


class _Residual(nn.Module):
    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_Layer(size, dim)])


class Quantizer(nn.Module):
    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.vq = _Residual(size, dim)

    @property
    def table(self) -> Tensor:
        """Codebook [N, C]."""
        return self.vq.layers[0]._codebook.embed  # type: ignore[union-attr,return-value]

    def encode(self, x: Tensor) -> Tensor:
        """Features [B, C, T] -> nearest codes [B, 1, T]."""
        points = x.transpose(1, 2).reshape(-1, x.shape[1])
        table = self.table.t()
        distance = points.pow(2).sum(1, keepdim=True) - 2 * points @ table + table.pow(2).sum(0, keepdim=True)
        return (-distance).max(dim=-1).indices.view(x.shape[0], 1, x.shape[2])

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, T] or [B, 1, T] -> features [B, C, T]."""
        codes = codes.squeeze(1) if codes.dim() == 3 else codes
        return nn.functional.embedding(codes, self.table).transpose(1, 2)
