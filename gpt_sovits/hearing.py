"""Does what was spoken say its text? The embedded base's ear listens to a sentence that is not sure, phone by phone.

The ear is the base's own; the proof is the one that judges recordings (``dataset.proof``): how
much each word's place is better explained by that word than by anything else.

Letters: L samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from gpt_sovits.audio import Audio, resample
from gpt_sovits.dataset.align import sister_groups
from gpt_sovits.dataset.proof import Proof, Thresholds, prove, shares, unbiased
from gpt_sovits.features.mini_content import SAMPLE_RATE, MiniContentEncoder
from gpt_sovits.loudness import FAINTEST, loudness
from gpt_sovits.text import Phones, symbols

UNCLEAR = 2.0  # nats per phone, of all words; of 96 inputs that Whisper base understood 2 % lie below 3.8
LOST = -2.2, 2  # nats per phone of a word that is not heard, and how many phones it has at least; of those inputs 2 %


@dataclass(frozen=True)
class Heard:
    """``fit``: mean evidence for the words in nats per phone, None where nothing can be heard; ``whole``: none is
    missing, and nothing else is said between them."""

    fit: float | None
    whole: bool = False

    @property
    def clear(self) -> bool:
        return self.whole and self.fit is not None and self.fit >= UNCLEAR

    def better(self, other: Heard) -> bool:
        return self.fit is not None and (other.fit is None or self.fit > other.fit)


@dataclass(frozen=True)
class Ear:
    """A network that hears phones, and where wrong begins for it."""

    network: MiniContentEncoder
    thresholds: Thresholds

    def hear(self, audio: Audio, words: Sequence[tuple[int, ...]]) -> Heard:
        """Listen to ``audio`` `[L]` for ``words``."""
        proof = self._prove(audio, words)
        if proof is None:
            return Heard(None)
        return Heard(proof.fit, not any(_lost(proof)) and not proof.extra_gaps(self.thresholds))

    def missed(self, audio: Audio, words: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Those of ``words`` that are not heard in ``audio`` `[L]`."""
        proof = self._prove(audio, words)
        return [word for word, lost in zip(words, _lost(proof), strict=True) if lost] if proof else list(words)

    @torch.inference_mode()
    def _prove(self, audio: Audio, words: Sequence[tuple[int, ...]]) -> Proof | None:
        """None where nothing can be heard."""
        if not words or audio.seconds < 0.05 or loudness(audio) < FAINTEST:
            return None
        device = next(self.network.parameters()).device
        wave = torch.from_numpy(resample(audio, SAMPLE_RATE).samples)[None].to(device)
        heard = self.network.phone_logits(wave)[0].cpu().numpy()
        return prove(unbiased(heard, shares(heard)), words, _sisters())


def _lost(proof: Proof) -> list[bool]:
    """Which words are not heard."""
    return [margin < LOST[0] and count >= LOST[1] for margin, count in zip(proof.words, proof.phones, strict=True)]


@lru_cache(maxsize=1)
def _sisters() -> dict[int, tuple[int, ...]]:
    return sister_groups(symbols().names)


def words_of(said: Phones) -> list[tuple[int, ...]]:
    """Phone ids of each word, marks left out, by the table that the ear knows."""
    ids = symbols().ids
    words = [tuple(ids[p] for p in reading.phones if p in ids and p[:1].isalpha()) for reading in said.readings]
    return [word for word in words if word]
