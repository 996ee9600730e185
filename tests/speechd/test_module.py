"""The output module of speech-dispatcher: its protocol over a studio that hums, and the names of what is typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gpt_sovits.audio import Audio
from gpt_sovits.cli.main import main
from gpt_sovits.speechd import words
from gpt_sovits.speechd.module import Module, escaped
from gpt_sovits.speechd.sound import FASTEST, turned
from tests.webui.hum import humming


class Daemon:
    """The daemon's side of two pipes: ``tell`` commands, ``until`` something was answered."""

    def __init__(self, studio: Any, voice: str, known: tuple[str, ...] = ()) -> None:
        commands, answers = os.pipe(), os.pipe()
        self._to = os.fdopen(commands[1], "wb", buffering=0)
        self.said, self._grown = b"", threading.Condition()
        source, sink = os.fdopen(commands[0], "rb"), os.fdopen(answers[1], "wb")
        self._module = Module(studio.session, source, sink, voice, known)
        threading.Thread(target=self._listen, args=(os.fdopen(answers[0], "rb", buffering=0),), daemon=True).start()
        threading.Thread(target=self._module.run, daemon=True).start()

    def _listen(self, answers: Any) -> None:
        while data := answers.read(65536):
            with self._grown:
                self.said += data
                self._grown.notify_all()

    def tell(self, *lines: str) -> None:
        self._to.write("".join(f"{line}\n" for line in lines).encode())

    def until(self, wanted: bytes, seconds: float = 5.0) -> bytes:
        """What was answered up to the end of ``wanted``, which is then forgotten."""
        with self._grown:
            assert self._grown.wait_for(lambda: wanted in self.said, seconds), self.said[-300:]
            end = self.said.index(wanted) + len(wanted)
            found, self.said = self.said[:end], self.said[end:]
        return found


def test_it_answers_before_the_studio_is_open(hummed: Any) -> None:
    """Orca gives up where the daemon waits for its modules longer than ten seconds."""
    code = "import sys, gpt_sovits.speechd.module; print({'numpy', 'gpt_sovits.settings'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
    opened = threading.Event()
    slow = SimpleNamespace(session=lambda: opened.wait(20) and hummed[0].session())
    daemon = Daemon(slow, "", ("Ada",))
    daemon.tell("INIT", "LIST VOICES")
    assert b"200-Ada\ten\tnone" in daemon.until(b"200 OK VOICE LIST SENT\n")
    daemon.tell("SPEAK", "One.", ".")
    daemon.until(b"701 BEGIN\n")
    opened.set()
    assert b"705-AUDIO" in daemon.until(b"702 END\n", 20)
    daemon.tell("LIST VOICES")
    assert b"200-voice of local\ten\tnone" in daemon.until(b"200 OK VOICE LIST SENT\n")
    daemon.tell("QUIT")


@pytest.fixture(scope="module")
def hummed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return humming(tmp_path_factory.mktemp("speechd"), "local")


@pytest.fixture
def daemon(hummed: Any) -> Iterator[Daemon]:
    made = Daemon(hummed[0], "voice of local")
    yield made
    made.tell("QUIT")
    made.until(b"210 OK QUIT\n")


def samples(answer: bytes) -> int:
    return sum(int(found) for found in re.findall(rb"705-num_samples=(\d+)", answer))


def test_it_speaks_as_the_daemon_asks(daemon: Daemon) -> None:
    daemon.tell("INIT")
    daemon.until(b"299 OK LOADED SUCCESSFULLY\n")
    daemon.tell("AUDIO", "audio_output_method=pulse", ".", "AUDIO", "audio_output_method=server", ".")
    assert b"303 ERROR" in daemon.until(b"203 OK AUDIO INITIALIZED\n")
    daemon.tell("LOGLEVEL", "log_level=3", ".", "DEBUG ON /tmp/x", "LIST VOICES", "NONSENSE")
    assert b"200-voice of local\ten\tnone\n" in daemon.until(b"300 ERR UNKNOWN COMMAND\n")
    daemon.tell("SPEAK", '<speak>One &amp; <mark name="here"/>two. <mark name="end"/></speak>', ".")
    answer = daemon.until(b"702 END\n")
    assert answer.index(b"701 BEGIN") < answer.index(b"705-AUDIO\0") < answer.index(b"700-here\n700 INDEX MARK\n")
    assert answer.index(b"700-here") < answer.index(b"700-end") and samples(answer) > 10_000
    plain = samples(answer)
    daemon.tell("SET", "rate=100", "pitch=30", "volume=0", "punctuation_mode=all", ".")
    daemon.tell("SPEAK", "One &amp; two.", ".")
    answer = daemon.until(b"702 END\n")
    assert abs(samples(answer) * FASTEST / plain - 1) < 0.2
    daemon.tell("SPEAK", "...a line\n..", ".")
    daemon.until(b"702 END\n")
    daemon.tell("SPEAK", "", ".")
    daemon.until(b"301 ERROR CANT SPEAK\n")
    daemon.tell("SET", "synthesis_voice=nobody here", ".", "CHAR", "space", ".")
    daemon.until(b"702 END\n")


