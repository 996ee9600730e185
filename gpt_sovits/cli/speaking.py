"""``speak``: a text into a file, a pipe or the loudspeakers. What was spoken is kept when it is stopped, and what is
doubtful is told."""

from __future__ import annotations

import argparse
import json
import re
import secrets
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_sovits.audio import Audio, concatenate, silence, write_bytes
from gpt_sovits.cli.playing import heard
from gpt_sovits.cli.texts import doubt_said, read_texts
from gpt_sovits.cli.voices import open_voice
from gpt_sovits.encoding import encode_stream, format_of, require_format, write_pieces
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.files import disk_errors
from gpt_sovits.services.session import Session
from gpt_sovits.services.speech import SAMPLING
from gpt_sovits.storage.takes import TakeLine
from gpt_sovits.subtitles import Cue, cues, srt, vtt
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from gpt_sovits.synthesis import Speech

USUAL = Path("speech.wav")
_PIPE = "-"


@dataclass
class _Spoken:
    """What came of a text of ``characters``. Its sound is kept only for a take: a long one would fill the memory."""

    characters: int
    keeps: bool = False
    seconds: float = 0.0
    pieces: list[dict[str, Any]] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    sounds: list[Audio] = field(default_factory=list)

    def taking(self, pieces: Iterable[Speech]) -> Iterator[Audio]:
        for piece in pieces:
            if sys.stderr.isatty():
                print(f"\r{100 * piece.end // max(1, self.characters):3d} %", end="", file=sys.stderr, flush=True)
            yield piece.audio
            self._note(piece)
        if sys.stderr.isatty():
            print("\r     \r", end="", file=sys.stderr)

    def _note(self, piece: Speech) -> None:
        self.seconds += piece.audio.seconds
        self.cues += cues([piece])
        place = {"text": piece.text, "start": piece.start, "end": piece.end}
        times = {"from": round(piece.seconds_from, 3), "to": round(piece.seconds_to, 3)}
        self.pieces.append({**place, **times, "doubt": piece.doubt, "left_out": list(piece.left_out)})
        if self.keeps:
            self.sounds.append(piece.audio)
        if piece.doubt:
            self.told.append(f"In doubt ({doubt_said(piece.doubt)}): {in_a_row(piece.text)}")
        if piece.left_out:
            self.told.append(f"Left out, what this program cannot read: {in_a_row(' … '.join(piece.left_out))}")


def speak_command(session: Session, given: argparse.Namespace) -> int:
    """Find out who says what and where it goes, then speak."""
    if given.lines:
        return _line_by_line(session, given)
    usual = None if given.play or given.keep else USUAL.with_suffix(f".{given.format or 'wav'}")
    out = given.out or usual
    kind = given.format or ("wav" if out is None or str(out) == _PIPE else require_format(out))
    format_of(kind)
    if str(out) == _PIPE and sys.stdout.isatty():
        raise InputError("Sound does not go onto a screen.", "Send it on with a pipe, or name a file with --out.")
    voice, text = _wanted(session, given)
    return speak_into(session, voice, text, given, out, kind)


def _line_by_line(session: Session, given: argparse.Namespace) -> int:
    """A list of words or sentences: one file for each, in its order."""
    if given.out or given.subtitles:
        raise InputError("There are too many places for the sound.", "Leave out --out and --subtitles, or --lines.")
    kind = given.format or "mp3"
    voice, text = _wanted(session, given)
    lines = [line.strip() for line in text.splitlines() if any(map(str.isalnum, line))]
    with disk_errors("the folder could not be made"):
        given.lines.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(lines, 1):
        named = re.sub(r"\W+", "-", line).strip("-")[:40]
        out = given.lines / f"{number:0{max(2, len(str(len(lines))))}d}-{named}.{kind}"
        speak_into(session, voice, line, given, out, kind)
    return 0


def _wanted(session: Session, given: argparse.Namespace) -> tuple[Voice | str, str]:
    """Who speaks and what: a word alone that is a voice's name leaves the text to the standard input."""
    words = list(given.words)
    named, files = given.voice, list(given.text_file or ())
    needs = 0 if files else 1
    if not named and not given.clip and words:
        named = words.pop(0) if len(words) > needs or needs == 0 or _is_voice(session, words[0]) else None
    if len(words) > needs or (given.voice and given.clip):
        raise InputError("There are too many words.", 'Say it like this: speak "My voice" "Good morning!" --out a.wav')
    if not named and not given.clip:
        raise InputError("It is not said who should speak.", "Name a voice, or give a clip with --clip.")
    if named:
        card = session.voices.find(named)
        open_voice(session, given, card)
        voice: Voice | str = session.voices.load(card.id, given.version)
    else:
        voice = session.speech.reference_voice(
            given.clip, given.clip_text, given.language, given.base, further=given.more_clips
        )
        if given.clip_text and voice.reference.text != given.clip_text.strip():
            used = voice.reference.text or "its sound alone, as its words were not found in it"
            print(f"The clip is long; what is continued of it: {used}", file=sys.stderr)
    text = words[0] if words and words[0] != "-" else read_texts(files or [Path("-")])
    return voice, text


