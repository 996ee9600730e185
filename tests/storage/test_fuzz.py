"""A few hundred of the mutated voice files of ``fuzz``, and that its watch would notice."""

from __future__ import annotations

import subprocess
import sys

from tests.storage import fuzz


def test_no_mutated_file_crashes_writes_outside_or_runs_anything(tmp_path):
    tally = fuzz.run(300, 1, tmp_path)
    assert tally.wrong == []
    assert tally.refused > 200


def test_the_watch_notices_writing_outside_and_running(tmp_path):
    watch = fuzz.Watch(tmp_path / "inside")
    (tmp_path / "inside").mkdir()
    watch.on = True
    (tmp_path / "inside/a").write_text("x")
    assert watch.seen == []
    (tmp_path / "outside").write_text("x")
    (tmp_path / "outside").unlink()
    subprocess.run([sys.executable, "-c", ""], check=True)
    watch.on = False
    assert [line.split()[0] for line in watch.seen[:2]] == ["open", "os.remove"]
    assert any("Popen" in line for line in watch.seen)
