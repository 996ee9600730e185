"""A real speech-dispatcher daemon speaks through the module: how soon keys are heard, how soon it is silent.

    python -m tests.tools.screen_reader [VOICE] [--keys 50]    (Debian: speech-dispatcher pulseaudio pulseaudio-utils)

The sound goes into a null sink of a PulseAudio server of its own; what is heard there is recorded from its monitor.
Everything lies in a temporary folder, and every process that is started here is ended here.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from gpt_sovits.cli.main import main as studio

RATE = 16_000
_LOUD = 300  # of 32768: what is heard
KEYS = "t h e q u i c k b r o w n f x space Return BackSpace shift_a Tab".split()


class Client:
    """A program that speaks SSIP, as Orca does; events come with the time at which they came."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8", newline="\n")
        self.events: list[tuple[float, str]] = []
        self._answers: list[str] = []
        self._come = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._lines:
            with self._come:
                if line.startswith("7"):
                    self.events.append((time.monotonic(), line.strip()))
                elif line[3:4] == " ":
                    self._answers.append(line.strip())
                self._come.notify_all()

    def tell(self, line: str) -> str:
        with self._come:
            self._socket.sendall(f"{line}\r\n".encode())
            assert self._come.wait_for(lambda: self._answers, 20), line
            return self._answers.pop(0)

    def wait(self, wanted: str, since: int, seconds: float = 30.0) -> float:
        """When the first such event after number ``since`` came."""
        with self._come:
            found = lambda: next((at for at, line in self.events[since:] if wanted in line), None)  # noqa: E731
            assert self._come.wait_for(lambda: found() is not None, seconds), (wanted, self.events[since:])
            return float(found() or 0.0)


class Ears:
    """What comes out of the null sink, with the time of each block."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = f"parec -d nul.monitor --raw --format=s16le --channels=1 --rate={RATE} --latency-msec=5".split()
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        self.blocks: list[tuple[float, int]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while data := self.process.stdout.read(RATE // 200 * 2):
            self.blocks.append((time.monotonic(), int(np.abs(np.frombuffer(data, "<i2").astype(int)).max())))

    def first(self, since: float) -> float | None:
        return next((at for at, loud in list(self.blocks) if at >= since and loud > _LOUD), None)

    def last(self, since: float) -> float | None:
        return next((at for at, loud in reversed(list(self.blocks)) if at >= since and loud > _LOUD), None)


@contextmanager
def daemon(folder: Path, voice: str, data: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """PulseAudio with a null sink, and speech-dispatcher with the module installed for a user of its own."""
    pulse, spoken = folder / "pulse.sock", folder / "speechd.sock"
    own = {"XDG_DATA_HOME": str(folder / "share"), "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)}
    own |= {"PULSE_SERVER": f"unix:{pulse}", "XDG_RUNTIME_DIR": str(folder), "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **own, "SPEECHD_ADDRESS": f"unix_socket:{spoken}"}
    os.environ.update({name: own[name] for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")})
    assert studio(["speechd", "install", "--voice", voice, "--data", str(data)]) == 0
    (folder / "log").mkdir()
    with ExitStack() as ends:
        for command in (
            ["pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "-L", "module-null-sink sink_name=nul",
             "-L", f"module-native-protocol-unix socket={pulse} auth-anonymous=1"],
            ["speech-dispatcher", "-s", "-t", "0", "-c", "unix_socket", "-S", str(spoken), "-L", str(folder / "log")],
        ):  # fmt: skip
            started = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            ends.callback(started.wait, 10)
            ends.callback(started.terminate)
            time.sleep(2.0)
        for _ in range(100):
            if spoken.exists():
                break
            time.sleep(0.1)
        yield spoken, environment


def measure(voice: str, keys: int, warm: float, data: Path) -> None:
    with tempfile.TemporaryDirectory() as name, daemon(Path(name), voice, data) as (place, environment):
        said = subprocess.run(
            ["spd-say", "-w", "-o", "voice-studio", "Good morning."], env=environment, timeout=120, check=False
        )
        print(f"spd-say ended with {said.returncode}")
        ears, client = Ears(environment), Client(place)
        client.tell("SET SELF CLIENT_NAME me:tool:main")
        client.tell("SET SELF OUTPUT_MODULE voice-studio")
        client.tell("SET SELF NOTIFICATION ALL on")
        client.tell("SET SELF LANGUAGE en-US")
        time.sleep(warm)
        begun, heard = [], []
        client.tell("KEY Tab")  # after a silence the daemon opens the sound device first: that is not measured
        time.sleep(1.5)
        for number in range(keys):
            key, since, sent = KEYS[number % len(KEYS)], len(client.events), time.monotonic()
            client.tell(f"KEY {key}" if len(key) > 1 else f"CHAR {key}")
            begun.append(client.wait("BEGIN", since) - sent)
            client.wait("END", since)
            time.sleep(0.15)
            found = ears.first(sent)
            heard.append(float("nan") if found is None else found - sent)
            if not heard[-1] <= 0.1:
                print(f"late: {key}")
        told("keys: the daemon begins after", begun)
        told("keys: heard in the null sink after", heard)
        stops, silences = [], []
        for _ in range(10):
            since = len(client.events)
            client.tell("SPEAK")
            client.tell("It was the best of times, it was the worst of times, it was the age of wisdom.\r\n.")
            client.wait("BEGIN", since)
            time.sleep(1.2)
            cancelled = time.monotonic()
            client.tell("CANCEL SELF")
            stops.append(client.wait("CANCEL", since) - cancelled)
            time.sleep(0.6)
            last = ears.last(cancelled)
            silences.append(0.0 if last is None else last - cancelled)
        told("cancel: the daemon says so after", stops)
        told("cancel: silent in the null sink after", silences)
        ears.process.kill()
        ears.process.wait()


def told(what: str, seconds: list[float]) -> None:
    found = np.sort(np.asarray(seconds)) * 1000
    print(f"{what}: median {np.nanmedian(found):.0f} ms, worst {np.nanmax(found):.0f} ms of {len(found)}, "
          f"{int((found <= 100).sum())} within 100 ms")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice", nargs="?", default="Ada")
    parser.add_argument("--keys", type=int, default=50)
    parser.add_argument("--warm", type=float, default=60.0, help="seconds in which the commonest are made ready")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "screen-reader-data")
    given = parser.parse_args()
    measure(given.voice, given.keys, given.warm, given.data)


if __name__ == "__main__":
    main()
