"""How to train: steps from seconds of speech, ranks and arithmetic by what the machine has, an estimate in minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpt_sovits.errors import InputError
from gpt_sovits.models.store import BaseFiles
from gpt_sovits.training.precision import Precision, best_kind
from gpt_sovits.training.resources import free_memory
from gpt_sovits.versions import EMBEDDED, VERSIONS, Cost, Version

MOST_STEPS = 10_000  # acoustic and semantic together, whatever is asked for
_MINI_SEMANTIC_RATE = 3e-5
_SECONDS_PER_STEP = {"cpu": (0.33, 0.28), "cuda": (0.06, 0.04), "mps": (0.15, 0.12)}  # acoustic, semantic, mini base


@dataclass(frozen=True)
class TrainingPlan:
    """What ``finetune`` does. Rates are those of AdamW; steps are upper bounds, the best step so far is kept."""

    acoustic_steps: int
    semantic_steps: int
    acoustic_rate: float = 4e-4
    semantic_rate: float = 1e-4
    frames: int = 640  # 50 Hz frames of an acoustic batch of the embedded base
    positions: int = 800  # phones and codes of a semantic batch
    validate_every: int = 20
    patience: int = 4  # validations without improvement before a part stops, from its middle on
    seed: int = 0
    minutes_estimate: float = 0.0
    rows: int = 2  # pieces of an acoustic step of the official bases
    at_once: int = 1  # of which so many are computed together
    segment: int = 32  # frames of each piece that are decoded and judged
    acoustic_rank: int = 0  # of low-rank factors; 0: whole tensors
    semantic_rank: int = 0
    adversarial: bool = True  # with discriminators, where the base has them
    precision: str = "full"  # or "bf16", "fp16"
    recompute: bool = False  # activations: less memory, a third more time
    device: str = "cpu"
    memory_gib: float = 0.0  # needed
    disk_gib: float = 0.0
    acoustic_share: float = 0.0  # of the time of all steps; 0: every step takes as long
    note: str = ""  # a sentence for the person, where something is not as usual

    def arithmetic(self) -> Precision:
        """The precision as something to compute with; one for each part that is trained."""
        return Precision(self.precision, self.device)


_ACOUSTIC_RANK, _SEMANTIC_RANK, _FLOW_RANK = 32, 32, 32
_GPU_SPEED = 25.0  # times two cores; a guess until the first steps have been timed
_RECOMPUTE_SAVES = 0.6  # of the memory remains
_DISK_GIB, _DISK_WHOLE_GIB = 1.0, 6.0
_WHOLE_ON_GPU = 24.0  # GiB that must be free before whole tensors are trained


def require_trainable(files: BaseFiles) -> None:
    """Raise ``InputError`` for a base that lacks what training needs, ``MissingError`` where a network is not there."""
    if not files.config.get("trainable", True):
        raise InputError(
            f"The model {files.name} cannot be trained: its file was made for speaking only.",
            f"Train on an official model such as {files.version}, or on {EMBEDDED}.",
        )
    if files.missing:
        files.path(files.missing[0])


def plan(
    seconds_of_speech: float, base_name: str, device: str = "cpu", *, files: BaseFiles | None = None
) -> TrainingPlan:
    """Steps grow with the square root of the speech, from half to three times those of a minute.

    ``files`` say which version ``base_name`` is and what it came with; without them an official name is its version.
    On the embedded base a minute gives 400 acoustic and 30 gentle semantic steps: 80 at the rate of the official bases
    taught it so few sentences that others were misread (phone errors of one speaker 0.79, without them 0.66). Raises
    ``InputError`` for a base that cannot be trained.
    """
    if seconds_of_speech <= 0:
        raise InputError("There is no speech to train on.", "Record at least a minute.")
    if files is not None:
        require_trainable(files)
    scale = min(3.0, max(0.5, (seconds_of_speech / 60.0) ** 0.5))
    row = VERSIONS.get(files.version if files is not None else base_name)
    if row is not None and row.cost is not None:
        return _official(scale, row, row.cost, device, files)
    acoustic, semantic = round(400 * scale), round(30 * scale)
    per_acoustic, per_semantic = _SECONDS_PER_STEP.get(device.split(":")[0], _SECONDS_PER_STEP["cpu"])
    return TrainingPlan(
        acoustic_steps=min(acoustic, MOST_STEPS // 2),
        semantic_steps=min(semantic, MOST_STEPS // 2),
        semantic_rate=_MINI_SEMANTIC_RATE,
        minutes_estimate=round((acoustic * per_acoustic + semantic * per_semantic) / 60 + 0.3, 1),
        device=device,
    )


def _official(scale: float, row: Version, cost: Cost, device: str, files: BaseFiles | None) -> TrainingPlan:
    flow = not row.discriminators
    adversarial = not flow and (files is None or files.has("discriminator"))
    acoustic, semantic = (min(round(steps * scale), MOST_STEPS // 2) for steps in cost.steps)
    drawn = TrainingPlan(
        acoustic_steps=acoustic,
        semantic_steps=semantic,
        acoustic_rate=1e-4,
        semantic_rate=5e-5,
        positions=500,
        acoustic_rank=_FLOW_RANK if flow else _ACOUSTIC_RANK,
        semantic_rank=_SEMANTIC_RANK,
        adversarial=adversarial,
        memory_gib=cost.memory,
        disk_gib=_DISK_GIB,
        device=device,
        note=""
        if adversarial or flow
        else f"The model {files.name if files else row.name} came without its discriminators, "
        "so the voice learns timbre and manner but keeps the model's own sharpness.",
    )
    drawn = _fitted(drawn, cost, free_memory(device))
    per_piece = (cost.acoustic if drawn.adversarial or flow else cost.bare) * (1.33 if drawn.recompute else 1.0)
    first, second = acoustic * drawn.rows * per_piece, semantic * cost.semantic
    pace = _GPU_SPEED if device.startswith("cuda") else 1.0
    return replace(
        drawn,
        acoustic_share=round(first / (first + second), 4),
        minutes_estimate=round((first + second) / pace / 60 + 1.0, 1),
    )


def _fitted(drawn: TrainingPlan, cost: Cost, free: float | None) -> TrainingPlan:
    """The plan as memory allows: whole tensors and wide batches on a large GPU, recomputing where it is short."""
    on_gpu = drawn.device.startswith("cuda")
    if on_gpu:
        drawn = replace(drawn, precision=best_kind(drawn.device), rows=4, at_once=4)
    if on_gpu and cost.whole and free is not None and free >= _WHOLE_ON_GPU:
        return replace(
            drawn,
            acoustic_rank=0,
            semantic_rank=0,
            semantic_rate=2e-3,  # ScaledAdam's, relative to each tensor's size
            memory_gib=cost.memory + cost.whole,
            disk_gib=_DISK_WHOLE_GIB,
        )
    if free is not None and free < cost.memory:
        return replace(drawn, recompute=True, at_once=1, memory_gib=round(cost.memory * _RECOMPUTE_SAVES, 1))
    return drawn
