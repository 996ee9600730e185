"""How voices are learnt with v3 and v4: style, bridge and refiner whole, the attention of the flow in thin factors."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from gpt_sovits.acoustic.flow_matching import draw_shortcut
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.training import lowrank
from gpt_sovits.training.learning import Task
from gpt_sovits.training.official import Gradients, OfficialLearning
from gpt_sovits.training.official_data import SpokenBatch
from gpt_sovits.training.plan import TrainingPlan
from gpt_sovits.training.precision import Precision
from gpt_sovits.versions import FLOW_MATCHING

WHOLE = ("ref_enc.", "bridge.", "wns1.")  # as upstream; the prior stays frozen
ATTENTION = tuple(f".{name}.weight" for name in ("to_q", "to_k", "to_v", "to_out.0"))  # of the flow


class FlowMatchingLearning(OfficialLearning):
    family = FLOW_MATCHING

    def prepare(self, model: nn.Module, rival: nn.Module | None, plan: TrainingPlan) -> None:
        lowrank.adapt(model, plan.acoustic_rank, frozen=("enc_p.",), whole=WHOLE, only=ATTENTION)

    def train_mode(self, model: nn.Module) -> None:
        model.train()
        cast(SoVITSCFM, model).enc_p.eval()  # frozen, so without dropout too

    def gradients(self, model: nn.Module, rival: nn.Module | None, task: Task, arithmetic: Precision) -> Gradients:
        def leave(batch: SpokenBatch, share: float) -> tuple[float, dict[str, float]]:
            shortcut = draw_shortcut(len(batch.lengths))  # three batches of ten learn a double step
            loss = _loss(model, batch, shortcut)
            arithmetic.scaled(loss * share).backward()  # type: ignore[no-untyped-call]
            return float(loss.detach()), {}

        return leave

    def judgement(self, model: nn.Module, batch: SpokenBatch) -> float:
        """The flow's loss, always with the same noise."""
        return float(_loss(model, batch, None))


def _loss(model: nn.Module, batch: SpokenBatch, shortcut: torch.Tensor | None) -> torch.Tensor:
    """Flow matching, scalar; ``shortcut`` as ``draw_shortcut`` gives it."""
    return cast(
        torch.Tensor,
        model(
            batch.spec,
            batch.lengths,
            batch.content,
            batch.phones,
            batch.phone_lengths,
            batch.mel,
            batch.mel_lengths,
            shortcut=None if shortcut is None else shortcut.to(batch.spec.device),
        ),
    )
