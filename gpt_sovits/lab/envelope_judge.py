"""The adversarial stage of the embedded base: a judge that tells real spectral envelopes from made ones.

Errors that are averaged make envelopes flat: of two places where a formant may be, a mean is at neither. A small
discriminator over patches of log envelopes (Isola et al., "pix2pix", 2017), which also knows whose voice it should be
(Miyato and Koyama, "cGANs with projection discriminator", 2018), asks for envelopes as they occur. Least squares and
feature matching as in HiFi-GAN (Kong et al. 2020). Both sides see envelopes that were measured from sound, so that the
judge can't go by the noise of measuring. B rows, M bands, R frames of 100 a second.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from gpt_sovits.training.checkpoint import load_checkpoint, save_checkpoint
from gpt_sovits.training.losses import discriminator_loss, feature_loss, generator_loss

_CHANNELS = (24, 48, 96)
_SLOPE = 0.1
_LEVEL, _SPREAD = -5.0, 2.0  # about what log envelopes are


class EnvelopeJudge(nn.Module):
    """Scores patches of envelopes, given the style of the voice."""

    def __init__(self, style: int) -> None:
        super().__init__()
        widths = (2, *_CHANNELS)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(before, after, (5, 5), stride=(2, 2), padding=2))
            for before, after in zip(widths, widths[1:], strict=False)
        )
        self.last = weight_norm(nn.Conv2d(widths[-1], widths[-1], (5, 3), padding=(2, 1)))
        self.score = weight_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))
        self.voice = nn.Linear(style, widths[-1])

    def forward(self, envelopes: Tensor, keep: Tensor, style: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Envelopes and which of them count, both `[B, M, R]`, style `[B, gin, 1]`; returns scores and feature maps."""
        x = torch.stack([(envelopes - _LEVEL) / _SPREAD * keep, keep], 1)
        maps = []
        for layer in (*self.layers, self.last):
            x = functional.leaky_relu(layer(x), _SLOPE)
            maps.append(x)
        fits = (self.voice(style[:, :, 0]) * x.mean((2, 3))).sum(1)
        return self.score(x) + fits[:, None, None, None], maps


class Rivalry:
    """The judge, what it learns with, and what it asks of the generator."""

    def __init__(
        self,
        style: int,
        *,
        rate: float = 4e-4,
        score: float = 3.0,
        match: float = 6.0,
        alone: int = 150,
        device: str = "cpu",
    ):
        self.judge = EnvelopeJudge(style).to(device)
        self.optimizer = torch.optim.AdamW(self.judge.parameters(), lr=rate, betas=(0.8, 0.98))
        self.score, self.match = score, match
        self.alone, self.steps = alone, 0  # steps in which the judge learns and asks for nothing yet
        self.loss: Tensor | None = None

    def __call__(self, fake: Tensor, real: Tensor, keep: Tensor, style: Tensor) -> Tensor:
        """What the generator should make smaller. ``learn`` then teaches the judge by the same envelopes."""
        style = style.detach()
        keep = keep.expand_as(real)
        scores, maps = self.judge(torch.cat([real, fake.detach()]), torch.cat([keep] * 2), torch.cat([style] * 2))
        count = len(real)
        self.loss = discriminator_loss([scores[:count]], [scores[count:]])[0]
        self.steps += 1
        if self.steps <= self.alone:
            return fake.new_zeros(())
        self.judge.requires_grad_(False)
        asked, made = self.judge(fake, keep, style)
        self.judge.requires_grad_(True)
        wanted = feature_loss([[each[:count].detach() for each in maps]], [made])
        return self.score * generator_loss([asked])[0] + self.match * wanted

    def save(self, path: Path, step: int) -> None:
        """Keep the judge, for a stage that goes on."""
        save_checkpoint(path, {"judge": self.judge}, {"adam": self.optimizer}, step=step)

    def load(self, path: Path) -> None:
        """Go on with a judge that was kept; one that knows its trade asks from the first step on."""
        load_checkpoint(path, {"judge": self.judge}, {"adam": self.optimizer})
        self.alone = 0

    def learn(self) -> float:
        """One step of the judge; returns its loss (0.5 when it can't tell)."""
        if self.loss is None:
            return 0.0
        self.optimizer.zero_grad(set_to_none=True)
        self.loss.backward()
        nn.utils.clip_grad_norm_(self.judge.parameters(), 5.0)
        self.optimizer.step()
        value, self.loss = float(self.loss.detach()), None
        return value
