"""One piece of a recording and its text: how surely the words are in the sound, and which are doubtful.

The same test serves the first cut of a recording and a person's correction of one piece, which hears only that piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpt_sovits.dataset.align import FRAME_SECONDS, sister_groups
from gpt_sovits.dataset.proof import Proof, Thresholds, prove
from gpt_sovits.dataset.tongues import languages_of
from gpt_sovits.dataset.transcript import Remark, ScriptWord, script_words
from gpt_sovits.text import symbols


@dataclass(frozen=True)
class Heard:
    """``confidence`` 0 to 1, below 0.5 the words do not fit; ``remarks`` with offsets in the piece's own text."""

    confidence: float
    proof: Proof
    remarks: tuple[Remark, ...]


def hear(
    log_probs: np.ndarray,
    start: float,
    end: float,
    text: str,
    language: str,
    thresholds: Thresholds,
    *,
    speech: float | None = None,
) -> Heard:
    """Test ``text`` against a recording's ``unbiased`` posteriors [T, V + 1] between two times in seconds.

    ``speech``: seconds of speech between them, where that is known.
    """
    words = script_words(text, language)
    first, last = max(0, round(start / FRAME_SECONDS)), round(end / FRAME_SECONDS)
    sound = log_probs[first:last]
    weight = thresholds.weight(languages_of(text, language))
    sisters = sister_groups(symbols().names)
    proof = prove(sound, [word.ids for word in words], sisters, speech=speech, weight=weight)
    remarks = _remarks(text, words, proof, thresholds, start, end)
    return Heard(thresholds.confidence(proof.evidence), proof, tuple(remarks))


def _remarks(
    text: str, words: Sequence[ScriptWord], proof: Proof, thresholds: Thresholds, start: float, end: float
) -> list[Remark]:
    """Doubtful words, neighbours joined, and places between words where something more is said."""
    runs: list[list[int]] = []
    for number in proof.wrong_words(thresholds):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    out = [
        Remark("misread", text[words[run[0]].start : words[run[-1]].end], words[run[0]].start, words[run[-1]].end,
               (start, end))
        for run in runs
    ]  # fmt: skip
    doubtful = {number for run in runs for number in run}
    for gap in proof.extra_gaps(thresholds):
        if gap in doubtful or gap - 1 in doubtful:
            continue  # the other word that was said is why this one is doubted
        at = words[gap].start if gap < len(words) else len(text)
        out.append(Remark("added", "", at, at, (start, end)))
    return out
