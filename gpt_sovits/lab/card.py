"""Minutes with a graphics card: what pretraining needs in one small folder, and what to do with it in one command.

    python -m gpt_sovits.lab.card pack --work runs/mini --out .card --mebibytes 24
    python -m gpt_sovits.lab.card train --pack .card --work /tmp/mini --out OUT --minutes 8

``pack`` takes clips of the work folder of ``pretrain``, by the odds of a training step, as Ogg Opus with their codes,
phones and pitch. ``train`` needs nothing but that folder and the base: the acoustic and the semantic model learn
on from it side by side, and ``OUT`` gets the base that comes of it. soundfile (requirements-dev.txt) reads and writes.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from gpt_sovits.errors import InputError
from gpt_sovits.lab.codes import CodedClip, CodedCorpus
from gpt_sovits.lab.corpus import BANDS, Corpus, evened
from gpt_sovits.lab.evaluation.optional import judge_package
from gpt_sovits.models.native import load_tensors, save_tensors
from gpt_sovits.settings import PROJECT_ROOT
from gpt_sovits.torchaudio_compat import functional
from gpt_sovits.training.examples import FRAME, RATE, TOKEN
from gpt_sovits.versions import EMBEDDED

CODED_AT = 24000  # Hz, which Opus knows
LEVEL = 0.95  # of libsndfile's compression: about 18 kbit/s
_EACH = 200  # clips of a sound file
_TABLES = ("codebook", "prototypes", "said", "silent", "ends")  # of the codes, whatever the clips

log = logging.getLogger(__name__)


def pack(work: Path, out: Path, mebibytes: float, seed: int = 0) -> int:
    """Fill ``out`` with clips that may be learnt from, up to that size; returns how many."""
    coded = CodedCorpus(Corpus(work), work)
    usable = [clip for clip in coded.clips if not clip.clip.held_out]
    rng = np.random.default_rng(seed)
    odds = evened([clip.clip for clip in usable], 0.6)
    order = [usable[i] for i in rng.choice(len(usable), len(usable), replace=False, p=odds)]
    out.mkdir(parents=True, exist_ok=True)
    kept: list[CodedClip] = []
    size = 0
    for number, first in enumerate(range(0, len(order), _EACH)):
        group = order[first : first + _EACH]
        wave = np.concatenate([coded.corpus.wave(clip.clip) for clip in group])
        low = functional.resample(torch.from_numpy(wave), RATE, CODED_AT).numpy()
        path = out / f"sound_{number:03d}.ogg"
        soundfile = judge_package("soundfile")
        soundfile.write(path, low, CODED_AT, format="OGG", subtype="OPUS", compression_level=LEVEL)
        kept += group
        size += path.stat().st_size
        log.info("%s: %.1f MiB of sound", path.name, size / 2**20)
        if size > mebibytes * 2**20:
            break
    _write_tables(coded, work, out, kept)
    return len(kept)


def _write_tables(coded: CodedCorpus, work: Path, out: Path, kept: Sequence[CodedClip]) -> None:
    start = 0
    with (
        open(out / "clips.jsonl", "w", encoding="utf-8") as clips,
        open(out / "codes.jsonl", "w", encoding="utf-8") as rows,
    ):
        for each in kept:
            clips.write(json.dumps(asdict(replace(each.clip, start=start)), ensure_ascii=False) + "\n")
            start += each.clip.frames
            row = {"path": each.clip.path, "codes": len(each.codes), "phones": len(each.phones)}
            rows.write(json.dumps({**row, "transcribed": each.transcribed}) + "\n")
    tables = load_tensors(work / "codes.safetensors")
    arrays = {name: np.concatenate([getattr(clip, name) for clip in kept]) for name in ("codes", "phones")}
    arrays["phone_of_code"] = np.concatenate([clip.phone_of_code for clip in kept])
    save_tensors(
        out / "codes.safetensors",
        {
            **{name: tables[name] for name in _TABLES},
            **{name: torch.from_numpy(values).short() for name, values in arrays.items()},
            "pitch": torch.from_numpy(np.concatenate([coded.corpus.pitch(clip.clip) for clip in kept])).half(),
        },
    )


def _sound(path: Path) -> np.ndarray:
    """Samples int16 at 32 kHz of a packed sound file, in a process of its own."""
    torch.set_num_threads(1)
    wave, rate = judge_package("soundfile").read(path, dtype="float32")
    full = functional.resample(torch.from_numpy(wave), rate, RATE).clamp(-1, 1)
    return np.asarray((full * 32767).round().short())


def unpack(folder: Path, work: Path, workers: int = 4) -> None:
    """A work folder of ``pretrain`` from what ``pack`` wrote; the content encoder's inputs are not in it."""
    sounds = sorted(folder.glob("sound_*.ogg"))
    if not sounds:
        raise InputError(f"There is no packed corpus in {folder}.", "Make one with: gpt_sovits.lab.card pack")
    work.mkdir(parents=True, exist_ok=True)
    tensors = load_tensors(folder / "codes.safetensors")
    tensors.pop("pitch").float().numpy().tofile(work / "pitch.f32")
    save_tensors(work / "codes.safetensors", tensors)
    for name in ("clips.jsonl", "codes.jsonl"):
        (work / name).write_bytes((folder / name).read_bytes())
    with ProcessPoolExecutor(workers) as pool, open(work / "wave.i16", "wb") as out:
        for wave in pool.map(_sound, sounds):
            wave[: len(wave) // TOKEN * TOKEN].tofile(out)
    np.zeros((1, BANDS), np.float16).tofile(work / "mel.f16")
    np.zeros((1, 3), np.float16).tofile(work / "melody.f16")
    if (work / "wave.i16").stat().st_size != (work / "pitch.f32").stat().st_size // 4 * FRAME * 2:
        raise InputError("The packed sounds are not as long as their pitch.", "Pack the corpus again.")


def train(folder: Path, work: Path, out: Path, start: Path, minutes: float, device: str, workers: int) -> None:
    """Both models learn for that long from the packed corpus, at once; then the base is published into ``out``."""
    unpack(folder, work, max(1, workers))
    both = [
        _stage(stage, work, start, minutes, device, max(0, workers // 2), size)
        for stage, size in (("acoustic", 16.0), ("semantic", 8.0))
    ]
    if any([process.wait() for process in both]):
        raise InputError("A stage of the training failed.", "Its last lines say why.")
    if _stage("publish", work, start, minutes, "cpu", 0, 1.0, out).wait():
        raise InputError("The base could not be published.", "The last lines say why.")


def _stage(
    stage: str, work: Path, start: Path, minutes: float, device: str, workers: int, size: float, out: Path | None = None
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gpt_sovits.lab.pretrain", "--corpus", str(work), "--work", str(work)]
    command += ["--stage", stage, "--start", str(start), "--device", device, "--workers", str(workers)]
    command += ["--minutes", str(minutes), "--size", str(size if device != "cpu" else 1.0), "--judged-from", "1"]
    return subprocess.Popen([*command, *(["--out", str(out)] if out else [])])


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; see the module."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    does = options.add_subparsers(dest="what", required=True)
    packing = does.add_parser("pack")
    packing.add_argument("--work", type=Path, required=True)
    packing.add_argument("--out", type=Path, required=True)
    packing.add_argument("--mebibytes", type=float, default=24.0)
    training = does.add_parser("train")
    training.add_argument("--pack", type=Path, required=True)
    training.add_argument("--work", type=Path, required=True)
    training.add_argument("--out", type=Path, required=True)
    training.add_argument("--start", type=Path, default=PROJECT_ROOT / "pretrained_models" / EMBEDDED)
    training.add_argument("--minutes", type=float, default=8.0)
    training.add_argument("--device", default="cuda")
    training.add_argument("--workers", type=int, default=12)
    given = options.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if given.what == "pack":
        log.info("%d clips", pack(given.work, given.out, given.mebibytes))
    else:
        train(given.pack, given.work, given.out, given.start, given.minutes, given.device, given.workers)


if __name__ == "__main__":
    main()
