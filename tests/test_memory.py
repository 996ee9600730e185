"""What speaking leaves behind is given back to the system: when a speech ends, however it ends, and not too often."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from gpt_sovits import memory


@pytest.fixture
def given_back(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    monkeypatch.setattr(memory, "trimmer", lambda: lambda keep: calls.append(keep))
    return calls


def pieces() -> Iterator[int]:
    yield 1
    yield 2


def test_memory_is_given_back_when_a_speech_ends_and_not_too_often(given_back: list[int]) -> None:
    now = [100.0]
    heap = memory.Heap(every=5.0, clock=lambda: now[0])
    speech = heap.after(pieces())
    assert next(speech) == 1 and not given_back
    speech.close()  # type: ignore[attr-defined]  # the listener left
    assert given_back == [0]
    assert list(heap.after(pieces())) == [1, 2] and given_back == [0]
    assert list(heap.after(pieces())) == [1, 2] and heap._later is not None
    heap._later.cancel()
    heap._later.function()  # what the clock would do, once for both
    assert given_back == [0, 0]
    now[0] += 5.0
    with pytest.raises(ZeroDivisionError):
        list(heap.after(1 // 0 for _ in "x"))
    assert given_back == [0, 0, 0]


def test_where_the_library_cannot_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert list(memory.Heap().after(pieces())) == [1, 2]
