"""Jobs and their states, in one SQLite file that the browser, the command line and the worker share.

    queued -> running -> done | failed
              running -> stopping -> stopped
    queued -> stopped        stopped | failed -> queued (resume)

The store is the queue: a job is claimed by one conditional UPDATE, so two workers can never both get it, and nothing
is taken out of a queue that a killed worker could lose. Huey (on SQLite or Redis) removes a task when a worker picks
it up and so would need this table as its truth anyway, and a second place that can disagree with it.

Whoever runs a job holds the file lock ``runner_lock`` until it ends. The system frees that lock when a process dies,
however it dies; a job that is "running" while the lock is free has lost its process, and ``recover`` puts it back.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpt_sovits.errors import BusyError, MissingError, ResourceError
from gpt_sovits.events import Event
from gpt_sovits.files import disk_errors, exclusive, make_private
from gpt_sovits.settings import Settings
from gpt_sovits.voices.consent import now
from gpt_sovits.voices.ids import check_id, new_id

ACTIVE = ("queued", "running", "stopping")
MAX_CRASHES = 5  # deaths of the process in a row, without progress between them, before a job is given up
LOG_LINES = 400
SAMPLES = "samples"  # folder of a job that stays when it is done
_CHECKPOINT_TRIES = 50
_RESERVE = 256 * 1024  # bytes; a deletion writes some 20 pages of 4 KiB, and their index
_USER_VERSION = 1
_TABLES = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, kind TEXT NOT NULL, request TEXT NOT NULL,
    voice_id TEXT NOT NULL, version_id TEXT NOT NULL, created TEXT NOT NULL, position REAL NOT NULL,
    state TEXT NOT NULL, stage TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
    fraction REAL NOT NULL DEFAULT 0, seconds_left REAL, error TEXT NOT NULL DEFAULT '',
    changed REAL NOT NULL, crashes INTEGER NOT NULL DEFAULT 0, crashed_at REAL NOT NULL DEFAULT -1
);
CREATE INDEX jobs_by_state ON jobs (state, position);
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL,
    message TEXT NOT NULL, step INTEGER NOT NULL, total INTEGER NOT NULL, content TEXT NOT NULL
);
CREATE INDEX events_by_job ON events (job, number);
"""
_STATE = "id, kind, state, stage, message, fraction, seconds_left, voice_id, created, error, user, request, changed"


@dataclass(frozen=True)
class Job:
    """What is to be done: ``request`` holds JSON values, the ids name the version that will come out."""

    id: str
    user: str
    kind: str
    request: Mapping[str, Any]
    voice_id: str
    version_id: str


@dataclass(frozen=True)
class JobState:
    """Where a job stands. ``changed`` is when it last moved, in seconds of Unix time; ``error`` is a sentence."""

    id: str
    kind: str
    state: str
    stage: str
    message: str
    fraction: float
    seconds_left: float | None
    voice_id: str
    created: str
    error: str
    log: list[str]
    user: str
    name: str
    changed: float
    recording: str = ""  # SHA-256
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def active(self) -> bool:
        return self.state in ACTIVE


@dataclass(frozen=True)
class AfterDeath:
    """What becomes of a job whose process is gone; ``note`` is for its log."""

    state: str
    error: str
    crashes: int
    crashed_at: float
    note: str


def after_death(state: str, fraction: float, crashes: int, crashed_at: float, crashed: str) -> AfterDeath:
    """The job's new state. ``crashes`` in a row at ``crashed_at`` or before; ``crashed`` as in ``recover``."""
    crashes = (crashes if fraction <= crashed_at else 0) + bool(crashed)
    at = max(fraction, crashed_at)
    if state == "stopping":
        return AfterDeath("stopped", "", crashes, at, "")
    if crashes < MAX_CRASHES:
        note = f"{crashed}; the job goes on from its last checkpoint ({crashes} of {MAX_CRASHES})." if crashed else ""
        return AfterDeath("queued", "", crashes, at, note)
    error = f"{crashed or 'The training program was gone'}, {crashes} times at the same place."
    return AfterDeath("failed", f"{error} Close other programs, then resume the job.", crashes, at, "")


