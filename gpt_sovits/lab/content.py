"""Pretraining of the embedded content encoder: a flat start, phones by CTC, then by frame with its own alignment.

From nothing, CTC (Graves et al. 2006) says "blank" for a thousand steps. So the first steps learn from phones spread
evenly over the loud part of each clip, which is nearly right for single words. CTC then needs no times, but leaves
posteriors that spike and otherwise say "blank". So after some thousand steps the encoder aligns the corpus itself
(every phone lasts some frames: without that rule a third of them shrank to one, and stayed unheard), and cross
entropy on those frames makes the bottleneck say at every frame which phone sounds; the blank class then means
silence. Augmentation takes the speaker out: mel axis and time are stretched, the channel is coloured, noise is added,
bands and moments are blanked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gpt_sovits.dataset.viterbi import ctc_states_batch
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.features.mini_content import MiniContentConfig, MiniContentEncoder
from gpt_sovits.features.phone_decoding import decode_phones
from gpt_sovits.features.phone_errors import edit_distance
from gpt_sovits.lab.alignment import Alignments, load_alignment, spoken, states_from, text_of
from gpt_sovits.lab.corpus import Clip, Corpus, evened
from gpt_sovits.text import phonemize, pinyin_phones, symbols
from gpt_sovits.training.checkpoint import Curve, load_checkpoint, save_checkpoint
from gpt_sovits.training.phone_frames import BLANK, LEAST_FRAMES, phone_per_frame


@dataclass(frozen=True)
class ContentPlan:
    """Steps and rates of the three phases; ``frames`` is the size of a batch in 50 Hz frames.

    The third phase aligns the corpus anew ``alignments`` times, evenly spread.
    """

    flat_steps: int = 800
    ctc_steps: int = 1900
    frame_steps: int = 3600
    alignments: int = 5
    frames: int = 1600
    rate: float = 2e-3
    seed: int = 0


def spoken_phones(clip: Clip) -> tuple[int, ...]:
    """Ids of the phones that a clip's transcript says, without punctuation; empty where there is no transcript."""
    text = text_of(clip) if clip.transcript else ""
    if clip.told:
        names: Sequence[str] = clip.told
    elif text.startswith("pinyin:"):
        names = pinyin_phones(text.removeprefix("pinyin:")) or ()
    else:
        names = phonemize(text, language=clip.language).phones if text else ()
    ids = symbols().ids
    return tuple(ids[name] for name in spoken(names))


@dataclass(frozen=True)
class Utterance:
    """One or several clips of a speaker said in a row, ready for the encoder."""

    mel: np.ndarray  # [T, bands]
    melody: np.ndarray  # [T, 3]
    phones: tuple[int, ...]
    frames: np.ndarray | None  # [T] phone id per frame, BLANK where silent; None before alignment


