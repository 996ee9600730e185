"""Text and a voice in, speech out, piece by piece: phones, semantic tokens, waveform.

Streaming and whole synthesis are the same code: ``speak`` yields each piece as soon as it can be heard. A piece
whose tokens look wrong (cut short, looping, endless) is rolled again with another seed. Nothing global is switched: a
voice is an argument, its models come from a small bounded cache.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.audio import Audio
from gpt_sovits.errors import InputError, RefusedError
from gpt_sovits.events import CancelToken
from gpt_sovits.families.base import Base
from gpt_sovits.families.enrol import bert_features
from gpt_sovits.families.family import Delivery
from gpt_sovits.semantic.decode import Generated, generate
from gpt_sovits.semantic.guard import Rolled, roll
from gpt_sovits.semantic.model import T2S
from gpt_sovits.semantic.sampling import Sampling
from gpt_sovits.text import (
    Lexicon,
    Phones,
    Piece,
    PolyphoneModel,
    phonemize,
    require_speakable,
    split_text,
)
from gpt_sovits.voices.voice import Voice

SPEEDS = (0.5, 2.0)
MOST_CHARACTERS = 200_000
TOKENS_PER_SECOND = 25
_LEAD_SECONDS = 0.02  # kept before the first and after the last sound of a piece
_FADE_SECONDS = 0.005


@dataclass(frozen=True)
class Speech:
    """One piece of the text, spoken: ``text == original[start:end]``; ``seconds_from`` counts from the first sample."""

    audio: Audio
    text: str
    start: int
    end: int
    seconds_from: float
    phones: tuple[str, ...]
    attempts: int = 1
    doubt: str | None = None  # what still looked wrong after the last attempt

    @property
    def seconds_to(self) -> float:
        return self.seconds_from + self.audio.seconds


@dataclass(frozen=True)
class Manner:
    """How to speak. ``pause``: seconds of silence after each piece; ``noise``: how lively the acoustic model is.

    ``noise`` and ``sampling`` of None are what the base's card recommends.
    """

    speed: float = 1.0
    pause: float = 0.3
    seed: int = 0
    noise: float | None = None
    attempts: int = 3
    sampling: Sampling | None = None
    mel_steps: int = 16  # of the flow-matching models only

    def checked(self) -> Manner:
        if not SPEEDS[0] <= self.speed <= SPEEDS[1]:
            raise InputError(f"A speed of {self.speed:g} is not possible.", "Choose between 0.5 and 2.")
        if not 0.0 <= self.pause <= 10.0:
            raise InputError(f"A pause of {self.pause:g} seconds is not possible.", "Choose between 0 and 10 seconds.")
        return self


class Synthesizer:
    """Speaks with any voice of any installed base. Safe to use from several threads.

    ``load_base(name)`` opens a base; bases and the ``voices`` last used personal models are kept. ``polyphones``
    gives the model for Chinese readings, where one is installed.
    """

    def __init__(
        self,
        load_base: Callable[[str], Base],
        voices: int = 3,
        polyphones: Callable[[], PolyphoneModel | None] = lambda: None,
    ) -> None:
        self._polyphones = polyphones
        self._load = load_base
        self._size = voices
        self._bases: dict[str, Base] = {}
        self._voiced: OrderedDict[tuple[str, str, int], tuple[Voice, nn.Module, T2S]] = OrderedDict()
        self._lock = threading.RLock()

    def base(self, name: str) -> Base:
        with self._lock:
            if name not in self._bases:
                self._bases[name] = self._load(name)
            return self._bases[name]

    def forget(self, voice_id: str) -> None:
        """Drop what is kept of a voice, in memory."""
        with self._lock:
            for key in [key for key in self._voiced if key[0] == voice_id]:
                del self._voiced[key]

    def _models(self, voice: Voice, base: Base) -> tuple[nn.Module, T2S]:
        if not voice.delta:
            return base.acoustic, base.semantic
        made_on = str(voice.made_by.get("base_release", base.release))
        if made_on != base.release:
            raise RefusedError(
                f"This voice was made on another release of the model {base.name}.",
                "Train it again from its recording.",
            )
        # the delta itself is part of the key: two mixes of the same parents share id and version
        key = (voice.id, voice.version_id or "", id(voice.delta))
        with self._lock:
            if key not in self._voiced:
                self._voiced[key] = (voice, *base.voiced(voice.delta))
                while len(self._voiced) > self._size:
                    self._voiced.popitem(last=False)
            self._voiced.move_to_end(key)
            _, acoustic, semantic = self._voiced[key]
            return acoustic, semantic

    def speak(
        self,
        voice: Voice,
        text: str,
        *,
        language: str = "auto",
        speed: float = 1.0,
        pause: float = 0.3,
        seed: int | None = 0,
        manner: Manner | None = None,
        lexicon: Lexicon | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Speech]:
        """Speak ``text``, yielding each piece when it is ready.

        The same voice, text, manner and seed give the same samples; a seed of None draws one. Markup in the text
        (text/markup.py) sets pauses, speeds and readings, ``lexicon`` further readings. Raises ``InputError`` for
        text without a speakable character or beyond ``MOST_CHARACTERS``, before anything is computed.
        """
        if len(text) > MOST_CHARACTERS:
            raise InputError(
                f"The text has {len(text):,} characters, more than {MOST_CHARACTERS:,}.", "Speak it in parts."
            )
        require_speakable(text)
        if seed is None:
            seed = int(torch.randint(2**31, ()).item())
        chosen = replace(manner or Manner(), speed=speed, pause=pause, seed=seed).checked()
        return self._pieces(voice, text, language, chosen, lexicon, cancel or CancelToken())

    def _pieces(
        self, voice: Voice, text: str, language: str, manner: Manner, lexicon: Lexicon | None, cancel: CancelToken
    ) -> Iterator[Speech]:
        base = self.base(voice.base)
        models = self._models(voice, base)
        clock = 0.0
        polyphones = self._polyphones() or True
        pieces = split_text(text, language, numbers=tongue(voice))
        for number, piece in enumerate(pieces):
            cancel.check()
            said = phonemize(piece, language, base.symbols_version, lexicon, polyphones=polyphones)
            if not said.ids:
                continue
            own = replace(manner, speed=min(SPEEDS[1], max(SPEEDS[0], manner.speed * piece.speed)))
            rolled = self._tokens(base, models[1], voice, said, own, number, cancel)
            cancel.check()
            wave = self._wave(base, models[0], voice, said, rolled.result.tokens, own, number, cancel)
            usual = manner.pause if number < len(pieces) - 1 else 0.0
            audio = _finished(wave, base.rate, usual if piece.pause is None else piece.pause)
            yield _speech(audio, piece, clock, said, rolled)
            clock += audio.seconds

    @torch.inference_mode()
    def _tokens(
        self, base: Base, model: T2S, voice: Voice, said: Phones, manner: Manner, number: int, cancel: CancelToken
    ) -> Rolled:
        reference = voice.reference
        prompted = base.prompted and bool(len(reference.codes) and reference.phones)
        phones = torch.tensor((*reference.phones, *said.ids) if prompted else said.ids, device=base.device)
        bert = bert_features(base, said)
        before = reference.bert if prompted else None
        if prompted and (bert is not None or before is not None):
            width = len(bert if bert is not None else before)  # type: ignore[arg-type]
            before = torch.zeros(width, len(reference.phones)) if before is None else before
            bert = torch.zeros(width, len(said.ids)) if bert is None else bert
            bert = torch.cat([before, bert], dim=1)
        pace = len(reference.codes) / len(reference.phones) if prompted else None
        cap = int(len(said.ids) * max(4.0, 2.5 * (pace or 0.0))) + 25

        def attempt(turn: int) -> Generated:
            generator = torch.Generator(base.device).manual_seed(manner.seed + 7919 * number + 104729 * turn)
            return generate(
                model,
                phones,
                None if bert is None else bert.to(base.device),
                reference.codes.to(base.device) if prompted else None,
                max_tokens=cap,
                sampling=manner.sampling or base.sampling,
                generator=generator,
                min_tokens=min(11, 1 + len(said.ids)),
                follower=base.family.follower(base, phones),
                cancel=cancel,
            )

        return roll(attempt, len(said.ids), attempts=manner.attempts, pace=pace)

    @torch.inference_mode()
    def _wave(
        self,
        base: Base,
        model: nn.Module,
        voice: Voice,
        said: Phones,
        tokens: Tensor,
        manner: Manner,
        number: int,
        cancel: CancelToken,
    ) -> np.ndarray:
        """Float32 samples `[L]` at the base's rate."""
        generator = torch.Generator(base.device).manual_seed(manner.seed + number)
        how = Delivery(manner.speed, manner.noise, manner.mel_steps, generator, cancel.check)
        wave = base.family.render(base, model, voice.reference, said, tokens, how)
        return wave.reshape(-1).float().cpu().numpy()


