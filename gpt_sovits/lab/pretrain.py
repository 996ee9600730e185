"""``python -m gpt_sovits pretrain``: from a speech corpus to the embedded base, stage by stage, resumable anywhere.

    prepare    decode and analyse the corpus                                            lab/corpus.py
    align      a teacher's own times; English by pocketsphinx, Mandarin by its example  lab/frame_aligner.py, ...
    content    content encoder                                                          lab/content.py
    ear        what hears people's recordings                                           lab/ear.py
    codes      codebook, and the corpus as codes                                        lab/codes.py
    acoustic   SoVITS at small size with a harmonic decoder                             training/acoustic.py
    semantic   T2S at small size                                                        training/semantic.py
    publish    fp16 weights, config and hashes into a base folder

Every stage keeps one checkpoint and one CSV in the work folder; ``acoustic`` and ``semantic`` only need ``codes``
and may run side by side, one thread each. ``--minutes`` stops a stage by the clock, and its learning rate is planned
for that; several processes (``accelerate launch``) share these two. ``--start BASE`` continues from a published base
(its encoder and codebook are kept) on any machine.
"""

from __future__ import annotations

import argparse
import copy
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from gpt_sovits.acoustic.config import HarmonicConfig, SoVITSConfig, StyleConfig, TextEncoderConfig
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.errors import InputError
from gpt_sovits.events import CancelToken, Event, EventSink
from gpt_sovits.features.mini_content import MiniContentConfig, MiniContentEncoder
from gpt_sovits.lab.alignment import align_english, taught_times
from gpt_sovits.lab.codes import CodedCorpus, code_corpus
from gpt_sovits.lab.content import ContentPlan, train_content
from gpt_sovits.lab.corpus import Corpus, prepare
from gpt_sovits.lab.drawing import AcousticBatches, SemanticBatches, drawn_by
from gpt_sovits.lab.ear import ear_config, ear_lessons
from gpt_sovits.lab.envelope_judge import Rivalry
from gpt_sovits.lab.frame_aligner import align_mandarin, learn_frames
from gpt_sovits.lab.variation import StyleDrift
from gpt_sovits.models.native import load_config, load_into, load_tensors
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.model import T2S
from gpt_sovits.settings import Settings
from gpt_sovits.training.acoustic import AcousticWeights, EnvelopeLoss, SpectralLoss, StepResult, acoustic_loss
from gpt_sovits.training.checkpoint import Curve, load_checkpoint, save_checkpoint
from gpt_sovits.training.distributed import ALONE, Processes, processes_of
from gpt_sovits.training.examples import moved
from gpt_sovits.training.semantic import semantic_loss
from gpt_sovits.versions import EMBEDDED

CODEBOOK = "quantizer.vq.layers.0._codebook.embed"
STAGES = ("prepare", "align", "content", "ear", "codes", "acoustic", "semantic", "publish")
TOGETHER = ("ear", "acoustic", "semantic")  # stages that several processes share; the first one does the others alone
MELODY_WEIGHT = 2.5  # how much pitch, voicing and loudness count against the 61 phonetic channels in a code
GUIDANCE = 0.7  # guided codes mean the phone that is said in 85 % of their frames, plain ones in 58 %
ALIGNING = 6.0  # minutes that the aligner of people's Mandarin learns from the teacher's times
# The steps in which the style encoder learns with the rest. Before, a random decoder teaches it nothing; after, it
# would move a teacher's styles out of the way of people's (from 2.6 to 11 apart in 20 minutes), and drifting be vain.
STYLED = range(2000, 25_000)
CONFUSION = 0.2, 0.1  # part of the codes that the acoustic and the semantic model must not believe
DRIFTING = 0.5  # part of the styles that are moved towards those of other speakers

log = logging.getLogger(__name__)


def content_config() -> MiniContentConfig:
    return MiniContentConfig(melody_weight=MELODY_WEIGHT, guidance=GUIDANCE)


def acoustic_config() -> SoVITSConfig:
    """SoVITS at small size; the style encoder hears up to 8 kHz, which every recording has.

    The latent needs no flow, as no posterior takes part; what stands for one is as small as it can be.
    """
    return SoVITSConfig(
        version=EMBEDDED,
        gin=192,
        posterior_hidden=8,
        posterior_layers=1,
        flow_hidden=8,
        flow_layers=1,
        flow_couplings=0,
        text=TextEncoderConfig(
            ssl_dim=content_config().width,
            aligned=True,
            upsampled=True,
            latent=256,
            hidden=256,
            text_layers=3,
            mrte_hidden=192,
        ),
        style=StyleConfig(bins=512, dropout=0.1),
        decoder=HarmonicConfig(channels=256, blocks=6, movement=1.2, modulated=True),
    )


