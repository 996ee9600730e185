"""Conditional flow matching: noise -> mel by Euler steps of a velocity field, its training loss, and long inputs.

Shapes: B batch, M mel bands, T frames, P prompt frames, E content channels. Mels are in the normalised range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.config import DiTConfig
from gpt_sovits.acoustic.dit import DiT

SHORTCUT_PROBABILITY = 0.3  # share of training batches that learn a double step
SMALLEST_STEP = 1e-2  # shorter steps are shown to the network as 0


class FlowMatching(nn.Module):
    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.estimator = DiT(config)

    @torch.inference_mode()
    def sample(
        self,
        content: Tensor,
        prompt: Tensor,
        noise: Tensor,
        *,
        steps: int,
        guidance: float = 0.0,
        check: Callable[[], None] | None = None,
    ) -> Tensor:
        """content [B, E, T], prompt mel [B, M, P], noise [B, M, T] -> mel [B, M, T], zero in the prompt frames.

        ``check`` is called before every step and may raise to stop.
        """
        length = prompt.shape[-1]
        held = torch.zeros_like(noise)
        held[:, :, :length] = prompt
        x = noise.clone()
        x[:, :, :length] = 0
        text = self.estimator.text_embed(content)
        bare = self.estimator.text_embed(torch.zeros_like(content)) if guidance else text
        d = torch.full((len(x),), 1.0 / steps, device=x.device)
        for step in range(steps):
            if check is not None:
                check()
            t = torch.full_like(d, step / steps)
            velocity = self.estimator.velocity(x, held, text, t, d)
            if guidance:
                velocity = velocity + guidance * (
                    velocity - self.estimator.velocity(x, torch.zeros_like(held), bare, t, d)
                )
            x = x + velocity / steps
            x[:, :, :length] = 0
        return x

    def loss(
        self,
        mel: Tensor,
        lengths: Tensor,
        prompt_lengths: Tensor,
        content: Tensor,
        *,
        t: Tensor | None = None,
        noise: Tensor | None = None,
        shortcut: Tensor | None = None,
    ) -> Tensor:
        """Mean over the batch of the squared velocity error on frames [prompt, length).

        ``shortcut`` [B] holds k >= 2 for a batch that learns one step of 2 * 2^-k from two of 2^-k; None is the
        ordinary target.
        """
        t = torch.rand(len(mel), device=mel.device) if t is None else t
        noise = torch.randn_like(mel) if noise is None else noise
        frames = torch.arange(mel.shape[-1], device=mel.device)[None, :]
        in_prompt = (frames < prompt_lengths[:, None]).unsqueeze(1)
        counted = ((frames >= prompt_lengths[:, None]) & (frames < lengths[:, None])).unsqueeze(1).to(mel.dtype)
        prompt = mel * in_prompt
        x = (noise + t[:, None, None] * (mel - noise)).masked_fill(in_prompt, 0.0)
        if shortcut is None:
            target, d = mel - noise, torch.zeros_like(t)
        else:
            target, d = self._double_step(x, prompt, content, t, lengths, torch.exp2(-shortcut.to(t.dtype)))
        error = (self.estimator(x, prompt, content, t, d, lengths) - target).square() * counted
        per_item = error.sum((1, 2)) / (counted.sum((1, 2)) * mel.shape[1]).clamp_min(1)
        return per_item.mean()

    @torch.no_grad()
    def _double_step(
        self, x: Tensor, prompt: Tensor, content: Tensor, t: Tensor, lengths: Tensor, d: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean velocity of two steps of length d [B] from x, and the doubled step 2d."""
        shown = d.masked_fill(d < SMALLEST_STEP, 0.0)
        first = self.estimator(x, prompt, content, t, shown, lengths)
        second = self.estimator(x + d[:, None, None] * first, prompt, content, t + d, shown, lengths)
        return (first + second) / 2, 2 * d


def draw_shortcut(batch: int, generator: torch.Generator | None = None) -> Tensor | None:
    """Decides whether a training batch is a shortcut batch: exponents k in 2..7 [B], or None."""
    if float(torch.rand((), generator=generator)) >= SHORTCUT_PROBABILITY:
        return None
    return torch.randint(2, 8, (batch,), generator=generator)


def sample_long(
    flow: FlowMatching,
    content: Tensor,
    prompt_content: Tensor,
    prompt_mel: Tensor,
    *,
    prompt_frames: int,
    window: int,
    steps: int,
    guidance: float = 0.0,
    generator: torch.Generator | None = None,
    noises: Sequence[Tensor] | None = None,
    check: Callable[[], None] | None = None,
) -> Tensor:
    """Mel [1, M, T] for content [1, E, T] of any length, piece after piece, each prompted by the one before.

    At most the last ``prompt_frames`` of the prompt are used; prompt and piece together fill ``window`` frames.
    ``noises`` (one [1, M, prompt + piece] each) override the generator.
    """
    length = min(prompt_content.shape[-1], prompt_mel.shape[-1])
    prompt_content, prompt_mel = prompt_content[:, :, :length], prompt_mel[:, :, :length]
    prompt_content, prompt_mel = prompt_content[:, :, -prompt_frames:], prompt_mel[:, :, -prompt_frames:]
    length = prompt_mel.shape[-1]
    parts = []
    for index, piece in enumerate(content.split(window - length, dim=-1)):
        joined = torch.cat([prompt_content, piece], dim=-1)
        shape = (joined.shape[0], prompt_mel.shape[1], joined.shape[-1])
        noise = torch.randn(shape, generator=generator) if noises is None else noises[index]
        noise = noise.to(joined)
        mel = flow.sample(joined, prompt_mel, noise, steps=steps, guidance=guidance, check=check)[:, :, length:]
        parts.append(mel)
        prompt_mel, prompt_content = mel[:, :, -length:], piece[:, :, -length:]
    return torch.cat(parts, dim=-1)
