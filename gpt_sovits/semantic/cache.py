"""Keys and values of the positions already seen: a value that the caller owns and passes in.

One preallocated block ``[layers, 2, B, heads, capacity, head_dim]``; a step writes one column and reads a slice.
"""

from __future__ import annotations

import torch
from torch import Tensor


class KVCache:
    """Preallocated keys and values of B rows, filled up to ``length`` positions."""

    def __init__(
        self,
        layers: int,
        rows: int,
        heads: int,
        head_dim: int,
        capacity: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self._block = torch.empty(layers, 2, rows, heads, capacity, head_dim, dtype=dtype, device=device)
        self.length = 0
        self.padding: Tensor | None = None  # [B] leading columns that nobody may attend to

    @property
    def rows(self) -> int:
        return self._block.shape[2]

    @property
    def capacity(self) -> int:
        return self._block.shape[4]

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Put keys and values [B, heads, n, head_dim] behind ``length``; return all of this layer up to there.

        ``length`` itself moves once per forward pass, by ``advance``.
        """
        end = self.length + keys.shape[2]
        stored_keys, stored_values = self.blocks(keys.shape[2])[layer]
        stored_keys[:, :, self.length : end] = keys
        stored_values[:, :, self.length : end] = values
        return stored_keys[:, :, :end], stored_values[:, :, :end]

    def blocks(self, positions: int) -> tuple[Tensor, ...]:
        """Each layer's keys and values [2, B, heads, capacity, head_dim], if they take ``positions`` more."""
        if self.length + positions > self.capacity:
            raise IndexError(f"cache of {self.capacity} positions cannot take {self.length + positions}")
        return self._block.unbind(0)

    def advance(self, positions: int) -> None:
        """Make the last ``positions`` written columns part of the past."""
        self.length += positions

    def rewind(self, length: int) -> None:
        """Forget everything behind ``length``, to continue from there in another way."""
        if not 0 <= length <= self.length:
            raise IndexError(f"cannot rewind {self.length} positions to {length}")
        self.length = length

    def mask(self) -> Tensor | None:
        """Which of ``length`` + 1 columns one new position may see: bool [B, 1, 1, length + 1], None = all."""
        if self.padding is None:
            return None
        columns = torch.arange(self.length + 1, device=self.padding.device)
        return (columns >= self.padding[:, None])[:, None, None, :]

    def copy_prefix(self, length: int, capacity: int, copies: int = 1) -> KVCache:
        """A new cache with the first ``length`` positions, every row repeated ``copies`` times."""
        layers, _, rows, heads, _, head_dim = self._block.shape
        other = KVCache(
            layers, rows * copies, heads, head_dim, capacity, dtype=self._block.dtype, device=self._block.device
        )
        prefix = self._block[..., :length, :]
        other._block[..., :length, :] = prefix.repeat_interleave(copies, dim=2) if copies > 1 else prefix
        other.length = length
        other.padding = None if self.padding is None else self.padding.repeat_interleave(copies)
        return other

    def keep_rows(self, rows: Tensor) -> None:
        """Drop all rows but ``rows`` (ascending indices [n]); only the filled columns are moved."""
        kept = rows.tolist()
        for new, old in enumerate(kept):
            if new != old:
                self._block[:, :, new, :, : self.length] = self._block[:, :, old, :, : self.length]
        self._block = self._block[:, :, : len(kept)]
        if self.padding is not None:
            self.padding = self.padding[rows]
            if not bool(self.padding.any()):
                self.padding = None
