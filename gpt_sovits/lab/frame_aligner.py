"""Mandarin speech aligned with its phones by a network that learnt from a teacher, who says when each phone is.

An encoder that learns from its own alignment may settle on a wrong one and never leave it: in Mandarin an initial and
its final always come together, so it loses nothing when the initial takes most of both. Of four people's Mandarin the
initials lasted 4.6 codes and the finals of two of them 1.9, of a teacher's 1.7 and 3.9; the semantic model spoke so.
A small classifier of frames (hybrid acoustic modelling; Bourlard and Morgan 1994) learns from exact times instead,
from spectra that are made noisy, coloured, faster and slower, as people's recordings are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gpt_sovits.acoustic.convnext import ConvNeXtBlock
from gpt_sovits.dataset.viterbi import ctc_states_batch
from gpt_sovits.events import Event, EventSink, ignore
from gpt_sovits.lab.alignment import add_alignment, load_alignment, spoken, states_of, text_of
from gpt_sovits.lab.corpus import BANDS, Clip, Corpus
from gpt_sovits.text import phonemize, pinyin_phones, symbols
from gpt_sovits.training.phone_frames import BLANK, LEAST_FRAMES

_WIDTH, _BLOCKS, _KERNEL = 128, 4, 7
_CROP, _ROWS = 200, 16  # frames, examples of a step
_PEOPLE = 0.3  # part of the examples that are of people, whose English is aligned already
_AT_ONCE = 16

log = logging.getLogger(__name__)


def toneless_classes() -> np.ndarray:
    """Class of every phone symbol, and of silence at ``BLANK``; tones and stress make no difference."""
    ids = symbols().ids
    names = sorted({name.rstrip("0123456789") for name in ids})
    number = {name: k for k, name in enumerate(names)}
    out = np.zeros(BLANK + 1, np.int64)
    for name, at in ids.items():
        out[at] = number[name.rstrip("0123456789")]
    out[BLANK] = len(names)
    return out


class FrameClassifier(nn.Module):
    """Log-mel `[B, T, BANDS]` to logits `[B, T, classes]`."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv1d(BANDS, _WIDTH, 5, padding=2)
        self.blocks = nn.ModuleList(ConvNeXtBlock(_WIDTH, _KERNEL, 2) for _ in range(_BLOCKS))
        self.head = nn.Conv1d(_WIDTH, classes, 1)

    def forward(self, mel: Tensor) -> Tensor:
        x = mel.transpose(1, 2)
        x = self.stem(x - x.mean(2, keepdim=True))
        for block in self.blocks:
            x = block(x)
        return self.head(x).transpose(1, 2)  # type: ignore[no-any-return]


