"""The table of the slider: who is paired with whom, what is monotonic, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_sovits.audio import Audio
from gpt_sovits.errors import InputError
from gpt_sovits.evaluation.mixing import pairs_of, slide, table
from gpt_sovits.evaluation.trial import Sentence
from gpt_sovits.registry.voice import Voice
from tests.registry.conftest import make_voice


def unit(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])


def judged(heard):
    """A slide between two voices whose judge hears ``heard(share of the second)`` as an angle."""
    one, other = make_voice(1), make_voice(2)

    def say(voice: Voice, sentence: Sentence, seed: int) -> Audio:
        return Audio(np.array([voice.made_by["ratio"]], np.float32), 32000)

    def embed(audio: Audio) -> np.ndarray:
        return unit(heard(float(audio.samples[0])))

    portraits = (unit(0.0), unit(np.pi / 2))
    return slide((one, other), ("one", "other"), portraits, [Sentence("en", "Hello.")], say, embed)


def test_a_slider_that_moves_the_voice_is_monotonic():
    found = judged(lambda ratio: ratio * np.pi / 2)
    assert found.setbacks == 0 and found.largest_setback == 0.0 and len(found.steps) == 11
    assert "| 0.5 | 0.707 | 0.707 |" in table(found) and "monotonic" in table(found)


def test_a_step_back_is_counted_and_measured():
    found = judged(lambda ratio: (0.2 if abs(ratio - 0.5) < 0.01 else ratio) * np.pi / 2)
    assert found.setbacks == 2
    assert found.largest_setback == pytest.approx(np.sin(0.4 * np.pi / 2) - np.sin(0.2 * np.pi / 2), abs=1e-3)
    assert "2 of 20 steps go back" in table(found)


def test_the_least_alike_are_paired_and_nobody_twice():
    portraits = {"a": unit(0.0), "b": unit(1.5), "c": unit(0.1), "d": unit(1.0)}
    assert pairs_of(portraits, 2) == [("a", "b"), ("c", "d")]
    with pytest.raises(InputError, match="2 pairs only"):
        pairs_of(portraits, 3)
