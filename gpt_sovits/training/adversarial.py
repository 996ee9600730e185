"""What one step of SoVITS v1, v2, v2Pro and v2ProPlus learns from: upstream's losses, and the gradients of both sides.

Generator: ``gen + fm + 45 * mel + kl``; discriminators: least squares. Both sides are judged by one forward pass of
the discriminators and step together, which saves two of upstream's four passes; there the discriminators step first.
``tests/parity`` compares these very functions with upstream's values and gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.config import SoVITSConfig
from gpt_sovits.acoustic.discriminator import Discriminators
from gpt_sovits.acoustic.sovits import TrainOutput, slice_frames
from gpt_sovits.features.spectral import mel_filterbank, spectrogram_to_mel
from gpt_sovits.training import losses

MEL_BANDS = 128


@dataclass(frozen=True)
class Judged:
    """Scores and feature maps of real and made waves, one entry per discriminator."""

    real_scores: list[Tensor]
    real_maps: list[list[Tensor]]
    fake_scores: list[Tensor]
    fake_maps: list[list[Tensor]]


@dataclass(frozen=True)
class Objective:
    """The losses of one batch; ``parts`` are weighted and add up to ``total``."""

    total: Tensor
    parts: dict[str, Tensor]
    rivals: Tensor | None  # what the discriminators minimise; None without any


def judge(judges: Discriminators, real: Tensor, fake: Tensor) -> Judged:
    """Both waves [B, 1, L] as the discriminators see them."""
    scores, maps = judges(torch.cat([real, fake]))  # one pass for both
    count = len(real)
    return Judged(
        [each[:count] for each in scores],
        [[each[:count] for each in several] for several in maps],
        [each[count:] for each in scores],
        [[each[count:] for each in several] for several in maps],
    )


def mel_bank(config: SoVITSConfig) -> Tensor:
    """Filter bank [M, F] of the mel loss."""
    return mel_filterbank(config.sample_rate, config.n_fft, MEL_BANDS)


def real_slices(wave: Tensor, start: Tensor, segment: int, hop: int) -> Tensor:
    """What was decoded, in the recording: wave [B, 1, L], start [B] in frames -> [B, 1, segment * hop]."""
    return slice_frames(wave, start * hop, segment * hop)


def objective(
    out: TrainOutput, spec: Tensor, config: SoVITSConfig, bank: Tensor, segment: int, judged: Judged | None
) -> Objective:
    """The losses of a forward pass ``out`` on spectrograms ``spec`` [B, F, T].

    Without discriminators (``judged`` None) mel and KL remain.
    """
    target = slice_frames(spectrogram_to_mel(spec, bank), out.start, segment)
    posterior, prior = out.posterior, out.prior
    parts = {
        "mel": losses.MEL_WEIGHT * losses.mel_loss(target, out.wave.float(), bank, config.n_fft, config.hop),
        "kl": losses.KL_WEIGHT
        * losses.kl_loss(
            out.z_p.float(), posterior.log_std.float(), prior.mean.float(), prior.log_std.float(), posterior.mask
        ),
    }
    rivals = None
    if judged is not None:
        parts["gen"] = losses.generator_loss(judged.fake_scores)[0]
        parts["fm"] = losses.feature_loss(judged.real_maps, judged.fake_maps)
        rivals = losses.discriminator_loss(judged.real_scores, judged.fake_scores)[0]
    return Objective(torch.stack(list(parts.values())).sum(), parts, rivals)


def accumulate(
    losses_: Objective,
    own: Sequence[nn.Parameter],
    rivals: Sequence[nn.Parameter],
    share: float = 1.0,
    scaled: Callable[[Tensor], Tensor] = lambda loss: loss,
) -> None:
    """Add ``share`` times the gradients of either side's loss to that side's weights, and to nothing else."""
    if losses_.rivals is not None and rivals:
        scaled(losses_.rivals * share).backward(inputs=list(rivals), retain_graph=True)
    scaled(losses_.total * share).backward(inputs=list(own))