def semantic_config() -> T2SConfig:
    return T2SConfig(hidden=192, layers=6, heads=6, feed_forward=768, bert_dim=0, dropout=0.05, aligned=True)


def set_codebook(model: SoVITS, codes: Mapping[str, torch.Tensor]) -> None:
    """Give the model the learned codebook and what its codes mean, as ``code_corpus`` stored them.

    Its ``ssl_proj`` averages two frames, as the codebook expects.
    """
    codebook = codes["codebook"]
    weight = torch.zeros_like(model.ssl_proj.weight)
    channels = weight.shape[0]
    weight[torch.arange(channels), torch.arange(channels)] = 0.5
    state = model.state_dict()
    state["ssl_proj.weight"], state["ssl_proj.bias"] = weight, torch.zeros(channels)
    for key in [k for k in state if k.endswith(("_codebook.embed", "_codebook.embed_avg"))]:
        state[key] = codebook.clone()
    for key in [k for k in state if k.startswith("alignment.")]:
        state[key] = codes[key.removeprefix("alignment.")].clone()
    model.load_state_dict(state)
    for parameter in (*model.ssl_proj.parameters(), *model.quantizer.parameters()):
        parameter.requires_grad_(False)


def average_into(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Exponential moving average of the weights, in place."""
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)


@dataclass
class Run:
    """A loop with checkpoints, averaged weights and a learning rate that ends with the time or the steps given."""

    name: str
    work: Path
    model: nn.Module
    rate: float
    steps: int
    minutes: float
    on_event: EventSink
    cancel: CancelToken
    warm_up: int = 150
    settle: Callable[[nn.Module], None] | None = None  # called with the model as it was loaded, and with its average
    beside: Callable[[int], None] | None = None  # called with the step whenever the state was saved
    processes: Processes = ALONE
    device: str = "cpu"
    workers: int = 0  # processes that make batches; 0: this one does

    def go(self, next_loss: Callable[[int], StepResult]) -> nn.Module:
        """Call ``next_loss(step)`` until done; returns the averaged model."""
        self.model.to(self.device)
        trainable = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trainable, lr=self.rate, betas=(0.9, 0.98), weight_decay=0.01)
        average = copy.deepcopy(self.model).eval()
        state, curve = self.work / f"{self.name}.safetensors", Curve(self.work / f"{self.name}.csv")
        step, spent = 0, 0.0
        if self.processes.agree(state.is_file()):
            step, numbers = load_checkpoint(state, {"model": self.model, "average": average}, {"adam": optimizer})
            spent = numbers.get("seconds", 0.0)
            for module in (self.model, average):
                if self.settle is not None:
                    self.settle(module)
        started = time.monotonic() - spent
        saved = shown = time.monotonic()
        running: dict[str, float] = {}
        self.model.train()
        while True:
            self.cancel.check()
            elapsed = time.monotonic() - started
            done = max(step / self.steps, elapsed / (60 * self.minutes) if self.minutes else 0.0)
            done = self.processes.agree(done)
            if done >= 1:
                break
            scale = min(1.0, (step + 1) / self.warm_up) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * done)))
            for group in optimizer.param_groups:
                group["lr"] = self.rate * scale
            optimizer.zero_grad(set_to_none=True)
            result = next_loss(step)
            result.loss.backward()
            if not math.isfinite(self.processes.average(trainable, float(result.loss.detach()), result.rows)):
                log.warning("step %d of %s gave no finite loss and was skipped", step, self.name)
                step += 1
                continue
            nn.utils.clip_grad_norm_(trainable, 5.0 if self.name == "acoustic" else 1.0)
            optimizer.step()
            step += 1
            average_into(average, self.model, min(0.999, step / (step + 20)))
            for key, value in result.values.items():
                running[key] = 0.98 * running.get(key, value) + 0.02 * value
            now = time.monotonic()
            if not self.processes.main:
                continue
            if now - shown > 15:
                shown = now
                self.on_event(Event(self.name, f"{elapsed / 60:.1f} min", step, self.steps, dict(running)))
                curve.add(step, {"seconds": elapsed, **running})
            if now - saved > 120:
                saved = now
                self._save(state, average, optimizer, step, now - started)
        if self.processes.main:
            self._save(state, average, optimizer, step, time.monotonic() - started)
        return average

    def _save(
        self, state: Path, average: nn.Module, optimizer: torch.optim.Optimizer, step: int, seconds: float
    ) -> None:
        modules = {"model": self.model, "average": average}
        save_checkpoint(state, modules, {"adam": optimizer}, step=step, numbers={"seconds": seconds})
        if self.beside is not None:
            self.beside(step)


def train_acoustic(coded: CodedCorpus, run: Run, seed: int, frames: int = 560, judged_from: int = 0) -> nn.Module:
    """``judged_from``: the step from which on a judge of envelopes takes part, 0 for never."""
    spectral, envelope, weights = SpectralLoss(), EnvelopeLoss(), AcousticWeights()
    drift = StyleDrift(np.random.default_rng([seed, 1]), DRIFTING)
    rivalry = Rivalry(acoustic_config().gin, device=run.device)
    if judged_from:
        kept = run.work / "judge.safetensors"
        if run.processes.agree(kept.is_file()):
            rivalry.load(kept)
        run.beside = lambda step: rivalry.save(kept, step) if step > judged_from else None
    drawn = drawn_by(AcousticBatches(coded, frames, seed), run.workers)

    def next_loss(step: int) -> StepResult:
        batch, languages = next(drawn)
        judged = 0 < judged_from <= step
        result = acoustic_loss(
            cast(SoVITS, run.model),
            moved(batch, run.device),
            spectral,
            envelope,
            weights,
            confusion=CONFUSION[0],
            restyle=lambda style: drift(style if step in STYLED else style.detach(), languages),
            adversary=rivalry if judged else None,
        )
        if judged:
            result.values["judge"] = rivalry.learn()
        return result

    return run.go(next_loss)


def train_semantic(coded: CodedCorpus, run: Run, seed: int, positions: int = 640) -> nn.Module:
    drawn = drawn_by(SemanticBatches(coded, positions, seed), run.workers)

    def next_loss(step: int) -> StepResult:
        batch = moved(next(drawn), run.device)
        return semantic_loss(cast(T2S, run.model), batch, guide=0.5, smoothing=0.05, confusion=CONFUSION[1])

    return run.go(next_loss)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="gpt_sovits pretrain", description="Train the embedded base from a corpus.")
    parser.add_argument("--corpus", type=Path, required=True, nargs="+", help="folders with metadata.tsv")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints, curves and caches")
    parser.add_argument("--stage", choices=(*STAGES, "all"), default="all")
    parser.add_argument("--out", type=Path, help="base folder that 'publish' writes")
    parser.add_argument("--start", type=Path, help="base folder to continue from")
    parser.add_argument("--steps", type=int, default=200_000, help="at most this many steps of a stage")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop acoustic or semantic after this long")
    parser.add_argument(
        "--judged-from", type=int, default=40_000, help="step of the acoustic model's adversarial stage"
    )
    parser.add_argument(
        "--content-steps", type=int, default=0, help="with --start: let its encoder learn on for so long"
    )
    parser.add_argument("--device", default="cpu", help="where acoustic and semantic are learnt: cpu or cuda")
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches for them")
    parser.add_argument("--size", type=float, default=1.0, help="of their batches, times the usual")
    parser.add_argument("--rate", type=float, default=1.0, help="of their learning, times the usual")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if args.threads:
        torch.set_num_threads(args.threads)
    processes = processes_of(replace(Settings.load(), device="cpu"))
    processes.tell()  # all are here
    args.seed += 1000 * processes.rank  # so that each draws other batches; their gradients are averaged
    torch.manual_seed(args.seed)
    torch.set_flush_denormal(True)
    stages: tuple[str, ...] = STAGES if args.stage == "all" else (args.stage,)
    if args.stage == "all" and find_spec("pocketsphinx") is None:
        stages = tuple(stage for stage in STAGES if stage != "align")
        log.info("pocketsphinx is not installed; the encoder aligns English by itself")
    if "publish" in stages and args.out is None:
        raise InputError("There is no folder to publish into.", "Add --out FOLDER.")
    for stage in stages:
        if processes.main or stage in TOGETHER:
            _stage(stage, args, processes)
        processes.any(False)  # wait for the others
    return 0


def _show(event: Event) -> None:
    values = " ".join(f"{key}={value:.4g}" for key, value in event.values.items())
    log.info("%s %d/%d %s %s", event.kind, event.step, event.total, event.message, values)


def load_content(work: Path, start: Path | None = None) -> MiniContentEncoder:
    """The encoder trained in ``work``, with the prototypes of its codes, or else that of the base ``start``."""
    encoder = MiniContentEncoder(content_config())
    if start is None or (work / "content.safetensors").is_file():
        load_checkpoint(work / "content.safetensors", {"content": encoder}, {})
        if (work / "codes.safetensors").is_file():
            for found in load_tensors(work / "codes.safetensors", prefix="prototypes").values():
                encoder.prototypes.copy_(found)
    else:
        _begin(encoder, start, "content")
    return encoder.eval()


def _begin(model: nn.Module, start: Path, part: str) -> None:
    state = {key: value.float() for key, value in load_tensors(start / f"{part}.safetensors").items()}
    load_into(model, state, f"the {part} network")


def _begin_acoustic(model: SoVITS, start: Path) -> None:
    """All of the base's network or, where it is built otherwise, how it hears a style."""
    if load_config(start)["acoustic"] == model.config.to_dict():
        _begin(model, start, "acoustic")
        return
    state = load_tensors(start / "acoustic.safetensors", prefix="ref_enc.")
    model.load_state_dict(model.state_dict() | {key: value.float() for key, value in state.items()})


def _stage(stage: str, args: argparse.Namespace, processes: Processes) -> None:
    work: Path = args.work
    cancel = CancelToken()
    if stage == "prepare":
        prepare(args.corpus, work, on_event=_show)
    elif stage == "align":
        corpus = Corpus(work)
        taught = taught_times(corpus, args.corpus, work)
        align_english(corpus, work, on_event=_show)
        if taught:
            align_mandarin(corpus, work, learn_frames(corpus, work, ALIGNING, on_event=_show), on_event=_show)
    elif stage == "content":
        if args.start is None:
            train_content(Corpus(work), work, ContentPlan(seed=args.seed), content_config(), on_event=_show)
        elif args.content_steps:
            plan = ContentPlan(0, 0, args.content_steps, rate=1e-3, seed=args.seed)
            encoder = MiniContentEncoder(content_config())
            _begin(encoder, args.start, "content")
            train_content(Corpus(work), work, plan, start=encoder, on_event=_show)
    elif stage == "codes":
        codebook = None
        if args.start is not None and not (work / "content.safetensors").is_file():
            codebook = load_tensors(args.start / "acoustic.safetensors", prefix=CODEBOOK)[CODEBOOK]
        code_corpus(load_content(work, args.start), Corpus(work), work, codebook=codebook, on_event=_show)
    elif stage == "ear":
        ear = MiniContentEncoder(ear_config())
        run = Run(stage, work, ear, 1e-3 * args.rate, args.steps, args.minutes, _show, cancel, processes=processes)
        lessons = ear_lessons(Corpus(work), work, args.seed, round(1600 * args.size))
        run.beside = lambda step: _show(Event("ear", "Voices it never met.", step, 0, lessons.wrong(ear)))
        run.go(lambda step: lessons.loss(ear))
    elif stage in ("acoustic", "semantic"):
        coded = CodedCorpus(Corpus(work), work)
        run = Run(stage, work, nn.Module(), 0.0, args.steps, args.minutes, _show, cancel, processes=processes)
        run.device, run.workers = args.device, args.workers
        if stage == "acoustic":
            acoustic = SoVITS(acoustic_config())
            if args.start is not None:
                _begin_acoustic(acoustic, args.start)
            codes = load_tensors(work / "codes.safetensors")
            set_codebook(acoustic, codes)
            run = replace(run, name="acoustic", model=acoustic, rate=8e-4 * args.rate)
            run.settle = lambda model: set_codebook(cast(SoVITS, model), codes)  # the codes may be newer
            train_acoustic(coded, run, args.seed, round(560 * args.size), judged_from=args.judged_from)
        else:
            semantic = T2S(semantic_config())
            if args.start is not None:
                _begin(semantic, args.start, "semantic")
            run = replace(run, name="semantic", model=semantic, rate=1e-3 * args.rate)
            train_semantic(coded, run, args.seed, round(640 * args.size))
    else:
        from gpt_sovits.lab.publish import publish

        heard_by = ear_config() if (work / "ear.safetensors").is_file() else None
        publish(work, args.out, load_content(work, args.start), acoustic_config(), semantic_config(), heard_by)


if __name__ == "__main__":
    raise SystemExit(main())
