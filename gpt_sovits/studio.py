"""The studio: the one facade that the browser, the HTTP API and the command line call.

Importing it and listing voices is instant; torch and the networks are imported when something speaks or trains.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_sovits.errors import BusyError, InputError, MissingError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.registry import versions
from gpt_sovits.registry.consent import Consent, now
from gpt_sovits.registry.erase import Scan
from gpt_sovits.registry.ids import LOCAL_USER, check_name, check_user, new_id
from gpt_sovits.registry.journal import Entry
from gpt_sovits.registry.manifest import VersionCard, VoiceCard
from gpt_sovits.registry.store import Registry
from gpt_sovits.registry.terms import Terms
from gpt_sovits.registry.voice import Voice
from gpt_sovits.settings import Settings
from gpt_sovits.training.eraser import Eraser
from gpt_sovits.training.intake import Intake
from gpt_sovits.training.queue import Job, JobState, JobStore

if TYPE_CHECKING:
    from gpt_sovits.dataset.scripts import Script
    from gpt_sovits.synthesis import Speech, Synthesizer
    from gpt_sovits.training.job import Parts

DEFAULT_BASE = "mini"
MAX_CLIP_SECONDS = 600.0
_KEPT_VOICES = 8  # loaded voices that stay in memory; each is a delta of some megabytes


class Studio:
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
        self.settings = settings
        self._registry = Registry(settings.registry_dir)
        self._store = JobStore(settings.jobs_dir)
        self._eraser = Eraser(settings, self._registry, self._store)
        self._given_synthesizer = synthesizer
        self._parts = parts
        self._intake = Intake(settings, self._store, check_recording=check_recording, find_base=find_base)
        self._lock = threading.RLock()
        self._loaded: OrderedDict[tuple[str, str, str], Voice] = OrderedDict()

    # ------------------------------------------------------------------------------------------------------- voices

    def scripts(self) -> list[Script]:
        """The passages that a person can read aloud, each about a minute."""
        from gpt_sovits.dataset.scripts import scripts

        return list(scripts())

    def voices(self, user: str = LOCAL_USER) -> list[VoiceCard]:
        """The user's voices by name, without loading any."""
        return self._registry.cards(user)

    def find_voice(self, name_or_id: str, user: str = LOCAL_USER) -> VoiceCard:
        """The voice with this id, or the only one with this name (case does not count)."""
        cards = self.voices(user)
        found = [card for card in cards if card.id == name_or_id]
        wanted = name_or_id.strip().casefold()
        found = found or [card for card in cards if card.name.casefold() == wanted]
        if not found:
            known = ", ".join(card.name for card in cards[:8])
            raise MissingError(
                f"There is no voice named {name_or_id!r}.", f"You have: {known}." if known else "Train one first."
            )
        if len(found) > 1:
            raise InputError(
                f"{len(found)} voices are named {name_or_id!r}.", "Use an id: " + ", ".join(c.id for c in found) + "."
            )
        return found[0]

    def voice(self, voice_id: str, version: str | None = None, user: str = LOCAL_USER) -> Voice:
        """A stored voice as a value: its pinned or newest version, or the one named. ``MissingError`` without it."""
        card = self._registry.card(user, voice_id)
        wanted = version or card.default_version
        if not self._registry.has_version(user, voice_id, wanted):
            raise MissingError(f"The voice {card.name!r} has no version {wanted}.", "Choose one from its list.")
        key = (user, voice_id, wanted)
        with self._lock:
            voice = self._loaded.get(key)
            if voice is None or voice.name != card.name:
                voice = self._loaded[key] = self._registry.load(user, voice_id, wanted)
            self._loaded.move_to_end(key)
            while len(self._loaded) > _KEPT_VOICES:
                self._loaded.popitem(last=False)
        return voice

    def versions(self, voice_id: str, user: str = LOCAL_USER) -> tuple[VersionCard, ...]:
        """Oldest first."""
        return self._registry.card(user, voice_id).versions

    def pin_version(self, voice_id: str, version: str | None, user: str = LOCAL_USER) -> None:
        """Choose the version that speaks when none is named; None: always the newest."""
        self._registry.set_default(user, voice_id, version)

    def delete_version(self, voice_id: str, version: str, user: str = LOCAL_USER) -> None:
        self._registry.delete_version(user, voice_id, version)
        self._forget(user, voice_id)

    def sample(self, voice_id: str, version: str | None = None, user: str = LOCAL_USER) -> bytes:
        """The WAV file of the sentence that the version said when it was made."""
        card = self._registry.card(user, voice_id)
        return self._registry.read_file(user, voice_id, version or card.default_version, versions.SAMPLE)

    def rename_voice(self, voice_id: str, name: str, user: str = LOCAL_USER) -> None:
        self._registry.rename(user, voice_id, name)

    def delete_voice(self, voice_id: str, user: str = LOCAL_USER) -> None:
        """Remove a voice with its versions, recordings, samples, jobs and their slices.

        ``RefusedError`` while a stored mix contains it, ``BusyError`` while it is being trained.
        """
        self._eraser.delete(user, voice_id)
        self._forget(user, voice_id)

    def destroy_voice(self, voice_id: str, user: str = LOCAL_USER, *, mixes: bool = False) -> Scan:
        """Delete a voice and every sound in the pages' cache, keep a receipt, and look whether anything is left.

        ``mixes``: destroy the stored mixes that contain it too; without it they stand in the way (``RefusedError``).
        """
        for each in self._eraser.destroy(user, voice_id, mixes=mixes).ids:
            self._forget(user, each)
        return self.verify_destroyed(voice_id, user)

    def verify_destroyed(self, voice_id: str, user: str = LOCAL_USER) -> Scan:
        """Look through the whole data folder for anything of a voice that was destroyed."""
        return self._eraser.verify(user, voice_id)

    def freeze_voice(self, voice_id: str, user: str = LOCAL_USER) -> None:
        """Nothing may change, retrain or delete the voice until it is unfrozen; its sound stays as it is."""
        self._registry.freeze(user, voice_id)

    def unfreeze_voice(self, voice_id: str, user: str = LOCAL_USER) -> None:
        self._registry.unfreeze(user, voice_id)

    def journal(self, user: str = LOCAL_USER, voice_id: str | None = None) -> list[Entry]:
        """What was done with the user's voices, or with one, oldest first. ``InputError`` when it was tampered with."""
        return self._registry.journal(user).entries(voice_id)

    def verify(self, user: str = LOCAL_USER) -> list[str]:
        """Compare every file of the user's voices with its hash; one sentence per problem."""
        return self._registry.verify(user)

    # ------------------------------------------------------------------------------------------------------ sharing

    def public_key(self, user: str = LOCAL_USER) -> str:
        """What friends need to encrypt a voice file for this user ("age1...")."""
        return self._registry.identity(user).recipient

    def export_voice(
        self,
        voice_id: str,
        *,
        version: str | None = None,
        passphrase: str = "",
        recipient: str = "",
        terms: Terms | None = None,
        user: str = LOCAL_USER,
    ) -> bytes:
        """A voice as one encrypted, signed file (.gsvoice), for a passphrase or for a friend's public key."""
        return self._registry.export(
            user, voice_id, version, passphrase=passphrase, recipient=recipient, terms=terms
        )

    def import_voice(self, data: bytes, *, passphrase: str = "", name: str = "", user: str = LOCAL_USER) -> str:
        """Store the voice of a .gsvoice file; returns its new id. Its terms hold from now on."""
        return self._registry.take_in(user, data, passphrase=passphrase, name=name, find_base=self._intake.find_base)

    # ----------------------------------------------------------------------------------------------------- training

    def create_voice(
        self,
        name: str,
        recording: Path,
        *,
        script: str = "",
        language: str = "auto",
        consent: Consent,
        user: str = LOCAL_USER,
        base: str = DEFAULT_BASE,
        max_steps: int | None = None,
    ) -> str:
        """Queue the training of a new voice and return the job's id.

        Everything that can be refused is refused before anything is stored: name, consent, base, and a recording that
        is unreadable, too short, too long or without speech. ``script`` is what was read; it is needed unless the
        recording can be transcribed.
        """
        return self._intake.add(new_id("v"), name, recording, script, language, consent, user, base, max_steps).id

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
    ) -> str:
        """Queue the training of a further version of a voice from a new recording; returns the job's id."""
        card = self._retrainable(voice_id, user)
        return self._intake.add(
            voice_id, card.name, recording, script, language, consent, user, card.base, max_steps
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
        base: str = DEFAULT_BASE,
        max_steps: int | None = None,
        again: str = "",
        on_event: EventSink = ignore,
        on_progress: Callable[[JobState], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> str:
        """The same job, run in the calling process; waits while another one trains. Returns the voice's id.

        ``again``: id of a voice that gets a further version; its name and base stay. If the process is killed, the
        worker of the data folder finishes the job.
        """
        cancel = cancel or CancelToken()
        if again:
            card = self._retrainable(again, user)
            name, base = card.name, card.base
        with self._turn(cancel, on_event):
            voice_id = again or new_id("v")
            job = self._intake.add(voice_id, name, recording, script, language, consent, user, base, max_steps)
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

    def reference_voice(
        self, clip: Path, transcript: str = "", language: str = "auto", base: str = DEFAULT_BASE
    ) -> Voice:
        """A voice straight from a clip of a few seconds, without training; it is not stored."""
        from gpt_sovits.audio import read_audio
        from gpt_sovits.enrol import enrol

        audio = read_audio(clip, max_seconds=MAX_CLIP_SECONDS)
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

        Unknown voices and unspeakable texts raise here, before anything is computed.
        """
        chosen = self._as_voice(voice, user)
        chosen.terms.require("speak", chosen.name)
        pieces = self._synthesizer.speak(
            chosen, text, language=language, speed=speed, pause=pause, seed=seed, cancel=cancel
        )
        parents = [str(parent["voice"]) for parent in chosen.made_by.get("parents", ())]
        for voice_id in [chosen.id] if chosen.id else dict.fromkeys(filter(None, parents)):
            self._registry.journal(user).add("spoke", voice_id, characters=len(text))
        return pieces

    def mix(
        self, a: Voice | str, b: Voice | str, ratio: float, user: str = LOCAL_USER, *, manner: float | None = None
    ) -> Voice:
        """The voice between two voices of one base: 0 is ``a``, 1 is ``b``. It is not stored."""
        from gpt_sovits.registry.mix import mix

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

    # ------------------------------------------------------------------------------------------------------ private

    @property
    def _synthesizer(self) -> Synthesizer:
        with self._lock:
            if self._given_synthesizer is None:
                from gpt_sovits.bases import load_base
                from gpt_sovits.synthesis import Synthesizer
                from gpt_sovits.training.job import limit_threads

                limit_threads(self.settings)
                self._given_synthesizer = Synthesizer(partial(load_base, settings=self.settings))
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
        with self._lock:
            for key in [key for key in self._loaded if key[:2] == (user, voice_id)]:
                del self._loaded[key]
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
        from gpt_sovits.training.job import real_parts
        from gpt_sovits.training.worker import run_claimed

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
