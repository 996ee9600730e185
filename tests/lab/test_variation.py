"""Examples that are varied stay whole: two frames a code, the pitch of the sound, the style of the same person."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gpt_sovits.features.pitch import track_pitch
from gpt_sovits.lab.variation import SPEEDS, StyleDrift, coloured, hurried, random_colour, varied
from gpt_sovits.torchaudio_compat import functional
from gpt_sovits.training.examples import FRAME, Example


def utterance(codes: int = 40, pitch: float = 180.0) -> Example:
    time = np.arange(codes * 2 * FRAME) / 32000
    wave = sum(0.1 / n * np.sin(2 * np.pi * pitch * n * time) for n in range(1, 12))
    return Example(
        wave=np.asarray(wave, np.float32),
        codes=np.arange(codes),
        phones=np.arange(10),
        pitch=np.full(2 * codes, pitch, np.float32),
        bandwidth=8000.0,
        phone_of_code=np.arange(codes) // 4,
    )


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_hurried_example_is_whole_and_its_pitch_is_that_of_its_sound(speed):
    before, after = utterance(), hurried(utterance(), speed)
    assert len(after.wave) == after.frames * FRAME == len(after.codes) * 2 * FRAME
    assert len(after.phone_of_code) == len(after.codes)
    assert after.frames / before.frames == pytest.approx(20 / speed, abs=0.03)
    assert (np.diff(after.codes) >= 0).all() and after.codes[0] == 0 and after.codes[-1] >= 38
    assert (after.phone_of_code == after.codes // 4).all(), "a code keeps its phone"
    low = functional.resample(torch.from_numpy(after.wave), 32000, 16000).numpy()
    heard = np.median([hertz for hertz in track_pitch(low) if hertz > 0])
    assert after.pitch[0] == pytest.approx(180 * speed / 20) and heard == pytest.approx(after.pitch[0], rel=0.02)
    assert after.bandwidth == pytest.approx(8000 * speed / 20)


def test_a_colour_changes_levels_and_not_when_they_come():
    rng = np.random.default_rng(0)
    wave = np.zeros(6400, np.float32)
    wave[3200] = 0.5
    colour = random_colour(rng)
    out = coloured(wave, colour)
    assert abs(colour.mean()) < 1e-9 and len(out) == len(wave)
    assert int(np.abs(out).argmax()) == 3200, "no delay"
    assert np.abs(out - wave).max() > 0.01
    np.testing.assert_allclose(coloured(wave, np.zeros(9)), wave, atol=1e-6)


def test_what_is_varied_and_its_style_are_varied_alike():
    example, style = utterance(), utterance(30).wave
    same, untouched = varied(example, style, np.random.default_rng(0), 0.0)
    assert same is example and untouched is style
    other, restyled = varied(example, style, np.random.default_rng(1), 1.0)
    assert len(restyled) % FRAME == 0
    assert len(restyled) / len(style) == pytest.approx(len(other.wave) / len(example.wave), abs=0.05)


def test_styles_drift_from_their_language_towards_the_other_and_no_further():
    drift = StyleDrift(np.random.default_rng(0), often=1.0, farthest=1.0)
    english, mandarin = torch.zeros(1, 4, 1), torch.ones(1, 4, 1)
    both = torch.cat([english, mandarin])
    moved = torch.stack([drift(both, ["en", "zh"]) for _ in range(200)])
    assert moved[:, 0].min() >= 0 and moved[:, 0].max() <= 1 and moved[:, 0].max() > 0.9
    assert moved[:, 1].min() >= 0 and moved[:, 1].max() <= 1 and moved[:, 1].min() < 0.1
    taught = torch.full((1, 4, 1), 9.0)
    clear = torch.stack([drift(taught, [""]) for _ in range(200)])
    assert clear.min() < 2 and clear.max() <= 9, "a teacher's speakers come to where people are"
    assert max(drift(both, ["en", "zh"]).max() for _ in range(50)) <= 1, "and people stay among people"
    still = StyleDrift(np.random.default_rng(0), often=0.0)
    assert torch.equal(still(both, ["en", "zh"]), both)
    alone = StyleDrift(np.random.default_rng(0), often=1.0)
    assert torch.equal(alone(both, ["en", "en"]), both), "with one language there is nowhere to go"
