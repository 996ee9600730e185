"""What people hand in as the text that was read: subtitles, stage directions, paragraphs in another order;
and several recordings as one.

Only the writing is made plain here. That a text has more or less than was said is found when it is aligned.

Letters in shapes: T frames (20 ms), V phones of the table (class V is the CTC blank).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gpt_sovits.audio import MAX_SECONDS, Audio, concatenate, normalize, read_audio, resample, write_wav
from gpt_sovits.dataset.align import align, sister_groups
from gpt_sovits.dataset.transcript import script_words
from gpt_sovits.events import CancelToken
from gpt_sovits.text import symbols

_TIMES = re.compile(r"^\s*(\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}")
_TAGS = re.compile(r"<[^<>\n]{0,60}>|\{\\[^{}\n]{0,60}\}")
_DIRECTION = re.compile(r"^\s*[\[(（【*♪].*[\])）】*♪]\s*$")  # a line that holds nothing else
_SENTENCE = re.compile(r"[^.!?。！？…\n]+[.!?。！？…]*[\"'”’」』)）]*\s*")
_BETWEEN, _LOUDNESS = 1.0, -23.0  # seconds and dB of recordings that are joined
_PHONE = 0.12  # seconds that a phone takes with the pauses
_BLOCKS = 120  # at most
_WORK = 2_000_000  # frames times blocks; beyond it the order is not looked for


def join_recordings(recordings: Sequence[Path], out: Path) -> None:
    """Write several recordings as one WAV, equally loud and with a pause between, in the order that is given.

    Raises ``InputError`` for one that cannot be read, and when they are too long together.
    """
    parts: list[Audio] = []
    for path in recordings:
        left = MAX_SECONDS - sum(part.seconds + _BETWEEN for part in parts)
        parts.append(read_audio(path, max_seconds=max(1.0, left)))
    rate = max(part.rate for part in parts)
    even = [normalize(resample(part, rate), _LOUDNESS) for part in parts]
    write_wav(out, concatenate(even, pause=_BETWEEN))


def plain_script(script: str) -> str:
    """The words of a script: of subtitles (SRT, WebVTT) what is said, without times; no lines of stage directions."""
    lines = script.lstrip("\ufeff").splitlines()
    if any(_TIMES.match(line) for line in lines):
        lines = _cues(lines)
    kept = [line for line in lines if not _DIRECTION.match(line)]
    return "\n".join(kept) if any(line.strip() for line in kept) else script


def _cues(lines: Sequence[str]) -> list[str]:
    """The lines of the cues, each without the number, times, name and marks around it."""
    out: list[str] = []
    inside = False
    for line in lines:
        if _TIMES.match(line):
            inside = True
        elif not line.strip():
            inside = False
        elif inside:
            said = _TAGS.sub("", line).strip()
            if said and not (out and said == out[-1]):  # rolling captions show each line twice
                out.append(said)
    return out


def in_order_of_reading(
    script: str, language: str, log_probs: np.ndarray, *, cancel: CancelToken | None = None
) -> str | None:
    """``script`` with its paragraphs (or, of a single one, its sentences) in the order in which they were read.

    ``log_probs`` [T, V + 1]: what was heard. Each part is looked for in the whole recording. None when the order is the
    same, or when that would take too long.
    """
    cancel = cancel or CancelToken()
    blocks = [part for part in script.splitlines() if part.strip()]
    if len(blocks) < 2:
        blocks = [part for part in _SENTENCE.findall(script) if part.strip()]
    if not 2 <= len(blocks) <= _BLOCKS or len(blocks) * len(log_probs) > _WORK:
        return None
    sisters = sister_groups(symbols().names)
    places: list[float] = []
    for block in blocks:
        cancel.check()
        words = [word.ids for word in script_words(block, language)]
        found = [word for word in align(log_probs, words, sisters=sisters).words if not word.skipped] if words else []
        before = places[-1] if places else 0.0
        seconds = _PHONE * sum(len(word) for word in words)
        places.append(_thickest([word.start for word in found], seconds) if found else before)
    order = sorted(range(len(blocks)), key=lambda number: places[number])
    if order == list(range(len(blocks))):
        return None
    return "\n".join(blocks[number].strip() for number in order)


def _thickest(starts: Sequence[float], seconds: float) -> float:
    """Middle of the stretch of so many seconds in which most words begin: a few stray ones say nothing."""
    times = np.sort(np.array(starts))
    inside = [times[(times >= first) & (times <= first + seconds)] for first in times]
    return float(max(inside, key=len).mean())
