"""The module's side of speech-dispatcher's protocol, over standard input and output; the daemon plays what is sent.

The daemon is answered before the studio is opened: it waits for its modules, and Orca gives up where it waits too long.
A message is spoken in a thread of its own. Stopping is answered at once: what an ended message still makes is dropped.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from gpt_sovits.errors import CancelledError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.speechd import words

if TYPE_CHECKING:
    from gpt_sovits.audio import Audio
    from gpt_sovits.services.lines import Line
    from gpt_sovits.services.session import Session

log = logging.getLogger(__name__)
_CHUNK = 4800  # samples that are sent at once: small enough to stop soon
_SEED = 1
_LANGUAGES = ("en", "zh")
_ESCAPE, _TURN = 0x7D, 0x20  # bytes that would end a line are sent as an escape and themselves with a bit turned


def serve(open_session: Callable[[], Session], voice: str, known: Sequence[str] = ()) -> None:
    """Be the module on the standard streams until the daemon ends it; then the process ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed must not come between the protocol's lines
    Module(open_session, source, sink, voice, known).run()
    sink.close()
    os._exit(0)  # a sentence that is still being made is not waited for


class Message:
    """One thing to say. It ends once: said, stopped or paused."""

    def __init__(self) -> None:
        self.cancel = CancelToken()
        self.over = False


