"""Letter-to-sound for English words that no dictionary holds.

A beam search over (letter, phones) pairs: the n-gram model that ``train_spelling`` made from the CMU dictionary says
which pairs follow each other, the networks of ``en_spelling_net`` what each letter stands for in the whole word
(held-out figures: see data/README.md).
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from gpt_sovits.text import en_spelling_net
from gpt_sovits.text.data import FOLDER, line_of

_BEAM = 12
_LEAST = -6.0  # log-probability under the networks below which no pair is tried (-9: the same on 1,003 names)
_SHARE = 0.7  # what the n-grams weigh beside the networks: fitted to 1,003 names that neither had seen
_LONGEST = 40
ORDER = 7
Pair = tuple[str, str]


class SpellingModel:
    """Pair n-grams with Witten-Bell smoothing, looked up in the sorted lines of the model file as they are needed."""

    def __init__(self, stored: bytes) -> None:
        """``stored``: the file of ``train_spelling.save``, unpacked."""
        head, _, self._lines = stored.partition(b"\n")
        pairs = [(item[0], item[2:]) for item in head.decode("ascii").split(",")]
        self.order = ORDER
        self.sounds = {chr(0x100 + i): tuple(sound.split()) for i, (_, sound) in enumerate(pairs)}
        self.by_letter: dict[str, list[str]] = {}
        for i, (letter, _) in enumerate(pairs):
            self.by_letter.setdefault(letter, []).append(chr(0x100 + i))
        self._first = {pair: any(phone[-1] == "1" for phone in sound) for pair, sound in self.sounds.items()}
        self._entry = lru_cache(maxsize=65536)(self._find)

    def _find(self, context: str) -> tuple[dict[str, int], int] | None:
        line = line_of(self._lines, context)
        if line is None:
            return None
        nexts, _, counts = line.partition("\t")
        numbers = [int(n) for n in counts.split()]
        return dict(zip(nexts, numbers, strict=True)), sum(numbers)

    def probability(self, context: str, pair: str) -> float:
        """P(pair | context), smoothed over all shorter contexts."""
        value = 1.0 / len(self.sounds)
        for size in range(min(len(context), self.order - 1) + 1):
            entry = self._entry(context[len(context) - size :])
            if entry is None:
                if size > 1:
                    break
                continue
            nexts, total = entry
            kinds = len(nexts)
            value = (nexts.get(pair, 0) + kinds * value) / (total + kinds)
        return value

    def read(self, word: str, seen: Sequence[Mapping[Pair, float]] = ()) -> list[str]:
        """The best phones for lower-case ``word``. ``seen``: what the networks say of each letter, if they are asked.

        With them a path bears one primary stress, no second one.
        """
        share = _SHARE if seen else 1.0
        beam: list[tuple[float, str, bool]] = [(0.0, "^", False)]
        for at, letter in enumerate(word[:_LONGEST]):
            options = self._options(letter, seen[at] if seen else None)
            grown = [
                (
                    score + own + share * math.log(self.probability(path[1 - self.order :], pair)),
                    path + pair,
                    stressed or first,
                )
                for score, path, stressed in beam
                for pair, own, first in options
                if not (seen and stressed and first)
            ]
            if grown:
                beam = sorted(grown, reverse=True)[:_BEAM]
        best = max(
            (
                score
                + share * math.log(self.probability(path[1 - self.order :], "$"))
                - (4.0 if seen and not stressed else 0.0),
                path,
            )
            for score, path, stressed in beam
        )
        return [phone for pair in best[1][1:] for phone in self.sounds[pair]]

    def _options(self, letter: str, seen: Mapping[Pair, float] | None) -> list[tuple[str, float, bool]]:
        """(pair, its log-probability under the networks, whether it bears the primary stress) for one letter."""
        own = self.by_letter.get(letter, [])
        options = [
            (pair, 0.0 if seen is None else seen.get((letter, " ".join(self.sounds[pair])), -20.0), self._first[pair])
            for pair in own
        ]
        return [option for option in options if option[1] > _LEAST] or options


@cache
def _model() -> SpellingModel:
    return SpellingModel(gzip.decompress((FOLDER / "en_spelling.txt.gz").read_bytes()))


def one_stress(phones: list[str]) -> list[str]:
    """Exactly one primary stress: the first that the model set, else the first vowel."""
    vowels = [i for i, phone in enumerate(phones) if phone[-1].isdigit()]
    if not vowels:
        return phones
    stressed = next((i for i in vowels if phones[i][-1] == "1"), vowels[0])
    return [
        phone[:-1] + ("1" if i == stressed else "2" if phone[-1] == "1" else phone[-1]) if i in vowels else phone
        for i, phone in enumerate(phones)
    ]


@lru_cache(maxsize=8192)
def _guess(word: str) -> tuple[str, ...]:
    return tuple(one_stress(_model().read(word, en_spelling_net.scores(word[:_LONGEST]))))


def guess(word: str) -> list[str]:
    """ARPAbet for an unknown word; whatever is not a letter a-z is skipped."""
    return list(_guess("".join(char for char in word.lower() if "a" <= char <= "z")))
