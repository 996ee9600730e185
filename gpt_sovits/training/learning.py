"""How a family of networks is learnt: the counterpart of ``families/`` that speaking never imports.

A ``Learning`` turns slices into examples and a fresh network into a ``Lesson``: what of it is trained, what one step
computes, how it is judged. The loop that goes through a lesson is everybody's (``loop.Part``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from gpt_sovits.acoustic.dit import Block
from gpt_sovits.acoustic.hifigan import ResidualBlock
from gpt_sovits.acoustic.wavenet import WN
from gpt_sovits.dataset.training_set import Slice
from gpt_sovits.events import CancelToken
from gpt_sovits.families.base import Base
from gpt_sovits.semantic.model import T2S, Layer
from gpt_sovits.training.acoustic import StepResult
from gpt_sovits.training.distributed import ALONE, Processes
from gpt_sovits.training.examples import Example, batches, moved
from gpt_sovits.training.loop import Manner
from gpt_sovits.training.plan import TrainingPlan
from gpt_sovits.training.precision import Precision
from gpt_sovits.training.semantic import collate_semantic, join, semantic_loss

ACOUSTIC_BLOCKS = (Block, ResidualBlock, WN)  # the layers that take long and keep much for the way back


@dataclass(frozen=True)
class Task:
    """What is learnt from and by which plan. ``training`` and ``held_out`` are of the learning's own examples."""

    training: Sequence[Any]
    held_out: Sequence[Any]
    plan: TrainingPlan
    processes: Processes = ALONE
    cancel: CancelToken = field(default_factory=CancelToken)

    def draw_alike(self) -> None:
        """From here on all processes draw the same numbers: they begin with the same factors."""
        torch.manual_seed(self.plan.seed)

    def draw_apart(self) -> None:
        """From here on every process draws its own numbers."""
        torch.manual_seed(self.plan.seed + 1 + self.processes.rank)


@dataclass(frozen=True)
class Lesson:
    """A network ready to be learnt: one step (see ``Part.run``), one judgement of what it has learnt, and the manner.

    ``slack``: see ``Part``.
    """

    train: Callable[[], StepResult | None]
    validate: Callable[[], float]
    rival: nn.Module | None = None
    manner: Manner = field(default_factory=Manner)
    slack: float = 0.0


class Learning(ABC):
    """How voices are learnt with one family of networks."""

    family: ClassVar[str]
    most_bytes: ClassVar[int]  # of a version's weights

    @abstractmethod
    def example(self, base: Base, piece: Slice) -> Example:
        """A slice as the networks of ``base`` learn from it."""

    @abstractmethod
    def acoustic(self, base: Base, model: nn.Module, task: Task, arithmetic: Precision) -> Lesson:
        """Prepare the acoustic network of ``base`` in place; ``arithmetic`` is what its steps are computed with."""

    def semantic(self, model: T2S, task: Task) -> Lesson:
        """Prepare the semantic network in place."""
        return Lesson(*semantic_learner(model, task))

    def settle(self, base: Base, model: nn.Module) -> None:  # noqa: B027 - most have nothing to do
        """The last touch to an acoustic network that has learnt."""


def interruptible(model: nn.Module, cancel: CancelToken) -> None:
    """Let a forward pass end at its next block once the person stops it: one can take longer than they like to wait."""

    def check(module: nn.Module, inputs: object) -> None:
        cancel.check()

    for module in model.modules():
        if isinstance(module, (*ACOUSTIC_BLOCKS, Layer)):
            module.register_forward_pre_hook(check)


def semantic_learner(model: T2S, task: Task) -> tuple[Callable[[], StepResult | None], Callable[[], float]]:
    """One step and one judgement of a semantic network."""
    rng = np.random.default_rng(task.plan.seed + 1)
    pool: list[list[Example]] = []
    device = next(model.parameters()).device

    def train() -> StepResult | None:
        if not pool:
            rows = [e for e in task.training if len(e.phones)]
            pairs = [join([rows[i], rows[j]]) for i, j in enumerate(rng.permutation(len(rows)))]
            pool.extend(batches([*rows, *pairs], task.plan.positions, rng, phones=True))
        mine = task.processes.share(pool.pop())
        model.train()
        return semantic_loss(model, moved(collate_semantic(mine), device), smoothing=0.05) if mine else None

    check = moved(collate_semantic(list(task.held_out)), device)

    def validate() -> float:
        model.eval()
        with torch.no_grad():
            return semantic_loss(model, check).values["cross_entropy"]

    return train, validate
