"""The same queue on a Redis server, so that the page runs on one machine and the training on another.

Only the queue lies there. Recordings, checkpoints and voices stay in the data folder, which all machines share
(``GPT_SOVITS_HOME`` on NFS 4 or another file system that locks files). Every machine trains one job per device.

    jobs            sorted set: job ids by place in the line
    job:<id>        hash: what is to be done, and where it stands
    events:<id>     list of JSON: what happened
    lease:<id>      while the process that runs the job is alive; it runs out ``LEASE`` seconds after its last sign

A job is moved from state to state by one script, so two machines can never both get it.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gpt_sovits.errors import BusyError, MissingError, ResourceError
from gpt_sovits.events import Event
from gpt_sovits.files import exclusive, make_private
from gpt_sovits.jobs.store import LOG_LINES, Job, JobState, JobStore, after_death, log_line, recording_of
from gpt_sovits.voices.consent import now
from gpt_sovits.voices.ids import check_id, new_id

LEASE = 30  # seconds
_PREFIX = "gpt-sovits:"
_MOVE = """
local state = redis.call('HGET', KEYS[1], 'state')
local count = tonumber(ARGV[1])
for i = 2, count + 1 do
  if state == ARGV[i] then
    redis.call('HSET', KEYS[1], unpack(ARGV, count + 2))
    return 1
  end
