"""Where do words get lost between text and sound? Each stage of the embedded base is judged alone.

    python -m gpt_sovits.lab.evaluation.lost_words --teacher FOLDER [--base mini] [--sentences 12] [--json FILE]

A teacher says sentences whose boundaries are known exactly. Then one part after the other is ours: the acoustic model
with the codes and the true times of the teacher's speech, in the speaker's own style, in another speaker's and in a
style heard in the other language; the same with times found from the codes; and at last the semantic model's own
codes. The judge is Whisper; every row is the same sentences.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.audio import Audio, resample, write_wav
from gpt_sovits.errors import InputError
from gpt_sovits.families.base import Base, load_base
from gpt_sovits.families.enrol import enrol
from gpt_sovits.features.mini_content import MiniContentEncoder
from gpt_sovits.features.phone_errors import ErrorRate
from gpt_sovits.features.reference import Reference
from gpt_sovits.lab.corpus import LATE
from gpt_sovits.lab.evaluation.teacher import RATE, Said, Teacher
from gpt_sovits.lab.evaluation.teacher_texts import Texts
from gpt_sovits.lab.evaluation.whisper import Heard, Whisper
from gpt_sovits.settings import Settings
from gpt_sovits.synthesis import Synthesizer
from gpt_sovits.text import Phones, phonemize
from gpt_sovits.text.symbols import MARKS
from gpt_sovits.versions import EMBEDDED
from gpt_sovits.voices.voice import Voice

VOICES = ("af_heart", "am_michael", "zf_xiaoxiao", "zm_yunxi")
SHOWN_BY = {  # what a voice is heard saying before it speaks
    "en": "The quiet harbour was full of small boats, and nobody could say when the last of them would leave.",
    "zh": "清晨的港口停满了小船，没有人知道最后一只什么时候离开，我们就在岸边等着。",
}
ROWS = (
    "the teacher",
    "true codes and times, own style",
    "true codes and times, another's style",
    "true codes and times, style heard in the other language",
    "true codes, times from the codes, own style",
    "codes of the semantic model, own style",
    "codes of the semantic model, style heard in the other language",
)


@dataclass(frozen=True)
class Line:
    """A sentence said by the teacher."""

    language: str
    text: str
    voice: str
    phones: Phones
    said: Said


def phone_of_frames(said: Said, phones: Phones, frames: int, step: float = 0.02) -> np.ndarray:
    """Index into the phones of every frame `[T]`, -1 in the silence before the first and in marks."""
    start = said.lead - LATE
    ends = start + np.cumsum(said.seconds)
    centres = (np.arange(frames) + 0.5) * step
    index = np.searchsorted(ends, centres, side="right")
    spoken = np.array([phone not in MARKS for phone in phones.phones] + [False])
    index = np.minimum(index, len(phones.phones))
    return np.where((centres >= start) & spoken[index], index, -1)


class Stages:
    """The parts of a base, one at a time."""

    def __init__(self, base: Base) -> None:
        if base.ear is None:
            raise InputError(f"The model {base.name} has no such parts.", "Ask this of the embedded model.")
        self.base = base
        self.content, self.acoustic = cast(MiniContentEncoder, base.content), cast(SoVITS, base.acoustic)
        self.synthesizer = Synthesizer(lambda name: base)

    @torch.inference_mode()
    def codes_and_times(self, line: Line) -> tuple[Tensor, Tensor]:
        """Codes `[1, 1, N]` of what the teacher said, guided by what it is, and the phone of every frame `[1, 2N]`."""
        wave = torch.from_numpy(resample(Audio(line.said.wave, RATE), 16000).samples)[None]
        frames = wave.shape[-1] // 320 // 2 * 2
        index = phone_of_frames(line.said, line.phones, frames)
        ids = np.array([*line.phones.ids, self.content.config.symbols])
        heard = self.content(wave[:, : frames * 320], torch.from_numpy(ids[index])[None])
        return self.acoustic.extract_codes(heard), torch.from_numpy(index)[None]

    @torch.inference_mode()
    def decode(self, line: Line, reference: Reference, times: bool) -> Audio:
        """The teacher's codes in a style, with its true times or those that the codes tell."""
        codes, index = self.codes_and_times(line)
        phones, model = torch.tensor(line.phones.ids)[None], self.acoustic
        if not times:
            wave = model.decode(codes, phones, reference.style, noise_scale=self.base.noise)
        else:
            lengths = torch.tensor([2 * codes.shape[-1]])
            index = index[:, ::2].repeat_interleave(2, dim=1)  # a code says one phone, as in training
            prior = model.prior(
                codes[0], lengths, phones, torch.tensor([phones.shape[1]]), reference.style, spoken=index
            )
            wave = model.dec(model.flow(prior.mean, prior.mask, reference.style, reverse=True), reference.style)
        return Audio(wave.reshape(-1).float().numpy(), self.base.rate)

    def speak(self, line: Line, reference: Reference) -> Audio:
        voice = Voice("lost-words", "lost words", "local", self.base.name, None, reference)
        parts = [one.audio.samples for one in self.synthesizer.speak(voice, line.text, language=line.language)]
        return Audio(np.concatenate(parts), self.base.rate)


