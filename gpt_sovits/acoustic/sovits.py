"""SoVITS of the v1/v2 family: semantic codes + phones + style -> waveform, and the training forward.

Shapes: B batch, T25 codes (25/s), T latent frames (50/s, T = 2*T25), P phones, Z latent channels, L samples.
Parameter names are those of the published state dicts, so official weights load with strict=True.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.acoustic.code_alignment import CodeAlignment
from gpt_sovits.acoustic.config import SoVITSConfig
from gpt_sovits.acoustic.decoder import build_decoder
from gpt_sovits.acoustic.emphasis import lengthened, prominence
from gpt_sovits.acoustic.harmonic import HarmonicDecoder
from gpt_sovits.acoustic.quantizer import Quantizer
from gpt_sovits.acoustic.style import StyleEncoder
from gpt_sovits.acoustic.text_encoder import Prior, PriorEncoder, TextEncoder, crossfade, length_mask
from gpt_sovits.acoustic.upsampled_encoder import UpsampledTextEncoder
from gpt_sovits.acoustic.wavenet import Flow, PosteriorEncoder
from gpt_sovits.errors import InputError


class Posterior(NamedTuple):
    """z, mean, log_std [B, Z, T] and mask [B, 1, T]."""

    z: Tensor
    mean: Tensor
    log_std: Tensor
    mask: Tensor


@dataclass(frozen=True)
class TrainOutput:
    """What the losses need; ``wave`` is the decoded slice [B, 1, segment * hop] starting at ``start`` [B] frames."""

    wave: Tensor
    start: Tensor
    z_p: Tensor
    posterior: Posterior
    prior: Prior
    codes: Tensor


def slice_frames(x: Tensor, start: Tensor, length: int) -> Tensor:
    """x [B, C, T], start [B] -> [B, C, length]."""
    index = start[:, None, None] + torch.arange(length, device=x.device)
    return x.gather(2, index.expand(-1, x.shape[1], -1))


class SoVITS(nn.Module):
    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        if config.gin != config.text.mrte_hidden and config.speaker_dim == 0:
            raise InputError(
                "The model's style width and its cross attention width differ.",
                "Set gin and text.mrte_hidden to the same number.",
            )
        self.config = config
        latent, kernel, gin = config.latent, config.wn_kernel, config.gin
        self.enc_p: PriorEncoder = (UpsampledTextEncoder if config.text.upsampled else TextEncoder)(config.text)
        self.dec = build_decoder(config)
        self.enc_q = PosteriorEncoder(
            config.spec_bins, latent, config.posterior_hidden, kernel, config.posterior_layers, gin
        )
        self.flow = Flow(latent, config.flow_hidden, kernel, config.flow_layers, config.flow_couplings, gin)
        self.ref_enc = StyleEncoder(config.style, gin)
        self.ssl_proj = nn.Conv1d(config.text.ssl_dim, config.text.ssl_dim, 2, stride=2)
        self.quantizer = Quantizer(config.codebook, config.text.ssl_dim)
        self.alignment = CodeAlignment(config.text.symbols, config.codebook) if config.text.aligned else None
        if config.speaker_dim:
            self.sv_emb = nn.Linear(config.speaker_dim, gin)
            self.ge_to512 = nn.Linear(gin, config.text.mrte_hidden)
            self.prelu = nn.PReLU(gin)

    # --- parts -------------------------------------------------------------------------------------------------

    def extract_codes(self, ssl: Tensor) -> Tensor:
        """Content features [B, S, T50] -> semantic codes [B, 1, T50 // 2]."""
        return self.quantizer.encode(self.ssl_proj(ssl))

    def quantized(self, codes: Tensor) -> Tensor:
        """Codes [B, T25] or [B, 1, T25] -> content [B, S, 2 * T25] at 50 frames/s."""
        return self.quantizer.decode(codes).repeat_interleave(2, dim=2)

    def style(self, spec: Tensor, mask: Tensor | None = None, speaker: Tensor | None = None) -> Tensor:
        """Linear spectrogram [B, F, T], mask [B, 1, T], speaker vector [B, V] (v2Pro) -> style [B, gin, 1].

        For several references take the mean of their styles.
        """
        style = self.ref_enc(spec, mask)
        if not self.config.speaker_dim:
            return style
        if speaker is None:
            raise InputError(f"A {self.config.version} voice needs a speaker vector.", "Create the voice again.")
        return self.prelu(style + self.sv_emb(speaker).unsqueeze(-1))

    def prior_style(self, style: Tensor) -> Tensor:
        """The style as the prior sees it, [B, mrte_hidden, 1]."""
        if not self.config.speaker_dim:
            return style
        return self.ge_to512(style.transpose(1, 2)).transpose(1, 2)

    def prior(
        self,
        content: Tensor,
        lengths: Tensor,
        phones: Tensor,
        phone_lengths: Tensor,
        style: Tensor,
        speed: float = 1.0,
        spoken: Tensor | None = None,
    ) -> Prior:
        """Content [B, S, T] (or integer codes) with frame lengths [B], phones [B, P] -> x, mean, log_std, mask.

        ``spoken`` [B, T] as of ``spoken``.
        """
        if not content.is_floating_point():
            content = self.quantized(content)
        return self.enc_p(content, lengths, phones, phone_lengths, self.prior_style(style), speed, spoken)

    def spoken(self, codes: Tensor, phones: Tensor) -> Tensor | None:
        """Index of the phone that each frame says [B, T], -1 for none; None where the model does not ask for it.

        Codes [B, T25] or [B, 1, T25] and phones [B, P], without padding.
        """
        if self.alignment is None:
            return None
        found: Tensor = self.alignment(codes.flatten(1), phones)
        return found.repeat_interleave(2, dim=1)

    def posterior(self, spec: Tensor, lengths: Tensor, style: Tensor, noise: Tensor | None = None) -> Posterior:
        """Linear spectrogram [B, F, T] -> sampled latent; no gradient reaches ``style`` from here."""
        mask = length_mask(lengths, spec.shape[-1], spec)
        mean, log_std = self.enc_q(spec, mask, style.detach())
        noise = torch.randn_like(mean) if noise is None else noise
        return Posterior((mean + noise * log_std.exp()) * mask, mean, log_std, mask)

    def decoder(self, z: Tensor, style: Tensor) -> Tensor:
        """Latent [B, Z, T] -> wave [B, 1, T * hop]."""
        return self.dec(z, style)

    # --- inference ---------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def decode(
        self,
        codes: Tensor,
        phones: Tensor,
        style: Tensor,
        *,
        noise_scale: float = 0.5,
        speed: float = 1.0,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
        colour: Tensor | None = None,
        shares: Tensor | None = None,
        stress: Tensor | None = None,
    ) -> Tensor:
        """Codes [1, 1, T25] and phones [1, P] -> wave [1, 1, L]. ``noise`` [1, Z, T] overrides the generator.

        ``colour``: see ``measure_colour``. Where ``blends``, ``style`` may be of K voices [K, gin, 1], with ``colour``
        [K, N + 1] and ``shares`` [K]: the wave lies between what each of them would say. ``stress`` [P], 0 or 1: phones
        that stand out, where it also knows what each frame says.
        """
        count = len(style)
        content, spoken, told = self.quantized(codes).expand(count, -1, -1), self.spoken(codes, phones), None
        if stress is not None and spoken is not None and self.blends:
            frames = stress[spoken[0].clamp_min(0)] * (spoken[0] >= 0)
            order = lengthened(frames)
            content, spoken, told = content[:, :, order], spoken[:, order], prominence(frames[order])
        spoken, phones = None if spoken is None else spoken.expand(count, -1), phones.expand(count, -1)
        prior = self.prior(content, _full(content), phones, _full(phones), style, speed, spoken)
        return self._render(prior, style, noise_scale, generator, noise, colour, shares, told)

    @property
    def blends(self) -> bool:
        """Whether ``decode`` can say something between several voices."""
        return isinstance(self.dec, HarmonicDecoder)

    @torch.inference_mode()
    def measure_colour(
        self, codes: Tensor, phones: Tensor, style: Tensor, wave: Tensor, pitch: Tensor
    ) -> Tensor | None:
        """What a recording has more than this model says of it; None where the decoder has no place for that.

        codes [1, 1, T25] and phones [1, P] of wave [1, T * hop], pitch [T] in Hz, 0 where unvoiced.
        """
        if not isinstance(self.dec, HarmonicDecoder):
            return None
        content = self.quantized(codes)
        prior = self.prior(content, _full(content), phones, _full(phones), style, 1.0, self.spoken(codes, phones))
        return self.dec.colour(
            wave, self.dec.analyse(self.flow(prior.mean, prior.mask, style, reverse=True), style), pitch
        )

    @torch.inference_mode()
    def decode_chunk(
        self,
        codes: Tensor,
        phones: Tensor,
        style: Tensor,
        *,
        result_length: int,
        overlap: Tensor | None = None,
        noise_scale: float = 0.5,
        speed: float = 1.0,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Streaming: of all codes so far, render only the last ``result_length``.

        ``overlap`` [1, hidden, n] are the last n frames of the hidden sequence that the previous call
        returned; the first n frames of this one fade in over them. Returns (wave [1, 1, L], hidden
        [1, hidden, 2 * result_length] before any speed change).
        """
        content = self.quantized(codes)
        mask, text_mask = torch.ones_like(content[:, :1]), torch.ones_like(phones[:, None, :], dtype=content.dtype)
        spoken = self.spoken(codes, phones)
        hidden = self.enc_p.encode(content, mask, phones, text_mask, self.prior_style(style), spoken)
        hidden = hidden[:, :, -2 * result_length :]
        if overlap is not None and overlap.shape[-1]:
            hidden = crossfade(hidden, overlap)
        prior = self.enc_p.project(hidden, mask[:, :, : hidden.shape[-1]], speed)
        return self._render(prior, style, noise_scale, generator, noise), hidden

    def _render(
        self,
        prior: Prior,
        style: Tensor,
        noise_scale: float,
        generator: torch.Generator | None,
        noise: Tensor | None,
        colour: Tensor | None = None,
        shares: Tensor | None = None,
        told: Tensor | None = None,
    ) -> Tensor:
        z_p = prior.mean
        if noise_scale:
            if noise is None:
                noise = torch.randn(z_p[:1].shape, generator=generator).to(z_p)  # on the CPU: same on every device
            z_p = z_p + noise * prior.log_std.exp() * noise_scale
        z = self.flow(z_p, prior.mask, style, reverse=True)
        if not self.blends:
            return self.dec(z * prior.mask, style)
        if told is not None and len(told) != z.shape[-1]:  # spoken at another speed
            told = F.interpolate(told[None, None], z.shape[-1], mode="linear")[0, 0]
        return self.dec(z * prior.mask, style, colour, shares, told)

    # --- training ----------------------------------------------------------------------------------------------

    def forward(
        self,
        spec: Tensor,
        lengths: Tensor,
        ssl: Tensor,
        phones: Tensor,
        phone_lengths: Tensor,
        *,
        segment: int = 32,
        speaker: Tensor | None = None,
        noise: Tensor | None = None,
        start: Tensor | None = None,
    ) -> TrainOutput:
        """Spectrograms [B, F, T] with lengths, content features [B, S, T], phones [B, P] -> TrainOutput.

        The quantizer is frozen. ``start`` (frames) is drawn uniformly where it is not given.
        """
        mask = length_mask(lengths, spec.shape[-1], spec)
        style = self.style(spec, mask, speaker)
        with torch.no_grad():
            codes = self.extract_codes(ssl)
            content = self.quantized(codes)
        content = F.pad(content, (0, spec.shape[-1] - content.shape[-1]))  # an odd last frame has no code
        prior = self.prior(content, lengths, phones, phone_lengths, style)
        posterior = self.posterior(spec, lengths, style, noise)
        z_p = self.flow(posterior.z, posterior.mask, style)
        if start is None:
            room = (lengths - segment + 1).clamp_min(1)
            start = (torch.rand(len(lengths), device=lengths.device) * room).long()
        wave = self.dec(slice_frames(posterior.z, start, segment), style)
        return TrainOutput(wave, start, z_p, posterior, prior, codes)


def _full(x: Tensor) -> Tensor:
    """Lengths [B] of a batch without padding."""
    return torch.full((x.shape[0],), x.shape[-1], dtype=torch.long, device=x.device)
