"""GPT-SoVITS on your own machine: a local voice-cloning studio."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt_sovits.audio import Audio
    from gpt_sovits.errors import VoiceError
    from gpt_sovits.settings import Settings
    from gpt_sovits.studio import Studio
    from gpt_sovits.synthesis import Speech
    from gpt_sovits.voices.consent import Consent
    from gpt_sovits.voices.voice import Voice

__version__ = "0.1.0"
__all__ = ["Audio", "Consent", "Settings", "Speech", "Studio", "Voice", "VoiceError"]

_HOMES = {
    "Audio": "audio",
    "Consent": "voices.consent",
    "Settings": "settings",
    "Speech": "synthesis",
    "Studio": "studio",
    "Voice": "voices.voice",
    "VoiceError": "errors",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that ``import gpt_sovits`` stays instant."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
