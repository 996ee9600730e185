"""The job store: states move only along their arrows, and no job is taken twice."""

from __future__ import annotations

import os
import subprocess
import threading
import time

import pytest

from gpt_sovits.errors import BusyError, MissingError, ResourceError
from gpt_sovits.events import Event
from gpt_sovits.jobs.store import MAX_CRASHES, JobStore
from gpt_sovits.jobs.worker import tidy_jobs


@pytest.fixture(params=["file", "redis"])
def store(request, tmp_path) -> JobStore:
    """Every promise of the queue holds on both backends."""
    if request.param == "file":
        return JobStore(tmp_path / "jobs")
    from gpt_sovits.jobs.redis_store import RedisStore

    return RedisStore(tmp_path / "jobs", request.getfixturevalue("redis_url"))


def add(store: JobStore, name: str = "Ana", user: str = "local") -> str:
    return store.add(user, "train", {"name": name}, "v" + "1" * 20).id


def test_jobs_come_in_order_and_only_once(store):
    ids = [add(store, str(index)) for index in range(40)]
    taken = [store.claim().id]
    assert taken == ids[:1]

    def take() -> None:
        while (job := store.claim()) is not None:
            taken.append(job.id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids) and len(set(taken)) == 40
    assert store.claim() is None and not store.waiting()


def test_a_job_tells_its_story(store):
    job_id = add(store)
    assert store.state(job_id).state == "queued" and store.state(job_id).name == "Ana"
    store.claim()
    store.report(job_id, Event("slice", "Cutting it."), 0.05, None)
    store.report(job_id, Event("acoustic", "", 3, 10, {"loss": 1.5}), 0.3, 42.0)
    state = store.state(job_id)
    assert (state.state, state.stage, state.message, state.fraction, state.seconds_left) == (
        "running",
        "acoustic",
        "Cutting it.",
        0.3,
        42.0,
    )
    assert len(state.log) == 1 and state.log[0].endswith("slice: Cutting it.")
    events = store.events(job_id)
    assert events[1][2] == Event("acoustic", "", 3, 10, {"loss": 1.5})
    assert store.events(job_id, after=events[0][0]) == events[1:]
    store.finish(job_id, "done")
    assert store.state(job_id).fraction == 1.0 and not store.state(job_id).active


def test_stop_and_resume_from_every_state(store):
    waiting, running = add(store), add(store)
    store.stop(waiting)
    assert store.state(waiting).state == "stopped"
    assert store.claim().id == running
    store.stop(running)
    store.stop(running)
    assert store.state(running).state == "stopping"
    with pytest.raises(BusyError):
        store.resume(running)
    store.finish(running, "stopped")
    store.resume(running)
    assert store.claim().id == running
    store.finish(running, "done")
    store.stop(running)
    assert store.state(running).state == "done"
    with pytest.raises(BusyError):
        store.resume(running)
    store.finish(running, "failed", "too late")
    assert store.state(running).state == "done"


def test_a_dead_process_gives_its_job_back(store):
    first, second = add(store), add(store)
    store.claim()
    assert store.recover() == [first]
    assert store.claim().id == first
    store.stop(first)
    store.recover()
    assert store.state(first).state == "stopped"
    assert store.claim().id == second


def test_a_job_that_always_kills_its_process_is_given_up_unless_it_gets_on(store):
    job_id = add(store)
    for crash in range(20):
        store.claim()
        store.report(job_id, Event("acoustic"), crash / 20, None)
        store.recover(crashed="It was ended")
        assert store.state(job_id).state == "queued"
    for _ in range(MAX_CRASHES - 1):  # the last step that it reached was followed by a crash already
        assert store.claim() is not None
        store.recover(crashed="It was ended")
    assert store.state(job_id).state == "failed"
    assert store.state(job_id).error.startswith(f"It was ended, {MAX_CRASHES} times at the same place.")
    assert any("goes on from its last checkpoint" in line for line in store.state(job_id).log)
    store.resume(job_id)
    assert store.claim().id == job_id


def test_users_see_their_own_jobs(store):
    mine, theirs = add(store, user="ana"), add(store, user="ben")
    assert [state.id for state in store.states("ana")] == [mine]
    for wanted in (theirs, "../x", "j" + "0" * 20):
        with pytest.raises(MissingError):
            store.state(wanted, "ana")


