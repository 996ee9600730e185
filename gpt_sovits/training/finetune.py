"""A training set and a base to a personal voice: the acoustic part, then the semantic part, best step kept.

The result is a delta: what training added to the base's weights, whole or as low-rank factors. Both parts are checked
on the held-out slice as they go; a part that stops improving ends early, and the weights of its best moment are what
the voice gets. Work is saved every few steps in ``work_dir``; called again there, it continues.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.audio import Audio, read_audio, resample
from gpt_sovits.dataset.training_set import Slice, TrainingSet
from gpt_sovits.errors import InputError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.families.base import Base
from gpt_sovits.families.enrol import enrol, reference_style
from gpt_sovits.families.vits import POSTERIOR
from gpt_sovits.features.reference import Reference
from gpt_sovits.models.delta import compressed
from gpt_sovits.models.native import load_tensors
from gpt_sovits.training.distributed import ALONE, Processes
from gpt_sovits.training.examples import RATE, Example
from gpt_sovits.training.flow_matching import FlowMatchingLearning
from gpt_sovits.training.learning import Learning, Lesson, Task, interruptible
from gpt_sovits.training.loop import Part
from gpt_sovits.training.lowrank import changes
from gpt_sovits.training.mini import MiniLearning
from gpt_sovits.training.plan import TrainingPlan, require_trainable
from gpt_sovits.training.precision import Precision
from gpt_sovits.training.resources import require_room
from gpt_sovits.training.vits import VitsLearning

COLOUR_SLICES = 8
NOT_KEPT = (POSTERIOR,)  # only training uses it
_LEARNINGS: Mapping[str, Learning] = {
    each.family: each for each in (MiniLearning(), VitsLearning(), FlowMatchingLearning())
}


@dataclass(frozen=True)
class Tuned:
    """What training gives: ``delta`` maps "acoustic.<key>" and "semantic.<key>" to what was added."""

    delta: dict[str, Tensor]
    reference: Reference
    metrics: dict[str, float]
    steps: int


def learning_of(base: Base) -> Learning:
    """How voices are learnt with the networks of ``base``."""
    return _LEARNINGS[base.family.name]


OnQuarter = Callable[[int, Callable[[], Tuned]], None]


def finetune(
    base: Base,
    dataset: TrainingSet,
    plan: TrainingPlan,
    *,
    work_dir: Path,
    on_event: EventSink = ignore,
    cancel: CancelToken | None = None,
    processes: Processes = ALONE,
    on_quarter: OnQuarter | None = None,
) -> Tuned:
    """Train a voice. Raises ``InputError`` where base or data cannot be trained on, ``ResourceError`` where memory or
    disk would not do, ``CancelledError`` when stopped.

    ``processes`` that train it together all call this with the same arguments; the first one writes and reports.
    ``on_quarter(percent, voice)`` is called at 25, 50 and 75 % of the plan; ``voice()`` is what was learnt until then.
    """
    cancel, learning = cancel or CancelToken(), learning_of(base)
    work_dir.mkdir(parents=True, exist_ok=True)
    require_trainable(base.files)
    if not dataset.training:
        raise InputError("None of the recording could be used for training.", "Record again in a quiet room.")
    require_room(plan, work_dir, str(base.device))
    if plan.note:
        on_event(Event("plan", plan.note))
    torch.manual_seed(plan.seed)
    tuned: dict[str, nn.Module] = {}

    def learnt(metrics: dict[str, float], steps: int) -> Tuned:
        delta: dict[str, Tensor] = {}
        for part, model in tuned.items():
            found = changes(model, load_tensors(base.files.path(part)), NOT_KEPT)
            delta.update({f"{part}.{key}": value for key, value in found.items()})
        kept = compressed(delta, learning.most_bytes)
        return Tuned(kept, reference_of(base, tuned["acoustic"].eval(), dataset), metrics, steps)

    quarters = _quarters(plan, on_quarter if processes.main else None, lambda steps: learnt({}, steps))
    tell = on_event if processes.main else ignore
    training, held_out = _heard(base, dataset, learning, on_event, cancel)
    task = Task(training, held_out, plan, processes, cancel)

    def go_through(part: str, steps: int, rate: float, arithmetic: Precision, lesson: Lesson) -> dict[str, float]:
        run = Part(
            part,
            tuned[part],
            steps,
            rate,
            plan,
            work_dir,
            tell,
            cancel,
            processes,
            quarters,
            lesson.rival,
            lesson.manner,
            arithmetic,
            lesson.slack,
        )
        metrics, taken = run.run(lesson.train, lesson.validate)
        counted.append(taken)
        return metrics

    counted: list[int] = []
    tuned["acoustic"] = acoustic = base.new_acoustic()
    arithmetic = plan.arithmetic()
    lesson = learning.acoustic(base, acoustic, task, arithmetic)
    if processes.count == 1:
        interruptible(acoustic, cancel)
    metrics = go_through("acoustic", plan.acoustic_steps, plan.acoustic_rate, arithmetic, lesson)
    learning.settle(base, acoustic)
    del lesson  # its rival's memory
    tuned["semantic"] = semantic = base.new_semantic()
    lesson = learning.semantic(semantic, task)
    metrics |= go_through("semantic", plan.semantic_steps, plan.semantic_rate, plan.arithmetic(), lesson)
    return learnt(metrics, sum(counted))


def _heard(
    base: Base, dataset: TrainingSet, learning: Learning, on_event: EventSink, cancel: CancelToken
) -> tuple[list[Example], list[Example]]:
    """The examples of a set: to learn from, and to be judged by."""
    heard: list[Example] = []
    for count, piece in enumerate((*dataset.training, *dataset.held_out)):
        cancel.check()
        heard.append(learning.example(base, piece))
        on_event(Event("listen", "Listening to the pieces.", count + 1, len(dataset.slices)))
    return heard[: len(dataset.training)], heard[len(dataset.training) :] or heard[:1]


def _quarters(plan: TrainingPlan, tell: OnQuarter | None, learnt: Callable[[int], Tuned]) -> Callable[[str, int], None]:
    """To be called after each step: tells of the three quarters of the plan, leaving the random numbers alone."""
    total = plan.acoustic_steps + plan.semantic_steps
    marks = {round(total * percent / 100): percent for percent in (25, 50, 75)}

    def on_step(kind: str, step: int) -> None:
        taken = step + (plan.acoustic_steps if kind == "semantic" else 0)
        if tell is not None and 0 < taken < total and taken in marks:
            with torch.random.fork_rng(devices=[]):
                tell(marks[taken], lambda: learnt(taken))

    return on_step


def reference_of(base: Base, acoustic: nn.Module, dataset: TrainingSet) -> Reference:
    """Style over all slices by the style encoder of ``acoustic``, tuned or not.

    The prompt is the surest slice of a good length.
    """

    def fitness(piece: Slice) -> tuple[bool, float]:
        return (2.5 <= piece.seconds <= 8.0, piece.confidence)

    best = max(dataset.slices, key=fitness)
    clip = resample(read_audio(best.audio_path), RATE)
    reference = enrol(base, clip, best.text, best.language, said=best.phones)
    everything = np.concatenate([resample(read_audio(p.audio_path), RATE).samples for p in dataset.slices])
    style, speaker = reference_style(base, Audio(everything[: 120 * RATE], RATE), acoustic)
    colour = _colour(base, acoustic, dataset, style)
    return replace(reference, style=style.cpu(), speaker=speaker, text=best.text, colour=colour)


def _colour(base: Base, acoustic: nn.Module, dataset: TrainingSet, style: Tensor) -> Tensor | None:
    """The mean of what the surest slices have more than the tuned model says of them."""
    found = []
    for piece in sorted(dataset.slices, key=lambda piece: -piece.confidence)[:COLOUR_SLICES]:
        clip = resample(read_audio(piece.audio_path), RATE)
        codes = base.family.codes(base, torch.from_numpy(resample(clip, 16000).samples)[None].to(base.device))
        found.append(base.family.colour(base, acoustic, clip, codes, piece.phones.ids, style))
    known = [colour for colour in found if colour is not None]
    return torch.stack(known).mean(0) if known else None
