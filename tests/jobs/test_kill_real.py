"""A real training on the embedded base, killed; ``python -m tests.jobs.kill_test --times 20`` does more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .kill_test import Bench, kill, trainers

STEPS = 6  # of each part


@pytest.mark.skipif(not Path("/proc/self/status").exists() or sys.platform == "win32", reason="looks into /proc")
def test_a_real_training_survives_the_death_of_its_process_and_of_its_worker(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "data", STEPS, seconds=16.0)
    try:
        job_id = bench.add("Reader")
        worker = bench.start()
        assert bench.until(job_id, lambda job: job.stage == "semantic").stage == "semantic"
        for pid in [worker.pid, *trainers(bench.data)]:
            kill(pid)
        worker.wait()
        bench.check()
        bench.start()
        job = bench.finished(job_id)
        bench.check()
    finally:
        bench.end()
    assert bench.steps_of(job) == 2 * STEPS
    assert any("goes on from its last checkpoint" in line for line in job.log)
    assert any("similarity" in line for line in job.log if "proof" in line)
    assert set(bench.studio.jobs.samples(job_id)) == {25, 50, 75}
