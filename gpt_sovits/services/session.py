"""Who asks, and what they can ask for: every page, route and command works through one of these."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from gpt_sovits.services.core import Core
from gpt_sovits.services.desk import Desk
from gpt_sovits.services.house import House
from gpt_sovits.services.jobs import JobService
from gpt_sovits.services.models import ModelService
from gpt_sovits.services.speech import SpeechService
from gpt_sovits.services.tokens import TokenService
from gpt_sovits.services.users import UserService
from gpt_sovits.services.voices import VoiceService
from gpt_sovits.storage.word_lists import WordList
from gpt_sovits.voices.ids import check_user

if TYPE_CHECKING:
    from gpt_sovits.services.bookshelf import Bookshelf
    from gpt_sovits.services.narration import NarrationService
    from gpt_sovits.services.takes import TakeService


class Session:
    """The services as ``user`` sees them. Cheap to make: one per request."""

    def __init__(self, core: Core, user: str) -> None:
        self._core = core
        self.user = check_user(user)

    @cached_property
    def voices(self) -> VoiceService:
        return VoiceService(self._core, self.user)

    @cached_property
    def speech(self) -> SpeechService:
        return SpeechService(self._core, self.user)

    @cached_property
    def narration(self) -> NarrationService:
        from gpt_sovits.services.narration import NarrationService

        return NarrationService(self._core, self.user)

    @cached_property
    def books(self) -> Bookshelf:
        from gpt_sovits.services.bookshelf import Bookshelf

        return Bookshelf(self._core, self.user)

    @cached_property
    def jobs(self) -> JobService:
        return JobService(self._core, self.user)

    @cached_property
    def takes(self) -> TakeService:
        from gpt_sovits.services.takes import TakeService

        return TakeService(self._core, self.user)

    @cached_property
    def house(self) -> House:
        return House(self._core, self.user)

    @cached_property
    def desk(self) -> Desk:
        return Desk(self._core, self.user)

    @cached_property
    def lexicon(self) -> WordList:
        return self._core.word_lists.of(self.user)

    @cached_property
    def tokens(self) -> TokenService:
        return TokenService(self._core, self.user)

    @property
    def models(self) -> ModelService:
        """The machine's, the same for everybody."""
        return self._core.models

    @cached_property
    def users(self) -> UserService:
        """The machine's, for its owner."""
        return UserService(self._core)
