"""Are wrong words found? Words of real transcripts are swapped, dropped and added on purpose; finds the thresholds too.

    python -m gpt_sovits.lab.evaluation.transcripts /tmp/heldout --base mini --store

The folder is one that ``lab.evaluation.heldout`` makes: speakers the base never heard. Thresholds are set on half of
the speakers and the figures are those of the other half. ``--store`` then sets them on all speakers and writes them
into the base's config.json, where the data set's builder reads them (``dataset.proof.Thresholds``).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from gpt_sovits.audio import normalize, read_audio, resample, write_bytes
from gpt_sovits.dataset.align import FRAME_SECONDS, align, sister_groups
from gpt_sovits.dataset.build import LISTEN_RATE, LOUDNESS, listen
from gpt_sovits.dataset.ears import PhoneListener
from gpt_sovits.dataset.proof import Proof, Thresholds, fitting_share, prove, shares, softened, unbiased
from gpt_sovits.dataset.tongues import within
from gpt_sovits.dataset.transcript import script_words
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.lab.evaluation.folder import read_table
from gpt_sovits.text import symbols
from gpt_sovits.versions import EMBEDDED

KINDS = ("swapped", "added", "dropped")  # what is done to the text
_NEVER = -1e3  # a bound that no word falls below
_SHORT = 3  # phones; words that are shorter are neither changed nor judged
_PRECISE = 0.9  # of the doubted slices must be wrong, of as many changed as untouched ones; else no word is doubted
_KEPT = 0.98  # of right pieces must be confident
Words = list[tuple[int, ...]]


@dataclass(frozen=True)
class Trial:
    """One clip: the proofs of its own text, of three spoiled ones, and of a text that belongs to another clip."""

    speaker: str
    right: Proof
    spoiled: Mapping[str, Proof]
    other: Proof


@dataclass(frozen=True)
class Recorded:
    """All clips of a speaker as one recording: its pieces with their own text, and with another speaker's."""

    speaker: str
    right: tuple[Proof, ...]
    wrong: tuple[Proof, ...]


@dataclass(frozen=True)
class Score:
    """How many slices were doubted: ``found`` of ``changed`` ones by kind, ``false`` of ``untouched`` ones."""

    found: Mapping[str, int]
    changed: int
    false: int
    untouched: int

    @property
    def recall(self) -> float:
        return sum(self.found.values()) / max(1, len(self.found) * self.changed)

    @property
    def precision(self) -> float:
        """With one untouched slice for each changed one."""
        found = sum(self.found.values()) / max(1, len(self.found))
        return found / max(1e-9, found + self.false)


@dataclass(frozen=True)
class Result:
    """``score`` with ``thresholds`` that were set on other speakers; (``right``, ``wrong``): shares of pieces kept."""

    thresholds: Thresholds
    score: Score
    right: float
    wrong: float
    recordings_right: float
    recordings_wrong: float


def measure(folder: Path, listener: PhoneListener, *, slices: int = 100, seed: int = 0) -> tuple[Result, Thresholds]:
    """The figures with thresholds of half of the speakers, and the thresholds of all of them."""
    rng = random.Random(seed)
    clips = _clips(folder, slices)
    trials: list[Trial] = []
    recordings: list[Recorded] = []
    speakers = list(clips)
    texts = {name: [w for _, words, _ in rows for w in words] for name, rows in clips.items()}
    pool = [word for words in texts.values() for word in words if len(word) >= _SHORT]
    sisters = sister_groups(symbols().names)
    for number, (speaker, rows) in enumerate(clips.items()):
        heard = [within(_posteriors(folder / path, listener), {language}) for path, _, language in rows]
        share = shares(np.concatenate(heard))
        sounds = [unbiased(each, share) for each in heard]
        other = texts[speakers[(number + 1) % len(speakers)]]
        weight = Thresholds().weight({language for _, _, language in rows})
        for sound, (_, words, _) in zip(sounds, rows, strict=True):
            wrong = {kind: prove(sound, spoil(words, kind, pool, rng), sisters) for kind in KINDS}
            start = rng.randrange(max(1, len(other) - len(words)))
            trials.append(
                Trial(speaker, prove(sound, words, sisters, weight=weight), wrong,
                      prove(sound, other[start : start + len(words)], sisters, weight=weight))
            )  # fmt: skip
        recordings.append(Recorded(speaker, *(recording_proofs(sounds, t, weight) for t in (texts[speaker], other))))
    half = set(speakers[::2])
    learnt = _choose([t for t in trials if t.speaker in half], [r for r in recordings if r.speaker in half])
    judged = [t for t in trials if t.speaker not in half]
    rest = [r for r in recordings if r.speaker not in half]
    result = Result(
        learnt,
        score(judged, learnt),
        _mean([t.right.evidence >= learnt.confident for t in judged]),
        _mean([t.other.evidence >= learnt.confident for t in judged]),
        _mean([_share(each.right, learnt) >= learnt.fitting for each in rest]),
        _mean([_share(each.wrong, learnt) >= learnt.fitting for each in rest]),
    )
    return result, _choose(trials, recordings)


