"""Deleting a voice for good: its versions, its jobs with their slices, and copies of its files in the pages' cache."""

from __future__ import annotations

from gpt_sovits.errors import BusyError
from gpt_sovits.registry import erase, sounds
from gpt_sovits.registry.consent import now
from gpt_sovits.registry.files import erase_tree, sweep
from gpt_sovits.registry.store import Registry
from gpt_sovits.settings import Settings
from gpt_sovits.training.drafts import erase_drafts
from gpt_sovits.training.queue import JobStore


class Eraser:
    """Removes voices and jobs of a data folder, and looks for what might be left."""

    def __init__(self, settings: Settings, registry: Registry, store: JobStore) -> None:
        self._settings = settings
        self._registry = registry
        self._store = store

    def delete(self, user: str, voice_id: str, *, mixes: bool = False) -> erase.Receipt:
        """Remove a voice, with ``mixes`` also the stored mixes that contain it; says what was removed.

        ``RefusedError`` when it is frozen or a mix stands in the way, ``BusyError`` while it is being trained.
        """
        doomed = [voice_id, *(self._mixes_with(user, voice_id) if mixes else [])]
        jobs = [job for each in doomed for job in self._store.states(user, each)]
        if any(job.active for job in jobs):
            raise BusyError("This voice is being trained.", "Stop the training first.")
        ids, contents = list(doomed), []
        for each in doomed:
            self._registry.check_changeable(user, each, to="delete")
            ids += [version.id for version in self._registry.versions(user, each)]
            contents += self._registry.contents_of(user, each)
        for job in jobs:
            ids.append(job.id)
            folder = self._store.work_dir(job.id)
            contents += [erase.of_file(path) for path in folder.rglob("*") if path.is_file()]
        receipt = erase.receipt(voice_id, now(), ids, contents, doomed[1:])
        for each in reversed(doomed):
            self._registry.delete(user, each)
        for job in jobs:
            self.delete_job(job.id)
        erase_drafts(self._settings, user, receipt.files)
        for folder in self._settings.cache_dir.glob("browser-*"):
            erase.remove_copies(folder, receipt.files)
        return receipt

    def destroy(self, user: str, voice_id: str, *, mixes: bool = False) -> erase.Receipt:
        """``delete``, then remove every sound that the pages keep for the user, and keep the receipt."""
        receipt = self.delete(user, voice_id, mixes=mixes)
        self.sweep_sounds(user)
        erase.save(self._registry.receipts(user), receipt)
        return receipt

    def verify(self, user: str, voice_id: str) -> erase.Scan:
        """Look through the whole data folder for anything of a destroyed voice, and into the user's other voices."""
        receipt = erase.load(self._registry.receipts(user), voice_id)
        names = {"journal.jsonl", *(f"{each}.json" for each in (voice_id, *receipt.mixes))}
        others = [
            (f"inside the voice {card.name!r} ({card.id})", content)
            for card in self._registry.cards(user)
            if self._registry.is_open(user, card.id)
            for content in self._registry.contents_of(user, card.id)
        ]
        return erase.scan([self._settings.data_dir], receipt, known=frozenset(names), contents=others)

    def sweep_sounds(self, user: str) -> None:
        """Remove every sound that the pages made or received for the user; all of them where nobody signs in."""
        several = bool(self._registry.accounts.names())
        for folder in self._settings.cache_dir.glob("browser-*"):
            if several:
                sounds.sweep(folder, user)
            else:
                sweep(folder)

    def remove_user(self, user: str) -> None:
        """Remove a user with all voices, jobs and sounds; ``BusyError`` while one of the voices is being trained."""
        jobs = self._store.states(user)
        if any(job.active for job in jobs):
            raise BusyError("A voice of this user is being trained.", "Stop the training first.")
        self._registry.remove_user(user)
        for job in jobs:
            self.delete_job(job.id)
        erase_drafts(self._settings, user)
        self.sweep_sounds(user)

    def delete_job(self, job_id: str) -> None:
        """Overwrite and remove a job's folder, and its words from the store."""
        erase_tree(self._store.work_dir(job_id), overwrite=True)
        self._store.delete(job_id)

    def _mixes_with(self, user: str, voice_id: str) -> list[str]:
        """Stored mixes that contain a voice, and mixes of those, each after all that it is made of."""
        found: list[str] = []
        for card in self._registry.mixes_of(user, voice_id):
            deeper = [card.id, *self._mixes_with(user, card.id)]
            found = [each for each in found if each not in deeper] + deeper
        return found
