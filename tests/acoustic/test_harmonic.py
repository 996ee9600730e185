"""The harmonic decoder: the pitch that is asked for is the pitch that sounds, and the same input sounds the same."""

import numpy as np
import torch

from gpt_sovits.acoustic.config import HarmonicConfig
from gpt_sovits.acoustic.harmonic import Frames, HarmonicDecoder, minimum_phase, pulse_train
from gpt_sovits.features.pitch import track_pitch

SMALL = HarmonicConfig(channels=16, blocks=1, fine_blocks=1, bands=24)


def decoder() -> HarmonicDecoder:
    torch.manual_seed(0)
    return HarmonicDecoder(SMALL, latent=8, gin=4, rate=32000, frame=640).eval()


def flat(frames: int, harmonic: float, noise: float) -> Frames:
    shape = (1, SMALL.bands, 2 * frames)
    zero = torch.zeros(1, frames)
    return Frames(zero, zero, torch.full(shape, harmonic), torch.full(shape, noise))


def test_pulse_train_has_all_harmonics_below_nyquist() -> None:
    wave = pulse_train(torch.full((1, 32000), 1000.0), 32000)[0]
    spectrum = torch.fft.rfft(wave).abs() / 16000
    lines = spectrum[1000::1000][:15]
    torch.testing.assert_close(lines, torch.ones(15), atol=0.02, rtol=0)
    spectrum[::1000] = 0
    assert spectrum.max() < 0.02


def test_rendered_pitch_is_the_asked_one() -> None:
    pitch = torch.full((1, 60), 180.0)
    wave = decoder().render(flat(60, -3.0, -9.0), pitch, torch.ones(1, 60), torch.zeros(1, 60 * 640))[0, 0]
    heard = track_pitch(wave[::2].detach().numpy())[5:-5]
    assert np.abs(heard / 180.0 - 1).max() < 0.01


def test_unvoiced_is_noise_alone() -> None:
    white = torch.randn(1, 40 * 640, generator=torch.Generator().manual_seed(0))
    pitch = torch.full((1, 40), 180.0)
    wave = decoder().render(flat(40, 0.0, -3.0), pitch, torch.zeros(1, 40), white)[0, 0, 2000:-2000]
    assert abs(float(wave.std()) / np.exp(-3.0) - 1) < 0.1


def test_minimum_phase_keeps_the_amplitude() -> None:
    amplitude = torch.randn(1, 129, 3, generator=torch.Generator().manual_seed(0)) * 0.5
    torch.testing.assert_close(minimum_phase(amplitude).abs(), amplitude.exp())


def test_length_and_repeatability() -> None:
    model = decoder()
    z, style = torch.randn(1, 8, 25), torch.randn(1, 4, 1)
    first, second = model(z, style), model(z, style)
    assert first.shape == (1, 1, 25 * 640)
    assert torch.equal(first, second)
    assert torch.isfinite(first).all()
