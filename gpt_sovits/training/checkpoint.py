"""Training state on disk: networks, optimisers, random generator and counters, as safetensors + JSON metadata.

A checkpoint is one file, written atomically; a run that is killed continues from the last one.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from gpt_sovits.errors import InputError
from gpt_sovits.models.native import load_metadata, load_tensors, save_tensors


class Stateful(Protocol):
    """A network, or anything else that has a state dict."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state: Any, strict: bool = True) -> Any: ...


def _optimizer_tensors(name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    out = {}
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            out[f"{name}/{index}/{key}"] = value if isinstance(value, Tensor) else torch.tensor(float(value))
    return out


def save_checkpoint(
    path: Path,
    modules: Mapping[str, Stateful],
    optimizers: Mapping[str, torch.optim.Optimizer],
    *,
    step: int,
    generator: torch.Generator | None = None,
    numbers: Mapping[str, float] | None = None,
) -> None:
    """Write everything that the next step depends on."""
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors.update({f"module/{name}/{key}": value.detach().cpu() for key, value in module.state_dict().items()})
    for name, optimizer in optimizers.items():
        tensors.update(_optimizer_tensors(f"optimizer/{name}", optimizer))
    if generator is not None:
        tensors["generator"] = generator.get_state()
    save_tensors(path, tensors, {"step": str(step), "numbers": json.dumps(dict(numbers or {}))})


def load_checkpoint(
    path: Path,
    modules: Mapping[str, Stateful],
    optimizers: Mapping[str, torch.optim.Optimizer],
    *,
    generator: torch.Generator | None = None,
) -> tuple[int, dict[str, float]]:
    """Restore what ``save_checkpoint`` wrote; returns the step and the numbers."""
    tensors = load_tensors(path)
    metadata = load_metadata(path)
    if "step" not in metadata:
        raise InputError(f"{path.name} is not a training checkpoint.", "Delete it to start again.")
    for name, module in modules.items():
        prefix = f"module/{name}/"
        state = {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}
        module.load_state_dict(state, strict=True)
    for name, optimizer in optimizers.items():
        prefix = f"optimizer/{name}/"
        state_dict = optimizer.state_dict()
        loaded: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(prefix):
                index, field = key[len(prefix) :].split("/", 1)
                loaded.setdefault(int(index), {})[field] = value.clone()
        state_dict["state"] = loaded
        optimizer.load_state_dict(state_dict)
    if generator is not None and "generator" in tensors:
        generator.set_state(tensors["generator"].clone())
    return int(metadata["step"]), json.loads(metadata["numbers"])


class Curve:
    """Appends rows of numbers to a CSV file whose columns are fixed by the first row."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, step: int, values: Mapping[str, float]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = not self.path.exists()
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", *values])
            writer.writerow([step, *(f"{v:.6g}" for v in values.values())])
