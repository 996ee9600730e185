"""What a voice adds to its base, tensor by tensor: in full, or as two thin factors whose product it is.

    <key>                                      difference of that tensor, any shape
    <key>.lora_down [r, n], <key>.lora_up [m, r]    up @ down is the difference of the tensor [m, ...] seen as [m, n]

Both forms may stand side by side in one delta, also for the same key: then they add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from gpt_sovits.errors import InputError

DOWN, UP = ".lora_down", ".lora_up"


def plain_key(key: str) -> str:
    """The tensor that an entry of a delta belongs to."""
    return key.removesuffix(DOWN).removesuffix(UP)


def merged(state: Mapping[str, Tensor], delta: Mapping[str, Tensor], whose: str) -> dict[str, Tensor]:
    """``state`` plus ``delta``, added in float32; tensors that the delta does not touch stay as they are.

    Raises:
        InputError: a name or shape of the delta is not one of the base ``whose``.
    """
    result = dict(state)
    for key, value in delta.items():
        plain = plain_key(key)
        if key.endswith(UP) and key != plain:
            if plain + DOWN not in delta:
                raise _misfit(whose, plain)
            continue
        if plain not in result:
            raise _misfit(whose, plain)
        target = result[plain]
        if key == plain:
            if value.shape != target.shape:
                raise _misfit(whose, plain)
            result[plain] = target.float() + value.float()
            continue
        up = delta.get(plain + UP)
        if up is None or target.dim() < 2 or not _factors_fit(value, up, target):
            raise _misfit(whose, plain)
        sum_ = target.float() if target.dtype != torch.float32 else target.clone()
        result[plain] = sum_.view(len(up), -1).addmm_(up.float(), value.float()).view_as(target)
    return result


def _factors_fit(down: Tensor, up: Tensor, target: Tensor) -> bool:
    rows = target.shape[0]
    return (
        down.dim() == up.dim() == 2
        and down.shape[0] == up.shape[1]
        and up.shape[0] == rows
        and rows * down.shape[1] == target.numel()
    )


def _misfit(whose: str, key: str) -> InputError:
    return InputError(f"This voice does not fit the model {whose}: {key} is not part of it.", "Train it again.")


def stacked(parts: Iterable[tuple[Mapping[str, Tensor], float]]) -> dict[str, Tensor]:
    """The sum of deltas, each times its weight; factors are put side by side, so that the sum is exact.

    Raises:
        InputError: the deltas have tensors of different shapes under one name.
    """
    sums: dict[str, Tensor] = {}
    downs: dict[str, list[Tensor]] = {}
    ups: dict[str, list[Tensor]] = {}
    types: dict[str, torch.dtype] = {}
    for delta, weight in parts:
        for key, value in delta.items():
            types.setdefault(key, value.dtype)
            plain = plain_key(key)
            if key == plain:
                before = sums.get(key)
                if before is not None and before.shape != value.shape:
                    raise _different()
                sums[key] = value.float() * weight if before is None else before.add(value.float(), alpha=weight)
            elif key.endswith(DOWN):
                downs.setdefault(plain, []).append(value.float())
                if plain + UP not in delta:
                    raise _different()
                ups.setdefault(plain, []).append(delta[plain + UP].float() * weight)
    result = {key: value.to(types[key]) for key, value in sums.items()}
    for plain, found in downs.items():
        if len({value.shape[1] for value in found}) > 1 or len({value.shape[0] for value in ups[plain]}) > 1:
            raise _different()
        result[plain + DOWN] = torch.cat(found, dim=0).to(types[plain + DOWN])
        result[plain + UP] = torch.cat(ups[plain], dim=1).to(types.get(plain + UP, types[plain + DOWN]))
    return result


def _different() -> InputError:
    return InputError("The two voices differ in the shape of their weights.", "Train one of them again.")


def balanced(down: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
    """The same product from two factors of equal size, as float16, which neither then leaves."""
    sizes = float(down.norm()), float(up.norm())
    if min(sizes) == 0.0:
        return torch.zeros_like(down).half(), torch.zeros_like(up).half()
    scale = (sizes[1] / sizes[0]) ** 0.5
    return (down * scale).half(), (up / scale).half()


def truncated(difference: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The best factors (down, up) of rank ``rank`` for a difference [m, ...], in the least-squares sense."""
    matrix = difference.float().flatten(1)
    rank = min(rank, *matrix.shape)
    if 4 * rank < min(matrix.shape):  # the first directions by random projection (Halko et al. 2011), much faster
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            left, sizes, right = torch.svd_lowrank(matrix, rank + 8, niter=3)
    else:
        left, sizes, right_t = torch.linalg.svd(matrix, full_matrices=False)
        right = right_t.T
    return balanced(right[:, :rank].T.contiguous(), left[:, :rank] * sizes[:rank])


def nbytes(delta: Mapping[str, Tensor]) -> int:
    """Size of a delta's tensors."""
    return sum(value.numel() * value.element_size() for value in delta.values())


def compressed(delta: Mapping[str, Tensor], most_bytes: int) -> dict[str, Tensor]:
    """A float16 delta of at most ``most_bytes``: as it is where that fits, else its large tensors as factors.

    Ranks are halved from 256 until it fits; raises ``InputError`` if even rank 16 does not.
    """
    half = {key: value.half() for key, value in delta.items()}
    if nbytes(half) <= most_bytes:
        return half
    rank = 256
    while rank >= 16:
        if _size_at(half, rank) <= most_bytes:
            result: dict[str, Tensor] = {}
            for key, value in half.items():
                if _saves(key, value, rank):
                    result[key + DOWN], result[key + UP] = truncated(value, rank)
                else:
                    result[key] = value
            return result
        rank //= 2
    raise InputError("What was learnt is too large to be kept as a voice.", "Train on a smaller model.")


def _saves(key: str, value: Tensor, rank: int) -> bool:
    return plain_key(key) == key and value.dim() > 1 and rank * (value.shape[0] + value[0].numel()) < value.numel()


def _size_at(delta: Mapping[str, Tensor], rank: int) -> int:
    return sum(
        2 * (rank * (value.shape[0] + value[0].numel()) if _saves(key, value, rank) else value.numel())
        for key, value in delta.items()
    )
