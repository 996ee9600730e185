"""Hear a text in its own language: an encoder that takes a stranger's Mandarin for English is told which it is.

The embedded base knows the Mandarin of few people, so that of others comes out as English phones that sound like it.
Which language was read is known from the text; among that language's phones alone the encoder hears well enough.

Letters in shapes: T frames, V phones of the table (class V is the CTC blank).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

import numpy as np

from gpt_sovits.text import phonemize, symbols

_NEVER = -60.0  # of a phone that belongs to none of the languages
_PHONES = {  # of the languages that the embedded base was taught
    "en": "B|CH|DH?|F|G|HH|JH|[KLMNPRVWYZ]|NG|SH?|TH?|ZH|(A[AEHOWY]|E[HRY]|I[HY]|O[WY]|U[HW])[0-2]",
    "zh": "[bpmfdtnlgkhjqxrzcsyw]|[zcs]h|AA|EE|OO|([a-z]+|E|En|i0)[1-5]",
}


def languages_of(text: str, language: str) -> frozenset[str]:
    """Codes of the languages that ``text`` is read in."""
    return frozenset(span.language for span in phonemize(text, language).spans)


def within(log_probs: np.ndarray, languages: Collection[str]) -> np.ndarray:
    """Posteriors [T, V + 1] when only these languages may be heard, each as if it were the only one.

    Unchanged where one of them is not known to any encoder here.
    """
    if not languages or not _PHONES.keys() >= set(languages):
        return log_probs.astype(np.float32)
    blank = log_probs.shape[1] - 1
    out = np.full(log_probs.shape, _NEVER, np.float32)
    silent = np.full(len(log_probs), _NEVER, np.float32)
    for language in sorted(languages):
        kept = [*_classes(language), blank]
        scores = log_probs[:, kept].astype(np.float32)
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        out[:, kept] = scores
        silent = np.maximum(silent, scores[:, -1])
    out[:, blank] = silent
    return out


@cache
def _classes(language: str) -> tuple[int, ...]:
    pattern = re.compile(_PHONES[language])
    return tuple(index for index, name in enumerate(symbols().names) if pattern.fullmatch(name))
