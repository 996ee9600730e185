"""Voices to begin with: invented speakers that come beside a base, so that something speaks before anybody recorded.

    <bundled models>/<base>/voices/<voice>/{voice.json, versions/<version>/{version.json, reference, delta}}
    <registry>/users/<user>/hidden.json    the invented voices that this user deleted or hid

They are nobody's and lie there plain, in the registry's own format, the same for every user. They can be spoken with
and mixed; who deletes one only hides it, since the next user has it too. Nothing else can be done with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpt_sovits import files
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.storage import versions
from gpt_sovits.voices.ids import check_id, check_user, is_id
from gpt_sovits.voices.manifest import VersionManifest, VoiceCard, VoiceManifest, card, read_version, read_voice
from gpt_sovits.voices.voice import Voice

KIND = "invented"
HIDDEN = "hidden.json"
FOLDER = "voices"  # beside a base


@dataclass(frozen=True)
class Starters:
    """The invented voices of every base in ``bundled``, and what users of the registry ``root`` hid of them."""

    bundled: Path
    root: Path

    def holds(self, voice_id: str) -> bool:
        """Whether this is the id of an invented voice, hidden or not."""
        return self._find(voice_id) is not None

    def cards(self, user: str) -> list[VoiceCard]:
        """The invented voices that ``user`` has not hidden, by name; one that is damaged is left out."""
        hidden, found = self.hidden(user), []
        for folder in sorted(self.bundled.glob(f"*/{FOLDER}/*")):
            if not is_id(folder.name) or folder.name in hidden:
                continue
            try:
                found.append(self._card(folder))
            except (InputError, MissingError):
                continue  # a broken download must not keep anybody from the voices of their own
        return sorted(found, key=lambda each: (each.name.casefold(), each.id))

    def card(self, voice_id: str) -> VoiceCard:
        """The card of one, hidden or not; ``MissingError`` when there is none."""
        return self._card(self._folder(voice_id))

    def load(self, voice_id: str) -> Voice:
        """An invented voice as a value, its files compared with their hashes."""
        folder = self._folder(voice_id)
        return versions.load(folder / "versions" / _version(folder).id, read_voice(folder))

    def hidden(self, user: str) -> frozenset[str]:
        """Ids that ``user`` hid; a damaged list hides nothing."""
        path = self._list(user)
        try:
            value = files.read_json(path) if path.is_file() else {}
        except InputError:
            return frozenset()
        found = value.get("voices")
        return frozenset(each for each in found if is_id(each)) if isinstance(found, list) else frozenset()

    def hide(self, user: str, voice_id: str) -> None:
        """Offer this one to ``user`` no more; ``MissingError`` when there is none."""
        self._folder(voice_id)
        self._keep(user, self.hidden(user) | {voice_id})

    def show(self, user: str, voice_id: str) -> None:
        """Offer this one to ``user`` again."""
        self._keep(user, self.hidden(user) - {voice_id})

    def show_all(self, user: str) -> None:
        """Offer all of them to ``user`` again."""
        self._keep(user, frozenset())

    def hide_all(self, user: str) -> None:
        """Offer none of them to ``user``."""
        self._keep(user, self.hidden(user) | {each.id for each in self.cards(user)})

    # ------------------------------------------------------------------------------------------------------- private

    def _list(self, user: str) -> Path:
        return self.root / "users" / check_user(user) / HIDDEN

    def _keep(self, user: str, hidden: frozenset[str]) -> None:
        files.make_private(self._list(user).parent)
        files.write_json(self._list(user), {"voices": sorted(hidden)})

    def _find(self, voice_id: str) -> Path | None:
        if not is_id(voice_id):
            return None
        return next((path for path in self.bundled.glob(f"*/{FOLDER}/{voice_id}") if path.is_dir()), None)

    def _folder(self, voice_id: str) -> Path:
        found = self._find(check_id(voice_id))
        if found is None:
            raise MissingError(f"There is no voice {voice_id}.", "Choose one from the list of voices.")
        return found

    def _card(self, folder: Path) -> VoiceCard:
        return card(read_voice(folder), [_version(folder)])


def refuse(voice: VoiceCard | VoiceManifest) -> InputError:
    """What to raise for everything that only a person's own voice can do."""
    return InputError(
        f"{voice.name!r} is an invented voice that comes with the program.",
        "It can speak, be mixed and be deleted. Train or mix a voice of your own for anything else.",
    )


def _version(folder: Path) -> VersionManifest:
    names = [path.name for path in sorted((folder / "versions").glob("*")) if is_id(path.name)]
    if len(names) != 1:
        raise InputError(f"The voice {folder.name} is damaged.", "Install the program again.")
    return read_version(folder / "versions" / names[0])
