"""The voices of one person: find, hear, name, mix, pin, freeze, lock, share, delete and destroy them."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import Collection, Sequence
from pathlib import Path

from gpt_sovits import files
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.services.core import Core
from gpt_sovits.services.desk import Desk
from gpt_sovits.storage import erase, versions
from gpt_sovits.storage.backup import Restored
from gpt_sovits.storage.erase import Scan
from gpt_sovits.storage.journal import Entry
from gpt_sovits.voices import rights
from gpt_sovits.voices.ids import check_name
from gpt_sovits.voices.manifest import VersionCard, VoiceCard
from gpt_sovits.voices.terms import Terms
from gpt_sovits.voices.voice import Voice

UNDO_SECONDS = 3600.0


class VoiceService:
    """``user``'s voices. Another user's are as if they did not exist: ``MissingError``."""

    def __init__(self, core: Core, user: str) -> None:
        self._core = core
        self._registry = core.registry
        self._user = user

    # ------------------------------------------------------------------------------------------------------- finding

    def list(self) -> list[VoiceCard]:
        """By name, without loading any. Those that were put away long ago are deleted here."""
        cards, away = self._registry.cards(self._user), self._away()
        if not away:
            return cards
        late = [card.id for card in cards if time.time() - away.get(card.id, time.time()) > UNDO_SECONDS]
        for voice_id in late:
            try:
                self.delete(voice_id)
            except VoiceError:  # a mix was made of it meanwhile, or it is learning: it stays
                self.bring_back(voice_id)
        return [card for card in cards if card.id not in away] if not late else self.list()

    def invented(self) -> Sequence[VoiceCard]:
        """The voices that come with the program and that this user has not hidden; ``list`` does not hold them."""
        return self._core.starters.cards(self._user)

    def offer_invented(self, shown: bool) -> None:
        """Offer all of the invented voices from now on, those that were deleted too, or none."""
        if shown:
            self._core.starters.show_all(self._user)
        else:
            self._core.starters.hide_all(self._user)

    def find(self, name_or_id: str, only: Collection[str] | None = None) -> VoiceCard:
        """The voice with this id, or the only one with this name (case does not count).

        An invented voice is found where the user has none of that name. ``only``: ids; the others are as if they did
        not exist.
        """
        cards = [card for card in self.list() if only is None or card.id in only]
        invented = [card for card in self.invented() if only is None or card.id in only]
        found = [card for card in cards if card.id == name_or_id]
        wanted = name_or_id.strip().casefold()
        found = found or [card for card in cards if card.name.casefold() == wanted]
        found = found or [card for card in invented if card.id == name_or_id or card.name.casefold() == wanted]
        if not found:
            known = ", ".join(card.name for card in [*cards[:8], *invented])
            raise MissingError(
                f"There is no voice named {name_or_id!r}.", f"You have: {known}." if known else "Train one first."
            )
        if len(found) > 1:
            raise InputError(
                f"{len(found)} voices are named {name_or_id!r}.", "Use an id: " + ", ".join(c.id for c in found) + "."
            )
        return found[0]

    def load(self, voice_id: str, version: str | None = None) -> Voice:
        """A stored voice as a value: its pinned or newest version, or the one named. ``MissingError`` without it."""
        return self._core.voice(self._user, voice_id, version)

    def sample(self, voice_id: str, version: str | None = None) -> bytes:
        """The WAV file of the sentence that the version said when it was made."""
        card = self._registry.card(self._user, voice_id)
        wanted = version or card.default_version
        return self._registry.read_file(self._user, voice_id, wanted, versions.SAMPLE)

    def statement(self, voice_id: str) -> tuple[str, bytes]:
        """Name and content of the recorded permission of the newest version that has one; else ``MissingError``."""
        for version in reversed(self._registry.versions(self._user, voice_id)):
            name = next((name for name in version.files if name.startswith("statement.")), "")
            if name:
                return name, self._registry.read_file(self._user, voice_id, version.id, name)
        raise MissingError("No permission was recorded.", "It is written down with the voice.")

    def deeds(self, voice_id: str) -> frozenset[str]:
        """Which of ``voices.rights.RULES`` allow what they are about now."""
        allowed = set()
        for deed in rights.RULES:
            try:
                self._registry.ask(self._user, voice_id, deed)
                allowed.add(deed)
            except VoiceError:
                continue
        return frozenset(allowed)

    def size(self, voice_id: str) -> int:
        """Bytes of all that lies with the voice."""
        home = self._registry.home_of(self._user, voice_id)
        return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())

    def mixes_of(self, voice_id: str) -> Sequence[VoiceCard]:
        """Stored mixes that contain this voice."""
        return self._registry.mixes_of(self._user, voice_id)

    def versions(self, voice_id: str) -> tuple[VersionCard, ...]:
        """Oldest first."""
        return self._registry.card(self._user, voice_id).versions

    def journal(self, voice_id: str | None = None) -> Sequence[Entry]:
        """What was done with the voices, or with one, oldest first. ``InputError`` when it was tampered with."""
        return self._registry.journal(self._user).entries(voice_id)

    def verify(self) -> Sequence[str]:
        """Compare every file of the voices with its hash; one sentence per problem."""
        return self._registry.verify(self._user)

    # ------------------------------------------------------------------------------------------------------ changing

    def rename(self, voice_id: str, name: str) -> None:
        self._registry.rename(self._user, voice_id, name)

    def pin(self, voice_id: str, version: str | None) -> None:
        """Choose the version that speaks when none is named; None: always the newest."""
        self._registry.set_default(self._user, voice_id, version)

    def delete_version(self, voice_id: str, version: str) -> None:
        with self._core.store.room():
            self._registry.delete_version(self._user, voice_id, version)
        self._core.forget(self._user, voice_id)

    def delete(self, voice_id: str) -> None:
        """Remove a voice with its versions, recordings, samples, jobs and their slices.

        ``RefusedError`` while a stored mix contains it, ``BusyError`` while it is being trained. An invented voice is
        only hidden from this user.
        """
        if self._core.starters.holds(voice_id):
            return self._core.starters.hide(self._user, voice_id)
        self._core.eraser.delete(self._user, voice_id)
        self._core.forget(self._user, voice_id)

    def put_away(self, voice_id: str) -> None:
        """Like ``delete``, but for an hour ``bring_back`` undoes it; until then ``list`` does not hold the voice."""
        if self._core.starters.holds(voice_id):
            return self._core.starters.hide(self._user, voice_id)
        self._registry.check_removable(self._user, [voice_id])
        self._write_away({**self._away(), voice_id: time.time()})
        self._core.forget(self._user, voice_id)

    def bring_back(self, voice_id: str) -> None:
        """Undo ``put_away``."""
        if self._core.starters.holds(voice_id):
            return self._core.starters.show(self._user, voice_id)
        self._registry.card(self._user, voice_id)
        self._write_away({each: at for each, at in self._away().items() if each != voice_id})

    def put_aside(self) -> Sequence[VoiceCard]:
        """What ``bring_back`` can still bring back."""
        away = self._away()
        return [card for card in self._registry.cards(self._user) if card.id in away]

    def some_hidden(self) -> bool:
        """Whether ``offer_invented`` would bring any back."""
        return bool(self._core.starters.hidden(self._user))

    def _away(self) -> dict[str, float]:
        try:
            return {str(each): float(at) for each, at in files.read_json(self._aside).items()}
        except (MissingError, InputError, TypeError, ValueError):
            return {}

    def _write_away(self, away: dict[str, float]) -> None:
        with files.disk_errors("the voice could not be put away"):
            files.write_json(files.make_private(self._aside.parent) / self._aside.name, away)

    @property
    def _aside(self) -> Path:  # in no backup, which would bring back a voice that is about to go
        return self._core.settings.cache_dir / "put-away" / f"{self._user}.json"

    def receipt(self, voice_id: str) -> erase.Receipt:
        """Of a voice that was destroyed: what was removed."""
        return erase.load(self._registry.receipts(self._user), voice_id)

    def destroy(self, voice_id: str, *, mixes: bool = False) -> Scan:
        """Delete a voice and every sound in the pages' cache, keep a receipt, and look whether anything is left.

        ``mixes``: destroy the stored mixes that contain it too; without it they stand in the way (``RefusedError``).
        """
        from gpt_sovits.services.bookshelf import Bookshelf

        ids = self._core.eraser.destroy(self._user, voice_id, mixes=mixes).ids
        for each in ids:
            self._core.forget(self._user, each)
        Desk(self._core, self._user).forget(ids)
        Bookshelf(self._core, self._user).forget(ids)
        return self.verify_destroyed(voice_id)

    def verify_destroyed(self, voice_id: str) -> Scan:
        """Look through the whole data folder for anything of a voice that was destroyed."""
        return self._core.eraser.verify(self._user, voice_id)

    def freeze(self, voice_id: str, *, passphrase: str = "") -> None:
        """Nothing may change, retrain or delete the voice until it is unfrozen; its sound stays as it is.

        A user without a password chooses a ``passphrase`` here, which unfreezing will ask for.
        """
        self._registry.freeze(self._user, voice_id, passphrase)

    def unfreeze(self, voice_id: str, *, secret: str = "") -> None:
        """``secret``: the passphrase that was chosen at freezing, or the account's password."""
        self._registry.unfreeze(self._user, voice_id, secret)

    # -------------------------------------------------------------------------------------------------------- mixing

    def mix(self, a: Voice | str, b: Voice | str, ratio: float, *, manner: float | None = None) -> Voice:
        """The voice between two voices of one base: 0 is ``a``, 1 is ``b``. It is not stored.

        ``manner``: the ratio of the way of speaking; None: that of the timbre.
        """
        from gpt_sovits.voices.mixing import mix

        return mix(self._as_voice(a), self._as_voice(b), ratio, manner=manner)

    def blend(
        self, voices: Sequence[Voice | str], shares: Sequence[float], *, manners: Sequence[float] | None = None
    ) -> Voice:
        """The mix of two or more voices by their shares of timbre, and by ``manners`` of the way of speaking."""
        from gpt_sovits.voices.mixing import blend

        return blend([self._as_voice(voice) for voice in voices], shares, manners)

    def save(self, mixed: Voice, name: str, *, sample: bytes | None = None) -> str:
        """Store a mix of stored or invented voices, with what it said as a WAV file; returns the new voice's id."""
        held = self._core.starters.holds
        return self._registry.save(self._user, check_name(name), mixed, sample=sample, beside=held)

    # ------------------------------------------------------------------------------------------------------- locking

    def lock(self, voice_id: str, passphrase: str) -> Sequence[str]:
        """Nothing of the voice can be read from the disk without ``passphrase``, and nobody can help who loses it.

        Returns the names of stored mixes that contain a part of it and are not locked.
        """
        self._registry.check_lockable(self._user, voice_id, passphrase)
        self._core.eraser.clear_for_lock(self._user, voice_id)
        self._registry.lock(self._user, voice_id, passphrase)
        self._core.close_voice(self._user, voice_id)
        return [card.name for card in self._registry.mixes_of(self._user, voice_id) if not card.locked]

    def unlock(self, voice_id: str, passphrase: str) -> None:
        """Open a locked voice in memory, until it was not used for a quarter of an hour or the program ends."""
        self._registry.unlock(self._user, voice_id, passphrase)

    def relock(self, voice_id: str) -> None:
        """Close an unlocked voice now."""
        self._registry.relock(self._user, voice_id)

    def remove_lock(self, voice_id: str, passphrase: str) -> None:
        """Let the voice be used without a passphrase from now on."""
        self._registry.remove_lock(self._user, voice_id, passphrase)

    def is_open(self, voice_id: str) -> bool:
        """Whether the voice can speak now: it is not locked, or unlocked in this program."""
        return self._core.starters.holds(voice_id) or self._registry.is_open(self._user, voice_id)

    # ------------------------------------------------------------------------------------------------------- sharing

    def public_key(self) -> str:
        """What friends need to encrypt a voice file for this user ("age1...")."""
        return self._registry.identity(self._user).recipient

    def export_file(
        self,
        voice_id: str,
        *,
        version: str | None = None,
        passphrase: str = "",
        recipient: str = "",
        terms: Terms | None = None,
    ) -> bytes:
        """A voice as one encrypted, signed file (.gsvoice), for a passphrase or for a friend's public key."""
        return self._registry.export(
            self._user, voice_id, version, passphrase=passphrase, recipient=recipient, terms=terms
        )

    def import_file(self, data: bytes, *, passphrase: str = "", name: str = "", costly: bool = False) -> str:
        """Store the voice of a .gsvoice file; returns its new id. Its terms hold from now on.

        ``CostlyError`` where opening it takes much memory, unless ``costly`` allows it.
        """
        find_base = self._core.submission.find_base
        return self._registry.take_in(
            self._user, data, passphrase=passphrase, name=name, find_base=find_base, costly=costly
        )

    def export_for_upstream(self, voice_id: str, folder: Path) -> tuple[Path, Path]:
        """Write a voice as upstream's two files (.pth, .ckpt): not encrypted, without its terms, for anybody to use.

        ``RefusedError`` where its terms forbid passing it on. It is recorded in the journal.
        """
        from gpt_sovits.services.model_files import export_voice

        self._registry.ask(self._user, voice_id, "export")
        voice = self.load(voice_id)
        steps = int(voice.made_by.get("steps", 1))
        written = export_voice(voice.name, voice.base, voice.delta, folder, self._core.settings, steps=steps)
        self._registry.note(self._user, "exported", voice_id, version=voice.version_id, to="upstream's files")
        return written

    def backup(self, out: Path, passphrase: str) -> int:
        """Write all of the user's voices to one encrypted file; returns how many there are."""
        return self._registry.backup(out, passphrase, self._user)

    def restore(self, source: Path, passphrase: str, costly: bool = False) -> Restored:
        """Bring back what a one-user backup holds and is not here, for this user, whoever's it was."""
        return self._registry.restore(source, passphrase, self._user, self._core.submission.find_base, costly)

    def _as_voice(self, voice: Voice | str) -> Voice:
        return self.load(voice) if isinstance(voice, str) else voice


def portrait(wav: bytes) -> list[float]:
    """The picture of a voice from what it said (16-bit WAV): 48 levels from 0 to 1, low tones first."""
    import numpy as np

    from gpt_sovits.audio import Audio
    from gpt_sovits.dataset.picture import portrait as drawn

    try:
        with wave.open(io.BytesIO(wav)) as sound:
            samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
            return drawn(Audio((samples / 32768.0).astype(np.float32), sound.getframerate()))
    except (wave.Error, EOFError, ValueError) as error:
        raise InputError("The sample of the voice is damaged.", "Play it again later.") from error
