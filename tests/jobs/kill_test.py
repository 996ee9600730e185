"""Real trainings on the embedded base that are killed at random moments: ``python -m tests.jobs.kill_test``.

    --times 20      SIGKILL the training process, its worker, or both, at random moments of short real trainings
    --app           SIGKILL the app while it trains; its worker ends too, and the next app's ends the job
    --disk          fill the disk (a small tmpfs; needs the right to mount) while a checkpoint is due
    --apps          two apps on one data folder, a job from each

Each prints what was killed when, from which step it went on, and whether any half-made voice could be seen.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gpt_sovits.audio import read_audio, write_wav
from gpt_sovits.errors import ResourceError
from gpt_sovits.jobs.store import JobState
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.voices.consent import Consent

ROOT = Path(__file__).resolve().parents[2]
MINUTE = ROOT / "tests" / "data" / "one_minute.opus"
PATIENCE = 3600.0  # seconds; the machine may be busy
LEARNING = ("acoustic", "semantic")


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "GPT_SOVITS_THREADS": "1", "GPT_SOVITS_DEVICE": "cpu"}


def children(pid: int) -> list[int]:
    """Process ids of the children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"PPid:\t{pid}\n" in (entry / "status").read_text():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def trainers(data: Path) -> list[int]:
    """Process ids of what trains on a data folder, whoever started it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"--one" in words and os.fsencode(data) in words:
            found.append(int(entry.name))
    return found


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def left_of(orphans: list[int], patience: float = 60.0) -> list[int]:
    """Which of a killed app's workers still run after ``patience`` seconds; they end by themselves."""
    end = time.monotonic() + patience
    while any(Path(f"/proc/{pid}").exists() for pid in orphans) and time.monotonic() < end:
        time.sleep(0.2)
    return [pid for pid in orphans if Path(f"/proc/{pid}").exists()]