def augment(mel: np.ndarray, side: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stretch mel axis and time, colour, add noise, blank. Returns mel, melody and the source frame of every frame."""
    frames, bands = mel.shape
    speed = rng.uniform(0.88, 1.14)
    source = np.linspace(0, frames - 1, max(8, round(frames / speed)))
    near = np.rint(source).astype(np.int64)
    low = np.floor(source).astype(np.int64)
    part = (source - low)[:, None].astype(np.float32)
    mel = mel[low] * (1 - part) + mel[np.minimum(low + 1, frames - 1)] * part
    warp = np.clip(np.arange(bands) * rng.uniform(0.9, 1.11), 0, bands - 1)
    below = np.floor(warp).astype(np.int64)
    share = (warp - below).astype(np.float32)
    mel = mel[:, below] * (1 - share) + mel[:, np.minimum(below + 1, bands - 1)] * share
    colour = np.interp(np.arange(bands), np.linspace(0, bands - 1, 6), rng.normal(0, 0.5, 6))
    noise = rng.uniform(-11.5, max(-11.4, np.percentile(mel, 30))) if rng.random() < 0.4 else -11.5
    floor = noise + np.interp(np.arange(bands), np.linspace(0, bands - 1, 4), rng.normal(0, 1.0, 4))
    floor = floor + rng.normal(0, 0.4, mel.shape)
    mel = np.logaddexp(mel + colour, floor).astype(np.float32)
    if rng.random() < 0.12:  # a narrow telephone band
        mel[:, rng.integers(45, 72) :] = mel.min()
    mean = mel.mean()
    for _ in range(2):
        width = int(rng.integers(0, 8))
        at = int(rng.integers(0, bands - width))
        mel[:, at : at + width] = mean
    for _ in range(max(1, len(near) // 150)):
        width = int(rng.integers(0, 6))
        at = int(rng.integers(0, max(1, len(near) - width)))
        mel[at : at + width] = mean
    side = side[near].copy()
    side[:, 0] *= rng.uniform(0.8, 1.2)
    return mel, side, near


Spoil = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]


class Batches:
    """Draws batches of about ``frames`` frames; short clips of one speaker are joined into utterances of 2 to 5 s."""

    def __init__(
        self,
        corpus: Corpus,
        clips: Sequence[Clip],
        phones: dict[str, tuple[int, ...]],
        frames: int,
        seed: int,
        spoil: Spoil = augment,
    ) -> None:
        self.corpus, self.phones, self.size, self.spoil = corpus, phones, frames, spoil
        self._take([c for c in clips if phones.get(c.path) and c.frames <= 800])
        self.alignment: dict[str, np.ndarray] = {}
        self.pool: list[list[Utterance]] = []
        self.rng = np.random.default_rng(seed)

    def _take(self, clips: list[Clip]) -> None:
        self.clips = clips
        self.by_speaker: dict[str, list[Clip]] = {}
        for clip in clips:
            self.by_speaker.setdefault(clip.speaker, []).append(clip)
        # long clips are drawn more often than words, so that a frame of either counts about the same
        self.weights = evened(clips, 0.7)

    def use_alignment(self, alignment: dict[str, np.ndarray]) -> None:
        """From now on every utterance has its frames' phones; clips that could not be aligned are left out."""
        self.alignment = alignment
        self._take([c for c in self.clips if c.path in alignment])
        self.pool.clear()

    def _one(self) -> Utterance:
        rng = self.rng
        first = self.clips[int(rng.choice(len(self.clips), p=self.weights))]
        chosen = [first]
        target = rng.integers(60, 250)
        while sum(c.frames for c in chosen) < target and first.frames < 100:
            chosen.append(self.by_speaker[first.speaker][int(rng.integers(len(self.by_speaker[first.speaker])))])
        mel = np.concatenate([self.corpus.mel(c) for c in chosen])
        side = np.concatenate([self.corpus.melody(c) for c in chosen])
        frames = None
        if self.alignment:
            frames = np.concatenate([self.alignment[c.path] for c in chosen])
        mel, side, near = self.spoil(mel, side, rng)
        joined = tuple(p for c in chosen for p in self.phones[c.path])
        return Utterance(mel, side, joined, None if frames is None else frames[near])

    def next(self) -> list[Utterance]:
        """The next batch: utterances of like length, from a pool that is drawn and sorted a dozen batches at a time."""
        if not self.pool:
            drawn: list[Utterance] = []
            while sum(len(u.mel) for u in drawn) < 12 * self.size:
                drawn.append(self._one())
            drawn.sort(key=lambda u: len(u.mel))
            batch: list[Utterance] = []
            for item in drawn:
                if batch and (len(batch) + 1) * len(item.mel) > self.size:
                    self.pool.append(batch)
                    batch = []
                batch.append(item)
            self.pool.append(batch)
            self.rng.shuffle(self.pool)  # type: ignore[arg-type]
        return self.pool.pop()


def collate(batch: Sequence[Utterance]) -> tuple[Tensor, Tensor, Tensor]:
    """Padded mel `[B, T, bands]`, melody `[B, T, 3]` and mask `[B, T, 1]`; T is a multiple of 32."""
    longest = max(len(u.mel) for u in batch)
    longest += -longest % 32  # few distinct shapes: the kernels are compiled once per shape
    mel = torch.zeros(len(batch), longest, batch[0].mel.shape[1])
    side = torch.zeros(len(batch), longest, batch[0].melody.shape[1])
    mask = torch.zeros(len(batch), longest, 1)
    for row, item in enumerate(batch):
        mel[row, : len(item.mel)] = torch.from_numpy(item.mel)
        side[row, : len(item.melody)] = torch.from_numpy(item.melody)
        mask[row, : len(item.mel)] = 1
    return mel, side, mask


def ctc_loss(log_probs: Tensor, mask: Tensor, batch: Sequence[Utterance]) -> Tensor:
    targets = torch.tensor([p for u in batch for p in u.phones])
    lengths = torch.tensor([len(u.phones) for u in batch])
    frames = mask[:, :, 0].sum(1).long()
    loss = functional.ctc_loss(
        log_probs.transpose(0, 1), targets, frames, lengths, blank=BLANK, reduction="none", zero_infinity=True
    )
    return loss.sum() / lengths.sum()


def frame_targets(log_probs: Tensor, batch: Sequence[Utterance]) -> Tensor:
    """Phone of every frame `[B, T]`, -100 where there is none, for ``log_probs`` `[B, T, V + 1]`."""
    target = torch.full(log_probs.shape[:2], -100)
    for row, item in enumerate(batch):
        if item.frames is not None:
            target[row, : len(item.frames)] = torch.from_numpy(item.frames)
    return target


def frame_loss(log_probs: Tensor, batch: Sequence[Utterance]) -> Tensor:
    target = frame_targets(log_probs, batch)
    return functional.nll_loss(log_probs.transpose(1, 2), target, ignore_index=-100)


def error_rate(encoder: MiniContentEncoder, corpus: Corpus, clips: Sequence[Clip], phones: dict) -> float:
    """Phone error rate, 0 and up."""
    wrong = total = 0
    for clip in clips:
        ids = decode_phones(posteriors(encoder, corpus, clip), BLANK)
        wrong += edit_distance(ids, phones[clip.path])
        total += len(phones[clip.path])
    return wrong / max(1, total)


@torch.inference_mode()
def posteriors(encoder: MiniContentEncoder, corpus: Corpus, clip: Clip) -> np.ndarray:
    """Log-probabilities `[T, V + 1]` of a clip."""
    mel = torch.from_numpy(corpus.mel(clip))[None]
    side = torch.from_numpy(corpus.melody(clip))[None]
    return encoder.log_posteriors(encoder.encode(mel, side, torch.ones(1, mel.shape[1], 1)))[0].numpy()


def flat_start(corpus: Corpus, clips: Sequence[Clip], phones: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Phones spread evenly over the loud part of each clip, BLANK around it."""
    out = {}
    for clip in clips:
        loudness = corpus.mel(clip).mean(1)
        low, high = np.percentile(loudness, (5, 95))
        loud = np.flatnonzero(loudness > low + 0.3 * (high - low))
        path = np.full(clip.frames, BLANK, np.int64)
        first, last = int(loud[0]), int(loud[-1]) + 1
        ids = np.array(phones[clip.path])
        path[first:last] = ids[np.arange(last - first) * len(ids) // (last - first)]
        out[clip.path] = path
    return out


def batched_posteriors(
    encoder: MiniContentEncoder, corpus: Corpus, clips: Sequence[Clip], frames: int = 6000
) -> Iterator[tuple[list[Clip], list[np.ndarray]]]:
    """Clips of like length with their log-probabilities `[T, V + 1]`, some seconds of speech at a time."""
    group: list[Clip] = []
    ordered = sorted(clips, key=lambda c: c.frames)
    for clip in [*ordered, None]:
        if group and (clip is None or (len(group) + 1) * clip.frames > frames):
            empty = np.zeros(0, np.int64)
            mel, side, mask = collate([Utterance(corpus.mel(c), corpus.melody(c), (), empty) for c in group])
            with torch.inference_mode():
                log_probs = encoder.log_posteriors(encoder.encode(mel, side, mask)).numpy()
            yield group, [log_probs[row, : c.frames] for row, c in enumerate(group)]
            group = []
        if clip is not None:
            group.append(clip)


def align_corpus(
    encoder: MiniContentEncoder,
    corpus: Corpus,
    clips: Sequence[Clip],
    phones: dict[str, tuple[int, ...]],
    least: int = LEAST_FRAMES,
    known: Alignments | None = None,
) -> dict[str, np.ndarray]:
    """Phone id per frame of every clip, ``known`` or by forced alignment with the encoder's own posteriors."""
    encoder.eval()
    out = {}
    for group, log_probs in batched_posteriors(encoder, corpus, clips):
        states = ctc_states_batch(log_probs, [phones[c.path] for c in group], BLANK, least)
        for clip, path in zip(group, states, strict=True):
            given = states_from(known or {}, clip, phones[clip.path])
            path = path if given is None else given
            if path is not None:
                out[clip.path] = phone_per_frame(path, phones[clip.path], corpus.mel(clip).mean(1))
    encoder.train()
    return out


def train_content(
    corpus: Corpus,
    work: Path,
    plan: ContentPlan,
    config: MiniContentConfig | None = None,
    *,
    start: MiniContentEncoder | None = None,
    on_event: EventSink = ignore,
    cancel: CancelToken | None = None,
) -> MiniContentEncoder:
    """Train the encoder, or continue from ``work/content.safetensors``, or from ``start``, which hears phones already.

    Logs to ``work/content.csv``.
    """
    torch.manual_seed(plan.seed)
    cancel = cancel or CancelToken()
    encoder = start or MiniContentEncoder(config or MiniContentConfig())
    clips = [c for c in corpus.clips if c.transcript]
    phones = {c.path: spoken_phones(c) for c in clips}
    phones = {path: ids for path, ids in phones.items() if ids}
    usable = [c for c in clips if c.path in phones and len(phones[c.path]) * 1.2 + 2 < c.frames]
    batches = Batches(corpus, [c for c in usable if not c.held_out], phones, plan.frames, plan.seed)
    checks = [c for c in usable if c.held_out][::4][:60] or usable[:20]
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    ends = np.cumsum((plan.flat_steps, plan.ctc_steps, plan.frame_steps)).tolist()
    total = ends[-1]
    known = load_alignment(work)
    state, curve = work / "content.safetensors", Curve(work / "content.csv")
    step = 0
    if state.is_file():
        step, _ = load_checkpoint(state, {"content": encoder}, {"adam": optimizer})
    encoder.train()
    running = 0.0
    phase = -1
    realign = {ends[1] + round(plan.frame_steps * part / plan.alignments) for part in range(1, plan.alignments)}
    while step < total:
        cancel.check()
        now = sum(step >= end for end in ends)
        if now != phase or step in realign:
            phase = now
            if phase == 0:
                batches.use_alignment(flat_start(corpus, batches.clips, phones))
            elif phase == 2:
                least = LEAST_FRAMES + (2 * (step - ends[1]) < plan.frame_steps)
                batches.use_alignment(align_corpus(encoder, corpus, batches.clips, phones, least, known))
        begin = ends[phase - 1] if phase else 0
        progress = (step - begin) / (ends[phase] - begin)
        decay = (1.0, 1.0 - 0.5 * progress, 0.6 * 0.5 * (1 + math.cos(math.pi * progress)))[phase]
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * min(1.0, (step - begin + 1) / 100) * decay
        batch = batches.next()
        mel, side, mask = collate(batch)
        log_probs = encoder.log_posteriors(encoder.encode(mel, side, mask))
        loss = ctc_loss(log_probs, mask, batch) if phase == 1 else frame_loss(log_probs, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 2.0)
        optimizer.step()
        step += 1
        running = float(loss.detach()) if running == 0.0 else 0.98 * running + 0.02 * float(loss.detach())
        if step % 50 == 0:
            on_event(Event("content", "Learning to hear phones.", step, total, {"loss": running}))
        if step % 500 == 0 or step == total:
            encoder.eval()
            rate = error_rate(encoder, corpus, checks, phones)
            encoder.train()
            curve.add(step, {"loss": running, "phone_error_rate": rate})
            on_event(Event("content", "Checked on voices never heard.", step, total, {"phone_error_rate": rate}))
            save_checkpoint(state, {"content": encoder}, {"adam": optimizer}, step=step)
    return encoder.eval()
