"""The process that trains voices: ``python -m gpt_sovits.jobs.worker --data DIR``.

It looks after the queue and runs each job in a child process of its own, so that memory goes back to the system after
every job, a job that does not stop can be ended, and a crash of the child is seen and reported. The worker itself
imports no torch. Only one worker of a data folder works; further ones stand by and take over when it goes.

SIGTERM or Ctrl-C: the running job goes back into the queue and is continued by the next worker.
"""

from __future__ import annotations

import argparse
import errno
import faulthandler
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gpt_sovits.errors import BusyError, CancelledError, MissingError, ResourceError, VoiceError
from gpt_sovits.events import CancelToken, EventSink, ignore
from gpt_sovits.files import erase_tree, shred
from gpt_sovits.jobs import samples
from gpt_sovits.jobs.run import Parts, Progress, clear, real_parts, run_job
from gpt_sovits.jobs.store import Job, JobStore, open_store
from gpt_sovits.settings import Settings
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.ids import is_id

COMMAND = (sys.executable, "-m", "gpt_sovits.jobs.worker")
POLL_SECONDS = 0.3
GRACE_SECONDS = 3.5  # from being asked to stop until the child is ended
NICENESS = 5  # training must not make the computer sluggish

_NO_MEMORY = ("can't allocate memory", "not enough memory", "bad allocation", "out of memory", "cannot allocate memory")
_KEPT_WORDS = 6000  # characters of what a dead child wrote last that go into its job's log

log = logging.getLogger(__name__)


# --------------------------------------------------------------------------------------------- running one job, here


def run_claimed(
    settings: Settings,
    store: JobStore,
    job: Job,
    parts: Callable[[], Parts],
    *,
    cancel: CancelToken | None = None,
    watch: EventSink = ignore,
    requeue: Callable[[], bool] = lambda: False,
) -> None:
    """Run a job that was claimed, in this process, and write its end into the store.

    The caller holds ``store.runner_lock``. Raises what ended the job, after it is recorded. ``requeue`` says whether
    a stop means "later" rather than "no more".
    """
    cancel = cancel or CancelToken()
    registry = Registry(settings.registry_dir)
    work_dir = store.work_dir(job.id)
    try:
        with _listening(store, job.id, cancel):
            progress = Progress(store, job.id, watch, fraction=store.state(job.id).fraction)
            run_job(job, parts(), registry, work_dir, progress, cancel, device=settings.device)
    except CancelledError:
        store.finish(job.id, "queued" if requeue() else "stopped")
        raise
    except Exception as error:
        if not isinstance(error, VoiceError):
            store.log(job.id, "error", traceback.format_exc())
        store.finish(job.id, "failed", in_words(error))
        raise
    store.finish(job.id, "done")
    clear(work_dir)
    samples.encrypt(work_dir, registry, job.user, job.voice_id)


def in_words(error: BaseException) -> str:
    """What ended a training, and what to do, for the person."""
    if isinstance(error, VoiceError):
        return str(error)
    text = str(error).lower()
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or any(w in text for w in _NO_MEMORY):
        return "There was not enough memory. Close other programs, then resume the job."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full. Free some space, then resume the job."
    return (
        f"Training met an error that it does not know ({type(error).__name__}: {error})."
        " Resume the job; if it fails again, please report it."
    )


def cause_of_death(code: int) -> str:
    """Why a child process is gone, by its exit code (negative: the signal that ended it)."""
    if code == -getattr(signal, "SIGKILL", 9):
        return "The system ended the training program, as it does when memory runs out"
    if code == -getattr(signal, "SIGSEGV", 11):
        return "The training program crashed (segmentation fault)"
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"The training program was ended by {name}"
    return f"The training program ended by itself with code {code}"


