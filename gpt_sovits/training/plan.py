"""How long to train: steps from seconds of speech, within what is known to be safe, with an estimate in minutes."""

from __future__ import annotations

from dataclasses import dataclass

from gpt_sovits.errors import InputError

MOST_STEPS = 10_000  # acoustic and semantic together, whatever is asked for
_SECONDS_PER_STEP = {"cpu": (0.33, 0.28), "cuda": (0.06, 0.04), "mps": (0.15, 0.12)}  # acoustic, semantic, mini base


@dataclass(frozen=True)
class TrainingPlan:
    """What ``finetune`` does. Rates are those of AdamW; steps are upper bounds, the best step so far is kept."""

    acoustic_steps: int
    semantic_steps: int
    acoustic_rate: float = 4e-4
    semantic_rate: float = 1e-4
    frames: int = 640  # 50 Hz frames of an acoustic batch
    positions: int = 800  # phones and codes of a semantic batch
    validate_every: int = 20
    patience: int = 4  # validations without improvement before a part stops, from its middle on
    seed: int = 0
    minutes_estimate: float = 0.0


def plan(seconds_of_speech: float, base_name: str, device: str = "cpu") -> TrainingPlan:
    """Steps grow with the square root of the speech: 60 s gives 200 acoustic and 80 semantic steps.

    On the embedded base more semantic steps than that only wore the held-out slice down.

    Raises ``InputError`` for a base that cannot be trained here yet.
    """
    if seconds_of_speech <= 0:
        raise InputError("There is no speech to train on.", "Record at least a minute.")
    scale = min(3.0, max(0.5, (seconds_of_speech / 60.0) ** 0.5))
    acoustic, semantic = round(200 * scale), round(80 * scale)
    per_acoustic, per_semantic = _SECONDS_PER_STEP.get(device.split(":")[0], _SECONDS_PER_STEP["cpu"])
    return TrainingPlan(
        acoustic_steps=min(acoustic, MOST_STEPS // 2),
        semantic_steps=min(semantic, MOST_STEPS // 2),
        minutes_estimate=round((acoustic * per_acoustic + semantic * per_semantic) / 60 + 0.3, 1),
    )
