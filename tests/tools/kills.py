"""SIGKILL at random moments while a voice is locked, unlocked, exported, received, backed up, restored and spoken with.

    python -m tests.tools.kills [--times 20] [--learning 20] [--seed 0] [--data DIR]

Each deed is a process of its own, as the command line runs it. After each kill every voice must be there, whole and
open to its passphrase, no half-made file may be seen, and the same deed, done again, ends well. ``--data``: a folder
with a learnt voice (default: one is learnt). ``--learning`` kills the worker, what it started or both while jobs that
only count are done, under the app's own keeper, which must start the next worker by itself; every step is taken and
every voice is there in the end. ``tests.jobs.kill_test`` does that with real trainings, and kills the app.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app import Worker
from gpt_sovits.errors import VoiceError
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.voices.consent import Consent
from tests.jobs.kill_test import ROOT, Bench, environment, kill, trainers

PHRASE = "four words are good"
TEXT = "The quick brown fox jumps over the lazy dog. " * 6
HALF_MADE = ("*.part*", "*.part-*", ".part*", "tmp*")


@dataclass
class Deeds:
    """A data folder with one learnt voice, ``Voice``, and the files that go in and out."""

    folder: Path
    rng: random.Random
    usual: dict[str, float] = field(default_factory=dict)  # seconds that each deed takes

    def __post_init__(self) -> None:
        self.data, self.out = self.folder / "data", self.folder / "out"
        self.out.mkdir(exist_ok=True)
        self.phrase = self.folder / "phrase"
        self.phrase.write_text(PHRASE, encoding="utf-8")
        self.studio = Studio(Settings(self.data, threads=1))
        self.keeper = self.studio.voices.list()[0]
        self.run("export", "voices", "export", self.keeper.id, "--out", str(self.folder / "sent.gsvoice"))
        self.run("backup", "backup", "--out", str(self.folder / "kept.gsbackup"))

    def commands(self) -> dict[str, list[str]]:
        voice, out = self.keeper.id, self.out
        found = {
            "lock": ["voices", "lock", voice],
            "unlock": ["voices", "unlock", voice],
            "export": ["voices", "export", voice, "--out", str(out / "sent.gsvoice")],
            "receive": ["voices", "import", str(self.folder / "sent.gsvoice"), "--name", "Received"],
            "back up": ["backup", "--out", str(out / "all.gsbackup")],
            "restore": ["restore", str(self.folder / "kept.gsbackup")],
            "speak": ["speak", voice, TEXT, "--out", str(out / "said.wav")],
        }
        book = self.folder / "book.txt"
        book.write_text(TEXT, encoding="utf-8")
        found["narrate"] = ["narrate", str(book), "--voice", voice, "--out", str(out / "book.wav")]
        return found

    def start(self, *words: str) -> subprocess.Popen[str]:
        secret = [] if words[0] in ("speak", "narrate") else ["--passphrase-file", str(self.phrase)]
        opening = ["--unlock-file", str(self.phrase)] if words[0] == "speak" or words[1:2] == ("export",) else []
        command = [sys.executable, "-m", "gpt_sovits", *words, *secret, *opening, "--data", str(self.data)]
        return subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def run(self, deed: str, *words: str) -> str:
        """Do it to its end; returns what was said on the error stream."""
        began = time.monotonic()
        process = self.start(*words)
        said = process.communicate(timeout=900)[1]
        self.usual[deed] = time.monotonic() - began
        assert "Traceback" not in said, said
        return said if process.returncode else ""

    def prepare(self, deed: str) -> None:
        """What a deed needs: a lock to remove, a voice to bring back."""
        for card in self.studio.voices.list():
            if card.name == "Received" or (card.name != self.keeper.name and card.id != self.keeper.id):
                self.studio.voices.delete(card.id)
        locked = self.studio.voices.find(self.keeper.id).locked
        if deed == "unlock" and not locked:
            self.run("lock", *self.commands()["lock"])
        if deed != "unlock" and locked:
            self.run("unlock", *self.commands()["unlock"])
        if deed == "restore":
            shutil.rmtree(self.folder / "aside", ignore_errors=True)
            self.data.rename(self.folder / "aside")
            self.data.mkdir(mode=0o700)

    def undo(self, deed: str) -> None:
        if deed == "restore":
            shutil.rmtree(self.data)
            (self.folder / "aside").rename(self.data)

    def check(self, deed: str) -> None:
        """The voice is there, whole, and opens; a restore may not have begun."""
        studio = Studio(Settings(self.data, threads=1))
        cards = studio.voices.list()
        assert not (problems := studio.voices.verify()), problems
        if deed == "restore" and not cards:
            return
        assert self.keeper.id in {card.id for card in cards}, cards
        for card in cards:
            if not studio.voices.is_open(card.id):
                studio.voices.unlock(card.id, PHRASE)
            assert studio.voices.load(card.id).delta and studio.voices.sample(card.id).startswith(b"RIFF")

    def left(self) -> list[str]:
        """Half-made files that a person would see beside the whole ones."""
        return [path.name for pattern in HALF_MADE for path in self.out.glob(pattern)]

    def kill_once(self, deed: str) -> str:
        self.prepare(deed)
        words = self.commands()[deed]
        moment = self.rng.uniform(0.3, 1.0) * self.usual.get(deed, 8.0)
        process = self.start(*words)
        try:
            process.wait(timeout=moment)
            how = "had ended"
        except subprocess.TimeoutExpired:
            process.kill()
            how = "killed"
        process.communicate()
        self.check(deed)
        again = self.run(deed, *words)
        self.check(deed)
        left = self.left()
        self.undo(deed)
        said = again.strip()[:70] or "done"
        return f"{deed:9} {how:9} after {moment:5.1f} s; again: {said}; left over: {left or 'none'}"


def kill_learning(times: int, rng: random.Random, tell: Callable[[str], object]) -> int:
    """Returns how many voices are missing, or -1 where a step was never taken."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(Path(name) / "data", threads=1)
        studio = Studio(settings, check_recording=lambda path: None, find_base=lambda base: None)
        recording = Path(name) / "minute.wav"
        recording.write_bytes(b"RIFF" + bytes(range(256)) * 40)
        consent = Consent(who="Ana", purpose="tests", statement="I agree.")
        command = [sys.executable, "-m", "tests.jobs.fake_worker", "--data", str(settings.data_dir), "--while-input"]
        keeper, killed, jobs = Worker(command, pause=0.1, soon=0.0), 0, 0
        try:
            while killed < times:
                jobs += 1
                job_id = studio.jobs.create(TrainingRequest(f"Voice {jobs}", recording, script="x", consent=consent))
                while (job := studio.jobs.get(job_id)).active:
                    time.sleep(rng.uniform(0.05, 0.6))
                    if job.state != "running" or killed == times or job.fraction < rng.uniform(0.0, 0.8):
                        continue
                    what, worker = rng.choice(("training", "worker", "both")), keeper.process
                    busy = trainers(settings.data_dir)
                    for pid in ([worker.pid] if what != "training" else []) + (busy if what != "worker" else []):
                        kill(pid)
                    killed += 1
                    began = time.monotonic()
                    while what != "training" and keeper.process is worker:
                        time.sleep(0.01)
                    tell(f"{killed:3} {what:8} at {job.fraction:4.0%}; next worker {time.monotonic() - began:4.1f} s\n")
                if job.state == "failed" and "times at the same place" in job.error:
                    studio.jobs.resume(job_id)
                while studio.jobs.get(job_id).active:
                    time.sleep(0.1)
                assert studio.jobs.get(job_id).state == "done", studio.jobs.get(job_id).error
        finally:
            keeper.end()
        missing = jobs - len(studio.voices.list())
        damaged = studio.voices.verify()
        assert not damaged, damaged
        tell(f"{killed} kills while learning, {jobs} jobs done, {missing} voices missing\n")
        return missing


def main(argv: Sequence[str], tell: Callable[[str], object] = sys.stdout.write) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--times", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--data", type=Path, help="a data folder with a learnt voice, which is copied")
    options.add_argument("--learning", type=int, default=0, help="kills while jobs are done")
    given = options.parse_args(argv)
    if given.learning:
        kill_learning(given.learning, random.Random(given.seed), tell)
    if not given.times:
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.data:
            shutil.copytree(given.data, folder / "data")
        else:
            bench = Bench(folder / "data", 2)
            bench.start()
            bench.finished(bench.add("Voice"))
            bench.end()
        deeds, failed = Deeds(folder, random.Random(given.seed)), 0
        names = list(deeds.commands())
        for number in range(given.times):
            deed = names[number % len(names)]
            try:
                tell(f"{number + 1:3} {deeds.kill_once(deed)}\n")
            except (AssertionError, VoiceError) as error:
                failed += 1
                tell(f"{number + 1:3} {deed:9} FAILED: {error!r}\n")
            sys.stdout.flush()
        tell(f"{given.times} kills, {failed} of them lost or left something\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
