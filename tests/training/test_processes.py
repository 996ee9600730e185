"""Several processes that train one voice learn what one process learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.random_base import write_random_base

from .two_processes import JOB, launch, write_even_set

pytest.importorskip("accelerate", reason="needs accelerate (pip install -r requirements-dev.txt)")


def test_two_processes_reach_the_loss_of_one(tmp_path: Path) -> None:
    write_random_base(tmp_path / "models" / "tiny")
    started, found = [], {}
    for count in (1, 2):
        data = tmp_path / str(count)
        write_even_set(data / "jobs" / JOB / "dataset")
        started += launch(data, tmp_path / "models", "tiny", 16, count)
    assert [process.wait(timeout=400) for process in started] == [0, 0, 0]
    for count in (1, 2):
        found[count] = json.loads((tmp_path / str(count) / f"{count}-0.json").read_text())
    for part in ("acoustic", "semantic"):
        assert found[1][f"{part}_first"] == pytest.approx(found[2][f"{part}_first"], rel=1e-4)
        learnt = found[1][f"{part}_first"] - found[1][f"{part}_best"]
        assert learnt > 0
        assert found[2][f"{part}_best"] == pytest.approx(found[1][f"{part}_best"], abs=0.25 * learnt), (part, found)
    written = {path.name for path in (tmp_path / "2" / "jobs" / JOB / "training").iterdir()}
    assert "acoustic.csv" in written and not [name for name in written if name.endswith(".part")]
