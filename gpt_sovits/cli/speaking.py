"""``speak``: a text into a file, a pipe or the loudspeakers. What was spoken is kept when it is stopped, and what is
doubtful is told."""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_sovits.audio import Audio, concatenate, silence, write_bytes
from gpt_sovits.cli.playing import heard
from gpt_sovits.cli.terminal import open_voice, progress
from gpt_sovits.cli.texts import doubt_said, read_texts
from gpt_sovits.encoding import encode_stream, format_of, require_format, write_pieces
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.files import disk_errors
from gpt_sovits.services.session import Session
from gpt_sovits.storage.takes import TakeLine
from gpt_sovits.subtitles import Cue, cues, srt, vtt
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from gpt_sovits.synthesis import Speech

USUAL = Path("speech.wav")
_PIPE = "-"


@dataclass(frozen=True)
class Speaker:
    """Who was asked for: a voice, or a clip that is spoken like."""

    voice: str | None
    version: str | None
    clip: Path | None
    clip_text: str
    more_clips: tuple[Path, ...]
    base: str
    unlock_file: Path | None


@dataclass(frozen=True)
class Way:
    """How it is spoken, and what becomes of it. ``keep``: the name of a take ("": none of its own)."""

    language: str
    speed: float
    pause: float
    seed: int | None
    after: int
    drawn: dict[str, float]
    cut: str
    keep: str | None
    play: bool
    subtitles: Path | None
    json: bool
    mark: bool = False


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
        with progress() as bar:
            for piece in pieces:
                bar(piece.end / max(1, self.characters), "", "")
                yield piece.audio
                self._note(piece)

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


def speak_once(
    session: Session,
    speaker: Speaker,
    words: list[str],
    files: Sequence[Path],
    way: Way,
    out: Path | None,
    kind: str | None,
) -> None:
    """Find out who says what and where it goes, then speak."""
    usual = None if way.play or way.keep is not None else USUAL.with_suffix(f".{kind or 'wav'}")
    out = Path(_PIPE) if str(out) == "/dev/stdout" else out or usual
    kind = kind or ("wav" if out is None or str(out) == _PIPE else require_format(out))
    format_of(kind)
    if str(out) == _PIPE and sys.stdout.isatty():
        raise InputError("Sound does not go onto a screen.", "Send it on with a pipe, or name a file with --out.")
    voice, text = _wanted(session, speaker, words, files, way.language)
    _speak_into(session, voice, text, way, out, kind)


def speak_line_by_line(
    session: Session,
    speaker: Speaker,
    words: list[str],
    files: Sequence[Path],
    way: Way,
    out: Path | None,
    folder: Path,
    kind: str,
) -> None:
    """A list of words or sentences: one file for each, in its order."""
    if out or way.subtitles:
        raise InputError("There are too many places for the sound.", "Leave out --out and --subtitles, or --lines.")
    voice, text = _wanted(session, speaker, words, files, way.language)
    lines = [line.strip() for line in text.splitlines() if any(map(str.isalnum, line))]
    with disk_errors("the folder could not be made"):
        folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(lines, 1):
        named = re.sub(r"\W+", "-", line).strip("-")[:40]
        path = folder / f"{number:0{max(2, len(str(len(lines))))}d}-{named}.{kind}"
        _speak_into(session, voice, line, way, path, kind)


def _wanted(
    session: Session, speaker: Speaker, words: list[str], files: Sequence[Path], language: str
) -> tuple[Voice | str, str]:
    """Who speaks and what: a word alone that is a voice's name leaves the text to the standard input."""
    named, needs = speaker.voice, 0 if files else 1
    if not named and not speaker.clip and words:
        named = words.pop(0) if len(words) > needs or needs == 0 or _is_voice(session, words[0]) else None
    if len(words) > needs or (speaker.voice and speaker.clip):
        raise InputError("There are too many words.", 'Say it like this: speak "My voice" "Good morning!" --out a.wav')
    if named:
        card = session.voices.find(named)
        open_voice(session, card, speaker.unlock_file)
        voice: Voice | str = session.voices.load(card.id, speaker.version)
    elif speaker.clip:
        voice = session.speech.reference_voice(
            speaker.clip, speaker.clip_text, language, speaker.base, further=speaker.more_clips
        )
        if speaker.clip_text and voice.reference.text != speaker.clip_text.strip():
            used = voice.reference.text or "its sound alone, as its words were not found in it"
            print(f"The clip is long; what is continued of it: {used}", file=sys.stderr)
    else:
        raise InputError("It is not said who should speak.", "Name a voice, or give a clip with --clip.")
    text = words[0] if words and words[0] != "-" else read_texts(files or [Path("-")])
    return voice, text