def test_it_stops_at_once_and_says_the_next(daemon: Daemon, hummed: Any) -> None:
    hum = hummed[1]
    hum.hold = threading.Event()
    try:
        for command, event in (("STOP", b"703 STOP\n"), ("PAUSE", b"704 PAUSE\n")):
            daemon.tell("SPEAK", f"{command} one. two. three", ".")
            daemon.until(b"701 BEGIN\n")
            while not hum.spoken[-1].startswith(command):
                time.sleep(0.005)
            began = time.monotonic()
            daemon.tell(command)
            daemon.until(event)
            assert time.monotonic() - began < 0.1
    finally:
        hum.hold = None
    daemon.tell("KEY", "shift_a", ".")
    answer = daemon.until(b"702 END\n")
    assert answer.count(b"701 BEGIN") == 1 and samples(answer) > 1000


def test_letters_keys_and_signs_have_names() -> None:
    assert words.char_said("a", "en") == ("[A|spell]",)
    assert words.char_said("A", "zh", capitals=True) == ("大写", "[A|spell]")
    assert words.char_said("(", "en") == ("left paren",) and words.char_said("☃", "en") == ("snowman",)
    assert words.char_said("É", "en", capitals=True) == ("capital", "[E|spell] with acute")
    assert [words.char_said(char, "zh") for char in "ßж中"] == [("sharp s",), ("zhe",), ("中",)]
    assert words.key_said("control_alt_Delete", "en") == ("control", "alt", "delete")
    assert words.key_said("_", "en") == ("underscore",) and words.key_said("shift_F10", "en")[1] == "[F|spell] 10"
    said = {level: words.text_said("f(x) = [a], ok.", "en", level=level)[0] for level in words.LEVELS}
    assert "=" in said["none"] and "[" not in said["none"] and "equals" in said["some"] and "paren" not in said["some"]
    assert "left bracket" in said["most"] and "comma," in said["all"] and "dot." in said["all"]
    assert words.text_said("Ab", "en", spelling=True, capitals=True) == ("capital", "[A|spell]", "[B|spell]")
    assert words.text_said("Big news", "en", capitals=True) == ("capital Big news",)
    assert words.text_said("?!", "zh") == ("问号", "叹号")
    assert words.plain("<speak>a &lt; <mark name='m'/>b<break/></speak>") == words.Marked("a < b", ((4, "m"),))
    assert words.plain('<speak>a<mark name="m\n702 END"/></speak>') == words.Marked("a")  # no line of its own
    for language in ("en", "zh"):
        assert len(words.ready(language)) > 80


def test_rate_pitch_and_volume_turn_a_sound() -> None:
    tone = Audio((0.5 * np.sin(2 * np.pi * 200 * np.arange(32000) / 32000)).astype(np.float32), 32000)
    assert np.array_equal(turned(tone).samples, tone.samples)
    for rate, longer in ((100, 1 / FASTEST), (-100, FASTEST)):
        assert abs(turned(tone, rate=rate).seconds - longer) < 0.1 * longer + 0.05
    higher = turned(tone, pitch=100)
    crossings = np.count_nonzero(np.diff(np.signbit(higher.samples))) / 2 / higher.seconds
    assert abs(higher.seconds - 1) < 0.1 and abs(crossings - 200 * 2**0.5) < 15
    assert np.abs(turned(tone, volume=50).samples).max() == pytest.approx(0.25, abs=0.01)
    assert b"\n" not in escaped(bytes(range(256))) and len(escaped(bytes(range(256)))) == 258


def test_it_is_installed_for_this_user_and_removed(
    tmp_path: Path, hummed: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "speech-dispatcher").mkdir(parents=True)
    conf, before = (
        tmp_path / "config" / "speech-dispatcher" / "speechd.conf",
        'AddModule "espeak-ng" "sd_espeak-ng" ""\n',
    )
    conf.write_text(before)
    assert main(["speechd", "install", "--voice", "voice of local"], lambda settings: hummed[0]) == 0
    assert 'AddModule "voice-studio"' in capsys.readouterr().out
    program = tmp_path / "libexec" / "speech-dispatcher-modules" / "sd_voice-studio"
    started = subprocess.run([program], input=b"INIT\nQUIT\n", capture_output=True, timeout=60)
    assert started.stdout == b"299-Voice Studio\n299 OK LOADED SUCCESSFULLY\n210 OK QUIT\n", started.stderr
    assert main(["speechd", "remove"], lambda settings: hummed[0]) == 0 and not program.exists()
    assert main(["speechd", "remove"], lambda settings: hummed[0]) == 2
    assert conf.read_text() == before, "only --default touches it"
    own = f"{before} DefaultModule espeak-ng\nDefaultVolume 90\n"
    for kept in (own, ""):  # settings of one's own, and none
        conf.write_text(kept) if kept else conf.unlink()
        for _ in range(2):
            assert main(["speechd", "install", "--default"], lambda settings: hummed[0]) == 0
        lines = [line for line in conf.read_text().splitlines() if "Module" in line and line[0] != "#"]
        assert lines[-1] == "DefaultModule voice-studio" and len(lines) == (3 if kept else 1)
        assert main(["speechd", "remove"], lambda settings: hummed[0]) == 0
        assert conf.read_text() == own if kept else not conf.exists()
    assert main(["speechd", "install", "--voice", "nobody"], lambda settings: hummed[0]) == 2
