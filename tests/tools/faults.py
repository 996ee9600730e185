"""How many faults of the sampler are found, and how many sound sequences are accused: `python -m tests.tools.faults`.

Tokens of hard inputs are made with the guard off; into each one fault of every kind is put where a sampler makes it.
Sound ones are those that nothing was done to.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch

from gpt_sovits.acoustic.code_alignment import CodeAlignment
from gpt_sovits.events import CancelToken
from gpt_sovits.families.base import load_base
from gpt_sovits.semantic.guard import disbelief, suspicion
from gpt_sovits.settings import Settings
from gpt_sovits.synthesis import Manner, Synthesizer, _Work
from gpt_sovits.text import Phones, phonemize, split_text
from gpt_sovits.voices.voice import Voice
from tests.tools.every_word import voices
from tests.tools.hard_inputs import hard_inputs

LEAST = 4  # tokens of a word that is taken for a fault


@dataclass(frozen=True)
class Made:
    """Tokens `[T]` for ``said``, and where its words lie in them."""

    text: str
    said: Phones
    tokens: np.ndarray
    words: tuple[tuple[int, int], ...]


def made(inputs: int, alignment: CodeAlignment, synthesizer: Synthesizer, who: Sequence[Voice]) -> list[Made]:
    out = []
    base = synthesizer.base("mini")
    for number, (_, language, text) in enumerate(hard_inputs()[:inputs]):
        language = "auto" if language == "mixed" else language
        for piece in split_text(text, language):
            said = phonemize(piece, language, base.symbols_version)
            work = _Work(base, base.acoustic, base.semantic, who[number % len(who)], phonemize, None, CancelToken())
            rolled = synthesizer._tokens(work, said, Manner(attempts=1), number)
            tokens = rolled.result.tokens.numpy()
            out.append(Made(text, said, tokens, words_in(alignment, tokens, said)))
    return out


def words_in(alignment: CodeAlignment, tokens: np.ndarray, said: Phones) -> tuple[tuple[int, int], ...]:
    path = alignment.indices(tokens, np.asarray(said.ids))
    found, place = [], len(said.phones) - sum(len(reading.phones) for reading in said.readings)
    for reading in said.readings:
        here = np.flatnonzero((path >= place) & (path < place + len(reading.phones)))
        place += len(reading.phones)
        if reading.why != "mark" and len(here) >= LEAST:
            found.append((int(here[0]), int(here[-1]) + 1))
    return tuple(found)


def faults(silent: int, pool: np.ndarray, rng: random.Random) -> dict[str, Callable[[Made], np.ndarray | None]]:
    def other(count: int) -> np.ndarray:
        at = rng.randrange(len(pool) - count)
        return pool[at : at + count]

    def at_word(change: Callable[[np.ndarray, int, int], list[np.ndarray]]) -> Callable[[Made], np.ndarray | None]:
        def changed(m: Made) -> np.ndarray | None:
            if len(m.words) < 2:
                return None
            return np.concatenate(change(m.tokens, *rng.choice(m.words)))

        return changed

    def phrase(m: Made) -> np.ndarray | None:
        if len(m.tokens) < 30:
            return None
        size = rng.randrange(12, min(40, len(m.tokens) - 5))
        at = rng.randrange(len(m.tokens) - size)
        return np.concatenate([m.tokens[: at + size], m.tokens[at:]])

    def loop(m: Made) -> np.ndarray:
        at, size = rng.randrange(len(m.tokens)), rng.randrange(1, 8)
        return np.concatenate([m.tokens[:at], np.tile(m.tokens[at : at + size], 12), m.tokens[at:]])

    def early(m: Made) -> np.ndarray | None:
        return m.tokens[: int(len(m.tokens) * rng.uniform(0.3, 0.75))] if len(m.tokens) >= 20 else None

    return {
        "word left out": at_word(lambda x, a, b: [x[:a], x[b:]]),
        "word twice": at_word(lambda x, a, b: [x[:b], x[a:]]),
        "another word": at_word(lambda x, a, b: [x[:a], other(max(8, b - a)), x[b:]]),
        "word mumbled": at_word(lambda x, a, b: [x[:a], np.array([rng.randrange(1024) for _ in x[a:b]]), x[b:]]),
        "word silent": at_word(lambda x, a, b: [x[:a], np.full(b - a, silent), x[b:]]),
        "extra word": at_word(lambda x, a, b: [x[:b], other(rng.randrange(8, 16)), x[b:]]),
        "phrase twice": phrase,
        "stops early": early,
        "babbles on": lambda m: np.concatenate([m.tokens, other(rng.randrange(12, 50))]),
        "babbles before": lambda m: np.concatenate([other(rng.randrange(12, 50)), m.tokens]),
        "loops": loop,
        "sticks": lambda m: np.insert(m.tokens, at := rng.randrange(len(m.tokens)), np.full(25, m.tokens[at])),
        "another sentence": lambda m: other(len(m.tokens)),
        "nothing": lambda m: np.full(len(m.tokens), silent),
    }


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--inputs", type=int, default=300)
    options.add_argument("--corpus", type=Path, default=Path("../shared/corpus"))
    options.add_argument("--folder", type=Path, default=Path("/tmp"))
    options.add_argument("--voices", default="Ada,Bo,Cleo,clip,pmatthes,aishellS0252")
    options.add_argument("--show", action="store_true", help="what was missed or accused")
    given = options.parse_args(argv)
    torch.set_num_threads(1)
    base = load_base("mini", Settings(data_dir=given.folder))
    alignment = cast(CodeAlignment, base.acoustic.alignment)
    people = voices(base, given.corpus, given.folder)
    every = made(given.inputs, alignment, Synthesizer(lambda name: base), [people[n] for n in given.voices.split(",")])
    found: dict[str, list[str | None]] = {}
    kinds = faults(int(alignment.silent.argmax()), np.concatenate([m.tokens for m in every]), random.Random(1))
    for kind, change in {"(none)": lambda m: m.tokens, **kinds}.items():
        for m in every:
            tokens = change(m)
            if tokens is None:
                continue
            reason = suspicion(torch.from_numpy(tokens), len(m.said.ids), True) or disbelief(
                alignment.evidence(tokens, np.asarray(m.said.ids))
            )
            found.setdefault(kind, []).append(reason)
            if given.show and (reason is None) == (kind != "(none)"):
                sys.stdout.write(f"{kind}: {reason} {m.text[:60]}\n")
    for kind, reasons in found.items():
        count = sum(reason is not None for reason in reasons)
        sys.stdout.write(f"| {kind} | {len(reasons)} | {count} | {count / len(reasons):.1%} |\n")
    faulty = [reason for kind, reasons in found.items() if kind != "(none)" for reason in reasons]
    sys.stdout.write(f"| all faults | {len(faulty)} | | {sum(map(bool, faulty)) / len(faulty):.2%} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
