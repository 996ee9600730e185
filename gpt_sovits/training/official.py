"""How voices are learnt on the official bases: upstream's objectives, a few rows at a time, judged on held-out speech.

v1, v2, v2Pro, v2ProPlus learn against discriminators (adversarial.py). A base that came without them keeps its decoder
as it is and learns timbre and manner from mel and KL alone: a decoder taught without a rival starts to buzz.
v3 and v4 learn by flow matching; style, bridge and refiner whole, the flow's attention in thin factors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from gpt_sovits.acoustic.discriminator import PERIODS_V2, PERIODS_V2PRO, Discriminators
from gpt_sovits.acoustic.dit import Block
from gpt_sovits.acoustic.flow_matching import draw_shortcut
from gpt_sovits.acoustic.hifigan import ResidualBlock
from gpt_sovits.acoustic.lora import DIT_TARGETS
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.acoustic.wavenet import WN
from gpt_sovits.events import CancelToken
from gpt_sovits.families.base import Base
from gpt_sovits.features.spectral import linear_spectrogram, spectrogram_to_mel
from gpt_sovits.models.native import load_into, load_tensors
from gpt_sovits.semantic.model import Layer
from gpt_sovits.training import lowrank
from gpt_sovits.training.acoustic import StepResult
from gpt_sovits.training.adversarial import accumulate, judge, mel_bank, objective, real_slices
from gpt_sovits.training.distributed import Processes
from gpt_sovits.training.loop import Manner
from gpt_sovits.training.official_data import SpokenBatch, SpokenExample, collate_spoken
from gpt_sovits.training.optim import ScaledAdam
from gpt_sovits.training.plan import TrainingPlan
from gpt_sovits.training.precision import Precision, recompute

T = TypeVar("T")
Learner = tuple[Callable[[], StepResult | None], Callable[[], float]]

FROZEN = ("quantizer.", "ssl_proj.", "sv_emb.")  # the codes must keep their meaning; sv_emb is 40 MB for one person
NOT_KEPT = ("enc_q.",)  # only training uses it
FLOW_WHOLE = ("ref_enc.", "bridge.", "wns1.")  # of v3 and v4, as upstream; the prior stays frozen
_TEXT_PARTS = ("enc_p.text_embedding", "enc_p.encoder_text", "enc_p.mrte")  # learn more slowly
_TEXT_PACE = 0.4
_JUDGED_FRAMES = 100  # 50 Hz frames of a held-out piece that are decoded to judge by
_JUDGED_PIECES = 2


def discriminators(base: Base) -> Discriminators | None:
    """The base's discriminators, trainable; None where it came without."""
    if base.diffusion or not base.files.has("discriminator"):
        return None
    tensors = load_tensors(base.files.path("discriminator"))
    first = tensors["discriminators.0.convs.0.weight_v"].shape[0], tensors["discriminators.1.convs.0.weight_v"].shape[0]
    periods = PERIODS_V2PRO if base.version.startswith("v2Pro") else PERIODS_V2
    network = Discriminators(periods, scale_width=first[0], period_width=first[1])
    load_into(network, tensors, f"the discriminators of {base.name}")
    return network.to(base.device)


def prepare_acoustic(model: SoVITS | SoVITSCFM, rival: Discriminators | None, plan: TrainingPlan) -> None:
    """Choose what of the networks is trained, and how their activations are kept."""
    if isinstance(model, SoVITSCFM):
        lowrank.adapt(
            model,
            plan.acoustic_rank,
            frozen=("enc_p.",),
            whole=FLOW_WHOLE,
            only=tuple(f".{t}.weight" for t in DIT_TARGETS),
        )
    else:
        lowrank.adapt(model, plan.acoustic_rank, frozen=FROZEN if rival is not None else (*FROZEN, "dec."))
    if rival is not None:
        lowrank.adapt(rival, plan.acoustic_rank)
    if plan.recompute:
        recompute(model, (Block, ResidualBlock, WN))


