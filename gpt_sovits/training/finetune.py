"""A training set and a base to a personal voice: the acoustic part, then the semantic part, best step kept.

The result is a delta: what training added to the base's weights, whole or as low-rank factors. Both parts are checked
on the held-out slice as they go; a part that stops improving ends early, and the weights of its best moment are what
the voice gets. Work is saved every few steps in ``work_dir``; called again there, it continues.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.harmonic import HarmonicDecoder
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.audio import Audio, read_audio, resample
from gpt_sovits.dataset.training_set import Slice, TrainingSet
from gpt_sovits.errors import InputError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.families.base import Base
from gpt_sovits.families.enrol import enrol, heard_codes, reference_style, voice_colour
from gpt_sovits.features.reference import Reference
from gpt_sovits.models.delta import compressed
from gpt_sovits.models.native import load_tensors
from gpt_sovits.semantic.model import T2S
from gpt_sovits.training import mini, official
from gpt_sovits.training.acoustic import StepResult
from gpt_sovits.training.distributed import ALONE, Processes
from gpt_sovits.training.examples import RATE, Example, batches, moved
from gpt_sovits.training.loop import Manner, Part
from gpt_sovits.training.lowrank import adapt, changes
from gpt_sovits.training.official_data import spoken_example
from gpt_sovits.training.plan import TrainingPlan, require_trainable
from gpt_sovits.training.resources import require_room
from gpt_sovits.training.semantic import collate_semantic, join, semantic_loss

COLOUR_SLICES = 8
MOST_BYTES = {"mini": 20_000_000}  # of a version's weights
MOST_BYTES_OFFICIAL = 150_000_000


@dataclass(frozen=True)
class Tuned:
    """What training gives: ``delta`` maps "acoustic.<key>" and "semantic.<key>" to what was added."""

    delta: dict[str, Tensor]
    reference: Reference
    metrics: dict[str, float]
    steps: int


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
    cancel = cancel or CancelToken()
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
            found = changes(model, load_tensors(base.files.path(part)), official.NOT_KEPT)
            delta.update({f"{part}.{key}": value for key, value in found.items()})
        kept = compressed(delta, MOST_BYTES.get(base.version, MOST_BYTES_OFFICIAL))
        return Tuned(kept, _reference(base, tuned["acoustic"].eval(), dataset), metrics, steps)

    quarters = _quarters(plan, on_quarter if processes.main else None, lambda steps: learnt({}, steps))
    shared = (plan, work_dir, on_event if processes.main else ignore, cancel, processes, quarters)
    small = base.version == "mini"
    hear = mini.example_of if small else spoken_example
    heard: list[Any] = []
    for count, piece in enumerate((*dataset.training, *dataset.held_out)):
        cancel.check()
        heard.append(hear(base, piece))
        on_event(Event("listen", "Listening to the pieces.", count + 1, len(dataset.slices)))
    training, held_out = heard[: len(dataset.training)], heard[len(dataset.training) :] or heard[:1]

    tuned["acoustic"] = acoustic = base.new_acoustic()
    manner, rival, arithmetic = Manner(), None, plan.arithmetic()
    if isinstance(acoustic, SoVITS) and isinstance(acoustic.dec, HarmonicDecoder):
        adapt(acoustic, plan.acoustic_rank, frozen=mini.FROZEN)
        torch.manual_seed(plan.seed + 1 + processes.rank)
        learner = mini.acoustic_learner(acoustic, training, held_out, plan, processes)
    else:
        rival = official.discriminators(base) if plan.adversarial else None
        manner = official.acoustic_manner(plan)
        torch.manual_seed(plan.seed)  # all processes begin with the same factors
        official.prepare_acoustic(acoustic, rival, plan)
        torch.manual_seed(plan.seed + 1 + processes.rank)
        learner = official.acoustic_learner(acoustic, rival, training, held_out, plan, processes, cancel, arithmetic)
    if processes.count == 1:
        official.interruptible(acoustic, cancel)
    slack = mini.SLACK if small else 0.0
    tune = Part(
        "acoustic", acoustic, plan.acoustic_steps, plan.acoustic_rate, *shared, rival, manner, arithmetic, slack
    )
    metrics, steps = tune.run(*learner)
    if small:
        mini.step_back(acoustic, load_tensors(base.files.path("acoustic")))
    del tune, learner, rival  # the optimisers' memory

    tuned["semantic"] = semantic = base.new_semantic()
    if not small:
        manner = official.semantic_manner(plan)
        torch.manual_seed(plan.seed)
        official.prepare_semantic(semantic, plan)
        torch.manual_seed(plan.seed + 1 + processes.rank)
    speak = Part(
        "semantic", semantic, plan.semantic_steps, plan.semantic_rate, *shared, None, manner, plan.arithmetic()
    )
    more, further = speak.run(*semantic_learner(semantic, training, held_out, plan, processes))
    return learnt({**metrics, **more}, steps + further)


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


def semantic_learner(
    model: T2S, training: Sequence[Example], held_out: Sequence[Example], plan: TrainingPlan, processes: Processes
) -> tuple[Callable[[], StepResult | None], Callable[[], float]]:
    rng = np.random.default_rng(plan.seed + 1)
    pool: list[list[Example]] = []
    device = next(model.parameters()).device

    def train() -> StepResult | None:
        if not pool:
            rows = [e for e in training if len(e.phones)]
            pairs = [join([rows[i], rows[j]]) for i, j in enumerate(rng.permutation(len(rows)))]
            pool.extend(batches([*rows, *pairs], plan.positions, rng, phones=True))
        mine = processes.share(pool.pop())
        model.train()
        return semantic_loss(model, moved(collate_semantic(mine), device), smoothing=0.05) if mine else None

    check = moved(collate_semantic(list(held_out)), device)

    def validate() -> float:
        model.eval()
        with torch.no_grad():
            return semantic_loss(model, check).values["cross_entropy"]

    return train, validate


def _reference(base: Base, acoustic: nn.Module, dataset: TrainingSet) -> Reference:
    """Style over all slices by the tuned style encoder; the prompt is the surest slice of a good length."""

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
        codes = heard_codes(base, torch.from_numpy(resample(clip, 16000).samples)[None].to(base.device))
        found.append(voice_colour(base, clip, codes, piece.phones.ids, style, acoustic))
    known = [colour for colour in found if colour is not None]
    return torch.stack(known).mean(0) if known else None