@contextmanager
def _listening(store: JobStore, job_id: str, cancel: CancelToken) -> Iterator[None]:
    """Cancel the token soon after the store says that the job should stop, or the job was deleted."""
    over = threading.Event()

    def listen() -> None:
        while not over.wait(POLL_SECONDS):
            try:
                wanted = store.beat(job_id) == "running"
            except MissingError:
                wanted = False
            except ResourceError:
                continue
            if not wanted:
                cancel.cancel()
                return

    thread = threading.Thread(target=listen, name="stop-listener", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# ---------------------------------------------------------------------------------------------------- the child's life


def run_next(settings: Settings, parts: Callable[[], Parts]) -> None:
    """Claim the first waiting job, if any, and run it to its end. How it ends is in the store."""
    store = open_store(settings)
    cancel, later = CancelToken(), threading.Event()

    def put_back(number: int, frame: object) -> None:
        later.set()
        cancel.cancel()

    signal.signal(signal.SIGTERM, put_back)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the worker, which then asks us
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        with store.runner_lock(wait=2.0):
            store.recover()
            job = store.claim()
            if job is not None:
                run_claimed(settings, store, job, parts, cancel=cancel, requeue=later.is_set)
    except BusyError:
        return
    except CancelledError:
        log.info("the job was stopped")
    except VoiceError as error:
        log.warning("the job failed: %s", error)
    except Exception:
        log.exception("the job failed")


# --------------------------------------------------------------------------------------------------- the worker's life


def supervise(
    settings: Settings,
    stop: threading.Event,
    *,
    command: Sequence[str] = COMMAND,
    orphaned: Callable[[], bool] = lambda: False,
) -> None:
    """Run the queue until ``stop`` is set, or until nothing waits and ``orphaned`` says that nobody needs us."""
    store = open_store(settings)
    words = store.folder / "child.log"
    with _only_worker(store, stop, orphaned) as chosen:
        if not chosen:
            return
        registry = Registry(settings.registry_dir)
        registry.tidy()
        tidy_jobs(store, registry)
        shred(words)  # of a worker that was killed
        child: subprocess.Popen[bytes] | None = None
        asked, overdue = 0.0, False
        try:
            while not stop.wait(POLL_SECONDS):
                if child is None:
                    if _recover(store) and _waiting(store):
                        child = _start(command, settings, words)
                        asked, overdue = 0.0, False
                    elif orphaned():
                        return
                elif child.poll() is not None:
                    # a child that ended well left no running job behind, and one that we ended did not crash
                    crashed = "" if overdue else cause_of_death(child.returncode)
                    _recover(store, crashed=crashed, said=_last_words(words))
                    child = None
                elif _stopping(store):
                    asked = asked or time.monotonic()
                    overdue = time.monotonic() - asked > GRACE_SECONDS
                    if overdue:
                        child.kill()
        finally:
            if child is not None:
                _end(child)
                _last_words(words)
                _recover(store)


def _start(command: Sequence[str], settings: Settings, words: Path) -> subprocess.Popen[bytes]:
    """A child that runs one job; what it says goes into the file ``words``, where there is room for one."""
    whole = [*command, "--data", str(settings.data_dir), "--one"]
    try:
        handle = os.open(words, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:
        return subprocess.Popen(whole, stdin=subprocess.DEVNULL)
    with os.fdopen(handle, "wb") as file:
        return subprocess.Popen(whole, stdin=subprocess.DEVNULL, stderr=file)


def _last_words(words: Path) -> str:
    """The end of what a child said, which also goes to our own stderr; the file is gone then."""
    try:
        said = words.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    shred(words)
    sys.stderr.write(said)
    return said[-_KEPT_WORDS:].strip()


def tidy_jobs(store: JobStore, registry: Registry | None = None) -> None:
    """Remove what finished jobs no longer need, and day-old folders that no job owns; encrypt their samples."""
    states = {state.id: state for state in store.states()}
    for folder in store.folder.iterdir():
        if not (folder.is_dir() and folder.name.startswith("j") and is_id(folder.name)):
            continue  # the folder of another queue, say
        state = states.get(folder.name)
        if state is not None and state.state == "done":
            clear(folder)
            if registry is not None:
                samples.encrypt(folder, registry, state.user, state.voice_id)
        elif state is None and time.time() - folder.stat().st_mtime > 86400:
            erase_tree(folder, overwrite=True)


@contextmanager
def _only_worker(store: JobStore, stop: threading.Event, orphaned: Callable[[], bool]) -> Iterator[bool]:
    """Wait until no other worker looks after this data folder; yields False when we should go instead."""
    while not stop.is_set() and not orphaned():
        lock = store.worker_lock()
        try:
            lock.__enter__()
        except BusyError:
            stop.wait(1.0)
            continue
        try:
            yield True
        finally:
            lock.__exit__(None, None, None)
        return
    yield False


def _recover(store: JobStore, *, crashed: str = "", said: str = "") -> bool:
    """Put back what lost its process; False when somebody (the command line) runs a job, or the disk is full.

    ``crashed``: what ended the process, if it died by itself; ``said``: its last words, for the log.
    """
    try:
        with store.runner_lock():
            for job_id in store.recover(crashed=crashed):
                if crashed:
                    log.warning("job %s lost its process. %s", job_id, crashed)
                if said:
                    store.log(job_id, "crash", said)
            return True
    except BusyError:
        return False
    except (ResourceError, OSError) as error:  # a full disk: wait until there is room
        log.warning("the jobs cannot be looked after: %s", error)
        return False


def _waiting(store: JobStore) -> bool:
    try:
        return store.waiting()
    except ResourceError as error:
        log.warning("the jobs cannot be looked after: %s", error)
        return False


def _stopping(store: JobStore) -> bool:
    try:
        return store.stopping()
    except ResourceError as error:
        log.warning("the jobs cannot be looked after: %s", error)
        return False


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _until_the_input_ends(stop: threading.Event) -> None:
    """The system closes a pipe when the program at its other end is gone, however it went."""
    while os.read(0, 1024):
        pass
    stop.set()


def main(
    given: Sequence[str] | None = None,
    *,
    parts: Callable[[Settings], Parts] = real_parts,
    command: Sequence[str] = COMMAND,
) -> int:
    """``parts`` and ``command`` let a test put its own steps into the child."""
    parser = argparse.ArgumentParser(prog="python -m gpt_sovits.jobs.worker", description="Trains waiting voices.")
    parser.add_argument("--data", type=Path, default=None, help="the data folder")
    parser.add_argument("--one", action="store_true", help="run the first waiting job in this process, then end")
    parser.add_argument("--while-input", action="store_true", help="end when the standard input does")
    options = parser.parse_args(given)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    settings = Settings.load(options.data)
    if options.one:
        faulthandler.enable()
        if settings.rank:
            from gpt_sovits.jobs.distributed import follow  # late: the worker itself needs no torch

            follow(settings)
            return 0
        if settings.processes > 1:
            from gpt_sovits.training.distributed import processes_of

            processes_of(settings)  # so that the others are released when there is nothing to do
        run_next(settings, lambda: parts(settings))
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.while_input:
        threading.Thread(target=_until_the_input_ends, args=(stop,), daemon=True).start()
    parent = os.getppid()
    supervise(settings, stop, command=command, orphaned=lambda: os.getppid() != parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
