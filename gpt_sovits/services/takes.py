"""What somebody spoke, kept: find it, name it, hear it, have one sentence of it said again, take it along as a file."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from gpt_sovits.audio import Audio, concatenate, silence, wav_bytes
from gpt_sovits.encoding import FILES, encode
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.events import CancelToken
from gpt_sovits.labels import Label
from gpt_sovits.services.core import Core
from gpt_sovits.services.speech import SpeechService
from gpt_sovits.storage.takes import Take, TakeLine, TakeShelf
from gpt_sovits.subtitles import Cue, split_cue, srt, vtt
from gpt_sovits.voices.consent import now
from gpt_sovits.voices.ids import check_name, new_id
from gpt_sovits.voices.rights import require_of
from gpt_sovits.voices.voice import Voice

SUBTITLES = {"srt": srt, "vtt": vtt}
KINDS = (*FILES, *SUBTITLES)
MOST_CHARACTERS = 20_000  # of a take, about twenty minutes; longer texts are narrated


class TakeService:
    """``user``'s takes."""

    def __init__(self, core: Core, user: str) -> None:
        self._core = core
        self._speech = SpeechService(core, user)
        self._user = user
        self._shelf = TakeShelf(core.registry, user)

    def list(self) -> list[Take]:
        """Newest first, without the deleted ones."""
        return [take for take in self._shelf.all() if not take.deleted]

    def get(self, take_id: str) -> Take:
        """``MissingError`` when it is gone, or its voice is locked."""
        return self._shelf.get(take_id)

    def keep(
        self,
        voice: Voice,
        text: str,
        lines: Sequence[TakeLine],
        sounds: Sequence[Audio],
        *,
        language: str,
        speed: float,
        pause: float,
        seed: int,
        pitch: float = 0.0,
    ) -> Take:
        """Keep what ``voice`` spoke: each line with its sound, which ends with the pause after it.

        A mix has to be stored first, so that its takes go where it goes.
        """
        require_of("speak", voice)
        if not sounds:
            raise InputError("There is nothing to keep.", "Speak a text first.")
        if not voice.id and voice.made_by.get("kind") == "mix":
            raise InputError("This blend is not stored yet.", "Save it under a name first.")
        timed, at = [], 0.0
        for line, sound in zip(lines, sounds, strict=True):
            timed.append(replace(line, seconds_from=round(at, 4), seconds_to=round(at + sound.seconds, 4)))
            at += sound.seconds
        take = Take(
            new_id("t"), voice.id, voice.name, voice.version_id or "", text, language, speed, pause, seed, now(),
            round(at, 3), tuple(timed), pitch=pitch,
        )  # fmt: skip
        stored = bool(voice.id) and not self._core.starters.holds(voice.id)
        self._shelf.add(take, wav_bytes(concatenate(list(sounds))), stored=stored)
        if stored:
            self._core.registry.note(self._user, "spoke", voice.id, characters=len(text))
        return take

    def rename(self, take_id: str, name: str) -> Take:
        """ "" takes the name away."""
        return self._shelf.change(take_id, name=check_name(name) if name.strip() else "")

    def star(self, take_id: str, starred: bool) -> Take:
        return self._shelf.change(take_id, starred=starred)

    def delete(self, take_id: str) -> Take:
        """For an hour ``restore`` brings it back."""
        return self._shelf.delete(take_id)

    def restore(self, take_id: str) -> Take:
        return self._shelf.change(take_id, deleted=0.0)

    def again(self, take_id: str, number: int, *, seed: int, cancel: CancelToken | None = None) -> Take:
        """A new take in which one line is said anew, by the same version of the voice; the old one stays."""
        take = self.get(take_id)
        if not take.voice:
            raise InputError("The clip of this take was not kept.", "Speak the text again.")
        voice = self._core.voice(self._user, take.voice, take.version or None)
        lines = self._speech.lines(take.text, voice, language=take.language)
        if [(line.start, line.end) for line in lines] != [(line.start, line.end) for line in take.lines]:
            raise InputError("This text is cut into other lines now.", "Speak the text again.")
        if not 0 <= number < len(lines):
            raise MissingError("The take has no such line.", "Choose one of its lines.")
        said = self._speech.say(
            lines[number], voice, language=take.language, speed=take.speed, pitch=take.pitch, seed=seed, cancel=cancel
        )
        whole = self.audio(take)
        sounds = [whole.between(line.seconds_from, line.seconds_to) for line in take.lines]
        pause = lines[number].pause_after(take.pause)
        rest = 0.0 if number == len(lines) - 1 else float(pause or 0.0)
        sounds[number] = concatenate([said, silence(rest, said.rate)])
        new = [replace(line, seed=seed if at == number else line.seed) for at, line in enumerate(take.lines)]
        way = {name: getattr(take, name) for name in ("language", "speed", "pause", "seed", "pitch")}
        return self.keep(voice, take.text, new, sounds, **way)

    def words(self, take_id: str) -> Sequence[tuple[str, float, float]]:
        """The words that are heard in the take, and from when to when, in seconds."""
        from gpt_sovits.text.markup import parse_markup

        take = self.get(take_id)
        sound, found = self.audio(take), []
        for line in take.lines:
            text = parse_markup(take.text[line.start : line.end]).source.text
            starts = self._speech.starts(sound.between(line.seconds_from, line.seconds_to), text, take.language)
            for (at, begins), (end, ends) in pairwise([*starts, (len(text), line.seconds_to - line.seconds_from)]):
                from_, upto = (round(line.seconds_from + each, 3) for each in (begins, ends))
                found.append((text[at:end].strip(), from_, upto))
        return found

    def audio(self, take: Take) -> Audio:
        """What is heard."""
        try:
            with wave.open(io.BytesIO(self._shelf.sound(take.id))) as sound:
                samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
                return Audio((samples / 32768.0).astype(np.float32), sound.getframerate())
        except (wave.Error, EOFError, ValueError) as error:
            raise InputError("The take is damaged.", "Speak it again.") from error

    def file(self, take_id: str, kind: str) -> bytes:
        """The take as a sound file that says how it was made, or its words as subtitles (``KINDS``)."""
        take = self.get(take_id)
        if kind in SUBTITLES:
            cues = [Cue(line.seconds_from, line.seconds_to, take.text[line.start : line.end]) for line in take.lines]
            return SUBTITLES[kind]([part for cue in cues for part in split_cue(cue)]).encode()
        if kind not in FILES:
            raise InputError(f"A take cannot be saved as {kind!r}.", f"Choose one of: {', '.join(KINDS)}.")
        label = self._speech.label(take.voice) if take.voice and self._known(take.voice) else Label()
        return encode(self.audio(take), kind, bit_rate=128_000, label=replace(label, version=take.version))

    def _known(self, voice_id: str) -> bool:
        try:
            self._core.voice(self._user, voice_id)
        except MissingError:
            return False
        return True