def roughened(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Natural-log mel `[T, BANDS]` as through another microphone, with noise."""
    colour = np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 7), rng.normal(0.0, 0.7, 7))
    mel = mel + colour
    quiet, loud = np.percentile(mel, (2, 98))
    tilt = np.linspace(rng.normal(0.0, 1.0), rng.normal(0.0, 1.0), BANDS)
    floor = rng.uniform(quiet, quiet + 0.55 * (loud - quiet)) + tilt + rng.normal(0.0, 0.3, mel.shape)
    return np.asarray(np.logaddexp(mel, floor) + rng.normal(0.0, 0.1, mel.shape), np.float32)


class FrameExamples:
    """Crops of clips whose alignment is known."""

    def __init__(self, corpus: Corpus, clips: Sequence[tuple[Clip, np.ndarray]], seed: int) -> None:
        """``clips``: each with the class of every frame."""
        self.corpus, self.rng = corpus, np.random.default_rng(seed)
        self.told = [row for row in clips if row[0].told]
        self.people = [row for row in clips if not row[0].told]

    def batch(self) -> tuple[Tensor, Tensor]:
        """Log-mel `[B, T, BANDS]` and classes `[B, T]`, -1 where there is nothing."""
        mels, classes = np.zeros((_ROWS, _CROP, BANDS), np.float32), np.full((_ROWS, _CROP), -1, np.int64)
        for row in range(_ROWS):
            source = self.people if self.people and self.rng.random() < _PEOPLE else self.told
            clip, known = source[int(self.rng.integers(len(source)))]
            places = np.arange(0, clip.frames - 1, self.rng.uniform(0.75, 1.3)).astype(int)
            first = int(self.rng.integers(0, max(1, len(places) - _CROP)))
            places = places[first : first + _CROP]
            mel = np.asarray(self.corpus.mel(clip), np.float32)[places]
            mels[row, : len(places)] = roughened(mel, self.rng) if self.rng.random() < 0.8 else mel
            classes[row, : len(places)] = known[places]
        return torch.from_numpy(mels), torch.from_numpy(classes)


def known_frames(corpus: Corpus, work: Path, classes: np.ndarray) -> list[tuple[Clip, np.ndarray]]:
    """The clips that ``work`` has an alignment of, but people's Mandarin, with the class of every frame `[T]`."""
    alignment, out = load_alignment(work), []
    for clip in corpus.clips:
        if clip.path not in alignment or clip.held_out or (clip.language == "zh" and not clip.told):
            continue
        phones, starts, ends = alignment[clip.path]
        sequence = np.full(2 * len(phones) + 1, BLANK, np.int64)
        sequence[1::2] = phones
        out.append((clip, classes[sequence[states_of(starts, ends, clip.frames)]]))
    return out


def learn_frames(
    corpus: Corpus,
    work: Path,
    minutes: float,
    seed: int = 0,
    on_event: EventSink = ignore,
    clock: Callable[[], float] = time.monotonic,
) -> FrameClassifier:
    """Train a classifier for ``minutes`` of the ``clock``; a twentieth of the teacher's clips is kept to test it."""
    classes = toneless_classes()
    known = known_frames(corpus, work, classes)
    kept = [row for row in known if row[0].told][::20]
    apart = {clip.path for clip, _ in kept}
    examples = FrameExamples(corpus, [row for row in known if row[0].path not in apart], seed)
    torch.manual_seed(seed)
    network = FrameClassifier(int(classes.max()) + 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=0.01)
    started, step, shown = clock(), 0, 0.0
    while (done := (clock() - started) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 100) * (1.02 - done)
        mel, wanted = examples.batch()
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(network(mel).flatten(0, 1), wanted.flatten(), ignore_index=-1)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        if time.monotonic() - shown > 30:
            shown = time.monotonic()
            values = {"loss": float(loss.detach()), "wrong": frame_errors(network, corpus, kept)}
            on_event(Event("align", f"{minutes * done:.1f} min", step, 0, values))
    return network.eval()


@torch.inference_mode()
def frame_errors(network: FrameClassifier, corpus: Corpus, known: Sequence[tuple[Clip, np.ndarray]]) -> float:
    """Part of the frames of ``known`` clips that are taken for another class."""
    network.eval()
    wrong = total = 0
    for clip, classes in known:
        found = network(torch.from_numpy(np.asarray(corpus.mel(clip), np.float32))[None])[0].argmax(1).numpy()
        wrong, total = wrong + int((found != classes).sum()), total + len(classes)
    network.train()
    return wrong / max(1, total)


def phones_of(clip: Clip) -> list[int]:
    """The ids of what sounds in a Mandarin clip."""
    text, ids = text_of(clip), symbols().ids
    if text.startswith("pinyin:"):
        names: Sequence[str] = pinyin_phones(text.removeprefix("pinyin:")) or ()
    else:
        names = phonemize(text, language="zh").phones if text else ()
    return [ids[name] for name in spoken(names)]


@torch.inference_mode()
def align_mandarin(corpus: Corpus, work: Path, network: FrameClassifier, *, on_event: EventSink = ignore) -> int:
    """Align people's Mandarin whose words are known into ``work``; returns how many clips could be."""
    classes = toneless_classes()
    known = known_frames(corpus, work, classes)
    often = np.bincount(np.concatenate([frames for _, frames in known]), minlength=int(classes.max()) + 1) + 100.0
    prior = torch.from_numpy(np.log(often / often.sum())).float()
    wanted = [clip for clip in corpus.clips if clip.language == "zh" and not clip.told and text_of(clip)]
    rows = []
    for first in range(0, len(wanted), _AT_ONCE):
        group = wanted[first : first + _AT_ONCE]
        heard = []
        for clip in group:
            logits = network(torch.from_numpy(np.asarray(corpus.mel(clip), np.float32))[None])[0]
            heard.append((logits.log_softmax(1) - 0.5 * prior).numpy()[:, classes])
        said = [phones_of(clip) for clip in group]
        for clip, phones, states in zip(group, said, ctc_states_batch(heard, said, BLANK, LEAST_FRAMES), strict=True):
            if states is None or not phones:
                continue
            places = np.arange(len(phones))
            starts = np.searchsorted(states, 2 * places + 1).tolist()
            ends = np.searchsorted(states, 2 * places + 1, side="right").tolist()
            rows.append({"path": clip.path, "phones": phones, "starts": starts, "ends": ends})
        on_event(Event("align", "Aligning Mandarin.", first, len(wanted)))
    add_alignment(work, rows)
    return len(rows)
