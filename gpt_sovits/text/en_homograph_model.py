"""Which reading of a homograph fits its neighbours: a linear model over the words around it.

``data/en_homograph_weights`` was fitted to the training half of the Wikipedia homograph data (see data/README.md). What
it learnt of verbs in general serves the noun-and-verb pairs that it never saw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from gpt_sovits.text.data import table

_EDGE = "<"
_AROUND = 7


def features(words: Sequence[str], at: int, capital: bool, classes: Mapping[str, frozenset[str]]) -> list[str]:
    """What stands next to ``words[at]``: the words, their ends and classes; ``capital``: it is written like a name."""

    def word(offset: int) -> str:
        return words[at + offset] if 0 <= at + offset < len(words) else _EDGE

    p, q, n, m = word(-1), word(-2), word(1), word(2)
    found = [f"p={p}", f"n={n}", f"q={q}", f"m={m}", f"pn={p}|{n}", f"qp={q}|{p}", f"nm={n}|{m}"]
    found += [f"ps={p[-2:]}", f"ns={n[-2:]}"]
    for name, neighbour in (("p", p), ("n", n), ("q", q), ("m", m)):
        found += [f"{name}:{kind}" for kind, members in classes.items() if neighbour in members]
    return [*found, "cap"] if capital else found


def around(words: Sequence[str], at: int) -> list[str]:
    """The longer words near ``words[at]``, in any order."""
    near = (*words[max(0, at - _AROUND) : at], *words[at + 1 : at + 1 + _AROUND])
    return sorted({f"b={word}" for word in near if len(word) > 3})


@lru_cache(maxsize=4096)
def nearest(readings: tuple[str, ...], guess: str) -> int:
    """Which of the readings a reading of other rules means."""
    if guess in readings:
        return readings.index(guess)
    alike = [SequenceMatcher(None, guess.split(), reading.split()).ratio() for reading in readings]
    return alike.index(max(alike))


def _sum(weights: Mapping[str, float], names: Sequence[str]) -> float:
    return sum(weights.get(name, 0.0) for name in names)


def verbal(names: Sequence[str], ruled: bool) -> float:
    """How much like a verb a place looks, above 0 for yes; ``ruled``: whether the rules say so."""
    weights: dict[str, float] = table("en_homograph_weights")["verb"]
    return _sum(weights, [*names, "bias", "rv" if ruled else "rn"])


def choose(words: Sequence[str], at: int, names: Sequence[str], by_rules: Callable[[], str]) -> str | None:
    """The fitting reading of ``words[at]`` (ARPAbet); None for a word that the model does not know."""
    entry = table("en_homograph_weights")["words"].get(words[at])
    if entry is None:
        return None
    readings: list[str] = entry["readings"]
    ruled = nearest(tuple(readings), by_rules())
    own = [*names, *around(words, at), "bias", f"r{ruled}"]
    if len(readings) > 2:
        sums = [_sum(weights, own) for weights in entry["weights"]]
        return readings[sums.index(max(sums))]
    total = _sum(entry["weights"], own)
    verb = entry["verb"]
    if verb < 0:
        return readings[1] if total > 0 else readings[0]
    return readings[verb] if total + verbal(names, ruled == verb) > 0 else readings[1 - verb]
