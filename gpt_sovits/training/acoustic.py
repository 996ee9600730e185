"""One training step of the embedded base's acoustic model; pretraining and fine-tuning share it.

VITS (Kim et al. 2021) with a change that suits little data and little compute: the sound is decoded from the mean of
the *prior* (codes and phones, through the inverse flow), as inference does it; neither posterior nor KL take part. With
them the latents moved by 0.15 under a noise of 0.89 after 15,000 steps, and speech through them was not understood.
The losses are spectral, and only below a recording's bandwidth: spectral envelopes of whole utterances, which the
decoder's own parameters say without a sample being made, and spectra at several resolutions of short rendered slices.
Pitch and voicing are supervised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from gpt_sovits.acoustic.harmonic import REFERENCE_PITCH, Frames, HarmonicDecoder
from gpt_sovits.acoustic.sovits import SoVITS, slice_frames
from gpt_sovits.acoustic.text_encoder import length_mask
from gpt_sovits.features.spectral import linear_spectrogram, mel_filterbank
from gpt_sovits.training.examples import AcousticBatch

_RESOLUTIONS = ((2048, 512, 128), (1024, 256, 80), (512, 128, 40))  # FFT, hop, mel bands


@dataclass(frozen=True)
class AcousticWeights:
    """How much each loss counts."""

    envelope: float = 30.0
    mel: float = 10.0
    spectrum: float = 2.0
    pitch: float = 8.0
    voicing: float = 1.0


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


class EnvelopeLoss:
    """L1 of log spectral envelopes, 100 a second, between a recording and what the harmonic decoder says.

    The recording's power is averaged over four short transforms a frame (Welch 1967), so that neither its harmonics nor
    the chance of its noise are in the target; the decoder's is known in closed form, see ``HarmonicDecoder.power``.
    That makes it cheap enough for every frame of a batch, with little noise in its gradient. Below 300 Hz, where
    single harmonics stand out, it says nothing.
    """

    window, fft, hop, bands, floor = 512, 1024, 160, 80, 1e-7

    def __init__(self, rate: int = 32000) -> None:
        self.rate = rate
        bank = mel_filterbank(rate, self.fft, self.bands)
        self.bank = bank / bank.sum(1, keepdim=True)
        top = ((bank > 0) * torch.arange(self.fft // 2 + 1)).amax(1) * rate / self.fft  # [M] Hz
        self.top = torch.where(top < 300, torch.full_like(top, torch.inf), top)  # never counted
        shape = torch.hann_window(self.window)
        lobe = torch.fft.fft(functional.pad(shape, (0, self.fft - self.window))).abs().square()
        bins = torch.arange(self.fft // 2 + 1)
        blur = lobe[(bins[:, None] - bins[None]).abs()]
        self.blurred = self.bank @ (blur / blur.sum(1, keepdim=True))  # [M, F]
        self.unit = float(shape.square().sum())  # power of white noise of variance 1

    def measured(self, wave: Tensor) -> Tensor:
        """Log envelopes `[B, M, L // 320]` of waves `[B, L]`."""
        power = self.bank.to(wave) @ linear_spectrogram(wave, self.fft, self.hop, self.window).square()
        power = functional.avg_pool1d(power, 4, 2, padding=1, count_include_pad=False)
        return 0.5 * (power / self.unit + self.floor).log()

    def said(self, decoder: HarmonicDecoder, frames: Frames, pitch: Tensor, voiced: Tensor) -> Tensor:
        """The same `[B, M, R]` of decoded frames; ``pitch`` in Hz and ``voiced``, both `[B, T]`."""
        power = (self.blurred.to(pitch) @ decoder.weights.T) @ decoder.power(frames, pitch, voiced)
        return 0.5 * (power + self.floor).log()

    def below(self, bandwidth: Tensor) -> Tensor:
        """Which bands `[B, M, 1]` count, 1 or 0, in recordings that reach up to ``bandwidth`` `[B]` in Hz."""
        return (self.top.to(bandwidth)[None] < 0.97 * bandwidth[:, None]).to(bandwidth)[:, :, None]

    def __call__(self, said: Tensor, measured: Tensor, mask: Tensor, bandwidth: Tensor) -> Tensor:
        """Mean over the valid frames (``mask`` `[B, 1, R]`) and the bands below ``bandwidth`` `[B]` in Hz."""
        keep = mask * self.below(bandwidth)
        return ((said - measured).abs() * keep).sum() / keep.sum().clamp_min(1.0)


@dataclass(frozen=True)
class StepResult:
    """A batch's mean loss, what it is made of, and how much the batch counts beside those of other processes."""

    loss: Tensor
    values: dict[str, float]
    rows: float = 1.0


