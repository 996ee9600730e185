"""``python app.py`` as a person starts it: one line with the address, a worker beside it, nothing left afterwards."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from app import Worker
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


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    code = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); sys.stdin.read()"
    started = tmp_path / "started"
    running = Worker([sys.executable, "-c", code, str(started)], pause=0.05)
    try:
        for count in (1, 2, 3):
            assert until(lambda: started.is_file() and len(started.read_text().split()) == count)  # noqa: B023
            os.kill(int(started.read_text().split()[-1]), getattr(signal, "SIGKILL", signal.SIGTERM))
        assert until(lambda: len(started.read_text().split()) == 4)
    finally:
        running.end()
    assert running.process.poll() is not None
    time.sleep(0.3)
    assert len(started.read_text().split()) == 4


def test_the_worker_ends_when_the_app_is_gone_however_it_went(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gpt_sovits.jobs.worker", "--data", str(tmp_path / "data"), "--while-input"]
    worker = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    try:
        assert until((tmp_path / "data/jobs/worker.lock").exists) and worker.poll() is None
        assert worker.stdin is not None
        worker.stdin.close()  # as the system does for a program that was killed
        assert worker.wait(timeout=60) == 0
    finally:
        worker.kill()


def test_nothing_is_written_into_the_installed_packages_at_import() -> None:
    """Gradio would write type stubs beside itself, which takes as long as the rest of its import."""
    code = "import webui, gradio; print(gradio.component_meta.create_or_modify_pyi.__module__, gradio.Button.click)"
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.startswith("webui.stubs <function"), printed
