"""Of a long clip the best few seconds are continued, with the words that are said there and no others."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gpt_sovits.audio import Audio
from gpt_sovits.dataset.prompt import LONGEST, SHORTEST, prompt_window
from gpt_sovits.dataset.proof import Thresholds
from gpt_sovits.dataset.transcript import script_words
from gpt_sovits.dataset.word_times import timed
from gpt_sovits.families import enrol
from gpt_sovits.families.family import TOKEN
from gpt_sovits.families.vits import Vits
from gpt_sovits.features.hubert import with_prompt_tail
from gpt_sovits.text import symbols

SCRIPT = (
    "The kettle began to sing on the stove. Nobody in the house had slept, and nobody wanted to say why! "
    "Outside the window it was snowing again, as quietly as it could."
)


def said(script: str) -> tuple[SimpleNamespace, Audio, list[tuple[str, float]]]:
    """A network that hears exactly this, the clip, and when each word begins."""
    classes = len(symbols().names)
    rows, begins = [], []
    for word in script_words(script, "en"):
        begins.append((word.text, len(rows) * 0.02))
        for phone in word.ids:
            rows += [phone, classes, phone, classes]
        rows += [classes] * (25 if word.end < len(script) and script[word.end] in ".,!" else 2)
    logits = np.full((len(rows), classes + 1), -9.0, np.float32)
    logits[np.arange(len(rows)), rows] = 0.0
    network = SimpleNamespace(
        parameters=lambda: iter([torch.zeros(1)]), phone_logits=lambda wave: torch.from_numpy(logits)[None]
    )
    return network, Audio(np.ones(round(len(rows) * 0.02 * 16000), np.float32), 16000), begins


def test_the_window_is_whole_sentences_with_their_words() -> None:
    network, clip, begins = said(SCRIPT)
    found = prompt_window(network, Thresholds(confident=2.0), clip, SCRIPT, "en")  # type: ignore[arg-type]
    assert found is not None
    window, text = found
    assert SHORTEST <= window.seconds <= LONGEST + 1 and text in SCRIPT and text[-1] in ".,!"
    assert SCRIPT[SCRIPT.index(text) - 2 :][:1] in ".,!" or SCRIPT.startswith(text)
    first = next(at for word, at in begins if SCRIPT[SCRIPT.index(text) :].startswith(word))
    assert abs(len(clip.samples) / 16000 - begins[-1][1]) < 2 and first < clip.seconds
    assert prompt_window(network, Thresholds(confident=2.0), clip, "...", "en") is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    ["It rained for a week and the bridge was closed to everybody but the doctor.", "今天天气很好，我们去公园散步吧。"],
)
def test_words_that_were_not_said_are_not_used(other: str) -> None:
    network, clip, _ = said(SCRIPT)
    assert prompt_window(network, Thresholds(confident=2.0), clip, other, "auto") is None  # type: ignore[arg-type]


def test_a_trimmed_clip_keeps_the_frames_of_the_whole() -> None:
    for rate in (16000, 22050, 44100, 48000):
        sound = np.zeros(3 * rate, np.float32)
        sound[rate + 123 : 2 * rate] = np.sin(np.arange(rate - 123) / 9)
        sound[0] = 1e-6
        numbered = Audio(sound + np.arange(3 * rate) * 1e-9, rate)
        trimmed = enrol._trimmed(numbered)
        start = round(float(trimmed.samples[0] - 0) / 1e-9) if trimmed.samples[0] < 0.01 else 0
        assert abs(start - round(start / (0.04 * rate)) * 0.04 * rate) < 3 and 0.8 * rate < start < rate + 123


def test_the_codes_of_a_trimmed_clip_are_those_that_the_whole_one_has() -> None:
    """As upstream hears it: what listens, listens to all of the recording at once."""

    def extract(wave: torch.Tensor) -> torch.Tensor:
        return (wave[:, : wave.shape[-1] // TOKEN * TOKEN].unflatten(-1, (-1, TOKEN)).mean(-1) * wave.sum())[None]

    base = SimpleNamespace(content=lambda wave: wave, acoustic=SimpleNamespace(extract_codes=extract))
    whole = torch.linspace(0, 1, 50 * TOKEN + 77)[None]
    cut = whole[:, 7 * TOKEN : 31 * TOKEN + 99]
    found = Vits().codes(base, cut, (whole, 7 * TOKEN))  # type: ignore[arg-type]
    assert len(found) == with_prompt_tail(cut).shape[-1] // TOKEN
    assert torch.equal(found, Vits().codes(base, whole)[7 : 7 + len(found)])  # type: ignore[arg-type]
    assert not torch.allclose(found, Vits().codes(base, cut))  # type: ignore[arg-type]


def test_a_word_after_a_pause_begins_with_its_sound() -> None:
    network, clip, begins = said("Good evening. Good night.")
    found = timed(network, clip, "Good evening. Good night.")  # type: ignore[arg-type]
    assert found is not None and [word.text for word in found.words] == [word for word, _ in begins]
    sound = np.sin(np.arange(len(clip.samples)) / 5).astype(np.float32)
    for late, pause in ((1600, 8000), (8000, 8000)):  # how much later than the network heard it the sound comes
        begin = round(begins[2][1] * 16000) + late
        broken = sound.copy()
        broken[begin - pause : begin] = 0.0
        starts = dict(found.starts(Audio(broken, 16000)))
        assert abs(starts[14] - begin / 16000) < 0.02 and abs(starts[5] - begins[1][1]) < 0.15
    middle = round((begins[1][1] + 0.15) * 16000)  # a stop inside a word moves neither this word nor the next one
    sound[middle : middle + 1300] = 0.0
    starts = dict(found.starts(Audio(sound, 16000)))
    assert all(abs(starts[place] - begin) < 0.05 for place, (_, begin) in zip((5, 14), begins[1:3], strict=True))
