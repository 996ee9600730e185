"""With every connection beyond this machine refused, in all its processes, the studio starts, learns and speaks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from gpt_sovits.audio import read_audio

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
MINI = ROOT / "pretrained_models" / "mini" / "config.json"

needs_mini = pytest.mark.skipif(not MINI.is_file(), reason="needs the embedded base in pretrained_models/mini")


class Offline:
    """Starts processes that can reach nothing but this machine."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.log = folder / "refused.txt"
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "tests" / "offline"),
            "REFUSED_CONNECTIONS": str(self.log),
            "GPT_SOVITS_HOME": str(self.data),
            "GPT_SOVITS_DEVICE": "cpu",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
        return output

    def refused(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.is_file() else ""


@pytest.fixture
def offline(tmp_path: Path) -> Offline:
    return Offline(tmp_path)


def test_the_refusal_itself_works(offline: Offline) -> None:
    script = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    process = offline.start("-c", script)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "offline test" in output
    assert "192.0.2.1" in offline.refused()


def test_the_page_is_served(offline: Offline) -> None:
    process = offline.start("app.py", "--port", "7870")
    late = threading.Timer(180, process.kill)
    late.start()
    try:
        assert process.stdout is not None
        found = None
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                break
        assert found, "the studio did not start"
        with urllib.request.urlopen(found.group(), timeout=60) as answer:
            page = answer.read().decode()
        assert answer.status == 200
        assert not re.findall(r"""(?:src|href)=["']https?://(?!127\.0\.0\.1)[^"']+""", page)
    finally:
        late.cancel()
        process.terminate()
        process.communicate(timeout=60)
    assert offline.refused() == ""


@needs_mini
def test_a_voice_is_learnt_and_speaks(offline: Offline, tmp_path: Path) -> None:
    words = (DATA / "one_minute.txt").read_text(encoding="utf-8")
    consent = ("--consent", "The recording is licensed for this use.")
    recording = str(DATA / "one_minute.opus")
    offline.run("-m", "gpt_sovits", "train", "Reader", recording, "--script-text", words, "--max-steps", "2", *consent)
    out = tmp_path / "said.wav"
    offline.run("-m", "gpt_sovits", "speak", "Reader", "Good morning. 早上好。", "--out", str(out))
    assert read_audio(out).seconds > 0.5
    assert offline.refused() == ""
