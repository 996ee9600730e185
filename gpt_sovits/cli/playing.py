"""Sound from this computer's loudspeakers, by the player that it has, while the rest is made."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from gpt_sovits.audio import Audio, to_int16, wav_bytes
from gpt_sovits.errors import MissingError, ResourceError

_STREAMS = {  # raw samples come in at their standard input
    "paplay": "paplay --raw --format=s16le --channels=1 --rate={rate}",
    "aplay": "aplay -q -t raw -f S16_LE -c 1 -r {rate} -",
    "ffplay": "ffplay -nodisp -autoexit -loglevel error -f s16le -ch_layout mono -ar {rate} -i pipe:0",
    "play": "play -q -t raw -e signed -b 16 -c 1 -r {rate} -",
}
_FILES = ("afplay",)  # these want a file


class Player:
    """``play`` a piece after the other; they follow each other without a gap where the player takes a stream.

    ``MissingError`` where this computer has no player, ``ResourceError`` where it cannot play.
    """

    def __init__(self) -> None:
        self._name = next((name for name in (*_STREAMS, *_FILES) if shutil.which(name)), "")
        if not self._name and sys.platform != "win32":
            raise MissingError(
                "There is no program that plays sound.", "Install pulseaudio-utils, alsa-utils or ffmpeg."
            )
        self._process: subprocess.Popen[bytes] | None = None

    def play(self, audio: Audio) -> None:
        """Return when the player has taken the piece, or has played it where it takes no stream."""
        if sys.platform == "win32" and not self._name:
            import winsound

            winsound.PlaySound(wav_bytes(audio), winsound.SND_MEMORY)
        elif self._name in _FILES:
            self._play_file(audio)
        else:
            if self._process is None:
                command = _STREAMS[self._name].format(rate=audio.rate).split()
                self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
            try:
                assert self._process.stdin is not None
                self._process.stdin.write(to_int16(audio).astype("<i2").tobytes())
                self._process.stdin.flush()
            except BrokenPipeError as error:
                raise ResourceError(f"The player {self._name} ended.", "Check the loudspeakers.") from error

    def end(self) -> None:
        """Wait until all of it was heard."""
        if self._process is not None:
            self._process.communicate()
            if self._process.returncode:
                raise ResourceError(f"The player {self._name} ended.", "Check the loudspeakers.")
            self._process = None

    def stop(self) -> None:
        """Be silent at once."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _play_file(self, audio: Audio) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "piece.wav"
            path.write_bytes(wav_bytes(audio))
            self._process = subprocess.Popen([self._name, str(path)])
            self._process.wait()


def heard(sounds: Iterable[Audio]) -> Iterator[Audio]:
    """The same sounds, each played when it comes."""
    player = Player()
    try:
        for audio in sounds:
            player.play(audio)
            yield audio
        player.end()
    finally:
        player.stop()
