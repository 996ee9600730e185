"""T2S and its optimizer against upstream's results (``python -m tests.parity`` runs all fixtures)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity import load_fixture, run_fixture

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="../shared/reference is not here")
@pytest.mark.parametrize("name", ["gpt_v2", "optim"])
def test_results_equal_upstream(name: str) -> None:
    report = run_fixture(load_fixture(REFERENCE / "fixtures" / f"{name}.npz", REFERENCE))
    assert report.rows
    assert not [row for row in report.rows if not row.ok]
