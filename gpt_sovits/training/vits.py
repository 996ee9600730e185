"""How voices are learnt with v1, v2, v2Pro, v2ProPlus: upstream's objectives and discriminators (adversarial.py).

A base that came without them keeps its decoder as it is and learns timbre and manner from mel and KL alone: a decoder
taught without a rival starts to buzz.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from gpt_sovits.acoustic.discriminator import Discriminators
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.families.base import Base
from gpt_sovits.features.spectral import linear_spectrogram, spectrogram_to_mel
from gpt_sovits.models.native import load_into, load_tensors
from gpt_sovits.training import lowrank
from gpt_sovits.training.adversarial import accumulate, judge, mel_bank, objective, real_slices
from gpt_sovits.training.learning import Task
from gpt_sovits.training.official import Gradients, OfficialLearning
from gpt_sovits.training.official_data import SpokenBatch, SpokenExample, collate_spoken
from gpt_sovits.training.plan import TrainingPlan
from gpt_sovits.training.precision import Precision
from gpt_sovits.versions import DISCRIMINATORS, VITS, known_version

FROZEN = ("quantizer.", "ssl_proj.", "sv_emb.")  # the codes must keep their meaning; sv_emb is 40 MB for one person
_JUDGED_FRAMES = 100  # 50 Hz frames of a held-out piece that are decoded to judge by


class VitsLearning(OfficialLearning):
    family = VITS

    def rival(self, base: Base, plan: TrainingPlan) -> Discriminators | None:
        """The base's discriminators, trainable; None where it came without or the plan does without."""
        if not plan.adversarial or not base.files.has("discriminator"):
            return None
        tensors = load_tensors(base.files.path("discriminator"))
        widths = [tensors[f"discriminators.{number}.convs.0.weight_v"].shape[0] for number in (0, 1)]
        periods = DISCRIMINATORS[known_version(base.version).discriminators]
        network = Discriminators(periods, scale_width=widths[0], period_width=widths[1])
        load_into(network, tensors, f"the discriminators of {base.name}")
        return network.to(base.device)

    def prepare(self, model: nn.Module, rival: nn.Module | None, plan: TrainingPlan) -> None:
        lowrank.adapt(model, plan.acoustic_rank, frozen=FROZEN if rival is not None else (*FROZEN, "dec."))
        if rival is not None:
            lowrank.adapt(rival, plan.acoustic_rank)

    def collate(self, model: nn.Module, rows: Sequence[SpokenExample], device: torch.device) -> SpokenBatch:
        sizes = cast(SoVITS, model).config
        return collate_spoken(rows, sizes.n_fft, sizes.hop, device)

    def gradients(self, model: nn.Module, rival: nn.Module | None, task: Task, arithmetic: Precision) -> Gradients:
        sovits, judges = cast(SoVITS, model), cast("Discriminators | None", rival)
        own = [p for p in sovits.parameters() if p.requires_grad]
        rivals = [] if judges is None else [p for p in judges.parameters() if p.requires_grad]

        def leave(batch: SpokenBatch, share: float) -> tuple[float, dict[str, float]]:
            segment = min(task.plan.segment, int(batch.lengths.min()))
            out = sovits(
                batch.spec,
                batch.lengths,
                batch.content,
                batch.phones,
                batch.phone_lengths,
                segment=segment,
                speaker=batch.speaker_vector,
            )
            task.cancel.check()
            judged = None
            if judges is not None:
                judged = judge(judges, real_slices(batch.wave, out.start, segment, sovits.config.hop), out.wave)
                task.cancel.check()
            with arithmetic.exact():
                found = objective(out, batch.spec, sovits.config, mel_bank(sovits.config), segment, judged)
                accumulate(found, own, rivals, share, arithmetic.scaled)
            values = {name: float(value.detach()) for name, value in found.parts.items()}
            if found.rivals is not None:
                values["rivals"] = float(found.rivals.detach())
            return float(found.total.detach()), values

        return leave

    def judgement(self, model: nn.Module, batch: SpokenBatch) -> float:
        """L1 of log mels when decoded from codes, text and style, without noise."""
        sovits = cast(SoVITS, model)
        sizes = sovits.config
        style = sovits.style(batch.spec, None, batch.speaker_vector)
        codes = sovits.extract_codes(batch.content)
        prior = sovits.prior(codes, batch.lengths, batch.phones, batch.phone_lengths, style)
        z = sovits.flow(prior.mean, prior.mask, style, reverse=True)
        first = max(0, (z.shape[-1] - _JUDGED_FRAMES) // 2)
        z, spec = z[:, :, first : first + _JUDGED_FRAMES], batch.spec[:, :, first : first + _JUDGED_FRAMES]
        bank = mel_bank(sizes)
        made = spectrogram_to_mel(linear_spectrogram(sovits.dec(z, style).squeeze(1), sizes.n_fft, sizes.hop), bank)
        real = spectrogram_to_mel(spec, bank)[:, :, : made.shape[-1]]
        return float((made[:, :, : real.shape[-1]] - real).abs().mean())
