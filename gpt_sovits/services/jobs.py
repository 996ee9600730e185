"""Learning voices for one person: reviews of recordings, and jobs that train, from the request to the voice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from gpt_sovits.dataset.scripts import Script, scripts
from gpt_sovits.errors import BusyError, MissingError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.jobs import samples
from gpt_sovits.jobs.review import Reviews
from gpt_sovits.jobs.store import JobState
from gpt_sovits.jobs.submission import TrainingRequest
from gpt_sovits.services.core import Core
from gpt_sovits.voices.ids import new_id
from gpt_sovits.voices.manifest import VoiceCard

__all__ = ["JobService", "Script", "TrainingRequest"]


class JobService:
    """``user``'s trainings. ``reviews`` holds the recording that the user looks over before training, if there is one.

    A job of another user is as if it did not exist: ``MissingError``.
    """

    def __init__(self, core: Core, user: str) -> None:
        self._core = core
        self._store = core.store
        self._user = user
        self.reviews = Reviews(core.settings, core.base, user, core.reviewing)

    def scripts(self) -> Sequence[Script]:
        """The passages that a person can read aloud, each about a minute."""
        return scripts()

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
        return self._store.states(self._user)

    def get(self, job_id: str) -> JobState:
        return self._store.state(job_id, self._user)

    def latest_step(self, job_id: str) -> Event | None:
        """The last step that the job told of, with its losses; None before the first."""
        return self._store.latest_step(self.get(job_id).id)

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
