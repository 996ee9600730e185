"""Recordings as people spoil them: each gets its verdict, and its advice names what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import Audio, read_audio
from gpt_sovits.dataset.assess import GOOD, RECORD_AGAIN, USABLE, open_recording
from gpt_sovits.dataset.picture import WIDTH, draw, png
from tests.dataset.spoiled import CASES, DATA, Case

EXPECTED = {
    "clean": (GOOD, ""),
    "music behind": (RECORD_AGAIN, "turn it off"),
    "two speakers": (RECORD_AGAIN, "record one alone"),
    "8 kHz phone": (USABLE, "better microphone"),
    "clipped": (RECORD_AGAIN, "lower the microphone's level"),
    "whispered": (RECORD_AGAIN, "everyday voice"),
    "20 dB noise": (USABLE, "quiet room"),
    "empty middle": (USABLE, "nothing is missing"),
    "48 kHz stereo float": (GOOD, ""),
    "webm of a browser": (GOOD, ""),
}


@pytest.fixture(scope="module")
def minute() -> Audio:
    return read_audio(DATA / "one_minute.opus")


@pytest.mark.parametrize("case", [case for case in CASES if case.text is None], ids=lambda case: case.name)
def test_each_spoiled_recording_gets_its_verdict(case: Case, minute: Audio, tmp_path: Path) -> None:
    path = tmp_path / case.file
    case.make(path, minute)
    found = open_recording(path)[1]
    verdict, advice = EXPECTED[case.name]
    assert found.verdict == verdict, found.advice
    assert advice in found.advice and (advice or not found.advice)
    if case.name == "two speakers":
        picture = draw(*open_recording(path))
        assert picture.shape[1] == WIDTH and picture.dtype == np.uint8 and png(picture).startswith(b"\x89PNG\r\n")
