"""Every official version at its real size: files in upstream's format, import, speech. Too heavy for the test suite.

    python -m tests.models.full_size DIR [v1 v2 v2Pro v2ProPlus v3 v4]

Writes synthetic files as ``../shared/reference/weights.py`` makes them (about 2 GB at a time, removed afterwards),
imports them into DIR/data as the command line would, speaks twice, and prints time and peak memory of each part, each
version in a process of its own. The speech is noise; its rate, length and sameness under a seed are checked.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpt_sovits.audio import Audio, read_audio
from gpt_sovits.families.base import Base, load_base
from gpt_sovits.families.enrol import enrol
from gpt_sovits.models import catalog
from gpt_sovits.services.model_files import import_models, verify_model
from gpt_sovits.settings import Settings
from gpt_sovits.synthesis import Manner, Synthesizer
from gpt_sovits.versions import OFFICIAL
from gpt_sovits.voices.voice import Voice
from tests.models.official import BERT, HUBERT, SPEAKER, full_state, write_bare, write_gpt, write_sovits

DATA = Path(__file__).resolve().parent.parent / "data"
TEXT = "好。"
CLIP_SECONDS = 3.0
LONGEST = 8.0  # seconds; random weights find no end, so that the cap on tokens ends the sentence
PARTS = ("content", "bert", "speaker", "semantic", "acoustic", "vocoder")


def peak_gib() -> float:
    """The most memory that this process held."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 2**20


def timed(what: str, work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = work()
    print(f"  {what}: {time.perf_counter() - start:.1f} s, peak {peak_gib():.2f} GiB", flush=True)
    return result


def make(version: str, folder: Path, settings: Settings) -> None:
    """Write one version's files, and what it shares with others if that is not there, and import them."""
    files = {file.path: folder / file.path for file in catalog.bundle(version)}
    written: list[Path] = []
    for path, target in files.items():
        part = _shared_part(path)
        if part and (settings.models_dir / ".parts" / part).is_file():
            continue
        if _write(path, version, target):
            written.append(target)
    report = timed(f"import {len(written)} files", lambda: import_models(written, settings, name=version))
    assert [base.name for base in report.bases] == [version] and not report.bases[0].missing, report
    for target in written:
        target.unlink()
    timed("verify", lambda: verify_model(version, settings))


def _shared_part(path: str) -> str:
    names = {"chinese-hubert": "content", "bigvgan_gen": "vocoder_v3", "vocoder.pth": "vocoder_v4", "sv/": "speaker"}
    if path.endswith("tokenizer.json"):
        return "bert_vocabulary.json"
    if path.startswith("chinese-roberta"):
        return "bert.safetensors"
    return next((f"{part}.safetensors" for sign, part in names.items() if sign in path), "")


def _write(path: str, version: str, target: Path) -> bool:
    generation = "v1" if version == "v1" else "v2"
    if path.endswith("tokenizer.json"):
        words = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
        words |= {chr(0x4E00 + index): 1000 + index for index in range(20000)}
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({"model": {"vocab": words}}), encoding="utf-8")
    elif "s2G" in path:
        write_sovits(target, version, full_state(f"sovits_{version}"))
    elif path.endswith(".ckpt") and "s1" in path:
        write_gpt(target, full_state(f"gpt_{generation}"), generation)
    elif "bigvgan" in path:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"generator": full_state("bigvgan_v2_24khz_100band_256x")}, target)
    elif "s2D" in path:
        return False
    else:
        names = {"chinese-hubert": HUBERT, "chinese-roberta": BERT, "sv/": SPEAKER, "vocoder": "vocoder_v4"}
        write_bare(target, full_state(next(name for sign, name in names.items() if sign in path)))
    return True


def speak(version: str, settings: Settings) -> None:
    """Load every part, enrol a clip, and speak the same text twice with one seed and once with another."""
    base: Base = load_base(version, settings)
    for part in PARTS:
        timed(f"load {part}", lambda part=part: getattr(base, part))
    whole, said = read_audio(DATA / "short_clip.opus"), (DATA / "short_clip.txt").read_text(encoding="utf-8").strip()
    clip = Audio(whole.samples[: round(CLIP_SECONDS * whole.rate)], whole.rate)
    reference = timed(f"enrol {clip.seconds:.1f} s", lambda: enrol(base, clip, said))
    voice = Voice("v1", "clip", "local", version, None, reference)
    synthesizer = Synthesizer(lambda name: base)

    def once(seed: int) -> np.ndarray:
        pieces = synthesizer.speak(voice, TEXT, seed=seed, manner=Manner(attempts=1, mel_steps=2))
        audio = [piece.audio for piece in pieces]
        assert {part.rate for part in audio} == {OFFICIAL[version].rate}, audio
        return np.concatenate([part.samples for part in audio])

    first = timed("speak", lambda: once(3))
    assert 0.1 * OFFICIAL[version].rate < len(first) < LONGEST * OFFICIAL[version].rate, len(first)
    assert np.isfinite(first).all() and np.abs(first).max() > 0.0
    assert np.array_equal(first, once(3)), "not the same under one seed"
    assert not np.array_equal(first, once(4)), "the same under another seed"
    print(f"  {len(first) / OFFICIAL[version].rate:.2f} s at {OFFICIAL[version].rate} Hz, deterministic", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("versions", nargs="*", default=list(OFFICIAL))
    parser.add_argument("--step", choices=("make", "speak"), help="one step in this process")
    given = parser.parse_args()
    settings = Settings(data_dir=given.folder / "data")
    if given.step:
        for version in given.versions:
            make(version, given.folder / "files", settings) if given.step == "make" else speak(version, settings)
        return 0
    for version in given.versions:
        print(version, flush=True)
        for step in ("make", "speak"):
            command = [sys.executable, "-m", "tests.models.full_size", str(given.folder), version, "--step", step]
            if subprocess.run(command, check=False).returncode:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
