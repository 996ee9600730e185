"""One training step of the semantic model (T2S); pretraining and fine-tuning share it.

Cross entropy of the next code, teacher forced. When a small model learns from nothing, one attention head is also told
which phone the next code says (guided attention in the sense of Tachibana et al. 2018, but with the true
alignment): the way through the text is then found in minutes instead of hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gpt_sovits.acoustic.code_alignment import near_phones
from gpt_sovits.semantic.model import T2S
from gpt_sovits.training.acoustic import StepResult, confused
from gpt_sovits.training.examples import Example, mark_ids, pad_rows

GUIDED_HEAD = 0


@dataclass(frozen=True)
class SemanticBatch:
    """Right-padded. B rows, P phones, N codes."""

    phones: Tensor  # [B, P]
    phone_lengths: Tensor  # [B]
    codes: Tensor  # [B, N]
    code_lengths: Tensor  # [B]
    phone_of_code: Tensor  # [B, N] index into the row's phones, -1 unknown
    near: Tensor  # [B, N, 4] the phones near each code, for an aligned network
    bert: Tensor | None = None  # [B, W, P] text features; None means zeros


def join(examples: Sequence[Example]) -> Example:
    """Utterances of one speaker said in a row, as one: what a prompt and its continuation look like."""
    if len(examples) == 1:
        return examples[0]
    offsets = np.cumsum([0, *(len(e.phones) for e in examples[:-1])])
    return Example(
        wave=np.zeros(0, np.float32),
        codes=np.concatenate([e.codes for e in examples]),
        phones=np.concatenate([e.phones for e in examples]),
        pitch=np.concatenate([e.pitch for e in examples]),
        speaker=examples[0].speaker,
        phone_of_code=np.concatenate(
            [
                np.where(e.phone_of_code >= 0, e.phone_of_code + offset, -1)
                for e, offset in zip(examples, offsets, strict=True)
            ]
        ),
        bert=_joined_features(examples),
    )


def _joined_features(examples: Sequence[Example]) -> np.ndarray | None:
    """Text features [W, P] of utterances in a row; None where none has any."""
    known = next((e.bert for e in examples if e.bert is not None), None)
    if known is None:
        return None
    rows = [np.zeros((len(known), len(e.phones)), np.float32) if e.bert is None else e.bert for e in examples]
    return np.concatenate(rows, axis=1)


def _padded_features(examples: Sequence[Example], length: int) -> Tensor | None:
    """Text features [B, W, P] of a batch, right-padded to ``length``; None where no row has any."""
    known = next((e.bert for e in examples if e.bert is not None), None)
    if known is None:
        return None
    out = torch.zeros(len(examples), len(known), length)
    for row, example in enumerate(examples):
        if example.bert is not None:
            out[row, :, : example.bert.shape[1]] = torch.from_numpy(example.bert)
    return out


def collate_semantic(examples: Sequence[Example]) -> SemanticBatch:
    places = pad_rows([e.phone_of_code + 1 for e in examples], 8, torch.long) - 1
    phones = pad_rows([e.phones for e in examples], 8, torch.long)
    near = torch.zeros(*places.shape, 4, dtype=torch.long)
    marks = sorted(mark_ids())
    for row, example in enumerate(examples):
        found = near_phones(example.phones, example.phone_of_code, ~np.isin(example.phones, marks))
        near[row, : len(found)] = torch.from_numpy(found)
    return SemanticBatch(
        phones=phones,
        phone_lengths=torch.tensor([len(e.phones) for e in examples]),
        codes=pad_rows([e.codes for e in examples], 8, torch.long),
        code_lengths=torch.tensor([len(e.codes) for e in examples]),
        phone_of_code=places,
        near=near,
        bert=_padded_features(examples, phones.shape[1]),
    )


def semantic_loss(
    model: T2S, batch: SemanticBatch, *, guide: float = 0.0, smoothing: float = 0.0, confusion: float = 0.0
) -> StepResult:
    """Mean cross entropy per code, plus ``guide`` times that of the guided head's attention.

    ``confusion``: part of the codes that the network hears exchanged for any other, as after mistakes of its own.
    """
    layer = model.config.layers // 2
    out = model.forward_train(
        batch.phones,
        batch.phone_lengths,
        batch.codes,
        batch.code_lengths,
        batch.bert,
        near=batch.near if model.config.aligned else None,
        heard=confused(batch.codes, model.config.eos, confusion) if confusion else None,
        attention_of=(layer, GUIDED_HEAD) if guide > 0 else None,
    )
    loss = functional.cross_entropy(
        out.logits.transpose(1, 2), out.targets, ignore_index=-100, label_smoothing=smoothing
    )
    values = {"cross_entropy": float(loss.detach()), "accuracy": out.accuracy(model.config.eos)}
    if out.attention is not None:
        target = functional.pad(batch.phone_of_code[:, 1:], (0, 1), value=-1)
        attention = functional.cross_entropy(out.attention.transpose(1, 2), target, ignore_index=-1)
        if bool((target >= 0).any()):
            loss = loss + guide * attention
            values["attention"] = float(attention.detach())
    return StepResult(loss, values, float((out.targets >= 0).sum()))
