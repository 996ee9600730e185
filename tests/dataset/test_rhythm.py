"""A tick, a song and a sentence said over and over are no reading, and a reading is none of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import Audio, level, read_audio
from gpt_sovits.dataset.assess import BEAT, NOTES, assess
from gpt_sovits.dataset.build import AGAIN, PLENTY, _best
from gpt_sovits.dataset.rhythm import beat, held_notes, said_again
from gpt_sovits.dataset.training_set import Slice
from gpt_sovits.dataset.vad import Span
from gpt_sovits.text import phonemize

RECORDING = Path(__file__).parent.parent / "data" / "one_minute.opus"


@pytest.fixture(scope="module")
def reading() -> Audio:
    return read_audio(RECORDING).between(0.0, 25.0)


@pytest.mark.parametrize("seconds", [0.4, 0.5, 1.0])
def test_a_quiet_clock_is_heard_and_a_reader_is_none(reading: Audio, seconds: float) -> None:
    ticks = np.zeros(len(reading.samples), np.float32)
    tick = np.sin(np.arange(300) * 0.4) * np.hanning(300)
    for at in range(1000, len(ticks) - 300, round(seconds * reading.rate)):
        ticks[at : at + 300] = tick
    ticks *= 10 ** (level(reading) / 20)
    assert beat(reading) < BEAT < beat(Audio(reading.samples + ticks, reading.rate))


def test_a_held_note_is_a_song(reading: Audio) -> None:
    told = assess(reading)
    assert told.notes < NOTES and not {problem.kind for problem in told.problems} & {"singing", "beat"}
    notes = np.repeat(220.0 * 2 ** (np.array([0, 4, 7, 5, 0, 0]) / 12), 25) * (1 + 0.002 * np.sin(np.arange(150)))
    gliding = 220.0 * 2 ** (np.sin(np.arange(150) / 5) / 2)
    assert held_notes(notes, 0.02) > 0.9 > 0.3 > held_notes(gliding, 0.02)
    assert held_notes(np.zeros(150), 0.02) == 0.0


def test_the_same_sentence_is_heard_again() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.permutation(40)[:12], rng.permutation(40)[:12]
    heard = np.full((4 * 60, 41), -8.0, np.float32)
    misheard = one.copy()
    misheard[[2, 7]] = 40 - 1
    for number, phones in enumerate((one, other, misheard, one)):
        for k, phone in enumerate(phones):
            heard[60 * number + 5 * k : 60 * number + 5 * k + 3, phone] = 0.0
            heard[60 * number + 5 * k + 3 : 60 * number + 5 * k + 5, 40] = 0.0
    pieces = [Span(1.2 * number, 1.2 * number + 1.2) for number in range(4)]
    assert said_again(heard, pieces[:2], 0.02) == 0.0
    assert said_again(heard, pieces, 0.02) == pytest.approx(0.5) and AGAIN < 0.5


def test_of_half_an_hour_the_surest_pieces_are_learnt_from() -> None:
    phones = phonemize("Hello.", "en")
    pieces = [
        Slice(Path(f"{n}.wav"), "Hello.", "en", phones, 10.0 * n, 10.0 * n + 10, 0.5 + n % 2 / 4) for n in range(80)
    ]
    kept, spare = _best(pieces, [])
    assert sum(piece.seconds for piece in kept) == PLENTY and len(kept) + len(spare) == 80
    assert {piece.confidence for piece in kept[1::2]} == {0.75} and all(piece.reason for piece in spare)
    assert [piece.start for piece in kept] == sorted(piece.start for piece in kept)
    assert _best(pieces[:10], []) == (pieces[:10], [])
