"""When each word of a known text is heard in a sound, by a network that hears phones."""

from __future__ import annotations

from bisect import bisect_right
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
_NEAR = 0.1  # seconds around a pause in which the first word behind it may be heard to begin


@dataclass(frozen=True, eq=False)
class Timed:
    """``words`` of a text and their ``times``, one each; ``told`` [T, V + 1]: what was heard, for ``dataset.piece``."""

    words: tuple[ScriptWord, ...]
    times: tuple[WordTime, ...]
    told: np.ndarray

    def starts(self, audio: Audio) -> list[tuple[int, float]]:
        """Where in the text a word begins, and when it does; words that were not heard are left out.

        After a pause a word begins where the sound does. It is the first one that was heard behind the pause's begin,
        most of its phones at least: what is heard of it often begins at once where the word before it ends. Words
        further off keep their times, as many a pause is only a stop inside a word.
        """
        said = [(word.start, time) for word, time in zip(self.words, self.times, strict=True) if not time.skipped]
        begins = [time.start for _, time in said]
        for pause, sound in _pauses(audio).tolist():
            first = bisect_right(said, pause, key=lambda each: float(np.mean([begin for begin, _ in each[1].phones])))
            if first < len(said) and pause - _NEAR <= said[first][1].start <= sound + _NEAR:
                begins[first] = sound
        return [(place, begin) for (place, _), begin in zip(said, begins, strict=True)]


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