def test_deleting_a_job_removes_its_words_from_the_disk(tmp_path):
    store = JobStore(tmp_path / "jobs")
    job_id = store.add("local", "train", {"name": "Ana", "script": "a very secret passage " * 50}, "v1").id
    store.claim()
    store.report(job_id, Event("align", "another secret sentence"), 0.1, None)
    everything = b"".join(path.read_bytes() for path in store.folder.iterdir())
    assert b"very secret" in everything and b"another secret" in everything
    store.delete(job_id)
    everything = b"".join(path.read_bytes() for path in store.folder.iterdir())
    assert b"secret" not in everything


def test_a_full_disk_is_one_sentence(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        store = JobStore(folder / "jobs")
        job_id = add(store)
        store.claim()
        other = folder / "other"
        other.write_bytes(bytes(400_000))
        with pytest.raises(ResourceError, match="Free some space"):
            for step in range(2000):
                store.report(job_id, Event("acoustic", "x" * 500, step, 2000), 0.5, None)
        assert store.state(job_id).state == "running"
        other.unlink()
        store.finish(job_id, "failed", "The disk is full.")
        assert store.state(job_id).error == "The disk is full."
        store.delete(job_id)
        assert store.states() == []
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_the_newest_step_and_its_losses_are_known(store):
    job_id = add(store)
    assert store.latest_step(job_id) is None
    store.claim()
    store.report(job_id, Event("acoustic", "Learning.", 3, 10, {"mel": 1.5}), 0.3, None)
    store.log(job_id, "heard", "A sample.", values={"percent": 25})
    assert store.latest_step(job_id) == Event("acoustic", "Learning.", 3, 10, {"mel": 1.5})
    assert store.beat(job_id) == "running"
    store.delete(job_id)
    store.log(job_id, "late", "a word")
    assert store.events(job_id) == [] and store.states() == []
    with pytest.raises(MissingError):
        store.beat(job_id)


def test_a_silent_machine_loses_its_job_to_another(redis_url, tmp_path, monkeypatch):
    from gpt_sovits.jobs import redis_store as redis_queue

    monkeypatch.setattr(redis_queue, "LEASE", 1)
    monkeypatch.setattr(redis_queue.socket, "gethostname", lambda: "here")
    here = redis_queue.RedisStore(tmp_path / "jobs", redis_url)
    monkeypatch.setattr(redis_queue.socket, "gethostname", lambda: "there")
    there = redis_queue.RedisStore(tmp_path / "jobs", redis_url)
    first, second = add(here), add(here)
    assert here.claim().id == first and there.claim().id == second
    with here.runner_lock(), there.runner_lock():  # one job per machine
        assert there.recover(crashed="It was ended") == [second]
    assert there.claim().id == second
    for _ in range(8):
        assert here.beat(first) == "running" and there.recover() == [second]
        assert there.claim().id == second
        time.sleep(0.2)
    time.sleep(1.2)  # no more signs of life from "here"
    assert first in there.recover()
    assert there.state(first).state == "queued" and "fell silent" in there.state(first).log[-1]
    here.finish(first, "done")
    assert there.state(first).state == "queued", "a job that was taken away cannot be ended by its old process"


def test_a_queue_that_does_not_answer_is_one_sentence(tmp_path):
    pytest.importorskip("redis", reason="needs redis (pip install -r requirements-dev.txt)")
    from gpt_sovits.jobs.redis_store import RedisStore

    with pytest.raises(ResourceError, match="at 127.0.0.1 does not answer"):
        RedisStore(tmp_path, "redis://:secret@127.0.0.1:1/0").states()


def test_tidying_keeps_samples_and_what_belongs_to_others(tmp_path):
    store = JobStore(tmp_path / "jobs")
    done, waiting = add(store), add(store)
    store.claim(done)
    store.finish(done, "done")
    names = {done: "slice.wav", waiting: "slice.wav", f"{done}/samples": "25.wav", "redis/j1": "x", "j" + "0" * 20: "x"}
    for folder, file in names.items():
        (store.folder / folder).mkdir(parents=True, exist_ok=True)
        (store.folder / folder / file).write_text("x")
    for folder in ("redis", "j" + "0" * 20, waiting):
        os.utime(store.folder / folder, (0, 0))
    tidy_jobs(store)
    left = {str(path.relative_to(store.folder)) for path in store.folder.rglob("*") if path.is_file()}
    assert {name for name in left if "jobs.sqlite3" not in name} == {
        f"{done}/samples/25.wav",
        f"{waiting}/slice.wav",
        "redis/j1/x",
    }
    assert store.samples(done) == {25: store.folder / done / "samples" / "25.wav"}