def prepare_semantic(model: nn.Module, plan: TrainingPlan) -> None:
    """Choose what of the semantic network is trained."""
    lowrank.adapt(model, plan.semantic_rank)
    if plan.recompute:
        recompute(model, (Layer,))


def interruptible(model: nn.Module, cancel: CancelToken) -> None:
    """Let a forward pass end at its next block once the person stops it: one can take longer than they like to wait."""

    def check(module: nn.Module, inputs: object) -> None:
        cancel.check()

    for module in model.modules():
        if isinstance(module, (Block, ResidualBlock, WN, Layer)):
            module.register_forward_pre_hook(check)


def _slow(groups: Iterable[Any], rate: float) -> torch.optim.Optimizer:
    """Upstream's optimiser of the acoustic networks; factors are not pulled to zero."""
    return torch.optim.AdamW(groups, lr=rate, betas=(0.8, 0.99), eps=1e-9, weight_decay=0.0)


def _scaled(groups: Iterable[Any], rate: float) -> torch.optim.Optimizer:
    """Upstream's optimiser of the semantic network; its rate is relative to each tensor's size."""
    return ScaledAdam(groups, lr=rate, clip_main_update=True)


def _pace(name: str) -> float:
    text = _TEXT_PACE if name.startswith(_TEXT_PARTS) else 1.0
    return text * (lowrank.PACE if lowrank.is_factor(name) else 1.0)


def _factor_pace(name: str) -> float:
    return lowrank.PACE if lowrank.is_factor(name) else 1.0


def acoustic_manner(plan: TrainingPlan) -> Manner:
    """AdamW as upstream sets it, both sides at one rate, no clipping."""
    return Manner(_slow, _pace, clip=float("inf"), rival_rate=plan.acoustic_rate, rival_pace=_factor_pace)


def semantic_manner(plan: TrainingPlan) -> Manner:
    """ScaledAdam where the whole network learns, AdamW for thin factors, whose size starts at zero."""
    return Manner(pace=_factor_pace) if plan.semantic_rank else Manner(_scaled)


def _endless(rows: Sequence[T], count: int, rng: np.random.Generator) -> Iterator[list[T]]:
    """Batches of ``count`` rows, every row once before any comes again."""
    waiting: list[T] = []
    while True:
        while len(waiting) < count:
            waiting.extend(rows[int(i)] for i in rng.permutation(len(rows)))
        yield waiting[:count]
        del waiting[:count]