def _is_voice(session: Session, word: str) -> bool:
    try:
        session.voices.find(word)
    except MissingError:
        return False
    return True


def speak_into(
    session: Session, voice: Voice | str, text: str, given: argparse.Namespace, out: Path | None, kind: str
) -> int:
    """Speak ``text`` into ``out`` (None: nowhere), the loudspeakers and the takes, as was asked."""
    seed = secrets.randbelow(2**31) if given.seed is None else given.seed
    way = {"language": given.language, "speed": given.speed, "pause": given.pause}
    drawn = {name: getattr(given, name) for name in SAMPLING if getattr(given, name) is not None}
    if given.keep and (drawn or given.cut or given.after):
        raise InputError("A take is spoken as the page speaks it.", "Leave out --keep, or the options of the network.")
    if given.keep:
        pieces = _by_line(session, voice, text, given, seed)
    else:
        pieces = session.speech.speak(text, voice, **way, seed=seed, after=given.after, sampling=drawn, cut=given.cut)
    spoken = _Spoken(len(text), keeps=bool(given.keep))
    sounds = heard(spoken.taking(pieces)) if given.play else spoken.taking(pieces)
    try:
        _deliver(sounds, out, kind, session.speech.label(voice))
    except (KeyboardInterrupt, VoiceError):
        if spoken.pieces:
            _write_subtitles(given, spoken)
            print(f"{out or 'played'}: {spoken.seconds:.1f} s of speech, up to where it stopped.", file=sys.stderr)
            print(f"Go on with: --after {given.after + len(spoken.pieces)}, and another --out.", file=sys.stderr)
        raise
    _write_subtitles(given, spoken)
    take = ""
    if given.keep:
        lines = [TakeLine(p["start"], p["end"], 0.0, 0.0, seed) for p in spoken.pieces]
        value = session.voices.load(voice) if isinstance(voice, str) else voice
        take = session.takes.keep(value, text, lines, spoken.sounds, **way, seed=seed).id
        if given.keep is not True:
            session.takes.rename(take, given.keep)
    for sentence in spoken.told:
        print(sentence, file=sys.stderr)
    screen = sys.stderr if str(out) == _PIPE else sys.stdout
    if given.json:
        made = {"file": None if out is None else str(out), "format": kind, "take": take or None, "seed": seed}
        told = {**made, "seconds": round(spoken.seconds, 3), "sentences": spoken.pieces}
        print(json.dumps(told, ensure_ascii=False), file=screen)
    else:
        print(f"{out or take or 'played'}: {spoken.seconds:.1f} s of speech", file=screen)
    return 0


def _by_line(session: Session, voice: Voice | str, text: str, given: argparse.Namespace, seed: int) -> Iterator[Speech]:
    """As the page speaks what it keeps, so that each line can be said anew later."""
    from gpt_sovits.synthesis import Speech

    lines, at = session.speech.lines(text, voice, language=given.language), 0.0
    for number, line in enumerate(lines):
        told: list[Speech] = []
        way = {"language": given.language, "speed": given.speed, "seed": seed}
        sound = session.speech.say(line, voice, **way, told=told.append)
        rest = 0.0 if number == len(lines) - 1 else line.pause_after(given.pause)
        audio = concatenate([sound, silence(rest, sound.rate)])
        doubt = next((piece.doubt for piece in told if piece.doubt), None)
        lacking = tuple(each for piece in told for each in piece.left_out)
        yield Speech(audio, line.text, line.start, line.end, at, (), doubt=doubt, number=number, left_out=lacking)
        at += audio.seconds


def _deliver(sounds: Iterator[Audio], out: Path | None, kind: str, label: Any) -> None:
    if out is None:
        for _ in sounds:
            continue
    elif str(out) == _PIPE:
        for chunk in encode_stream(sounds, kind, label=label):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    else:
        write_pieces(out, sounds, label=label, name=kind)


def in_a_row(text: str) -> str:
    """The beginning of a text, on one line, without what would drive a terminal."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text[:1000]).split())
    return text if len(text) <= 80 else text[:79] + "…"


def _write_subtitles(given: argparse.Namespace, spoken: _Spoken) -> None:
    if given.subtitles:
        kind = vtt if given.subtitles.suffix.lower() == ".vtt" else srt
        write_bytes(given.subtitles, kind(spoken.cues).encode())
