"""Sequences that a listener would complain about are noticed, and rolled again."""

from __future__ import annotations

import pytest
import torch

from gpt_sovits.semantic.decode import Generated
from gpt_sovits.semantic.guard import longest_loop, roll, suspicion


def _speech(length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 1024, (length,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("length", [60, 100, 200])
def test_ordinary_speech_passes(length: int) -> None:
    assert suspicion(_speech(length), 40, True) is None


def test_a_pause_within_a_sentence_passes() -> None:
    pause = torch.full((20,), 486)
    assert suspicion(torch.cat((_speech(40), pause, _speech(40, 1))), 40, True) is None


def test_skipped_words_and_babble_are_noticed() -> None:
    assert suspicion(_speech(15), 60, True) == "short"
    assert suspicion(_speech(400), 40, True) == "long"
    assert suspicion(_speech(40), 4, True) is None, "a short sentence may be drawn out"
    assert suspicion(_speech(2), 2, True) is None


def test_the_pace_of_the_voice_narrows_the_band() -> None:
    assert suspicion(_speech(90), 60, True) is None
    assert suspicion(_speech(90), 60, True, pace=4.5) == "short"
    assert suspicion(_speech(200), 60, True, pace=1.2) == "long"


def test_a_capped_sequence_is_noticed() -> None:
    assert suspicion(_speech(100), 40, False) == "cap"


def test_a_repeated_phrase_is_a_loop_even_if_it_ends() -> None:
    phrase = _speech(13)
    looping = torch.cat((_speech(30, 1), phrase.repeat(4), _speech(20, 2)))
    assert suspicion(looping, 40, True) == "loop"
    assert longest_loop(looping, 40, 3) == 52
    twice = torch.cat((_speech(30, 1), phrase.repeat(2), _speech(20, 2)))
    assert suspicion(twice, 40, True) is None


def test_humming_on_a_handful_of_tokens_is_stuck() -> None:
    assert suspicion(torch.cat((_speech(60), _speech(90, 3) % 5)), 60, True) == "stuck"


def test_rolling_stops_at_the_first_good_one_and_else_keeps_the_least_harmful_and_likeliest() -> None:
    good, short, likelier = (
        Generated(_speech(100), -2.0, True),
        Generated(_speech(10), -3.0, True),
        Generated(_speech(11), -1.0, True),
    )
    capped = Generated(_speech(300), -0.1, False)
    rolled = roll([short, good, likelier].__getitem__, 60, attempts=3)
    assert (rolled.result, rolled.reason, rolled.attempts) == (good, None, 2)
    rolled = roll([short, likelier, capped].__getitem__, 60, attempts=3)
    assert rolled.result is likelier and rolled.reason == "short" and rolled.attempts == 3
