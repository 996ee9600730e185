"""Does the slider between two voices do what it says? Similarity to each of the two, step by step.

    python -m gpt_sovits.lab.evaluation.mixing --voices DIR [--data DIR] [--pairs 5] [--steps 11] [--json FILE]

``--voices`` is a folder as ``evaluate`` reads it. Of each pair of speakers a voice is cloned from one clip, or the one
that a data folder keeps under their name is taken; at every step of the slider the mix says the same sentences with the
same seeds, and Resemblyzer compares it with the two speakers' test recordings, which no voice has heard. Similarity to
the first should fall and to the second rise. A step that goes back by less than twice its standard error (jackknife
over what was said; Efron and Stein, 1981) may be chance.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from gpt_sovits.audio import Audio, concatenate, read_audio
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.families.base import Base, load_base
from gpt_sovits.families.enrol import enrol
from gpt_sovits.features.reference import Reference
from gpt_sovits.lab.evaluation.folder import Speaker, read_folder
from gpt_sovits.lab.evaluation.similarity import Embedder, centroid, resemblyzer_embedder
from gpt_sovits.lab.evaluation.trial import Sentence, prompt_of
from gpt_sovits.settings import Settings
from gpt_sovits.storage.registry import Registry
from gpt_sovits.synthesis import Synthesizer
from gpt_sovits.versions import EMBEDDED
from gpt_sovits.voices.ids import LOCAL_USER
from gpt_sovits.voices.mixing import mix
from gpt_sovits.voices.voice import Voice

Say = Callable[[Voice, Sentence, int], Audio]


@dataclass(frozen=True)
class Step:
    """The slider at ``ratio``: similarity to the first and the second speaker, and how long mixing took.

    The errors are the standard errors of the change since the step before; None where only one thing was said.
    """

    ratio: float
    to_first: float
    to_second: float
    milliseconds: float
    first_error: float | None = None
    second_error: float | None = None


@dataclass(frozen=True)
class Slide:
    """All steps between two speakers."""

    first: str
    second: str
    steps: tuple[Step, ...]

    @property
    def largest_setback(self) -> float:
        """The largest step in the wrong direction, of either similarity; 0 when both are monotonic."""
        return max(0.0, *(change for change, _ in self._changes()))

    @property
    def setbacks(self) -> int:
        """How many of the steps, of both similarities together, go in the wrong direction."""
        return sum(change > 0 for change, _ in self._changes())

    @property
    def certain_setbacks(self) -> int:
        """How many go in the wrong direction by more than twice their standard error."""
        return sum(error is not None and change > 2 * error for change, error in self._changes())

    def _changes(self) -> list[tuple[float, float | None]]:
        """Each step of both similarities, positive in the wrong direction, with its standard error."""
        steps = list(pairwise(self.steps))
        falls = [(after.to_first - before.to_first, after.first_error) for before, after in steps]
        return falls + [(before.to_second - after.to_second, after.second_error) for before, after in steps]


def slide(
    voices: tuple[Voice, Voice],
    names: tuple[str, str],
    portraits: tuple[np.ndarray, np.ndarray],
    sentences: Sequence[Sentence],
    say: Say,
    embed: Embedder,
    *,
    steps: int = 11,
    seeds: Sequence[int] = (0,),
) -> Slide:
    """Move the slider from the first voice to the second; ``portraits`` are unit vectors [C] of the two speakers.

    Each step is judged by the mean embedding of all sentences with all seeds, the same at every step.
    """
    if steps < 2:
        raise InputError(f"{steps} steps are too few.", "Use at least 2.")
    heard: list[list[np.ndarray]] = []
    took = []
    for index in range(steps):
        begun = time.perf_counter()
        mixed = mix(*voices, index / (steps - 1))
        took.append(1000 * (time.perf_counter() - begun))
        heard.append([embed(say(mixed, sentence, seed)) for sentence in sentences for seed in seeds])
    likeness = _likeness(heard, portraits)
    count = len(heard[0])
    errors: list[list[float | None]] = [[None] * steps, [None] * steps]
    if count > 1:
        without = [_likeness([each[:left] + each[left + 1 :] for each in heard], portraits) for left in range(count)]
        found = np.sqrt((count - 1) * np.diff(np.stack(without), axis=2).var(0))
        errors = [[None, *row] for row in found.tolist()]
    return Slide(
        *names,
        tuple(
            Step(
                index / (steps - 1),
                float(likeness[0, index]),
                float(likeness[1, index]),
                took[index],
                errors[0][index],
                errors[1][index],
            )
            for index in range(steps)
        ),
    )


def _likeness(heard: Sequence[Sequence[np.ndarray]], portraits: Sequence[np.ndarray]) -> np.ndarray:
    """Similarity of the mean embedding of each step to each portrait, `[2, steps]`."""
    middles = np.stack([centroid(each) for each in heard])
    return np.stack([middles @ portrait for portrait in portraits])


def pairs_of(portraits: Mapping[str, np.ndarray], count: int) -> list[tuple[str, str]]:
    """The ``count`` pairs that are least alike, nobody in two of them: between twins a slider moves nothing."""
    names = sorted(portraits)
    candidates = [(one, other) for index, one in enumerate(names) for other in names[index + 1 :]]
    candidates.sort(key=lambda pair: float(portraits[pair[0]] @ portraits[pair[1]]))
    chosen: list[tuple[str, str]] = []
    for pair in candidates:
        if len(chosen) < count and not {name for taken in chosen for name in taken} & set(pair):
            chosen.append(pair)
    if len(chosen) < count:
        raise InputError(f"The folder has speakers for {len(chosen)} pairs only.", "Ask for fewer.")
    return chosen


def cloned(speaker: Speaker, base: Base) -> Voice:
    """A voice that heard one clip of the speaker; it is not stored."""
    prompt = prompt_of(speaker)
    reference = enrol(base, read_audio(prompt.path), prompt.transcript, prompt.language)
    made_by = {"kind": "reference", "base_release": base.release}
    return Voice("", speaker.name, "", base.name, None, reference, made_by=made_by)


def kept(speakers: Sequence[Speaker], registry: Registry, user: str = LOCAL_USER) -> dict[str, Voice]:
    """The voices of the speakers that a registry keeps under their names, or under names that contain them."""
    cards = registry.cards(user)
    found = {each.name: next((card.id for card in cards if each.name in card.name), None) for each in speakers}
    return {name: registry.load(user, voice_id) for name, voice_id in found.items() if voice_id is not None}


def slides(
    speakers: Sequence[Speaker],
    pairs: int,
    synthesizer: Synthesizer,
    voice_of: Callable[[Speaker], Voice],
    embed: Embedder,
    *,
    steps: int,
    sentences: int,
    seeds: Sequence[int],
) -> Iterator[Slide]:
    """Judge ``pairs`` pairs. Both speakers' first test transcripts are said, ``sentences`` of each."""

    def say(voice: Voice, sentence: Sentence, seed: int) -> Audio:
        pieces = synthesizer.speak(voice, sentence.text, language=sentence.language, seed=seed)
        return concatenate([piece.audio for piece in pieces])

    known = {speaker.name: speaker for speaker in speakers}
    portraits = {name: centroid([embed(read_audio(clip.path)) for clip in each.test]) for name, each in known.items()}
    for first, second in pairs_of(portraits, pairs):
        one, other = known[first], known[second]
        clips = [clip for speaker in (one, other) for clip in speaker.test[:sentences] if clip.transcript]
        yield slide(
            (voice_of(one), voice_of(other)),
            (one.name, other.name),
            (portraits[first], portraits[second]),
            [Sentence(clip.language, clip.transcript) for clip in clips],
            say,
            embed,
            steps=steps,
            seeds=seeds,
        )


