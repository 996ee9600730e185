"""When each word of a known text is heard in a sound, by a content encoder that hears phones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gpt_sovits.audio import Audio, resample
from gpt_sovits.dataset.align import WordTime, align, sister_groups
from gpt_sovits.dataset.proof import shares, softened, unbiased
from gpt_sovits.dataset.transcript import ScriptWord, script_words
from gpt_sovits.features.mini_content import SAMPLE_RATE, MiniContentEncoder
from gpt_sovits.text import symbols


@dataclass(frozen=True, eq=False)
class Timed:
    """``words`` of a text and their ``times``, one each; ``told`` [T, V + 1]: what was heard, for ``dataset.piece``."""

    words: tuple[ScriptWord, ...]
    times: tuple[WordTime, ...]
    told: np.ndarray

    @property
    def starts(self) -> list[tuple[int, float]]:
        """Where in the text a word begins, and when it does; words that were not heard are left out."""
        pairs = zip(self.words, self.times, strict=True)
        return [(word.start, time.start) for word, time in pairs if not time.skipped]


@torch.inference_mode()
def timed(content: MiniContentEncoder, audio: Audio, text: str, language: str = "auto") -> Timed | None:
    """None for a text without words."""
    words = script_words(text, language)
    if not words:
        return None
    wave = torch.from_numpy(resample(audio, SAMPLE_RATE).samples)[None].to(next(content.parameters()).device)
    heard = content.phone_logits(wave)[0].cpu().numpy()
    told = unbiased(heard, shares(heard))
    found = align(softened(told), [word.ids for word in words], sisters=sister_groups(symbols().names))
    return Timed(tuple(words), found.words, told)