def _is_voice(session: Session, word: str) -> bool:
    try:
        session.voices.find(word)
    except MissingError:
        return False
    return True


def _speak_into(session: Session, voice: Voice | str, text: str, way: Way, out: Path | None, kind: str) -> None:
    """Speak ``text`` into ``out`` (None: nowhere), the loudspeakers and the takes, as was asked."""
    seed, keeps = secrets.randbelow(2**31) if way.seed is None else way.seed, way.keep is not None
    said: dict[str, Any] = {"language": way.language, "speed": way.speed, "pause": way.pause, "seed": seed}
    if keeps and (way.drawn or way.cut or way.after):
        raise InputError("A take is spoken as the page speaks it.", "Leave out --keep, or the options of the network.")
    if keeps:
        pieces = _by_line(session, voice, text, way, seed)
    else:
        pieces = session.speech.speak(text, voice, **said, after=way.after, sampling=way.drawn, cut=way.cut)
    spoken = _Spoken(len(text), keeps=keeps)
    sounds = heard(spoken.taking(pieces)) if way.play else spoken.taking(pieces)
    try:
        _deliver(sounds, out, kind, replace(session.speech.label(voice), heard=way.mark))
    except (KeyboardInterrupt, VoiceError):
        if spoken.seconds:
            _write_subtitles(way.subtitles, spoken)
            print(f"{out or 'played'}: {spoken.seconds:.1f} s of speech, up to where it stopped.", file=sys.stderr)
            print(f"Go on with: --after {way.after + len(spoken.pieces)}, and another --out.", file=sys.stderr)
        raise
    _write_subtitles(way.subtitles, spoken)
    take = ""
    if way.keep is not None:
        lines = [TakeLine(p["start"], p["end"], 0.0, 0.0, seed) for p in spoken.pieces]
        value = session.voices.load(voice) if isinstance(voice, str) else voice
        take = session.takes.keep(value, text, lines, spoken.sounds, **said).id
        if way.keep:
            session.takes.rename(take, way.keep)
    for sentence in spoken.told:
        print(sentence, file=sys.stderr)
    screen = sys.stderr if str(out) == _PIPE else sys.stdout
    if way.json:
        made = {"file": None if out is None else str(out), "format": kind, "take": take or None, "seed": seed}
        told = {**made, "seconds": round(spoken.seconds, 3), "sentences": spoken.pieces}
        print(json.dumps(told, ensure_ascii=False), file=screen)
    else:
        print(f"{out or take or 'played'}: {spoken.seconds:.1f} s of speech", file=screen)


def _by_line(session: Session, voice: Voice | str, text: str, way: Way, seed: int) -> Iterator[Speech]:
    """As the page speaks what it keeps, so that each line can be said anew later."""
    from gpt_sovits.synthesis import Speech

    lines, at = session.speech.lines(text, voice, language=way.language), 0.0
    for number, line in enumerate(lines):
        told: list[Speech] = []
        sound = session.speech.say(line, voice, language=way.language, speed=way.speed, seed=seed, told=told.append)
        rest = 0.0 if number == len(lines) - 1 else line.pause_after(way.pause)
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


def _write_subtitles(path: Path | None, spoken: _Spoken) -> None:
    if path:
        kind = vtt if path.suffix.lower() == ".vtt" else srt
        write_bytes(path, kind(spoken.cues).encode())
