"""Can the phones be understood? Phone errors by our own content encoder, which is the ear of the whole program.

An edit distance divided by the length of what should have been said; a rate above 1 means that more was heard than
said. Words and syllables are judged by ``whisper``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from gpt_sovits.audio import Audio, resample
from gpt_sovits.features.phone_errors import comparable
from gpt_sovits.text import phonemize, symbols
from gpt_sovits.versions import PHONES

if TYPE_CHECKING:
    from gpt_sovits.features.mini_content import MiniContentEncoder

RATE = 16000

PhoneRecognizer = Callable[[Audio], list[str]]


def phones_of(text: str, language: str) -> list[str]:
    """What a recogniser should hear when ``text`` is spoken."""
    return comparable(phonemize(text, language).phones)


def phone_recognizer(encoder: MiniContentEncoder, version: str = PHONES) -> PhoneRecognizer:
    """The phones that the embedded base's content encoder hears: the best symbol of each frame, by CTC."""
    from gpt_sovits.families.mini import recognise  # late: words can be judged without any network of ours

    names = symbols(version).names

    def recognize(audio: Audio) -> list[str]:
        wave = torch.from_numpy(resample(audio, RATE).samples)[None]
        return comparable(names[index] for index in recognise(encoder, wave))

    return recognize
