"""The worker as a process: it is killed, asked to stop, doubled, and the jobs still end well."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gpt_sovits.errors import ResourceError
from gpt_sovits.jobs.store import JobState
from gpt_sovits.jobs.worker import cause_of_death, in_words
from gpt_sovits.services.jobs import INTERRUPTED, TrainingRequest
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.voices.consent import Consent

from .fake_worker import FakePlan, fake_parts

ROOT = Path(__file__).resolve().parents[2]
STEPS = FakePlan().acoustic_steps + FakePlan().semantic_steps
PATIENCE = 240.0  # seconds; the machine may be busy
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX signals")


@pytest.fixture
def studio(settings: Settings) -> Studio:
    return Studio(
        settings,
        parts=lambda each: fake_parts(each, 0.0),
        check_recording=lambda path: None,
        find_base=lambda name: None,
    )


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[[], subprocess.Popen]]:
    started: list[subprocess.Popen] = []

    def begin() -> subprocess.Popen:
        command = [sys.executable, "-m", "tests.jobs.fake_worker", "--data", str(settings.data_dir)]
        started.append(subprocess.Popen(command, cwd=ROOT))
        return started[-1]

    yield begin
    for process in started:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def queue(studio: Studio, tmp_path: Path) -> Callable[..., str]:
    recording = tmp_path / "minute.wav"
    recording.write_bytes(b"RIFF" + bytes(range(256)) * 40)

    def add(name: str = "Ana", script: str = "hello") -> str:
        consent = Consent(who="Ana", purpose="tests", statement="I agree.")
        return studio.jobs.create(TrainingRequest(name, recording, script=script, consent=consent))

    return add


def until(studio: Studio, job_id: str, *states: str, beyond: float = -1.0) -> JobState:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        job = studio.jobs.get(job_id)
        if job.state in states and job.fraction > beyond:
            return job
        assert job.active or job.state in states, (job.state, job.error)
        time.sleep(0.05)
    pytest.fail(f"the job is {job.state} at {job.fraction}, not {states}")


def child_of(worker: subprocess.Popen) -> int:
    """Process id of the child that trains."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"PPid:\t{worker.pid}\n" in (entry / "status").read_text():
                    return int(entry.name)
            except (FileNotFoundError, ProcessLookupError):
                continue
        time.sleep(0.05)
    pytest.fail("the worker has no child")


def folders(settings: Settings) -> list[Path]:
    """The jobs' folders."""
    return [path for path in settings.jobs_dir.iterdir() if path.is_dir()]


def steps_done(settings: Settings) -> list[int]:
    path = settings.data_dir / "steps.txt"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_killed_at_any_point_a_job_goes_on_and_takes_every_step_once(studio, settings, queue, start):
    job_id, second = queue(), queue("Ben")
    worker = start()
    until(studio, job_id, "running", beyond=0.2)
    os.kill(child_of(worker), signal.SIGKILL)  # the process that trains
    until(studio, job_id, "running", beyond=0.4)
    child = child_of(worker)
    worker.kill()  # the worker, and then its child: what a power cut does
    worker.wait()
    assert studio.jobs.get(job_id).stage != INTERRUPTED  # an orphan goes on
    os.kill(child, signal.SIGKILL)
    assert studio.jobs.get(job_id).state == "running" and studio.voices.list() == []
    end = time.monotonic() + PATIENCE
    while studio.jobs.get(job_id).stage != INTERRUPTED and time.monotonic() < end:
        time.sleep(0.05)
    assert studio.jobs.get(job_id).stage == INTERRUPTED  # which is what the page says meanwhile

    worker = start()
    until(studio, job_id, "done")
    job = until(studio, second, "done")

    taken = steps_done(settings)
    assert set(taken) == set(range(1, STEPS + 1))
    assert 2 * STEPS <= len(taken) <= 2 * STEPS + 2  # a step whose checkpoint the kill prevented is taken again
    assert [card.name for card in studio.voices.list()] == ["Ana", "Ben"] and studio.voices.verify() == []
    assert studio.voices.load(job.voice_id).made_by["steps"] == STEPS
    assert studio.voices.sample(job.voice_id).startswith(b"RIFF")
    assert job.log[-1].endswith("sample: The voice is ready.") and job.seconds_left is None
    end = time.monotonic() + PATIENCE
    while folders(settings) and time.monotonic() < end:  # a job is done a moment before its folder is cleared
        time.sleep(0.05)
    assert folders(settings) == []


def test_stop_takes_seconds_even_when_the_training_does_not_listen(studio, settings, queue, start):
    polite, stubborn, last = queue("polite"), queue("stubborn", "stubborn"), queue("last")
    start()
    for job_id, beyond in ((polite, 0.2), (stubborn, 0.03)):
        until(studio, job_id, "running", beyond=beyond)
        asked = time.monotonic()
        studio.jobs.stop(job_id)
        until(studio, job_id, "stopped")
        assert time.monotonic() - asked < 5.0
    until(studio, last, "done")
    assert [card.name for card in studio.voices.list()] == ["last"]
    before = len(steps_done(settings))
    studio.jobs.resume(polite)
    until(studio, polite, "done")
    assert len(steps_done(settings)) - before < STEPS, "it began again from nothing"
    studio.jobs.delete(stubborn)
    assert not (settings.jobs_dir / stubborn).exists()


def test_failures_end_in_a_sentence_and_the_worker_lives_on(studio, queue, start):
    poor, broken, deadly, good = queue("p", "poor"), queue("b", "broken"), queue("d", "deadly"), queue("good")
    worker = start()
    until(studio, good, "done")
    assert studio.jobs.get(poor).error == "The recording cannot be used. Record again."
    assert "ZeroDivisionError" in studio.jobs.get(broken).error
    assert any("Traceback" in line for line in studio.jobs.get(broken).log)
    assert until(studio, deadly, "failed").error.startswith(
        "The system ended the training program, as it does when mem"
    )
    assert [card.name for card in studio.voices.list()] == ["good"] and worker.poll() is None


