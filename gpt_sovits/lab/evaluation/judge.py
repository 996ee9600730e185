"""Judge the voices of a folder: real recordings, zero-shot speech and, on request, speech of tuned voices.

    python -m gpt_sovits evaluate --voices DIR [--train] [--json FILE]

Each speaker is cloned from the recordings marked ``train`` and says the transcripts of those marked ``test``, so real
and synthesized speech are compared on the same words. Similarity is to the speaker's test recordings, which no voice
has learnt from, and beside it to all recordings; a real recording is compared with the others of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from gpt_sovits.audio import Audio, read_audio
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.features.phone_errors import ErrorRate, error_rate
from gpt_sovits.lab.evaluation.folder import Recording, Speaker, read_folder
from gpt_sovits.lab.evaluation.intelligibility import PhoneRecognizer, phone_recognizer, phones_of
from gpt_sovits.lab.evaluation.listening import ListeningPage
from gpt_sovits.lab.evaluation.naturalness import Rater, dnsmos_rater
from gpt_sovits.lab.evaluation.report import Report, Score, header
from gpt_sovits.lab.evaluation.similarity import Embedder, Portrait, mean_standing, resemblyzer_embedder, standing
from gpt_sovits.lab.evaluation.teacher import reader
from gpt_sovits.lab.evaluation.trial import Sentence, say, tuned, zero_shot
from gpt_sovits.lab.evaluation.whisper import Heard, Whisper, compare
from gpt_sovits.services.session import Session
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.versions import EMBEDDED

if TYPE_CHECKING:
    from gpt_sovits.features.mini_content import MiniContentEncoder

JUDGES = ("likeness", "words", "phones", "naturalness")
JUDGE_BASE = EMBEDDED  # whose content encoder hears the phones, whatever base speaks


@dataclass(frozen=True)
class Judges:
    """The judges at hand; None: not measured."""

    embed: Embedder | None = None
    hear: Callable[[Audio, str], str] | None = None  # the words of a sound in a language
    recognize_phones: PhoneRecognizer | None = None
    rate: Rater | None = None


@dataclass(frozen=True)
class Options:
    base: str = EMBEDDED
    train: bool = False
    max_steps: int | None = None
    seed: int = 0
    texts: tuple[Sentence, ...] = ()  # to say instead of the test transcripts
    page: ListeningPage | None = None  # which shows and sounds what was judged
    only: tuple[str, ...] = ()  # the speakers to make voices of; empty: all
    teacher: Callable[[Sentence], Audio] | None = None  # says the same sentences, to be judged beside ours


@dataclass(frozen=True)
class Utterance:
    """One sound to judge: what should be heard in it, and its place among the speaker's test clips if it is one."""

    audio: Audio
    sentence: Sentence
    embedding: np.ndarray | None  # [C]
    place: int | None = None


def evaluate(
    session: Session,
    speakers: Sequence[Speaker],
    judges: Judges,
    options: Options,
    *,
    on_score: Callable[[Score], None] = lambda score: None,
) -> Report:
    """Measure every speaker; ``on_score`` sees each row as soon as it is known."""
    real = {speaker.name: _real(speaker.test, judges) for speaker in speakers}
    portraits = {speaker.name: _portrait(speaker, real[speaker.name], judges) for speaker in speakers}
    scores: list[Score] = []
    notes: list[str] = []

    def add(score: Score) -> None:
        scores.append(score)
        on_score(score)

    def show(speaker: str, kind: str, sounds: Iterable[tuple[Sentence, Audio]]) -> None:
        if options.page is not None:
            for sentence, audio in sounds:
                options.page.add(speaker, kind, sentence, audio)

    for speaker in (one for one in speakers if not options.only or one.name in options.only):
        show(speaker.name, "real", [(u.sentence, u.audio) for u in real[speaker.name]])
        add(_score(speaker.name, "real", real[speaker.name], portraits, judges))
        sentences = options.texts or tuple(Sentence(clip.language, clip.transcript) for clip in speaker.test)
        sentences = tuple(sentence for sentence in sentences if sentence.text)
        if options.teacher is not None:
            taught = [(sentence, options.teacher(sentence)) for sentence in sentences]
            show(speaker.name, "teacher", taught)
            add(_taught(speaker.name, taught, judges))
        for kind in ("zero-shot", "tuned") if options.train else ("zero-shot",):
            try:
                if kind == "tuned":
                    voice = tuned(session, speaker, options.base, options.max_steps)
                else:
                    voice = zero_shot(session, speaker, options.base)
            except VoiceError as error:
                notes.append(f"{speaker.name}, {kind}: {error}")
                continue
            spoken = say(session, voice, sentences, options.seed)
            show(speaker.name, kind, spoken.sounds)
            said = [Utterance(audio, sentence, _embedding(audio, judges)) for sentence, audio in spoken.sounds]
            score = _score(speaker.name, kind, said, portraits, judges)
            add(replace(score, failed=spoken.failed, rtf=spoken.rtf))
    return Report(tuple(scores), options.base, tuple(notes))


