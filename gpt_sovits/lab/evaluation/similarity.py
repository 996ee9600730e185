"""Whose voice is it? Speaker embeddings by Resemblyzer, and where an utterance stands among several speakers.

An embedding is a unit vector float32 [256]; similarity is the cosine of two of them. Resemblyzer's own scale on real
speech: one clip against the rest of the same speaker about 0.9, against other speakers about 0.55.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gpt_sovits.audio import Audio, resample
from gpt_sovits.errors import InputError
from gpt_sovits.lab.evaluation.optional import judge_package

Embedder = Callable[[Audio], np.ndarray]

RATE = 16000


def resemblyzer_embedder() -> Embedder:
    """Load Resemblyzer once; the returned function maps a sound to its embedding [256]."""
    resemblyzer = judge_package("resemblyzer")
    encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)

    def embed(audio: Audio) -> np.ndarray:
        heard = resample(audio, RATE).samples
        if not np.any(heard):
            raise InputError("There is nothing to hear in this sound.", "Judge a sound that has speech in it.")
        speech = resemblyzer.preprocess_wav(heard)
        return encoder.embed_utterance(speech if len(speech) else heard)

    return embed


def centroid(embeddings: Sequence[np.ndarray]) -> np.ndarray:
    """The unit vector [C] in the middle of ``embeddings``, each [C]."""
    middle = np.mean(np.stack(embeddings), axis=0)
    return middle / np.linalg.norm(middle)


@dataclass(frozen=True)
class Standing:
    """How near an utterance is to its own speaker and to each other one by name."""

    similarity: float
    others: dict[str, float]

    @property
    def rank(self) -> int:
        """1: no other speaker is nearer."""
        return 1 + sum(other > self.similarity for other in self.others.values())


def standing(embedding: np.ndarray, own: np.ndarray, others: Mapping[str, np.ndarray]) -> Standing:
    """Compare an utterance's ``embedding`` [C] with its own speaker's centroid and with those of ``others``."""
    return Standing(float(embedding @ own), {name: float(embedding @ other) for name, other in others.items()})


def mean_standing(each: Sequence[Standing]) -> Standing:
    """The mean over several utterances that were compared with the same speakers."""
    others = {name: float(np.mean([one.others[name] for one in each])) for name in each[0].others}
    return Standing(float(np.mean([one.similarity for one in each])), others)


@dataclass(frozen=True)
class Portrait:
    """What a speaker's real recordings sound like: embeddings [C] of the learnt ones and of those kept apart."""

    learnt: tuple[np.ndarray, ...]
    apart: tuple[np.ndarray, ...]

    def apart_without(self, index: int | None) -> np.ndarray | None:
        """Centroid of the recordings kept apart, one of them left out; None where none remains."""
        rest = [embedding for place, embedding in enumerate(self.apart) if place != index]
        return centroid(rest) if rest else None

    def all_without(self, index: int | None) -> np.ndarray | None:
        """Centroid of all recordings, one of those kept apart left out."""
        rest = [embedding for place, embedding in enumerate(self.apart) if place != index]
        return centroid([*self.learnt, *rest]) if self.learnt or rest else None
