"""A voice that was learnt is understood no worse than the one that it began from: less of the change is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gpt_sovits.audio import Audio, write_wav
from gpt_sovits.dataset.training_set import Report, Slice, TrainingSet
from gpt_sovits.events import CancelToken, ignore
from gpt_sovits.families.base import Base, load_base
from gpt_sovits.features.phone_errors import ErrorRate
from gpt_sovits.jobs import strength
from gpt_sovits.settings import Settings
from gpt_sovits.text import phonemize
from gpt_sovits.training.finetune import Tuned, reference_of
from tests.random_base import write_random_base

TEXT = "We should leave early."


@pytest.fixture
def base(tmp_path: Path) -> Base:
    write_random_base(tmp_path / "bundled" / "mini")
    return load_base("mini", Settings(tmp_path / "data", threads=1, bundled_models=tmp_path / "bundled"))


@pytest.fixture
def dataset(tmp_path: Path) -> TrainingSet:
    buzz = np.sign(np.sin(np.arange(64_000) * 2 * np.pi * 120 / 32_000)) * 0.1
    write_wav(tmp_path / "0000.wav", Audio(buzz.astype(np.float32), 32_000))
    piece = Slice(tmp_path / "0000.wav", TEXT, "en", phonemize(TEXT, "en"), 0.0, 2.0, 0.9)
    return TrainingSet((piece,), 2.0, Report("text", None, (), (), 0.9))


@pytest.mark.parametrize(
    ("wrong", "share"),
    [([3, 3], 1.0), ([3, 9, 2], 0.6), ([3, 9, 8, 3], 0.3), ([3, 9, 8, 7], 0.0)],
)
def test_less_of_the_change_is_taken_where_words_are_lost(
    base: Base, dataset: TrainingSet, monkeypatch: pytest.MonkeyPatch, wrong: list[int], share: float
) -> None:
    monkeypatch.setattr(strength, "SENTENCES", {"en": (TEXT,)})
    name = next(name for name, _ in base.new_acoustic().named_parameters() if name.startswith("dec."))
    change = torch.full_like(base.new_acoustic().state_dict()[name], 0.01).half()
    reference = reference_of(base, base.acoustic, dataset)
    tuned = Tuned({f"acoustic.{name}": change}, reference, {}, 7)
    answers = iter([ErrorRate(count, 16) for count in wrong])
    taken, kept = strength.settle(base, dataset, tuned, lambda *_: next(answers), on_event=ignore, cancel=CancelToken())
    assert kept is not None and kept.share == share and list(answers) == []
    assert torch.allclose(taken.delta[f"acoustic.{name}"].float(), share * change.float(), atol=1e-4)
    assert f"{share:.0%}" in str(kept) and f"alone {wrong[0]}" in str(kept)
    assert (taken is tuned) == (share == 1.0) and taken.steps == 7


def test_what_the_other_language_loses_counts_too(
    base: Base, dataset: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The own language comes first and loses nothing; the other one loses much at the whole and little at 0.6."""
    monkeypatch.setattr(strength, "SENTENCES", {"zh": ("你好。",), "en": (TEXT,)})
    asked: list[str] = []

    def listen(audio: Audio, text: str, language: str) -> ErrorRate:
        asked.append(language)
        return ErrorRate(9 if len(asked) == 4 else 0, 40)

    tuned = Tuned({}, reference_of(base, base.acoustic, dataset), {}, 7)
    _, kept = strength.settle(base, dataset, tuned, listen, on_event=ignore, cancel=CancelToken())
    assert asked == ["en", "zh"] * 3
    assert kept is not None and kept.share == 0.6


def test_where_nobody_listens_all_is_kept(base: Base, dataset: TrainingSet) -> None:
    tuned = Tuned({}, reference_of(base, base.acoustic, dataset), {}, 7)
    how = {"on_event": ignore, "cancel": CancelToken()}
    assert strength.settle(base, dataset, tuned, None, **how) == (tuned, None)
