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
from gpt_sovits.dataset.align import sister_groups
from gpt_sovits.dataset.proof import phone_columns
from gpt_sovits.dataset.transcript import script_words
from gpt_sovits.events import CancelToken
from gpt_sovits.text import symbols

_TIMES = re.compile(r"^\s*(\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}")
_TAGS = re.compile(r"<[^<>\n]{0,60}>|\{\\[^{}\n]{0,60}\}")
_DIRECTION = re.compile(r"^\s*[\[(（【*♪].*[\])）】*♪]\s*$")  # a line that holds nothing else
_SENTENCE = re.compile(r"[^.!?。！？…\n]+[.!?。！？…]*[\"'”’」』)）]*\s*")
_BETWEEN, _LOUDNESS = 1.0, -23.0  # seconds and dB of recordings that are joined
_SHORT = 10  # phones; fewer are heard anywhere
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
    """``script`` with its sentences in the order in which they were read.

    ``log_probs`` [T, V + 1]: what was heard. Each sentence is looked for in the whole recording. None when the order is
    the same, or when that would take too long.
    """
    cancel = cancel or CancelToken()
    blocks: list[str] = []
    words: list[list[int]] = []
    for part in _SENTENCE.findall(script):
        phones = [phone for word in script_words(part, language) for phone in word.ids]
        if not phones:
            continue
        if words and min(len(phones), len(words[-1])) < _SHORT:  # a short one is found anywhere; it stays where it is
            blocks[-1] += f"{part} "
            words[-1] += phones
        else:
            blocks.append(f"{part} ")
            words.append(phones)
    if not 2 <= len(blocks) <= _BLOCKS or len(blocks) * len(log_probs) > _WORK:
        return None
    places = spotted(log_probs.astype(np.float32), words, cancel)
    order = sorted(range(len(blocks)), key=lambda number: places[number])
    if order == list(range(len(blocks))):
        return None
    return "\n".join(blocks[number].strip() for number in order)


def spotted(log_probs: np.ndarray, blocks: Sequence[Sequence[int]], cancel: CancelToken) -> list[int]:
    """The frame at which each block of phones begins where it is heard best, whole and at one stretch.

    ``log_probs`` [T, V + 1]. All blocks are followed at once [B, S]; a path may begin and end at any frame.
    """
    named = sorted({phone for block in blocks for phone in block})
    columns, blank = phone_columns(log_probs, named, sister_groups(symbols().names))
    table = np.stack([*(columns[phone] for phone in named), blank], axis=1)  # [T, N + 1]
    rank = {phone: k for k, phone in enumerate(named)}
    states = np.full((len(blocks), 2 * max(map(len, blocks)) - 1), len(named))
    for row, block in zip(states, blocks, strict=True):
        row[: 2 * len(block) : 2] = [rank[phone] for phone in block]
    skips = np.zeros(states.shape, bool)
    skips[:, 2::2] = states[:, 2::2] != states[:, :-2:2]
    rows, last = np.arange(len(blocks)), np.array([2 * len(block) - 2 for block in blocks])
    score = np.full(states.shape, -np.inf, np.float32)
    begun = np.zeros(states.shape, np.int64)
    best, places = np.full(len(blocks), -np.inf), np.zeros(len(blocks), np.int64)
    for frame, heard in enumerate(table):
        if frame % 1000 == 0:
            cancel.check()
        before, since = score.copy(), begun.copy()
        for step, allowed in ((1, True), (2, skips[:, 2:])):
            better = (before[:, :-step] > score[:, step:]) & allowed
            score[:, step:] = np.where(better, before[:, :-step], score[:, step:])
            begun[:, step:] = np.where(better, since[:, :-step], begun[:, step:])
        fresh = score[:, 0] < 0.0
        score[fresh, 0], begun[fresh, 0] = 0.0, frame
        score += heard[states]
        ended = score[rows, last] > best
        best[ended], places[ended] = score[rows, last][ended], begun[rows, last][ended]
    return [int(place) for place in places]
