"""Trains the English letter-to-sound model from the CMU dictionary: ``python -m gpt_sovits.lab.train_spelling OUT``

Each letter stands for none, one or two phones (expectation-maximisation with best paths decides which); a word is
then a string of such pairs, and an n-gram model over pairs is all that ``en_spell`` needs. About two minutes.
"""

from __future__ import annotations

import argparse
import gzip
import math
import re
from collections import Counter, defaultdict
from pathlib import Path

from gpt_sovits.text.data import pronunciations
from gpt_sovits.text.en_spell import ORDER

_ALL_UP_TO = 4
Pair = tuple[str, str]


def words() -> list[tuple[str, list[str]]]:
    """Dictionary entries of letters only, first pronunciation, two letters or more."""
    plain = re.compile(r"[a-z]{2,}")
    return [(word, phones.split()) for word, phones in pronunciations().items() if plain.fullmatch(word)]


def align(word: str, phones: list[str], cost: dict[Pair, float]) -> list[Pair] | None:
    """The cheapest way to give every letter none, one or two of the phones, in order."""
    size = len(phones)
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, -1)}]
    for i, letter in enumerate(word):
        row: dict[int, tuple[float, int]] = {}
        left = len(word) - i - 1
        for at, (total, _) in best[-1].items():
            for take in (0, 1, 2):
                end = at + take
                if end > size or size - end > 2 * left:
                    continue
                value = total + cost.get((letter, " ".join(phones[at:end])), 12.0)
                if end not in row or value < row[end][0]:
                    row[end] = (value, at)
        best.append(row)
    if size not in best[-1]:
        return None
    pairs = []
    end = size
    for i in range(len(word), 0, -1):
        at = best[i][end][1]
        pairs.append((word[i - 1], " ".join(phones[at:end])))
        end = at
    return pairs[::-1]


def _start_costs(entries: list[tuple[str, list[str]]]) -> dict[Pair, float]:
    """Letters and phones that share a word more often than chance are cheap; silence and pairs cost more."""
    together: Counter[Pair] = Counter()
    letters: Counter[str] = Counter()
    sounds: Counter[str] = Counter()
    for word, phones in entries:
        for i, letter in enumerate(word):
            at = i * len(phones) / len(word)
            for j, phone in enumerate(phones):
                weight = math.exp(-abs(at - j))
                together[letter, phone] += weight  # type: ignore[assignment]
                letters[letter] += weight  # type: ignore[assignment]
                sounds[phone] += weight  # type: ignore[assignment]
    total = sum(letters.values())
    cost = {pair: -math.log(n * total / (letters[pair[0]] * sounds[pair[1]])) + 3 for pair, n in together.items()}
    for letter in letters:
        cost[letter, ""] = 4.0
    return cost


def alignments(entries: list[tuple[str, list[str]]], rounds: int = 5) -> list[list[Pair]]:
    """Best alignments after ``rounds`` of re-estimation."""
    cost = _start_costs(entries)
    found: list[list[Pair]] = []
    for _ in range(rounds):
        found = [pairs for word, phones in entries if (pairs := align(word, phones, cost))]
        counts = Counter(pair for pairs in found for pair in pairs)
        total = Counter[str]()
        for (letter, _), n in counts.items():
            total[letter] += n
        cost = {(letter, sound): -math.log(n / total[letter]) for (letter, sound), n in counts.items()}
    return found


def count(found: list[list[Pair]], order: int = ORDER) -> tuple[list[Pair], dict[str, Counter[str]]]:
    """(pairs in code order, context -> counts of the next pair); a pair is one character, ``^`` pads, ``$`` ends."""
    frequency = Counter(pair for pairs in found for pair in pairs)
    kept = [pair for pair, n in frequency.most_common() if n >= 4]
    code = {pair: chr(0x100 + i) for i, pair in enumerate(kept)}
    contexts: dict[str, Counter[str]] = defaultdict(Counter)
    for pairs in found:
        if any(pair not in code for pair in pairs):
            continue
        text = "^" + "".join(code[pair] for pair in pairs) + "$"
        for i in range(1, len(text)):
            for size in range(order):
                if i - size < 0:
                    break
                contexts[text[i - size : i]][text[i]] += 1
    return kept, contexts


def prune(contexts: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """Drops what was seen only once after more than four pairs: half the size for 0.1 points of phone error."""
    kept: dict[str, Counter[str]] = {}
    for context, nexts in contexts.items():
        least = 1 if len(context) <= _ALL_UP_TO else 2
        strong = Counter({pair: n for pair, n in nexts.items() if n >= least})
        if strong:
            kept[context] = strong
    return kept


def save(path: Path, kept: list[Pair], contexts: dict[str, Counter[str]]) -> None:
    """One line of pairs, then one line per context: context, next pairs, tab, their counts."""
    lines = [",".join(f"{letter}:{sound}" for letter, sound in kept)]
    for context in sorted(contexts):
        ranked = contexts[context].most_common()
        lines.append(context + "\t" + "".join(pair for pair, _ in ranked) + "\t" + " ".join(str(n) for _, n in ranked))
    path.write_bytes(gzip.compress("\n".join(lines).encode("utf-8"), 9, mtime=0))


def main(arguments: list[str] | None = None) -> None:
    """Trains on the whole dictionary and writes the model file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    kept, contexts = count(alignments(words()))
    save(options.out, kept, prune(contexts))


if __name__ == "__main__":
    main()
