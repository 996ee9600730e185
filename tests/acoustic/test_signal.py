"""Spectrograms, joining of pieces, losses."""

from __future__ import annotations

import math

import pytest
import torch

from gpt_sovits.acoustic.join import sola
from gpt_sovits.errors import InputError
from gpt_sovits.features.spectral import (
    MEL_TRAIN,
    MEL_V3,
    denormalize_mel,
    linear_spectrogram,
    mel_spectrogram,
    normalize_mel,
)
from gpt_sovits.training import losses


def tone(hertz: float, rate: int, samples: int) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(samples) / rate)


def test_n_hops_are_n_frames_and_a_tone_lands_in_its_bin() -> None:
    spec = linear_spectrogram(tone(1000, 32000, 6400)[None], 2048, 640)
    assert spec.shape == (1, 1025, 10)
    assert int(spec[0, :, 5].argmax()) == 1000 * 2048 // 32000


def test_higher_tones_reach_higher_bands() -> None:
    bank = MEL_TRAIN.bank()
    mels = [mel_spectrogram(tone(hertz, 32000, 6400)[None], MEL_TRAIN, bank) for hertz in (200, 900, 5000)]
    bands = [int(mel[0, :, 5].argmax()) for mel in mels]
    assert bands == sorted(set(bands))


def test_silence_is_the_floor_and_the_range_can_be_undone() -> None:
    mel = mel_spectrogram(torch.zeros(1, 2560), MEL_V3)
    assert torch.isfinite(mel).all()
    assert torch.allclose(denormalize_mel(normalize_mel(mel)), mel, atol=1e-5)


def test_a_clip_too_short_to_analyse_is_said_so() -> None:
    with pytest.raises(InputError, match="too short"):
        linear_spectrogram(torch.zeros(1, 300), 2048, 640)


@pytest.mark.parametrize("shift", [0, 37, 300])
def test_sola_finds_where_pieces_agree(shift: int) -> None:
    wave = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    first, second = wave[:2000], wave[1800 - shift :]
    assert torch.allclose(sola(first, second, 200, 320), wave, atol=1e-5)


def test_kl_counts_valid_frames_only() -> None:
    z_p, logs_q, m_p, logs_p = torch.randn(4, 2, 3, 6).unbind(0)
    mask = torch.ones(2, 1, 6)
    mask[1, :, 4:] = 0
    value = losses.kl_loss(z_p, logs_q, m_p, logs_p, mask)
    z_p[1, :, 4:] = 50.0
    assert torch.allclose(value, losses.kl_loss(z_p, logs_q, m_p, logs_p, mask))
    same = losses.kl_loss(m_p, logs_q, m_p, logs_q, torch.ones(2, 1, 6))
    assert torch.allclose(same, torch.tensor(-0.5 * 3))


def test_adversarial_losses_know_right_from_wrong() -> None:
    right, wrong = [torch.ones(2, 5)], [torch.zeros(2, 5)]
    assert float(losses.discriminator_loss(right, wrong)[0]) == 0
    assert float(losses.discriminator_loss(wrong, right)[0]) == 2
    assert float(losses.generator_loss(right)[0]) == 0
    maps = [[torch.randn(2, 3, 4)]]
    assert float(losses.feature_loss(maps, maps)) == 0


def test_mel_loss_is_zero_for_the_same_wave() -> None:
    wave, bank = torch.rand(1, 1, 6400), MEL_TRAIN.bank()
    target = mel_spectrogram(wave[:, 0], MEL_TRAIN, bank)
    assert float(losses.mel_loss(target, wave, bank, 2048, 640)) == pytest.approx(0, abs=1e-6)
    assert float(losses.mel_loss(target, wave * 0.5, bank, 2048, 640)) == pytest.approx(math.log(2), rel=0.02)
