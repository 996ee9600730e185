"""Speaking for one person: a text in a voice, a voice straight from a clip, and how a text will be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.labels import Label
from gpt_sovits.services.core import Core
from gpt_sovits.services.lines import Line, sound_key, voices_of
from gpt_sovits.services.models import EMBEDDED
from gpt_sovits.voices.consent import now
from gpt_sovits.voices.rights import require_of
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from gpt_sovits.audio import Audio
    from gpt_sovits.features.mini_content import MiniContentEncoder
    from gpt_sovits.synthesis import Manner, Speech
    from gpt_sovits.text import Piece, Reading

MAX_CLIP_SECONDS = 600.0
SAMPLING = {"top_k": (0, 1024), "top_p": (0.05, 1.0), "temperature": (0.05, 2.0), "repetition_penalty": (1.0, 3.0)}


class SpeechService:
    """What speaks for ``user``, with the user's word list."""

    def __init__(self, core: Core, user: str) -> None:
        self._core = core
        self._user = user

    def reference_voice(
        self,
        clip: Path,
        transcript: str = "",
        language: str = "auto",
        base: str = "",
        *,
        further: Sequence[Path] = (),
    ) -> Voice:
        """A voice straight from a clip of a few seconds, without training; it is not stored.

        Of a clip over ten seconds with its ``transcript`` the best few seconds are continued, with the words that are
        said there (``reference.text`` of the voice); where the words cannot be found in it, "". ``further``: clips of
        the same person whose timbre counts too, as much as the first.
        """
        from gpt_sovits.audio import read_audio
        from gpt_sovits.families.enrol import PROMPT_SECONDS, enrol, with_style_of
        from gpt_sovits.text.unspoken import check_language

        check_language(language)
        audio, base = read_audio(clip, max_seconds=MAX_CLIP_SECONDS), base or self._core.models.chosen
        loaded = self._core.base(base)
        prompt = None
        if transcript.strip() and audio.seconds > PROMPT_SECONDS + 2:
            from gpt_sovits.dataset.prompt import prompt_window
            from gpt_sovits.dataset.proof import Thresholds

            listening = self._core.base(EMBEDDED)
            ear, thresholds = cast("MiniContentEncoder", listening.ear), Thresholds.of(listening.config)
            prompt, transcript = prompt_window(ear, thresholds, audio, transcript, language) or (None, "")
        reference = enrol(loaded, audio, transcript, language, prompt=prompt)
        if further:
            clips = [audio, *(read_audio(path, max_seconds=MAX_CLIP_SECONDS) for path in further)]
            reference = with_style_of(loaded, reference, clips)
        return Voice(
            id="",
            name=Path(clip).stem[:80],
            owner="",
            base=base,
            version_id=None,
            reference=reference,
            created=now(),
            made_by={"kind": "reference", "base_release": loaded.release},
        )

    def speak(
        self,
        text: str,
        voice: Voice | str,
        *,
        language: str = "auto",
        speed: float = 1.0,
        pause: float = 0.3,
        seed: int | None = None,
        cancel: CancelToken | None = None,
        after: int = 0,
        sampling: Mapping[str, float] | None = None,
        cut: str = "",
    ) -> Iterator[Speech]:
        """Speak ``text`` piece by piece, each as soon as it is ready. A ``seed`` of None sounds different each time.

        Each piece tells what is doubtful about it, and what of it nobody here can read. ``after``: how many pieces of
        the same text were spoken before; it goes on behind them.

        ``voice``: a value, or the id of a stored one. Markup in the text (see ``text.markup``) and the user's word
        list decide how words are read. Unknown voices and unspeakable texts raise here, before anything is computed.
        ``sampling``: some of top_k, top_p, temperature, repetition_penalty; the others are the base's own.
        ``cut``: cut0 to cut5, upstream's ways of cutting a text, instead of ours.
        """
        from gpt_sovits.text.unspoken import check_language

        check_language(language)
        chosen = self._value(voice)
        require_of("speak", chosen)
        own: dict[str, Any] = {"manner": self._manner(chosen, sampling or {}, cut)} if sampling or cut else {}
        pieces = self._core.synthesizer.speak(
            chosen,
            text,
            language=language,
            speed=speed,
            pause=pause,
            seed=seed,
            lexicon=self._core.word_lists.of(self._user).lexicon(),
            cancel=cancel,
            after=after,
            **own,
        )
        parents = [str(parent["voice"]) for parent in chosen.made_by.get("parents", ())]
        for voice_id in [chosen.id] if chosen.id else dict.fromkeys(filter(None, parents)):
            self._core.registry.note(self._user, "spoke", voice_id, characters=len(text))
        return self._core.heap.after(pieces)

    def _manner(self, voice: Voice, sampling: Mapping[str, float], cut: str) -> Manner:
        from gpt_sovits.synthesis import Manner

        for name, (least, most) in SAMPLING.items():
            if not least <= sampling.get(name, least) <= most:
                raise InputError(f"{name} cannot be {sampling[name]:g}.", f"Choose between {least:g} and {most:g}.")
        values = {name: int(value) if name == "top_k" else value for name, value in sampling.items()}
        drawn = replace(self._core.base(voice.base).sampling, **values) if values else None
        return Manner(sampling=drawn, cut=cut).checked()

    def label(self, voice: Voice | str) -> Label:
        """What a file that this voice speaks says of itself."""
        chosen = self._value(voice)
        consent = "" if chosen.consent is None else json.dumps(chosen.consent.to_json(), sort_keys=True)
        digest = hashlib.sha256(consent.encode()).hexdigest() if consent else ""
        return Label(chosen.id, chosen.version_id or "", digest)

    def lines(
        self, text: str, voice: Voice | str, *, language: str = "auto", quickly: bool = False
    ) -> tuple[Line, ...]:
        """The lines of a text as ``say`` speaks them, in order. Raises what ``speak`` would for the whole of it.

        ``quickly``: the first one is short, so that it is heard soon.
        """
        from gpt_sovits.synthesis import require_readable, tongue
        from gpt_sovits.text import split_text
        from gpt_sovits.text.frontend import FIRST

        require_readable(text, language)
        chosen = self._value(voice)
        require_of("speak", chosen)
        return tuple(
            Line(
                piece.start,
                piece.end,
                piece.text,
                _said(piece),
                piece.speed,
                piece.pause,
                piece.rest,
                piece.numbers,
            )
            for piece in split_text(text, language, numbers=tongue(chosen), first=FIRST if quickly else 0)
        )

    def say(
        self,
        line: Line,
        voice: Voice | str,
        *,
        language: str = "auto",
        speed: float = 1.0,
        seed: int = 0,
        pitch: float = 0.0,
        cancel: CancelToken | None = None,
        told: Callable[[Speech], None] = lambda speech: None,
    ) -> Audio:
        """One line, without the pause after it; from memory where this user heard the same a moment ago.

        ``pitch``: semitones higher. ``told`` gets what is spoken now, with what is doubtful about it and what of it
        nobody here can read.

        The same voice, line, manner and seed give the same samples. That somebody listens is written into the
        journal at most once an hour for each voice.
        """
        from gpt_sovits.audio import concatenate, silence

        chosen = self._value(voice)
        require_of("speak", chosen)
        lexicon = self._core.word_lists.of(self._user).lexicon()
        said = line.said.casefold()
        readings = [[e.word, e.reading, e.language] for e in lexicon.entries if e.word.casefold() in said]
        key = sound_key(self._user, chosen, line, (language, speed, seed, pitch, readings))
        known = self._core.heard.get(key) if key else None
        if known is not None:
            return known
        pace = min(2.0, max(0.5, speed * line.speed))
        pieces = self._core.synthesizer.speak(
            chosen, line.said, language=language, speed=pace, seed=seed, pitch=pitch, lexicon=lexicon, cancel=cancel,
            numbers=line.numbers,
        )  # fmt: skip
        sounds, doubted = [], False
        for piece in pieces:
            told(piece)
            sounds.append(piece.audio)
            doubted = doubted or bool(piece.doubt or piece.left_out)
        self._core.heap.give_back()
        audio = concatenate(sounds) if sounds else silence(0.0, self._core.base(chosen.base).rate)
        for voice_id in dict.fromkeys(filter(None, voices_of(chosen))):
            if self._core.heard.is_news(self._user, voice_id):
                self._core.registry.note(self._user, "previewed", voice_id)
        if key and not doubted:  # what is in doubt is to be told each time
            self._core.heard.put(key, audio, voices_of(chosen))
        return audio

    def explain(self, text: str, *, language: str = "auto", voice: Voice | str | None = None) -> tuple[Reading, ...]:
        """How each word will be read and why: dictionary, rule, number, model, lexicon, markup or guess.

        Piece by piece exactly as ``speak`` says it. ``voice`` tells the language of a text of numbers only.
        """
        from gpt_sovits.synthesis import tongue
        from gpt_sovits.text import explain, require_speakable
        from gpt_sovits.text.unspoken import check_language

        return explain(
            require_speakable(text),
            check_language(language),
            lexicon=self._core.word_lists.of(self._user).lexicon(),
            polyphones=self._core.polyphones.get() or True,
            numbers="zh" if voice is None else tongue(self._value(voice)),
        )

    def starts(self, sound: Audio, text: str, language: str) -> Sequence[tuple[int, float]]:
        """Where in ``text`` a word begins, and when in ``sound`` of it, in seconds, by the embedded base's ear.

        Nothing where there is no ear, or it does not hear the text.
        """
        from gpt_sovits.dataset.word_times import timed  # with torch, which the page does not wait for

        try:
            ear = self._core.base(EMBEDDED).ear
        except (VoiceError, AttributeError):
            return ()
        if ear is None:
            return ()
        found = timed(cast("MiniContentEncoder", ear), sound, text, language)
        return () if found is None else found.starts(sound)

    def warm_up(self) -> None:
        """Import what speaks, load the embedded base and the dictionaries: the first sentence then need not wait."""
        import numpy as np

        from gpt_sovits.seams import finished
        from gpt_sovits.text import phonemize

        base = self._core.base(EMBEDDED)
        finished(np.sin(np.arange(base.rate) / 20.0), base.rate, 0.0, -18.0)
        for text, language in (("Hello.", "en"), ("你好。", "zh")):
            phonemize(text, language, base.symbols_version)

    def _value(self, voice: Voice | str) -> Voice:
        return self._core.voice(self._user, voice) if isinstance(voice, str) else voice


def _said(piece: Piece) -> str:
    """The words of a piece without their marks; where it stops for breath, with a comma that keeps the voice up."""
    from gpt_sovits.text.frontend import ended

    if piece.goes_on and piece.speed == 1.0:
        return ended(piece).text
    return piece.plain.text if piece.plain else piece.text
