"""A teacher voice: Kokoro-82M speaks what ``gpt_sovits.text`` reads, and says how long each phone is.

Kokoro-82M (Apache-2.0, hexgrad) speaks English and Mandarin in 54 voices; a voice is 510 vectors of 256 numbers, one
for each length of the text, and any mean of voices is a voice too. ``kokoro.py`` of the project's shared tools puts it
together from packages. Needs onnxruntime and, for Mandarin, misaki. It makes the base; no user needs it.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpt_sovits.audio import Audio
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.lab.evaluation.optional import judge_package
from gpt_sovits.lab.evaluation.trial import Sentence
from gpt_sovits.text import Phones, phonemize

RATE = 24000
STEP = 600  # samples of one duration step, 25 ms
JUDGED = {"af_heart": 0.5, "zf_xiaoxiao": 0.5}  # the voice that is judged beside ours
LONGEST = 500  # symbols that it can say at once
DURATIONS = "/encoder/Clip_output_0"  # the graph's tensor of duration steps
INITIAL_SHARE = 0.3  # of a syllable's time for an initial that has no symbol of its own, as in "yi"

_VOWELS = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "EH": "ɛ", "EY": "A", "IH": "ɪ", "IY": "i",
    "OW": "O", "OY": "Y", "UH": "ʊ", "UW": "u",
}  # fmt: skip
_CONSONANTS = {
    "B": "b", "CH": "ʧ", "D": "d", "DH": "ð", "F": "f", "G": "ɡ", "HH": "h", "JH": "ʤ", "K": "k", "L": "l", "M": "m",
    "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "V": "v", "W": "w", "Y": "j",
    "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_STRESS = {"0": "", "1": "ˈ", "2": "ˌ"}
_TONES = (("˧˩˧", "↓"), ("˧˥", "↗"), ("˥˩", "↘"), ("˥", "→"))


def english_symbols(phone: str) -> str:
    """Kokoro's symbols of an ARPAbet phone with its stress digit."""
    if phone in _CONSONANTS:
        return _CONSONANTS[phone]
    vowel, stress = phone[:-1], phone[-1]
    if vowel == "ER":
        return _STRESS[stress] + ("əɹ" if stress == "0" else "ɜɹ")
    return "ə" if phone == "AH0" else _STRESS[stress] + _VOWELS[vowel]


@functools.lru_cache(maxsize=4096)
def _syllable(pinyin: str) -> tuple[str, ...]:
    transcription = importlib.import_module("misaki.transcription")
    pieces = []
    for piece in transcription.pinyin_to_ipa(pinyin.replace("v", "ü"))[0]:
        for old, new in _TONES:
            piece = piece.replace(old, new)
        pieces.append(piece.replace("\u027b\u0329", "ɨ").replace("\u0279\u0329", "ɨ").replace("\u032f", ""))
    return tuple(pieces)


def _mandarin(reading: str, phones: tuple[str, ...]) -> list[tuple[str, str]]:
    out = []
    for number, pinyin in enumerate(reading.split()):
        first, second = phones[2 * number : 2 * number + 2]
        pieces = _syllable(pinyin)
        out += [(first, pieces[0] if len(pieces) > 1 else ""), (second, "".join(pieces[1:]) or pieces[0])]
    return out


def symbols_of(said: Phones) -> list[tuple[str, str]]:
    """(our phone, Kokoro's symbols) of everything said; a space belongs to the phone before it.

    Raises ``InputError`` for a language that the teacher does not speak.
    """
    out: list[tuple[str, str]] = []
    for reading in said.readings:
        if reading.why == "mark":
            if out:
                out[-1] = (out[-1][0], out[-1][1].removesuffix(" "))
            out.append((reading.phones[0], reading.phones[0] + " "))
            continue
        if reading.language == "en":
            word = [(phone, english_symbols(phone)) for phone in reading.phones]
        elif reading.language == "zh":
            word = _mandarin(reading.reading, reading.phones)
        else:
            raise InputError(f"The teacher does not speak {reading.language}.", "Use English and Mandarin.")
        if word:
            word[-1] = (word[-1][0], word[-1][1] + " ")
        out += word
    if out:
        out[-1] = (out[-1][0], out[-1][1].rstrip())
    return out


@dataclass(frozen=True)
class Said:
    """``wave`` float32 `[L]` at 24 kHz; ``seconds`` `[P]` of each phone with the pause after it, after ``lead``."""

    wave: np.ndarray
    phones: tuple[str, ...]
    seconds: np.ndarray
    lead: float


class Teacher:
    """``folder``: ``teacher.onnx``, ``vocab.json`` and ``voices/NAME.bin``, as the shared ``kokoro.py`` writes them."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        if not (folder / "teacher.onnx").is_file():
            raise MissingError(f"There is no teacher in {folder}.", "Put it together with the shared kokoro.py.")
        runtime = judge_package("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = runtime.InferenceSession(
            str(folder / "teacher.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        self._voices = folder / "voices"

    def names(self) -> list[str]:
        """The voices: language, sex, name, e.g. ``zf_xiaoxiao``."""
        return sorted(path.stem for path in self._voices.glob("*.bin"))

    def mean(self, shares: Mapping[str, float]) -> np.ndarray:
        """The voice `[510, 256]` between voices; shares are made to sum to 1."""
        parts = [
            share * np.fromfile(self._voices / f"{name}.bin", np.float32).reshape(-1, 256)
            for name, share in shares.items()
        ]
        return np.asarray(np.sum(parts, axis=0, dtype=np.float32) / np.float32(sum(shares.values())))

    def say(self, phones: Phones, voice: np.ndarray, speed: float = 1.0) -> Said:
        """Speak; raises ``InputError`` for what is empty or longer than ``LONGEST`` symbols."""
        pairs = symbols_of(phones)
        groups = [[self._vocabulary[c] for c in text if c in self._vocabulary] for _, text in pairs]
        flat = [token for group in groups for token in group]
        if not 0 < len(flat) <= LONGEST:
            raise InputError(f"The teacher cannot say {len(flat)} symbols at once.", "Give it a shorter sentence.")
        style = voice[min(len(flat), len(voice)) - 1][None].astype(np.float32)
        given = {"tokens": np.array([[0, *flat, 0]], np.int64), "style": style, "speed": np.array([speed], np.float32)}
        wave, steps = self._session.run(None, given)
        steps = steps.ravel()
        ends = np.cumsum([1, *map(len, groups)])
        seconds = np.array([steps[a:b].sum() for a, b in zip(ends, ends[1:], strict=False)]) * STEP / RATE
        for i, group in enumerate(groups[:-1]):
            if not group:
                seconds[i], seconds[i + 1] = INITIAL_SHARE * seconds[i + 1], (1 - INITIAL_SHARE) * seconds[i + 1]
        return Said(wave.ravel(), tuple(phone for phone, _ in pairs), seconds, float(steps[0]) * STEP / RATE)


def reader(folder: Path) -> Callable[[Sentence], Audio]:
    """The teacher in the voice ``JUDGED``, ready to say sentences."""
    teacher = Teacher(folder)
    voice = teacher.mean(JUDGED)

    def read(sentence: Sentence) -> Audio:
        return Audio(teacher.say(phonemize(sentence.text, sentence.language), voice).wave, RATE)

    return read
