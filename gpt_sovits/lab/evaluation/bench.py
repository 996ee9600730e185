"""How fast, and how near to what the machine allows: time and memory of every stage of speaking.

    python -m gpt_sovits bench [--base mini] [--data DIR] [--threads N] [--precision half] [--json FILE]

The machine is measured first. A stage's limit is what it would take if nothing but reading its weights, or its
multiplications, cost time; the last column says what share of that limit is reached.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gpt_sovits.errors import MissingError, ResourceError
from gpt_sovits.lab.evaluation.machine import Limits, describe, measure
from gpt_sovits.lab.evaluation.stages import STAGES, Figure
from gpt_sovits.settings import PRECISIONS, PROJECT_ROOT, Settings
from gpt_sovits.versions import EMBEDDED

CLIP = PROJECT_ROOT / "tests" / "data" / "short_clip.opus"


@dataclass(frozen=True)
class Stage:
    """A stage's figures and the most memory its process held, interpreter and torch included."""

    name: str
    figures: tuple[Figure, ...]
    peak_mb: float | None


def limit_seconds(figure: Figure, limits: Limits) -> float | None:
    """The least time for one unit of the figure's work; None where none is known."""
    least = max(figure.flop / (limits.gflops * 1e9), figure.bytes / (limits.bandwidth * 1e9))
    return least or None


def shown(seconds: float, unit: str) -> str:
    """Seconds per unit of work in the unit that people read."""
    if unit == "ms":
        return f"{1000 * seconds:.1f} ms"
    if unit.endswith("/min"):
        return f"{60 / seconds:,.0f} {unit}"
    if unit == "tokens/s":
        return f"{1 / seconds:.0f} tokens/s"
    return f"{seconds:.3f} {unit}"


def run_stage(name: str, arguments: Sequence[str]) -> Stage:
    """Run one stage in a fresh process. Raises ``ResourceError`` with the process's last words."""
    command = [sys.executable, "-m", "gpt_sovits.lab.evaluation.stages", name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it was ended from outside"])[-1]
        raise ResourceError(f"The stage {name} could not be measured: {last}", "Check the base with: models")
    value = json.loads(done.stdout.strip().splitlines()[-1])
    return Stage(name, tuple(Figure(**figure) for figure in value["figures"]), value["peak_mb"])


def rows(stage: Stage, limits: Limits) -> list[str]:
    """The stage's lines of the table."""
    lines = []
    for index, figure in enumerate(stage.figures):
        least = limit_seconds(figure, limits)
        memory = f"{stage.peak_mb:.0f} MB" if index == 0 and stage.peak_mb else ""
        lines.append(
            f"{figure.name:26}{shown(figure.seconds, figure.unit):>16}"
            f"{shown(least, figure.unit) if least else '-':>16}"
            f"{f'{least / figure.seconds:.0%}' if least else '-':>9}"
            f"{memory:>10}"
        )
    return lines


def parser() -> argparse.ArgumentParser:
    """The options of ``bench``."""
    options = argparse.ArgumentParser(
        prog="gpt_sovits bench", description="Measure the machine, then time and memory of each stage of speaking."
    )
    options.add_argument("--base", default=EMBEDDED, help="the base to measure (default: mini)")
    options.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="threads (default: all cores)")
    options.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES), help="only these")
    options.add_argument("--clip", type=Path, default=CLIP, help="three to ten seconds of speech to clone from")
    options.add_argument("--transcript", default="", help="what the clip says")
    options.add_argument("--language", default="auto", help="the clip's language")
    options.add_argument("--data", type=Path, help="data folder with a downloaded base (default: the usual one)")
    options.add_argument("--precision", default="auto", choices=PRECISIONS, help="how a large base is held on a CPU")
    options.add_argument("--json", type=Path, help="write all figures here as well")
    return options


def main(argv: Sequence[str]) -> int:
    """Run ``bench``. Raises ``VoiceError``."""
    given = parser().parse_args(argv)
    if not given.clip.is_file():
        raise MissingError(f"There is no file {given.clip}.", "Name a clip of speech with --clip.")
    transcript = given.transcript
    if given.clip == CLIP and not transcript:
        transcript = CLIP.with_suffix(".txt").read_text(encoding="utf-8").strip()
    limits = [measure(threads) for threads in sorted({1, given.threads})]
    _show(describe())
    for limit in limits:
        _show(
            f"{limit.threads} thread(s): reads {limit.bandwidth:.1f} GB/s, multiplies {limit.gflops:.0f} GFLOP/s fp32"
        )
    _show(f"\nbase {given.base}, {given.threads} thread(s)")
    _show(f"{'stage':26}{'measured':>16}{'limit':>16}{'reached':>9}{'memory':>10}")
    stages = []
    data = given.data or Settings.load().data_dir
    common = ["--base", given.base, "--threads", str(given.threads), "--data", str(data)]
    common += ["--clip", str(given.clip.resolve()), "--transcript", transcript, "--language", given.language]
    common += ["--precision", given.precision]
    for name in given.stages:
        stages.append(run_stage(name, common))
        for line in rows(stages[-1], limits[-1]):
            _show(line)
    if given.json:
        value = {
            "machine": describe(),
            "limits": [asdict(limit) for limit in limits],
            "base": given.base,
            "threads": given.threads,
            "stages": [asdict(stage) for stage in stages],
        }
        given.json.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    return 0


def _show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
