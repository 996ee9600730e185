"""How many homographs of labelled sentences are read right: ``python -m tests.homographs DATA``

DATA is the folder that ``gpt_sovits.lab.train_homographs`` describes; its ``eval.tsv`` took no part in fitting.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from pathlib import Path

from gpt_sovits.text import explain
from gpt_sovits.text.en_homograph_model import nearest


def main(arguments: list[str] | None = None) -> int:
    """Prints the share that is right and the words that are worst."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    options = parser.parse_args(arguments)
    readings = json.loads((options.data / "readings.json").read_text(encoding="utf-8"))
    total, wrong = 0, Counter[str]()
    for row in csv.reader((options.data / "eval.tsv").open(encoding="utf-8"), delimiter="\t"):
        word, name, sentence = row[0].lower(), row[1], row[2]
        if name not in readings.get(word, {}):
            continue
        listed = tuple(sorted({reading for reading, _ in readings[word].values()}))
        raw = sentence.encode()
        start = len(raw[: int(row[3])].decode(errors="ignore"))
        found = [r.reading for r in explain(sentence, "en") if r.start <= start < r.end]
        total += 1
        wrong[word] += not found or listed[nearest(listed, found[0])] != readings[word][name][0]
    print(f"{total - wrong.total()} of {total} right ({1 - wrong.total() / total:.1%})", wrong.most_common(12))
    return 0


if __name__ == "__main__":
    sys.exit(main())
