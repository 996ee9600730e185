"""Several processes that train one model in step: each takes its rows of every batch, gradients are averaged.

    accelerate launch --num_processes 2 -m gpt_sovits train "My voice" recording.wav ...

Started so, process 0 is the one that a person sees: it prepares, saves, judges and reports. The others load what it
prepared from the same data folder (on several machines: shared storage) and only compute. ``Processes`` itself is one
process alone; ``Together`` talks through Accelerate, which picks gloo or NCCL and knows how it was launched.
"""

from __future__ import annotations

import atexit
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gpt_sovits.errors import ResourceError
from gpt_sovits.settings import Settings

T = TypeVar("T")
_PATIENCE = timedelta(hours=24)  # process 0 may wait for its turn; a process that died is noticed at once all the same


class Processes:
    """One process alone: it takes every row, and there is nobody to agree with."""

    rank = 0
    count = 1

    @property
    def main(self) -> bool:
        """Whether this process prepares, saves and reports."""
        return self.rank == 0

    def share(self, rows: Sequence[T]) -> list[T]:
        """This process's rows of a batch; it may get none."""
        return list(rows[self.rank :: self.count])

    def average(self, weights: Sequence[nn.Parameter], loss: float, rows: float) -> float:
        """Replace gradients by their mean over all processes, each counted by its ``rows``; returns the mean loss.

        A loss that is not finite in one process comes out so in all.
        """
        return loss

    def agree(self, value: float) -> float:
        """Process 0's value, in every process."""
        return value

    def any(self, flag: bool) -> bool:
        """Whether some process says so."""
        return flag

    def tell(self, value: Any = None) -> Any:
        """Process 0's JSON-like value, in every process."""
        return value


class Together(Processes):
    """This process among those that Accelerate launched. Raises ``ResourceError`` where Accelerate is missing."""

    def __init__(self, device: str = "cpu") -> None:
        try:
            from accelerate import PartialState, utils
        except ImportError as error:
            raise ResourceError(
                "Training in several processes needs the package accelerate.", "Run: pip install accelerate==1.15.0"
            ) from error
        self._utils = utils
        self._state = PartialState(cpu=device == "cpu", timeout=_PATIENCE)
        self.rank = int(self._state.process_index)
        self.count = int(self._state.num_processes)
        self._told = False
        if self.main:
            atexit.register(self._release)

    def average(self, weights: Sequence[nn.Parameter], loss: float, rows: float) -> float:
        given = [w.grad if w.grad is not None else torch.zeros_like(w) for w in weights]
        flat = torch.cat([g.reshape(-1).float() for g in given]) * rows if rows else self._zeros(weights)
        told = torch.tensor([loss * rows if rows else 0.0, rows], device=flat.device)
        flat = self._sum(torch.cat([flat, told]))
        total = float(flat[-1])
        flat = flat[:-1] / max(total, 1e-9)
        first = 0
        for weight in weights:
            weight.grad = flat[first : first + weight.numel()].view_as(weight).to(weight.dtype)
            first += weight.numel()
        return float(flat[-1]) if total else math.nan

    def agree(self, value: float) -> float:
        told = torch.tensor([value if self.main else 0.0], dtype=torch.float64, device=self._state.device)
        return float(self._sum(told)[0])

    def any(self, flag: bool) -> bool:
        return bool(self._sum(torch.tensor([float(flag)], device=self._state.device))[0])

    def tell(self, value: Any = None) -> Any:
        self._told = True
        return self._utils.broadcast_object_list([value])[0]

    def _release(self) -> None:
        """Do not leave the others waiting for work that never comes."""
        if not self._told:
            self.tell(None)

    def _sum(self, values: Tensor) -> Tensor:
        return self._utils.reduce(values, reduction="sum")

    def _zeros(self, weights: Sequence[nn.Parameter]) -> Tensor:
        return torch.zeros(sum(w.numel() for w in weights), device=weights[0].device)


ALONE = Processes()


def processes_of(settings: Settings) -> Processes:
    """This process alone, or among those that were launched together with it."""
    return Together(settings.device) if settings.processes > 1 else ALONE
