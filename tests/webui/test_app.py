"""``python app.py`` as a person starts it: one line with the address, a worker beside it, nothing left afterwards."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from webui import server

ROOT = Path(__file__).resolve().parent.parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "app.py", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_starts_on_the_next_free_port_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        started = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port), "--data", str(tmp_path / "data")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        late = threading.Timer(180, started.kill)
        late.start()
        try:
            assert started.stdout is not None
            line = started.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
            assert found, line
            assert port < int(found.group(1)) < port + 50
            with urllib.request.urlopen(found.group(), timeout=120) as answer:
                assert "<title>Voice Studio</title>" in answer.read().decode()
            lock = tmp_path / "data" / "jobs" / "worker.lock"
            end = time.monotonic() + 60
            while not lock.exists() and time.monotonic() < end:
                time.sleep(0.2)
            assert lock.exists(), "the worker did not start"
            started.send_signal(signal.SIGTERM)
            rest, _ = started.communicate(timeout=60)  # ends only when the worker has closed the pipe too
        finally:
            late.cancel()
            started.kill()
    assert started.returncode == 0
    assert rest == ""
    assert list((tmp_path / "data" / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "70000"), "70000 is not a port."),
        (("--host", "no.such.host.invalid"), "is not an address of this computer."),
    ],
)
def test_what_cannot_work_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = run("--data", str(tmp_path / "data"), *arguments)
    assert ended.returncode == 1
    assert said in ended.stderr and ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_folders_of_dead_apps_are_removed_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRADIO_TEMP_DIR", "GRADIO_EXAMPLES_CACHE", "GRADIO_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, alive = tmp_path / f"browser-{ended.pid}-aa", tmp_path / "browser-1-bb"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "recording.wav").write_bytes(b"voice")
    made = server.prepare(tmp_path)
    assert not dead.exists()
    assert made.exists()
    if sys.platform != "win32":
        assert alive.exists()  # process 1 always runs
