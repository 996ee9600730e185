"""Text and a voice in, speech out, piece by piece: phones, semantic tokens, waveform.

Streaming and whole synthesis are the same code: ``speak`` yields each piece as soon as it can be heard. A piece
whose tokens look wrong (words skipped, repeated or foreign, cut short, looping, endless) is rolled again with another
seed, more gently; where that does not help it is spoken in parts, and what remains doubtful is told. Nothing global is
switched: a voice is an argument, its models come from a small bounded cache.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.audio import Audio, silence
from gpt_sovits.errors import InputError, RefusedError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.families.base import Base
from gpt_sovits.families.enrol import bert_features
from gpt_sovits.features.mini_content import MiniContentEncoder
from gpt_sovits.features.reference import Timbre, stacked
from gpt_sovits.features.spectral import denormalize_mel
from gpt_sovits.hearing import hear, words_of
from gpt_sovits.loudness import LOUDNESS
from gpt_sovits.seams import COMMA, finished, pause_after, stops_for_breath, trimmed
from gpt_sovits.semantic.decode import Generated, generate
from gpt_sovits.semantic.guard import Rolled, roll
from gpt_sovits.semantic.model import T2S
from gpt_sovits.semantic.sampling import Sampling
from gpt_sovits.text import (
    Lexicon,
    Phones,
    Piece,
    PolyphoneModel,
    mandarin_share,
    phonemize,
    require_speakable,
    split_text,
)
from gpt_sovits.text.unspoken import check_language, check_readable, left_out
from gpt_sovits.voices.voice import Voice

SPEEDS = (0.5, 2.0)
MOST_CHARACTERS = 200_000
TOKENS_PER_SECOND = 25
SHORT = 8  # phones of a piece that is always listened to: one word alone is lost most easily
IN_PARTS = ("stuck", "loop", "other", "cap", "held")  # doubts for which a piece is spoken part by part
EMBEDDED = "mini"


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


@dataclass(frozen=True)
class _Take:
    """Samples `[L]`, what is doubtful about them, and how many rolls they took."""

    wave: np.ndarray
    reason: str | None
    attempts: int


@dataclass(frozen=True)
class Manner:
    """How to speak. ``pause``: seconds of silence after a sentence (``seams``); ``noise``: how lively the sound is.

    ``noise`` and ``sampling`` of None are what the base's card recommends. ``attempts``: how often a doubtful piece may
    be rolled; with 1 nothing is done about it. ``loudness``: LUFS of every piece; None leaves it as the networks gave it.
    """

    speed: float = 1.0
    pause: float = 0.3
    seed: int = 0
    noise: float | None = None
    attempts: int = 3
    sampling: Sampling | None = None
    mel_steps: int = 16  # of the flow-matching models only
    loudness: float | None = LOUDNESS

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
        after: int = 0,
    ) -> Iterator[Speech]:
        """Speak ``text``, yielding each piece when it is ready.

        The same voice, text, manner and seed give the same samples; a seed of None draws one. Markup in the text
        (text/markup.py) sets pauses, speeds and readings, ``lexicon`` further readings. ``after``: how many pieces were
        spoken before and are not spoken again; the others are the same as without it. Raises ``InputError`` for text
        that nobody here can read or beyond ``MOST_CHARACTERS``, and an unknown language, before anything is computed.
        """
        if len(text) > MOST_CHARACTERS:
            raise InputError(
                f"The text has {len(text):,} characters, more than {MOST_CHARACTERS:,}.", "Speak it in parts."
            )
        check_language(language)
        check_readable(require_speakable(text), language)
        if seed is None:
            seed = int(torch.randint(2**31, ()).item())
        chosen = replace(manner or Manner(), speed=speed, pause=pause, seed=seed).checked()
        return self._pieces(voice, text, language, chosen, lexicon, cancel or CancelToken(), after)

    def _pieces(
        self,
        voice: Voice,
        text: str,
        language: str,
        manner: Manner,
        lexicon: Lexicon | None,
        cancel: CancelToken,
        after: int,
    ) -> Iterator[Speech]:
        base = self.base(voice.base)
        models = self._models(voice, base)
        clock = 0.0
        polyphones = self._polyphones() or True
        pieces = split_text(text, language, numbers=tongue(voice))
        for number, piece in enumerate(pieces):
            if number < after:
                continue
            cancel.check()
            following = pieces[number + 1].start if number < len(pieces) - 1 else None
            pause = pause_after(text, piece.start, piece.end, following, manner.pause)
            pause = pause if piece.pause is None else piece.pause
            goes_on = following is not None and stops_for_breath(text, piece.start, piece.end, following)
            read = partial(
                phonemize, language=language, version=base.symbols_version, lexicon=lexicon, polyphones=polyphones
            )
            said = read(replace(piece, pause=pause) if goes_on else piece)
            own = replace(manner, speed=min(SPEEDS[1], max(SPEEDS[0], manner.speed * piece.speed)))
            lacking = left_out(piece, said)
            if not words_of(said):
                audio = silence(pause, base.rate)
                yield Speech(audio, piece.text, piece.start, piece.end, clock, said.phones, 0, None, number, lacking)
                clock += audio.seconds
                continue
            take = self._say(base, models, voice, said, own, number, cancel)
            if take.reason in IN_PARTS and manner.attempts > 1:
                take = self._in_parts(base, models, voice, piece, read, own, number, cancel) or take
            audio = finished(take.wave, base.rate, pause, manner.loudness)
            yield Speech(
                audio, piece.text, piece.start, piece.end, clock, said.phones, take.attempts, take.reason, number, lacking
            )
            clock += audio.seconds

    def _say(
        self,
        base: Base,
        models: tuple[nn.Module, T2S],
        voice: Voice,
        said: Phones,
        manner: Manner,
        number: int,
        cancel: CancelToken,
    ) -> _Take:
        """The piece, rolled until it is believed: its tokens, and where those are doubted or few, its sound."""
        best: tuple[float, _Take] | None = None
        turn = 0
        words = words_of(said)
        ear = self._ear(base) if manner.attempts > 1 else None
        while True:
            rolled = self._tokens(base, models[1], voice, said, manner, number, cancel, turn)
            turn += rolled.attempts
            cancel.check()
            wave = self._wave(base, models[0], voice, said, rolled.result.tokens, manner, number, cancel)
            short = sum(map(len, words)) <= SHORT
            if ear is None or not (rolled.reason or short):
                return _Take(wave, rolled.reason, turn)
            heard = hear(ear, Audio(wave, base.rate), words)
            reason = rolled.reason or (None if heard.clear else "unclear")
            if best is None or heard.fit > best[0]:
                best = heard.fit, _Take(wave, reason, turn)
            if reason is None or turn >= manner.attempts:
                return replace(best[1], attempts=turn)

    def _in_parts(
        self,
        base: Base,
        models: tuple[nn.Module, T2S],
        voice: Voice,
        piece: Piece,
        read: Callable[[Piece], Phones],
        manner: Manner,
        number: int,
        cancel: CancelToken,
    ) -> _Take | None:
        """A piece that cannot be said at once, part by part; None where it has none, or they are no better."""
        size = max(12, len(piece.text) // 2)
        parts = split_text(piece.text, piece.numbers, shortest=6, longest=size, numbers=piece.numbers)
        takes = []
        for part in parts if len(parts) > 1 else ():
            said = read(part)
            if words_of(said):
                takes.append(self._say(base, models, voice, said, replace(manner, attempts=1), number, cancel))
        if not takes or any(take.reason for take in takes):
            return None
        gap = silence(COMMA * manner.pause, base.rate).samples
        waves = [np.concatenate([trimmed(take.wave, base.rate), gap]) for take in takes]
        return _Take(np.concatenate(waves), None, manner.attempts + len(takes))

    def _ear(self, base: Base) -> MiniContentEncoder | None:
        """Who listens: the base itself where it hears phones, else the embedded one; None without it."""
        if isinstance(base.content, MiniContentEncoder):
            return base.content
        try:
            content = self.base(EMBEDDED).content
        except VoiceError:
            return None
        return content if isinstance(content, MiniContentEncoder) else None

    @torch.inference_mode()
    def _tokens(
        self,
        base: Base,
        model: T2S,
        voice: Voice,
        said: Phones,
        manner: Manner,
        number: int,
        cancel: CancelToken,
        first: int = 0,
    ) -> Rolled:
        """Tokens of a piece, of which ``first`` attempts were made before."""
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
            turn += first
            generator = torch.Generator(base.device).manual_seed(manner.seed + 7919 * number + 104729 * turn)
            return generate(
                model,
                phones,
                None if bert is None else bert.to(base.device),
                reference.codes.to(base.device) if prompted else None,
                max_tokens=cap,
                sampling=_gentler(manner.sampling or base.sampling, turn),
                generator=generator,
                min_tokens=min(11, 1 + len(said.ids)),
                follower=base.follower(phones),
                cancel=cancel,
            )

        attempts = max(1, manner.attempts - first)
        return roll(attempt, len(said.ids), attempts=attempts, pace=pace, evidence=base.evidence(said.ids))

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
        reference = voice.reference
        codes = tokens.to(base.device)[None, None]
        phones = torch.tensor(said.ids, device=base.device)[None]
        timbres = reference.timbres if isinstance(model, SoVITS) and model.blends else (reference.timbre,)
        style, told = _timbre(base, said, timbres)
        generator = torch.Generator(base.device).manual_seed(manner.seed + number)
        if isinstance(model, SoVITSCFM):
            if reference.mel is None or base.vocoder is None:
                raise InputError("This voice has no reference for this model.", "Create it again from a clip.")
            mel = model.decode(
                codes,
                phones,
                style,
                prompt_codes=reference.codes.to(base.device)[None, None],
                prompt_phones=torch.tensor(reference.phones, device=base.device)[None],
                prompt_mel=reference.mel.to(base.device),
                steps=manner.mel_steps,
                speed=manner.speed,
                generator=generator,
                check=cancel.check,
            )
            wave = base.vocoder(denormalize_mel(mel))
        else:
            wave = model.decode(  # type: ignore[operator]
                codes,
                phones,
                style,
                noise_scale=base.noise if manner.noise is None else manner.noise,
                speed=manner.speed,
                generator=generator,
                **told,
            )
        return wave.reshape(-1).float().cpu().numpy()


def _timbre(base: Base, said: Phones, timbres: Sequence[Timbre]) -> tuple[Tensor, dict[str, Tensor]]:
    """Styles `[K, G, 1]` of K voices for what is said, and their colours and shares for the decoder.

    In the language that it was heard in a voice's are its own. The further what is said lies from it, the further the
    style moves towards the other language's speakers, and the more the colour, measured in its own, fades.
    """
    share = mandarin_share(said.ids, base.symbols_version) if base.accent is not None else None
    moved = [_moved(timbre, share, base.accent) for timbre in timbres]
    told: dict[str, Tensor] = {}
    if len(moved) > 1:
        told["shares"] = torch.tensor([timbre.share for timbre in timbres], device=base.device)
    colours = stacked([colour for _, colour in moved])
    if colours is not None:
        told["colour"] = colours.to(base.device)
    return torch.cat([style for style, _ in moved]).to(base.device), told


def tongue(voice: Voice) -> str:
    """The language in which a voice reads a text of numbers only: its own."""
    heard = voice.reference.timbre.tongue
    return "en" if heard is not None and heard < 0.5 else "zh"


def _moved(timbre: Timbre, told: float | None, accent: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Style and colour for speech of which the share ``told`` is Mandarin."""
    heard = timbre.tongue
    if accent is None or told is None or heard is None or told == heard:
        return timbre.style, timbre.colour
    foreign = told - heard
    style = timbre.style + foreign * accent.to(timbre.style.device)
    return style, None if timbre.colour is None else (1 - abs(foreign)) * timbre.colour


def _gentler(sampling: Sampling, turn: int) -> Sampling:
    """What is rolled again keeps nearer to what is likely."""
    return replace(sampling, temperature=sampling.temperature * 0.8**turn)
