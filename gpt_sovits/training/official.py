"""What learning with the official families has in common: rows a few at a time, a judgement on held-out speech.

v1, v2, v2Pro and v2ProPlus (vits.py) learn against discriminators, v3 and v4 (flow_matching.py) by flow matching.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from gpt_sovits.dataset.training_set import Slice
from gpt_sovits.families.base import Base
from gpt_sovits.semantic.model import T2S, Layer
from gpt_sovits.training import lowrank
from gpt_sovits.training.acoustic import StepResult
from gpt_sovits.training.learning import ACOUSTIC_BLOCKS, Learning, Lesson, Task, semantic_learner
from gpt_sovits.training.loop import Manner
from gpt_sovits.training.official_data import SpokenBatch, SpokenExample, collate_spoken, spoken_example
from gpt_sovits.training.optim import ScaledAdam
from gpt_sovits.training.plan import TrainingPlan
from gpt_sovits.training.precision import Precision, recompute

T = TypeVar("T")
Gradients = Callable[[SpokenBatch, float], tuple[float, dict[str, float]]]

_TEXT_PARTS = ("enc_p.text_embedding", "enc_p.encoder_text", "enc_p.mrte")  # learn more slowly
_TEXT_PACE = 0.4
_JUDGED_PIECES = 2


class OfficialLearning(Learning):
    most_bytes = 150_000_000

    def example(self, base: Base, piece: Slice) -> SpokenExample:
        return spoken_example(base, piece)

    def rival(self, base: Base, plan: TrainingPlan) -> nn.Module | None:
        """What the acoustic network learns against."""
        return None

    @abstractmethod
    def prepare(self, model: nn.Module, rival: nn.Module | None, plan: TrainingPlan) -> None:
        """Choose what of the networks is trained."""

    @abstractmethod
    def gradients(self, model: nn.Module, rival: nn.Module | None, task: Task, arithmetic: Precision) -> Gradients:
        """What leaves a batch's gradients, times its share of the step, in the weights; gives the loss and its parts.

        It may stop half way when it is asked to.
        """

    @abstractmethod
    def judgement(self, model: nn.Module, batch: SpokenBatch) -> float:
        """How far the model is from one held-out piece, in what it says when it is on its own."""

    def train_mode(self, model: nn.Module) -> None:
        model.train()

    def collate(self, model: nn.Module, rows: Sequence[SpokenExample], device: torch.device) -> SpokenBatch:
        return collate_spoken(rows, device=device)

    def acoustic(self, base: Base, model: nn.Module, task: Task, arithmetic: Precision) -> Lesson:
        rival = self.rival(base, task.plan)
        task.draw_alike()
        self.prepare(model, rival, task.plan)
        if task.plan.recompute:
            recompute(model, ACOUSTIC_BLOCKS)
        task.draw_apart()
        return self._lesson(model, rival, task, arithmetic)

    def semantic(self, model: T2S, task: Task) -> Lesson:
        task.draw_alike()
        lowrank.adapt(model, task.plan.semantic_rank)
        if task.plan.recompute:
            recompute(model, (Layer,))
        task.draw_apart()
        # ScaledAdam where the whole network learns, AdamW for thin factors, whose size starts at zero
        manner = Manner(pace=_factor_pace) if task.plan.semantic_rank else Manner(_scaled)
        return Lesson(*semantic_learner(model, task), manner=manner)

    def _lesson(self, model: nn.Module, rival: nn.Module | None, task: Task, arithmetic: Precision) -> Lesson:
        batches = _endless(task.training, task.plan.rows, np.random.default_rng(task.plan.seed))
        device = next(model.parameters()).device
        leave_gradients = self.gradients(model, rival, task, arithmetic)

        def train() -> StepResult | None:
            mine = task.processes.share(next(batches))
            if not mine:
                return None
            self.train_mode(model)
            total, values = 0.0, dict[str, float]()
            for rows in _portions(mine, task.plan.at_once):
                if task.processes.count == 1:
                    task.cancel.check()
                share = len(rows) / len(mine)
                loss, parts = leave_gradients(self.collate(model, rows, device), share)
                total += loss * share
                for name, value in parts.items():
                    values[name] = values.get(name, 0.0) + value * share
            return StepResult(torch.tensor(total), {"loss": total, **values}, float(len(mine)))

        def validate() -> float:
            model.eval()
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                judged = task.held_out[:_JUDGED_PIECES]
                found = [self.judgement(model, self.collate(model, [row], device)) for row in judged]
            return sum(found) / len(found)

        # AdamW as upstream sets it, both sides at one rate, no clipping
        rate = task.plan.acoustic_rate
        manner = Manner(_slow, _pace, clip=float("inf"), rival_rate=rate, rival_pace=_factor_pace)
        return Lesson(train, validate, rival, manner)


def _slow(groups: Iterable[Any], rate: float) -> torch.optim.Optimizer:
    """Upstream's optimiser of the acoustic networks; factors are not pulled to zero."""
    return torch.optim.AdamW(groups, lr=rate, betas=(0.8, 0.99), eps=1e-9, weight_decay=0.0)


def _scaled(groups: Iterable[Any], rate: float) -> torch.optim.Optimizer:
    """Upstream's optimiser of the semantic network; its rate is relative to each tensor's size."""
    return ScaledAdam(groups, lr=rate, clip_main_update=True)


def _pace(name: str) -> float:
    text = _TEXT_PACE if name.startswith(_TEXT_PARTS) else 1.0
    return text * (lowrank.PACE if lowrank.is_factor(name) else 1.0)


def _factor_pace(name: str) -> float:
    return lowrank.PACE if lowrank.is_factor(name) else 1.0


def _endless(rows: Sequence[T], count: int, rng: np.random.Generator) -> Iterator[list[T]]:
    """Batches of ``count`` rows, every row once before any comes again."""
    waiting: list[T] = []
    while True:
        while len(waiting) < count:
            waiting.extend(rows[int(i)] for i in rng.permutation(len(rows)))
        yield waiting[:count]
        del waiting[:count]


def _portions(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for first in range(0, len(rows), size):
        yield rows[first : first + size]