def _portions(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def acoustic_learner(
    model: SoVITS | SoVITSCFM,
    rival: Discriminators | None,
    training: Sequence[SpokenExample],
    held_out: Sequence[SpokenExample],
    plan: TrainingPlan,
    processes: Processes,
    cancel: CancelToken,
    arithmetic: Precision,
) -> Learner:
    """One step and one judgement of an acoustic network. A step stops half way when it is asked to."""
    batches = _endless(training, plan.rows, np.random.default_rng(plan.seed))
    device = next(model.parameters()).device
    own = [p for p in model.parameters() if p.requires_grad]
    rivals = [] if rival is None else [p for p in rival.parameters() if p.requires_grad]

    def portion(batch: SpokenBatch, share: float) -> tuple[float, dict[str, float]]:
        if isinstance(model, SoVITSCFM):
            shortcut = draw_shortcut(len(batch.lengths))  # three batches of ten learn a double step
            loss = _flow_loss(model, batch, shortcut)
            arithmetic.scaled(loss * share).backward()
            return float(loss.detach()), {}
        return _adversarial(model, rival, batch, plan, arithmetic, own, rivals, share, cancel)

    def train() -> StepResult | None:
        mine = processes.share(next(batches))
        if not mine:
            return None
        model.train()
        if isinstance(model, SoVITSCFM):
            model.enc_p.eval()  # frozen, so without dropout too
        total, values = 0.0, dict[str, float]()
        for rows in _portions(mine, plan.at_once):
            if processes.count == 1:
                cancel.check()
            share = len(rows) / len(mine)
            loss, parts = portion(_batch(model, rows, device), share)
            total += loss * share
            for name, value in parts.items():
                values[name] = values.get(name, 0.0) + value * share
        return StepResult(torch.tensor(total), {"loss": total, **values}, float(len(mine)))

    def validate() -> float:
        model.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found = [_judgement(model, _batch(model, [row], device)) for row in held_out[:_JUDGED_PIECES]]
        return sum(found) / len(found)

    return train, validate


def _batch(model: SoVITS | SoVITSCFM, rows: Sequence[SpokenExample], device: torch.device) -> SpokenBatch:
    if isinstance(model, SoVITS):
        return collate_spoken(rows, model.config.n_fft, model.config.hop, device)
    return collate_spoken(rows, device=device)


def _adversarial(
    model: SoVITS,
    rival: Discriminators | None,
    batch: SpokenBatch,
    plan: TrainingPlan,
    arithmetic: Precision,
    own: list[nn.Parameter],
    rivals: list[nn.Parameter],
    share: float,
    cancel: CancelToken,
) -> tuple[float, dict[str, float]]:
    """Leave the gradients of some rows in both networks; returns the loss and its parts."""
    segment = min(plan.segment, int(batch.lengths.min()))
    out = model(
        batch.spec,
        batch.lengths,
        batch.content,
        batch.phones,
        batch.phone_lengths,
        segment=segment,
        speaker=batch.speaker_vector,
    )
    cancel.check()
    judged = None
    if rival is not None:
        judged = judge(rival, real_slices(batch.wave, out.start, segment, model.config.hop), out.wave)
        cancel.check()
    with arithmetic.exact():
        found = objective(out, batch.spec, model.config, mel_bank(model.config), segment, judged)
        accumulate(found, own, rivals, share, arithmetic.scaled)
    values = {name: float(value.detach()) for name, value in found.parts.items()}
    if found.rivals is not None:
        values["rivals"] = float(found.rivals.detach())
    return float(found.total.detach()), values


def _flow_loss(model: SoVITSCFM, batch: SpokenBatch, shortcut: torch.Tensor | None) -> torch.Tensor:
    """Flow matching, scalar; ``shortcut`` as ``draw_shortcut`` gives it."""
    return model(
        batch.spec,
        batch.lengths,
        batch.content,
        batch.phones,
        batch.phone_lengths,
        batch.mel,
        batch.mel_lengths,
        shortcut=None if shortcut is None else shortcut.to(batch.spec.device),
    )


def _judgement(model: SoVITS | SoVITSCFM, batch: SpokenBatch) -> float:
    """How far the model is from one held-out piece, in what it says when it is on its own.

    v1/v2: L1 of log mels when decoded from codes, text and style, without noise. v3/v4: the flow's loss, always with
    the same noise.
    """
    if isinstance(model, SoVITSCFM):
        return float(_flow_loss(model, batch, None))
    style = model.style(batch.spec, None, batch.speaker_vector)
    prior = model.prior(model.extract_codes(batch.content), batch.lengths, batch.phones, batch.phone_lengths, style)
    z = model.flow(prior.mean, prior.mask, style, reverse=True)
    first = max(0, (z.shape[-1] - _JUDGED_FRAMES) // 2)
    z, spec = z[:, :, first : first + _JUDGED_FRAMES], batch.spec[:, :, first : first + _JUDGED_FRAMES]
    bank = mel_bank(model.config)
    made = spectrogram_to_mel(
        linear_spectrogram(model.dec(z, style).squeeze(1), model.config.n_fft, model.config.hop), bank
    )
    real = spectrogram_to_mel(spec, bank)[:, :, : made.shape[-1]]
    return float((made[:, :, : real.shape[-1]] - real).abs().mean())
