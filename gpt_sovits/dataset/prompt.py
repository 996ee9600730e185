"""The best few seconds of a long clip together with their words: what a network continues must be short, and known."""

from __future__ import annotations

from gpt_sovits.audio import Audio
from gpt_sovits.dataset.align import WordTime, joint_confidence
from gpt_sovits.dataset.piece import hear
from gpt_sovits.dataset.proof import Thresholds
from gpt_sovits.dataset.transcript import ScriptWord
from gpt_sovits.dataset.word_times import timed
from gpt_sovits.features.mini_content import MiniContentEncoder

SHORTEST, LONGEST = 3.0, 9.0  # seconds
SURE = 0.5  # confidence that the words are said there (``dataset.piece``)
_TRIED = 5  # stretches that are listened to
_MARKS = "，。？！；,.?!;:：—…"
_ROUND, _GAP = 0.25, 0.4  # worth of a mark at an end; of a pause of half a second there
_EDGE = 0.1  # seconds of a pause that stay around the words


def prompt_window(
    ear: MiniContentEncoder, thresholds: Thresholds, clip: Audio, script: str, language: str
) -> tuple[Audio, str] | None:
    """Sound and words of the best stretch of ``clip``, which says ``script``; None where none surely says its words."""
    found = timed(ear, clip, script, language)
    if found is None:
        return None
    words, times = found.words, found.times
    for _, first, last in sorted(_stretches(times, words, script, clip.seconds), reverse=True)[:_TRIED]:
        before = times[first - 1].end if first else 0.0
        after = times[last + 1].start if last + 1 < len(words) else clip.seconds
        begin = max(times[first].start - _EDGE, (before + times[first].start) / 2)
        end = min(times[last].end + _EDGE, (after + times[last].end) / 2)
        text = script[words[first].start : _through_marks(script, words[last].end)]
        if hear(found.told, begin, end, text, language, thresholds).confidence >= SURE:
            return clip.between(begin, end), text
    return None


def _through_marks(script: str, at: int) -> int:
    while at < len(script) and script[at] in _MARKS:
        at += 1
    return at


def _stretches(
    times: tuple[WordTime, ...], words: tuple[ScriptWord, ...], script: str, seconds: float
) -> list[tuple[float, int, int]]:
    """Value, first and last word of every stretch of the right length whose words were all said."""
    out = []
    for first in range(len(words)):
        for last in range(first, len(words)):
            if times[last].skipped:
                break
            length = times[last].end - times[first].start
            if length > LONGEST:
                break
            sure = joint_confidence(times[first : last + 1])
            if length < SHORTEST:
                continue
            before = times[first].start - (times[first - 1].end if first else 0.0)
            after = (times[last + 1].start if last + 1 < len(words) else seconds) - times[last].end
            begins = first == 0 or any(mark in script[words[first - 1].end : words[first].start] for mark in _MARKS)
            ends = _through_marks(script, words[last].end) > words[last].end or last + 1 == len(words)
            value = sure + _GAP * (min(before, 0.5) + min(after, 0.5)) + _ROUND * (begins + ends) + 0.01 * length
            out.append((value, first, last))
    return out