def tuned_milliseconds(base: Base, times: int = 5) -> tuple[float, float, float]:
    """Mixing two voices that differ from ``base`` in every tensor: median time, of it computing, megabytes of each."""
    import torch

    generator = torch.Generator().manual_seed(0)
    networks = {"acoustic": base.acoustic, "semantic": base.semantic}

    def voice(name: str) -> Voice:
        delta = {
            f"{part}.{key}": (0.01 * torch.randn(value.shape, generator=generator)).half()
            for part, network in networks.items()
            for key, value in network.state_dict().items()
            if value.is_floating_point()
        }
        style = torch.randn(1, 256, 1, generator=generator)
        reference = Reference(style, torch.zeros(200, dtype=torch.long), (1, 2, 3), "", "en")
        return Voice("", name, "", base.name, None, reference, delta)

    one, other = voice("A"), voice("B")
    took, busy = [], []
    for index in range(times):
        begun, worked = time.perf_counter(), time.process_time()
        mix(one, other, (index + 1) / (times + 1))
        took.append(1000 * (time.perf_counter() - begun))
        busy.append(1000 * (time.process_time() - worked))
    return (
        float(np.median(took)),
        float(np.median(busy)),
        sum(value.numel() * 2 for value in one.delta.values()) / 2**20,
    )