def test_ending_the_worker_keeps_its_job_for_the_next_one(studio, settings, queue, start):
    job_id = queue()
    first = start()
    second = start()  # two programs on one data folder: the other one stands by
    until(studio, job_id, "running", beyond=0.3)
    first.terminate()
    second.terminate()
    assert first.wait(timeout=30) == 0 and second.wait(timeout=30) == 0
    assert studio.jobs.get(job_id).state == "queued"
    start()
    until(studio, job_id, "done")
    assert len(steps_done(settings)) <= STEPS + 1


def test_the_queue_may_lie_on_redis(settings, redis_url, start, tmp_path, monkeypatch):
    """The page's process queues, another one trains; only the queue's server and the data folder join them."""
    monkeypatch.setenv("GPT_SOVITS_REDIS", redis_url)
    monkeypatch.setenv("GPT_SOVITS_DEVICE", "cpu")
    studio = Studio(
        replace(settings, redis=redis_url),
        check_recording=lambda path: None,
        find_base=lambda name: None,
    )
    recording = tmp_path / "minute.wav"
    recording.write_bytes(b"RIFF" + bytes(range(256)) * 40)
    consent = Consent(who="Ana", purpose="tests", statement="I agree.")
    first, second = (
        studio.jobs.create(TrainingRequest(name, recording, script="x", consent=consent)) for name in ("Ana", "Ben")
    )
    worker = start()
    until(studio, first, "running", beyond=0.3)
    os.kill(child_of(worker), signal.SIGKILL)
    until(studio, first, "done")
    until(studio, second, "done")
    assert len(steps_done(settings)) <= 2 * STEPS + 1
    assert [card.name for card in studio.voices.list()] == ["Ana", "Ben"]
    assert any("goes on from its last checkpoint" in line for line in studio.jobs.get(first).log)
    assert not (settings.jobs_dir / "jobs.sqlite3").exists()


def test_when_the_app_is_killed_its_worker_ends_the_work_and_then_itself(studio, settings, queue):
    first, second = queue(), queue("Ben")
    app = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    command = [sys.executable, "-m", "tests.jobs.fake_worker", "--data", str(settings.data_dir)]
    parent = subprocess.Popen([sys.executable, "-c", app, *command], cwd=ROOT)
    until(studio, first, "running", beyond=0.2)
    worker = child_of(parent)
    parent.kill()
    parent.wait()
    until(studio, first, "done")
    until(studio, second, "done")
    end = time.monotonic() + PATIENCE
    while Path(f"/proc/{worker}").exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists(), "nobody needs it any more"
    assert len(steps_done(settings)) == 2 * STEPS and [card.name for card in studio.voices.list()] == ["Ana", "Ben"]


def test_a_disk_that_fills_up_costs_a_sentence_but_no_step(tmp_path, monkeypatch):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    monkeypatch.setattr("gpt_sovits.jobs.submission._FREE_BYTES", 0)
    settings = Settings(data_dir=small / "data", threads=1)
    studio = Studio(settings, check_recording=lambda path: None, find_base=lambda name: None)
    command = [sys.executable, "-m", "tests.jobs.fake_worker", "--data", str(settings.data_dir)]
    recording = tmp_path / "minute.wav"
    recording.write_bytes(bytes(range(256)) * 40)
    worker = subprocess.Popen(command, cwd=ROOT)
    try:
        consent = Consent(who="Ana", purpose="tests", statement="I agree.")
        job_id = studio.jobs.create(TrainingRequest("Ana", recording, script="x", consent=consent))
        until(studio, job_id, "running", beyond=0.3)
        ballast = small / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))
        time.sleep(1.5)
        ballast.unlink()
        assert studio.voices.list() == []
        end = time.monotonic() + PATIENCE
        while (job := studio.jobs.get(job_id)).state != "done" and time.monotonic() < end:
            if job.state == "failed":
                assert "disk" in job.error.lower(), job.error
                studio.jobs.resume(job_id)
            time.sleep(0.1)
        assert job.state == "done", job.error
        assert set(steps_done(settings)) == set(range(1, STEPS + 1)) and studio.voices.verify() == []
    finally:
        worker.terminate()
        worker.wait(timeout=30)
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_checkpoint_that_finds_no_room_leaves_the_last_one(tmp_path):
    import torch

    from gpt_sovits.training.checkpoint import load_checkpoint, save_checkpoint

    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k,mode=700", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        network = torch.nn.Linear(200, 200)
        save_checkpoint(small / "it.safetensors", {"model": network}, {}, step=1)
        kept = network.weight.detach().clone()
        torch.nn.init.zeros_(network.weight)
        with pytest.raises(ResourceError, match="could not be written"):
            save_checkpoint(small / "it.safetensors", {"model": network}, {}, step=2)
        assert [path.name for path in small.iterdir()] == ["it.safetensors"]
        assert load_checkpoint(small / "it.safetensors", {"model": network}, {})[0] == 1
        assert torch.equal(network.weight, kept)
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "not enough memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "not enough memory"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (
            ResourceError("The disk is full, so it stopped.", "Free some."),
            "The disk is full, so it stopped. Free some.",
        ),
        (KeyError("x"), "KeyError"),
    ],
)
def test_a_crash_is_told_in_words(error, words):
    assert words in in_words(error)
    assert "memory runs out" in cause_of_death(-9) and "segmentation" in cause_of_death(-11)
    assert "SIGTERM" in cause_of_death(-15) and "code 3" in cause_of_death(3)
