"""A decoder that shapes a pulse train and noise: harmonics plus noise, filtered in the short-time Fourier domain.

The latent is read as pitch, voicing and two smooth spectral envelopes; the harmonic one filters a band-limited
pulse train with minimum phase, the other white noise (Engel et al., "DDSP", 2020; source-filter theory). Only envelopes
are learned, never phase, so a small network gives clean speech after little training, and the waveform costs a few
FFTs. This is the decoder of the embedded base, in the place where the official models have a HiFi-GAN.

Letters: B batch, Z latent channels, T latent frames (50/s), R render frames (100/s), N envelope bands, F bins,
L samples.
"""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from gpt_sovits.acoustic.config import HarmonicConfig
from gpt_sovits.acoustic.convnext import ConvNeXtBlock
from gpt_sovits.acoustic.emphasis import stressed_level, stressed_pitch
from gpt_sovits.features.pitch import filled_log_pitch
from gpt_sovits.features.spectral import linear_spectrogram

REFERENCE_PITCH = 200.0  # Hz; pitch is predicted as log2 relative to this
_PITCH_RANGE = 1.7  # octaves either side of the reference: 61 to 650 Hz
_FLOOR = -9.0  # smallest natural-log amplitude of an envelope


class Frames(NamedTuple):
    """What the network says about the sound, before any sample is made."""

    log_pitch: Tensor  # [B, T] octaves above REFERENCE_PITCH
    voicing: Tensor  # [B, T] logit
    harmonic: Tensor  # [B, N, R] natural-log amplitude of the harmonics
    noise: Tensor  # [B, N, R] natural-log amplitude of the noise

    def between(self, shares: Tensor) -> Frames:
        """The mean of the batch by ``shares`` `[B]`: of pitch and amplitudes geometrically; `[1, ...]`."""
        return Frames(*(torch.tensordot(shares, part, 1)[None] for part in self))


def band_weights(bands: int, bins: int, rate: int) -> Tensor:
    """Linear interpolation `[N, F]` from band centres, evenly spaced on the mel scale, to FFT bins."""

    def mel(hertz: Tensor) -> Tensor:
        return torch.log1p(hertz / 700.0)

    top = mel(torch.tensor(rate / 2))
    position = mel(torch.linspace(0, rate / 2, bins)) / top * (bands - 1)
    distance = (position[None, :] - torch.arange(bands)[:, None]).abs()
    return (1 - distance).clamp_min(0.0)


