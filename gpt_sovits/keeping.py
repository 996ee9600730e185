"""What belongs to owning voices: find, hear, name, pin, freeze, share, delete and destroy them.

The half of the studio that neither speaks nor trains; ``studio.Studio`` stands on it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.jobs.store import open_store
from gpt_sovits.services.eraser import Eraser
from gpt_sovits.settings import Settings
from gpt_sovits.storage import versions
from gpt_sovits.storage.backup import Restored
from gpt_sovits.storage.erase import Scan
from gpt_sovits.storage.journal import Entry
from gpt_sovits.storage.registry import Registry
from gpt_sovits.storage.starters import Starters
from gpt_sovits.voices.ids import LOCAL_USER
from gpt_sovits.voices.manifest import VersionCard, VoiceCard
from gpt_sovits.voices.terms import Terms
from gpt_sovits.voices.voice import Voice

_KEPT_VOICES = 8  # loaded voices that stay in memory; each is a delta of some megabytes


class Keeping:
    """The voices of a data folder, for any number of users. ``find_base`` raises for a base that is not installed."""

    def __init__(self, settings: Settings, find_base: Callable[[str], object]) -> None:
        self.settings = settings
        self._registry = Registry(settings.registry_dir)
        self.starters = Starters(settings.bundled_models, settings.registry_dir)
        self._store = open_store(settings)
        self._eraser = Eraser(settings, self._registry, self._store)
        self._find_base = find_base
        self._lock = threading.RLock()
        self._loaded: OrderedDict[tuple[str, str, str], Voice] = OrderedDict()
        self._registry.keys.on_lock = self._locked_again

    # ------------------------------------------------------------------------------------------------------- voices

    def voices(self, user: str = LOCAL_USER) -> list[VoiceCard]:
        """The user's voices by name, without loading any."""
        return self._registry.cards(user)

    def find_voice(self, name_or_id: str, user: str = LOCAL_USER) -> VoiceCard:
        """The voice with this id, or the only one with this name (case does not count).

        An invented voice (``starters``) is found where the user has none of that name.
        """
        cards = self.voices(user)
        found = [card for card in cards if card.id == name_or_id]
        wanted = name_or_id.strip().casefold()
        found = found or [card for card in cards if card.name.casefold() == wanted]
        found = found or [c for c in self.starters.cards(user) if c.id == name_or_id or c.name.casefold() == wanted]
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
        """A stored voice as a value: its pinned or newest version, or the one named. ``MissingError`` without it.

        An invented voice has one version only.
        """
        if self.starters.holds(voice_id):
            return self.starters.load(voice_id)
        card = self._registry.card(user, voice_id)
        wanted = version or card.default_version
        if not self._registry.has_version(user, voice_id, wanted):
            raise MissingError(f"The voice {card.name!r} has no version {wanted}.", "Choose one from its list.")
        self._registry.data_key(user, voice_id)  # refuses while it is locked, though it may still be in memory
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
        card.terms.require("speak", card.name)
        return self._registry.read_file(user, voice_id, version or card.default_version, versions.SAMPLE)

    def rename_voice(self, voice_id: str, name: str, user: str = LOCAL_USER) -> None:
        self._registry.rename(user, voice_id, name)

    def delete_voice(self, voice_id: str, user: str = LOCAL_USER) -> None:
        """Remove a voice with its versions, recordings, samples, jobs and their slices.

        ``RefusedError`` while a stored mix contains it, ``BusyError`` while it is being trained. An invented voice is
        only hidden from this user.
        """
        if self.starters.holds(voice_id):
            return self.starters.hide(user, voice_id)
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

    def freeze_voice(self, voice_id: str, user: str = LOCAL_USER, *, passphrase: str = "") -> None:
        """Nothing may change, retrain or delete the voice until it is unfrozen; its sound stays as it is.

        A user without a password chooses a ``passphrase`` here, which unfreezing will ask for.
        """
        self._registry.freeze(user, voice_id, passphrase)

    def unfreeze_voice(self, voice_id: str, user: str = LOCAL_USER, *, secret: str = "") -> None:
        """``secret``: the passphrase that was chosen at freezing, or the account's password."""
        self._registry.unfreeze(user, voice_id, secret)

    # ------------------------------------------------------------------------------------------------------ locking

    def lock_voice(self, voice_id: str, passphrase: str, user: str = LOCAL_USER) -> list[str]:
        """Nothing of the voice can be read from the disk without ``passphrase``, and nobody can help who loses it.

        Returns the names of stored mixes that contain a part of it and are not locked.
        """
        self._registry.check_lockable(user, voice_id, passphrase)
        self._eraser.clear_for_lock(user, voice_id)
        self._registry.lock(user, voice_id, passphrase)
        self._locked_again(user, voice_id)
        return [card.name for card in self._registry.mixes_of(user, voice_id) if not card.locked]

    def unlock_voice(self, voice_id: str, passphrase: str, user: str = LOCAL_USER) -> None:
        """Open a locked voice in memory, until it was not used for a quarter of an hour or the program ends."""
        self._registry.unlock(user, voice_id, passphrase)

    def relock_voice(self, voice_id: str, user: str = LOCAL_USER) -> None:
        """Close an unlocked voice now."""
        self._registry.relock(user, voice_id)

    def remove_lock(self, voice_id: str, passphrase: str, user: str = LOCAL_USER) -> None:
        """Let the voice be used without a passphrase from now on."""
        self._registry.remove_lock(user, voice_id, passphrase)

    def is_open(self, voice_id: str, user: str = LOCAL_USER) -> bool:
        """Whether the voice can speak now: it is not locked, or unlocked in this program."""
        return self.starters.holds(voice_id) or self._registry.is_open(user, voice_id)

    def _locked_again(self, user: str, voice_id: str) -> None:
        """Drop what came from an unlocked voice: its weights in memory, and the sounds in the pages' cache."""
        self._forget(user, voice_id)
        self._eraser.sweep_sounds(user)

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
        return self._registry.export(user, voice_id, version, passphrase=passphrase, recipient=recipient, terms=terms)

    def import_voice(self, data: bytes, *, passphrase: str = "", name: str = "", user: str = LOCAL_USER) -> str:
        """Store the voice of a .gsvoice file; returns its new id. Its terms hold from now on."""
        return self._registry.take_in(user, data, passphrase=passphrase, name=name, find_base=self._find_base)

    # --------------------------------------------------------------------------------------------- backup and users

    def backup(self, out: Path, passphrase: str, user: str | None = None) -> int:
        """Write all voices of all users, or of one, to one encrypted file; returns how many voices are in it."""
        return self._registry.backup(out, passphrase, user)

    def restore(self, source: Path, passphrase: str, into: str | None = None) -> Restored:
        """Bring back what a backup holds and is not here; nothing here is replaced. ``into``: the user who gets it."""
        return self._registry.restore(source, passphrase, into)

    def back_up_mine(self, out: Path, passphrase: str, user: str = LOCAL_USER) -> int:
        """``backup`` of one user's voices, for that user."""
        return self.backup(out, passphrase, user)

    def restore_mine(self, source: Path, passphrase: str, user: str = LOCAL_USER) -> Restored:
        """``restore`` of one user's backup, for that user, whoever's it was."""
        return self.restore(source, passphrase, user)

    def users(self) -> list[str]:
        """Who has an account; nobody in the usual case of one person."""
        return self._registry.accounts.names()

    def add_user(self, name: str, password: str) -> None:
        self._registry.accounts.add(name, password)

    def set_password(self, name: str, password: str) -> None:
        self._registry.accounts.set_password(name, password)

    def remove_user(self, name: str, *, frozen: bool = False) -> None:
        """Remove an account with all its voices, for good. ``frozen``: those that are frozen too (``RefusedError``)."""
        self._eraser.remove_user(name, frozen=frozen)

    def account_mark(self, name: str) -> str:
        """Something that changes whenever the password does; "" without an account."""
        return self._registry.accounts.mark(name)

    def sign_in(self, name: str, password: str) -> str:
        """The user's name; ``RefusedError`` when name or password is wrong, ``BusyError`` after too many tries."""
        return self._registry.accounts.verify(name, password)

    # ------------------------------------------------------------------------------------------------------ private

    def _forget(self, user: str, voice_id: str) -> None:
        """Drop what is kept of a voice in memory."""
        with self._lock:
            for key in [key for key in self._loaded if key[:2] == (user, voice_id)]:
                del self._loaded[key]
