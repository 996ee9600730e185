"""Pieces are of a trainable length, cut where nobody speaks, and hold every bit of speech."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_sovits.audio import Audio, read_audio
from gpt_sovits.dataset.slice import slice_speech
from gpt_sovits.dataset.vad import Span, speech_spans

DATA = Path(__file__).parents[1] / "data"


def holds(pieces: list[Span], spans: list[Span]) -> bool:
    """Every instant of speech lies in a piece (cuts inside a span may touch)."""
    for span in spans:
        covered = sum(max(0.0, min(span.end, p.end) - max(span.start, p.start)) for p in pieces)
        if covered < span.seconds - 1e-6:
            return False
    return True


def quiet(seconds: float) -> Audio:
    return Audio(np.zeros(round(seconds * 16000), np.float32), 16000)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 14.0), st.floats(0.1, 4.0)), min_size=1, max_size=25))
def test_nothing_that_is_speech_is_lost(lengths):
    spans, now = [], 0.3
    for speech, pause in lengths:
        spans.append(Span(now, now + speech))
        now += speech + pause
    pieces = slice_speech(quiet(now), spans)
    assert holds(pieces, spans)
    assert all(a.end <= b.start + 1e-9 for a, b in pairwise(pieces))
    assert all(0 <= p.start < p.end <= now + 1e-3 for p in pieces)
    assert all(p.seconds < 11.0 for p in pieces)


def test_a_real_minute_falls_into_sentences():
    audio = read_audio(DATA / "one_minute.opus")
    spans = speech_spans(audio)
    pieces = slice_speech(audio, spans)
    assert 7 <= len(pieces) <= 20 and holds(pieces, spans)
    assert all(1.5 <= piece.seconds <= 10.5 for piece in pieces)
    levels = [np.abs(audio.between(p.start, p.start + 0.01).samples).max() for p in pieces]
    assert max(levels) < 0.1  # cut in pauses


def test_long_pauses_are_not_kept_inside():
    spans = [Span(0.5, 3.0), Span(6.0, 8.0)]
    pieces = slice_speech(quiet(9.0), spans)
    assert len(pieces) == 2 and sum(p.seconds for p in pieces) < 5.5


def test_ends_of_sentences_win_over_equal_pauses():
    spans = [Span(i * 2.0, i * 2.0 + 1.6) for i in range(4)]  # three pauses of 0.4 s
    pieces = slice_speech(quiet(8.0), spans, sentence_ends=[3.7])
    assert any(abs(p.end - 3.75) < 0.1 for p in pieces)


def test_words_are_not_cut():
    spans = [Span(0.0, 5.0), Span(5.15, 9.8), Span(10.4, 12.0)]
    pieces = slice_speech(quiet(12.1), spans, words=[(4.7, 5.4)])
    assert not any(abs(p.end - 5.07) < 0.1 for p in pieces)
    rng = np.random.default_rng(0)
    breathless = Audio(rng.normal(0, 0.1, 16000 * 25).astype(np.float32), 16000)
    words = [(i * 0.5 + 0.05, i * 0.5 + 0.45) for i in range(50)]
    pieces = slice_speech(breathless, [Span(0.0, 25.0)], words=words)
    assert len(pieces) >= 3 and all(p.seconds <= 10 for p in pieces)
    for piece in pieces[:-1]:
        assert min(abs(piece.end - i * 0.5) for i in range(51)) < 0.08


@pytest.mark.parametrize("spans", [[], [Span(0.2, 0.9)]])
def test_little_or_no_speech(spans):
    assert len(slice_speech(quiet(2.0), spans)) == len(spans)