end
return 0
"""
_APPEND = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RPUSH', KEYS[2], ARGV[1]) end"
_GONE = "The machine that trained it fell silent"


class RedisStore(JobStore):
    """All jobs of a data folder that several machines share. Safe between threads, processes and machines."""

    def __init__(self, folder: Path, url: str, device: str = "cpu") -> None:
        super().__init__(folder / "redis")
        try:
            import redis
        except ImportError as error:
            raise ResourceError(
                "A queue on Redis needs the package redis.", "Run: pip install redis==8.1.0, or unset GPT_SOVITS_REDIS."
            ) from error
        self._failures = (redis.RedisError, OSError)
        self._where = urlsplit(url).hostname or "its socket"
        self._runner = f"{socket.gethostname()}-{device.replace(':', '')}"
        with self._talking():
            try:
                self._redis: Any = redis.Redis.from_url(url, decode_responses=True, socket_timeout=10)
            except ValueError as error:  # no address of a queue
                raise redis.ConnectionError(str(error)) from error
            self._script = self._redis.register_script(_MOVE)
            self._append = self._redis.register_script(_APPEND)

    def runner_lock(self, wait: float = 0.0) -> AbstractContextManager[None]:
        """Held while a job runs on this machine and device."""
        make_private(self.folder)
        path = self.folder / f"runner-{self._runner}.lock"
        return exclusive(path, wait=wait, busy="Another voice is being trained on this machine.")

    def is_tended(self) -> bool:
        return True  # on which machine, only a lease that runs out would tell

    def worker_lock(self) -> AbstractContextManager[None]:
        make_private(self.folder)
        path = self.folder / f"worker-{self._runner}.lock"
        return exclusive(path, wait=0.0, busy="Another worker is running on this machine.")

    # ------------------------------------------------------------------------------------------------------ changing

    def add(self, user: str, kind: str, request: Mapping[str, Any], voice_id: str, *, job_id: str = "") -> Job:
        job = Job(job_id or new_id("j"), user, kind, dict(request), voice_id, new_id("r"))
        at = time.time()
        values = {
            "user": user,
            "kind": kind,
            "request": json.dumps(dict(request), ensure_ascii=False),
            "voice_id": voice_id,
            "version_id": job.version_id,
            "created": now(),
            "state": "queued",
            "stage": "",
            "message": "",
            "fraction": 0.0,
            "seconds_left": "",
            "error": "",
            "changed": at,
            "crashes": 0,
            "crashed_at": -1.0,
        }
        with self._talking(), self._redis.pipeline() as pipe:
            pipe.hset(_key("job", job.id), mapping=values)
            pipe.zadd(_key("jobs"), {job.id: at})
            pipe.execute()
        return job

    def claim(self, job_id: str | None = None) -> Job | None:
        with self._talking():
            for each in [job_id] if job_id else self._redis.zrange(_key("jobs"), 0, -1):
                if self._redis.hget(_key("job", each), "state") != "queued":
                    continue
                self._redis.set(_key("lease", each), self._runner, ex=LEASE)
                if self._move_to(each, ("queued",), state="running", error="", runner=self._runner):
                    row = self._redis.hgetall(_key("job", each))
                    request = json.loads(row["request"])
                    return Job(each, row["user"], row["kind"], request, row["voice_id"], row["version_id"])
        return None

    def beat(self, job_id: str) -> str:
        with self._talking():
            state = self._redis.hget(_key("job", job_id), "state")
            if state in ("running", "stopping"):
                self._redis.set(_key("lease", job_id), self._runner, ex=LEASE)
        if state is None:
            raise _no_job(job_id)
        return str(state)

    def report(self, job_id: str, event: Event, fraction: float, seconds_left: float | None) -> None:
        changes: dict[str, Any] = {"stage": event.kind, "fraction": fraction}
        changes["seconds_left"] = "" if seconds_left is None else seconds_left
        if event.message:
            changes["message"] = event.message
        with self._talking():
            self._move_to(job_id, ("running", "stopping"), **changes)
        self._add_event(job_id, event)

    def log(self, job_id: str, kind: str, text: str, *, values: Mapping[str, float] | None = None) -> None:
        self._add_event(job_id, Event(kind, text, values=dict(values or {})))

    def finish(self, job_id: str, state: str, error: str = "") -> None:
        changes: dict[str, Any] = {"state": state, "error": error, "seconds_left": ""}
        if state == "done":
            changes["fraction"] = 1.0
        with self._talking():
            self._move_to(job_id, ("running", "stopping"), **changes)

    def stop(self, job_id: str) -> None:
        with self._talking():
            if not self._move_to(job_id, ("queued",), state="stopped"):
                self._move_to(job_id, ("running",), state="stopping")

    def resume(self, job_id: str) -> None:
        with self._talking():
            moved = self._move_to(job_id, ("stopped", "failed"), state="queued", error="", crashes=0)
            if moved:
                self._redis.zadd(_key("jobs"), {job_id: time.time()})
        if not moved and self.state(job_id).state not in ("queued", "running"):
            raise BusyError("The job cannot be resumed now.", "Wait until it has stopped; a finished one stays so.")

    def recover(self, *, crashed: str = "") -> list[str]:
        """Put back this runner's jobs, and those of machines that have been silent for ``LEASE`` seconds."""
        found = []
        with self._talking():
            for job_id, row in self._rows():
                mine = row.get("runner") == self._runner
                if row["state"] not in ("running", "stopping") or not (mine or not self._leased(job_id)):
                    continue
                cause = crashed if mine else _GONE
                after = after_death(
                    row["state"], float(row["fraction"]), int(row["crashes"]), float(row["crashed_at"]), cause
                )
                changes = {"state": after.state, "error": after.error, "seconds_left": ""}
                if self._move_to(
                    job_id, (row["state"],), **changes, crashes=after.crashes, crashed_at=after.crashed_at
                ):
                    found.append(job_id)
                    if after.note:
                        self.log(job_id, "crash", after.note)
        return found

    def delete(self, job_id: str) -> None:
        """Remove a job and the words in it. What the server wrote to its own disk before is its administrator's."""
        with self._talking(), self._redis.pipeline() as pipe:
            pipe.zrem(_key("jobs"), job_id)
            pipe.delete(_key("job", job_id), _key("events", job_id), _key("lease", job_id))
            pipe.execute()

    # ------------------------------------------------------------------------------------------------------- reading

    def state(self, job_id: str, user: str | None = None) -> JobState:
        check_id(job_id, "job")
        with self._talking():
            row = self._redis.hgetall(_key("job", job_id))
            if not row or user not in (None, row["user"]):
                raise _no_job(job_id)
            events = [json.loads(each) for each in self._redis.lrange(_key("events", job_id), 0, -1)]
        lines = [log_line(at, kind, message) for at, kind, message, *_ in events if message]
        return _state(job_id, row, lines[-LOG_LINES:])

    def states(self, user: str | None = None, voice_id: str | None = None) -> list[JobState]:
        with self._talking():
            found = [_state(job_id, row, []) for job_id, row in self._rows()]
        wanted = [each for each in found if user in (None, each.user) and voice_id in (None, each.voice_id)]
        return wanted[::-1]

    def waiting(self) -> bool:
        with self._talking():
            return any(row["state"] == "queued" for _, row in self._rows())

    def stopping(self) -> bool:
        """Whether a job of this runner should stop."""
        with self._talking():
            return any(row["state"] == "stopping" and row.get("runner") == self._runner for _, row in self._rows())

    def events(self, job_id: str, after: int = 0) -> list[tuple[int, float, Event]]:
        with self._talking():
            rows = [json.loads(each) for each in self._redis.lrange(_key("events", job_id), after, -1)]
        return [
            (number, at, Event(kind, message, step, total, values))
            for number, (at, kind, message, step, total, values) in enumerate(rows, start=after + 1)
        ]

    def latest_step(self, job_id: str) -> Event | None:
        told = (event for _, _, event in reversed(self.events(job_id)) if event.total > 0 and event.values)
        return next(told, None)

    # ------------------------------------------------------------------------------------------------------- private

    def _rows(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every job in the order of the line."""
        ids = self._redis.zrange(_key("jobs"), 0, -1)
        with self._redis.pipeline(transaction=False) as pipe:
            for each in ids:
                pipe.hgetall(_key("job", each))
            for job_id, row in zip(ids, pipe.execute(), strict=True):
                if row:
                    yield job_id, row

    def _leased(self, job_id: str) -> bool:
        return bool(self._redis.exists(_key("lease", job_id)))

    def _move_to(self, job_id: str, origins: tuple[str, ...], **changes: Any) -> bool:
        """Change a job if it is in one of the states ``origins``; whether it was."""
        pairs = [part for item in {**changes, "changed": time.time()}.items() for part in item]
        return bool(self._script(keys=[_key("job", job_id)], args=[len(origins), *origins, *pairs]))

    def _add_event(self, job_id: str, event: Event) -> None:
        values = [time.time(), event.kind, event.message, event.step, event.total, dict(event.values)]
        with self._talking():
            keys = [_key("job", job_id), _key("events", job_id)]
            self._append(keys=keys, args=[json.dumps(values, ensure_ascii=False)])

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise ResourceError(
                f"The queue's server at {self._where} does not answer ({type(error).__name__}).",
                "Check that Redis runs there and that GPT_SOVITS_REDIS names it.",
            ) from error


def _key(*parts: str) -> str:
    return _PREFIX + ":".join(parts)


def _no_job(job_id: str) -> MissingError:
    return MissingError(f"There is no job {job_id}.", "Choose one from the list of jobs.")


def _state(job_id: str, row: Mapping[str, str], log: list[str]) -> JobState:
    request = json.loads(row["request"])
    return JobState(
        id=job_id,
        kind=row["kind"],
        state=row["state"],
        stage=row["stage"],
        message=row["message"],
        fraction=float(row["fraction"]),
        seconds_left=float(row["seconds_left"]) if row["seconds_left"] else None,
        voice_id=row["voice_id"],
        created=row["created"],
        error=row["error"],
        log=log,
        user=row["user"],
        name=str(request.get("name", "")),
        changed=float(row["changed"]),
        recording=recording_of(request),
        request=request,
    )
