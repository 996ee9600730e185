"""The table of the slider: who is paired with whom, what is monotonic, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_sovits.audio import Audio
from gpt_sovits.errors import InputError
from gpt_sovits.lab.evaluation.folder import Speaker
from gpt_sovits.lab.evaluation.mixing import kept, pairs_of, slide, table
from gpt_sovits.lab.evaluation.trial import Sentence
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.voice import Voice
from tests.storage.conftest import make_voice, stage


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
    assert found.certain_setbacks == 0 and found.steps[5].first_error is None, "one sentence tells no error"


def test_a_step_back_beyond_the_spread_of_what_was_said_is_certain():
    one, other = make_voice(1), make_voice(2)
    wobble = {0: -0.02, 1: 0.02, 2: 0.0, 3: 0.01}

    def found(dip: float):
        def say(voice: Voice, sentence: Sentence, seed: int) -> Audio:
            ratio = voice.made_by["ratio"]
            noise = wobble[seed] * (1 + round(10 * ratio) % 2)
            return Audio(np.array([ratio - (dip if abs(ratio - 0.5) < 0.01 else 0.0) + noise], np.float32), 32000)

        def embed(audio: Audio) -> np.ndarray:
            return unit(float(audio.samples[0]) * np.pi / 2)

        portraits = (unit(0.0), unit(np.pi / 2))
        return slide((one, other), ("one", "other"), portraits, [Sentence("en", "Hi.")], say, embed, seeds=range(4))

    chance, certain = found(0.11), found(0.3)
    assert chance.setbacks == 2 and chance.certain_setbacks == 0
    assert certain.certain_setbacks == 2 and "2 by more than twice the standard error" in table(certain)
    changes = [np.cos((0.5 + 2 * w) * np.pi / 2) - np.cos((0.4 + w) * np.pi / 2) for w in wobble.values()]
    assert found(0.0).steps[5].first_error == pytest.approx(np.std(changes, ddof=1) / 2, rel=0.02)


def test_the_voices_that_a_registry_keeps_are_found_by_their_speakers(tmp_path):
    registry, voice, recording = Registry(tmp_path / "registry"), make_voice(1), tmp_path / "minute.wav"
    recording.write_bytes(bytes(1000))
    registry.admit("local", "so0739 trained", stage(tmp_path / "jobs", voice, recording))
    speakers = [Speaker(name, (), ()) for name in ("so0739", "so8068")]
    assert {name: found.id for name, found in kept(speakers, registry).items()} == {"so0739": voice.id}


def test_the_least_alike_are_paired_and_nobody_twice():
    portraits = {"a": unit(0.0), "b": unit(1.5), "c": unit(0.1), "d": unit(1.0)}
    assert pairs_of(portraits, 2) == [("a", "b"), ("c", "d")]
    with pytest.raises(InputError, match="2 pairs only"):
        pairs_of(portraits, 3)
