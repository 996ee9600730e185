"""Learning voices for one person: reviews of recordings, and jobs that train, from the request to the voice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from gpt_sovits.dataset.scripts import Script, scripts
from gpt_sovits.errors import BusyError, MissingError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.jobs import samples
from gpt_sovits.jobs.intake import UNDO_SECONDS, Intake
from gpt_sovits.jobs.review import Reviews
from gpt_sovits.jobs.store import JobState
from gpt_sovits.jobs.submission import TrainingRequest
from gpt_sovits.services.core import Core
from gpt_sovits.voices.ids import new_id
from gpt_sovits.voices.manifest import VoiceCard

__all__ = ["INTERRUPTED", "JobService", "Script", "TrainingRequest"]

INTERRUPTED = "interrupted"


class JobService:
    """``user``'s trainings. ``intake`` holds what is being recorded, ``reviews`` what is looked over before training.

    A job of another user is as if it did not exist: ``MissingError``.
    """

    def __init__(self, core: Core, user: str) -> None:
        self._core = core
        self._store = core.store
        self._user = user
        self.reviews = Reviews(core.settings, core.base, user, core.reviewing)
        self.intake = Intake(core.settings, user, core.handing_in)

    def scripts(self) -> Sequence[Script]:
        """The passages that a person can read aloud, each about a minute."""
        return scripts()

    def writes_down(self) -> bool:
        """Whether a recording without a text can be written down here."""
        from gpt_sovits.dataset.recognise import scribe_of

        return scribe_of(self._core.settings) is not None

    # ------------------------------------------------------------------------------------------------------ training

    def create(self, request: TrainingRequest) -> str:
        """Queue a training and return the job's id.

        Everything that can be refused is refused before anything is stored: name, consent, base, and a recording that
        is unreadable, too short, too long or without speech.
        """
        return self._submit(request).id

    def run(
        self,
        request: TrainingRequest,
        *,
        on_event: EventSink = ignore,
        on_progress: Callable[[JobState], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> str:
        """``create``, run in the calling process; waits while another one trains. Returns the voice's id.

        If the process is killed, the worker of the data folder finishes the job.
        """
        cancel = cancel or CancelToken()
        if request.voice_id:
            self._trained_card(request.voice_id)  # refused before waiting
        with self._turn(cancel, on_event):
            job = self._submit(request)
            self._run(job.id, on_event, on_progress, cancel)
        return job.voice_id

    def resume_here(
        self,
        job_id: str,
        *,
        on_event: EventSink = ignore,
        on_progress: Callable[[JobState], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> str:
        """Continue a stopped or failed job in the calling process; returns the voice's id."""
        cancel = cancel or CancelToken()
        state = self.get(job_id)
        with self._turn(cancel, on_event):
            self._store.resume(job_id)
            self._run(job_id, on_event, on_progress, cancel)
        return state.voice_id

    # -------------------------------------------------------------------------------------------------------- jobs

    def list(self) -> list[JobState]:
        """Newest first; ``get`` has the log too."""
        return [self._as_it_is(state) for state in self._store.states(self._user)]

    def get(self, job_id: str) -> JobState:
        return self._as_it_is(self._store.state(job_id, self._user))

    def _as_it_is(self, state: JobState) -> JobState:
        """A running job whose process is gone waits for the next worker: its stage is ``INTERRUPTED`` until then."""
        if state.state != "running" or self._store.is_tended():
            return state
        return replace(state, stage=INTERRUPTED, seconds_left=None)

    def latest_step(self, job_id: str) -> Event | None:
        """The last step that the job told of, with its losses; None before the first."""
        return self._store.latest_step(self.get(job_id).id)

    def ahead(self) -> dict[str, int]:
        """How many trainings, of anybody, come before each of the user's that is not over."""
        line = sorted(
            (each for each in reversed(self._store.states()) if each.active), key=lambda s: s.state == "queued"
        )
        return {each.id: place for place, each in enumerate(line) if each.user == self._user}

    def curve(self, job_id: str) -> dict[str, Sequence[tuple[float, float]]]:
        """For each kind of learning (share of its steps, loss) of what it told so far; at most some 200 points."""
        found: dict[str, list[tuple[float, float]]] = {}
        named: dict[str, str] = {}  # the loss that a kind told first; at its end it tells another one
        for _, _, event in self._store.events(self.get(job_id).id):
            if event.total and event.values:
                name = named.setdefault(event.kind, next(iter(event.values)))
                if name in event.values:
                    found.setdefault(event.kind, []).append((event.fraction, float(event.values[name])))
        return {kind: points[:: 1 + len(points) // 200] for kind, points in found.items()}

    def samples(self, job_id: str) -> dict[int, Path]:
        """How the voice sounded on the way: files by percent of the plan, encrypted once the voice is there."""
        return self._store.samples(self.get(job_id).id)

    def sample(self, job_id: str, percent: int) -> bytes:
        """The WAV file of how the voice sounded after so many percent of the plan."""
        job = self.get(job_id)
        path = self._store.samples(job.id).get(percent)
        if path is None:
            raise MissingError("There is no such sample.", "The list of the job's samples shows which there are.")
        return samples.read(path, self._core.registry, self._user, job.voice_id)

    def stop(self, job_id: str) -> None:
        """Stop within seconds, keeping what was learned; an ended job stays as it is."""
        self._store.stop(self.get(job_id).id)

    def resume(self, job_id: str) -> None:
        """Let the worker continue a stopped or failed job."""
        self._store.resume(self.get(job_id).id)

    def delete(self, job_id: str) -> None:
        """Remove a job with its recording, slices and log; a voice that it made stays."""
        if self.get(job_id).active:
            raise BusyError("The job is still at work.", "Stop it first.")
        self._core.eraser.delete_job(job_id)

    # ----------------------------------------------------------------------------------------------------- put away

    def put_away(self, job_id: str) -> None:
        """Show an ended job no more. One that made no voice is deleted a day later, unless it is brought back."""
        if self.get(job_id).active:
            raise BusyError("The job is still at work.", "Stop it first.")
        self.intake.mark_jobs({job_id: time.time()})

    def bring_back(self, job_id: str) -> None:
        self.intake.mark_jobs({self.get(job_id).id: None})

    def again(self, job_id: str) -> None:
        """Put a job without a voice away, and its recording and words back to where they were handed in."""
        state = self.get(job_id)
        if state.active or state.state == "done":
            raise BusyError("The job is still at work.", "Stop it first.")
        self.intake.adopt(*self._core.submission.handed_in(job_id))
        self.put_away(job_id)

    def shown(self) -> tuple[Sequence[JobState], Sequence[JobState]]:
        """The jobs that the user wants to see, and those put away that can be brought back; newest first."""
        away, jobs = self.intake.jobs_away(), self.list()
        for job in jobs:
            if job.id in away and job.state in ("stopped", "failed") and time.time() - away[job.id] > UNDO_SECONDS:
                self.delete(job.id)
                self.intake.mark_jobs({job.id: None})
                away[job.id] = 0.0
        kept = [job for job in jobs if away.get(job.id) != 0.0]
        gone = [job for job in kept if job.id in away and job.state != "done"]
        return [job for job in kept if job.id not in away or job.active], gone

    # ------------------------------------------------------------------------------------------------------- private

    def _submit(self, request: TrainingRequest) -> JobState:
        prepared = None
        if request.draft:
            script, language, base = self.reviews.request(request.draft)
            request = replace(request, script=script, language=language, base=request.base or base)
            prepared = partial(self.reviews.hand_over, request.draft)
        if request.voice_id:
            card = self._trained_card(request.voice_id)
            request = replace(request, name=card.name, base=card.base)
        request = replace(
            request, voice_id=request.voice_id or new_id("v"), base=request.base or self._core.models.chosen
        )
        job = self._core.submission.add(self._user, request, prepared)
        return self._store.state(job.id)

    def _trained_card(self, voice_id: str) -> VoiceCard:
        self._core.registry.check_changeable(self._user, voice_id)
        return self._core.registry.card(self._user, voice_id)

    @contextmanager
    def _turn(self, cancel: CancelToken, on_event: EventSink) -> Iterator[None]:
        """Hold the runner lock; waits for as long as another training holds it."""
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(self._store.runner_lock(wait=0.5))
                    break
                except BusyError:
                    on_event(Event("queued", "Another voice is being trained; waiting for it to end."))
                    cancel.check()
            self._store.recover()
            yield

    def _run(
        self,
        job_id: str,
        on_event: EventSink,
        on_progress: Callable[[JobState], None] | None,
        cancel: CancelToken,
    ) -> None:
        from gpt_sovits.jobs.worker import run_claimed

        claimed = self._store.claim(job_id)
        if claimed is None:
            raise BusyError("The job was stopped before it began.", "Start it again.")
        settings, parts = self._core.settings, self._core.parts

        def watch(event: Event) -> None:
            on_event(event)
            if on_progress is not None:
                on_progress(self._store.state(job_id))

        run_claimed(settings, self._store, claimed, lambda: parts(settings), cancel=cancel, watch=watch)