def spoil(words: Words, kind: str, pool: Words, rng: random.Random) -> Words:
    """``words`` with one of them swapped for another of like length, one more added, or one dropped."""
    at = rng.choice([k for k, word in enumerate(words) if len(word) >= _SHORT])
    if kind == "dropped":
        return words[:at] + words[at + 1 :]
    alike = [word for word in pool if abs(len(word) - len(words[at])) <= 2 and word != words[at]]
    if kind == "added":
        place = rng.randrange(len(words) + 1)
        return words[:place] + [rng.choice(alike)] + words[place:]
    return words[:at] + [rng.choice(alike)] + words[at + 1 :]


def recording_proofs(sounds: Sequence[np.ndarray], words: Words, weight: float) -> tuple[Proof, ...]:
    """What the builder would find in the pieces of a recording (``sounds``: unbiased) for this text.

    ``weight``: of the text's languages, see ``Thresholds.weight``.
    """
    sisters = sister_groups(symbols().names)
    found = align(softened(np.concatenate(sounds)), words, sisters=sisters).words
    proofs, now = [], 0.0
    for sound in sounds:
        end = now + len(sound) * FRAME_SECONDS
        inside = [words[w.index] for w in found if not w.skipped and now <= (w.start + w.end) / 2 < end]
        proofs.append(prove(sound, inside, sisters, weight=weight))
        now = end
    return tuple(proofs)


def _share(proofs: Sequence[Proof], thresholds: Thresholds) -> float:
    return fitting_share(proofs, sum(proof.seconds for proof in proofs), thresholds)


def doubted(proof: Proof, thresholds: Thresholds) -> bool:
    return bool(proof.wrong_words(thresholds) or proof.extra_gaps(thresholds))


def score(trials: Sequence[Trial], thresholds: Thresholds) -> Score:
    found = {kind: sum(doubted(t.spoiled[kind], thresholds) for t in trials) for kind in KINDS}
    return Score(found, len(trials), sum(doubted(t.right, thresholds) for t in trials), len(trials))


def _choose(trials: Sequence[Trial], recordings: Sequence[Recorded]) -> Thresholds:
    """Word and gap by the best F0.5 of doubted slices (a false alarm annoys more than a miss); confident where it parts
    right slices from wrong ones best, but so that nearly all right ones stay; sure above nearly all wrong ones; fitting
    midway between the worst right recording and the best wrong one."""
    right = np.array([t.right.evidence for t in trials])
    wrong = np.array([t.other.evidence for t in trials])
    levels = np.unique(right)
    parted = np.array([np.mean(right >= level) - np.mean(wrong >= level) for level in levels])
    confident = float(min(levels[parted.argmax()], np.quantile(right, 1.0 - _KEPT)))
    sure = max(confident, float(np.quantile(wrong, 0.99)))
    alone = Thresholds(confident, sure)
    fitting = (min(_share(r.right, alone) for r in recordings) + max(_share(r.wrong, alone) for r in recordings)) / 2
    lowest = np.array([min(_long(t.right), default=np.inf) for t in trials])
    highest = np.array([max(t.right.gaps) for t in trials])
    best, best_f = Thresholds(confident, sure, fitting, _NEVER, -_NEVER), -1.0
    quantiles = (0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2)
    for ease, below, above in product((2.0, 1.5, 1.25, 1.0), quantiles, quantiles):  # of equal ones the most lenient
        word, gap = float(np.quantile(lowest, below)), ease * float(np.quantile(highest, 1.0 - above))
        tried = Thresholds(confident, sure, fitting, word - (ease - 1.0) * abs(word), gap)
        found = score(trials, tried)
        f = 1.25 * found.precision * found.recall / max(1e-9, 0.25 * found.precision + found.recall)
        if found.precision >= _PRECISE and f > best_f:
            best, best_f = tried, f
    return Thresholds(*(round(value, 3) for value in best.to_dict().values()))