def _taught(name: str, sounds: Sequence[tuple[Sentence, Audio]], judges: Judges) -> Score:
    """How well the teacher is understood in the same sentences; it has nobody's voice, so likeness is not asked."""
    said = [Utterance(audio, sentence, None) for sentence, audio in sounds]
    return _score(name, "teacher", said, {}, replace(judges, embed=None))


def _embedding(audio: Audio, judges: Judges) -> np.ndarray | None:
    return judges.embed(audio) if judges.embed else None


def _real(clips: Sequence[Recording], judges: Judges) -> list[Utterance]:
    sounds = [read_audio(clip.path) for clip in clips]
    return [
        Utterance(sound, Sentence(clip.language, clip.transcript), _embedding(sound, judges), place)
        for place, (clip, sound) in enumerate(zip(clips, sounds, strict=True))
    ]


def _portrait(speaker: Speaker, real: Sequence[Utterance], judges: Judges) -> Portrait:
    """What the speaker is recognised by; empty where likeness is not judged."""
    learnt = [judges.embed(read_audio(clip.path)) for clip in speaker.train] if judges.embed else []
    return Portrait(tuple(learnt), tuple(u.embedding for u in real if u.embedding is not None))


def _score(
    name: str, kind: str, utterances: Sequence[Utterance], portraits: Mapping[str, Portrait], judges: Judges
) -> Score:
    """What the judges say of one speaker's utterances of one kind."""
    score = Score(name, kind, len(utterances), 0, sum(u.audio.seconds for u in utterances))
    if not utterances:
        return score
    told = [u for u in utterances if u.sentence.text]
    if judges.embed is not None:
        score = _likeness(score, utterances, portraits)
    if judges.hear is not None:
        heard = Heard("")
        for u in told:
            heard += compare(u.sentence.text, judges.hear(u.audio, u.sentence.language), u.sentence.language)
        score = replace(score, wer=heard.words.rate, syllables=heard.syllables.rate, tones=heard.tones.rate)
    if judges.recognize_phones is not None:
        due = [phones_of(u.sentence.text, u.sentence.language) for u in told]
        wrong = [error_rate(p, judges.recognize_phones(u.audio)) for p, u in zip(due, told, strict=True)]
        score = replace(score, per=_rate(wrong))
    if judges.rate is not None:
        score = replace(score, mos=float(np.mean([judges.rate(u.audio).overall for u in utterances])))
    return score


def _likeness(score: Score, utterances: Sequence[Utterance], portraits: Mapping[str, Portrait]) -> Score:
    mine = portraits[score.speaker]
    found = {name: portrait.apart_without(None) for name, portrait in portraits.items() if name != score.speaker}
    others = {name: centre for name, centre in found.items() if centre is not None}
    each, to_all = [], []
    for utterance in utterances:
        own, whole = mine.apart_without(utterance.place), mine.all_without(utterance.place)
        if utterance.embedding is not None and own is not None and whole is not None:
            each.append(standing(utterance.embedding, own, others))
            to_all.append(float(utterance.embedding @ whole))
    if not each:
        return score
    mean = mean_standing(each)
    nearest = max(mean.others, key=lambda name: mean.others[name], default="")
    return replace(
        score,
        similarity=mean.similarity,
        similarity_all=float(np.mean(to_all)),
        nearest=nearest,
        margin=mean.similarity - mean.others[nearest] if nearest else None,
        rank=mean.rank,
        first=float(np.mean([one.rank == 1 for one in each])),
    )


def _rate(counts: Iterable[ErrorRate]) -> float | None:
    return sum(counts, ErrorRate()).rate


