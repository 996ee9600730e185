"""How much of what was learnt is kept: no more than costs words.

A minute of speech brings a voice nearer to its person, and now and then makes it harder to understand. So a job ends
with sentences in the voice's own language, once as it was learnt and once as it is heard from the recording alone;
where more is misheard, less of the change is taken: a point on the way from the base's weights to the learnt ones,
where most of what the base can is still there (WiSE-FT, Wortsman et al. 2022). What is misheard a transcriber says,
where this machine has one, else the embedded base's ear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from gpt_sovits.audio import Audio, concatenate, resample
from gpt_sovits.dataset.recognise import Recogniser, find_recogniser
from gpt_sovits.errors import MissingError
from gpt_sovits.events import CancelToken, Event, EventSink
from gpt_sovits.features.phone_errors import ErrorRate, comparable, error_rate
from gpt_sovits.models.delta import stacked
from gpt_sovits.settings import Settings
from gpt_sovits.synthesis import Synthesizer
from gpt_sovits.synthesis import tongue as own_tongue
from gpt_sovits.text import phonemize, symbols
from gpt_sovits.training.finetune import Tuned, reference_of
from gpt_sovits.versions import EMBEDDED
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from gpt_sovits.dataset.training_set import TrainingSet
    from gpt_sovits.families.base import Base

SENTENCES = {
    "en": (
        "The children waited by the gate until the bus came round the corner.",
        "She put the letter under the clock and said nothing about it.",
        "We should leave early, because the roads are slow after dark.",
        "A good neighbour lends you a ladder and helps you to carry it.",
        "Nobody could explain why the lights in the hall had gone out.",
        "He bought fresh bread, two pounds of apples and a bottle of milk.",
    ),
    "zh": (
        "孩子们在门口等着，汽车从街角慢慢开了过来。",
        "她把信放在桌子上，一句话也没有说就走了。",
        "我们应该早一点出发，天黑以后路不好走。",
        "邻居借给他一把梯子，还帮他搬到了楼上。",
        "谁也说不清楚，为什么昨天晚上突然停电了。",
        "他买了新鲜的面包、苹果和一瓶牛奶。",
    ),
}
STEPS = (1.0, 0.6, 0.3, 0.0)  # shares of the change, tried in turn
# Of all sounds; so many more may be misheard than from the recording alone. Less than what one reading differs from the
# next by, and no voice would come nearer to its person: with 0.01 nothing was kept in three of five trainings.
SLACK = 0.03

Listener = Callable[[Audio, str], Sequence[str]]  # comparable phones that are heard in a sound of that language


@dataclass(frozen=True)
class Kept:
    """``share`` of the change that is kept, what is misheard with it, and what from the recording alone."""

    share: float
    with_it: ErrorRate
    without: ErrorRate

    def __str__(self) -> str:
        return (
            f"{self.share:.0%} of what was learnt is kept: {self.with_it.errors} of {self.with_it.total} sounds are"
            f" misheard, from the recording alone {self.without.errors}."
        )


def listener_of(settings: Settings, load_base: Callable[[str], Base]) -> Listener | None:
    """The transcriber of this machine, else the embedded base's ear; None without either."""
    folder = find_recogniser([settings.models_dir])
    if folder is not None:
        transcriber = Recogniser(folder, threads=settings.threads)

        def read(audio: Audio, language: str) -> Sequence[str]:
            return comparable(phonemize(f"{transcriber.write_down(audio, language).text}.", language).phones)

        return read
    try:
        ear = load_base(EMBEDDED)
    except MissingError:
        return None
    names = symbols().names

    def hear(audio: Audio, language: str) -> Sequence[str]:
        wave = torch.from_numpy(resample(audio, 16000).samples)[None].to(ear.device)
        return comparable(names[number] for number in ear.family.recognise(ear, wave))

    return hear


def settle(
    base: Base,
    dataset: TrainingSet,
    tuned: Tuned,
    listener: Listener | None,
    *,
    on_event: EventSink,
    cancel: CancelToken,
) -> tuple[Tuned, Kept | None]:
    """``tuned`` with as much of its change as is understood no worse than the base with the same recording.

    None where nothing could be measured: nobody listens, or the voice's language has no sentences here. Raises
    ``CancelledError``.
    """
    synthesizer = Synthesizer(lambda name: base)
    voice = Voice("", "", "", base.name, None, tuned.reference, tuned.delta)
    language = tuned.reference.language
    language = own_tongue(voice) if language == "auto" else language
    if listener is None or language not in SENTENCES:
        return tuned, None

    def misheard(said: Voice) -> ErrorRate:
        total = ErrorRate()
        for number, text in enumerate(SENTENCES[language]):
            cancel.check()
            pieces = synthesizer.speak(said, text, language=language, seed=number, cancel=cancel)
            sound = concatenate([piece.audio for piece in pieces])
            total += error_rate(comparable(phonemize(text, language).phones), listener(sound, language))
        return total

    def at(share: float) -> Tuned:
        delta = stacked([(tuned.delta, share)])
        return replace(tuned, delta=delta, reference=reference_of(base, base.voiced(delta)[0], dataset))

    on_event(Event("sample", "Listening whether every word is understood."))
    plain = reference_of(base, base.acoustic, dataset)
    without = misheard(replace(voice, reference=plain, delta={}))
    for share in STEPS:
        taken = tuned if share == 1.0 else at(share)
        with_it = without if share == 0.0 else misheard(replace(voice, reference=taken.reference, delta=taken.delta))
        if with_it.errors <= without.errors + SLACK * without.total:
            break
    return taken, Kept(share, with_it, without)