class Module:
    """``voice``: name or id of who speaks until the daemon chooses another one; "": the first there is. ``known``: the
    names of voices that are listed until the studio is open."""

    def __init__(
        self,
        open_session: Callable[[], Session],
        source: BinaryIO,
        sink: BinaryIO,
        voice: str = "",
        known: Sequence[str] = (),
    ) -> None:
        self._open, self._source, self._sink = open_session, source, sink
        self._opened: Session | None = None
        self._known = list(known)
        self._opening = threading.Lock()
        self._voice = voice
        self._settings = {"rate": "0", "pitch": "0", "volume": "100", "language": "en", "punctuation_mode": "none"}
        self._out = threading.Lock()
        self._quiet = threading.Event()  # nothing is being said
        self._quiet.set()
        self._now: Message | None = None
        self._warming: CancelToken | None = None
        self._warmed: set[tuple[str, str]] = set()
        self._ended = False

    @property
    def _session(self) -> Session:
        with self._opening:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def run(self) -> None:
        """Answer until the daemon says QUIT or goes away."""
        answers: dict[str, Callable[[], None]] = {
            "INIT": self._init,
            "AUDIO": self._audio,
            "LOGLEVEL": lambda: self._take("207 OK RECEIVING LOGLEVEL SETTINGS", "203 OK LOGLEVEL SET"),
            "SET": self._set,
            "STOP": lambda: self._end(b"703 STOP\n"),
            "PAUSE": lambda: self._end(b"704 PAUSE\n"),
        }
        while line := self._line():
            command, _, rest = line.strip().partition(" ")
            if command in ("SPEAK", "CHAR", "KEY", "SOUND_ICON"):
                self._speak(command)
            elif command in answers:
                answers[command]()
            elif command == "LIST" and rest.startswith("VOICES"):
                self._list()
            elif command == "DEBUG":
                self._send(f"200 OK DEBUGGING {rest.split()[0] if rest else 'OFF'}\n".encode())
            elif command == "QUIT":
                self._end(b"703 STOP\n")
                self._send(b"210 OK QUIT\n")
                break
            else:
                self._send(b"300 ERR UNKNOWN COMMAND\n")
        self._ended = True
        if self._warming is not None:
            self._warming.cancel()

    # ------------------------------------------------------------------------------------------------------ commands

    def _init(self) -> None:
        self._send(b"299-Voice Studio\n299 OK LOADED SUCCESSFULLY\n")
        threading.Thread(target=self._warm, daemon=True).start()

    def _audio(self) -> None:
        """Only a daemon that plays the sound itself is served, which those since 0.11 do."""
        self._send(b"207 OK RECEIVING AUDIO SETTINGS\n")
        wanted = dict(line.partition("=")[::2] for line in self._block())
        served = wanted.get("audio_output_method") == "server"
        self._send(b"203 OK AUDIO INITIALIZED\n" if served else b"303 ERROR INVALID PARAMETER OR VALUE\n")

    def _take(self, first: str, then: str) -> None:
        self._send(first.encode() + b"\n")
        self._block()
        self._send(then.encode() + b"\n")

    def _set(self) -> None:
        self._send(b"203 OK RECEIVING SETTINGS\n")
        self._settings.update(line.partition("=")[::2] for line in self._block())
        self._send(b"203 OK SETTINGS RECEIVED\n")

    def _list(self) -> None:
        names = self._known
        if self._opened is not None or not names:
            try:
                voices = self._session.voices
                names = [card.name for card in (*voices.list(), *voices.invented())]
            except VoiceError as error:
                log.warning("%s", error)
        rows = "".join(f"200-{name}\t{language}\tnone\n" for name in names for language in _LANGUAGES)
        self._send(f"{rows}200 OK VOICE LIST SENT\n".encode() if rows else b"304 CANT LIST VOICES\n")

    def _speak(self, kind: str) -> None:
        self._send(b"202 OK RECEIVING MESSAGE\n")
        marked = words.plain("\n".join(self._block()))
        texts = self._said(kind, marked.text)
        self._end(b"703 STOP\n")  # the daemon sends one after the other; if it does not, the newest counts
        if kind != "SOUND_ICON" and not any(map(str.isalnum, "".join(texts))):
            self._send(b"301 ERROR CANT SPEAK\n")
            return
        message = self._now = Message()
        self._quiet.clear()
        if self._warming is not None:
            self._warming.cancel()
        self._send(b"200 OK SPEAKING\n701 BEGIN\n")
        marks = marked.marks if kind == "SPEAK" else ()
        threading.Thread(target=self._say, args=(message, texts, marks, len(marked.text)), daemon=True).start()

    def _said(self, kind: str, text: str) -> tuple[str, ...]:
        language = words.tongue(self._settings["language"])
        capitals = self._settings.get("cap_let_recogn", "none") != "none"
        if kind == "CHAR":
            return words.char_said(text, language, capitals=capitals)
        if kind == "KEY":
            return words.key_said(text, language)
        level = self._settings["punctuation_mode"]
        spelling = self._settings.get("spelling_mode") == "on"
        return words.text_said(text, language, level=level, spelling=spelling, capitals=capitals)

    # ------------------------------------------------------------------------------------------------------ speaking

    def _say(self, message: Message, texts: tuple[str, ...], marks: tuple[tuple[int, str], ...], size: int) -> None:
        """Send the sound of a message. A mark is told where its share of the characters was sent."""
        from gpt_sovits.speechd.sound import prompt, turned  # with codecs

        left = list(marks)
        try:
            voice = self._voice_id()
            for text in texts:
                for line in self._session.speech.lines(text, voice, quickly=True):
                    sound = turned(prompt(self._sound(line, voice, message.cancel)), **self._manner())
                    for part, share in _chunks(sound):
                        reached = (line.start + share * (line.end - line.start)) / max(1, len(text)) * size
                        while left and left[0][0] <= reached:
                            self._of(message, _mark(left.pop(0)[1]))
                        self._of(message, part)
            for _, name in left:
                self._of(message, _mark(name))
        except CancelledError:
            return
        except VoiceError as error:
            log.warning("%s", error)
        finally:
            self._finish(message)

    def _sound(self, line: Line, voice: str, cancel: CancelToken) -> Audio:
        cancel.check()
        return self._session.speech.say(line, voice, seed=_SEED, cancel=cancel)

    def _manner(self) -> dict[str, int]:
        def number(name: str, usual: int) -> int:
            try:
                return max(-100, min(100, int(self._settings.get(name, usual))))
            except ValueError:
                return usual

        return {"rate": number("rate", 0), "pitch": number("pitch", 0), "volume": number("volume", 100)}

    def _voice_id(self) -> str:
        wanted = self._settings.get("synthesis_voice", "NULL")
        named = self._voice if wanted in ("", "NULL") else wanted
        voices = self._session.voices
        try:
            if named:
                return voices.find(named).id
        except VoiceError:
            if not self._voice:
                raise
            return voices.find(self._voice).id
        return next(iter([*voices.list(), *voices.invented()])).id

    def _warm(self) -> None:
        """Make what is said most often, whenever nobody is being spoken to."""
        while not self._ended:
            language = words.tongue(self._settings["language"])
            try:
                voice = self._voice_id()
                wanted = [text for text in words.ready(language) if (voice, text) not in self._warmed]
                if not wanted:
                    threading.Event().wait(1.0)
                    continue
                self._quiet.wait()
                self._warming = CancelToken()
                for line in self._session.speech.lines(wanted[0], voice, quickly=True):
                    self._sound(line, voice, self._warming)
                self._warmed.add((voice, wanted[0]))
            except CancelledError:
                continue
            except (VoiceError, StopIteration) as error:
                log.warning("nothing can be kept ready: %s", error)
                threading.Event().wait(5.0)

    # ------------------------------------------------------------------------------------------------------ the line

    def _line(self) -> str:
        return self._source.readline().decode("utf-8", "replace")

    def _block(self) -> list[str]:
        """Lines up to the one with a single dot; a dot that begins another line was doubled."""
        found = []
        while (line := self._line()) not in ("", ".\n"):
            line = line.rstrip("\n")
            found.append(line[1:] if line.startswith("..") else line)
        return found

    def _send(self, data: bytes) -> None:
        with self._out:
            self._sink.write(data)
            self._sink.flush()

    def _of(self, message: Message, data: bytes) -> None:
        """Send something of a message, unless it is over."""
        with self._out:
            if message.over:
                raise CancelledError("Stopped.")
            self._sink.write(data)
            self._sink.flush()

    def _end(self, how: bytes) -> None:
        message = self._now
        if message is not None:
            message.cancel.cancel()
            self._finish(message, how)

    def _finish(self, message: Message, how: bytes = b"702 END\n") -> None:
        with self._out:
            if not message.over:
                message.over = True
                self._quiet.set()
                self._sink.write(how)
                self._sink.flush()


def _mark(name: str) -> bytes:
    return f"700-{name}\n700 INDEX MARK\n".encode()


def _chunks(sound: Audio) -> Iterator[tuple[bytes, float]]:
    """The sound as audio events, each with the share of it that was sent before."""
    from gpt_sovits.audio import to_int16

    samples = to_int16(sound).astype("<i2")
    for start in range(0, len(samples), _CHUNK):
        part = samples[start : start + _CHUNK]
        head = f"705-bits=16\n705-num_channels=1\n705-sample_rate={sound.rate}\n705-num_samples={len(part)}\n"
        body = escaped(part.tobytes())
        yield head.encode() + b"705-big_endian=0\n705-AUDIO\0" + body + b"\n705 AUDIO\n", start / len(samples)


def escaped(data: bytes) -> bytes:
    """Bytes without a line's end in them."""
    data = data.replace(bytes([_ESCAPE]), bytes([_ESCAPE, _ESCAPE ^ _TURN]))
    return data.replace(b"\n", bytes([_ESCAPE, ord("\n") ^ _TURN]))
