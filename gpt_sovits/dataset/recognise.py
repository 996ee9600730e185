"""Words for recordings that nobody wrote down: a Whisper model, when the person fetched one into the models folder.

    models/<any name>/model.bin, config.json, tokenizer.json, vocabulary.*     as faster-whisper runs it

Nothing is downloaded here: a folder without its tokenizer is refused rather than completed from the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpt_sovits.audio import Audio, resample
from gpt_sovits.errors import InputError
from gpt_sovits.events import CancelToken
from gpt_sovits.settings import Settings

RATE = 16_000
_MODEL, _TOKENIZER = "model.bin", "tokenizer.json"
_LANGUAGES = ("zh", "en", "ja", "ko", "yue")


@dataclass(frozen=True)
class Written:
    """What was said, and in which language (a code of ours, or "auto")."""

    text: str
    language: str


class Recogniser:
    """A loaded model. ``folder`` as above; raises ``InputError`` when it cannot be used."""

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        from faster_whisper import WhisperModel

        if not (folder / _TOKENIZER).is_file():
            raise InputError(f"The model {folder.name} lacks {_TOKENIZER}.", "Put the file beside its model.bin.")
        try:
            self._model = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise InputError(f"The model {folder.name} cannot be read ({error}).", "Get it again.") from error

    def write_down(self, audio: Audio, language: str = "auto", *, cancel: CancelToken | None = None) -> Written:
        """The words of a recording of any length; an empty text when none is understood."""
        cancel = cancel or CancelToken()
        samples = np.ascontiguousarray(resample(audio, RATE).samples)
        segments, about = self._model.transcribe(
            samples,
            language=language if language in _LANGUAGES else None,
            beam_size=5,
            condition_on_previous_text=False,
            vad_filter=False,
        )
        texts = []
        for segment in segments:
            cancel.check()
            texts.append(segment.text.strip())
        found = about.language if about.language in _LANGUAGES else "auto"
        separator = "" if found in ("zh", "ja", "yue") else " "
        return Written(separator.join(text for text in texts if text), found)


Scribe = Callable[[Audio, str, CancelToken], Written]


def scribe_of(settings: Settings) -> Scribe | None:
    """What writes down recordings on this machine, loaded when it is needed; None without a model."""
    folder = find_recogniser([settings.models_dir])
    if folder is None:
        return None
    return lambda audio, language, cancel: Recogniser(folder, threads=settings.threads).write_down(
        audio, language, cancel=cancel
    )


def find_recogniser(folders: Sequence[Path]) -> Path | None:
    """The first model folder below ``folders``, by name; None when the person has none."""
    for folder in folders:
        found = sorted(path.parent for path in folder.glob(f"*/{_MODEL}")) if folder.is_dir() else []
        if found:
            return found[0]
    return None
