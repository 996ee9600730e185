"""A speech corpus for pretraining, decoded once into flat files that training maps into memory.

A corpus is a folder with ``metadata.tsv`` (columns shard, path, speaker, language, transcript, bandwidth_hz and, for
clips without a transcript, asr_hypothesis; shards are tar files beside it, and a row without a shard names a file in
the folder). A corpus of a teacher, who says what it is told, also has ``phones.jsonl``: the phones of each clip, the
seconds that each takes and the silence before the first. ``prepare`` writes, into a work folder:

    clips.jsonl   one clip a line: where it lies in the flat files, speaker, language, transcript, bandwidth, phones
    wave.i16      32 kHz mono, every clip padded with silence to whole semantic tokens (1280 samples)
    mel.f16       log-mel of the content encoder, 50 frames/s, [frames, bands]
    melody.f16    relative pitch, voicing, loudness, [frames, 3]
    pitch.f32     Hz, 0 where unvoiced, [frames]
"""

from __future__ import annotations

import csv
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpt_sovits.audio import read_audio, resample
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.events import Event, EventSink, ignore
from gpt_sovits.features.mini_content import HOP, SAMPLE_RATE, log_mel, mel_bank, melody
from gpt_sovits.features.pitch import track_pitch_batch
from gpt_sovits.training.examples import FRAME, RATE, TOKEN

BANDS = 80
HELD_OUT = Path(__file__).with_name("heldout.txt")
LATE = 0.06  # seconds that the times which Kokoro-82M tells lag behind its sound: fricatives of 300 clips lie so
EVENNESS = 0.5  # of a group's part of the corpus: 1 leaves it as large as it is, 0 makes all groups alike
_BATCH = 32


@dataclass(frozen=True)
class Clip:
    """One utterance: ``start`` and ``frames`` count 50 Hz frames in the flat files."""

    path: str
    speaker: str
    language: str
    transcript: str
    bandwidth: float
    start: int
    frames: int
    held_out: bool
    guess: str = ""  # what a recogniser heard where there is no transcript
    told: tuple[str, ...] = ()  # the phones that a teacher was told to say, punctuation included


class Corpus:
    """A prepared corpus, memory mapped."""

    def __init__(self, folder: Path) -> None:
        index = folder / "clips.jsonl"
        if not index.is_file():
            raise MissingError(f"There is no prepared corpus in {folder}.", "Run pretrain's stage 'prepare' first.")
        with open(index, encoding="utf-8") as lines:
            self.clips = [_clip(json.loads(line)) for line in lines]
        self._wave = np.memmap(folder / "wave.i16", np.int16, "r")
        self._mel = np.memmap(folder / "mel.f16", np.float16, "r").reshape(-1, BANDS)
        self._melody = np.memmap(folder / "melody.f16", np.float16, "r").reshape(-1, 3)
        self._pitch = np.memmap(folder / "pitch.f32", np.float32, "r")

    def wave(self, clip: Clip, first: int = 0, count: int | None = None) -> np.ndarray:
        """Samples `[count * 640]` float32 at 32 kHz of the frames from ``first`` on."""
        begin = (clip.start + first) * FRAME
        end = begin + (clip.frames - first if count is None else count) * FRAME
        return self._wave[begin:end].astype(np.float32) / 32768.0

    def mel(self, clip: Clip) -> np.ndarray:
        return self._mel[clip.start : clip.start + clip.frames].astype(np.float32)

    def melody(self, clip: Clip) -> np.ndarray:
        return self._melody[clip.start : clip.start + clip.frames].astype(np.float32)

    def pitch(self, clip: Clip) -> np.ndarray:
        return np.asarray(self._pitch[clip.start : clip.start + clip.frames])


def _clip(values: dict[str, Any]) -> Clip:
    return Clip(**{**values, "told": tuple(values.get("told", ()))})


@dataclass(frozen=True)
class Told:
    """What a teacher was told to say, and when it did: ``lead`` seconds of silence, then ``seconds`` for each phone."""

    phones: tuple[str, ...]
    seconds: tuple[float, ...]
    lead: float


