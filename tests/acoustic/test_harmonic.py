"""The harmonic decoder: the pitch that is asked for is the pitch that sounds, and the same input sounds the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from gpt_sovits.acoustic.config import HarmonicConfig
from gpt_sovits.acoustic.harmonic import Frames, HarmonicDecoder, contrasted, minimum_phase, pulse_train
from gpt_sovits.features.pitch import track_pitch
from gpt_sovits.training.acoustic import EnvelopeLoss, part_of

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


@pytest.mark.parametrize(("hertz", "voiced"), [(110.0, 1.0), (150.0, 1.0), (120.0, 0.0)])
def test_what_the_decoder_says_of_its_envelope_is_what_is_heard(hertz: float, voiced: float) -> None:
    """Training compares recordings with ``power`` instead of rendering; so both must be the same sound."""
    torch.manual_seed(0)
    decoder = HarmonicDecoder(HarmonicConfig(), latent=4, gin=4, rate=32000, frame=640)
    envelope = EnvelopeLoss()

    def smooth(level: float) -> torch.Tensor:
        hills = torch.randn(1, 1, 12, 20)
        return functional.interpolate(hills, (decoder.config.bands, 400), mode="bicubic")[0] + level

    frames = Frames(torch.zeros(1, 200), torch.zeros(1, 200), smooth(-6.0), smooth(-7.0 if voiced else -5.0))
    pitch, gate = torch.full((1, 200), hertz), torch.full((1, 200), voiced)
    wave = decoder.render(frames, pitch, gate, torch.randn(1, 200 * 640))[:, 0]
    measured, said = envelope.measured(wave), envelope.said(decoder, frames, pitch, gate)
    assert measured.shape == said.shape == (1, 80, 400)
    counted = torch.isfinite(envelope.top)
    apart = (measured - said)[:, counted, 10:-10]
    assert apart.abs().mean() < 0.25  # natural log; a noise's own chance is most of it
    assert apart.mean().abs() < 0.1
    louder = envelope.said(decoder, frames._replace(noise=frames.noise + 2, harmonic=frames.harmonic + 2), pitch, gate)
    mask, band = torch.ones(1, 1, 400), torch.tensor([16000.0])
    assert envelope(said, measured, mask, band) < 0.3 < 1.5 < envelope(louder, measured, mask, band)


def test_bands_above_a_recordings_bandwidth_do_not_count() -> None:
    envelope = EnvelopeLoss()
    said, measured = torch.zeros(1, 80, 6), torch.zeros(1, 80, 6)
    measured[:, 70:] = 5.0  # far above 4 kHz
    mask = torch.ones(1, 1, 6)
    assert envelope(said, measured, mask, torch.tensor([4000.0])) == 0
    assert envelope(said, measured, mask, torch.tensor([16000.0])) > 0


def test_a_part_of_the_decoded_frames_is_that_part() -> None:
    decoder = HarmonicDecoder(HarmonicConfig(channels=16, blocks=1, fine_blocks=1), 4, 4, 32000, 640)
    whole = decoder.analyse(torch.randn(2, 4, 12), torch.randn(2, 4, 1))
    part = part_of(whole, torch.tensor([3, 7]), 5)
    assert torch.equal(part.log_pitch[1], whole.log_pitch[1, 7:12])
    assert torch.equal(part.harmonic[0], whole.harmonic[0, :, 6:16])
    assert torch.equal(part.noise[1], whole.noise[1, :, 14:24])


def test_contrast_lifts_formants_and_leaves_level_and_flat_spectra() -> None:
    flat_one = torch.full((1, 40, 6), -4.0)
    torch.testing.assert_close(contrasted(flat_one, 1.5, 1.2), flat_one)
    formant = flat_one.clone()
    formant[:, 18:21] += 1.0
    lifted = contrasted(formant, 1.5, 1.0)
    assert (lifted[:, 19] > formant[:, 19] + 0.3).all()
    torch.testing.assert_close(lifted.mean(), formant.mean(), atol=0.02, rtol=0)
    torch.testing.assert_close(contrasted(formant, 1.0, 1.0), formant)


def test_movement_widens_changes_in_time_around_their_mean() -> None:
    moving = torch.randn(1, 8, 50, generator=torch.Generator().manual_seed(0))
    wider = contrasted(moving, 1.0, 1.3)
    torch.testing.assert_close(wider.std(2), 1.3 * moving.std(2))
    torch.testing.assert_close(wider.mean(2), moving.mean(2))


def test_a_modulated_decoder_begins_like_a_plain_one_and_then_hears_the_style_in_every_block():
    small = HarmonicConfig(channels=16, blocks=2, fine_blocks=1)
    plain = HarmonicDecoder(small, 8, 4, 32000, 640).eval()
    told = HarmonicDecoder(replace(small, modulated=True), 8, 4, 32000, 640).eval()
    missing = told.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert missing == ["modulate.weight", "modulate.bias"]
    z, style = torch.randn(1, 8, 12), torch.randn(1, 4, 1)
    assert all(torch.equal(a, b) for a, b in zip(plain.analyse(z, style), told.analyse(z, style), strict=True))
    with torch.no_grad():
        told.modulate.weight.normal_()
    assert not torch.allclose(plain.analyse(z, style).harmonic, told.analyse(z, style).harmonic)
