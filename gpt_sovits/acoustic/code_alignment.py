"""Which phone is being said at each code: the best path of a phone sequence through semantic codes.

A discrete hidden Markov model (Rabiner 1989): every phone has a distribution over the codes, silence may stand between
any two, a phone lasts one code or longer, and a short one may have none. The embedded base uses it so that what is
said comes from the text, and when it is said from the codes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

SKIP = -4.0  # natural-log cost of a phone that no code says
PAUSE = -3.0  # of a silence where the text has no mark
NEAR = 16  # lengths that ``near`` tells apart, of speech and again of silence
SPREAD = 0.4  # of the thresholds at which phones end, around 0.5: the median of how long they last
UNSPOKEN = -1e4  # said of a symbol that is never spoken
_LOW = -1e30
_NEVER = -1e6  # cost of a phone that is left out, where every one is looked for


@dataclass(frozen=True)
class Evidence:
    """How well codes say phones, all of which are looked for in order.

    ``worst``: for windows of 1, 2, 3 and 5 codes the lowest mean of the natural-log likelihood of each code where it
    stands, over that of the code anywhere; ``mean``: over all codes. ``held``: surprise (nats) at how long the longest
    phone is held, and the longest three in a row; ``silence``: codes of the longest silence.
    """

    worst: tuple[float, float, float, float]
    mean: float
    held: tuple[float, float]
    silence: int


def align_codes(said: np.ndarray, silent: np.ndarray, pause: np.ndarray, skip: float = SKIP) -> np.ndarray:
    """Index of the phone per code `[T]`, -1 in silence.

    ``said`` `[T, K]` natural-log probability of each code where phone k is said, ``silent`` `[T]` in silence, ``pause``
    `[K + 1]` cost of a silence before each phone and after the last, ``skip`` of a phone that no code says. More than
    two phones a code are spread evenly.
    """
    count, phones = said.shape
    if not count or not phones:
        return np.full(count, -1, np.int64)
    if phones > 2 * count - 1:
        return np.arange(count) * phones // count
    silence = np.full(phones + 1, _LOW)  # best path that ends in the silence before phone k
    speech = np.full(phones, _LOW)
    silence[0] = silent[0]
    speech[:2] = said[0, :2] + np.array([0.0, skip])[:phones]
    from_speech = np.zeros((count, phones), np.int8)  # 0 stay, 1 after silence, 2 after a phone, 3 over a phone
    from_silence = np.zeros((count, phones + 1), bool)  # True: stay
    options = np.full((4, phones), _LOW)
    for t in range(1, count):
        options[0], options[1] = speech, silence[:-1]
        options[2, 1:] = speech[:-1]
        options[3, 2:] = speech[:-2] + skip
        ended = np.concatenate([[_LOW], speech]) + pause
        from_silence[t] = silence >= ended
        silence = np.maximum(silence, ended) + silent[t]
        from_speech[t] = options.argmax(0)
        speech = options.max(0) + said[t]
    ends = {phones: silence[-1], phones - 1: speech[-1]}
    quiet = silence[-1] >= speech[-1]
    place = phones if quiet else phones - 1
    if phones > 1 and speech[-2] + skip > max(ends.values()):
        quiet, place = False, phones - 2
    out = np.full(count, -1, np.int64)
    for t in range(count - 1, -1, -1):
        if quiet:
            if t and not from_silence[t, place]:
                quiet, place = False, place - 1
            continue
        out[t] = place
        step = int(from_speech[t, place])
        quiet = step == 1
        place -= max(0, step - 1)
    return out


class CodeAlignment(nn.Module):
    """``said`` `[symbols, codes]` and ``silent`` `[codes]`: natural-log probabilities of the codes.

    Symbols that are not spoken (punctuation) have ``UNSPOKEN`` there. ``ends`` `[symbols, NEAR]`: probability that a
    phone ends when it has lasted that many codes (its hazard).
    """

    said: Tensor
    silent: Tensor
    ends: Tensor

    def __init__(self, symbols: int, codes: int) -> None:
        super().__init__()
        self.register_buffer("ends", torch.full((symbols, NEAR), 0.5))
        self.register_buffer("said", torch.zeros(symbols, codes))
        self.register_buffer("silent", torch.zeros(codes))

    def forward(self, codes: Tensor, phones: Tensor) -> Tensor:
        """Codes `[B, T]` and phones `[B, P]`, without padding, to indices into the phones `[B, T]`; -1 in silence."""
        rows = [self.indices(c.cpu().numpy(), p.cpu().numpy()) for c, p in zip(codes, phones, strict=True)]
        return torch.from_numpy(np.stack(rows)).to(codes.device)

    def indices(self, codes: np.ndarray, phones: np.ndarray) -> np.ndarray:
        """The same of one utterance, `[T]` and `[P]` to `[T]`."""
        costs = self.said[torch.from_numpy(phones)].double().cpu().numpy()  # [P, codes]
        place = np.flatnonzero(costs[:, 0] > UNSPOKEN / 2)
        said = costs[place][:, codes].T
        silent = self.silent.double().cpu().numpy()[codes]
        path = align_codes(said, silent, pause_costs(place, len(phones)))
        return np.where(path >= 0, place[np.maximum(path, 0)], -1) if len(place) else path

    def evidence(self, codes: np.ndarray, phones: np.ndarray) -> Evidence:
        """Whether ``codes`` `[T]` say ``phones`` `[P]`, each once; tells a skipped, repeated or foreign stretch."""
        costs = self.said.double().cpu().numpy()
        silences = self.silent.double().cpu().numpy()
        spoken = costs[:, 0] > UNSPOKEN / 2
        anywhere = np.log((np.exp(costs[spoken]).sum(0) + np.exp(silences)) / (spoken.sum() + 1))
        place = np.flatnonzero(spoken[phones])
        if not len(place) or len(codes) < len(place):
            return Evidence((_LOW,) * 4, _LOW, (0.0, 0.0), len(codes))
        said, silent = costs[phones[place]][:, codes].T, silences[codes]
        path = align_codes(said, silent, pause_costs(place, len(phones)), _NEVER)
        here = np.where(path >= 0, said[np.arange(len(codes)), np.maximum(path, 0)], silent) - anywhere[codes]
        sums = np.concatenate([[0.0], here.cumsum()])
        worst = [float((sums[n:] - sums[:-n]).min()) / n for n in (min(size, len(here)) for size in (1, 2, 3, 5))]
        lasted = np.bincount(path[path >= 0], minlength=len(place))
        stays = np.log(np.clip(1 - self.ends.double().cpu().numpy()[phones[place]], 0.02, 1.0))  # [K, NEAR]
        stays = np.concatenate([np.zeros((len(place), 1)), stays[:, 1:].cumsum(1)], 1)
        held = -stays[np.arange(len(place)), np.minimum(np.maximum(lasted - 1, 0), NEAR - 1)]
        beyond = np.maximum(lasted - NEAR, 0) * 1.0
        held = held + beyond
        three = np.convolve(held, np.ones(min(3, len(held))), "valid")
        return Evidence(
            (worst[0], worst[1], worst[2], worst[3]),
            float(here.mean()),
            (float(held.max()), float(three.max())),
            _longest(path < 0),
        )


def _longest(flags: np.ndarray) -> int:
    """Length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


