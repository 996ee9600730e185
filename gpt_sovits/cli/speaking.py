"""``speak``: a text into a file. What was spoken is kept when it is stopped, and what is doubtful is told."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gpt_sovits.audio import Audio, write_bytes
from gpt_sovits.encoding import write_pieces
from gpt_sovits.errors import VoiceError
from gpt_sovits.services.session import Session
from gpt_sovits.subtitles import Cue, cues, srt, vtt
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from gpt_sovits.synthesis import Speech

_DOUBTS = {
    "silent": "nothing can be heard",
    "other": "words may be missing or wrong",
    "held": "a sound or a pause lasts too long",
    "cap": "it does not end",
    "short": "it is very short",
    "long": "it is very long",
}


@dataclass
class _Spoken:
    """What came of a text of ``characters``, without its sound: a long one would fill the memory."""

    characters: int
    count: int = 0
    seconds: float = 0.0
    cues: list[Cue] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def taking(self, pieces: Iterable[Speech]) -> Iterator[Audio]:
        for piece in pieces:
            if sys.stderr.isatty():
                print(f"\r{100 * piece.end // max(1, self.characters):3d} %", end="", file=sys.stderr, flush=True)
            yield piece.audio
            self.count += 1
            self.seconds += piece.audio.seconds
            self.cues += cues([piece])
            if piece.doubt:
                said = _DOUBTS.get(piece.doubt, "a part is repeated")
                self.told.append(f"In doubt ({said}): {in_a_row(piece.text)}")
            if piece.left_out:
                self.told.append(f"Left out, what this program cannot read: {in_a_row(' … '.join(piece.left_out))}")
        if sys.stderr.isatty():
            print("\r     \r", end="", file=sys.stderr)


def in_a_row(text: str) -> str:
    """The beginning of a text, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:79] + "…"


def _write_subtitles(given: argparse.Namespace, spoken: _Spoken) -> None:
    if given.subtitles:
        kind = vtt if given.subtitles.suffix.lower() == ".vtt" else srt
        write_bytes(given.subtitles, kind(spoken.cues).encode())


def speak_into(session: Session, voice: Voice | str, text: str, given: argparse.Namespace) -> int:
    """Speak ``text`` into ``given.out``."""
    pieces = session.speech.speak(
        text,
        voice,
        language=given.language,
        speed=given.speed,
        pause=given.pause,
        seed=given.seed,
        after=given.after,
    )
    spoken = _Spoken(len(text))
    try:
        write_pieces(given.out, spoken.taking(pieces), label=session.speech.label(voice))
    except (KeyboardInterrupt, VoiceError):
        if spoken.count:
            _write_subtitles(given, spoken)
            print(f"{given.out}: {spoken.seconds:.1f} s of speech, up to where it stopped.", file=sys.stderr)
            print(f"Go on with: --after {given.after + spoken.count}, and another --out.", file=sys.stderr)
        raise
    _write_subtitles(given, spoken)
    for sentence in spoken.told:
        print(sentence, file=sys.stderr)
    print(f"{given.out}: {spoken.seconds:.1f} s of speech")
    return 0
