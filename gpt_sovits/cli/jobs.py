"""The command ``jobs``: trainings that wait, run or are over, and the bar under which one is watched."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from gpt_sovits.cli.voices import duration, show_rows
from gpt_sovits.errors import CancelledError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.jobs.store import JobState
from gpt_sovits.services.session import Session

ABOUT_JOBS = "list, show, stop, resume or delete trainings, or hear how they sounded on the way"
_LOOK_SECONDS = 0.5


def with_bar(work: Callable[..., str]) -> int:
    """Run a training under a progress bar; Ctrl-C stops it so that it can be resumed."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    cancel = CancelToken()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Starting", total=1.0, left="")
        told = ""

        def show(job: JobState) -> None:
            nonlocal told
            if not console.is_terminal and job.message != told:
                print(f"{job.fraction:4.0%} {job.message}", file=sys.stderr)
            told = job.message
            left = "" if job.seconds_left is None else f"about {duration(job.seconds_left)} left"
            bar.update(task, description=job.message or job.stage, completed=job.fraction, left=left)

        try:
            print(_interruptible(work, cancel, show))
        except CancelledError as error:
            raise CancelledError("Stopped.", "`jobs list` shows the job, `jobs resume` continues it.") from error
    return 0


def _interruptible(work: Callable[..., str], cancel: CancelToken, show: Callable[[JobState], None]) -> str:
    import signal

    previous = signal.signal(signal.SIGINT, lambda *_: cancel.cancel())
    try:
        return work(cancel=cancel, on_progress=show)
    finally:
        signal.signal(signal.SIGINT, previous)


def jobs_command(session: Session, given: argparse.Namespace) -> int:
    """Run one action of ``jobs``."""
    action = given.action or "list"
    if action == "list":
        return _list(session, given)
    if action == "show":
        if given.follow:
            return _follow(session, given)
        return _show(session, given)
    if action == "stop":
        session.jobs.stop(given.job)
    elif action == "resume":
        if given.here:
            return with_bar(lambda **watching: session.jobs.resume_here(given.job, **watching))
        session.jobs.resume(given.job)
        if given.follow:
            return _follow(session, given)
    elif action == "sample":
        from gpt_sovits.audio import write_bytes

        write_bytes(given.out, session.jobs.sample(given.job, given.percent))
        print(given.out)
    elif action == "delete":
        session.jobs.delete(given.job)
    return 0


def _list(session: Session, given: argparse.Namespace) -> int:
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
    return show_rows(given, rows, "There are no jobs.")


def _show(session: Session, given: argparse.Namespace) -> int:
    job = session.jobs.get(given.job)
    if given.json:
        print(json.dumps(asdict(job), ensure_ascii=False, indent=1))
        return 0
    print(f"{job.id}  {job.name}  {job.state}  {job.fraction:.0%}  {job.stage}")
    latest = session.jobs.latest_step(job.id)
    if latest is not None:
        numbers = "  ".join(f"{name} {value:.3f}" for name, value in latest.values.items())
        print(f"{latest.kind} step {latest.step} of {latest.total}  {numbers}")
    print("\n".join(job.log))
    for percent, path in session.jobs.samples(job.id).items():
        print(f"sample after {percent} %: {path}{' (encrypted)' if job.state == 'done' else ''}")
    if job.error:
        print(job.error)
    return 0


def _follow(session: Session, given: argparse.Namespace) -> int:
    """Watch a job of the worker until it is over; Ctrl-C only stops watching."""

    def watch(cancel: CancelToken, on_progress: Callable[[JobState], None]) -> str:
        while True:
            job = session.jobs.get(given.job)
            on_progress(job)
            if not job.active:
                break
            if cancel.cancelled:
                return f"{job.id} goes on"
            time.sleep(_LOOK_SECONDS)
        if job.state == "failed":
            raise VoiceError(job.error)
        return job.voice_id if job.state == "done" else f"{job.id} {job.state}"

    return with_bar(watch)


def add_job_actions(
    parser: argparse.ArgumentParser, common: argparse.ArgumentParser, listing: argparse.ArgumentParser
) -> None:
    """The actions of ``jobs`` and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="all trainings", parents=[common, listing])
    texts = {
        "show": "where a training stands, and its log",
        "stop": "stop within seconds, keeping what was learned",
        "resume": "continue a stopped or failed training from its last step",
        "sample": "write how the voice sounded on the way, as `jobs show` lists it",
        "delete": "remove a training with its recording and log; a voice that it made stays",
    }
    for name, text in texts.items():
        action = actions.add_parser(name, help=text, parents=[common, *([listing] if name == "show" else [])])
        action.add_argument("job", help="id, as `jobs list` prints it")
        if name == "sample":
            action.add_argument("percent", type=int, help="after how much of the training")
            action.add_argument("out", type=Path, help="wav file")
        if name == "resume":
            action.add_argument("--here", action="store_true", help="in this process instead of the worker")
        if name in ("show", "resume"):
            action.add_argument("--follow", action="store_true", help="watch it until it is over")
