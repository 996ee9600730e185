"""Does it sound like clean human speech? DNSMOS P.835: predicted opinion scores from 1 (bad) to 5 (excellent)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gpt_sovits.audio import Audio, resample
from gpt_sovits.lab.evaluation.optional import judge_package

RATE = 16000


@dataclass(frozen=True)
class Opinion:
    """Predicted mean opinion scores: the whole, the speech alone, the background alone."""

    overall: float
    signal: float
    background: float


Rater = Callable[[Audio], Opinion]


def dnsmos_rater() -> Rater:
    """Load DNSMOS from the speechmos wheel; the returned function rates one sound (about 2 s of one core each)."""
    dnsmos = judge_package("speechmos.dnsmos")

    def rate(audio: Audio) -> Opinion:
        heard = np.clip(resample(audio, RATE).samples, -1.0, 1.0)
        scores = dnsmos.run(heard, RATE)
        return Opinion(float(scores["ovrl_mos"]), float(scores["sig_mos"]), float(scores["bak_mos"]))

    return rate
