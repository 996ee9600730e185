"""How much of what was learnt is kept: no more than costs words.

A minute of speech brings a voice nearer to its person, and now and then makes it harder to understand. So a job ends
with sentences of both languages, its own first, once as it was learnt and once as it is heard from the recording alone;
where more words are lost, less of the change is taken: a point on the way from the base's weights to the learnt ones,
where most of what the base can is still there (WiSE-FT, Wortsman et al. 2022). Which words are lost a transcriber says,
where this machine has one, else the embedded base's ear, word by word: what it hears phone by phone varies more
from reading to reading than words do for people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gpt_sovits.audio import Audio, concatenate
from gpt_sovits.dataset.proof import Thresholds
from gpt_sovits.dataset.recognise import Recogniser, find_recogniser
from gpt_sovits.errors import MissingError
from gpt_sovits.events import CancelToken, Event, EventSink
from gpt_sovits.features.phone_errors import ErrorRate, comparable, error_rate
from gpt_sovits.hearing import Ear, words_of
from gpt_sovits.models.delta import stacked
from gpt_sovits.settings import Settings
from gpt_sovits.synthesis import Synthesizer
from gpt_sovits.synthesis import tongue as own_tongue
from gpt_sovits.text import phonemize
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
# Of all sounds; so many more may be lost than from the recording alone, in each language: two readings differ by that.
SLACK = 0.03

Listener = Callable[[Audio, str, str], ErrorRate]  # sounds of a text of that language that are lost in a wave


@dataclass(frozen=True)
class Kept:
    """``share`` of the change that is kept, the sounds lost with it, and those lost from the recording alone."""

    share: float
    with_it: ErrorRate
    without: ErrorRate

    def __str__(self) -> str:
        return (
            f"{self.share:.0%} of what was learnt is kept: {self.with_it.errors} of {self.with_it.total} sounds are"
            f" lost, from the recording alone {self.without.errors}."
        )


def listener_of(settings: Settings, load_base: Callable[[str], Base]) -> Listener | None:
    """The transcriber of this machine, else the embedded base's ear; None without either."""
    folder = find_recogniser([settings.models_dir])
    if folder is not None:
        transcriber = Recogniser(folder, threads=settings.threads)

        def read(audio: Audio, text: str, language: str) -> ErrorRate:
            written = transcriber.write_down(audio, language).text
            said, heard = (comparable(phonemize(each, language).phones) for each in (text, f"{written}."))
            return error_rate(said, heard)

        return read
    try:
        base = load_base(EMBEDDED)
    except MissingError:
        return None
    if base.ear is None:
        return None
    ear = Ear(base.ear, Thresholds.of(base.config))

    def hear(audio: Audio, text: str, language: str) -> ErrorRate:
        words = words_of(phonemize(text, language))
        return ErrorRate(sum(map(len, ear.missed(audio, words))), sum(map(len, words)))

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
    """``tuned`` with as much of its change as loses no more words than the base with the same recording.

    None where nothing could be measured: nobody listens, or the voice's language has no sentences here. Raises
    ``CancelledError``.
    """
    synthesizer = Synthesizer(lambda name: base)
    voice = Voice("", "", "", base.name, None, tuned.reference, tuned.delta)
    language = tuned.reference.language
    language = own_tongue(voice) if language == "auto" else language
    if listener is None or language not in SENTENCES:
        return tuned, None

    languages = sorted(SENTENCES, key=lambda each: each != language)

    def lost(said: Voice) -> list[ErrorRate]:
        found = []
        for tongue in languages:
            total = ErrorRate()
            for number, text in enumerate(SENTENCES[tongue]):
                cancel.check()
                pieces = synthesizer.speak(said, text, language=tongue, seed=number, cancel=cancel)
                total += listener(concatenate([piece.audio for piece in pieces]), text, tongue)
            found.append(total)
        return found

    def at(share: float) -> Tuned:
        delta = stacked([(tuned.delta, share)])
        return replace(tuned, delta=delta, reference=reference_of(base, base.voiced(delta)[0], dataset))

    on_event(Event("sample", "Listening whether every word is understood."))
    plain = reference_of(base, base.acoustic, dataset)
    without = lost(replace(voice, reference=plain, delta={}))
    for share in STEPS:
        taken = tuned if share == 1.0 else at(share)
        with_it = without if share == 0.0 else lost(replace(voice, reference=taken.reference, delta=taken.delta))
        if all(a.errors <= b.errors + SLACK * b.total for a, b in zip(with_it, without, strict=True)):
            break
    return taken, Kept(share, sum(with_it, ErrorRate()), sum(without, ErrorRate()))
