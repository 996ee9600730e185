"""The command ``jobs``: trainings that wait, run or are over, and the bar under which one is watched."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from gpt_sovits.cli.commands import Json, command, group
from gpt_sovits.cli.terminal import duration, progress, show_json, show_rows
from gpt_sovits.errors import CancelledError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.jobs.store import JobState
from gpt_sovits.services.session import Session

app = group("list, show, stop, resume or delete trainings, or hear how they sounded on the way")
Job = Annotated[str, Argument(help="id, as `jobs list` prints it")]
Follow = Annotated[bool, Option("--follow", help="watch it until it is over")]
_LOOK_SECONDS = 0.5


def with_bar(work: Callable[..., str]) -> None:
    """Run a training under a progress bar; Ctrl-C stops it so that it can be resumed."""
    with progress(told=True) as bar:

        def show(job: JobState) -> None:
            left = "" if job.seconds_left is None else f"about {duration(job.seconds_left)} left"
            bar(job.fraction, job.message or job.stage, left)

        try:
            made = _interruptible(work, CancelToken(), show)
        except CancelledError as error:
            raise CancelledError("Stopped.", "`jobs list` shows the job, `jobs resume` continues it.") from error
    print(made)


def _interruptible(work: Callable[..., str], cancel: CancelToken, show: Callable[[JobState], None]) -> str:
    import signal

    previous = signal.signal(signal.SIGINT, lambda *_: cancel.cancel())
    try:
        return work(cancel=cancel, on_progress=show)
    finally:
        signal.signal(signal.SIGINT, previous)


@command(app)
def list_(session: Session, json: Json = False) -> None:
    """all trainings"""
    rows = [
        {
            "id": job.id,
            "name": job.name,
            "state": job.state,
            "done": f"{job.fraction:.0%}",
            "left": "" if job.seconds_left is None else duration(job.seconds_left),
            "created": job.created,
            "message": job.error or job.message,
        }
        for job in session.jobs.list()
    ]
    show_rows(rows, json, "There are no jobs.")


@command(app)
def show(session: Session, job: Job, follow: Follow = False, json: Json = False) -> None:
    """where a training stands, and its log"""
    if follow:
        return _follow(session, job)
    found = session.jobs.get(job)
    if json:
        return show_json(asdict(found))
    print(f"{found.id}  {found.name}  {found.state}  {found.fraction:.0%}  {found.stage}")
    latest = session.jobs.latest_step(found.id)
    if latest is not None:
        numbers = "  ".join(f"{name} {value:.3f}" for name, value in latest.values.items())
        print(f"{latest.kind} step {latest.step} of {latest.total}  {numbers}")
    print("\n".join(found.log))
    for percent, path in session.jobs.samples(found.id).items():
        print(f"sample after {percent} %: {path}{' (encrypted)' if found.state == 'done' else ''}")
    if found.error:
        print(found.error)


@command(app)
def stop(session: Session, job: Job) -> None:
    """stop within seconds, keeping what was learned"""
    session.jobs.stop(job)


@command(app)
def resume(
    session: Session,
    job: Job,
    here: Annotated[bool, Option("--here", help="in this process instead of the worker")] = False,
    follow: Follow = False,
) -> None:
    """continue a stopped or failed training from its last step"""
    if here:
        return with_bar(lambda **watching: session.jobs.resume_here(job, **watching))
    session.jobs.resume(job)
    if follow:
        _follow(session, job)


@command(app)
def sample(
    session: Session,
    job: Job,
    percent: Annotated[int, Argument(help="after how much of the training")],
    out: Annotated[Path, Argument(help="wav file")],
) -> None:
    """write how the voice sounded on the way, as `jobs show` lists it"""
    from gpt_sovits.audio import write_bytes

    write_bytes(out, session.jobs.sample(job, percent))
    print(out)


@command(app)
def delete(session: Session, job: Job) -> None:
    """remove a training with its recording and log; a voice that it made stays"""
    session.jobs.delete(job)


def _follow(session: Session, id_: str) -> None:
    """Watch a job of the worker until it is over; Ctrl-C only stops watching."""

    def watch(cancel: CancelToken, on_progress: Callable[[JobState], None]) -> str:
        while True:
            job = session.jobs.get(id_)
            on_progress(job)
            if not job.active:
                break
            if cancel.cancelled:
                return f"{job.id} goes on"
            time.sleep(_LOOK_SECONDS)
        if job.state == "failed":
            raise VoiceError(job.error)
        return job.voice_id if job.state == "done" else f"{job.id} {job.state}"

    with_bar(watch)
