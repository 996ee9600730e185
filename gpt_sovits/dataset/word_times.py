"""When each word of a known text is heard in a sound, by a content encoder that hears phones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gpt_sovits.audio import Audio, frame_levels, resample
from gpt_sovits.dataset.align import WordTime, align, sister_groups
from gpt_sovits.dataset.proof import shares, softened, unbiased
from gpt_sovits.dataset.transcript import ScriptWord, script_words
from gpt_sovits.features.mini_content import SAMPLE_RATE, MiniContentEncoder
from gpt_sovits.text import symbols

_FRAME, _LEAST = 0.01, 6  # seconds; frames of a pause
_QUIET = 30.0  # dB below the loud frames
_NEAR = 0.35  # seconds


@dataclass(frozen=True, eq=False)
class Timed:
    """``words`` of a text and their ``times``, one each; ``told`` [T, V + 1]: what was heard, for ``dataset.piece``."""

    words: tuple[ScriptWord, ...]
    times: tuple[WordTime, ...]
    told: np.ndarray

    def starts(self, audio: Audio) -> list[tuple[int, float]]:
        """Where in the text a word begins, and when it does; words that were not heard are left out.

        After a pause a word begins where the sound does.
        """
        ends = _pauses(audio)
        pairs = zip(self.words, self.times, strict=True)
        return [(word.start, _near(time.start, ends)) for word, time in pairs if not time.skipped]


def _near(time: float, ends: np.ndarray) -> float:
    """The end of the pause that is nearest, where one is near."""
    nearest = float(ends[np.abs(ends - time).argmin()]) if len(ends) else time
    return nearest if abs(nearest - time) <= _NEAR else time


def _pauses(audio: Audio) -> np.ndarray:
    """When the pauses of a sound end, in seconds."""
    levels = frame_levels(audio, frame=_FRAME)
    if not len(levels):
        return np.zeros(0)
    quiet = np.concatenate([[False], levels < np.percentile(levels, 95) - _QUIET, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    return ends[ends - begins >= _LEAST] * _FRAME


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
