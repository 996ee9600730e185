"""The studio: the one facade that the browser, the HTTP API and the command line call.

Importing it and listing voices is instant; torch and the networks are imported when something speaks or trains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_sovits.errors import BusyError, InputError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.jobs.review import Drafts
from gpt_sovits.jobs.store import Job, JobState, open_store
from gpt_sovits.jobs.submission import Intake
from gpt_sovits.keeping import Keeping
from gpt_sovits.services.models import Library
from gpt_sovits.settings import Settings
from gpt_sovits.storage.word_lists import WordLists
from gpt_sovits.text.g2pw import InstalledG2PW
from gpt_sovits.versions import EMBEDDED
from gpt_sovits.voices.consent import Consent, now
from gpt_sovits.voices.ids import LOCAL_USER, check_name, check_user, new_id
from gpt_sovits.voices.manifest import VoiceCard
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from gpt_sovits.dataset.scripts import Script
    from gpt_sovits.jobs.run import Parts
    from gpt_sovits.synthesis import Speech, Synthesizer
    from gpt_sovits.text import Reading

DEFAULT_BASE = EMBEDDED
MAX_CLIP_SECONDS = 600.0


class Studio(Keeping):
    """Everything that a person can do with voices, for any number of users at once.

    The keyword arguments replace the real steps in tests: ``synthesizer`` speaks, ``parts`` train, ``check_recording``
    raises for a recording that cannot be used, ``find_base`` raises for a base that is not installed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        synthesizer: Synthesizer | None = None,
        parts: Callable[[Settings], Parts] | None = None,
        check_recording: Callable[[Path], object] | None = None,
        find_base: Callable[[str], object] | None = None,
    ) -> None:
        store = open_store(settings)
        self._intake = Intake(settings, store, check_recording=check_recording, find_base=find_base)
        super().__init__(settings, self._intake.find_base)
        self.words = WordLists(settings.registry_dir)
        self._polyphones = InstalledG2PW((settings.models_dir, settings.bundled_models))
        self.library = Library(settings)
        self.drafts = Drafts(settings, lambda name: self._synthesizer.base(name))
        self._given_synthesizer = synthesizer
        self._parts = parts

    # ----------------------------------------------------------------------------------------------------- training

    def scripts(self) -> list[Script]:
        """The passages that a person can read aloud, each about a minute."""
        from gpt_sovits.dataset.scripts import scripts

        return list(scripts())

    def create_voice(
        self,
        name: str,
        recording: Path,
        *,
        script: str = "",
        language: str = "auto",
        consent: Consent,
        user: str = LOCAL_USER,
        base: str = "",
        max_steps: int | None = None,
        draft: str = "",
        statement: Path | None = None,
    ) -> str:
        """Queue the training of a new voice and return the job's id.

        Everything that can be refused is refused before anything is stored: name, consent, base, and a recording that
        is unreadable, too short, too long or without speech. ``script`` is what was read; it is needed unless the
        recording can be transcribed. Without ``base`` it is the one chosen in ``library``. ``draft``: id of a review of
        this recording in ``drafts``; its pieces are trained on, its text and language count, and it ends.
        ``statement``: the recording in which another person consents; needed unless ``consent`` is for one's own voice.
        """
        prepared = None
        if draft:
            script, language = self.drafts.request(draft, user)
            prepared = partial(self.drafts.hand_over, draft, user)
        voice_id, base = new_id("v"), base or self.library.chosen
        return self._intake.add(
            voice_id, name, recording, script, language, consent, user, base, max_steps, prepared, statement
        ).id

    def retrain(
        self,
        voice_id: str,
        recording: Path,
        *,
        script: str = "",
        language: str = "auto",
        consent: Consent,
        user: str = LOCAL_USER,
        max_steps: int | None = None,
        statement: Path | None = None,
    ) -> str:
        """Queue the training of a further version of a voice from a new recording; returns the job's id."""
        card = self._retrainable(voice_id, user)
        return self._intake.add(
            voice_id, card.name, recording, script, language, consent, user, card.base, max_steps, None, statement
        ).id

    def train_now(
        self,
        name: str,
        recording: Path,
        *,
        script: str = "",
        language: str = "auto",
        consent: Consent,
        user: str = LOCAL_USER,
        base: str = "",
        max_steps: int | None = None,
        again: str = "",
        statement: Path | None = None,
        on_event: EventSink = ignore,
        on_progress: Callable[[JobState], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> str:
        """The same job, run in the calling process; waits while another one trains. Returns the voice's id.

        ``again``: id of a voice that gets a further version; its name and base stay. If the process is killed, the
        worker of the data folder finishes the job.
        """
        cancel, base = cancel or CancelToken(), base or self.library.chosen
        if again:
            card = self._retrainable(again, user)
            name, base = card.name, card.base
        with self._turn(cancel, on_event):
            voice_id = again or new_id("v")
            job = self._intake.add(
                voice_id, name, recording, script, language, consent, user, base, max_steps, None, statement
            )
            self._run(job, on_event, on_progress, cancel)
        return job.voice_id

    def resume_now(
        self,
        job_id: str,
        user: str = LOCAL_USER,
        *,
        on_event: EventSink = ignore,
        on_progress: Callable[[JobState], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> str:
        """Continue a stopped or failed job in the calling process; returns the voice's id."""
        cancel = cancel or CancelToken()
        state = self._store.state(job_id, user)
        with self._turn(cancel, on_event):
            self._store.resume(job_id)
            self._run(job_id, on_event, on_progress, cancel)
        return state.voice_id

    def jobs(self, user: str = LOCAL_USER) -> list[JobState]:
        """The user's jobs, newest first; ``job`` has the log too."""
        return self._store.states(check_user(user))

    def job(self, job_id: str, user: str = LOCAL_USER) -> JobState:
        return self._store.state(job_id, user)

    def job_events(self, job_id: str, user: str = LOCAL_USER, *, after: int = 0) -> list[tuple[int, float, Event]]:
        """(number, Unix time, event) for what happened after event ``after``: losses, steps, messages."""
        self._store.state(job_id, user)
        return self._store.events(job_id, after)

    def job_step(self, job_id: str, user: str = LOCAL_USER) -> Event | None:
        """The last step that the job told of, with its losses; None before the first."""
        self._store.state(job_id, user)
        return self._store.latest_step(job_id)

    def job_samples(self, job_id: str, user: str = LOCAL_USER) -> dict[int, Path]:
        """How the voice sounded on the way: WAV files by percent of the plan. They stay with the job."""
        self._store.state(job_id, user)
        return self._store.samples(job_id)

    def stop_job(self, job_id: str, user: str = LOCAL_USER) -> None:
        """Stop within seconds, keeping what was learned; an ended job stays as it is."""
        self._store.state(job_id, user)
        self._store.stop(job_id)

    def resume_job(self, job_id: str, user: str = LOCAL_USER) -> None:
        """Let the worker continue a stopped or failed job."""
        self._store.state(job_id, user)
        self._store.resume(job_id)

    def delete_job(self, job_id: str, user: str = LOCAL_USER) -> None:
        """Remove a job with its recording, slices and log; a voice that it made stays."""
        if self._store.state(job_id, user).active:
            raise BusyError("The job is still at work.", "Stop it first.")
        self._eraser.delete_job(job_id)

    # ----------------------------------------------------------------------------------------------------- speaking

    def reference_voice(self, clip: Path, transcript: str = "", language: str = "auto", base: str = "") -> Voice:
        """A voice straight from a clip of a few seconds, without training; it is not stored."""
        from gpt_sovits.audio import read_audio
        from gpt_sovits.families.enrol import enrol

        audio, base = read_audio(clip, max_seconds=MAX_CLIP_SECONDS), base or self.library.chosen
        loaded = self._synthesizer.base(base)
        return Voice(
            id="",
            name=Path(clip).stem[:80],
            owner="",
            base=base,
            version_id=None,
            reference=enrol(loaded, audio, transcript, language),
            created=now(),
            made_by={"kind": "reference", "base_release": loaded.release},
        )

    def warm_up(self) -> None:
        """Import what speaks, load the embedded base and the dictionaries: the first sentence then need not wait."""
        from gpt_sovits.text import phonemize

        base = self._synthesizer.base(DEFAULT_BASE)
        for text, language in (("Hello.", "en"), ("你好。", "zh")):
            phonemize(text, language, base.symbols_version)

    def speak(
        self,
        text: str,
        voice: Voice | str,
        *,
        language: str = "auto",
        speed: float = 1.0,
        pause: float = 0.3,
        seed: int | None = None,
        user: str = LOCAL_USER,
        cancel: CancelToken | None = None,
    ) -> Iterator[Speech]:
        """Speak ``text`` piece by piece, each as soon as it is ready. A ``seed`` of None sounds different each time.

        Markup in the text (see ``text.markup``) and the user's word list (``words``) decide how words are read.
        Unknown voices and unspeakable texts raise here, before anything is computed.
        """
        chosen = self._as_voice(voice, user)
        chosen.terms.require("speak", chosen.name)
        pieces = self._synthesizer.speak(
            chosen,
            text,
            language=language,
            speed=speed,
            pause=pause,
            seed=seed,
            lexicon=self.words.lexicon(user),
            cancel=cancel,
        )
        parents = [str(parent["voice"]) for parent in chosen.made_by.get("parents", ())]
        for voice_id in [chosen.id] if chosen.id else dict.fromkeys(filter(None, parents)):
            self._registry.journal(user).add("spoke", voice_id, characters=len(text))
        return pieces

    def explain(self, text: str, *, language: str = "auto", user: str = LOCAL_USER) -> tuple[Reading, ...]:
        """How each word will be read and why: dictionary, rule, number, model, lexicon, markup or guess."""
        from gpt_sovits.text import explain, require_speakable

        polyphones = self._polyphones.get() or True
        return explain(require_speakable(text), language, lexicon=self.words.lexicon(user), polyphones=polyphones)

    def mix(
        self, a: Voice | str, b: Voice | str, ratio: float, user: str = LOCAL_USER, *, manner: float | None = None
    ) -> Voice:
        """The voice between two voices of one base: 0 is ``a``, 1 is ``b``. It is not stored."""
        from gpt_sovits.voices.mixing import mix

        return mix(self._as_voice(a, user), self._as_voice(b, user), ratio, manner=manner)

    def save_mix(
        self,
        a: Voice | str,
        b: Voice | str,
        ratio: float,
        name: str,
        user: str = LOCAL_USER,
        *,
        manner: float | None = None,
    ) -> str:
        """Store a mix of two stored voices; returns the id of the new voice."""
        check_name(name)
        return self._registry.save(user, name, self.mix(a, b, ratio, user, manner=manner))

    def blend(
        self,
        voices: Sequence[Voice | str],
        shares: Sequence[float],
        user: str = LOCAL_USER,
        *,
        manners: Sequence[float] | None = None,
        save: str = "",
    ) -> Voice:
        """The mix of two or more voices by their shares of timbre, and by ``manners`` of the way of speaking.

        ``save``: the name to keep it under; the voice then has an id.
        """
        from gpt_sovits.voices.mixing import blend

        made = blend([self._as_voice(voice, user) for voice in voices], shares, manners)
        return self.voice(self._registry.save(user, check_name(save), made), user=user) if save else made

    # ------------------------------------------------------------------------------------------------------ private

    @property
    def _synthesizer(self) -> Synthesizer:
        with self._lock:
            if self._given_synthesizer is None:
                from gpt_sovits.families.base import load_base
                from gpt_sovits.jobs.run import limit_threads
                from gpt_sovits.synthesis import Synthesizer

                limit_threads(self.settings)
                self._given_synthesizer = Synthesizer(
                    partial(load_base, settings=self.settings), polyphones=self._polyphones.get
                )
            return self._given_synthesizer

    def _as_voice(self, voice: Voice | str, user: str) -> Voice:
        return self.voice(voice, user=user) if isinstance(voice, str) else voice

    def _retrainable(self, voice_id: str, user: str) -> VoiceCard:
        card = self._registry.card(user, voice_id)
        if card.kind != "trained":
            raise InputError(f"{card.name!r} is a mix.", "Train the voices that it is made of.")
        self._registry.check_changeable(user, voice_id)
        return card

    def _forget(self, user: str, voice_id: str) -> None:
        super()._forget(user, voice_id)
        with self._lock:
            if self._given_synthesizer is not None:
                self._given_synthesizer.forget(voice_id)

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
        job: Job | str,
        on_event: EventSink,
        on_progress: Callable[[JobState], None] | None,
        cancel: CancelToken,
    ) -> None:
        from gpt_sovits.jobs.run import real_parts
        from gpt_sovits.jobs.worker import run_claimed

        job_id = job if isinstance(job, str) else job.id
        claimed = self._store.claim(job_id)
        if claimed is None:
            raise BusyError("The job was stopped before it began.", "Start it again.")
        parts = self._parts or real_parts

        def watch(event: Event) -> None:
            on_event(event)
            if on_progress is not None:
                on_progress(self._store.state(job_id))

        run_claimed(self.settings, self._store, claimed, lambda: parts(self.settings), cancel=cancel, watch=watch)
