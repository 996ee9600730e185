r"""How every input of a JSONL file of found texts is read now.

``python -m tests.tools.found_texts FILE [--kind en] [--phones]``: each line of the file holds ``text`` (a line end is
written ``\n``), ``kind``, what was ``read`` and what it ``should_be``; the reading is that of the whole text, piece by
piece, as it is spoken. Judging is done by a person; judged cases are kept in tests/text.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gpt_sovits.text import read_text


def spoken(text: str) -> tuple[str, str]:
    """What is spoken of ``text`` (pieces are joined by `` | ``), and how each of its words is read."""
    pieces = [said for _, said in read_text(text)]
    readings = [f"{r.text}={r.reading}" for said in pieces for r in said.readings if r.why != "mark"]
    return " | ".join(said.norm_text for said in pieces), "; ".join(readings)


def main(arguments: list[str] | None = None) -> int:
    """Prints old reading, wanted reading and reading now of each line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--kind", default="", help="only kinds that contain this")
    parser.add_argument("--phones", action="store_true", help="show how each word is read")
    options = parser.parse_args(arguments)
    for number, line in enumerate(options.file.read_text(encoding="utf-8").splitlines(), 1):
        case = json.loads(line)
        if options.kind in case["kind"]:
            text = case["text"].replace("\\n", "\n")
            words, readings = spoken(text)
            print(f"{number} [{case['kind']}] {text!r}")
            print(f"  was   {case['read']}\n  want  {case['should_be']}\n  now   {words}")
            if options.phones:
                print(f"        {readings}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
