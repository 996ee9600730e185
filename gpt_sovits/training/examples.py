"""What both trainers eat: utterances with their codes, phones and pitch, drawn into batches of like length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from gpt_sovits.features.pitch import filled_log_pitch
from gpt_sovits.text import symbols
from gpt_sovits.text.symbols import MARKS

B = TypeVar("B")
RATE = 32000  # Hz
TOKEN = 1280  # samples of one semantic token at 32 kHz
FRAME = 640  # samples of one 50 Hz frame at 32 kHz


def mark_ids() -> frozenset[int]:
    """Ids of the punctuation, which no frame says."""
    return frozenset(symbols().ids[mark] for mark in MARKS)


@dataclass(frozen=True)
class Example:
    """One utterance. T is even: the number of 50 Hz frames, two per code."""

    wave: np.ndarray  # float32 [T * 640] at 32 kHz
    codes: np.ndarray  # int64 [T // 2]
    phones: np.ndarray  # int64 [P], punctuation included
    pitch: np.ndarray  # float32 [T] Hz, 0 where unvoiced
    speaker: str = ""
    bandwidth: float = 16000.0  # Hz; the recording says nothing about what lies above
    phone_of_code: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # [T // 2], -1 unknown
    bert: np.ndarray | None = None  # float32 [W, P] text features; None means zeros

    @property
    def frames(self) -> int:
        return len(self.pitch)


@dataclass(frozen=True)
class AcousticBatch:
    """Padded tensors. B rows, L samples, T frames, P phones."""

    wave: Tensor  # [B, L]
    lengths: Tensor  # [B] frames
    codes: Tensor  # [B, T // 2]
    phone_of_code: Tensor  # [B, T // 2] index into the row's phones, -1 unknown
    phones: Tensor  # [B, P]
    phone_lengths: Tensor  # [B]
    log_pitch: Tensor  # [B, T] natural log of Hz, interpolated where unvoiced
    voiced: Tensor  # [B, T] 0 or 1
    bandwidth: Tensor  # [B] Hz
    style_wave: Tensor  # [B, L'] speech of the same speaker
    style_lengths: Tensor  # [B] frames


def pad_rows(rows: Sequence[np.ndarray], multiple: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    """Stack vectors `[n_i]` into `[B, N]`, zero padded on the right to a multiple."""
    longest = max(len(r) for r in rows)
    out = torch.zeros(len(rows), longest + -longest % multiple, dtype=dtype)
    for index, row in enumerate(rows):
        out[index, : len(row)] = torch.from_numpy(np.ascontiguousarray(row)).to(dtype)
    return out


def collate_acoustic(examples: Sequence[Example], styles: Sequence[np.ndarray]) -> AcousticBatch:
    """``styles``: for every example, a wave `[n * 640]` of the same speaker."""
    frames = 16
    return AcousticBatch(
        wave=pad_rows([e.wave for e in examples], frames * FRAME),
        lengths=torch.tensor([e.frames for e in examples]),
        codes=pad_rows([e.codes for e in examples], frames // 2, torch.long),
        phone_of_code=pad_rows([e.phone_of_code + 1 for e in examples], frames // 2, torch.long) - 1,
        phones=pad_rows([e.phones for e in examples], 8, torch.long),
        phone_lengths=torch.tensor([len(e.phones) for e in examples]),
        log_pitch=pad_rows([filled_log_pitch(e.pitch) for e in examples], frames),
        voiced=pad_rows([(e.pitch > 0).astype(np.float32) for e in examples], frames),
        bandwidth=torch.tensor([e.bandwidth for e in examples]),
        style_wave=pad_rows(styles, frames * FRAME),
        style_lengths=torch.tensor([len(s) // FRAME for s in styles]),
    )


def group_by_length(lengths: Sequence[int], limit: int, rng: np.random.Generator) -> list[list[int]]:
    """Split indices into batches whose padded size (rows times longest) stays below ``limit``, in random order."""
    batches: list[list[int]] = []
    current: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if current and (len(current) + 1) * lengths[index] > limit:
            batches.append(current)
            current = []
        current.append(index)
    if current:
        batches.append(current)
    order = rng.permutation(len(batches))
    return [batches[i] for i in order]


def batches(
    examples: Sequence[Example], limit: int, rng: np.random.Generator, *, phones: bool = False
) -> list[list[Example]]:
    """Batches of at most ``limit`` padded frames, or with ``phones`` of as many phones and codes, in random order."""
    lengths = [len(e.codes) + len(e.phones) if phones else e.frames for e in examples]
    groups = group_by_length(lengths, max(limit, max(lengths)), rng)
    return [[examples[i] for i in group] for group in groups]


def moved(batch: B, device: torch.device | str) -> B:
    """A batch with all its tensors on ``device``."""
    tensors: dict[str, Any] = {
        each.name: value.to(device)
        for each in fields(batch)  # type: ignore[arg-type]
        if isinstance(value := getattr(batch, each.name), Tensor)
    }
    return replace(batch, **tensors)  # type: ignore[type-var]
