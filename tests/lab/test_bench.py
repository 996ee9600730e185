"""The bench runs every stage on any base folder and relates it to what the machine can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpt_sovits.errors import MissingError, ResourceError
from gpt_sovits.lab.evaluation import bench, machine
from gpt_sovits.lab.evaluation.machine import Limits
from gpt_sovits.lab.evaluation.stages import Figure

LIMITS = Limits(threads=1, bandwidth=10.0, gflops=100.0)


def test_limit_is_the_slower_of_reading_and_multiplying() -> None:
    assert bench.limit_seconds(Figure("x", 1.0, "s", flop=50e9, bytes=1e9), LIMITS) == pytest.approx(0.5)
    assert bench.limit_seconds(Figure("x", 1.0, "s", flop=1e9, bytes=20e9), LIMITS) == pytest.approx(2.0)
    assert bench.limit_seconds(Figure("x", 1.0, "s"), LIMITS) is None


def test_a_row_shows_figure_limit_share_and_memory() -> None:
    stage = bench.Stage("semantic", (Figure("semantic tokens", 0.01, "tokens/s", bytes=50e6),), 321.4)
    (row,) = bench.rows(stage, LIMITS)
    assert row.split() == ["semantic", "tokens", "100", "tokens/s", "200", "tokens/s", "50%", "321", "MB"]


def test_machine_is_measured_and_torch_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(machine, "READ_BYTES", 8 << 20)
    monkeypatch.setattr(machine, "MATRIX", 128)
    before = torch.get_num_threads()
    limits = machine.measure(1)
    assert limits.bandwidth > 0.1 and limits.gflops > 0.1
    assert torch.get_num_threads() == before


def test_all_stages_of_a_base(
    models_with_random_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "measure", lambda threads: Limits(threads, 10.0, 100.0))
    out = tmp_path / "bench.json"
    given = ["--base", "tiny", "--data", str(models_with_random_base), "--threads", "1", "--json", str(out)]
    assert bench.main(given) == 0
    figures = {f["name"]: f for stage in json.loads(out.read_text())["stages"] for f in stage["figures"]}
    assert {"load the base", "content encoder", "reference", "semantic tokens", "first sound"} <= set(figures)
    assert {"cold: import torch", "cold: load semantic", "cold: hear the clip", "cold: speak"} <= set(figures)
    parts = [figure["seconds"] for name, figure in figures.items() if name.startswith("cold: ") and "all" not in name]
    assert figures["cold: all of it"]["seconds"] == pytest.approx(sum(parts))
    assert all(figure["seconds"] > 0 for figure in figures.values())
    assert figures["acoustic model"]["flop"] > 1e6
    assert figures["semantic tokens"]["bytes"] > 1e4
    assert "reads 10.0 GB/s" in capsys.readouterr().out


def test_an_unknown_base_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="no model called 'nobody'"):
        bench.run_stage(
            "load", ["--base", "nobody", "--data", str(tmp_path), "--clip", str(bench.CLIP), "--threads", "1"]
        )


def test_a_missing_clip_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="clip"):
        bench.main(["--clip", str(tmp_path / "none.wav")])
