"""Judge the voices of a folder: real recordings, zero-shot speech and, on request, speech of tuned voices.

    python -m gpt_sovits evaluate --voices DIR [--train] [--json FILE]

Each speaker is cloned from recordings marked ``train`` and says the transcripts of the recordings marked ``test``, so
real and synthesized speech are compared on the same words. Similarity is to the speaker's test recordings, which no
voice has learnt from; a real recording is compared with the others of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from gpt_sovits.audio import Audio, concatenate, normalize, read_audio, resample, write_wav
from gpt_sovits.errors import VoiceError
from gpt_sovits.evaluation.folder import Recording, Speaker
from gpt_sovits.evaluation.intelligibility import (
    ErrorRate,
    PhoneRecognizer,
    WordRecognizer,
    error_rate,
    phones_of,
    words,
)
from gpt_sovits.evaluation.naturalness import Rater
from gpt_sovits.evaluation.report import Report, Score
from gpt_sovits.evaluation.similarity import Embedder, centroid, standing
from gpt_sovits.registry.consent import Consent

RATE = 32000
PROMPT_SECONDS = (3.0, 10.0)  # what a reference clip may last
SHORTEST_SECONDS = 0.2  # less than this is no speech
LONGEST_PER_PHONE = 0.6  # seconds; a sound longer than this for its phones ran away


class Studio(Protocol):
    """What is needed of ``gpt_sovits.studio.Studio``, which stands above this module."""

    def reference_voice(self, clip: Path, transcript: str = ..., language: str = ..., base: str = ...) -> Any: ...

    def train_now(self, name: str, recording: Path, *, script: str, language: str, consent: Consent, **more: Any) -> str: ...

    def speak(self, text: str, voice: Any, **more: Any) -> Iterator[Any]: ...


@dataclass(frozen=True)
class Judges:
    """The judges at hand; None: not measured."""

    embed: Embedder | None = None
    recognize_words: WordRecognizer | None = None
    recognize_phones: PhoneRecognizer | None = None
    rate: Rater | None = None


@dataclass(frozen=True)
class Options:
    base: str = "mini"
    train: bool = False
    max_steps: int | None = None
    seed: int = 0
    texts: tuple[tuple[str, str], ...] = ()  # (language, text) to say instead of the test transcripts
    keep: Path | None = None  # a folder for the synthesized sounds


@dataclass(frozen=True)
class Utterance:
    """One sound to judge and what should be heard in it; ``rest``: what its speaker is recognised by, [C]."""

    audio: Audio
    text: str
    language: str
    rest: np.ndarray | None = None


def evaluate(
    studio: Studio,
    speakers: Sequence[Speaker],
    judges: Judges,
    options: Options,
    *,
    on_score: Callable[[Score], None] = lambda score: None,
) -> Report:
    """Measure every speaker; ``on_score`` sees each row as soon as it is known."""
    heard = {speaker.name: [_utterance(clip) for clip in speaker.test] for speaker in speakers}
    embedded = {name: [judges.embed(u.audio) for u in real] for name, real in heard.items()} if judges.embed else {}
    centres = {name: centroid(embeddings) for name, embeddings in embedded.items()}
    scores: list[Score] = []

    def add(score: Score) -> None:
        scores.append(score)
        on_score(score)

    for speaker in speakers:
        real = [
            replace(utterance, rest=rest)
            for utterance, rest in zip(heard[speaker.name], _leave_one_out(embedded, speaker.name), strict=True)
        ]
        add(_judge(speaker.name, "real", real, centres, judges))
        sentences = options.texts or tuple((clip.language, clip.transcript) for clip in speaker.test if clip.transcript)
        for kind in ("zero-shot", "tuned") if options.train else ("zero-shot",):
            try:
                voice = _zero_shot(studio, speaker, options) if kind == "zero-shot" else _tuned(studio, speaker, options)
            except VoiceError as error:
                add(replace(_judge(speaker.name, kind, [], centres, judges, failed=len(sentences)), nearest=type(error).__name__))
                continue
            said, failed, rtf = _say(studio, voice, sentences, options, f"{speaker.name}_{kind}")
            add(replace(_judge(speaker.name, kind, said, centres, judges, failed=failed), rtf=rtf))
    return Report(tuple(scores), options.base)


def _utterance(clip: Recording) -> Utterance:
    return Utterance(read_audio(clip.path), clip.transcript, clip.language)


def _leave_one_out(embedded: Mapping[str, list[np.ndarray]], name: str) -> Iterable[np.ndarray | None]:
    """For each real clip of ``name`` the centroid of the speaker's others; None where there is no other."""
    embeddings = embedded.get(name)
    if not embeddings:
        return iter(lambda: None, 0)
    return [centroid(embeddings[:i] + embeddings[i + 1 :]) if len(embeddings) > 1 else None for i in range(len(embeddings))]


