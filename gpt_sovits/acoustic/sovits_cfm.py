"""SoVITS v3 and v4: semantic codes + phones + style -> content features -> mel by flow matching.

A vocoder (BigVGAN for v3, HiFi-GAN for v4) turns the mel into a waveform. Shapes: T25 codes, T mel frames,
E content channels (512), M mel bands (100). Parameter names are those of the published state dicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.acoustic.config import SoVITSCFMConfig
from gpt_sovits.acoustic.flow_matching import FlowMatching, sample_long
from gpt_sovits.acoustic.quantizer import Quantizer
from gpt_sovits.acoustic.style import StyleEncoder
from gpt_sovits.acoustic.text_encoder import TextEncoder, length_mask
from gpt_sovits.acoustic.wavenet import WN

BRIDGE_SLOPE = 0.01


class ContentRefiner(nn.Module):
    """``wns1``: 1x1 convolution, WN, 1x1 convolution, masked. [B, E, T] -> [B, E, T]."""

    def __init__(self, channels: int, kernel: int, layers: int, gin: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(channels, channels, 1)
        self.enc = WN(channels, kernel, layers, gin)
        self.proj = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor, mask: Tensor, style: Tensor) -> Tensor:
        return self.proj(self.enc(self.pre(x) * mask, mask, style)) * mask


class SoVITSCFM(nn.Module):
    def __init__(self, config: SoVITSCFMConfig) -> None:
        super().__init__()
        self.config = config
        self.enc_p = TextEncoder(config.text)
        self.ref_enc = StyleEncoder(config.style, config.gin)
        self.ssl_proj = nn.Conv1d(config.text.ssl_dim, config.text.ssl_dim, 2, stride=2)
        self.quantizer = Quantizer(config.codebook, config.text.ssl_dim)
        width = config.dit.text_dim
        self.bridge = nn.Sequential(nn.Conv1d(config.text.hidden, width, 1), nn.LeakyReLU(BRIDGE_SLOPE))
        self.wns1 = ContentRefiner(width, config.wn_kernel, config.refiner_layers, config.gin)
        self.linear_mel = nn.Conv1d(width, config.dit.mel_dim, 1)  # in the files, used by nothing
        self.cfm = FlowMatching(config.dit)

    def extract_codes(self, ssl: Tensor) -> Tensor:
        """Content features [B, S, T50] -> semantic codes [B, 1, T50 // 2]."""
        return self.quantizer.encode(self.ssl_proj(ssl))

    def style(self, spec: Tensor, mask: Tensor | None = None, speaker: Tensor | None = None) -> Tensor:
        """Linear spectrogram [B, F, T] -> style [B, gin, 1]; these versions use no speaker vector."""
        return self.ref_enc(spec, mask)

    def features(self, codes: Tensor, phones: Tensor, style: Tensor, speed: float = 1.0) -> Tensor:
        """Codes [1, 1, T25], phones [1, P] -> content features [1, E, T]; one code is 3.75 (v3) or 4 (v4) frames."""
        content = self.quantizer.decode(codes).repeat_interleave(2, dim=2)
        mask, text_mask = torch.ones_like(content[:, :1]), torch.ones_like(phones[:, None, :], dtype=content.dtype)
        x = self.enc_p.project(self.enc_p.encode(content, mask, phones, text_mask, style), mask, speed).x
        x = F.interpolate(self.bridge(x), scale_factor=self.config.frames_scale, mode="nearest")
        frames = codes.shape[-1] * self.config.mask_frames_per_code
        valid = int(frames) if speed == 1 else int(frames / speed) + 1
        return self.wns1(x, length_mask(torch.tensor([valid], device=x.device), x.shape[-1], x), style)

    @torch.inference_mode()
    def decode(
        self,
        codes: Tensor,
        phones: Tensor,
        style: Tensor,
        *,
        prompt_codes: Tensor,
        prompt_phones: Tensor,
        prompt_mel: Tensor,
        steps: int = 32,
        guidance: float = 0.0,
        speed: float = 1.0,
        generator: torch.Generator | None = None,
        noises: Sequence[Tensor] | None = None,
        check: Callable[[], None] | None = None,
    ) -> Tensor:
        """Normalised mel [1, M, T] for codes [1, 1, T25] and phones [1, P], any length.

        The prompt is the reference recording: its codes [1, 1, R], phones [1, Q] and normalised mel [1, M, P].
        """
        prompt = self.features(prompt_codes, prompt_phones, style)
        return sample_long(
            self.cfm,
            self.features(codes, phones, style, speed),
            prompt,
            prompt_mel,
            prompt_frames=self.config.prompt_frames,
            window=self.config.window_frames,
            steps=steps,
            guidance=guidance,
            generator=generator,
            noises=noises,
            check=check,
        )

    def forward(
        self,
        spec: Tensor,
        spec_lengths: Tensor,
        ssl: Tensor,
        phones: Tensor,
        phone_lengths: Tensor,
        mel: Tensor,
        mel_lengths: Tensor,
        *,
        shortcut: Tensor | None = None,
    ) -> Tensor:
        """Training loss of one batch. Prior and quantizer are frozen; style, bridge, refiner and flow learn.

        spec [B, F, T50] of the 32 kHz recording, ssl [B, S, T50], mel [B, M, T] normalised, lengths in frames.
        The prompt is a random start of up to two thirds of each recording.
        """
        mask = length_mask(spec_lengths, spec.shape[-1], spec)
        style = self.style(spec, mask)
        with torch.no_grad():
            content = self.quantizer.decode(self.extract_codes(ssl)).repeat_interleave(2, dim=2)
            x = self.enc_p(content, spec_lengths, phones, phone_lengths, style).x
        x = F.interpolate(self.bridge(x), scale_factor=self.config.frames_scale, mode="nearest")
        frames = min(x.shape[-1], mel.shape[-1])
        mel_lengths = mel_lengths.clamp_max(frames)
        x, mel = x[:, :, :frames], mel[:, :, :frames]
        features = self.wns1(x, length_mask(mel_lengths, frames, x), style)
        prompts = (torch.rand(len(mel), device=mel.device) * mel_lengths * 2 / 3).floor().long()
        return self.cfm.loss(mel, mel_lengths, prompts, features, shortcut=shortcut)