class JobStore:
    """All jobs of a data folder. Safe between threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "jobs.sqlite3"
        self._deleting = 0

    @property
    def reserve(self) -> Path:
        """A file that only takes room: what deleting needs on a full disk (``room``)."""
        return self.folder / f"{self.path.name}-reserve"

    @contextmanager
    def room(self) -> Iterator[None]:
        """Give up the reserve while something is deleted, where the disk is full; the next use makes it anew."""
        self._deleting += 1
        try:
            if self.folder.is_dir() and shutil.disk_usage(self.folder).free < 2 * _RESERVE:
                self.reserve.unlink(missing_ok=True)
        except OSError:
            pass  # a disk that may only be read: what follows says so
        try:
            yield
        finally:
            self._deleting -= 1

    def work_dir(self, job_id: str) -> Path:
        """The job's private folder: recording, slices, checkpoints. It goes when the job is done or deleted."""
        return self.folder / check_id(job_id, "job")

    def worker_lock(self) -> AbstractContextManager[None]:
        """Held by the worker that looks after the jobs; ``BusyError`` when another one does."""
        return exclusive(self.folder / "worker.lock", wait=0.0, busy="Another worker is running.")

    def runner_lock(self, wait: float = 0.0) -> AbstractContextManager[None]:
        """Held while a job runs; ``BusyError`` when another process holds it for longer than ``wait`` seconds."""
        return exclusive(self.folder / "runner.lock", wait=wait, busy="Another voice is being trained.")

    def is_tended(self) -> bool:
        """Whether some process runs a job now; False between its death and the next one."""
        try:
            with self.runner_lock():
                return False
        except BusyError:
            return True

    # ------------------------------------------------------------------------------------------------------ changing

    def add(self, user: str, kind: str, request: Mapping[str, Any], voice_id: str, *, job_id: str = "") -> Job:
        """Queue a job at the end of the line."""
        job = Job(job_id or new_id("j"), user, kind, dict(request), voice_id, new_id("r"))
        with self._open() as connection, connection:
            connection.execute(
                "INSERT INTO jobs (id, user, kind, request, voice_id, version_id, created, position, state, changed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)",
                (job.id, user, kind, json.dumps(dict(request), ensure_ascii=False), voice_id, job.version_id, now())
                + (time.time(), time.time()),
            )
        return job

    def claim(self, job_id: str | None = None) -> Job | None:
        """Take the first queued job (or the named one, if it is queued) and mark it running; None without one."""
        chosen = "id = ?" if job_id else "state = 'queued' ORDER BY position LIMIT 1"
        with self._open() as connection, connection:
            rows = connection.execute(
                f"UPDATE jobs SET state = 'running', error = '', changed = ? WHERE state = 'queued' AND id ="
                f" (SELECT id FROM jobs WHERE {chosen})"
                " RETURNING id, user, kind, request, voice_id, version_id",
                (time.time(), *([job_id] if job_id else [])),
            ).fetchall()
        return next((Job(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5]) for row in rows), None)

    def beat(self, job_id: str) -> str:
        """Say that the process that runs a job is alive; the job's state now. ``MissingError`` when it was deleted."""
        with self._open() as connection:
            row = connection.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise MissingError(f"There is no job {job_id}.", "Choose one from the list of jobs.")
        return str(row[0])

    def report(self, job_id: str, event: Event, fraction: float, seconds_left: float | None) -> None:
        """Keep an event, and what it says about the whole job."""
        values = json.dumps(dict(event.values))
        with self._open() as connection, connection:
            connection.execute(
                "UPDATE jobs SET stage = ?, message = CASE ? WHEN '' THEN message ELSE ? END, fraction = ?,"
                " seconds_left = ?, changed = ? WHERE id = ? AND state IN ('running', 'stopping')",
                (event.kind, event.message, event.message, fraction, seconds_left, time.time(), job_id),
            )
            connection.execute(
                "INSERT INTO events (job, at, kind, message, step, total, content)"
                " SELECT id, ?, ?, ?, ?, ?, ? FROM jobs WHERE id = ?",
                (time.time(), event.kind, event.message, event.step, event.total, values, job_id),
            )

    def log(self, job_id: str, kind: str, text: str, *, values: Mapping[str, float] | None = None) -> None:
        """Add a line to the job's log without touching its state."""
        with self._open() as connection, connection:
            connection.execute(
                "INSERT INTO events (job, at, kind, message, step, total, content)"
                " SELECT id, ?, ?, ?, 0, 0, ? FROM jobs WHERE id = ?",
                (time.time(), kind, text, json.dumps(dict(values or {})), job_id),
            )

    def finish(self, job_id: str, state: str, error: str = "") -> None:
        """End a running job as "done", "failed" or "stopped", or put it back as "queued"."""
        changes = "state = ?, error = ?, seconds_left = NULL" + (", fraction = 1.0" if state == "done" else "")
        self._move(job_id, ("running", "stopping"), changes, state, error)

    def stop(self, job_id: str) -> None:
        """Ask a job to stop: at once when it waits, within seconds when it runs; an ended one stays as it is."""
        if not self._move(job_id, ("queued",), "state = 'stopped'"):
            self._move(job_id, ("running",), "state = 'stopping'")

    def resume(self, job_id: str) -> None:
        """Queue a stopped or failed job again; it goes on from its last checkpoint."""
        moved = self._move(
            job_id, ("stopped", "failed"), "state = 'queued', error = '', crashes = 0, position = ?", time.time()
        )
        if not moved and self.state(job_id).state not in ("queued", "running"):
            raise BusyError("The job cannot be resumed now.", "Wait until it has stopped; a finished one stays so.")

    def recover(self, *, crashed: str = "") -> list[str]:
        """Put jobs back whose process is gone, and return their ids. The caller holds ``runner_lock``.

        ``crashed`` says in words how the process died, if it did so by itself; after ``MAX_CRASHES`` times without
        progress the job fails.
        """
        found: dict[str, str] = {}
        with self._open() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            rows = connection.execute(
                "SELECT id, state, fraction, crashes, crashed_at FROM jobs WHERE state IN ('running', 'stopping')"
            ).fetchall()
            for job_id, state, fraction, crashes, crashed_at in rows:
                after = after_death(state, fraction, crashes, crashed_at, crashed)
                found[job_id] = after.note
                connection.execute(
                    "UPDATE jobs SET state = ?, error = ?, seconds_left = NULL, crashes = ?, crashed_at = ?,"
                    " changed = ? WHERE id = ?",
                    (after.state, after.error, after.crashes, after.crashed_at, time.time(), job_id),
                )
        for job_id, note in found.items():
            if note:
                self.log(job_id, "crash", note)
        return list(found)

    def delete(self, job_id: str) -> None:
        """Remove the rows of a job and the words in them."""
        with self._open() as connection:
            with connection:
                connection.execute("DELETE FROM events WHERE job = ?", (job_id,))
                connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
            for _ in range(_CHECKPOINT_TRIES):  # until no reader needs the log that still holds the words
                busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not busy:
                    break
                time.sleep(0.1)

    # ------------------------------------------------------------------------------------------------------- reading

    def state(self, job_id: str, user: str | None = None) -> JobState:
        """``MissingError`` when there is no such job, or it is another user's."""
        check_id(job_id, "job")
        with self._open() as connection:
            row = connection.execute(f"SELECT {_STATE} FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None or user not in (None, row[10]):
                raise MissingError(f"There is no job {job_id}.", "Choose one from the list of jobs.")
            lines = connection.execute(
                "SELECT at, kind, message FROM events WHERE job = ? AND message != '' ORDER BY number DESC LIMIT ?",
                (job_id, LOG_LINES),
            ).fetchall()
        return _state(row, [log_line(*line) for line in reversed(lines)])

    def states(self, user: str | None = None, voice_id: str | None = None) -> list[JobState]:
        """Jobs, newest first, without their logs."""
        with self._open() as connection:
            rows = connection.execute(f"SELECT {_STATE} FROM jobs ORDER BY position DESC, id").fetchall()
        return [_state(row, []) for row in rows if user in (None, row[10]) and voice_id in (None, row[7])]

    def waiting(self) -> bool:
        with self._open() as connection:
            return connection.execute("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1").fetchone() is not None

    def stopping(self) -> bool:
        with self._open() as connection:
            return connection.execute("SELECT 1 FROM jobs WHERE state = 'stopping' LIMIT 1").fetchone() is not None

    def events(self, job_id: str, after: int = 0) -> list[tuple[int, float, Event]]:
        """(number, Unix time, event) of each kept event whose number is above ``after``, oldest first."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT number, at, kind, message, step, total, content FROM events WHERE job = ? AND number > ?"
                " ORDER BY number",
                (job_id, after),
            ).fetchall()
        return [(row[0], row[1], Event(row[2], row[3], row[4], row[5], json.loads(row[6]))) for row in rows]

    def latest_step(self, job_id: str) -> Event | None:
        """The newest event that counts steps; None before the first."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT kind, message, step, total, content FROM events WHERE job = ? AND total > 0 AND content != '{}'"
                " ORDER BY number DESC LIMIT 1",
                (job_id,),
            ).fetchone()
        return None if row is None else Event(row[0], row[1], row[2], row[3], json.loads(row[4]))

    def samples(self, job_id: str) -> dict[int, Path]:
        """WAV files of how the voice sounded on the way, by percent of the plan."""
        return {int(path.stem): path for path in sorted((self.work_dir(job_id) / SAMPLES).glob("[0-9][0-9].wav"))}

    # ------------------------------------------------------------------------------------------------------- private

    def _move(self, job_id: str, origins: tuple[str, ...], changes: str, *values: object) -> bool:
        marks = ", ".join("?" * len(origins))
        with self._open() as connection, connection:
            cursor = connection.execute(
                f"UPDATE jobs SET {changes}, changed = ? WHERE id = ? AND state IN ({marks})",
                (*values, time.time(), job_id, *origins),
            )
            return cursor.rowcount == 1

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with disk_errors("the list of jobs could not be read or written"), closing(self._connected()) as connection:
                yield connection
        except sqlite3.OperationalError as error:
            raise ResourceError(
                f"The list of jobs cannot be read or written ({error}).", "Free some space on the disk, then try again."
            ) from error
        except sqlite3.DatabaseError as error:
            self._begin_anew()
            raise ResourceError(
                "The list of jobs was damaged and begins anew.", "No voice is lost. Start what was waiting again."
            ) from error

    def _begin_anew(self) -> None:
        """Put a damaged list aside, the newest in the place of an older one."""
        for suffix in ("", "-wal", "-shm"):
            place = self.path.with_name(self.path.name + suffix)
            if place.exists():
                os.replace(place, self.path.with_name(f"{self.path.name}-damaged{suffix}"))

    def _connected(self) -> sqlite3.Connection:
        """To read and write; where the disk is full or may not be written, to read what was last completed."""
        if self.path.is_dir():
            os.rename(self.path, self.path.with_name(f"{self.path.name}-damaged-{secrets.token_hex(4)}"))
        if not self.path.exists():
            make_private(self.folder)
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        if not self._deleting and not self.reserve.exists() and shutil.disk_usage(self.folder).free > 4 * _RESERVE:
            with os.fdopen(os.open(self.reserve, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(secrets.token_bytes(_RESERVE))  # zeros may take no room
        connection = sqlite3.connect(self.path, timeout=20.0)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            if connection.execute("PRAGMA user_version").fetchone()[0] < _USER_VERSION:
                _create(connection)
        except sqlite3.OperationalError as error:
            connection.close()
            if "locked" in str(error):
                raise
            return self._completed()
        except BaseException:
            connection.close()
            raise
        return connection

    def _completed(self) -> sqlite3.Connection:
        """What was last completed, to read; an empty list where none ever was, from which all may be deleted."""
        found = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        if found.execute("PRAGMA user_version").fetchone()[0]:
            return found
        found.close()
        empty = sqlite3.connect(":memory:")
        _create(empty)
        empty.execute(f"PRAGMA query_only = {int(not self._deleting)}")
        return empty


def open_store(settings: Settings) -> JobStore:
    """The jobs of the data folder: in its own file, or on the Redis server that the settings name."""
    if settings.redis:
        from gpt_sovits.jobs.redis_store import RedisStore  # late: an extra that most people never need

        return RedisStore(settings.jobs_dir, settings.redis, settings.device)
    return JobStore(settings.jobs_dir)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN EXCLUSIVE")
    if connection.execute("PRAGMA user_version").fetchone()[0] < _USER_VERSION:
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_USER_VERSION}")
    connection.commit()


def log_line(at: float, kind: str, text: str) -> str:
    """An event with words, as a line of the job's log."""
    return f"{time.strftime('%H:%M:%S', time.localtime(at))} {kind}: {text}"


def _state(row: tuple[Any, ...], log: list[str]) -> JobState:
    request = json.loads(row[11])
    name = str(request.get("name", ""))
    columns = ("id", "kind", "state", "stage", "message", "fraction", "seconds_left", "voice_id", "created", "error")
    return JobState(
        **dict(zip(columns, row, strict=False)),
        log=log,
        user=row[10],
        name=name,
        changed=row[12],
        recording=recording_of(request),
        request=request,
    )


def recording_of(request: Mapping[str, Any]) -> str:
    """SHA-256 of the recording that a job trains on, "" where its request names none."""
    consent = request.get("consent")
    return str(consent.get("recording_sha256", "")) if isinstance(consent, Mapping) else ""
