"""A training set and a base to a personal voice: the acoustic part, then the semantic part, best step kept.

The result is a delta: trained weights minus the base's. Both parts are checked on the held-out slice as they go;
a part that stops improving ends early, and the weights of its best moment are what the voice gets. Work is saved
every few steps in ``work_dir``; called again there, it continues.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.harmonic import HarmonicDecoder
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.audio import Audio, read_audio, resample
from gpt_sovits.bases import Base
from gpt_sovits.dataset.training_set import Slice, TrainingSet
from gpt_sovits.enrol import enrol, reference_style
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.features.pitch import track_pitch
from gpt_sovits.features.reference import Reference
from gpt_sovits.semantic.model import T2S
from gpt_sovits.training.acoustic import AcousticWeights, SpectralLoss, StepResult, acoustic_loss
from gpt_sovits.training.checkpoint import Curve, load_checkpoint, save_checkpoint
from gpt_sovits.training.corpus import FRAME, RATE, TOKEN
from gpt_sovits.training.examples import Example, collate_acoustic, group_by_length
from gpt_sovits.training.plan import TrainingPlan
from gpt_sovits.training.processes import ALONE, Processes
from gpt_sovits.training.semantic import collate_semantic, join, semantic_loss

_NOT_TRAINED = ("quantizer.", "ssl_proj.")  # the codes must keep their meaning
_NOT_KEPT = ("enc_q.",)  # only training uses it
_SAVE_EVERY = 40  # steps, or
_SAVE_SECONDS = 10.0  # seconds, whichever comes first; never more than a tenth of the time goes into saving
_IMAGINE = 0.5  # share of a batch's rows that are decoded from the prior
_EXPLODED = 4.0  # times the best validation loss


@dataclass(frozen=True)
class Tuned:
    """What training gives: ``delta`` maps "acoustic.<key>" and "semantic.<key>" to trained minus base weights."""

    delta: dict[str, Tensor]
    reference: Reference
    metrics: dict[str, float]
    steps: int


OnQuarter = Callable[[int, Callable[[], Tuned]], None]


@torch.inference_mode()
def example_of(base: Base, piece: Slice) -> Example:
    """A slice with its codes and pitch."""
    samples = resample(read_audio(piece.audio_path), RATE).samples
    samples = np.pad(samples, (0, -len(samples) % TOKEN))
    frames = len(samples) // FRAME
    low = resample(Audio(samples, RATE), 16000).samples
    low = np.pad(low, (0, max(0, frames * 320 - len(low))))[: frames * 320]
    codes = base.acoustic.extract_codes(base.content(torch.from_numpy(low)[None]))[0, 0].numpy()
    return Example(
        wave=samples,
        codes=codes[: frames // 2],
        phones=np.array(piece.phones.ids, np.int64),
        pitch=np.resize(track_pitch(low), frames),
        bandwidth=bandwidth_of(samples),
        phone_of_code=np.full(frames // 2, -1),
    )


def bandwidth_of(samples: np.ndarray, drop: float = 55.0) -> float:
    """Hz up to which 32 kHz speech `[L]` has content: the highest band within ``drop`` dB of the loudest one."""
    count = len(samples) // 2048
    if not count:
        return RATE / 2
    power = np.abs(np.fft.rfft(samples[: count * 2048].reshape(count, 2048) * np.hanning(2048))) ** 2
    top = np.percentile(power, 90, axis=0)
    bands = 10 * np.log10(top[:1024].reshape(64, 16).mean(1) + 1e-12)
    alive = np.flatnonzero(bands > bands.max() - drop)
    return float((alive[-1] + 1) * RATE / 2 / 64)


@dataclass
class _Part:
    """One model being tuned: steps, validation, keep-best, checkpoints."""

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

    def run(self, train: Callable[[], StepResult | None], validate: Callable[[], float]) -> tuple[dict[str, float], int]:
        """Train ``model`` in place and leave it at its best; returns metrics and the steps taken."""
        weights = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=self.rate, betas=(0.9, 0.98), weight_decay=0.0)
        best_model = copy.deepcopy(self.model)
        state, curve = self.work_dir / f"{self.kind}.safetensors", Curve(self.work_dir / f"{self.kind}.csv")
        modules = {"model": self.model, "best": best_model}
        step = 0
        numbers: dict[str, float]
        if self.processes.agree(state.is_file()):
            step, numbers = load_checkpoint(state, modules, {"adam": optimizer})
        else:
            first = self._validated(validate)
            numbers = {"first": first, "best": first, "best_step": 0, "waited": 0, "scale": 1.0, "falls": 0}
        saved, cost, kept = time.monotonic(), 0.0, step
        # the first dozens of steps unsettle a base before they help, so nothing ends before the middle
        while step < self.steps and (numbers["waited"] < self.plan.patience or step < self.steps // 2):
            stop = self.processes.any(self.cancel.cancelled)
            due = step % _SAVE_EVERY == 0 or time.monotonic() - saved > max(_SAVE_SECONDS, 10.0 * cost)
            if step > kept and (stop or due):
                began = time.monotonic()
                self._save(state, modules, optimizer, step, numbers)
                saved, kept = time.monotonic(), step
                cost = saved - began
            if stop:
                self.cancel.cancel()
                self.cancel.check()
            warm = min(1.0, (step + 1) / 20)
            decay = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / self.steps))
            for group in optimizer.param_groups:
                group["lr"] = self.rate * warm * decay * numbers["scale"]
            optimizer.zero_grad(set_to_none=True)
            result = train()
            if result is not None:
                result.loss.backward()
            loss, rows = (float(result.loss.detach()), result.rows) if result is not None else (0.0, 0.0)
            if math.isfinite(self.processes.average(weights, loss, rows)):
                nn.utils.clip_grad_norm_(weights, 2.0)
                optimizer.step()
            step += 1
            values = {} if result is None else result.values
            self.on_event(Event(self.kind, "Learning the voice.", step, self.steps, values))
            if step % self.plan.validate_every == 0 or step == self.steps:
                self._judge(self._validated(validate), step, numbers, best_model, optimizer, curve)
            self.on_step(self.kind, step)
        if step > kept:
            self._save(state, modules, optimizer, step, numbers)
        self.model.load_state_dict(best_model.state_dict())
        self.on_event(Event(self.kind, "Learned.", self.steps, self.steps, {"validation": numbers["best"]}))
        names = ("first", "best", "best_step")
        return {f"{self.kind}_{name}": float(numbers[name]) for name in names}, step

    def _validated(self, validate: Callable[[], float]) -> float:
        return self.processes.agree(validate() if self.processes.main else 0.0)

    def _save(
        self,
        state: Path,
        modules: dict[str, nn.Module],
        optimizer: torch.optim.Optimizer,
        step: int,
        numbers: dict[str, float],
    ) -> None:
        if self.processes.main:
            save_checkpoint(state, modules, {"adam": optimizer}, step=step, numbers=numbers)

    def _judge(
        self,
        loss: float,
        step: int,
        numbers: dict[str, float],
        best_model: nn.Module,
        optimizer: torch.optim.Optimizer,
        curve: Curve,
    ) -> None:
        """Keep the best weights; after an explosion go back to them with half the rate, at most twice."""
        if self.processes.main:
            curve.add(step, {"validation": loss})
        if loss < numbers["best"]:
            numbers.update(best=loss, best_step=step, waited=0)
            best_model.load_state_dict(self.model.state_dict())
            return
        numbers["waited"] += 1
        if math.isfinite(loss) and loss < _EXPLODED * numbers["best"]:
            return
        numbers["falls"] += 1
        if numbers["falls"] > 2:
            raise VoiceError("The training does not settle on this recording.", "Try another or a longer recording.")
        numbers["scale"] *= 0.5
        self.model.load_state_dict(best_model.state_dict())
        optimizer.state.clear()


def _batches(examples: Sequence[Example], limit: int, rng: np.random.Generator, phones: bool) -> list[list[Example]]:
    lengths = [len(e.codes) + len(e.phones) if phones else e.frames for e in examples]
    groups = group_by_length(lengths, max(limit, max(lengths)), rng)
    return [[examples[i] for i in group] for group in groups]


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
    """Train a voice. Raises ``InputError`` where base or data cannot be trained on, ``CancelledError`` when stopped.

    ``processes`` that train it together all call this with the same arguments; the first one writes and reports.
    ``on_quarter(percent, voice)`` is called at 25, 50 and 75 % of the plan; ``voice()`` is what was learnt until then.
    """
    cancel = cancel or CancelToken()
    work_dir.mkdir(parents=True, exist_ok=True)
    acoustic = base.new_acoustic()
    if not isinstance(acoustic, SoVITS) or not isinstance(acoustic.dec, HarmonicDecoder):
        raise InputError(
            f"Voices cannot be trained on the model {base.name} yet.",
            "Train on 'mini', or speak with a reference clip.",
        )
    if not dataset.training:
        raise InputError("None of the recording could be used for training.", "Record again in a quiet room.")
    torch.manual_seed(plan.seed)
    training = [example_of(base, piece) for piece in dataset.training]
    held_out = [example_of(base, piece) for piece in dataset.held_out] or training[:1]
    cancel.check()

    for name, parameter in acoustic.named_parameters():
        parameter.requires_grad_(not name.startswith(_NOT_TRAINED))
    tuned: dict[str, nn.Module] = {"acoustic": acoustic}
    torch.manual_seed(plan.seed + 1 + processes.rank)

    def learnt(metrics: dict[str, float], steps: int) -> Tuned:
        before = {"acoustic": base.new_acoustic, "semantic": base.new_semantic}
        delta = {
            f"{part}.{key}": value
            for part, model in tuned.items()
            for key, value in _difference(model, before[part]()).items()
        }
        return Tuned(delta, _reference(base, acoustic.eval(), dataset), metrics, steps)

    quarters = _quarters(plan, on_quarter if processes.main else None, lambda steps: learnt({}, steps))
    shared = (plan, work_dir, on_event if processes.main else ignore, cancel, processes, quarters)
    tune = _Part("acoustic", acoustic, plan.acoustic_steps, plan.acoustic_rate, *shared)
    metrics, steps = tune.run(*_acoustic_steps(acoustic, training, held_out, plan, processes))
    tuned["semantic"] = semantic = base.new_semantic()
    speak = _Part("semantic", semantic, plan.semantic_steps, plan.semantic_rate, *shared)
    more, further = speak.run(*_semantic_steps(semantic, training, held_out, plan, processes))
    return learnt({**metrics, **more}, steps + further)


def _quarters(
    plan: TrainingPlan, tell: OnQuarter | None, learnt: Callable[[int], Tuned]
) -> Callable[[str, int], None]:
    """To be called after each step: tells of the three quarters of the plan, leaving the random numbers alone."""
    total = plan.acoustic_steps + plan.semantic_steps
    marks = {round(total * percent / 100): percent for percent in (25, 50, 75)}

    def on_step(kind: str, step: int) -> None:
        taken = step + (plan.acoustic_steps if kind == "semantic" else 0)
        if tell is not None and 0 < taken < total and taken in marks:
            with torch.random.fork_rng(devices=[]):
                tell(marks[taken], lambda: learnt(taken))

    return on_step


def _acoustic_steps(
    model: SoVITS,
    training: Sequence[Example],
    held_out: Sequence[Example],
    plan: TrainingPlan,
    processes: Processes,
) -> tuple[Callable[[], StepResult | None], Callable[[], float]]:
    rng = np.random.default_rng(plan.seed)
    spectral = SpectralLoss()
    weights = AcousticWeights()
    pool: list[list[Example]] = []

    def style_of(example: Example) -> np.ndarray:
        wave = training[int(rng.integers(len(training)))].wave
        first = int(rng.integers(0, max(1, len(wave) // FRAME - 150))) * FRAME
        return wave[first : first + 150 * FRAME]

    def train() -> StepResult | None:
        if not pool:
            pool.extend(_batches(training, plan.frames, rng, phones=False))
        rows = [(example, style_of(example)) for example in pool.pop()]
        mine = processes.share(range(len(rows)))
        if not mine:
            return None
        imagined = sum(index < math.ceil(_IMAGINE * len(rows)) for index in mine)  # as many as one process would
        model.train()
        batch = collate_acoustic([rows[i][0] for i in mine], [rows[i][1] for i in mine])
        return acoustic_loss(model, batch, spectral, weights, imagine=imagined / len(mine))

    sure = replace(weights, prior_noise=0.0, kl=0.0)
    check = collate_acoustic(held_out, [training[0].wave[: 150 * FRAME] for _ in held_out])

    def validate() -> float:
        model.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            longest = int(check.lengths.min())
            return float(acoustic_loss(model, check, spectral, sure, segment=longest, imagine=1.0).loss)

    return train, validate


def _semantic_steps(
    model: T2S, training: Sequence[Example], held_out: Sequence[Example], plan: TrainingPlan, processes: Processes
) -> tuple[Callable[[], StepResult | None], Callable[[], float]]:
    rng = np.random.default_rng(plan.seed + 1)
    pool: list[list[Example]] = []

    def train() -> StepResult | None:
        if not pool:
            rows = [e for e in training if len(e.phones)]
            pairs = [join([rows[i], rows[j]]) for i, j in enumerate(rng.permutation(len(rows)))]
            pool.extend(_batches([*rows, *pairs], plan.positions, rng, phones=True))
        mine = processes.share(pool.pop())
        model.train()
        return semantic_loss(model, collate_semantic(mine), smoothing=0.05) if mine else None

    check = collate_semantic(list(held_out))

    def validate() -> float:
        model.eval()
        with torch.no_grad():
            return semantic_loss(model, check).values["cross_entropy"]

    return train, validate


def _difference(tuned: nn.Module, base: nn.Module) -> dict[str, Tensor]:
    before = base.state_dict()
    left_out = (*_NOT_TRAINED, *_NOT_KEPT)
    return {
        key: (value.detach() - before[key]).half()
        for key, value in tuned.state_dict().items()
        if value.is_floating_point() and not key.startswith(left_out) and not torch.equal(value, before[key])
    }


def _reference(base: Base, acoustic: SoVITS, dataset: TrainingSet) -> Reference:
    """Style over all slices by the tuned style encoder; the prompt is the surest slice of a good length."""

    def fitness(piece: Slice) -> tuple[bool, float]:
        return (2.5 <= piece.seconds <= 8.0, piece.confidence)

    best = max(dataset.slices, key=fitness)
    clip = resample(read_audio(best.audio_path), RATE)
    reference = enrol(base, clip, best.text, best.language)
    everything = np.concatenate([resample(read_audio(p.audio_path), RATE).samples for p in dataset.slices])
    style, _ = reference_style(base, Audio(everything[: 120 * RATE], RATE), acoustic)
    return replace(reference, style=style.cpu(), phones=best.phones.ids or reference.phones, text=best.text)
