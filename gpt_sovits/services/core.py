"""What the services of all users share: one registry, one store of jobs, one synthesizer, one memory of loaded voices.

Making it is instant; torch and the networks are imported when something speaks or trains.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.jobs.store import open_store
from gpt_sovits.jobs.submission import Submission
from gpt_sovits.memory import Heap
from gpt_sovits.services.eraser import Eraser
from gpt_sovits.services.lines import LineCache
from gpt_sovits.services.models import ModelService
from gpt_sovits.settings import Settings
from gpt_sovits.storage.registry import Registry
from gpt_sovits.storage.starters import Starters
from gpt_sovits.storage.tokens import Tokens
from gpt_sovits.storage.word_lists import WordLists
from gpt_sovits.text.g2pw import InstalledG2PW
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from gpt_sovits.jobs.run import Parts
    from gpt_sovits.synthesis import Synthesizer

_KEPT_VOICES = 8  # loaded voices that stay in memory; each is a delta of some megabytes


class Core:
    """The shared half of a data folder's services. The keyword arguments are those of ``studio.Studio``."""

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
        self.registry = Registry(settings.registry_dir)
        self.starters = Starters(settings.bundled_models, settings.registry_dir)
        self.store = open_store(settings)
        self.eraser = Eraser(settings, self.registry, self.store)
        self.submission = Submission(settings, self.store, check_recording=check_recording, find_base=find_base)
        self.models = ModelService(settings)
        self.word_lists = WordLists(settings.registry_dir)
        self.tokens = Tokens(settings.registry_dir)
        self.polyphones = InstalledG2PW((settings.models_dir, settings.bundled_models))
        self.reviewing = threading.RLock()
        self.handing_in = threading.RLock()
        self.heard = LineCache()
        self.heap = Heap()
        self._parts = parts
        self._lock = threading.RLock()
        self._synthesizer = synthesizer
        self._loaded: OrderedDict[tuple[str, str, str], Voice] = OrderedDict()
        self.registry.keys.on_lock = self.close_voice

    @property
    def synthesizer(self) -> Synthesizer:
        """What speaks; made when it is first asked for."""
        with self._lock:
            if self._synthesizer is None:
                from gpt_sovits.families.base import load_base
                from gpt_sovits.jobs.run import limit_threads
                from gpt_sovits.synthesis import Synthesizer

                limit_threads(self.settings)
                _check_device(self.settings.device)
                self._synthesizer = Synthesizer(
                    partial(load_base, settings=self.settings), polyphones=self.polyphones.get
                )
            return self._synthesizer

    @property
    def parts(self) -> Callable[[Settings], Parts]:
        """The steps of a training."""
        from gpt_sovits.jobs.run import real_parts

        return self._parts or real_parts

    def base(self, name: str) -> Any:
        """The loaded base ``name``."""
        return self.synthesizer.base(name)

    def voice(self, user: str, voice_id: str, version: str | None = None) -> Voice:
        """A stored voice as a value: its pinned or newest version, or the one named. ``MissingError`` without it.

        An invented voice has one version only.
        """
        if self.starters.holds(voice_id):
            card = self.starters.card(voice_id)
            if version and version != card.default_version:
                raise MissingError(f"The voice {card.name!r} has no version {version}.", "Choose one from its list.")
            return self._kept(("", voice_id, ""), "", partial(self.starters.load, voice_id))
        self.registry.ask(user, voice_id, "speak")  # though it may still be in memory
        card = self.registry.card(user, voice_id)
        wanted = version or card.default_version
        if not self.registry.has_version(user, voice_id, wanted):
            raise MissingError(f"The voice {card.name!r} has no version {wanted}.", "Choose one from its list.")
        self.registry.data_key(user, voice_id)  # that counts as use
        return self._kept((user, voice_id, wanted), card.name, partial(self.registry.load, user, voice_id, wanted))

    def _kept(self, key: tuple[str, str, str], name: str, load: Callable[[], Voice]) -> Voice:
        """A voice that is in memory already, unless it got another name meanwhile, or as ``load`` gives it."""
        with self._lock:
            voice = self._loaded.get(key)
            if voice is None or (name and voice.name != name):
                voice = self._loaded[key] = load()
            self._loaded.move_to_end(key)
            while len(self._loaded) > _KEPT_VOICES:
                self._loaded.popitem(last=False)
        return voice

    def holds(self, voice_id: str) -> bool:
        """Whether any version of the voice is in memory."""
        with self._lock:
            return any(key[1] == voice_id for key in self._loaded)

    def forget(self, user: str, voice_id: str) -> None:
        """Drop what is kept of a voice in memory, and its sounds."""
        self.heard.forget(voice_id)
        with self._lock:
            for key in [key for key in self._loaded if key[:2] == (user, voice_id)]:
                del self._loaded[key]
            if self._synthesizer is not None:
                self._synthesizer.forget(voice_id)

    def close(self) -> None:
        """Give back the memory of loaded voices and models, and lock what was unlocked; it can be used again."""
        with self._lock:
            for user, voice_id, _ in list(self._loaded):
                self.registry.keys.drop(user, voice_id)
            self._loaded.clear()
            self._synthesizer = None

    def close_voice(self, user: str, voice_id: str) -> None:
        """Drop what came from an unlocked voice: its weights in memory, and the sounds in the pages' cache."""
        self.forget(user, voice_id)
        self.eraser.sweep_sounds(user)


def _check_device(device: str) -> None:
    """``InputError`` unless this computer has what the settings name; imports torch."""
    import torch

    missing = (device.startswith("cuda") and not torch.cuda.is_available()) or (
        device == "mps" and not torch.backends.mps.is_available()
    )
    if missing:
        raise InputError(f"This computer has no {device}.", "Leave GPT_SOVITS_DEVICE empty, or set it to cpu.")
