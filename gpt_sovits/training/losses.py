"""Losses of SoVITS training (VITS): adversarial, feature matching, KL, mel L1.

Formulas: least-squares GAN (HiFi-GAN) and the flow prior of VITS. Masks are [B, 1, T].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpt_sovits.features.spectral import linear_spectrogram, spectrogram_to_mel

MEL_WEIGHT = 45.0
KL_WEIGHT = 1.0


def discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Sum over discriminators of mean((1-D(y))^2) + mean(D(y_hat)^2), and the terms one by one."""
    real_terms = [(1 - scores.float()).square().mean() for scores in real]
    fake_terms = [scores.float().square().mean() for scores in fake]
    return torch.stack(real_terms + fake_terms).sum(), real_terms, fake_terms


def generator_loss(fake: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Sum over discriminators of mean((1-D(y_hat))^2), and the terms."""
    terms = [(1 - scores.float()).square().mean() for scores in fake]
    return torch.stack(terms).sum(), terms


def feature_loss(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Twice the sum over all feature maps of mean |real - fake|; real maps get no gradient."""
    terms = [
        (r.detach().float() - f.float()).abs().mean()
        for real_maps, fake_maps in zip(real, fake, strict=True)
        for r, f in zip(real_maps, fake_maps, strict=True)
    ]
    return 2 * torch.stack(terms).sum()


def kl_loss(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> Tensor:
    """KL between posterior and prior, summed over channels, averaged over valid frames. All [B, Z, T]."""
    kl = logs_p - logs_q - 0.5 + 0.5 * (z_p - m_p).square() * torch.exp(-2.0 * logs_p)
    return (kl.float() * mask).sum() / mask.sum()


def mel_loss(target: Tensor, wave: Tensor, bank: Tensor, n_fft: int, hop: int) -> Tensor:
    """L1 between a target log mel [B, M, T] and that of wave [B, 1, T * hop]."""
    return (target - spectrogram_to_mel(linear_spectrogram(wave.squeeze(1), n_fft, hop), bank)).abs().mean()
