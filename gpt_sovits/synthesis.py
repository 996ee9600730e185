"""Text and a voice in, speech out, piece by piece: phones, semantic tokens, waveform.

Streaming and whole synthesis are the same code: ``speak`` yields each piece as soon as it can be heard. A piece
whose tokens look wrong (words skipped, repeated or foreign, cut short, looping, endless) is rolled again with another
seed, more gently; where that does not help it is spoken in parts, and what remains doubtful is told. Nothing global is
switched: a voice is an argument, its models come from a small bounded cache.
"""

from __future__ import annotations

import html
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.audio import Audio, silence
from gpt_sovits.dataset.proof import Thresholds
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.families.base import Base
from gpt_sovits.families.enrol import bert_features
from gpt_sovits.families.family import Delivery
from gpt_sovits.hearing import Ear, Heard, words_of
from gpt_sovits.loudness import LOUDNESS
from gpt_sovits.seams import finished, trimmed
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
    symbols,
)
from gpt_sovits.text.cuts import CUTS
from gpt_sovits.text.frontend import FIRST
from gpt_sovits.text.unspoken import check_language, check_readable, left_out
from gpt_sovits.versions import EMBEDDED
from gpt_sovits.voices.voice import Voice

SPEEDS = (0.5, 2.0)
PITCH = 4.0  # semitones
MOST_CHARACTERS = 200_000
TOKENS_PER_SECOND = 25
SHORT = 8  # phones of a piece whose marks change when it is said again: one word alone is lost most easily
OTHERWISE = ("!", ",")  # how a word alone ends when it is said again


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
    doubt: str | None = None  # what still looked wrong after the last attempt (``semantic.guard.REASONS``)
    number: int = 0  # of the piece in the whole text
    left_out: tuple[str, ...] = ()  # what of the text nobody here can read

    @property
    def seconds_to(self) -> float:
        return self.seconds_from + self.audio.seconds

    def _repr_html_(self) -> str:
        """In a notebook: the words, a player and a picture of the sound."""
        return f"<p>{html.escape(self.text)}</p>{self.audio._repr_html_()}"


@dataclass(frozen=True)
class _Take:
    """Samples `[L]`, what is doubtful about them, and how many rolls they took."""

    wave: np.ndarray
    reason: str | None
    attempts: int


@dataclass(frozen=True)
class _Work:
    """What stays the same for all pieces of a speech. ``ear``: who listens; None: nobody does."""

    base: Base
    acoustic: nn.Module
    semantic: T2S
    voice: Voice
    read: Callable[[Piece], Phones]
    ear: Ear | None
    cancel: CancelToken


@dataclass(frozen=True)
class Manner:
    """How to speak. ``pause``: seconds of silence after a sentence (``seams``); ``noise``: how lively the sound is.

    ``noise`` and ``sampling`` of None are what the base's card recommends. ``attempts``: how often a doubtful piece
    may be rolled; with 1 nothing is done about it. ``loudness``: LUFS of every piece; None leaves it as it was made.
    ``cut``: one of upstream's ways of cutting (``text.cuts``); "" is ours.
    ``pitch``: semitones higher, by the melody and not by the sound: whose voice it is stays.
    """

    speed: float = 1.0
    pause: float = 0.3
    seed: int = 0
    noise: float | None = None
    attempts: int = 3
    sampling: Sampling | None = None
    mel_steps: int = 16  # of the flow-matching models only
    loudness: float | None = LOUDNESS
    cut: str = ""
    pitch: float = 0.0

    def checked(self) -> Manner:
        if not SPEEDS[0] <= self.speed <= SPEEDS[1]:
            raise InputError(f"A speed of {self.speed:g} is not possible.", "Choose between 0.5 and 2.")
        if not -PITCH <= self.pitch <= PITCH:
            raise InputError(f"A pitch of {self.pitch:g} semitones is not possible.", "Choose between -4 and 4.")
        if not 0.0 <= self.pause <= 10.0:
            raise InputError(f"A pause of {self.pause:g} seconds is not possible.", "Choose between 0 and 10 seconds.")
        if self.cut not in ("", *CUTS):
            raise InputError(
                f"There is no way of cutting named {self.cut[:40]!r}.", f"Choose one of: {', '.join(CUTS)}."
            )
        return self


