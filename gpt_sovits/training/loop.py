"""The loop that every fine-tuning goes through: steps, validation, keep-best, checkpoints, a way back when it slips.

A ``Part`` is one network being tuned, perhaps with a rival (the discriminators of an adversarial training). What a step
computes is the caller's; the loop only knows losses and gradients.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gpt_sovits.errors import CancelledError, VoiceError
from gpt_sovits.events import CancelToken, Event, EventSink
from gpt_sovits.training.acoustic import StepResult
from gpt_sovits.training.checkpoint import Curve, load_checkpoint, save_checkpoint
from gpt_sovits.training.distributed import ALONE, Processes
from gpt_sovits.training.plan import TrainingPlan
from gpt_sovits.training.precision import Precision

SAVE_EVERY = 40  # steps, or
SAVE_SECONDS = 10.0  # seconds, whichever comes first; never more than a tenth of the time goes into saving
WARM_STEPS = 20
MOST_FALLS = 2  # times that training may start again from its best weights
_EXPLODED = 4.0  # times the best validation loss
_LEAPT = 20.0  # times the usual training loss
_MOST_ODD = 3  # steps in a row whose loss or gradient is not usable


class Weights:
    """Those parameters of a network that are trained, as a state dict; to save, to keep, and to put back."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = dict(tensors)

    @staticmethod
    def of(model: nn.Module) -> Weights:
        return Weights({name: p for name, p in model.named_parameters() if p.requires_grad})

    def copy(self) -> Weights:
        return Weights({name: value.detach().clone() for name, value in self.tensors.items()})

    def state_dict(self) -> dict[str, Tensor]:
        return self.tensors

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor], strict: bool = True) -> None:
        if strict and set(state) != set(self.tensors):
            raise VoiceError("The saved training does not fit its plan any more.", "Start the training again.")
        for name, value in state.items():
            self.tensors[name].copy_(value)


def adamw(groups: Iterable[Any], rate: float) -> torch.optim.Optimizer:
    """The optimiser of the embedded base's networks."""
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=0.0)


def one_pace(name: str) -> float:
    """Every parameter learns at the same rate."""
    return 1.0


@dataclass(frozen=True)
class Manner:
    """How a part learns. ``pace(name)``: that parameter's rate relative to the part's."""

    optimizer: Callable[[Iterable[Any], float], torch.optim.Optimizer] = adamw
    pace: Callable[[str], float] = one_pace
    clip: float = 2.0  # norm of the gradient
    rival_rate: float = 0.0
    rival_pace: Callable[[str], float] = one_pace