@dataclass
class Bench:
    """A data folder with its studio and the workers that were started on it."""

    data: Path
    steps: int
    seconds: float = 20.0
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    wanted: dict[str, str] = field(default_factory=dict)  # voice id -> name of each voice that must be there

    def __post_init__(self) -> None:
        self.studio = Studio(Settings(self.data, threads=1))
        self.recording = self.data.parent / "recording.wav"
        write_wav(self.recording, read_audio(MINUTE).between(0.0, self.seconds))

    def add(self, name: str) -> str:
        consent = Consent(who=name, purpose="a test", statement="The recording is licensed for this use.")
        return self.studio.jobs.create(TrainingRequest(name, self.recording, consent=consent, max_steps=self.steps))

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "gpt_sovits.jobs.worker", "--data", str(self.data)]
        self.workers.append(subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=subprocess.DEVNULL))
        return self.workers[-1]

    def end(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.terminate()
                worker.wait(timeout=30)

    def until(self, job_id: str, ready: Callable[[JobState], bool], patience: float = PATIENCE) -> JobState:
        """The job, once it is ready or over, or after ``patience`` seconds."""
        end = time.monotonic() + patience
        while True:
            try:
                job = self.studio.jobs.get(job_id)
            except ResourceError:  # the disk is too full even to read the list; it says so
                if time.monotonic() > end:
                    raise
                time.sleep(0.25)
                continue
            if ready(job) or not job.active or time.monotonic() > end:
                return job
            time.sleep(0.25)

    def finished(self, job_id: str) -> JobState:
        """The job at its end, which must be good; one that was given up after many deaths is resumed."""
        job = self.until(job_id, lambda job: False)
        while job.state == "failed" and "times at the same place" in job.error:
            self.studio.jobs.resume(job_id)
            job = self.until(job_id, lambda job: False)
        assert job.state == "done", (job.state, job.error, job.log[-5:])
        self.wanted[job.voice_id] = job.name
        return job

    def check(self) -> None:
        """Every finished voice is there, whole, and nothing else is."""
        cards = {card.id: card.name for card in self.studio.voices.list()}
        done = {job.voice_id: job.name for job in self.studio.jobs.list() if job.state == "done"}
        assert set(self.wanted) <= set(cards), f"a finished voice is lost: {self.wanted} {cards}"
        nearly = {job.voice_id for job in self.studio.jobs.list() if job.fraction >= 0.95}
        assert set(cards) <= set(done) | nearly, cards
        assert not (problems := self.studio.voices.verify()), problems
        for voice_id in cards:
            assert self.studio.voices.sample(voice_id).startswith(b"RIFF")
            assert self.studio.voices.load(voice_id).delta

    def steps_of(self, job: JobState) -> int:
        return int(self.studio.voices.load(job.voice_id).made_by["steps"])

    def last(self, job_id: str) -> tuple[int, str]:
        """Number of the newest event, and how far the learning was."""
        events = self.studio.core.store.events(job_id)
        learning = [event for _, _, event in events if event.kind in LEARNING]
        return (events[-1][0] if events else 0), f"{learning[-1].kind} {learning[-1].step}" if learning else "-"

    def went_on(self, job_id: str, number: int) -> str:
        """The first step that was told after event ``number``."""
        later = [event for _, _, event in self.studio.core.store.events(job_id, number) if event.kind in LEARNING]
        return f"{later[0].kind} {later[0].step}" if later else "-"


@contextmanager
def bench(steps: int, where: Path | None = None) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(dir=where) as folder:
        found = Bench(Path(folder) / "data", steps)
        try:
            yield found
        finally:
            found.end()


def random_kills(times: int, steps: int, seed: int, tell: Callable[[str], None] = print) -> list[str]:
    """Kill short real trainings ``times`` times; returns the rows of the table."""
    rng = random.Random(seed)
    rows: list[str] = []
    tell(f"{'kill':>4} {'job':>3} {'after':>6}  {'stage':10} {'reached':14} {'killed':16} {'went on at':14} voices")
    with bench(steps) as at:
        worker = at.start()
        job = at.finished(at.add("Voice 0"))
        events = at.studio.core.store.events(job.id)
        length, expected = events[-1][1] - events[0][1], at.steps_of(job)
        tell(f"     not killed: {expected} steps in {length:.0f} s")
        number, jobs = 0, 0
        while number < times:
            jobs += 1
            job_id = at.add(f"Voice {jobs}")
            marks: list[tuple[int, str]] = []
            while number < times:
                at.until(job_id, lambda job: job.state == "running")
                moment = rng.uniform(0.0, length)
                job = at.until(job_id, lambda job: False, moment)
                if not job.active:
                    break
                seen, reached = at.last(job_id)
                what = rng.choice(("training", "worker", "both"))
                busy = trainers(at.data)
                if not busy:
                    continue
                for pid in ([worker.pid] if what != "training" else []) + (busy if what != "worker" else []):
                    kill(pid)
                if what != "training":
                    worker.wait()
                at.check()
                number += 1
                marks.append((seen, f"{moment:5.1f}s  {job.stage:10} {reached:14} {what:16}"))
                if what != "training":
                    worker = at.start()
                time.sleep(1.0)  # until it is seen that the process is gone
            job = at.finished(job_id)
            assert at.steps_of(job) == expected, (at.steps_of(job), expected)
            at.check()
            for seen, text in marks:
                rows.append(f"{len(rows) + 1:4} {jobs:3} {text} {at.went_on(job_id, seen):14} {len(at.wanted)} whole")
                tell(rows[-1])
        tell(f"     {number} kills, {jobs} jobs: each ended with {expected} steps, {len(at.wanted)} voices whole")
    return rows


def kill_the_app(steps: int, tell: Callable[[str], None] = print) -> None:
    """SIGKILL the app while its worker trains: the worker puts the job back and ends; the next app's goes on."""
    with bench(steps) as at:
        job_id = at.add("Voice")
        command = [sys.executable, "app.py", "--port", "7990", "--data", str(at.data)]
        app = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL)
        job = at.until(job_id, lambda job: job.stage in LEARNING)
        orphans = children(app.pid)
        app.kill()
        app.wait()
        at.check()
        tell(f"app killed in {job.stage}; of its worker's processes {len(left_of(orphans))} are left")
        app = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL)
        try:
            job = at.finished(job_id)
            at.check()
        finally:
            app.terminate()
            app.wait(timeout=60)
        tell(f"the next app: job {job.state} with {at.steps_of(job)} steps")


