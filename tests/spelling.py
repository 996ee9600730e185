"""How well English names that no dictionary holds are sounded out: ``python -m tests.spelling``

``tests/data/names.txt``: every US census surname and first name of CMUdict whose SHA-256 is divisible by 50. They,
with their plurals, are taken out of the dictionary, the n-gram model is trained on what is left (minutes), and the
phone error rate on them is printed: with the networks of the program, which never saw them, and without. The n-grams
that the program carries are made by the same recipe from the whole.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from gpt_sovits.features.phone_errors import edit_distance
from gpt_sovits.lab import train_spelling
from gpt_sovits.text.data import pronunciations
from gpt_sovits.text.en_spell import SpellingModel, one_stress
from gpt_sovits.text.en_spelling_net import scores

NAMES = Path(__file__).parent / "data" / "names.txt"
SHARE = 50
LIMIT = 0.09


def names() -> list[str]:
    """The names that are kept out of training."""
    return NAMES.read_text(encoding="ascii").split()


def chosen_by_hash(word: str) -> bool:
    return int(sha256(word.encode()).hexdigest(), 16) % SHARE == 0


def trained_without(kept_out: Sequence[str]) -> SpellingModel:
    """The shipped recipe on the dictionary less ``kept_out`` and their plurals."""
    away = {*kept_out, *(name + "s" for name in kept_out), *(name.removesuffix("s") for name in kept_out)}
    entries = [entry for entry in train_spelling.words() if entry[0] not in away]
    kept, contexts = train_spelling.count(train_spelling.alignments(entries))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.gz"
        train_spelling.save(path, kept, train_spelling.prune(contexts))
        return SpellingModel(gzip.decompress(path.read_bytes()))


def read(model: SpellingModel, word: str, networks: bool = True) -> list[str]:
    """The phones of ``word``, with the networks of the program or by the n-grams alone."""
    return one_stress(model.read(word, scores(word) if networks else ()))


def error_rates(model: SpellingModel, words: Sequence[str], networks: bool = True) -> tuple[float, float]:
    """(phone error rate, the same without stress), against the nearest pronunciation that the dictionary lists."""
    known = pronunciations()
    wrong = plain_wrong = total = 0
    for word in words:
        ours = read(model, word, networks)
        listed = [known[key].split() for key in (word, *(f"{word}({n})" for n in range(2, 6))) if key in known]
        best = min(listed, key=lambda theirs: edit_distance(ours, theirs))
        wrong += edit_distance(ours, best)
        plain_wrong += min(edit_distance(_plain(ours), _plain(theirs)) for theirs in listed)
        total += len(best)
    return wrong / total, plain_wrong / total


def _plain(phones: Sequence[str]) -> list[str]:
    return [phone.rstrip("012") for phone in phones]


def main(arguments: list[str] | None = None) -> int:
    """Prints the rates; 0 when the phone error rate is at most 9 %."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--show", type=int, default=10, metavar="N", help="names printed with their readings")
    options = parser.parse_args(arguments)
    words = names()
    model = trained_without(words)
    with_stress = 1.0
    for networks in (False, True):
        with_stress, without = error_rates(model, words, networks)
        by = "with the networks" if networks else "by n-grams alone"
        print(f"{len(words)} names kept out, {by}: {with_stress:.1%} phone errors, {without:.1%} without stress")
    for word in words[: options.show]:
        print(f"  {word:14} {' '.join(read(model, word)):40} {pronunciations()[word]}")
    return int(with_stress > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
