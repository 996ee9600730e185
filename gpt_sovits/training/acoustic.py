"""One training step of the embedded base's acoustic model; pretraining and fine-tuning share it.

VITS (Kim et al. 2021) with a change that suits little data and little compute: every second item of a batch is decoded
from the *prior* (codes and phones, through the inverse flow), so that what inference does is trained directly, the
others from the posterior. The losses are spectral, at several resolutions, and only below a recording's bandwidth;
pitch and voicing are supervised. Where it is known which phone is said when, one head of the cross attention is
told (guided attention), so that the text is used from the start.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from gpt_sovits.acoustic.harmonic import REFERENCE_PITCH, HarmonicDecoder
from gpt_sovits.acoustic.sovits import SoVITS, slice_frames
from gpt_sovits.acoustic.text_encoder import length_mask
from gpt_sovits.features.spectral import linear_spectrogram, mel_filterbank
from gpt_sovits.training.examples import AcousticBatch
from gpt_sovits.training.losses import kl_loss

GUIDED_HEAD = 0
_RESOLUTIONS = ((2048, 512, 128), (1024, 256, 80), (512, 128, 40))  # FFT, hop, mel bands


@dataclass(frozen=True)
class AcousticWeights:
    """How much each loss counts."""

    mel: float = 20.0
    spectrum: float = 4.0
    pitch: float = 8.0
    voicing: float = 1.0
    kl: float = 1.0
    attention: float = 1.0
    prior_noise: float = 0.35


@dataclass
class SpectralLoss:
    """L1 of log magnitudes and log mels, averaged over resolutions, below each row's bandwidth."""

    rate: int = 32000
    banks: dict[int, Tensor] = field(default_factory=dict)

    def __call__(self, fake: Tensor, real: Tensor, bandwidth: Tensor) -> tuple[Tensor, Tensor]:
        """Waves `[B, L]`, bandwidth `[B]` in Hz; returns (mel loss, spectrum loss)."""
        mel = fake.new_zeros(())
        spectrum = fake.new_zeros(())
        for size, hop, bands in _RESOLUTIONS:
            if size not in self.banks:
                self.banks[size] = mel_filterbank(self.rate, size, bands)
            bank = self.banks[size].to(fake.device)
            a, b = linear_spectrogram(fake, size, hop), linear_spectrogram(real, size, hop)
            limit = (bandwidth / (self.rate / 2) * (size // 2) * 0.97)[:, None]
            keep = (torch.arange(size // 2 + 1, device=fake.device) < limit).to(fake)[:, :, None]
            difference = ((a + 1e-3).log() - (b + 1e-3).log()).abs() * keep
            spectrum = spectrum + difference.sum() / (keep.sum() * a.shape[2])
            top = (bank > 0).to(fake) * torch.arange(size // 2 + 1, device=fake.device)
            used = (top.amax(1)[None] < limit).to(fake)[:, :, None]
            apart = ((bank @ a).clamp_min(1e-4).log() - (bank @ b).clamp_min(1e-4).log()).abs() * used
            mel = mel + apart.sum() / (used.sum() * a.shape[2]).clamp_min(1.0)
        return mel / len(_RESOLUTIONS), spectrum / len(_RESOLUTIONS)


@dataclass(frozen=True)
class StepResult:
    """A batch's mean loss, what it is made of, and how much the batch counts beside those of other processes."""

    loss: Tensor
    values: dict[str, float]
    rows: float = 1.0


def acoustic_loss(
    model: SoVITS,
    batch: AcousticBatch,
    spectral: SpectralLoss,
    weights: AcousticWeights,
    *,
    segment: int = 40,
    imagine: float = 0.5,
    adversary: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> StepResult:
    """Forward pass and losses of a batch. ``segment``: frames that are decoded of each item;
    ``imagine``: share of the items that are decoded from the prior.

    ``adversary(fake, real)`` `[B, L]` may add a term on the decoded slices.
    """
    decoder = model.dec
    if not isinstance(decoder, HarmonicDecoder):
        raise TypeError("acoustic_loss trains models with a harmonic decoder")
    config = model.config
    spec = linear_spectrogram(batch.wave, config.n_fft, config.hop)
    style_spec = linear_spectrogram(batch.style_wave, config.n_fft, config.hop)
    style = model.style(style_spec, length_mask(batch.style_lengths, style_spec.shape[-1], style_spec))
    content = model.quantized(batch.codes)
    mask = length_mask(batch.lengths, spec.shape[-1], spec)
    text_mask = length_mask(batch.phone_lengths, batch.phones.shape[-1], spec)
    heard, text = model.enc_p.listen(content, mask, batch.phones, text_mask)
    prior = model.enc_p.project(model.enc_p.fuse(heard, mask, text, text_mask, model.prior_style(style)), mask)
    posterior = model.posterior(spec, batch.lengths, style)
    z_p = model.flow(posterior.z, posterior.mask, style)
    kl = kl_loss(z_p, posterior.log_std, prior.mean, prior.log_std, posterior.mask)

    rows = len(batch.lengths)
    half = min(rows, math.ceil(imagine * rows))
    noise = torch.randn_like(prior.mean[:half]) * weights.prior_noise
    sampled = (prior.mean[:half] + noise * prior.log_std[:half].exp()) * prior.mask[:half]
    imagined = model.flow(sampled, prior.mask[:half], style[:half], reverse=True)
    z = torch.cat([imagined, posterior.z[half:]])

    segment = min(segment, int(batch.lengths.min()))
    start = (torch.rand(rows, device=batch.lengths.device) * (batch.lengths - segment + 1)).long()
    frames = decoder.analyse(slice_frames(z, start, segment), style)
    log_pitch = slice_frames(batch.log_pitch[:, None], start, segment)[:, 0]
    voiced = slice_frames(batch.voiced[:, None], start, segment)[:, 0]
    real = slice_frames(batch.wave.view(rows, -1, config.hop).transpose(1, 2), start, segment)
    real = real.transpose(1, 2).reshape(rows, -1)
    fake = decoder.render(frames, log_pitch.exp(), voiced, torch.randn_like(real))[:, 0]

    mel, spectrum = spectral(fake, real, batch.bandwidth)
    target = log_pitch / torch.log(torch.tensor(2.0)) - torch.log2(torch.tensor(REFERENCE_PITCH))
    off = (frames.log_pitch - target).abs() * voiced
    pitch = off.sum() / voiced.sum().clamp_min(1.0)
    voicing = functional.binary_cross_entropy_with_logits(frames.voicing, voiced)
    loss = (
        weights.mel * mel
        + weights.spectrum * spectrum
        + weights.pitch * pitch
        + weights.voicing * voicing
        + weights.kl * kl
    )
    values = {"mel": mel, "spectrum": spectrum, "pitch": pitch, "voicing": voicing, "kl": kl}
    said = batch.phone_of_code.repeat_interleave(2, dim=1)
    if weights.attention and bool((said >= 0).any()):
        scores = model.enc_p.mrte.scores(heard, mask, text, text_mask, GUIDED_HEAD)
        values["attention"] = functional.cross_entropy(scores.transpose(1, 2), said, ignore_index=-1)
        loss = loss + weights.attention * values["attention"]
    if adversary is not None:
        extra = adversary(fake, real)
        loss = loss + extra
        values["adversary"] = extra
    return StepResult(loss, {name: float(value.detach()) for name, value in values.items()}, float(rows))