def require_readable(text: str, language: str) -> str:
    """``text`` itself, or an ``InputError``: it is too long, has nothing to say, or cannot be read in ``language``."""
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"The text has {len(text):,} characters, more than {MOST_CHARACTERS:,}.", "Speak it in parts.")
    check_readable(require_speakable(text), check_language(language))
    return text


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

    def base_of(self, voice: Voice) -> Base:
        """The base that a voice was made on, in its release; ``MissingError`` where that is no longer there."""
        base = self.base(voice.base)
        made_on = str(voice.made_by.get("base_release", base.release)) if voice.delta else base.release
        return base if made_on == base.release else self.base(f"{voice.base}@{made_on}")

    def forget(self, voice_id: str) -> None:
        """Drop what is kept of a voice, in memory."""
        with self._lock:
            for key in [key for key in self._voiced if key[0] == voice_id]:
                del self._voiced[key]

    def _models(self, voice: Voice, base: Base) -> tuple[nn.Module, T2S]:
        if not voice.delta:
            return base.acoustic, base.semantic
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
        after: int = 0,
        pitch: float = 0.0,
        numbers: str = "",
    ) -> Iterator[Speech]:
        """Speak ``text``, yielding each piece when it is ready.

        The same voice, text, manner and seed give the same samples; a seed of None draws one. Markup in the text
        (text/markup.py) sets pauses, speeds and readings, ``lexicon`` further readings. ``after``: how many pieces were
        spoken before and are not spoken again; the others are the same as without it. ``numbers``: the language of a
        text of numbers only ("": the voice's own). Raises ``InputError`` for text
        that nobody here can read or beyond ``MOST_CHARACTERS``, and an unknown language, before anything is computed.
        """
        require_readable(text, language)
        if seed is None:
            seed = int(torch.randint(2**31, ()).item())
        chosen = replace(manner or Manner(), speed=speed, pause=pause, seed=seed, pitch=pitch).checked()
        if pitch and not self.base(voice.base).family.pitched:
            raise InputError("The model of this voice cannot speak higher or lower.", "Set the pitch back to 0.")
        stop = cancel or CancelToken()
        return self._pieces(voice, text, (language, numbers or tongue(voice)), chosen, lexicon, stop, after)

    def _pieces(
        self,
        voice: Voice,
        text: str,
        languages: tuple[str, str],
        manner: Manner,
        lexicon: Lexicon | None,
        cancel: CancelToken,
        after: int,
    ) -> Iterator[Speech]:
        base = self.base_of(voice)
        language, numbers = languages
        read = partial(
            phonemize,
            language=language,
            version=base.symbols_version,
            lexicon=lexicon,
            polyphones=self._polyphones() or True,
        )
        ear = self._ear(base) if manner.attempts > 1 else None
        work = _Work(base, *self._models(voice, base), voice, read, ear, cancel)
        clock = 0.0
        for number, piece in enumerate(split_text(text, language, numbers=numbers, first=FIRST, cut=manner.cut)):
            if number < after:
                continue
            cancel.check()
            said = read(piece)
            own = replace(manner, speed=min(SPEEDS[1], max(SPEEDS[0], manner.speed * piece.speed)))
            pause = piece.pause_after(manner.pause)
            if words_of(said):
                take = self._said(work, piece, said, own, number)
                audio = finished(take.wave, base.rate, pause, manner.loudness)
            else:
                take, audio = _Take(np.zeros(0), None, 0), silence(pause, base.rate)
            yield Speech(
                audio=audio,
                text=piece.text,
                start=piece.start,
                end=piece.end,
                seconds_from=clock,
                phones=said.phones,
                attempts=take.attempts,
                doubt=take.reason,
                number=number,
                left_out=left_out(piece, said),
            )
            clock += audio.seconds

    def _said(self, work: _Work, piece: Piece, said: Phones, manner: Manner, number: int) -> _Take:
        """A piece, rolled until its tokens are believed; unless they are by far, or it is short, it is listened to.

        What lacks a word is said again, and the clearest attempt is taken. One that is never believed is spoken part by
        part.
        """
        take, heard = self._roll(work, said, manner, number, 0)
        most = manner.attempts if take.reason is not None or _short(said) else min(2, manner.attempts)
        while heard is not None and not heard.clear and take.attempts < most:
            again, better = self._roll(work, said, manner, number, take.attempts)
            if better is None or better.better(heard):
                take, heard = again, better
            else:
                take = replace(take, attempts=again.attempts)
        if heard is None or heard.clear or take.reason is None:
            return replace(take, reason=None if heard is not None and heard.clear else take.reason)
        return self._in_parts(work, piece, manner, number, take.attempts) or take

    def _roll(self, work: _Work, said: Phones, manner: Manner, number: int, made: int) -> tuple[_Take, Heard | None]:
        """A take after ``made`` others, and how it is understood, where it is listened to."""
        words = words_of(said)
        short = _short(said)
        said = _otherwise(said, made, work.base.symbols_version) if short else said
        rolled = self._tokens(work, said, manner, number, made)
        work.cancel.check()
        wave = self._wave(work, said, rolled.result.tokens, manner, number)
        take = _Take(wave, rolled.reason, made + rolled.attempts)
        if work.ear is None or rolled.sure and not short:
            return take, None
        heard = work.ear.hear(Audio(wave, work.base.rate), words)
        return replace(take, reason="silent" if heard.fit is None else take.reason), heard

    def _in_parts(self, work: _Work, piece: Piece, manner: Manner, number: int, made: int) -> _Take | None:
        """A piece that cannot be said at once, part by part; None where it has none, or they are no better."""
        size = max(12, len(piece.text) // 2)
        takes = []
        for part in split_text(piece.text, shortest=6, longest=size, numbers=piece.numbers):
            said = work.read(part)
            if (part.start, part.end) == (0, len(piece.text)) or not words_of(said):
                continue
            take, heard = self._roll(work, said, replace(manner, attempts=made + 1), number, made)
            made = take.attempts
            if take.reason is not None and not (heard is not None and heard.clear):
                return None
            gap = silence(part.rest * manner.pause, work.base.rate).samples
            takes.append(np.concatenate([trimmed(take.wave, work.base.rate), gap]))
        return _Take(np.concatenate(takes), None, made) if takes else None

    def _ear(self, base: Base) -> Ear | None:
        """Who listens: the base itself where it hears phones, else the embedded one; None without it."""
        for name in (base.name, EMBEDDED):
            try:
                listening = base if name == base.name else self.base(name)
            except VoiceError:
                continue
            if listening.ear is not None:
                return Ear(listening.ear, Thresholds.of(listening.config))
        return None

    @torch.inference_mode()
    def _tokens(self, work: _Work, said: Phones, manner: Manner, number: int, made: int = 0) -> Rolled:
        """Tokens of a piece, of which ``made`` attempts were made before."""
        base, reference = work.base, work.voice.reference
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
            turn += made
            generator = torch.Generator(base.device).manual_seed(manner.seed + 7919 * number + 104729 * turn)
            return generate(
                work.semantic,
                phones,
                None if bert is None else bert.to(base.device),
                reference.codes.to(base.device) if prompted else None,
                max_tokens=cap,
                sampling=_gentler(manner.sampling or base.sampling, turn),
                generator=generator,
                min_tokens=min(11, 1 + len(said.ids)),
                follower=base.family.follower(base, phones),
                cancel=work.cancel,
            )

        attempts = max(1, manner.attempts - made)
        return roll(attempt, len(said.ids), attempts=attempts, pace=pace, evidence=base.family.evidence(base, said.ids))

    @torch.inference_mode()
    def _wave(self, work: _Work, said: Phones, tokens: Tensor, manner: Manner, number: int) -> np.ndarray:
        """Float32 samples `[L]` at the base's rate."""
        base = work.base
        generator = torch.Generator(base.device).manual_seed(manner.seed + number)
        how = Delivery(manner.speed, manner.noise, manner.mel_steps, generator, work.cancel.check, manner.pitch / 12)
        wave = base.family.render(base, work.acoustic, work.voice.reference, said, tokens, how)
        return wave.reshape(-1).float().cpu().numpy()


def tongue(voice: Voice) -> str:
    """The language in which a voice reads a text of numbers only: its own."""
    heard = voice.reference.timbre.tongue
    return "en" if heard is not None and heard < 0.5 else "zh"


def _short(said: Phones) -> bool:
    return sum(map(len, words_of(said))) <= SHORT


def _otherwise(said: Phones, turn: int, version: str) -> Phones:
    """The same with other marks at its ends: a word alone that was not understood often comes out clear so."""
    if not turn or said.phones[-1] not in (".", ","):
        return said
    mark = OTHERWISE[(turn - 1) % len(OTHERWISE)]
    phones = list(said.phones)
    phones[-1] = mark
    if phones[0] == ".":
        phones[0] = "," if mark == "," else "."
    return replace(said, phones=tuple(phones), ids=symbols(version).encode(phones))


def _gentler(sampling: Sampling, turn: int) -> Sampling:
    """What is rolled again keeps nearer to what is likely."""
    return replace(sampling, temperature=sampling.temperature * 0.8**turn)