def fill_the_disk(steps: int, tell: Callable[[str], None] = print) -> bool:
    """No room for a checkpoint; False where mounting is not permitted."""
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder)
        mount = ["mount", "-t", "tmpfs", "-o", "size=800m,mode=700", "tmpfs", str(small)]
        if subprocess.run(mount, capture_output=True).returncode:
            tell("skipped: mounting a tmpfs is not permitted")
            return False
        try:
            with bench(steps, small) as at:
                at.start()
                kept = at.finished(at.add("Before"))
                job_id = at.add("Voice")
                job = at.until(job_id, lambda job: job.stage == "acoustic")
                ballast = small / "ballast"
                with ballast.open("wb", buffering=0) as file:
                    try:
                        while True:
                            file.write(bytes(2**16))
                    except OSError:
                        tell(f"disk filled in {job.stage} at {job.fraction:.0%}")
                try:
                    job = at.until(job_id, lambda job: False, 120)
                    tell(f"job: {job.state} {job.error}")
                except ResourceError as error:
                    tell(f"the studio, for two minutes: {error}")
                ballast.unlink()
                at.check()
                if at.studio.jobs.get(job_id).state == "failed":
                    at.studio.jobs.resume(job_id)
                if at.workers[-1].poll() is not None:
                    tell(f"the worker had given up with {at.workers[-1].returncode}; the next one starts")
                    at.start()
                job = at.finished(job_id)
                at.check()
                assert at.steps_of(job) == at.steps_of(kept)
                tell(f"with room again: {job.state} with {at.steps_of(job)} steps")
        finally:
            subprocess.run(["umount", "-l", str(small)], check=True)
    return True


def two_apps(steps: int, tell: Callable[[str], None] = print) -> None:
    """Two apps on one data folder: jobs run one after the other, whoever queued them, and both end well."""
    with bench(steps) as at:
        apps = []
        for port in (7991, 7992):
            command = [sys.executable, "app.py", "--port", str(port), "--data", str(at.data)]
            apps.append(subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL))
        jobs = [at.add("First"), at.add("Second")]
        at.until(jobs[0], lambda job: job.stage in LEARNING)
        orphans = children(apps[0].pid)
        apps[0].kill()
        apps[0].wait()
        states = [at.finished(job_id).state for job_id in jobs]
        at.check()
        apps[1].terminate()
        apps[1].wait(timeout=60)
        tell(f"two apps, the first killed while it trained: {states}, {len(at.wanted)} voices whole")
        tell(f"workers left: {len(left_of(orphans))}")


def main() -> int:
    options = argparse.ArgumentParser(description="Kill real trainings and see that they end well.")
    options.add_argument("--times", type=int, default=0)
    options.add_argument("--steps", type=int, default=24, help="of each part of a training")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--app", action="store_true")
    options.add_argument("--disk", action="store_true")
    options.add_argument("--apps", action="store_true")
    given = options.parse_args()

    def tell(line: str) -> None:
        print(line, flush=True)

    if given.times:
        random_kills(given.times, given.steps, given.seed, tell)
    if given.app:
        kill_the_app(given.steps, tell)
    if given.disk:
        fill_the_disk(given.steps, tell)
    if given.apps:
        two_apps(given.steps, tell)
    return 0


if __name__ == "__main__":
    sys.exit(main())
