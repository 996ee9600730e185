"""One person is one person, whatever the mood; two people are two; a whisper has no voice."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_sovits.audio import Audio, concatenate, read_audio, resample
from gpt_sovits.dataset.speakers import listen_for_voices
from gpt_sovits.dataset.vad import Span
from tests.dataset.spoiled import DATA, second_person


@pytest.fixture(scope="module")
def minute() -> Audio:
    return resample(read_audio(DATA / "one_minute.opus"), 16_000)


def voices(audio: Audio) -> object:
    return listen_for_voices(audio, [Span(0.0, audio.seconds)])


def test_a_person_who_reads_with_feeling_is_one_person(minute: Audio) -> None:
    """Every other sentence louder and half a tone higher, as an excited reader speaks."""
    parts = [minute.between(5.0 * n, 5.0 * n + 5) for n in range(11)]
    lively = [
        Audio(1.6 * resample(Audio(p.samples, 16_000 * 103 // 100), 16_000).samples, 16_000) if n % 2 else p
        for n, p in enumerate(parts)
    ]
    assert voices(concatenate(lively)).count == 1


def test_a_second_person_is_heard_and_a_short_word_of_one_is_not(minute: Audio) -> None:
    other = second_person(minute.between(30, 52))
    assert voices(concatenate([minute.between(0, 30), other])).count == 2
    assert voices(concatenate([minute.between(0, 40), other.between(0, 4)])).count == 1


def test_nothing_to_judge_is_one_person() -> None:
    assert voices(Audio(np.zeros(8000, np.float32), 16_000)).count == 1
