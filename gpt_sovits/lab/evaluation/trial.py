"""Make a speaker's voice the way a person would, and let it say sentences: what the judges then listen to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gpt_sovits.audio import Audio, concatenate, normalize, read_audio, resample, write_wav
from gpt_sovits.errors import VoiceError
from gpt_sovits.lab.evaluation.folder import Recording, Speaker
from gpt_sovits.lab.evaluation.intelligibility import phones_of
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.services.session import Session
from gpt_sovits.voices.consent import Consent

RATE = 32000
PAUSE = 0.5  # seconds between clips joined into one recording
PROMPT_SECONDS = (3.0, 10.0)  # what a reference clip may last
SHORTEST_SECONDS = 0.2  # less than this is no speech
LONGEST_PER_PHONE = 0.6  # seconds; a sound longer than this for its phones ran away


@dataclass(frozen=True)
class Sentence:
    language: str
    text: str


@dataclass(frozen=True)
class Spoken:
    """What became of some sentences: the sounds, how many came out empty or far too long, and the time it took."""

    sounds: tuple[tuple[Sentence, Audio], ...]
    failed: int
    rtf: float | None  # seconds of computing per second of speech


def prompt_of(speaker: Speaker) -> Recording:
    """The recording to clone zero-shot from: the longest that fits a reference clip, else the longest of all."""
    seconds = {clip: read_audio(clip.path).seconds for clip in speaker.train}
    fitting = [clip for clip in speaker.train if PROMPT_SECONDS[0] <= seconds[clip] <= PROMPT_SECONDS[1]]
    return max(fitting or speaker.train, key=lambda clip: seconds[clip])


def zero_shot(session: Session, speaker: Speaker, base: str) -> Any:
    """A voice that heard one clip of the speaker."""
    prompt = prompt_of(speaker)
    return session.speech.reference_voice(prompt.path, prompt.transcript, prompt.language, base)


def join_clips(speaker: Speaker, recording: Path) -> str:
    """Write the speaker's train clips as one ``recording``; returns what is said in it, "" when that is not known."""
    sounds = [normalize(resample(read_audio(clip.path), RATE)) for clip in speaker.train]
    write_wav(recording, concatenate(sounds, pause=PAUSE))
    transcripts = [clip.transcript for clip in speaker.train]
    return " ".join(transcripts) if all(transcripts) else ""


def consent_of(speaker: Speaker) -> Consent:
    return Consent(speaker.name, "measuring quality", "The recording is licensed for this use.")


def tuned(session: Session, speaker: Speaker, base: str, max_steps: int | None) -> Any:
    """The id of a voice trained on all of the speaker's train clips, joined into one recording."""
    with TemporaryDirectory() as folder:
        recording = Path(folder) / "recording.wav"
        script = join_clips(speaker, recording)
        request = TrainingRequest(
            speaker.name,
            recording,
            consent_of(speaker),
            script=script,
            language=speaker.train[0].language,
            base=base,
            max_steps=max_steps,
        )
        return session.jobs.run(request)


def say(session: Session, voice: Any, sentences: Sequence[Sentence], seed: int) -> Spoken:
    """Speak each sentence with a seed of its own; a refused, silent or runaway sentence counts as failed."""
    sounds: list[tuple[Sentence, Audio]] = []
    spent = lasted = 0.0
    for index, sentence in enumerate(sentences):
        start = time.perf_counter()
        try:
            parts = list(session.speech.speak(sentence.text, voice, language=sentence.language, seed=seed + index))
        except VoiceError:
            continue
        audio = concatenate([part.audio for part in parts]) if parts else Audio(np.zeros(0, np.float32), RATE)
        spent += time.perf_counter() - start
        lasted += audio.seconds
        longest = LONGEST_PER_PHONE * (4 + len(phones_of(sentence.text, sentence.language)))
        if SHORTEST_SECONDS <= audio.seconds <= longest and np.any(audio.samples):
            sounds.append((sentence, audio))
    return Spoken(tuple(sounds), len(sentences) - len(sounds), spent / lasted if lasted else None)
