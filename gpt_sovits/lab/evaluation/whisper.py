"""The judge of words: Whisper base (OpenAI, MIT; CTranslate2 form by Systran, run by faster-whisper), offline.

A sound is heard in the language that it should be in: English as words, Mandarin as syllables by pypinyin, since
homophones are no errors of speech; digits are written out on both sides by our own frontend, and British and American
spellings are no errors either. Its own error on people: 8 to 10 % of words on readers of LibriSpeech and LJ Speech,
so speech is judged beside recordings of the same sentences, never alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gpt_sovits.audio import Audio, resample
from gpt_sovits.errors import ResourceError, VoiceError
from gpt_sovits.features.phone_errors import ErrorRate, error_rate
from gpt_sovits.lab.evaluation.optional import judge_package
from gpt_sovits.text import phonemize
from gpt_sovits.text.data import pronunciations

VARIABLE = "GPT_SOVITS_WHISPER"  # the folder of the model: model.bin, config.json, tokenizer.json, vocabulary.txt
RATE = 16000
PROMPT = "以下是普通话的句子。"  # else it writes traditional characters, and no marks


@dataclass(frozen=True)
class Heard:
    """How much of a sentence was heard otherwise: English ``words``, Mandarin ``syllables``, and those with ``tones``.

    ``text`` is what the judge wrote.
    """

    text: str
    words: ErrorRate = ErrorRate()
    syllables: ErrorRate = ErrorRate()
    tones: ErrorRate = ErrorRate()

    def __add__(self, other: Heard) -> Heard:
        return Heard("", self.words + other.words, self.syllables + other.syllables, self.tones + other.tones)


def english_words(text: str, language: str = "en") -> list[str]:
    """Lower-case words, numbers written out, hyphens apart, British spellings as American ones."""
    written = _normal(text, language).lower().replace("’", "'")
    return [_american(word) for word in (part.strip("'") for part in re.findall(r"[a-z']+", written)) if word]


def mandarin_syllables(text: str, language: str = "zh") -> list[str]:
    """Pinyin of every character with its tone digit, numbers written out; other scripts fall away."""
    written = "".join(re.findall("[\u4e00-\u9fff]+", _normal(text, language)))
    pypinyin = judge_package("pypinyin")
    found = pypinyin.lazy_pinyin(written, style=pypinyin.Style.TONE3, neutral_tone_with_five=True)
    return [str(syllable) for syllable in found]


def toneless(syllables: Sequence[str]) -> list[str]:
    """Syllables without their tone digits."""
    return [syllable.rstrip("12345") for syllable in syllables]


def _normal(text: str, language: str) -> str:
    try:
        return phonemize(text, language).norm_text
    except VoiceError:  # nothing in it can be said
        return ""


_BRITISH = {"our": "or", "ours": "ors", "oured": "ored", "ise": "ize", "ised": "ized", "ising": "izing", "tre": "ter"}
_SPELT = {"grey": "gray", "okay": "ok", "mum": "mom", "towards": "toward", "theatre": "theater"}


def _american(word: str) -> str:
    """The American spelling of a word where the dictionary reads both the same."""
    if word in _SPELT:
        return _SPELT[word]
    for old, new in _BRITISH.items():
        other = word.removesuffix(old) + new
        alike = word in pronunciations() and pronunciations().get(other) == pronunciations()[word]
        if word.endswith(old) and len(word) > 4 and alike:  # not "four"
            return other
    return word


def compare(told: str, heard: str, language: str) -> Heard:
    """What was written beside what should have been said.

    Of sentences in neither ``en`` nor ``zh`` alone ("auto") the English words and the Mandarin syllables count apart.
    """
    out = Heard(heard)
    if language != "zh":
        out = replace(out, words=error_rate(english_words(told, language), english_words(heard, language)))
    if language != "en":
        due, got = mandarin_syllables(told, language), mandarin_syllables(heard, language)
        out = replace(out, syllables=error_rate(toneless(due), toneless(got)), tones=error_rate(due, got))
    return out


def find_model() -> Path:
    """The model's folder, named by the environment or lying under models/whisper-base; raises ``ResourceError``."""
    places = [Path(os.environ[VARIABLE])] if os.environ.get(VARIABLE) else [Path("models/whisper-base")]
    for place in places:
        if (place / "model.bin").is_file():
            return place
    raise ResourceError(
        "The judge of words needs Whisper base, which is not here.",
        f"Put Systran/faster-whisper-base into models/whisper-base, or name its folder in {VARIABLE}.",
    )


class Whisper:
    """One loaded model; ``hear`` writes down a sound."""

    def __init__(self, folder: Path | None = None, threads: int = 1, beams: int = 5) -> None:
        self._model: Any = judge_package("faster_whisper").WhisperModel(
            str(folder or find_model()), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )
        self._beams = beams

    def hear(self, audio: Audio, language: str) -> str:
        """What is said, "" for nothing; anything but English is heard as Mandarin, mixed speech too."""
        segments, _ = self._model.transcribe(
            np.ascontiguousarray(resample(audio, RATE).samples),
            language="en" if language == "en" else "zh",
            beam_size=self._beams,
            condition_on_previous_text=False,
            initial_prompt=None if language == "en" else PROMPT,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in segments)

    def judge(self, audio: Audio, told: str, language: str) -> Heard:
        """How much of ``told`` is heard otherwise."""
        return compare(told, self.hear(audio, language), language)


def shared_out(due: Sequence[Sequence[str]], heard: Sequence[str]) -> list[ErrorRate]:
    """Errors of each sentence where several were heard in one go, by the cheapest alignment of all of them."""
    flat = [unit for units in due for unit in units]
    costs = np.zeros((len(flat) + 1, len(heard) + 1), np.int64)
    costs[:, 0], costs[0] = np.arange(len(flat) + 1), np.arange(len(heard) + 1)
    for i, unit in enumerate(flat, 1):
        for j, got in enumerate(heard, 1):
            costs[i, j] = min(costs[i - 1, j - 1] + (unit != got), costs[i - 1, j] + 1, costs[i, j - 1] + 1)
    wrong = np.zeros(len(flat) + 1, np.int64)
    i, j = len(flat), len(heard)
    while i or j:
        if i and j and costs[i, j] == costs[i - 1, j - 1] + (flat[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            wrong[i] += flat[i] != heard[j]
        elif i and costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
            wrong[i] += 1
        else:
            j -= 1
            wrong[min(i, len(flat) - 1)] += 1
    ends = np.cumsum([0, *map(len, due)])
    return [ErrorRate(int(wrong[a:b].sum()), int(b - a)) for a, b in zip(ends, ends[1:], strict=False)]
