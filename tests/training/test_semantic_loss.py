"""Upstream's defects that our semantic training is free of: wrong side masked, padding learnt, steps left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gpt_sovits.events import CancelToken
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.model import T2S
from gpt_sovits.training.distributed import ALONE
from gpt_sovits.training.examples import Example
from gpt_sovits.training.learning import Task
from gpt_sovits.training.loop import Part
from gpt_sovits.training.plan import TrainingPlan
from gpt_sovits.training.semantic import collate_semantic, join, semantic_loss
from gpt_sovits.training.vits import VitsLearning

CONFIG = T2SConfig(hidden=32, layers=2, heads=2, feed_forward=64, vocabulary=17, phones=20, bert_dim=8)


def example(phones: int, codes: int, seed: int, *, features: bool = True) -> Example:
    rng = np.random.default_rng(seed)
    return Example(
        wave=np.zeros(0, np.float32),
        codes=rng.integers(0, 16, codes),
        phones=rng.integers(1, 20, phones),
        pitch=np.zeros(2 * codes, np.float32),
        phone_of_code=np.full(codes, -1),
        bert=rng.normal(0, 1, (8, phones)).astype(np.float32) if features else None,
    )


@pytest.fixture
def model() -> T2S:
    torch.manual_seed(0)
    return T2S(CONFIG).eval()


def test_neighbours_in_a_batch_do_not_change_what_a_row_learns(model: T2S) -> None:
    """Texts and codes of different lengths: the batch's loss is the mean over the real targets of each row alone."""
    rows = [example(3, 20, 0), example(11, 6, 1), example(7, 9, 2, features=False)]
    alone = [semantic_loss(model, collate_semantic([row])) for row in rows]
    targets = [len(row.codes) + 1 for row in rows]  # the codes and one end
    expected = sum(float(a.loss.detach()) * n for a, n in zip(alone, targets, strict=True)) / sum(targets)
    together = semantic_loss(model, collate_semantic(rows))
    assert float(together.loss.detach()) == pytest.approx(expected, rel=1e-5)


def test_padding_is_no_target(model: T2S) -> None:
    batch = collate_semantic([example(3, 20, 0), example(5, 6, 1)])
    out = model.forward_train(batch.phones, batch.phone_lengths, batch.codes, batch.code_lengths, batch.bert)
    counted = out.targets != -100
    assert counted.sum(1).tolist() == [21, 7]
    assert (out.targets == CONFIG.eos).sum(1).tolist() == [1, 1]
    assert float(semantic_loss(model, batch).loss.detach()) == pytest.approx(float(out.loss().detach()), rel=1e-6)


def test_text_features_stay_with_their_phones() -> None:
    first, second, bare = example(3, 4, 0), example(5, 4, 1), example(2, 4, 2, features=False)
    assert first.bert is not None and second.bert is not None
    both = join([first, bare, second])
    assert both.bert is not None and np.array_equal(both.bert[:, :3], first.bert)
    assert not both.bert[:, 3:5].any() and np.array_equal(both.bert[:, 5:], second.bert)
    batch = collate_semantic([second, bare, first])
    assert batch.bert is not None and batch.bert.shape[::2] == (3, batch.phones.shape[1])
    assert torch.equal(batch.bert[2, :, :3], torch.from_numpy(first.bert)) and not batch.bert[1].any()
    assert collate_semantic([bare]).bert is None and join([bare, bare]).bert is None


@pytest.mark.parametrize("rank", [0, 4])
def test_the_shortest_recording_takes_every_step(rank: int, model: T2S, tmp_path: Path) -> None:
    """Two pieces make less than the four batches upstream waits for; here every step moves the network."""
    rows = [example(4, 8, 0), example(5, 9, 1)]
    drawn = TrainingPlan(0, 6, semantic_rank=rank, semantic_rate=2e-3 if not rank else 1e-3, patience=100)
    drawn = replace(drawn, validate_every=1)
    lesson = VitsLearning().semantic(model, Task(rows, rows, drawn))
    seen = []
    trained = [p for p in model.parameters() if p.requires_grad]
    parts = Part(
        "semantic",
        model,
        6,
        drawn.semantic_rate,
        drawn,
        tmp_path,
        lambda event: None,
        CancelToken(),
        ALONE,
        lambda kind, step: seen.append(torch.cat([p.detach().flatten() for p in trained]).clone()),
        None,
        lesson.manner,
    )
    metrics, steps = parts.run(lesson.train, lesson.validate)
    assert steps == 6 and len(seen) == 6
    assert all(not torch.equal(before, after) for before, after in zip(seen, seen[1:], strict=False))
    assert metrics["semantic_best"] < metrics["semantic_first"]