@dataclass
class Part:
    """One model being tuned, in place."""

    kind: str
    model: nn.Module
    steps: int
    rate: float
    plan: TrainingPlan
    work_dir: Path
    on_event: EventSink
    cancel: CancelToken
    processes: Processes = ALONE
    on_step: Callable[[str, int], None] = lambda kind, step: None
    rival: nn.Module | None = None
    manner: Manner = field(default_factory=Manner)
    arithmetic: Precision = field(default_factory=Precision)
    slack: float = 0.0  # how much worse than the best validation, relative to it, later weights may be and be kept

    def __post_init__(self) -> None:
        networks = {"model": self.model} if self.rival is None else {"model": self.model, "rival": self.rival}
        self._weights = {name: Weights.of(network) for name, network in networks.items()}
        self._best = {name: weights.copy() for name, weights in self._weights.items()}
        self._optimizers = {name: self._optimizer(name) for name in networks}
        self._numbers: dict[str, float] = {}
        self._state = self.work_dir / f"{self.kind}.state.safetensors"
        self._curve = Curve(self.work_dir / f"{self.kind}.csv")

    def _optimizer(self, name: str) -> torch.optim.Optimizer:
        rate, pace = (
            (self.rate, self.manner.pace) if name == "model" else (self.manner.rival_rate, self.manner.rival_pace)
        )
        paces: dict[float, list[Tensor]] = {}
        for key, parameter in self._weights[name].tensors.items():
            paces.setdefault(pace(key), []).append(parameter)
        groups = [{"params": members, "own_rate": rate * each} for each, members in paces.items()]
        return self.manner.optimizer(groups, rate)

    def run(
        self, train: Callable[[], StepResult | None], validate: Callable[[], float]
    ) -> tuple[dict[str, float], int]:
        """Train ``model`` and leave it at its best; returns metrics and the steps taken.

        ``train`` computes one step: a loss to go backward from, or, where it has left its gradients in the weights
        itself, one without a graph. None: this process has no rows in this step.
        """
        numbers = self._numbers
        step = self._begin(validate)
        saved, cost, kept = time.monotonic(), 0.0, step
        # the first dozens of steps unsettle a base before they help, so nothing ends before the middle
        while step < self.steps and (numbers["waited"] < self.plan.patience or step < self.steps // 2):
            stop = self.processes.any(self.cancel.cancelled)
            due = step % SAVE_EVERY == 0 or time.monotonic() - saved > max(SAVE_SECONDS, 10.0 * cost)
            if step > kept and (stop or due):
                began = time.monotonic()
                self._save(step)
                saved, kept = time.monotonic(), step
                cost = saved - began
            if stop:
                self.cancel.cancel()
                self.cancel.check()
            try:
                values = self._step(train, step)
                step += 1
                self.on_event(Event(self.kind, "Learning the voice.", step, self.steps, values))
                if step % self.plan.validate_every == 0 or step == self.steps:
                    self._judge(self._validated(validate), step)
                self.on_step(self.kind, step)
            except CancelledError:  # in the middle of a long step
                if step > kept:
                    self._save(step)
                raise
        if step > kept:
            self._save(step)
        self._restore_best()
        self.on_event(Event(self.kind, "Learned.", self.steps, self.steps, {"validation": numbers["best"]}))
        names = ("first", "best", "best_step", "falls")
        return {f"{self.kind}_{name}": float(numbers[name]) for name in names}, step

    def _begin(self, validate: Callable[[], float]) -> int:
        if self.processes.agree(self._state.is_file()):
            step, numbers = load_checkpoint(self._state, self._networks(), self._optimizers)
            self._numbers.update(numbers)
            return step
        first = self._validated(validate)
        best = first if math.isfinite(first) else math.inf
        self._numbers.update(first=first, best=best, best_step=0, waited=0, scale=1.0, falls=0, usual=0.0, odd=0)
        return 0

    def _networks(self) -> dict[str, Weights]:
        return {**self._weights, **{f"best_{name}": kept for name, kept in self._best.items()}}

    def _save(self, step: int) -> None:
        if self.processes.main:
            save_checkpoint(self._state, self._networks(), self._optimizers, step=step, numbers=self._numbers)

    def _validated(self, validate: Callable[[], float]) -> float:
        return self.processes.agree(validate() if self.processes.main else 0.0)

    def _step(self, train: Callable[[], StepResult | None], step: int) -> dict[str, float]:
        warm = min(1.0, (step + 1) / WARM_STEPS)
        decay = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        for optimizer in self._optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["own_rate"] * warm * decay * self._numbers["scale"]
            optimizer.zero_grad(set_to_none=True)
        with self.arithmetic.autocast():
            result = train()
        if result is not None and result.loss.requires_grad:
            self.arithmetic.scaled(result.loss).backward()
        loss, rows = (float(result.loss.detach()), result.rows) if result is not None else (0.0, 0.0)
        self._update(loss, rows)
        return {} if result is None else result.values

    def _update(self, loss: float, rows: float) -> None:
        """Let the optimisers step, unless the loss or a gradient is not usable; go back when that goes on."""
        usable = True
        for name, optimizer in self._optimizers.items():
            weights: Any = list(self._weights[name].tensors.values())
            self.arithmetic.unscale(optimizer)
            loss = self.processes.average(weights, loss, rows) if name == "model" else loss
            if name != "model":
                self.processes.average(weights, loss, rows)
            clip = self.manner.clip if name == "model" else math.inf
            norm = float(nn.utils.clip_grad_norm_(weights, clip if math.isfinite(clip) else 1e30))
            usable = usable and (math.isfinite(norm) or self.arithmetic.forgiving)
        numbers = self._numbers
        usual = numbers["usual"]
        leapt = usual > 0 and abs(loss) > _LEAPT * usual
        if usable and math.isfinite(loss) and not leapt:
            for optimizer in self._optimizers.values():
                self.arithmetic.step(optimizer)
            numbers.update(odd=0, usual=abs(loss) if not usual else 0.95 * usual + 0.05 * abs(loss))
        else:
            numbers["odd"] += 1
            if numbers["odd"] >= _MOST_ODD:
                self._fall()
        self.arithmetic.update()

    def _judge(self, loss: float, step: int) -> None:
        """Keep the best weights, or the latest that are as good but for the slack; go back after an explosion."""
        numbers = self._numbers
        if self.processes.main:
            self._curve.add(step, {"validation": loss})
        if loss < numbers["best"] * (1.0 + self.slack):
            numbers.update(best=min(loss, numbers["best"]), best_step=step, waited=0)
            for name, kept in self._best.items():
                kept.load_state_dict(self._weights[name].tensors)
            return
        numbers["waited"] += 1
        if not math.isfinite(loss) or loss > _EXPLODED * numbers["best"]:
            self._fall()

    def _fall(self) -> None:
        """Back to the last good state, at half the rate; the third time it is over."""
        numbers = self._numbers
        numbers["falls"] += 1
        if numbers["falls"] > MOST_FALLS:
            raise VoiceError("The training does not settle on this recording.", "Try another or a longer recording.")
        numbers.update(scale=numbers["scale"] * 0.5, odd=0, usual=0.0)
        self._restore_best()
        for optimizer in self._optimizers.values():
            optimizer.state.clear()
        self.on_event(Event(self.kind, "The training slipped; going on from its best state, more slowly."))

    def _restore_best(self) -> None:
        for name, kept in self._best.items():
            self._weights[name].load_state_dict(kept.tensors)