def _long(proof: Proof) -> list[float]:
    return [margin for margin, count in zip(proof.words, proof.phones, strict=True) if count >= _SHORT]


def _mean(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else 0.0


def _clips(folder: Path, wanted: int) -> dict[str, list[tuple[str, Words, str]]]:
    """speaker -> (path, phones of each word, language) of its first clips, about ``wanted`` in all."""
    by_speaker: dict[str, list[tuple[str, Words, str]]] = {}
    rows = read_table(folder / "metadata.tsv")
    each = -(-wanted // max(1, len({row["speaker"] for row in rows})))
    for row in rows:
        words = [word.ids for word in script_words(row["transcript"], row["language"])]
        kept = by_speaker.setdefault(row["speaker"], [])
        if len(kept) < each and sum(len(word) >= _SHORT for word in words) >= 2:
            kept.append((row["path"], words, row["language"]))
    if len(by_speaker) < 2:
        raise InputError("At least two speakers are needed.", "Make the folder with evaluation.heldout.")
    return by_speaker


def _posteriors(path: Path, listener: PhoneListener) -> np.ndarray:
    return listen(normalize(resample(read_audio(path), LISTEN_RATE), LOUDNESS), listener)


def table(result: Result) -> str:
    """The figures as Markdown."""
    found = result.score
    lines = ["| one word of a slice | slices | doubted |", "|---|---|---|"]
    lines += [f"| {kind} | {found.changed} | {count} |" for kind, count in found.found.items()]
    lines += [f"| untouched | {found.untouched} | {found.false} |"]
    lines += ["", f"precision {found.precision:.2f}, recall {found.recall:.2f}"]
    lines += [f"pieces kept: {result.right:.0%} with their own text, {result.wrong:.0%} with another"]
    lines += [f"recordings kept: {result.recordings_right:.0%} with their own text, "
              f"{result.recordings_wrong:.0%} with another"]  # fmt: skip
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """The options of this module as a command."""
    name = "python -m gpt_sovits.lab.evaluation.transcripts"
    options = argparse.ArgumentParser(prog=name, description="Are wrong words found? Sets the thresholds of a base.")
    options.add_argument("folder", type=Path, help="made by python -m gpt_sovits.lab.evaluation.heldout")
    options.add_argument("--base", default=EMBEDDED, help="the base that listens")
    options.add_argument("--slices", type=int, default=100, help="about how many clips to try")
    options.add_argument("--seed", type=int, default=0, help="of the changes")
    options.add_argument("--store", action="store_true", help="write the thresholds into the base's config.json")
    return options


def main(argv: Sequence[str]) -> int:
    from gpt_sovits.families.base import load_base
    from gpt_sovits.settings import Settings

    options = parser().parse_args(argv)
    try:
        base = load_base(options.base, Settings.load())
        if base.ear is None:
            raise InputError(f"The model {base.name} cannot hear phones.", "Measure the embedded base.")
        result, chosen = measure(options.folder, base.ear, slices=options.slices, seed=options.seed)
        if options.store:
            path = base.files.folder / "config.json"
            config = {**json.loads(path.read_text(encoding="utf-8")), "alignment": chosen.to_dict()}
            write_bytes(path, (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode())
    except VoiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{table(result)}\nthresholds {json.dumps(chosen.to_dict())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