class CodeFollower:
    """Leads the making of codes along the phones, so that each is said once, in order, and none for ever.

    Before each code it splits the network's own probabilities among what may come: more of this phone, the next one, a
    silence, the end. A phone is left when the probability that it goes on has fallen below a threshold; which code is
    said is then drawn among those that fit. Drawing codes alone would stay for too long: going on often is one likely
    code, and moving on many unlikely ones.
    """

    def __init__(self, alignment: CodeAlignment, phones: np.ndarray, spread: float = SPREAD) -> None:
        costs = alignment.said[torch.from_numpy(phones)].double().cpu().numpy()  # [P, codes]
        self.place = np.flatnonzero(costs[:, 0] > UNSPOKEN / 2)
        self.phones = phones
        self.said = np.exp(costs[self.place])
        self.silent = np.exp(alignment.silent.double().cpu().numpy())
        self.ends = alignment.ends[torch.from_numpy(phones[self.place])].double().cpu().numpy()
        self.pause = np.exp(pause_costs(self.place, len(phones)))
        self.spread = spread
        self.at = (0, True)  # the phone that is said, or comes after the silence
        self.lasted, self.going_on, self.threshold = 0, 1.0, 0.5

    def lead(self, scores: np.ndarray, draw: Callable[[], float]) -> np.ndarray:
        """What to add to the natural-log ``scores`` of the next code `[codes + 1]`, the last of which is the end.

        ``draw`` gives random numbers, uniform from 0 to 1.
        """
        wanted = np.exp(scores - scores.max())
        wanted /= wanted.sum()
        here, quiet = self.at
        states = self._states()
        masses, fits = [], []
        elsewhere = 1.0 / len(self.silent)
        rows = [weight * self._codes_of(state) for state, weight in states]
        total = sum(rows) + elsewhere
        for (state, _), row in zip(states, rows, strict=True):
            fits.append(row / total)
            masses.append(float(wanted[-1]) if state[0] > len(self.place) else float(wanted[:-1] @ fits[-1]))
        leaves = 0.1 if quiet else float(self.ends[here, min(self.lasted, NEAR - 1)])
        self.going_on *= 1 - 0.5 * (leaves + 1 - masses[0] / max(sum(masses), 1e-9))
        chosen = 0
        if self.going_on < self.threshold:
            leaving = np.cumsum(masses[1:]) / max(sum(masses[1:]), 1e-12)
            chosen = 1 + int(np.searchsorted(leaving, min(draw(), 0.999999) * leaving[-1], side="right"))
            chosen = min(chosen, len(states) - 1)
        state = states[chosen][0]
        if state != (here, quiet):
            self.lasted, self.going_on = 0, 1.0
            self.threshold = 0.5 + self.spread * (draw() - 0.5)
        self.lasted += 1
        self.at = state
        out = np.full(len(scores), -30.0)
        if state[0] > len(self.place):
            out[-1] = 0.0
        else:
            out[:-1] = np.maximum(np.log(fits[chosen] + 1e-12), -30.0)
        return out

    @property
    def near(self) -> tuple[int, int, int, int]:
        """What is near the code that was led to last, see ``near_phone``."""
        places = np.append(self.place, len(self.phones))
        return near_phone(self.phones, int(places[min(self.at[0], len(self.place))]), self.at[1], self.lasted)

    def _states(self) -> list[tuple[tuple[int, bool], float]]:
        """What may come, staying first, and how likely it is before the network is asked; past all phones: the end."""
        here, quiet = self.at
        last = len(self.place)
        if quiet:
            return [((here, True), 0.8), ((here, False) if here < last else (last + 1, False), 0.2)]
        end = float(self.ends[here, min(self.lasted, NEAR - 1)])
        pause = float(self.pause[here + 1])
        following = (here + 1, False) if here + 1 < last else (last + 1, False)
        return [((here, False), 1 - end), (following, end), ((here + 1, True), end * pause)]

    def _codes_of(self, state: tuple[int, bool]) -> np.ndarray:
        """Probability of each code in a state."""
        place, quiet = state
        if place > len(self.place):
            return np.zeros(len(self.silent))
        return self.silent if quiet else self.said[place]


