"""More voices than a corpus has: recordings played faster or slower, through other microphones.

Played at another speed, speech has another pitch and other formants, as of a shorter or longer vocal tract (Jaitly and
Hinton, "Vocal tract length perturbation", 2013, do it to spectra); what is said stays, so its codes are kept, drawn
out or hurried with it. A language that few people of a corpus speak is so heard from many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from gpt_sovits.torchaudio_compat import functional
from gpt_sovits.training.examples import FRAME, Example

PARTS = 20  # speeds are whole twentieths
SPEEDS = tuple(range(17, 25))
_KNOTS = 9
_DECIBELS = 3.0  # deviation of a colour's knots


def at_speed(wave: np.ndarray, speed: int) -> np.ndarray:
    """A wave `[L]` played at ``speed`` twentieths of its speed: `[L * 20 / speed]`, its pitch higher by as much."""
    if speed == PARTS:
        return wave
    return np.asarray(functional.resample(torch.from_numpy(wave), speed, PARTS))


def random_colour(rng: np.random.Generator) -> np.ndarray:
    """Decibels `[K]` of a smooth frequency response at places even on the mel scale, 0 on average."""
    steps = rng.normal(0.0, _DECIBELS, _KNOTS)
    smooth = np.convolve(np.pad(steps, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid") * 1.6
    return np.asarray(smooth - smooth.mean())


def coloured(wave: np.ndarray, colour: np.ndarray, rate: int = 32000) -> np.ndarray:
    """A wave `[L]` through the frequency response ``colour``, without delay; not louder than 1."""
    size = 1 << (len(wave) + 1024 - 1).bit_length()
    mel = np.log1p(np.fft.rfftfreq(size, 1 / rate) / 700.0)
    gain = 10 ** (np.interp(mel, np.linspace(0, mel[-1], len(colour)), colour) / 20)
    out = np.fft.irfft(np.fft.rfft(wave, size) * gain, size)[: len(wave)].astype(np.float32)
    return out / max(1.0, float(np.abs(out).max()))


def hurried(example: Example, speed: int) -> Example:
    """The utterance at ``speed`` twentieths of its speed; two frames to every code, as before."""
    if speed == PARTS:
        return example
    wave = at_speed(example.wave, speed)
    count = len(wave) // (2 * FRAME)
    of_code = np.minimum(((np.arange(count) + 0.5) * speed / PARTS).astype(np.int64), len(example.codes) - 1)
    frames = np.arange(2 * count) + 0.5
    of_frame = np.minimum((frames * speed / PARTS).astype(np.int64), example.frames - 1)
    return replace(
        example,
        wave=wave[: 2 * count * FRAME],
        codes=example.codes[of_code],
        phone_of_code=example.phone_of_code[of_code],
        pitch=example.pitch[of_frame] * np.float32(speed / PARTS),
        bandwidth=min(16000.0, example.bandwidth * speed / PARTS),
    )


def varied(example: Example, style: np.ndarray, rng: np.random.Generator, often: float) -> tuple[Example, np.ndarray]:
    """An utterance and a wave `[n * 640]` of the same person, both as of somebody else in ``often`` of the cases."""
    if rng.random() < often:
        speed = int(rng.choice(SPEEDS))
        example, style = hurried(example, speed), at_speed(style, speed)
        style = style[: len(style) // FRAME * FRAME]
    if rng.random() < often:
        colour = random_colour(rng)
        example, style = replace(example, wave=coloured(example.wave, colour)), coloured(style, colour)
    return example, style


class StyleDrift:
    """Moves styles from where a group of speakers is towards where another is, by no, all or more of the way.

    Where few people of a corpus speak two languages, a model reads the language off the style, and a voice that is
    heard in one can't say the other. With the styles' means apart by chance, what is said has to come from the text.

    A teacher's speakers (language "") lie apart too, and their times are exact while people's were found: left alone,
    a model says everything clearly in a teacher's styles and vaguely in people's (of two readers English 20.6 % of
    the words misunderstood, in a teacher's style 4.8 %). So a teacher's styles move to where people's are, and their
    clearness with them; people's never move to a teacher's, which would take their vagueness there.
    """

    def __init__(self, rng: np.random.Generator, often: float, farthest: float = 1.2) -> None:
        self.rng, self.often, self.farthest = rng, often, farthest
        self.means: dict[str, torch.Tensor] = {}
        self.seen: dict[str, int] = {}

    def __call__(self, style: torch.Tensor, languages: Sequence[str]) -> torch.Tensor:
        """Styles `[B, gin, 1]` of people who speak ``languages``, of a teacher's speakers ""; the means follow."""
        for row, language in zip(style.detach(), languages, strict=True):
            count = self.seen[language] = self.seen.get(language, 0) + 1
            mean = self.means.get(language, row)
            self.means[language] = mean + (row - mean) / min(count, 400)
        shift = torch.zeros_like(style)
        for index, language in enumerate(languages):
            others = [other for other in sorted(self.means) if other and other != language]
            if others and self.rng.random() < self.often:
                other = others[int(self.rng.integers(len(others)))]
                part = float(self.rng.uniform(0.0, self.farthest))
                shift[index] = part * (self.means[other] - self.means[language])
        return style + shift