def prompt_of(speaker: Speaker) -> Recording:
    """The recording to clone zero-shot from: the longest that fits a reference clip, else the longest of all."""
    seconds = {clip: read_audio(clip.path).seconds for clip in speaker.train}
    fitting = [clip for clip in speaker.train if PROMPT_SECONDS[0] <= seconds[clip] <= PROMPT_SECONDS[1]]
    return max(fitting or speaker.train, key=lambda clip: seconds[clip])


def _zero_shot(studio: Studio, speaker: Speaker, options: Options) -> Any:
    prompt = prompt_of(speaker)
    return studio.reference_voice(prompt.path, prompt.transcript, prompt.language, options.base)


def _tuned(studio: Studio, speaker: Speaker, options: Options) -> Any:
    """A voice trained on all of the speaker's train recordings, joined into one as a person would record them."""
    sounds = [resample(read_audio(clip.path), RATE) for clip in speaker.train]
    script = " ".join(clip.transcript for clip in speaker.train) if all(c.transcript for c in speaker.train) else ""
    with TemporaryDirectory() as folder:
        recording = Path(folder) / "recording.wav"
        write_wav(recording, concatenate([normalize(sound) for sound in sounds], pause=0.5))
        return studio.train_now(
            speaker.name,
            recording,
            script=script,
            language=speaker.train[0].language,
            consent=Consent(speaker.name, "measuring quality", "The recording is licensed for this use."),
            base=options.base,
            max_steps=options.max_steps,
        )


def _say(
    studio: Studio, voice: Any, sentences: Sequence[tuple[str, str]], options: Options, label: str
) -> tuple[list[Utterance], int, float | None]:
    """Speak the sentences: the utterances, how many failed, and the real-time factor."""
    said: list[Utterance] = []
    failed, spent, lasted = 0, 0.0, 0.0
    for index, (language, text) in enumerate(sentences):
        start = time.perf_counter()
        try:
            parts = [speech.audio for speech in studio.speak(text, voice, language=language, seed=options.seed + index)]
        except VoiceError:
            failed += 1
            continue
        audio = concatenate(parts) if parts else Audio(np.zeros(0, np.float32), RATE)
        spent += time.perf_counter() - start
        lasted += audio.seconds
        too_long = LONGEST_PER_PHONE * (4 + len(phones_of(text, language)))
        if not SHORTEST_SECONDS <= audio.seconds <= too_long or not np.any(audio.samples):
            failed += 1
            continue
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            write_wav(options.keep / f"{label}_{index:02d}.wav", audio)
        said.append(Utterance(audio, text, language))
    return said, failed, spent / lasted if lasted else None


def _judge(
    name: str,
    kind: str,
    utterances: Sequence[Utterance],
    centres: Mapping[str, np.ndarray],
    judges: Judges,
    failed: int = 0,
) -> Score:
    """The score of one speaker's utterances of one kind."""
    score = Score(name, kind, len(utterances), failed, sum(u.audio.seconds for u in utterances))
    if not utterances:
        return score
    if judges.embed is not None:
        score = _rank(score, utterances, centres, judges.embed)
    if judges.recognize_words is not None:
        english = [u for u in utterances if u.language == "en" and u.text]
        score = replace(score, wer=_rate(error_rate(words(u.text), judges.recognize_words(u.audio)) for u in english))
    if judges.recognize_phones is not None:
        told = [u for u in utterances if u.text]
        per = _rate(error_rate(phones_of(u.text, u.language), judges.recognize_phones(u.audio)) for u in told)
        score = replace(score, per=per)
    if judges.rate is not None:
        score = replace(score, mos=float(np.mean([judges.rate(u.audio).overall for u in utterances])))
    return score


def _rank(score: Score, utterances: Sequence[Utterance], centres: Mapping[str, np.ndarray], embed: Embedder) -> Score:
    own = centres[score.speaker]
    others = {name: centre for name, centre in centres.items() if name != score.speaker}
    embeddings = [embed(utterance.audio) for utterance in utterances]
    targets = [own if utterance.rest is None else utterance.rest for utterance in utterances]
    each = [standing(embedding, target, others) for embedding, target in zip(embeddings, targets, strict=True)]
    whole = standing(centroid(embeddings), own, others)
    return replace(
        score,
        similarity=float(np.mean([one.similarity for one in each])),
        margin=float(np.mean([one.margin for one in each])),
        nearest=whole.nearest,
        rank=whole.rank,
        first=float(np.mean([one.rank == 1 for one in each])),
    )


def _rate(counts: Iterable[ErrorRate]) -> float | None:
    return sum(counts, ErrorRate()).rate
