"""Phones come out once each, flicker does not count."""

import numpy as np

from gpt_sovits.features.phone_decoding import decode_phones

BLANK = 4


def posteriors(path: list[int], sure: float = 0.8) -> np.ndarray:
    probabilities = np.full((len(path), BLANK + 1), (1 - sure) / BLANK)
    probabilities[np.arange(len(path)), path] = sure
    return np.log(probabilities)


def test_runs_become_phones() -> None:
    path = [4, 4, 0, 0, 0, 1, 1, 1, 4, 4, 4, 4, 1, 1, 1, 2, 2, 2, 2]
    assert decode_phones(posteriors(path), BLANK) == [0, 1, 1, 2]


def test_single_frames_are_ignored() -> None:
    path = [0, 0, 0, 3, 0, 0, 0, 1, 1, 1, 1]
    assert decode_phones(posteriors(path), BLANK) == [0, 1]
    assert decode_phones(posteriors(path), BLANK, switch_cost=0.0) == [0, 3, 0, 1]


def test_nothing_said() -> None:
    assert decode_phones(np.zeros((0, 5)), BLANK) == []
    assert decode_phones(posteriors([4] * 10), BLANK) == []
