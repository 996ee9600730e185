"""Our networks against upstream's results; ``python -m tests.parity`` runs all fixtures, this a quick part."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity import RUNNERS, compare, load_fixture, run_fixture

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="../shared/reference is not here")


@needs_reference
@pytest.mark.parametrize("name", ["spectrogram", "sovits_v2", "vocoder_v4"])
def test_results_equal_upstream(name: str) -> None:
    report = run_fixture(load_fixture(REFERENCE / "fixtures" / f"{name}.npz", REFERENCE))
    assert report.rows
    assert not [row for row in report.rows if not row.ok]


@needs_reference
def test_every_acoustic_fixture_has_a_runner() -> None:
    names = {file.stem for file in (REFERENCE / "fixtures").glob("*.npz")}
    wanted = {name for name in names if name.startswith(("sovits", "vocoder", "bigvgan", "spectrogram"))}
    assert wanted <= set(RUNNERS)


def test_the_check_itself_can_fail() -> None:
    import numpy as np

    expected = np.array([1.0, 2.0], np.float32)
    assert compare("k", expected * (1 + 1e-6), expected).ok
    assert not compare("k", expected + 1e-3, expected).ok
    assert not compare("k", np.array([1.0, np.nan]), expected).ok
    assert not compare("k", np.array([1, 2, 3]), np.array([1, 2, 4])).ok
    assert not compare("k", expected[:1], expected).ok
