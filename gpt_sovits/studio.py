"""The studio: the one object that a program needs. It composes the services; they are in ``services``.

with Studio(Settings.load()) as studio:
    voice = studio.voices.find("My voice")
    for piece in studio.speech.speak("Good morning!", voice.id):
        ...
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_sovits.services.core import Core
from gpt_sovits.services.jobs import JobService
from gpt_sovits.services.models import ModelService
from gpt_sovits.services.session import Session
from gpt_sovits.services.speech import SpeechService
from gpt_sovits.services.users import UserService
from gpt_sovits.services.voices import VoiceService
from gpt_sovits.settings import Settings
from gpt_sovits.storage.word_lists import WordList
from gpt_sovits.voices.ids import LOCAL_USER

if TYPE_CHECKING:
    from gpt_sovits.jobs.run import Parts
    from gpt_sovits.synthesis import Synthesizer


class Studio:
    """Everything that a person can do with voices. ``session`` is for one user; the services here are the local user's.

    The keyword arguments replace the real steps in tests: ``synthesizer`` speaks, ``parts`` train, ``check_recording``
    raises for a recording that cannot be used, ``find_base`` raises for a base that is not installed.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        synthesizer: Synthesizer | None = None,
        parts: Callable[[Settings], Parts] | None = None,
        check_recording: Callable[[Path], object] | None = None,
        find_base: Callable[[str], object] | None = None,
    ) -> None:
        self.core = Core(
            settings or Settings.load(),
            synthesizer=synthesizer,
            parts=parts,
            check_recording=check_recording,
            find_base=find_base,
        )
        self._local = self.session()

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *error: object) -> None:
        self.core.close()

    @property
    def settings(self) -> Settings:
        return self.core.settings

    def session(self, user: str = LOCAL_USER) -> Session:
        """The services as ``user`` sees them; without accounts everybody is the local user."""
        return Session(self.core, user)

    @property
    def voices(self) -> VoiceService:
        return self._local.voices

    @property
    def speech(self) -> SpeechService:
        return self._local.speech

    @property
    def jobs(self) -> JobService:
        return self._local.jobs

    @property
    def lexicon(self) -> WordList:
        return self._local.lexicon

    @property
    def models(self) -> ModelService:
        return self._local.models

    @property
    def users(self) -> UserService:
        return self._local.users
