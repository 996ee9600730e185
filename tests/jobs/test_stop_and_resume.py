"""A training that is stopped goes on from the very step where it was, and is heard after each quarter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpt_sovits.errors import CancelledError
from gpt_sovits.events import CancelToken, Event
from gpt_sovits.training.acoustic import StepResult
from gpt_sovits.training.finetune import Tuned, _quarters
from gpt_sovits.training.loop import Part
from gpt_sovits.training.plan import plan

STEPS = 30


def part(folder: Path, cancel: CancelToken, seen: list[int], stop_at: int = 0) -> tuple[Part, torch.nn.Linear]:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)

    def on_event(event: Event) -> None:
        if event.message == "Learning the voice.":
            seen.append(event.step)
        if event.step == stop_at:
            cancel.cancel()

    return Part("acoustic", model, STEPS, 1e-2, plan(60.0, "mini"), folder, on_event, cancel), model


def learn(model: torch.nn.Linear) -> StepResult:
    loss = (model(torch.ones(4, 3)) - 2.0).square().mean()
    return StepResult(loss, {"loss": float(loss.detach())})


@pytest.mark.parametrize("stop_at", [1, 7, 20, 29])
def test_a_stop_at_any_step_keeps_that_step(tmp_path: Path, stop_at: int) -> None:
    seen: list[int] = []
    first, model = part(tmp_path, CancelToken(), seen, stop_at)
    with pytest.raises(CancelledError):
        first.run(lambda: learn(model), lambda: learn(model).values["loss"])
    stopped = {name: value.clone() for name, value in model.state_dict().items()}

    second, model = part(tmp_path, CancelToken(), seen)
    resumed: list[dict[str, torch.Tensor]] = []

    def train() -> StepResult:
        if not resumed:
            resumed.append({name: value.clone() for name, value in model.state_dict().items()})
        return learn(model)

    _, steps = second.run(train, lambda: learn(model).values["loss"])
    assert seen == list(range(1, STEPS + 1)) and steps == STEPS, "no step is lost, none is taken twice"
    assert all(torch.equal(resumed[0][name], value) for name, value in stopped.items())


def test_each_quarter_of_the_plan_is_told_once_and_costs_no_random_number() -> None:
    chosen = plan(60.0, "mini")
    told: list[tuple[int, int]] = []

    def tell(percent: int, learnt) -> None:
        torch.rand(5)
        told.append((percent, learnt().steps))

    step = _quarters(chosen, tell, lambda steps: Tuned({}, None, {}, steps))  # type: ignore[arg-type]
    torch.manual_seed(1)
    for kind, count in (("acoustic", chosen.acoustic_steps), ("semantic", chosen.semantic_steps)):
        for number in range(1, count + 1):
            step(kind, number)
    after = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(3))
    total = chosen.acoustic_steps + chosen.semantic_steps
    assert told == [(percent, round(total * percent / 100)) for percent in (25, 50, 75)]
