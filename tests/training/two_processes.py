"""One voice trained by one process and by several through Accelerate: ``python -m tests.training.two_processes``.

    --base mini --steps 40 --processes 2

Prints the validation losses of both. With WORLD_SIZE set it is one of the processes.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gpt_sovits.audio import read_audio, resample, write_wav
from gpt_sovits.dataset.assess import open_recording
from gpt_sovits.dataset.training_set import Report, Slice, TrainingSet
from gpt_sovits.settings import Settings
from gpt_sovits.text import phonemize

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
JOB = "j" + "0" * 20
PARTS = ("acoustic_first", "acoustic_best", "semantic_first", "semantic_best")


def write_even_set(folder: Path, pieces: int = 6, seconds: float = 3.0) -> None:
    """The test recording in equal pieces, each with about its words; good enough to learn something from."""
    folder.mkdir(parents=True)
    _, assessment = open_recording(DATA / "one_minute.opus")
    audio = resample(read_audio(DATA / "one_minute.opus"), 32000)
    words = (DATA / "one_minute.txt").read_text(encoding="utf-8").split()
    slices = []
    for index in range(pieces):
        path, start = folder / f"{index}.wav", index * seconds
        write_wav(path, audio.between(start, start + seconds))
        text = " ".join(words[index * 7 : index * 7 + 7])
        said = phonemize(text, "en", "v2")
        slices.append(Slice(path, text, "en", said, start, start + seconds, 0.9, index == pieces - 1))
    report = Report("text", assessment, (), (), 0.9)
    TrainingSet(tuple(slices), pieces * seconds, report).save(folder)


def train(data: Path, models: Path, base: str, steps: int) -> dict[str, float]:
    """One process's life: alone, leading or following."""
    import torch

    from gpt_sovits.families.base import load_base
    from gpt_sovits.jobs.distributed import DATASET, TRAINING, follow, lead
    from gpt_sovits.training.distributed import processes_of
    from gpt_sovits.training.plan import plan

    torch.set_num_threads(1)
    settings = replace(Settings.load(data), bundled_models=models, device="cpu")
    if settings.rank:
        follow(settings)
        return {}
    folder = settings.jobs_dir / JOB
    chosen = replace(plan(60.0, base), acoustic_steps=steps, semantic_steps=steps, validate_every=steps // 2)
    dataset = TrainingSet.load(folder / DATASET)
    found = load_base(base, settings)
    return lead(processes_of(settings), found, dataset, chosen, work_dir=folder / TRAINING).metrics


def launch(data: Path, models: Path, base: str, steps: int, count: int) -> list[subprocess.Popen[bytes]]:
    """Start ``count`` processes, as ``accelerate launch`` does; each writes what it found into ``data``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "tests.training.two_processes", "--data", str(data), "--models", str(models)]
    command += ["--base", base, "--steps", str(steps), "--out"]
    started = []
    for rank in range(count):
        world = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "OMP_NUM_THREADS": "1"}
        world |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "LOCAL_WORLD_SIZE": str(count)}
        out = str(data / f"{count}-{rank}.json")
        started.append(subprocess.Popen([*command, out], cwd=ROOT, env={**os.environ, **world}))
    return started


def main() -> int:
    options = argparse.ArgumentParser(description="One voice, trained by one process and by several.")
    options.add_argument("--data", type=Path)
    options.add_argument("--models", type=Path, default=ROOT / "pretrained_models")
    options.add_argument("--base", default="mini")
    options.add_argument("--steps", type=int, default=40)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--out", type=Path, help="be one of the processes and write the losses here")
    given = options.parse_args()
    if given.out:
        given.out.write_text(json.dumps(train(given.data, given.models, given.base, given.steps)))
        return 0
    print(f"{'processes':10}" + "".join(f"{name:>16}" for name in PARTS) + f"{'seconds':>9}")
    for count in (1, given.processes):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            write_even_set(data / "jobs" / JOB / "dataset", 12, 4.0)
            begun = time.monotonic()
            if any(process.wait() for process in launch(data, given.models, given.base, given.steps, count)):
                return 1
            found = json.loads((data / f"{count}-0.json").read_text())
        row = "".join(f"{found[name]:16.3f}" for name in PARTS)
        print(f"{count:<10}{row}{time.monotonic() - begun:9.0f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
