"""What a step of pretraining learns from: utterances drawn by turns from people and a teacher, in both languages.

Longer clips are drawn more often than short ones, but less than their length; and who says little, as people who speak
Mandarin do here, is drawn more often than by their part of the corpus. ``drawn_by`` makes batches in processes of its
own, for a graphics card that would wait for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gpt_sovits.lab.codes import CodedClip, CodedCorpus
from gpt_sovits.lab.corpus import evened
from gpt_sovits.lab.variation import varied
from gpt_sovits.training.examples import AcousticBatch, collate_acoustic, group_by_length
from gpt_sovits.training.semantic import SemanticBatch, collate_semantic, join

LONGEST = 250  # frames of an acoustic example
# How often an example is varied: of the few Mandarin speakers often, so that the language is not tied to their voices.
VARIED = {"zh": 0.6}
VARIED_ELSE = 0.3
TAUGHT = (
    0.5  # part of what the acoustic model hears that a teacher said, whose times are exact and whose sound is clean
)
_AHEAD = 96  # utterances that are drawn and sorted by length at a time


class Sampler:
    """Draws clips, see ``evened``, and knows every speaker's clips. ``taught``: part of them that a teacher said."""

    def __init__(self, clips: Sequence[CodedClip], seed: int | Sequence[int], taught: float | None = None) -> None:
        self.clips = list(clips)
        self.weights = evened([coded.clip for coded in self.clips], 0.6)
        told = np.array([bool(coded.clip.told) for coded in self.clips])
        if taught is not None and told.any() and not told.all():
            for rows, part in ((told, taught), (~told, 1 - taught)):
                self.weights[rows] *= part / self.weights[rows].sum()
        self.by_speaker: dict[str, list[CodedClip]] = {}
        for clip in self.clips:
            self.by_speaker.setdefault(clip.clip.speaker, []).append(clip)
        self.rng = np.random.default_rng(seed)

    def draw(self, count: int) -> list[CodedClip]:
        return [self.clips[i] for i in self.rng.choice(len(self.clips), count, p=self.weights)]

    def same_speaker(self, clip: CodedClip) -> CodedClip:
        others = self.by_speaker[clip.clip.speaker]
        return others[int(self.rng.integers(len(others)))]


def crop(coded: CodedClip, rng: np.random.Generator, longest: int = LONGEST) -> tuple[int, int, slice]:
    """First frame, frame count (both even) and the phones of a part of at most ``longest`` frames."""
    total = len(coded.codes) * 2
    if total <= longest:
        return 0, total, slice(0, len(coded.phones))
    first = int(rng.integers(0, (total - longest) // 2 + 1)) * 2
    said = coded.phone_of_code[first // 2 : (first + longest) // 2]
    said = said[said >= 0]
    if not len(said):
        return first, longest, slice(0, len(coded.phones))
    return first, longest, slice(int(said.min()), int(said.max()) + 1)


class AcousticBatches(IterableDataset[tuple[AcousticBatch, list[str]]]):
    """Batches of at most ``frames`` padded frames without end, each with its rows' languages ("": a teacher's)."""

    def __init__(self, coded: CodedCorpus, frames: int, seed: int) -> None:
        self.coded, self.frames, self.seed = coded, frames, seed
        self.usable = [c for c in coded.clips if not c.clip.held_out and len(c.codes) >= 16]

    def __iter__(self) -> Iterator[tuple[AcousticBatch, list[str]]]:
        sampler = Sampler(self.usable, _own_seed(self.seed), TAUGHT)
        while True:
            drawn = sampler.draw(_AHEAD)
            lengths = [min(LONGEST, 2 * len(c.codes)) for c in drawn]
            for group in group_by_length(lengths, self.frames, sampler.rng):
                yield self._batch([drawn[i] for i in group], sampler)

    def _batch(self, clips: Sequence[CodedClip], sampler: Sampler) -> tuple[AcousticBatch, list[str]]:
        examples, styles = [], []
        for clip in clips:
            first, count, phones = crop(clip, sampler.rng)
            example = self.coded.example(clip, first, count)
            said = example.phone_of_code
            inside = (said >= phones.start) & (said < phones.stop)
            example = replace(
                example, phones=example.phones[phones], phone_of_code=np.where(inside, said - phones.start, -1)
            )
            other = sampler.same_speaker(clip)
            start, span, _ = crop(other, sampler.rng, 150)
            often = VARIED.get(clip.clip.language, VARIED_ELSE)
            style = self.coded.corpus.wave(other.clip, start, span)
            example, style = varied(example, style, sampler.rng, often)
            examples.append(example)
            styles.append(style)
        return collate_acoustic(examples, styles), ["" if clip.clip.told else clip.clip.language for clip in clips]


class SemanticBatches(IterableDataset[SemanticBatch]):
    """Batches of at most ``positions`` phones and codes without end; short utterances of a speaker are joined."""

    def __init__(self, coded: CodedCorpus, positions: int, seed: int) -> None:
        self.coded, self.positions, self.seed = coded, positions, seed
        self.usable = [c for c in coded.clips if c.transcribed and not c.clip.held_out and 8 <= len(c.codes) <= 400]

    def __iter__(self) -> Iterator[SemanticBatch]:
        sampler = Sampler(self.usable, _own_seed(self.seed))
        while True:
            drawn = [self._joined(sampler) for _ in range(_AHEAD)]
            lengths = [sum(len(c.codes) + len(c.phones) for c in group) for group in drawn]
            for group in group_by_length(lengths, self.positions, sampler.rng):
                yield collate_semantic([join([self.coded.example(c) for c in drawn[i]]) for i in group])

    @staticmethod
    def _joined(sampler: Sampler) -> list[CodedClip]:
        first = sampler.draw(1)[0]
        chosen, target = [first], int(sampler.rng.integers(20, 260))
        while sum(len(c.codes) for c in chosen) < target and len(chosen) < 5:
            following = sampler.same_speaker(first)
            if sum(len(c.codes) for c in chosen) + len(following.codes) > 300:
                break
            chosen.append(following)
        return chosen


def drawn_by(batches: IterableDataset[Any], workers: int = 0) -> Iterator[Any]:
    """The batches, made here or, with ``workers``, in so many processes beside."""
    return iter(DataLoader(batches, batch_size=None, num_workers=workers, prefetch_factor=8 if workers else None))


def _own_seed(seed: int) -> list[int]:
    """The seed of this process; each draws batches of its own."""
    worker = get_worker_info()
    torch.set_num_threads(1 if worker else torch.get_num_threads())
    return [seed, worker.id if worker else 0]
