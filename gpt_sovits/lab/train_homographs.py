"""Fits the homograph weights: ``python -m gpt_sovits.lab.train_homographs DATA OUT``

DATA is a folder with ``train.tsv``, ``eval.tsv`` (homograph, name of the reading, sentence, first and last byte) and
``readings.json`` (homograph -> name of the reading -> [ARPAbet, whether it is the verb]), made from Google's Wikipedia
homograph data (Apache-2.0). Two logistic models share each decision: one per word, and one of verbs for all pairs of
noun and verb. The sentences of ``eval.tsv`` take no part in fitting.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt_sovits.text import en_g2p, en_homograph_model, en_homographs, en_normalize
from gpt_sovits.text.tracked import Tracked

_EPOCHS, _RATE, _SHRINK = 10, 0.25, 2e-3
_LEAST_OWN, _LEAST_SHARED = 0.12, 0.05


@dataclass(frozen=True)
class _Example:
    word: str
    right: int
    shared: list[str]
    own: list[str]
    ruled: int


def _context(sentence: str, start: int, end: int) -> tuple[list[str], int, bool] | None:
    """Words around the target as the reader will see them, its index, and whether it is written like a name."""
    norm = en_normalize.normalize(Tracked.of(sentence))
    tokens = list(en_g2p.tokens(norm.text))
    words = [token.group().lower() if any(map(str.isalpha, token.group())) else "" for token in tokens]
    for i, token in enumerate(tokens):
        if words[i] and norm.starts[token.start()] < end and norm.ends[token.start()] > start:
            named = token.group()[0].isupper() and i > 0 and tokens[i - 1].group() not in ".!?"
            return words, i, named
    return None


def examples(path: Path, readings: dict[str, dict[str, tuple[str, bool]]]) -> Iterator[_Example]:
    """The labelled sentences of one table; those whose word is lost in normalising are left out."""
    for row in csv.reader(path.open(encoding="utf-8"), delimiter="\t"):
        word, name, sentence = row[0].lower(), row[1], row[2]
        if name not in readings.get(word, {}):
            continue
        raw = sentence.encode()
        start, end = (len(raw[: int(at)].decode(errors="ignore")) for at in row[3:5])
        found = _context(sentence, start, end)
        if found is None:
            continue
        listed = sorted({reading for reading, _ in readings[word].values()})
        by_rules = en_homographs.homograph(*found, as_trained=True) or en_g2p.lookup(word) or ()
        shared = en_homograph_model.features(*found, en_homographs.CLASSES)
        ruled = en_homograph_model.nearest(tuple(listed), " ".join(by_rules))
        own = [*shared, *en_homograph_model.around(found[0], found[1]), "bias", f"r{ruled}"]
        yield _Example(word, listed.index(readings[word][name][0]), shared, own, ruled)


def _verb_of(entry: dict[str, tuple[str, bool]]) -> int:
    """Index of the verb among two readings; -1 where there is no such pair."""
    listed = sorted({reading for reading, _ in entry.values()})
    verbs = {reading for reading, verb in entry.values() if verb}
    return listed.index(verbs.pop()) if len(verbs) == 1 and len(listed) == 2 else -1


def fit(rows: list[_Example], verbs: dict[str, int], sizes: dict[str, int]) -> dict[tuple[str, ...], float]:
    """Weights by (word, class, feature), and by ("", "", feature) for verbs in general; AdaGrad, shrunk to zero."""
    seen = Counter((row.word, name) for row in rows for name in row.own)
    common = Counter(name for row in rows if verbs[row.word] >= 0 for name in row.shared)
    weights: dict[tuple[str, ...], float] = defaultdict(float)
    squares: dict[tuple[str, ...], float] = defaultdict(lambda: 1e-2)
    draw = random.Random(1)
    for _ in range(_EPOCHS):
        draw.shuffle(rows)
        for row in rows:
            own = [name for name in row.own if seen[row.word, name] > 1]
            verb = verbs[row.word]
            general = [n for n in row.shared if common[n] > 2] if verb >= 0 else []
            general += ["bias", "rv" if row.ruled == verb else "rn"] if verb >= 0 else []
            classes = range(sizes[row.word]) if sizes[row.word] > 2 else (verb if verb >= 0 else 1,)
            keys = {c: [*((row.word, str(c), n) for n in own), *(("", "", n) for n in general)] for c in classes}
            sums = {c: sum(weights[key] for key in keys[c]) for c in classes}
            for c, slope in _slopes(sums, row.right).items():
                for key in keys[c]:
                    step = slope + _SHRINK * weights[key] * (3 if key[0] else 1)
                    squares[key] += step * step
                    weights[key] -= _RATE * step / math.sqrt(squares[key])
    return {k: round(w, 2) for k, w in weights.items() if abs(w) >= (_LEAST_OWN if k[0] else _LEAST_SHARED)}


def _slopes(sums: dict[int, float], right: int) -> dict[int, float]:
    """Derivative of the loss by each class's sum: logistic for one class, softmax for several."""
    if len(sums) == 1:
        ((index, total),) = sums.items()
        return {index: 1 / (1 + math.exp(-max(-30.0, min(30.0, total)))) - (index == right)}
    most = max(sums.values())
    parts = {index: math.exp(total - most) for index, total in sums.items()}
    whole = sum(parts.values())
    return {index: part / whole - (index == right) for index, part in parts.items()}


def packed(weights: dict[tuple[str, ...], float], readings: dict[str, list[str]], verbs: dict[str, int]) -> Any:
    """The table that ``en_homograph_model`` reads."""
    model: dict[str, Any] = {"verb": {key[2]: w for key, w in weights.items() if not key[0]}, "words": {}}
    for word, listed in readings.items():
        several: list[dict[str, float]] = [{} for _ in listed]
        for key, weight in weights.items():
            if key[0] == word:
                several[int(key[1])][key[2]] = weight
        one = several[verbs[word] if verbs[word] >= 0 else 1]
        entry = {"readings": listed, "verb": verbs[word], "weights": one if len(listed) == 2 else several}
        model["words"][word] = entry
    return model


def main(arguments: list[str] | None = None) -> None:
    """Fits and writes the table; ``python -m tests.homographs`` says how good it is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    entries = json.loads((options.data / "readings.json").read_text(encoding="utf-8"))
    readings = {word: sorted({reading for reading, _ in entry.values()}) for word, entry in entries.items()}
    verbs = {word: _verb_of(entry) for word, entry in entries.items()}
    sizes = {word: len(listed) for word, listed in readings.items()}
    rows = [row for row in examples(options.data / "train.tsv", entries) if sizes[row.word] > 1]
    table = packed(fit(rows, verbs, sizes), {w: r for w, r in readings.items() if len(r) > 1}, verbs)
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    options.out.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
