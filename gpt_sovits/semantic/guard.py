"""Does a generated sequence look like the speech that was asked for? If not, roll again.

An autoregressive model sometimes skips words, babbles on, or falls into a loop. Its tokens show it before anything
is synthesised: 25 of them are one second, and people speak between 3 and 25 phones per second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gpt_sovits.semantic.decode import Generated

# Reasons, from the most to the least harmful to a listener.
REASONS = ("silent", "stuck", "loop", "other", "cap", "held", "short", "long")


class Evidence(Protocol):
    """How well tokens say phones, where a base knows what its tokens mean (``acoustic.code_alignment.Evidence``)."""

    @property
    def worst(self) -> tuple[float, float, float, float]: ...
    @property
    def mean(self) -> float: ...
    @property
    def held(self) -> tuple[float, float]: ...
    @property
    def silence(self) -> int: ...


@dataclass(frozen=True)
class Limits:
    """What counts as suspicious. Token counts are at 25 per second."""

    least_per_phone: float = 1.0  # 25 phones per second
    most_per_phone: float = 6.5
    slack: int = 25  # a second more or less is nothing to worry about in a short sentence
    pace_band: tuple[float, float] = (0.5, 2.0)  # around the pace of the voice, where it is known
    loop_length: int = 30  # an exactly repeating stretch of at least this many tokens ...
    loop_repeats: int = 3  # ... and this many rounds
    loop_period: int = 40  # the longest round that is looked for
    stuck_window: int = 75  # three seconds ...
    stuck_distinct: int = 8  # ... with fewer different tokens than this
    least_worst: tuple[float, float, float, float] = (-2.7, -1.35, -0.1, 0.65)  # see ``Evidence``
    sure_pair: float = 1.4  # of two codes; of 164 pieces a tenth lie below, those of the mini base that lack a word too
    least_mean: float = 2.1
    most_held: tuple[float, float] = (4.2, 6.4)
    most_silence: int = 22


@dataclass(frozen=True)
class Rolled:
    """The chosen sequence, what is still suspicious about it (None: nothing), and how many were tried.

    ``sure``: nothing is, by far, or there is no evidence; a sequence that is not should be listened to.
    """

    result: Generated
    reason: str | None
    attempts: int
    sure: bool = False


def suspicion(
    tokens: Tensor, phones: int, reached_end: bool, *, pace: float | None = None, limits: Limits | None = None
) -> str | None:
    """Why these tokens [N] for ``phones`` phones are suspicious (one of ``REASONS``), or None.

    ``pace``: tokens per phone of the voice's reference recording; it narrows the band of believable lengths.
    """
    limits = limits or Limits()
    if is_stuck(tokens, limits.stuck_window, limits.stuck_distinct):
        return "stuck"
    if longest_loop(tokens, limits.loop_period, limits.loop_repeats) >= limits.loop_length:
        return "loop"
    if not reached_end:
        return "cap"
    least, most = limits.least_per_phone, limits.most_per_phone
    if pace is not None:
        least, most = max(least, pace * limits.pace_band[0]), min(most, pace * limits.pace_band[1])
    if len(tokens) < least * phones - limits.slack * min(1.0, phones / 50):
        return "short"
    if len(tokens) > most * phones + limits.slack:
        return "long"
    return None


def disbelief(evidence: Evidence, limits: Limits | None = None) -> str | None:
    """ "other": something else is said, or something is left out; "held": a sound or a silence is held, or repeated."""
    limits = limits or Limits()
    if any(found < least for found, least in zip(evidence.worst, limits.least_worst, strict=True)):
        return "other"
    if evidence.mean < limits.least_mean:
        return "other"
    held = any(found > most for found, most in zip(evidence.held, limits.most_held, strict=True))
    return "held" if held or evidence.silence > limits.most_silence else None


def longest_loop(tokens: Tensor, period: int, repeats: int) -> int:
    """Length of the longest stretch of tokens [N] that is one round of at most ``period`` said ``repeats`` times."""
    longest = 0
    for step in range(1, min(period, len(tokens) // repeats) + 1):
        same = tokens[step:] == tokens[:-step]
        breaks = torch.nonzero(~same)[:, 0].tolist()
        runs = zip([-1, *breaks], [*breaks, len(same)], strict=True)
        length = max(end - start - 1 for start, end in runs) + step
        if length >= repeats * step:
            longest = max(longest, length)
    return longest


def is_stuck(tokens: Tensor, window: int, distinct: int) -> bool:
    """Whether some ``window`` of tokens [N] has fewer than ``distinct`` different ones."""
    if len(tokens) < window:
        return False
    ordered = tokens.unfold(0, window, 1).sort(dim=-1).values
    counts = 1 + (ordered[:, 1:] != ordered[:, :-1]).sum(-1)
    return bool((counts < distinct).any())


def roll(
    attempt: Callable[[int], Generated],
    phones: int,
    *,
    attempts: int = 3,
    pace: float | None = None,
    limits: Limits | None = None,
    evidence: Callable[[Tensor], Evidence | None] = lambda tokens: None,
) -> Rolled:
    """Call ``attempt(0)``, ``attempt(1)``, ... (each with its own seed) until one is not suspicious.

    If all of them are, the least harmful reason wins, then the likelier sequence. ``evidence``: what the tokens say.
    """
    best: tuple[int, float, Generated, str] | None = None
    for number in range(max(1, attempts)):
        result = attempt(number)
        reason = suspicion(result.tokens, phones, result.reached_end, pace=pace, limits=limits)
        found = evidence(result.tokens) if reason is None else None
        reason = disbelief(found, limits) if found is not None else reason
        if reason is None:
            sure = found is None or found.worst[1] >= (limits or Limits()).sure_pair
            return Rolled(result, None, number + 1, sure)
        entry = (REASONS.index(reason), result.log_prob, result, reason)
        if best is None or entry[:2] > best[:2]:
            best = entry
    if best is None:
        raise ValueError("at least one attempt is needed")
    return Rolled(best[2], best[3], max(1, attempts))