def part_of(frames: Frames, start: Tensor, length: int) -> Frames:
    """``length`` latent frames from ``start`` `[B]` on."""

    def fine(envelope: Tensor) -> Tensor:  # two render frames a latent frame
        return slice_frames(envelope, 2 * start, 2 * length)

    log_pitch, voicing = slice_frames(torch.stack([frames.log_pitch, frames.voicing], 1), start, length).unbind(1)
    return Frames(log_pitch, voicing, fine(frames.harmonic), fine(frames.noise))


def confused(codes: Tensor, size: int, part: float) -> Tensor:
    """Codes `[B, T]` of which a ``part`` is exchanged for any of the ``size`` codes."""
    wrong = torch.rand(codes.shape, device=codes.device) < part
    return torch.where(wrong, torch.randint_like(codes, size), codes)


def acoustic_loss(
    model: SoVITS,
    batch: AcousticBatch,
    spectral: SpectralLoss,
    envelope: EnvelopeLoss,
    weights: AcousticWeights,
    *,
    segment: int = 32,
    confusion: float = 0.0,
    restyle: Callable[[Tensor], Tensor] | None = None,
    adversary: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] | None = None,
) -> StepResult:
    """Forward pass and losses of a batch. ``segment``: frames that are rendered of each item.

    ``confusion``: part of the codes that are exchanged for any other, so that the text is believed where they disagree.

    ``restyle`` may exchange the styles `[B, gin, 1]`.
    ``adversary(fake, real, keep, style)`` may add a term on the measured envelopes `[B, M, R]` of the rendered slices.
    """
    decoder = model.dec
    if not isinstance(decoder, HarmonicDecoder):
        raise TypeError("acoustic_loss trains models with a harmonic decoder")
    config = model.config
    style_spec = linear_spectrogram(batch.style_wave, config.n_fft, config.hop)
    style = model.style(style_spec, length_mask(batch.style_lengths, style_spec.shape[-1], style_spec))
    if restyle is not None:
        style = restyle(style)
    codes = batch.codes
    if confusion:
        codes = confused(codes, config.codebook, confusion)
    content = model.quantized(codes)
    mask = length_mask(batch.lengths, batch.log_pitch.shape[-1], style_spec)
    text_mask = length_mask(batch.phone_lengths, batch.phones.shape[-1], style_spec)
    spoken = batch.phone_of_code.repeat_interleave(2, dim=1)
    hidden = model.enc_p.encode(content, mask, batch.phones, text_mask, model.prior_style(style), spoken)
    prior = model.enc_p.project(hidden, mask)

    z = model.flow(prior.mean * prior.mask, prior.mask, style, reverse=True)
    whole = decoder.analyse(z, style)
    log_pitch, voiced, valid = batch.log_pitch, batch.voiced, mask[:, 0]
    said = envelope.said(decoder, whole, log_pitch.exp(), voiced)
    shape = envelope(said, envelope.measured(batch.wave), mask.repeat_interleave(2, dim=2), batch.bandwidth)
    target = log_pitch / math.log(2.0) - math.log2(REFERENCE_PITCH)
    off = (whole.log_pitch - target).abs() * voiced * valid
    pitch = off.sum() / (voiced * valid).sum().clamp_min(1.0)
    voicing = functional.binary_cross_entropy_with_logits(whole.voicing, voiced, weight=valid, reduction="sum")
    voicing = voicing / valid.sum()

    rows = len(batch.lengths)
    segment = min(segment, int(batch.lengths.min()))
    start = (torch.rand(rows, device=batch.lengths.device) * (batch.lengths - segment + 1)).long()
    frames = part_of(whole, start, segment)
    log_pitch = slice_frames(log_pitch[:, None], start, segment)[:, 0]
    voiced = slice_frames(voiced[:, None], start, segment)[:, 0]
    real = slice_frames(batch.wave.view(rows, -1, config.hop).transpose(1, 2), start, segment)
    real = real.transpose(1, 2).reshape(rows, -1)
    fake = decoder.render(frames, log_pitch.exp(), voiced, torch.randn_like(real))[:, 0]

    mel, spectrum = spectral(fake, real, batch.bandwidth)
    loss = (
        weights.envelope * shape
        + weights.mel * mel
        + weights.spectrum * spectrum
        + weights.pitch * pitch
        + weights.voicing * voicing
    )
    values = {"mel": mel, "spectrum": spectrum, "pitch": pitch, "voicing": voicing, "envelope": shape}
    if adversary is not None:
        extra = adversary(envelope.measured(fake), envelope.measured(real), envelope.below(batch.bandwidth), style)
        loss = loss + extra
        values["adversary"] = extra
    return StepResult(loss, {name: float(value.detach()) for name, value in values.items()}, float(rows))
