"""Deleting a voice for good: its versions, its jobs with their slices, and copies of its files in the pages' cache."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from gpt_sovits.errors import BusyError, RefusedError
from gpt_sovits.files import erase_tree, sweep
from gpt_sovits.jobs.intake import erase_intake
from gpt_sovits.jobs.review import erase_drafts
from gpt_sovits.jobs.store import JobState, JobStore
from gpt_sovits.settings import Settings
from gpt_sovits.storage import erase, sounds
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.consent import now


class Eraser:
    """Removes voices and jobs of a data folder, and looks for what might be left."""

    def __init__(self, settings: Settings, registry: Registry, store: JobStore) -> None:
        self._settings = settings
        self._registry = registry
        self._store = store

    def delete(self, user: str, voice_id: str) -> None:
        """Remove a voice with its jobs, and what the drafts and the pages keep of its files.

        ``RefusedError`` when it is frozen or a mix stands in the way, ``BusyError`` while it is being trained. The
        voice itself goes last: whatever stops this half way, it is still there to be deleted.
        """
        with self._store.room():
            jobs = self._idle(self._store.states(user, voice_id))
            self._registry.check_removable(user, [voice_id])
            receipt = self._receipt(user, [voice_id], jobs)
            self._clear(user, receipt, jobs)
            self._registry.delete(user, voice_id)

    def destroy(self, user: str, voice_id: str, *, mixes: bool = False) -> erase.Receipt:
        """``delete``, with ``mixes`` also the stored mixes that contain it; says what was removed, and keeps that.

        Ended jobs on the same recording go too, and every sound that the pages keep for the user.
        """
        with self._store.room():
            doomed = [voice_id, *(self._mixes_with(user, voice_id) if mixes else [])]
            recordings = {digest for each in doomed for digest in self._registry.recordings(user, each)}
            jobs = self._idle([job for job in self._store.states(user) if self._is_of(job, doomed, recordings)])
            self._registry.check_removable(user, doomed, edited=True)
            cut_short = erase.find(self._registry.receipts(user), voice_id)
            receipt = self._receipt(user, doomed, jobs, cut_short)
            self._registry.keep_receipt(user, receipt)
            self._clear(user, receipt, jobs)
            self.sweep_sounds(user)
            for each in reversed(doomed):
                self._registry.delete(user, each, edited=True)
            return receipt

    def clear_for_lock(self, user: str, voice_id: str) -> None:
        """Remove what lies open beside a voice that is going to be locked: its jobs' words, drafts of its recordings.

        ``BusyError`` where a training that is not finished needs one of its recordings.
        """
        recordings = self._registry.recordings(user, voice_id)
        jobs = [job for job in self._store.states(user) if self._is_of(job, [voice_id], recordings)]
        if any(job.state != "done" for job in jobs):
            raise BusyError("A training of this voice is not finished.", "Let it end, or delete it under jobs.")
        for job in jobs:
            if job.voice_id == voice_id:
                self.delete_job(job.id)  # its log and request hold what was read
        erase_drafts(self._settings, user, recordings)
        erase_intake(self._settings, user, recordings)

    def verify(self, user: str, voice_id: str) -> erase.Scan:
        """Look through the whole data folder for anything of a destroyed voice, and into the user's other voices."""
        receipt = erase.load(self._registry.receipts(user), voice_id)
        names = {"journal.jsonl", *(f"{each}.json" for each in (voice_id, *receipt.mixes))}
        cards = self._registry.cards(user)
        inside = [
            (f"inside the voice {card.name!r} ({card.id})", content)
            for card in cards
            if self._registry.is_open(user, card.id)
            for content in self._registry.contents_of(user, card.id)
        ]
        scan = erase.scan([self._settings.data_dir], receipt, known=frozenset(names), contents=inside)
        locked = tuple(card.name for card in cards if not self._registry.is_open(user, card.id))
        others = sum(len(self._registry.cards(each)) for each in self._registry.users() if each != user)
        return replace(scan, locked=locked, others=others)

    def sweep_sounds(self, user: str) -> None:
        """Remove every sound that the pages made or received for the user; all of them where nobody signs in."""
        several = bool(self._registry.accounts.names())
        for folder in self._settings.cache_dir.glob("browser-*"):
            if several:
                sounds.sweep(folder, user)
            else:
                sweep(folder)

    def remove_user(self, user: str, *, frozen: bool = False) -> None:
        """Remove a user with all voices, jobs and sounds; ``BusyError`` while one of the voices is being trained.

        ``RefusedError`` where voices are frozen, unless ``frozen`` says that they go too. The account goes last.
        """
        with self._store.room():
            jobs = self._idle(self._store.states(user))
            ids = [card.id for card in self._registry.cards(user)]
            if not frozen:
                try:
                    self._registry.check_removable(user, ids, edited=True)
                except RefusedError as error:
                    raise RefusedError(error.message, "Unfreeze it first, or remove frozen voices too.") from error
            for job in jobs:
                self.delete_job(job.id)
            erase_drafts(self._settings, user)
            erase_intake(self._settings, user)
            self.sweep_sounds(user)
            self._registry.remove_user(user)

    def delete_job(self, job_id: str) -> None:
        """Overwrite and remove a job's folder, and its words from the store."""
        with self._store.room():
            erase_tree(self._store.work_dir(job_id), overwrite=True)
            self._store.delete(job_id)

    def _receipt(
        self, user: str, doomed: list[str], jobs: list[JobState], before: erase.Receipt | None = None
    ) -> erase.Receipt:
        """Fingerprints of all that is stored of voices and jobs."""
        ids = list(doomed)
        contents: list[erase.Content] = []
        blended: list[erase.Content] = []
        parents: set[str] = set()
        for each in doomed:
            ids += self._registry.version_ids(user, each)
            made_of = self._registry.parents_of(user, each)
            (blended if made_of else contents).extend(self._registry.contents_of(user, each))
            parents |= made_of
        staying = [  # what such a voice shares with a mix is of a voice that both were made of
            card.id
            for card in self._registry.cards(user)
            if card.id not in doomed and not parents.isdisjoint({card.id, *card.parents})
        ]
        for job in jobs:
            ids.append(job.id)
            contents += [erase.of_file(path) for path in self._store.work_dir(job.id).rglob("*") if path.is_file()]
        return erase.receipt(
            doomed[0],
            now(),
            ids,
            contents,
            doomed[1:],
            blended=blended,
            kept=[content for each in staying for content in self._registry.contents_of(user, each)],
            before=before,
        )

    def _clear(self, user: str, receipt: erase.Receipt, jobs: list[JobState]) -> None:
        """Remove everything but the voices themselves."""
        for job in jobs:
            self.delete_job(job.id)
        erase_drafts(self._settings, user, receipt.files)
        erase_intake(self._settings, user, receipt.files)
        for folder in self._settings.cache_dir.glob("browser-*"):
            erase.remove_copies(folder, receipt.files)

    @staticmethod
    def _idle(jobs: list[JobState]) -> list[JobState]:
        if any(job.active for job in jobs):
            raise BusyError("This voice is being trained.", "Stop the training first.")
        return jobs

    @staticmethod
    def _is_of(job: JobState, voices: Collection[str], recordings: Collection[str]) -> bool:
        """Whether a job makes one of the voices, or is a try at one of their recordings that made none."""
        return job.voice_id in voices or (job.state != "done" and job.recording in recordings)

    def _mixes_with(self, user: str, voice_id: str, within: tuple[str, ...] = ()) -> list[str]:
        """Stored mixes that contain a voice, and mixes of those, each after all that it is made of."""
        found: list[str] = []
        for card in self._registry.mixes_of(user, voice_id):
            if card.id in (voice_id, *within):
                continue  # an edited manifest may say that voices contain each other
            deeper = [card.id, *self._mixes_with(user, card.id, (voice_id, *within))]
            found = [each for each in found if each not in deeper] + deeper
        return found