def told(folder: Path) -> dict[str, Told]:
    """What is known of a teacher's clips by their paths; empty for a corpus of people."""
    out = {}
    if (folder / "phones.jsonl").is_file():
        with open(folder / "phones.jsonl", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                out[row["path"]] = Told(tuple(row["phones"]), tuple(row["seconds"]), float(row["lead"]))
    return out


def evened(clips: Sequence[Clip], power: float) -> np.ndarray:
    """How likely each clip is drawn `[N]`: by its frames to the ``power``, groups evened out (see ``EVENNESS``).

    A group is the clips of one language, of people or of a teacher.
    """
    weights = np.array([clip.frames for clip in clips], np.float64) ** power
    group = np.unique([f"{clip.language} {bool(clip.told)}" for clip in clips], return_inverse=True)[1]
    weights *= (np.bincount(group, weights) ** (EVENNESS - 1))[group]
    return np.asarray(weights / weights.sum())


def _rows(folder: Path) -> list[dict[str, str]]:
    table = folder / "metadata.tsv"
    if not table.is_file():
        raise MissingError(f"There is no metadata.tsv in {folder}.", "Name the folder of the corpus.")
    with open(table, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def _files(folder: Path, rows: list[dict[str, str]]) -> Iterator[tuple[dict[str, str], bytes]]:
    """The rows with the bytes of their files, shard by shard."""
    shards: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        shards.setdefault(row.get("shard", ""), {})[row["path"]] = row
    for shard, wanted in shards.items():
        if not shard:
            for path, row in wanted.items():
                yield row, (folder / path).read_bytes()
            continue
        with tarfile.open(folder / shard) as archive:
            for member in archive:
                if member.isfile() and member.name in wanted:
                    handle = archive.extractfile(member)
                    if handle is not None:
                        yield wanted[member.name], handle.read()


def _decode(items: list[tuple[str, bytes]]) -> list[tuple[np.ndarray, ...] | None]:
    """Decode and analyse some files; None where a file is broken. Runs in a worker process."""
    torch.set_num_threads(1)
    bank = mel_bank(BANDS)
    waves: list[np.ndarray | None] = []
    for name, data in items:
        with tempfile.NamedTemporaryFile(suffix=os.path.splitext(name)[1]) as file:
            file.write(data)
            file.flush()
            try:
                audio = resample(read_audio(file.name), RATE)
            except VoiceError:
                waves.append(None)
                continue
        samples = audio.samples[: len(audio.samples)]
        waves.append(np.pad(samples, (0, -len(samples) % TOKEN)))
    from gpt_sovits.audio import Audio

    low = [None if w is None else resample(Audio(w, RATE), SAMPLE_RATE).samples for w in waves]
    pitch = iter(track_pitch_batch([w for w in low if w is not None]))
    results: list[tuple[np.ndarray, ...] | None] = []
    for wave, small in zip(waves, low, strict=True):
        if wave is None or small is None:
            results.append(None)
            continue
        frames = len(wave) // FRAME
        small = np.pad(small, (0, max(0, frames * HOP - len(small))))[: frames * HOP]
        mel = log_mel(torch.from_numpy(small)[None], bank)[0].numpy()
        hertz = np.resize(next(pitch), frames) if frames else np.zeros(0, np.float32)
        results.append(
            (
                (np.clip(wave, -1, 1) * 32767).astype(np.int16),
                mel.astype(np.float16),
                melody(hertz, mel).astype(np.float16),
                hertz.astype(np.float32),
            )
        )
    return results


def prepare(sources: Sequence[Path], work: Path, *, workers: int = 2, on_event: EventSink = ignore) -> Corpus:
    """Decode the corpora in ``sources`` into ``work``, unless that is done already. Broken files are skipped."""
    work.mkdir(parents=True, exist_ok=True)
    if (work / "clips.jsonl").is_file():
        return Corpus(work)
    of_source = [(source, _rows(source), told(source)) for source in sources]
    total = sum(len(rows) for _, rows, _ in of_source)
    if not total:
        raise InputError("The corpus is empty.", "metadata.tsv must have one row per clip.")
    held_out = set(HELD_OUT.read_text(encoding="utf-8").split())
    clips: list[Clip] = []
    start = 0
    names = ("wave.i16", "mel.f16", "melody.f16", "pitch.f32")
    files = [open(work / name, "wb") for name in names]
    try:
        with ProcessPoolExecutor(workers) as pool:
            for source, rows, known in of_source:
                for batch, results in _decoded(pool, source, rows, workers):
                    for row, arrays in zip(batch, results, strict=True):
                        if arrays is None or len(arrays[3]) < 8:
                            continue
                        for file, array in zip(files, arrays, strict=True):
                            array.tofile(file)
                        clips.append(_clip_of(row, known.get(row["path"]), start, len(arrays[3]), held_out))
                        start += len(arrays[3])
                    on_event(Event("prepare", "Decoding the corpus.", len(clips), total))
    finally:
        for file in files:
            file.close()
    partial = work / "clips.jsonl.part"
    with open(partial, "w", encoding="utf-8") as out:
        for clip in clips:
            out.write(json.dumps(asdict(clip), ensure_ascii=False) + "\n")
    partial.replace(work / "clips.jsonl")
    return Corpus(work)


def _clip_of(row: dict[str, str], known: Told | None, start: int, frames: int, held_out: set[str]) -> Clip:
    return Clip(
        path=row["path"],
        speaker=row["speaker"],
        language=row["language"],
        transcript=row["transcript"],
        bandwidth=float(row.get("bandwidth_hz") or RATE / 2),
        start=start,
        frames=frames,
        held_out=row["speaker"] in held_out,
        guess="" if row["transcript"] else row.get("asr_hypothesis") or "",
        told=() if known is None else known.phones,
    )


def _decoded(
    pool: ProcessPoolExecutor, source: Path, rows: list[dict[str, str]], workers: int
) -> Iterator[tuple[list[dict[str, str]], list[tuple[np.ndarray, ...] | None]]]:
    """Batches of rows with their decoded arrays, in order, a few batches ahead of the reader."""
    waiting: list[tuple[list[dict[str, str]], object]] = []
    batch: list[tuple[dict[str, str], bytes]] = []

    def submit() -> None:
        items = [(row["path"], data) for row, data in batch]
        waiting.append(([row for row, _ in batch], pool.submit(_decode, items)))
        batch.clear()

    for item in _files(source, rows):
        batch.append(item)
        if len(batch) == _BATCH:
            submit()
            if len(waiting) > 2 * workers:
                done, future = waiting.pop(0)
                yield done, future.result()  # type: ignore[attr-defined]
    if batch:
        submit()
    for done, future in waiting:
        yield done, future.result()  # type: ignore[attr-defined]
