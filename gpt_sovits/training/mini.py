"""How voices are learnt with the embedded base: its examples, its steps, and how they are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import nn

from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.audio import Audio, read_audio, resample
from gpt_sovits.dataset.training_set import Slice
from gpt_sovits.dataset.viterbi import ctc_states_batch
from gpt_sovits.families.base import Base
from gpt_sovits.features.mini_content import MiniContentEncoder, log_mel
from gpt_sovits.features.pitch import track_pitch
from gpt_sovits.models.native import load_tensors
from gpt_sovits.training.acoustic import AcousticWeights, EnvelopeLoss, SpectralLoss, StepResult, acoustic_loss
from gpt_sovits.training.examples import FRAME, RATE, TOKEN, Example, batches, collate_acoustic, mark_ids, moved
from gpt_sovits.training.learning import Learning, Lesson, Task
from gpt_sovits.training.lowrank import adapt
from gpt_sovits.training.phone_frames import BLANK, LEAST_FRAMES, phone_per_frame
from gpt_sovits.training.precision import Precision
from gpt_sovits.versions import MINI

# What codes and phones mean is everybody's; learnt from a minute it is worse understood and no nearer to the person.
FROZEN = ("quantizer.", "ssl_proj.", "enc_p.", "alignment.")
# The held-out loss is flat from a quarter of the steps on, while the voice still comes nearer to the person.
SLACK = 0.05
# Of what was learnt so much is kept: weights between a base's and the tuned ones are understood better and sound nearly
# as near (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022). Five people, ten plain sentences a
# language; from the minute unlearnt, with 0.45 and with 0.75: English words wrong 0.0, 0.0 and 1.2 %, Mandarin
# syllables 1.4, 2.6 and 7.4 %, likeness in English 0.707, 0.775 and 0.801, in Mandarin 0.692, 0.765, 0.785.
KEPT = 0.45


class MiniLearning(Learning):
    family = MINI
    most_bytes = 20_000_000

    @torch.inference_mode()
    def example(self, base: Base, piece: Slice) -> Example:
        """With its codes and pitch."""
        samples = resample(read_audio(piece.audio_path), RATE).samples
        samples = np.pad(samples, (0, -len(samples) % TOKEN))
        frames = len(samples) // FRAME
        low = resample(Audio(samples, RATE), 16000).samples
        low = np.pad(low, (0, max(0, frames * 320 - len(low))))[: frames * 320]
        encoder = cast(MiniContentEncoder, base.content)
        ear = cast(MiniContentEncoder, base.ear)
        content = _content_of(encoder, ear, torch.from_numpy(low)[None], piece.phones.ids)
        codes = base.acoustic.extract_codes(content)[0, 0].numpy()
        return Example(
            wave=samples,
            codes=codes[: frames // 2],
            phones=np.array(piece.phones.ids, np.int64),
            pitch=np.resize(track_pitch(low), frames),
            bandwidth=bandwidth_of(samples),
            phone_of_code=_spoken(cast(SoVITS, base.acoustic), codes[: frames // 2], piece.phones.ids),
        )

    def acoustic(self, base: Base, model: nn.Module, task: Task, arithmetic: Precision) -> Lesson:
        network = cast(SoVITS, model)
        adapt(network, task.plan.acoustic_rank, frozen=FROZEN)
        task.draw_apart()
        return _acoustic_lesson(network, task)

    def settle(self, base: Base, model: nn.Module) -> None:
        step_back(model, load_tensors(base.files.path("acoustic")))


def _acoustic_lesson(model: SoVITS, task: Task) -> Lesson:
    rng = np.random.default_rng(task.plan.seed)
    spectral, envelope = SpectralLoss(), EnvelopeLoss()
    weights = AcousticWeights()
    training, held_out = task.training, task.held_out
    pool: list[list[Example]] = []
    device = next(model.parameters()).device

    def style_of(example: Example) -> np.ndarray:
        wave = training[int(rng.integers(len(training)))].wave
        first = int(rng.integers(0, max(1, len(wave) // FRAME - 150))) * FRAME
        return wave[first : first + 150 * FRAME]

    def train() -> StepResult | None:
        if not pool:
            pool.extend(batches(training, task.plan.frames, rng))
        rows = [(example, style_of(example)) for example in pool.pop()]
        mine = task.processes.share(range(len(rows)))
        if not mine:
            return None
        model.train()
        batch = collate_acoustic([rows[i][0] for i in mine], [rows[i][1] for i in mine])
        return acoustic_loss(model, moved(batch, device), spectral, envelope, weights)

    check = moved(collate_acoustic(held_out, [training[0].wave[: 150 * FRAME] for _ in held_out]), device)

    def validate() -> float:
        model.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            longest = int(check.lengths.min())
            return float(acoustic_loss(model, check, spectral, envelope, weights, segment=longest).loss)

    return Lesson(train, validate, slack=SLACK)


def _spoken(model: SoVITS, codes: np.ndarray, phones: Sequence[int]) -> np.ndarray:
    """Index of the phone per code, -1 for none and where the model does not ask for it."""
    found = model.spoken(torch.from_numpy(codes)[None], torch.tensor(phones)[None])
    return np.full(len(codes), -1) if found is None else found[0, ::2].numpy()


def _content_of(
    encoder: MiniContentEncoder, ear: MiniContentEncoder, wave: torch.Tensor, phones: Sequence[int]
) -> torch.Tensor:
    """Content `[1, C, T]` of a 16 kHz wave `[1, L]`, guided by the ``phones`` where the ear hears them."""
    marks = mark_ids()
    spoken = [phone for phone in phones if phone not in marks]
    log_probs = ear.phone_logits(wave)[0].numpy()
    states = ctc_states_batch([log_probs], [spoken], BLANK, LEAST_FRAMES)[0] if spoken else None
    if states is None:
        return encoder(wave)
    said = phone_per_frame(states, spoken, log_mel(wave, encoder.bank)[0].mean(1).numpy())
    return encoder(wave, torch.from_numpy(said)[None])


def bandwidth_of(samples: np.ndarray, drop: float = 55.0) -> float:
    """Hz up to which 32 kHz speech `[L]` has content: the highest band within ``drop`` dB of the loudest one."""
    count = len(samples) // 2048
    if not count:
        return RATE / 2
    power = np.abs(np.fft.rfft(samples[: count * 2048].reshape(count, 2048) * np.hanning(2048))) ** 2
    top = np.percentile(power, 90, axis=0)
    bands = 10 * np.log10(top[:1024].reshape(64, 16).mean(1) + 1e-12)
    alive = np.flatnonzero(bands > bands.max() - drop)
    return float((alive[-1] + 1) * RATE / 2 / 64)


@torch.no_grad()
def step_back(model: torch.nn.Module, before: Mapping[str, torch.Tensor]) -> None:
    """Move the trained weights a part of the way back to those ``before``."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and name in before:
            parameter.lerp_(before[name].to(parameter), 1.0 - KEPT)
