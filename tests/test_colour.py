"""A voice's colour: what a clip has more than the networks say is measured once, and heard ever after."""

import numpy as np
import pytest
import torch

from gpt_sovits.acoustic.config import HarmonicConfig
from gpt_sovits.acoustic.harmonic import Frames, HarmonicDecoder
from gpt_sovits.features.reference import Reference
from gpt_sovits.voices.mixing import _between


def said(frames: int) -> tuple[HarmonicDecoder, Frames]:
    torch.manual_seed(0)
    decoder = HarmonicDecoder(HarmonicConfig(channels=16, blocks=1, fine_blocks=1), 4, 4, 32000, 640).eval()
    envelope = torch.full((1, 96, 2 * frames), -4.0)
    return decoder, Frames(torch.zeros(1, frames), torch.ones(1, frames), envelope, envelope - 2.0)


@torch.inference_mode()
def test_a_brighter_and_higher_voice_is_found_to_be_that() -> None:
    frames = 100
    decoder, plain = said(frames)
    tilt = torch.linspace(-0.5, 0.5, 96)
    other = plain._replace(harmonic=plain.harmonic + tilt[:, None], noise=plain.noise + tilt[:, None])
    pitch = torch.full((frames,), 250.0)
    noise = torch.randn(1, frames * 640, generator=torch.Generator().manual_seed(1))
    wave = decoder.render(other, pitch[None], torch.ones(1, frames), noise)[:, 0]
    colour = decoder.colour(wave, plain, pitch)
    low, middle, high = (float(colour[:-1][at].mean()) for at in (slice(12, 25), slice(30, 45), slice(55, 70)))
    assert low < middle - 0.1 and middle < high - 0.1
    assert float(colour[-1]) == pytest.approx(np.log2(250 / 200), abs=0.01)
    assert float(decoder.colour(wave, other, pitch)[:-1].abs().max()) < 0.15


def test_it_is_kept_with_the_voice() -> None:
    reference = Reference(torch.zeros(1, 4, 1), torch.arange(3), (1, 2), colour=torch.arange(5.0))
    tensors, words = reference.to_tensors()
    again = Reference.from_tensors(tensors, words)
    assert again.colour is not None and torch.equal(again.colour, torch.arange(5.0))


def test_the_sound_between_voices_is_the_mean_of_what_each_would_say() -> None:
    decoder, plain = said(20)
    high = Frames(plain.log_pitch + 1.0, plain.voicing - 1.5, plain.harmonic + 0.8, plain.noise - 0.4)
    both = Frames(*(torch.cat(pair) for pair in zip(plain, high, strict=True)))
    between = both.between(torch.tensor([0.75, 0.25]))
    assert torch.allclose(between.log_pitch, torch.full((1, 20), 0.25))
    assert torch.allclose(between.harmonic, plain.harmonic + 0.2) and torch.allclose(between.noise, plain.noise - 0.1)
    torch.manual_seed(1)
    z, styles, colours = torch.randn(1, 4, 20), torch.randn(2, 4, 1), torch.randn(2, 97)
    alone = decoder(z, styles[:1], colours[0])
    assert torch.equal(decoder(z, styles[:1], colours[:1]), alone), "a batch of colours is the same as one"
    pair = decoder(z.expand(2, -1, -1), styles, colours, torch.tensor([1.0, 0.0]))
    assert pair.shape == alone.shape and float((pair - alone).abs().mean()) < 1e-4


def test_mixes_lie_between_and_ends_are_exact() -> None:
    a, b = torch.tensor([1.0, -1.0]), torch.tensor([0.1, 0.3])
    assert _between([a, b], [1.0, 0.0]) is a and _between([a, b], [0.0, 1.0]) is b
    middle = _between([a, b], [0.5, 0.5])
    assert middle is not None and torch.allclose(middle, (a + b) / 2)
    half = _between([a, None], [0.25, 0.75])
    assert half is not None and torch.allclose(half, 0.25 * a)
    assert _between([a, None], [0.0, 1.0]) is None and _between([None, None], [0.5, 0.5]) is None