def lines(teacher: Teacher, count: int, seed: int) -> list[Line]:
    """``count`` sentences of each language, the voices by turns."""
    texts, out = Texts(np.random.default_rng(seed)), []
    for language in ("en", "zh"):
        for number in range(count):
            text, voice = texts.make(language), VOICES[number % len(VOICES)]
            phones = phonemize(text, language)
            out.append(Line(language, text, voice, phones, teacher.say(phones, teacher.mean({voice: 1.0}))))
    return out


def measure(
    base: Base, teacher: Teacher, judge: Whisper, told: Sequence[Line], keep: Path | None = None
) -> dict[str, dict[str, Heard]]:
    """For every row the sum of what was heard by language."""
    stages = Stages(base)
    shown = {
        (voice, language): enrol(
            base, Audio(teacher.say(phonemize(text, language), teacher.mean({voice: 1.0})).wave, RATE), text, language
        )
        for voice in VOICES
        for language, text in SHOWN_BY.items()
    }
    other = {"en": "zh", "zh": "en"}

    def own(line: Line) -> Reference:
        return shown[line.voice, line.language]

    def elsewhere(line: Line) -> Reference:
        return shown[VOICES[(VOICES.index(line.voice) + 1) % len(VOICES)], line.language]

    def abroad(line: Line) -> Reference:
        return shown[line.voice, other[line.language]]

    makers: tuple[Callable[[Line], Audio], ...] = (
        lambda line: Audio(line.said.wave, RATE),
        lambda line: stages.decode(line, own(line), True),
        lambda line: stages.decode(line, elsewhere(line), True),
        lambda line: stages.decode(line, abroad(line), True),
        lambda line: stages.decode(line, own(line), False),
        lambda line: stages.speak(line, own(line)),
        lambda line: stages.speak(line, abroad(line)),
    )
    out: dict[str, dict[str, Heard]] = {}
    for row, (name, make) in enumerate(zip(ROWS, makers, strict=True)):
        out[name] = {}
        for number, line in enumerate(told):
            audio = make(line)
            if keep is not None:
                write_wav(keep / f"{row}_{number:02d}.wav", audio)
            heard = judge.judge(audio, line.text, line.language)
            out[name][line.language] = out[name].get(line.language, Heard("")) + heard
        sys.stdout.write(_row(name, out[name]) + "\n")
        sys.stdout.flush()
    return out


def _row(name: str, heard: dict[str, Heard]) -> str:
    rates: list[ErrorRate] = [
        heard.get("en", Heard("")).words, heard.get("zh", Heard("")).syllables, heard.get("zh", Heard("")).tones
    ]  # fmt: skip
    return name.ljust(64) + "".join("      -" if r.rate is None else f"  {100 * r.rate:5.1f}" for r in rates)


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; see the module."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--teacher", type=Path, required=True)
    options.add_argument("--base", default=EMBEDDED)
    options.add_argument("--data", type=Path, default=Path("data"), help="data folder with further bases")
    options.add_argument("--sentences", type=int, default=12, help="of each language")
    options.add_argument("--seed", type=int, default=100)
    options.add_argument("--json", type=Path)
    options.add_argument("--keep", type=Path, help="a folder for the sounds")
    given = options.parse_args(argv)
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    teacher, judge = Teacher(given.teacher), Whisper()
    sys.stdout.write("heard otherwise, %".ljust(64) + "  words   syll.  +tones\n")
    found = measure(
        load_base(given.base, Settings.load(given.data)), teacher, judge,
        lines(teacher, given.sentences, given.seed), given.keep,
    )  # fmt: skip
    if given.json:
        table = {row: {language: asdict(heard) for language, heard in each.items()} for row, each in found.items()}
        given.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
