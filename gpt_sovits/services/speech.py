"""Speaking for one person: a text in a voice, a voice straight from a clip, and how a text will be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_sovits.errors import InputError
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
    from gpt_sovits.synthesis import Speech
    from gpt_sovits.text import Reading

MAX_CLIP_SECONDS = 600.0
_LANGUAGES = frozenset({"auto", "zh", "en", "yue", "ja", "ko", "auto_yue", "all_zh", "all_yue", "all_ja", "all_ko"})


class SpeechService:
    """What speaks for ``user``, with the user's word list."""

    def __init__(self, core: Core, user: str) -> None:
        self._core = core
        self._user = user

    def reference_voice(self, clip: Path, transcript: str = "", language: str = "auto", base: str = "") -> Voice:
        """A voice straight from a clip of a few seconds, without training; it is not stored."""
        from gpt_sovits.audio import read_audio
        from gpt_sovits.families.enrol import enrol

        audio, base = read_audio(clip, max_seconds=MAX_CLIP_SECONDS), base or self._core.models.chosen
        loaded = self._core.base(base)
        return Voice(
            id="",
            name=Path(clip).stem[:80],
            owner="",
            base=base,
            version_id=None,
            reference=enrol(loaded, audio, transcript, language),
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
    ) -> Iterator[Speech]:
        """Speak ``text`` piece by piece, each as soon as it is ready. A ``seed`` of None sounds different each time.

        ``voice``: a value, or the id of a stored one. Markup in the text (see ``text.markup``) and the user's word
        list decide how words are read. Unknown voices and unspeakable texts raise here, before anything is computed.
        """
        _check_language(language)
        chosen = self._value(voice)
        require_of("speak", chosen)
        pieces = self._core.synthesizer.speak(
            chosen,
            text,
            language=language,
            speed=speed,
            pause=pause,
            seed=seed,
            lexicon=self._core.word_lists.of(self._user).lexicon(),
            cancel=cancel,
        )
        parents = [str(parent["voice"]) for parent in chosen.made_by.get("parents", ())]
        for voice_id in [chosen.id] if chosen.id else dict.fromkeys(filter(None, parents)):
            self._core.registry.note(self._user, "spoke", voice_id, characters=len(text))
        return self._core.heap.after(pieces)

    def label(self, voice: Voice | str) -> Label:
        """What a file that this voice speaks says of itself."""
        chosen = self._value(voice)
        consent = "" if chosen.consent is None else json.dumps(chosen.consent.to_json(), sort_keys=True)
        digest = hashlib.sha256(consent.encode()).hexdigest() if consent else ""
        return Label(chosen.id, chosen.version_id or "", digest)

    def lines(self, text: str, voice: Voice | str, *, language: str = "auto") -> tuple[Line, ...]:
        """The lines of a text as ``say`` speaks them, in order. Raises what ``speak`` would for the whole of it."""
        from gpt_sovits.synthesis import MOST_CHARACTERS, tongue
        from gpt_sovits.text import require_speakable, split_text

        _check_language(language)
        if len(text) > MOST_CHARACTERS:
            raise InputError(
                f"The text has {len(text):,} characters, more than {MOST_CHARACTERS:,}.", "Speak it in parts."
            )
        chosen = self._value(voice)
        require_of("speak", chosen)
        return tuple(
            Line(
                piece.start,
                piece.end,
                piece.text,
                piece.plain.text if piece.plain else piece.text,
                piece.speed,
                piece.pause,
            )
            for piece in split_text(require_speakable(text), language, numbers=tongue(chosen))
        )

    def say(
        self,
        line: Line,
        voice: Voice | str,
        *,
        language: str = "auto",
        speed: float = 1.0,
        seed: int = 0,
        cancel: CancelToken | None = None,
    ) -> Audio:
        """One line, without the pause after it; from memory where this user heard the same a moment ago.

        The same voice, line, manner and seed give the same samples. That somebody listens is written into the
        journal at most once an hour for each voice.
        """
        from gpt_sovits.audio import concatenate, silence

        chosen = self._value(voice)
        require_of("speak", chosen)
        lexicon = self._core.word_lists.of(self._user).lexicon()
        said = line.said.casefold()
        readings = [[e.word, e.reading, e.language] for e in lexicon.entries if e.word.casefold() in said]
        key = sound_key(self._user, chosen, line, (language, speed, seed, readings))
        known = self._core.heard.get(key) if key else None
        if known is not None:
            return known
        pace = min(2.0, max(0.5, speed * line.speed))
        pieces = self._core.synthesizer.speak(
            chosen, line.said, language=language, speed=pace, seed=seed, lexicon=lexicon, cancel=cancel
        )
        sounds = [piece.audio for piece in pieces]
        self._core.heap.give_back()
        audio = concatenate(sounds) if sounds else silence(0.0, self._core.base(chosen.base).rate)
        for voice_id in dict.fromkeys(filter(None, voices_of(chosen))):
            if self._core.heard.is_news(self._user, voice_id):
                self._core.registry.note(self._user, "previewed", voice_id)
        if key:
            self._core.heard.put(key, audio, voices_of(chosen))
        return audio

    def explain(self, text: str, *, language: str = "auto", voice: Voice | str | None = None) -> tuple[Reading, ...]:
        """How each word will be read and why: dictionary, rule, number, model, lexicon, markup or guess.

        Piece by piece exactly as ``speak`` says it. ``voice`` tells the language of a text of numbers only.
        """
        from gpt_sovits.synthesis import tongue
        from gpt_sovits.text import explain, require_speakable

        _check_language(language)
        return explain(
            require_speakable(text),
            language,
            lexicon=self._core.word_lists.of(self._user).lexicon(),
            polyphones=self._core.polyphones.get() or True,
            numbers="zh" if voice is None else tongue(self._value(voice)),
        )

    def warm_up(self) -> None:
        """Import what speaks, load the embedded base and the dictionaries: the first sentence then need not wait."""
        from gpt_sovits.text import phonemize

        base = self._core.base(EMBEDDED)
        for text, language in (("Hello.", "en"), ("你好。", "zh")):
            phonemize(text, language, base.symbols_version)

    def _value(self, voice: Voice | str) -> Voice:
        return self._core.voice(self._user, voice) if isinstance(voice, str) else voice


def _check_language(language: str) -> None:
    if language not in _LANGUAGES:
        said = repr(str(language)[:40])
        raise InputError(f"{said} is no language that can be spoken.", "Use auto, zh, en, yue, ja or ko.")
