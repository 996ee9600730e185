"""Runs our networks on the inputs of the reference fixtures and measures the distance to the expected results.

``python -m tests.parity DIR --reference REF --seed N``. A runner takes a ``Fixture`` and returns our result for
every key that the file may hold; sizes are read from the inputs, so other lengths and seeds work as well.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

TOLERANCE = 1e-4  # largest absolute error over largest absolute expected value

# fixture file (without .npz) -> "module:function"; the module is imported only when its fixture is run
RUNNERS: dict[str, str] = {
    "spectrogram": "tests.parity.spectral:run_spectrogram",
    "sovits_v1": "tests.parity.sovits:run_sovits",
    "sovits_v2": "tests.parity.sovits:run_sovits",
    "sovits_v2Pro": "tests.parity.sovits:run_sovits",
    "sovits_v2ProPlus": "tests.parity.sovits:run_sovits",
    "sovits_v3": "tests.parity.sovits_cfm:run_cfm",
    "sovits_v4": "tests.parity.sovits_cfm:run_cfm",
    "bigvgan": "tests.parity.vocoders:run_bigvgan",
    "vocoder_v4": "tests.parity.vocoders:run_vocoder_v4",
    "sovits_v2_train": "tests.parity.sovits_train:run_train",
    "sovits_v2Pro_train": "tests.parity.sovits_train:run_train",
    "sovits_v2ProPlus_train": "tests.parity.sovits_train:run_train",
    "gpt_v1": "tests.parity.gpt:run_gpt",
    "gpt_v2": "tests.parity.gpt:run_gpt",
    "optim": "tests.parity.optim:run_optim",
    "hubert": "tests.parity.hubert:run_hubert",
    "bert": "tests.parity.bert:run_bert",
    "eres2netv2": "tests.parity.eres2net:run_speaker",
}


@dataclass(frozen=True)
class Fixture:
    """One .npz file: its name, all arrays, and where the synthetic weights come from."""

    name: str
    arrays: Mapping[str, np.ndarray]
    reference: Path
    seed: int = 0

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    def tensor(self, key: str) -> torch.Tensor:
        """An array as a tensor; float16 inputs become float32."""
        array = np.asarray(self.arrays[key])
        return torch.from_numpy(array.astype(np.float32) if array.dtype == np.float16 else array.copy())

    def number(self, key: str) -> float:
        return self.arrays[key].item()

    def manifest(self, name: str) -> dict[str, Any]:
        return load_manifest(self.reference, name)

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        """The synthetic state dict of a manifest."""
        state = weights_module(self.reference).synthesize(self.manifest(name), self.seed)
        return {key: torch.from_numpy(value) for key, value in state.items()}


@dataclass(frozen=True)
class Row:
    """Result for one key; ``error`` is relative for floats, the number of wrong values for integers."""

    key: str
    error: float
    ok: bool
    note: str = ""


@dataclass
class Report:
    name: str
    rows: list[Row] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)


@lru_cache(maxsize=4)
def weights_module(reference: Path) -> ModuleType:
    """The reference's own weights.py."""
    spec = importlib.util.spec_from_file_location("reference_weights", reference / "weights.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(reference / "weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=32)
def load_manifest(reference: Path, name: str) -> dict[str, Any]:
    return json.loads((reference / "manifests" / f"{name}.json").read_text(encoding="utf-8"))


def load_fixture(path: Path, reference: Path, seed: int = 0) -> Fixture:
    with np.load(path, allow_pickle=False) as file:
        return Fixture(path.stem, {key: file[key] for key in file.files}, reference, seed)


def runner(name: str) -> Callable[[Fixture], Mapping[str, Any]]:
    module, function = RUNNERS[name].split(":")
    return getattr(importlib.import_module(module), function)


def compare(key: str, actual: Any, expected: np.ndarray, tolerance: float = TOLERANCE) -> Row:
    """Integers and booleans must be equal; NaN must meet NaN; floats within ``tolerance`` of the largest value."""
    actual = np.asarray(actual.detach().cpu().numpy() if isinstance(actual, torch.Tensor) else actual)
    if actual.shape != expected.shape:
        return Row(key, float("inf"), False, f"shape {actual.shape}, expected {expected.shape}")
    if expected.dtype.kind in "biu":
        wrong = int((actual != expected).sum())
        return Row(key, float(wrong), wrong == 0, f"{wrong} of {expected.size} values differ" if wrong else "equal")
    actual, wanted = actual.astype(np.float64), expected.astype(np.float64)
    if not wanted.size:
        return Row(key, 0.0, True, "empty")
    if not np.array_equal(np.isnan(actual), np.isnan(wanted)):
        return Row(key, float("inf"), False, "NaN in different places")
    scale = float(np.nanmax(np.abs(wanted))) if not np.isnan(wanted).all() else 1.0
    error = float(np.nanmax(np.abs(actual - wanted))) / (scale or 1.0)
    return Row(key, error, error <= tolerance)


def run_fixture(fixture: Fixture, tolerance: float = TOLERANCE) -> Report:
    """Run the fixture's runner and compare every expected key; a key without a result fails."""
    report = Report(fixture.name)
    results = runner(fixture.name)(fixture)
    for key in sorted(k for k in fixture.arrays if not k.startswith("in_")):
        if key in results:
            report.rows.append(compare(key, results[key], fixture.arrays[key], tolerance))
        else:
            report.rows.append(Row(key, float("inf"), False, "no result"))
    return report
