"""Can the words be understood? Word errors by pocketsphinx (English), phone errors by our own content encoder.

Both are edit distances divided by the length of what should have been said; a rate above 1 means that more was heard
than said. pocketsphinx is a small recogniser: 0.14 on a clean studio reader, 0.4 to 0.9 on accented or noisy speech,
so a synthesized voice is read beside the same speaker's real recordings, never alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from gpt_sovits.audio import Audio, resample, to_int16
from gpt_sovits.features.phone_errors import comparable
from gpt_sovits.lab.evaluation.optional import judge_package
from gpt_sovits.text import phonemize, symbols
from gpt_sovits.versions import PHONES

if TYPE_CHECKING:
    from gpt_sovits.features.mini_content import MiniContentEncoder

RATE = 16000

WordRecognizer = Callable[[Audio], list[str]]
PhoneRecognizer = Callable[[Audio], list[str]]


def words(text: str) -> list[str]:
    """Lower-case English words; punctuation, case and pocketsphinx's variant marks like ``a(2)`` fall away."""
    plain = re.sub(r"\(\d+\)", "", text.lower()).replace("’", "'")
    return [word for word in (part.strip("'") for part in re.findall(r"[a-z']+", plain)) if word]


def phones_of(text: str, language: str) -> list[str]:
    """What a recogniser should hear when ``text`` is spoken."""
    return comparable(phonemize(text, language).phones)


def pocketsphinx_recognizer() -> WordRecognizer:
    """Load pocketsphinx's English model from its wheel; the returned function maps a sound to its words."""
    decoder = judge_package("pocketsphinx").Decoder(samprate=RATE, loglevel="FATAL")

    def recognize(audio: Audio) -> list[str]:
        decoder.start_utt()
        decoder.process_raw(to_int16(resample(audio, RATE)).tobytes(), full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        return words(best.hypstr) if best else []

    return recognize


def phone_recognizer(encoder: MiniContentEncoder, version: str = PHONES) -> PhoneRecognizer:
    """The phones that the embedded base's content encoder hears: the best symbol of each frame, by CTC."""
    from gpt_sovits.families.mini import recognise  # late: words can be judged without any network of ours

    names = symbols(version).names

    def recognize(audio: Audio) -> list[str]:
        wave = torch.from_numpy(resample(audio, RATE).samples)[None]
        return comparable(names[index] for index in recognise(encoder, wave))

    return recognize