def contrasted(envelope: Tensor, contrast: float, movement: float, width: int = 17) -> Tensor:
    """Envelopes `[B, N, R]` with more contrast between near bands, and between each band's frames.

    A network that learns means says flatter envelopes than people do; Toda and Tokuda (2007) give speech from models
    its variance back in this way.
    """
    smooth = functional.pad(envelope.transpose(1, 2), (width // 2, width // 2), mode="replicate")
    smooth = functional.avg_pool1d(smooth, width, 1).transpose(1, 2)
    sharp = smooth + contrast * (envelope - smooth)
    mean = sharp.mean(2, keepdim=True)
    return mean + movement * (sharp - mean)


def minimum_phase(log_amplitude: Tensor) -> Tensor:
    """Complex response `[B, F, R]` of minimum phase for natural-log amplitudes `[B, F, R]` (cepstral folding)."""
    size = 2 * (log_amplitude.shape[1] - 1)
    cepstrum = torch.fft.irfft(log_amplitude, size, dim=1)
    fold = torch.zeros(size, 1, device=cepstrum.device)
    fold[0], fold[size // 2], fold[1 : size // 2] = 1.0, 1.0, 2.0
    phase = torch.fft.rfft(cepstrum * fold, size, dim=1).imag
    return torch.polar(log_amplitude.exp(), phase)


def pulse_train(pitch: Tensor, rate: int) -> Tensor:
    """Sum of all cosines at multiples of ``pitch`` `[B, L]` Hz below Nyquist, each of amplitude 1: `[B, L]`.

    Closed form of the sum (Dirichlet kernel), so the cost does not depend on the number of harmonics.
    """
    phase = torch.cumsum(pitch.double() / rate, dim=1)
    phase = (phase - phase.round()).float()
    count = torch.floor(rate / 2 / pitch)
    below = torch.sin(math.pi * phase)
    near = below.abs() < 1e-4
    ratio = torch.sin((2 * count + 1) * math.pi * phase) / torch.where(near, torch.ones_like(below), below)
    return 0.5 * torch.where(near, 2 * count + 1, ratio) - 0.5


class HarmonicDecoder(nn.Module):
    """``dec`` of the embedded base."""

    weights: Tensor
    window: Tensor
    centres: Tensor

    def __init__(self, config: HarmonicConfig, latent: int, gin: int, rate: int, frame: int) -> None:
        super().__init__()
        self.config = config
        self.rate, self.frame = rate, frame  # samples per latent frame
        self.hop = frame // 2
        width = config.channels
        self.conv_pre = nn.Conv1d(latent, width, config.kernel, padding=config.kernel // 2)
        self.cond = nn.Conv1d(gin, width, 1)
        self.modulate: nn.Conv1d | None = None
        if config.modulated:  # Perez et al., "FiLM", 2018; nothing at first
            self.modulate = nn.Conv1d(gin, 2 * width * (config.blocks + config.fine_blocks), 1)
            nn.init.zeros_(self.modulate.weight)
            nn.init.zeros_(cast(Tensor, self.modulate.bias))
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, config.kernel, config.expansion) for _ in range(config.blocks))
        self.melody = nn.Conv1d(width, 2, 3, padding=1)
        self.up = nn.Conv1d(width, 2 * width, 1)
        self.fine_blocks = nn.ModuleList(
            ConvNeXtBlock(width, config.kernel, config.expansion) for _ in range(config.fine_blocks)
        )
        self.envelopes = nn.Conv1d(width, 2 * config.bands, 3, padding=1)
        with torch.no_grad():
            start = torch.tensor([-5.0, -6.0]).repeat_interleave(config.bands)
            self.envelopes.bias = nn.Parameter(start)
        self.register_buffer("weights", band_weights(config.bands, config.n_fft // 2 + 1, rate), persistent=False)
        middle = 700.0 * torch.expm1(torch.linspace(0, math.log1p(rate / 1400.0), config.bands))
        self.register_buffer("centres", middle, persistent=False)  # Hz
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)

    def analyse(self, z: Tensor, style: Tensor) -> Frames:
        """Latent `[B, Z, T]` and style `[B, gin, 1]` to pitch, voicing and envelopes."""
        x = self.conv_pre(z) + self.cond(style)
        count = len(self.blocks) + len(self.fine_blocks)
        told = [None] * count if self.modulate is None else self.modulate(style).chunk(count, dim=1)
        for block, modulation in zip(self.blocks, told, strict=False):
            x = block(x, modulation)
        log_pitch, voicing = self.melody(x).unbind(1)
        batch, channels, frames = x.shape
        x = self.up(x).view(batch, 2, channels, frames).permute(0, 2, 3, 1).reshape(batch, channels, 2 * frames)
        for block, modulation in zip(self.fine_blocks, told[len(self.blocks) :], strict=True):
            x = block(x, modulation)
        harmonic, noise = self.envelopes(x).clamp_min(_FLOOR).chunk(2, dim=1)
        return Frames(_PITCH_RANGE * torch.tanh(log_pitch / _PITCH_RANGE), voicing, harmonic, noise)

    def power(self, frames: Frames, pitch: Tensor, voiced: Tensor) -> Tensor:
        """Expected power density `[B, N, R]` of the sound at the band centres; white noise of variance 1 has 1.

        ``pitch`` `[B, T]` in Hz and ``voiced`` `[B, T]` as ``render`` takes them. Each harmonic of the pulse train has
        the power 1/2, and there is one in every ``pitch`` Hz.
        """
        pulses = (voiced * self.rate / (4 * pitch)).repeat_interleave(2, dim=1)[:, None]
        return (2 * frames.noise).exp() + pulses * (2 * frames.harmonic).exp()

    def render(self, frames: Frames, pitch: Tensor, voiced: Tensor, white: Tensor) -> Tensor:
        """Wave `[B, 1, L]`, `L = T * frame`.

        ``pitch`` `[B, T]` in Hz, positive everywhere; ``voiced`` `[B, T]` 0 to 1; ``white`` `[B, L]` standard normal.
        """
        length = white.shape[-1]
        hertz = functional.interpolate(pitch.log()[:, None], length, mode="linear")[:, 0].exp()
        gate = functional.interpolate(voiced[:, None], length, mode="linear")[:, 0]
        pulses = self._spectrum(pulse_train(hertz, self.rate) * gate)
        noise = self._spectrum(white)
        harmonic_filter = minimum_phase(self._bins(frames.harmonic, pulses.shape[-1]))
        noise_filter = self._bins(frames.noise, pulses.shape[-1]).exp()
        size = self.config.n_fft
        wave = torch.istft(pulses * harmonic_filter + noise * noise_filter, size, self.hop, size, self.window)
        return functional.pad(wave, (0, length - wave.shape[-1]))[:, None]

    def colour(self, wave: Tensor, frames: Frames, pitch: Tensor) -> Tensor:
        """What a recording has more than was said of it, as ``forward`` adds it: `[N + 1]`.

        ``wave`` `[1, T * frame]` and what was decoded for it; ``pitch`` `[T]` in Hz, 0 where it is unvoiced. Medians
        over the louder frames, up to 7.5 kHz, without the level; closed form, so a few seconds are enough.
        """
        voiced = (pitch > 0).to(wave)[None]
        filled = torch.from_numpy(filled_log_pitch(pitch.cpu().numpy())).to(wave).exp()[None]
        noise = torch.randn(wave.shape, generator=torch.Generator().manual_seed(0)).to(wave)
        said = self.levels(self.render(frames, filled, voiced, noise)[:, 0])
        heard = self.levels(wave)
        loud = heard.mean(0)
        more = (heard - said)[:, loud > loud.quantile(0.3)].median(1).values.clamp(-1.5, 1.5)
        more = functional.avg_pool1d(functional.pad(more[None], (2, 2), mode="replicate"), 5, 1)[0]
        known = self.centres < 7500.0
        more = torch.where(known, more - more[known].mean(), torch.zeros_like(more))
        both = (pitch > 0) & (frames.voicing[0] > 0)
        octaves = (pitch[both] / REFERENCE_PITCH).log2() - frames.log_pitch[0][both]
        higher = octaves.median().clamp(-0.7, 0.7) if int(both.sum()) >= 10 else octaves.new_zeros(())
        return torch.cat([more, higher[None]])

    def levels(self, wave: Tensor) -> Tensor:
        """Natural-log amplitudes `[N, 2R]` of a wave `[1, L]` in the bands of the envelopes."""
        power = linear_spectrogram(wave, self.config.n_fft, self.hop // 2, self.config.n_fft // 2)[0].square()
        return 0.5 * (self.weights @ power / self.weights.sum(1, keepdim=True) + 1e-8).log()

    def _spectrum(self, wave: Tensor) -> Tensor:
        size = self.config.n_fft
        return torch.stft(wave, size, self.hop, size, self.window, pad_mode="constant", return_complex=True)

    def _bins(self, envelope: Tensor, count: int) -> Tensor:
        """Bands `[B, N, R]`, each centred on its hop, to bins `[B, F, count]`, one column per transform."""
        padded = functional.pad(envelope, (0, 1), mode="replicate")
        early = functional.pad(envelope, (1, 0), mode="replicate")
        between = 0.5 * (padded + early)  # transforms sit on the borders of the hops
        return torch.matmul(self.weights.T, between[:, :, :count])

    def forward(
        self,
        z: Tensor,
        style: Tensor,
        colour: Tensor | None = None,
        shares: Tensor | None = None,
        told: Tensor | None = None,
    ) -> Tensor:
        """Latent `[B, Z, T]` to wave `[B, 1, T * frame]`. The noise is the same in every call.

        ``colour`` `[N + 1]` or `[B, N + 1]`: natural-log amplitude to add to each band, and octaves to add to the
        pitch. ``shares`` `[B]`: the batch is one thing said in several ways, and the wave `[1, ...]` lies between them.
        ``told`` `[T]`: how much each frame stands out (``emphasis.prominence``).
        """
        frames = self.analyse(z, style)
        if colour is not None:
            bands = colour[..., :-1, None]
            frames = Frames(
                frames.log_pitch + colour[..., -1:], frames.voicing, frames.harmonic + bands, frames.noise + bands
            )
        if shares is not None:
            frames = frames.between(shares)
        if told is not None:
            frames = Frames(
                stressed_pitch(frames.log_pitch, frames.voicing > 0, told),
                frames.voicing,
                stressed_level(frames.harmonic, told),
                stressed_level(frames.noise, told),
            )
        contrast, movement = self.config.contrast, self.config.movement
        if contrast != 1 or movement != 1:
            frames = frames._replace(
                harmonic=contrasted(frames.harmonic, contrast, movement),
                noise=contrasted(frames.noise, 0.5 + 0.5 * contrast, movement),
            )
        generator = torch.Generator().manual_seed(z.shape[-1])
        white = torch.randn(len(frames.log_pitch), z.shape[-1] * self.frame, generator=generator).to(z)
        pitch = REFERENCE_PITCH * torch.exp2(frames.log_pitch)
        return self.render(frames, pitch, (frames.voicing > 0).to(z), white).clamp(-1, 1)