def pause_costs(place: np.ndarray, phones: int) -> np.ndarray:
    """Cost of a silence before each spoken phone and after the last `[K + 1]`: none where the text has a mark."""
    marked = np.diff(place, prepend=-1, append=phones) > 1
    marked[[0, -1]] = True  # before the first and after the last
    return np.where(marked, 0.0, PAUSE)


def near_phone(phones: np.ndarray, place: int, quiet: bool, lasted: int) -> tuple[int, int, int, int]:
    """The phone that is said, or comes after the silence, the two after it, and for how many codes (see ``NEAR``)."""
    following = [int(phones[i]) if i < len(phones) else 0 for i in range(place, place + 3)]
    return following[0], following[1], following[2], min(lasted, NEAR - 1) + (NEAR if quiet else 0)


def near_phones(phones: np.ndarray, places: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """``near_phone`` of every code `[T, 4]` of an utterance whose ``places`` `[T]` are known (-1 in silence).

    ``spoken`` `[P]`: which of the phones are no marks.
    """
    out = np.zeros((len(places), 4), np.int64)
    after = np.append(np.flatnonzero(spoken), len(phones))
    last, before, lasted = -1, (-2, False), 0
    for t, place in enumerate(places):
        quiet = place < 0
        here = int(after[np.searchsorted(after, last + 1)]) if quiet and last + 1 <= after[-1] else int(place)
        last = last if quiet else int(place)
        lasted = lasted + 1 if (here, quiet) == before else 1
        before = (here, quiet)
        out[t] = near_phone(phones, here, bool(quiet), lasted)
    return out


def learn_alignment(
    codes: Sequence[np.ndarray],
    phones: Sequence[np.ndarray],
    spoken: Sequence[np.ndarray],
    sizes: tuple[int, int],
    marks: frozenset[int],
) -> CodeAlignment:
    """What the codes mean in utterances whose alignment is known.

    ``spoken``: index into the phones for every code, -1 in silence; ``sizes``: symbols and codes; ``marks``: symbols
    that are not spoken. Rare phones lean on what is said everywhere (additive smoothing).
    """
    symbols, size = sizes
    table = np.zeros((symbols + 1, size))
    for row, written, path in zip(codes, phones, spoken, strict=True):
        np.add.at(table, (np.where(path >= 0, written[np.maximum(path, 0)], symbols), row), 1.0)
    everywhere = (table.sum(0) + 0.5) / (table.sum() + 0.5 * size)
    logs = np.log((table + 20 * everywhere) / (table.sum(1, keepdims=True) + 20))
    logs[sorted(marks)] = UNSPOKEN
    alignment = CodeAlignment(symbols, size)
    alignment.ends.copy_(_hazards(phones, spoken, symbols))
    alignment.said.copy_(torch.from_numpy(logs[:symbols]))
    alignment.silent.copy_(torch.from_numpy(logs[symbols]))
    return alignment


def _hazards(phones: Sequence[np.ndarray], spoken: Sequence[np.ndarray], symbols: int) -> Tensor:
    """``ends`` of ``CodeAlignment``; rare phones and lengths lean on all phones."""
    ended, reached = np.zeros((2, symbols, NEAR))
    for written, path in zip(phones, spoken, strict=True):
        starts = np.flatnonzero(np.diff(path, prepend=-2))
        for first, after in zip(starts, [*starts[1:], len(path)], strict=True):
            if path[first] >= 0:
                lasted = min(after - first, NEAR - 1)
                ended[written[path[first]], lasted] += 1
                reached[written[path[first]], : lasted + 1] += 1
    usual = (ended.sum(0) + 1) / (reached.sum(0) + 2)
    return torch.from_numpy(np.clip((ended + 20 * usual) / (reached + 20), 0.02, 0.98))
