"""The loop of every fine-tuning: best weights kept, back to them when it slips, a sentence when it goes on slipping."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from gpt_sovits.errors import VoiceError
from gpt_sovits.events import CancelToken, Event
from gpt_sovits.training.acoustic import StepResult
from gpt_sovits.training.loop import Manner, Part
from gpt_sovits.training.plan import TrainingPlan


class Point(nn.Module):
    """One number that is to become 3."""

    def __init__(self) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.zeros(()))


def part(tmp_path: Path, steps: int, events: list[Event], **more: object) -> tuple[Part, Point]:
    model = Point()
    drawn = TrainingPlan(steps, 0, validate_every=1, patience=100)
    made = Part("acoustic", model, steps, 0.5, drawn, tmp_path, events.append, CancelToken(), **more)  # type: ignore[arg-type]
    return made, model


def away(model: Point) -> torch.Tensor:
    return (model.at - 3.0).square() + 1.0


def judged(model: Point) -> float:
    return float(away(model).detach())


def training(model: Point, spoil: Callable[[int, torch.Tensor], torch.Tensor]) -> Callable[[], StepResult]:
    count = [0]

    def train() -> StepResult:
        count[0] += 1
        return StepResult(spoil(count[0], away(model)), {})

    return train


def test_the_best_weights_are_what_remains(tmp_path: Path) -> None:
    events: list[Event] = []
    made, model = part(tmp_path, 40, events)
    metrics, steps = made.run(training(model, lambda step, loss: loss), lambda: judged(model))
    assert steps == 40 and metrics["acoustic_best"] < 1.2
    assert judged(model) == pytest.approx(metrics["acoustic_best"])


def test_with_slack_the_latest_of_the_good_weights_remain(tmp_path: Path) -> None:
    made, model = part(tmp_path, 4, [], slack=0.05)
    seen: list[float] = []
    losses = iter([5.0, 1.0, 1.04, 1.03, 1.2])

    def validate() -> float:
        seen.append(float(model.at.detach()))
        return next(losses)

    metrics, _ = made.run(training(model, lambda step, loss: loss), validate)
    assert metrics["acoustic_best"] == 1.0 and metrics["acoustic_best_step"] == 3
    assert float(model.at.detach()) == seen[3] != seen[1]


def test_a_few_bad_losses_are_passed_over(tmp_path: Path) -> None:
    events: list[Event] = []
    made, model = part(tmp_path, 30, events)
    metrics, steps = made.run(
        training(model, lambda step, loss: loss * math.nan if step in (5, 6, 11) else loss), lambda: judged(model)
    )
    assert steps == 30 and metrics["acoustic_falls"] == 0 and metrics["acoustic_best"] < 2.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e6])
def test_it_goes_back_and_on_more_slowly(bad: float, tmp_path: Path) -> None:
    events: list[Event] = []
    made, model = part(tmp_path, 30, events)
    metrics, steps = made.run(
        training(model, lambda step, loss: loss * bad if 10 <= step < 13 else loss), lambda: judged(model)
    )
    assert steps == 30 and metrics["acoustic_falls"] == 1 and math.isfinite(float(model.at.detach()))
    assert [event.message for event in events if "slipped" in event.message] != []


def test_it_stops_with_a_sentence_when_it_never_settles(tmp_path: Path) -> None:
    made, model = part(tmp_path, 100, [])
    with pytest.raises(VoiceError, match="does not settle"):
        made.run(training(model, lambda step, loss: loss * math.nan), lambda: judged(model))
    assert float(model.at.detach()) == 0.0


def test_an_exploded_validation_brings_the_best_weights_back(tmp_path: Path) -> None:
    made, model = part(tmp_path, 60, [])
    answers = iter([1.0, 0.5, *[math.inf] * 100])
    with pytest.raises(VoiceError, match="does not settle"):
        made.run(training(model, lambda step, loss: loss), lambda: next(answers))
    assert 0.0 < float(model.at.detach()) < 0.5  # what one step of a warm start gave


def test_a_rival_learns_beside_and_is_kept_with_it(tmp_path: Path) -> None:
    """Gradients that a step leaves by itself are taken as they are; both networks are in the saved state."""
    rival = nn.Linear(2, 1)
    made, model = part(tmp_path, 6, [], rival=rival, manner=Manner(rival_rate=0.1, clip=math.inf))
    before = rival.weight.detach().clone()

    def train() -> StepResult:
        away(model).backward()
        rival(torch.ones(1, 2)).square().sum().backward()
        return StepResult(away(model).detach(), {})

    made.run(train, lambda: judged(model))
    assert not torch.equal(rival.weight, before) and float(model.at.detach()) > 0
    again, resumed = part(tmp_path, 6, [], rival=nn.Linear(2, 1), manner=Manner(rival_rate=0.1))
    metrics, steps = again.run(train, lambda: 0.0)
    assert steps == 6 and torch.equal(resumed.at, model.at)
    assert torch.equal(again.rival.weight, rival.weight)  # type: ignore[union-attr]
