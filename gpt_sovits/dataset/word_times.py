"""When each word of a known text is heard in a sound, by a network that hears phones."""

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
_BEFORE, _AFTER = 0.2, 0.35  # seconds around a pause in which a word that is heard there begins with its end


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
        pauses = _pauses(audio)
        pairs = zip(self.words, self.times, strict=True)
        return [(word.start, _near(time.start, pauses)) for word, time in pairs if not time.skipped]


def _near(time: float, pauses: np.ndarray) -> float:
    """The end of the pause in which ``time`` lies, or that is nearest, where one is near.

    What is heard of a first word often begins at once where the one before it ends: the pause lies behind it then.
    """
    if not len(pauses):
        return time
    away = np.maximum((pauses[:, 0] - time) / _BEFORE, (time - pauses[:, 1]) / _AFTER)
    return float(pauses[away.argmin(), 1]) if away.min() <= 1.0 else time


def _pauses(audio: Audio) -> np.ndarray:
    """Begin and end of each pause of a sound, in seconds `[N, 2]`."""
    levels = frame_levels(audio, frame=_FRAME)
    if not len(levels):
        return np.zeros((0, 2))
    quiet = np.concatenate([[False], levels < np.percentile(levels, 95) - _QUIET, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8))).reshape(-1, 2)
    return edges[edges[:, 1] - edges[:, 0] >= _LEAST] * _FRAME


@torch.inference_mode()
def timed(ear: MiniContentEncoder, audio: Audio, text: str, language: str = "auto") -> Timed | None:
    """None for a text without words."""
    words = script_words(text, language)
    if not words:
        return None
    wave = torch.from_numpy(resample(audio, SAMPLE_RATE).samples)[None].to(next(ear.parameters()).device)
    heard = ear.phone_logits(wave)[0].cpu().numpy()
    told = unbiased(heard, shares(heard))
    found = align(softened(told), [word.ids for word in words], sisters=sister_groups(symbols().names))
    return Timed(tuple(words), found.words, told)