# ------------------------------------------------------------------------------------------------------ command line


def load_judges(without: Iterable[str], settings: Settings) -> Judges:
    """Every judge except those named in ``without`` (likeness, words, phones, naturalness)."""
    left_out = set(without)
    return Judges(
        embed=None if "likeness" in left_out else resemblyzer_embedder(),
        hear=None if "words" in left_out else Whisper().hear,
        recognize_phones=None if "phones" in left_out else phone_recognizer(_listener(settings)),
        rate=None if "naturalness" in left_out else dnsmos_rater(),
    )


def _listener(settings: Settings) -> MiniContentEncoder:
    from gpt_sovits.families.base import load_base  # late: the other judges need no base

    base = load_base(JUDGE_BASE, settings)
    if base.ear is None:
        raise InputError(f"The model {JUDGE_BASE} cannot recognise phones.", "Judge without: phones.")
    return base.ear


def read_sentences(path: Path) -> tuple[Sentence, ...]:
    """Lines of ``language<TAB>text``; raises ``InputError``."""
    sentences = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        language, tab, text = line.partition("\t")
        if line.strip() and not (tab and text.strip()):
            raise InputError(f"Line {number} of {path.name} is not a language, a tab and a sentence.", "Correct it.")
        if line.strip():
            sentences.append(Sentence(language.strip(), text.strip()))
    return tuple(sentences)


def parser() -> argparse.ArgumentParser:
    """The options of ``evaluate``."""
    options = argparse.ArgumentParser(
        prog="gpt_sovits evaluate",
        description="Judge voices: likeness, word and phone errors, naturalness, beside the real recordings.",
        epilog="The judges are extras: pip install -r requirements-dev.txt",
    )
    options.add_argument("--voices", type=Path, required=True, help="folder with metadata.tsv and its recordings")
    options.add_argument("--base", default=EMBEDDED, help="the base that speaks (default: mini)")
    options.add_argument("--train", action="store_true", help="also tune a voice on each speaker's train recordings")
    options.add_argument("--max-steps", type=int, help="train for at most this many steps")
    options.add_argument("--speakers", nargs="+", help="make voices of these only; likeness is still among all")
    options.add_argument("--teacher", type=Path, help="folder of the teacher, to judge it in the same sentences")
    options.add_argument("--texts", type=Path, help="file of language<TAB>sentence to say instead of the transcripts")
    options.add_argument("--without", nargs="+", default=[], choices=JUDGES, help="judges to leave out")
    options.add_argument("--json", type=Path, help="write all figures here as well")
    options.add_argument("--page", type=Path, help="write a page to listen by, with its sounds, into this folder")
    options.add_argument("--data", type=Path, help="data folder for tuned voices (default: one that vanishes)")
    options.add_argument("--seed", type=int, default=0)
    return options


def main(argv: Sequence[str], make_studio: Callable[[Settings], Studio]) -> int:
    """Run ``evaluate``; the studio is made by the caller, who stands above. Raises ``VoiceError``."""
    given = parser().parse_args(argv)
    speakers = read_folder(given.voices)
    if unknown := set(given.speakers or ()) - {speaker.name for speaker in speakers}:
        raise InputError(f"There is no speaker {min(unknown)!r} in {given.voices}.", "Name one of metadata.tsv.")
    options = Options(
        base=given.base,
        train=given.train,
        max_steps=given.max_steps,
        seed=given.seed,
        texts=read_sentences(given.texts) if given.texts else (),
        page=ListeningPage(given.page) if given.page else None,
        only=tuple(given.speakers or ()),
        teacher=reader(given.teacher) if given.teacher else None,
    )
    with TemporaryDirectory() as folder:
        settings = Settings.load(given.data or folder)
        judges = load_judges(given.without, settings)
        sys.stdout.write(header() + "\n")
        report = evaluate(
            make_studio(settings).session(), speakers, judges, options, on_score=lambda score: _show(score.to_row())
        )
    _show(report.to_summary())
    if options.page is not None:
        _show(f"Listen: {options.page.write(report)}")
    if given.json:
        given.json.write_text(report.to_json() + "\n", encoding="utf-8")
    return 0


def _show(lines: str) -> None:
    sys.stdout.write(lines + "\n")
    sys.stdout.flush()
