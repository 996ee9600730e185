"""A forced Chinese reading reaches the networks without the text feature that would overrule it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from gpt_sovits.families.enrol import bert_features
from gpt_sovits.text import Entry, Lexicon, phonemize


class Ones:
    """A text network whose every feature is one."""

    width = 4

    def features_batch(self, texts: list[tuple[str, tuple[int, ...]]]) -> list[torch.Tensor]:
        return [torch.ones(self.width, sum(counts)) for _, counts in texts]


def silent_columns(text: str, lexicon: Lexicon | None = None) -> list[str]:
    """The phones whose feature is zero."""
    said = phonemize(text, "auto", "v2", lexicon)
    base: Any = SimpleNamespace(bert=Ones())
    features = bert_features(base, said)
    assert features is not None and features.shape == (4, len(said.ids))
    return [phone for phone, column in zip(said.phones, features.T, strict=True) if not column.any()]


def test_only_the_forced_character_loses_its_feature() -> None:
    assert silent_columns("他说行吗？") == []
    assert silent_columns("他说[行|hang2]吗？") == ["h", "ang2"]
    assert silent_columns("他说行吗？", Lexicon((Entry("行", "hang2"),))) == ["h", "ang2"]
    assert silent_columns("先[停|L AY1 V]吧。") == ["L", "AY1", "V"]


def test_other_languages_have_no_feature() -> None:
    said = phonemize("好的 okay")
    assert silent_columns("好的 okay") == list(said.phones[4:])