def tongue(voice: Voice) -> str:
    """The language in which a voice reads a text of numbers only: its own."""
    heard = voice.reference.timbre.tongue
    return "en" if heard is not None and heard < 0.5 else "zh"


def _finished(wave: np.ndarray, rate: int, pause: float) -> Audio:
    """Without silence at the ends, faded, never clipped, followed by an exact pause."""
    wave = np.nan_to_num(wave.astype(np.float32))
    peak = float(np.abs(wave).max(initial=0.0))
    if peak > 1.0:
        wave = wave / peak
        peak = 1.0
    loud = np.flatnonzero(np.abs(wave) > max(1e-3, 0.01 * peak))
    if len(loud):
        margin = round(_LEAD_SECONDS * rate)
        wave = wave[max(0, loud[0] - margin) : loud[-1] + margin].copy()
    edge = min(len(wave) // 2, round(_FADE_SECONDS * rate))
    if edge:
        ramp = np.linspace(0.0, 1.0, edge, dtype=np.float32)
        wave[:edge] *= ramp
        wave[-edge:] *= ramp[::-1]
    return Audio(np.concatenate([wave, np.zeros(round(pause * rate), np.float32)]), rate)


def _speech(audio: Audio, piece: Piece, clock: float, said: Phones, rolled: Rolled) -> Speech:
    return Speech(
        audio=audio,
        text=piece.text,
        start=piece.start,
        end=piece.end,
        seconds_from=clock,
        phones=said.phones,
        attempts=rolled.attempts,
        doubt=rolled.reason,
    )