def table(judged: Slide) -> str:
    """The slide as a Markdown table with a sentence below it."""
    rows = [f"| {step.ratio:.1f} | {step.to_first:.3f} | {step.to_second:.3f} |" for step in judged.steps]
    head = [f"| ratio | similarity to {judged.first} | similarity to {judged.second} |", "|---|---|---|"]
    slowest = max(step.milliseconds for step in judged.steps)
    if judged.setbacks:
        most = 2 * (len(judged.steps) - 1)
        verdict = (
            f"{judged.setbacks} of {most} steps go back, the largest by {judged.largest_setback:.3f}; "
            f"{judged.certain_setbacks} by more than twice the standard error"
        )
    else:
        verdict = "monotonic"
    return "\n".join([*head, *rows, "", f"{verdict}; mixing took at most {slowest:.0f} ms", ""])


def parser() -> argparse.ArgumentParser:
    """The options of this module as a command."""
    name = "python -m gpt_sovits.lab.evaluation.mixing"
    options = argparse.ArgumentParser(prog=name, description="Judge the slider between pairs of voices.")
    options.add_argument("--voices", type=Path, required=True, help="folder with metadata.tsv and its recordings")
    options.add_argument("--data", type=Path, help="data folder with voices of the speakers (default: they are cloned)")
    options.add_argument("--base", default=EMBEDDED, help="the base that speaks (default: mini)")
    options.add_argument("--pairs", type=int, default=5, help="pairs of speakers (default: 5)")
    options.add_argument("--steps", type=int, default=11, help="positions of the slider (default: 11)")
    options.add_argument("--sentences", type=int, default=2, help="transcripts of each speaker to say (default: 2)")
    options.add_argument("--seeds", type=int, default=1, help="times that each is said (default: once)")
    options.add_argument("--json", type=Path, help="write all figures here as well")
    return options


def main(arguments: Sequence[str]) -> int:
    given = parser().parse_args(arguments)
    try:
        found = []
        speakers = read_folder(given.voices)
        synthesizer = Synthesizer(partial(load_base, settings=Settings.load()))
        voices = kept(speakers, Registry(Settings.load(given.data).registry_dir)) if given.data else {}
        for judged in slides(
            [each for each in speakers if each.name in voices] if given.data else speakers,
            given.pairs,
            synthesizer,
            lambda speaker: voices.get(speaker.name) or cloned(speaker, synthesizer.base(given.base)),
            resemblyzer_embedder(),
            steps=given.steps,
            sentences=given.sentences,
            seeds=range(given.seeds),
        ):
            found.append(judged)
            sys.stdout.write(table(judged) + "\n")
            sys.stdout.flush()
    except VoiceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    took, busy, size = tuned_milliseconds(synthesizer.base(given.base))
    sys.stdout.write(
        f"mixing two tuned voices of {size:.0f} MB each takes {took:.0f} ms, {busy:.0f} ms of it computing\n"
    )
    whole = sum(judged.setbacks == 0 for judged in found)
    sys.stdout.write(f"{whole} of {len(found)} pairs are monotonic in both similarities\n")
    if given.json:
        given.json.write_text(json.dumps([asdict(judged) for judged in found], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
