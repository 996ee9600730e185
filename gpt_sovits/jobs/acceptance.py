"""Done means that it speaks: a version, loaded from disk by a fresh process, says a sentence and is judged by it.

    python -m gpt_sovits.jobs.acceptance VERSION_FOLDER --out FOLDER --data DIR

Nothing of the process that trained is left here, so what is heard is what a person will hear after the next start. The
sentence is spoken with up to three seeds; it must be sound of a sane length. How many phones our own encoder hears
wrongly, and how near the style is to the recording's, are compared with the untrained base speaking the same sentence
for the same person: a voice that is clearly worse than that is no voice.
"""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gpt_sovits.audio import Audio, concatenate, level, peak, read_audio, resample, wav_bytes
from gpt_sovits.errors import MissingError, ResourceError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.files import make_private, write_bytes
from gpt_sovits.settings import PROJECT_ROOT, Settings
from gpt_sovits.storage import versions
from gpt_sovits.versions import EMBEDDED
from gpt_sovits.voices.manifest import VoiceManifest, read_version

if TYPE_CHECKING:
    from gpt_sovits.families.base import Base
    from gpt_sovits.synthesis import Synthesizer
    from gpt_sovits.voices.voice import Voice

SENTENCES = {
    "en": "Hello, this is my voice. It will stay on this computer.",
    "zh": "你好，这是我的声音，它只留在这台电脑上。",
}
SECONDS_PER_PHONE = (0.03, 0.6)
QUIETEST = -55.0  # dB of the spoken parts
WORSE_PHONES, WORSE_STYLE = 0.3, 0.5  # how far below the untrained base a voice may be
_SEEDS = (0, 1, 2)
_RECORDING_SECONDS = 60.0
_SOUND, _SCORES = "sample.wav", "scores.json"
_POLL_SECONDS = 0.1
_NO_SPEECH = "The trained voice does not speak"


@dataclass(frozen=True)
class Scores:
    """What the sentence was worth. Phone error: 0 is perfect; similarity: cosine of styles, 1 is the recording's.

    ``before`` is the untrained base with the same recording as its reference; None: could not be judged.
    """

    seconds: float
    seed: int
    phone_error: float | None = None
    phone_error_before: float | None = None
    similarity: float | None = None
    similarity_before: float | None = None


def language_of(voice: Voice) -> str:
    """The language that the voice says its sentences in."""
    return voice.reference.language if voice.reference.language in SENTENCES else "en"


def check_sound(audio: Audio, phones: int) -> None:
    """Raise ``VoiceError`` unless ``audio`` can be speech of so many phones."""
    if not np.isfinite(audio.samples).all():
        raise VoiceError(f"{_NO_SPEECH}: it makes no sound that can be played.", "Train it again.")
    if peak(audio) < 1e-3 or level(audio) < QUIETEST:
        raise VoiceError(f"{_NO_SPEECH}: nothing can be heard.", "Train it again with another recording.")
    shortest, longest = (bound * phones for bound in SECONDS_PER_PHONE)
    if not shortest <= audio.seconds <= longest:
        raise VoiceError(
            f"{_NO_SPEECH} as it should: {audio.seconds:.1f} s for a sentence of {shortest:.0f} to {longest:.0f} s.",
            "Train it again with another recording.",
        )


def check_scores(scores: Scores) -> None:
    """Raise ``VoiceError`` for a voice that is clearly worse than the untrained base."""
    error, before = scores.phone_error, scores.phone_error_before
    if error is not None and before is not None and error > max(0.9, before + WORSE_PHONES):
        raise VoiceError(
            f"{_NO_SPEECH} clearly: {error:.0%} of the sounds are wrong, {before:.0%} before the training.",
            "Train it again with a better or longer recording.",
        )
    near, nearer = scores.similarity, scores.similarity_before
    if near is not None and nearer is not None and near < nearer - WORSE_STYLE:
        raise VoiceError(
            f"The trained voice does not sound like the recording ({near:.2f}; {nearer:.2f} before the training).",
            "Train it again with another recording.",
        )


# --------------------------------------------------------------------------------------------------- the fresh process


def speak_and_judge(folder: Path, synthesizer: Synthesizer, ear: Base | None) -> tuple[Audio, Scores]:
    """The version in ``folder`` saying its sentence. Raises ``VoiceError`` when it does not speak."""
    from gpt_sovits.families.enrol import reference_style
    from gpt_sovits.text import phonemize

    manifest = read_version(folder)
    voice = versions.load(folder, VoiceManifest(manifest.voice, "", "", manifest.created))
    base = synthesizer.base(voice.base)
    language = language_of(voice)
    text = SENTENCES[language]
    phones = phonemize(text, language, base.symbols_version).phones

    def say(who: Voice, seed: int) -> Audio:
        return concatenate([piece.audio for piece in synthesizer.speak(who, text, language=language, seed=seed)])

    found: list[tuple[float, int, Audio]] = []
    trouble: VoiceError | None = None
    for seed in _SEEDS:
        audio = say(voice, seed)
        try:
            check_sound(audio, len(phones))
        except VoiceError as error:
            trouble = error
            continue
        wrong = _phone_error(ear, audio, phones)
        found.append((0.0 if wrong is None else wrong, seed, audio))
        if wrong is None or wrong < 0.5:
            break
    if not found:
        raise trouble or VoiceError(f"{_NO_SPEECH}.", "Train it again.")
    _, seed, audio = min(found, key=lambda each: each[:2])
    scores = Scores(round(audio.seconds, 2), seed, phone_error=_phone_error(ear, audio, phones))
    if manifest.recording:
        recording = resample(read_audio(folder / manifest.recording), 32000).between(0.0, _RECORDING_SECONDS)
        style, speaker = reference_style(base, recording)
        untrained = replace(voice, delta={}, reference=replace(voice.reference, style=style.cpu(), speaker=speaker))
        plain = say(untrained, seed)
        scores = replace(
            scores,
            phone_error_before=_phone_error(ear, plain, phones),
            similarity=_alike(base, audio, style.cpu().numpy()),
            similarity_before=_alike(base, plain, style.cpu().numpy()),
        )
    check_scores(scores)
    return audio, scores


def _phone_error(ear: Base | None, audio: Audio, phones: Sequence[str]) -> float | None:
    import torch

    from gpt_sovits.features.phone_errors import comparable, error_rate
    from gpt_sovits.text import symbols

    if ear is None:
        return None
    wave = torch.from_numpy(resample(audio, 16000).samples)[None].to(ear.device)
    names = symbols().names
    rate = error_rate(comparable(phones), comparable(names[i] for i in ear.family.recognise(ear, wave))).rate
    return None if rate is None else round(rate, 3)


def _alike(base: Base, audio: Audio, style: np.ndarray) -> float | None:
    """Cosine of two styles, the second `[1, G, 1]`; None for a sound that has none."""
    from gpt_sovits.families.enrol import reference_style

    if audio.seconds < 0.3:
        return None
    own = reference_style(base, audio)[0].cpu().numpy().ravel()
    length = float(np.linalg.norm(own) * np.linalg.norm(style))
    return round(float(own @ style.ravel()) / length, 3) if length else None


def main(given: Sequence[str] | None = None) -> int:
    """The fresh process. A voice that does not speak is one sentence on stdout and exit code 2."""
    from gpt_sovits.families.base import load_base
    from gpt_sovits.jobs.run import limit_threads
    from gpt_sovits.synthesis import Synthesizer

    options = argparse.ArgumentParser(prog="python -m gpt_sovits.jobs.acceptance", description="Hear a version speak.")
    options.add_argument("version", type=Path)
    options.add_argument("--out", type=Path, required=True, help="folder for the sound and its scores")
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--models", type=Path, required=True, help="folder of the embedded models")
    options.add_argument("--device", default="cpu")
    options.add_argument("--threads", type=int, default=0)
    asked = options.parse_args(given)
    settings = Settings(asked.data, device=asked.device, threads=asked.threads, bundled_models=asked.models)
    limit_threads(settings)
    synthesizer = Synthesizer(partial(load_base, settings=settings))
    try:
        ear = synthesizer.base(EMBEDDED)
    except MissingError:
        ear = None
    try:
        audio, scores = speak_and_judge(asked.version, synthesizer, ear)
    except VoiceError as error:
        sys.stdout.write(json.dumps([error.message, error.action]))
        return 2
    write_bytes(asked.out / _SOUND, wav_bytes(audio))
    write_bytes(asked.out / _SCORES, json.dumps(asdict(scores)).encode())
    return 0


# ---------------------------------------------------------------------------------------------------- who asks for it


def prove(settings: Settings, folder: Path, aside: Path, cancel: CancelToken) -> tuple[bytes, Scores]:
    """The WAV of the sentence that the version in ``folder`` says in a process of its own, and its scores.

    ``aside`` is a private folder for what the process writes. Raises ``VoiceError`` with the reason when the version
    does not speak, ``CancelledError``.
    """
    out = make_private(aside / secrets.token_hex(6))
    command = [sys.executable, "-m", "gpt_sovits.jobs.acceptance", str(folder.resolve()), "--out", str(out.resolve())]
    command += ["--data", str(settings.data_dir.resolve()), "--models", str(settings.bundled_models.resolve())]
    command += ["--device", settings.device, "--threads", str(settings.threads)]
    said = out / "said.txt"
    with said.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                cancel.check()
                time.sleep(_POLL_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    words = said.read_text(encoding="utf-8", errors="replace")
    if process.returncode == 2:
        raise _told(words)
    if process.returncode:
        raise ResourceError(
            f"The trained voice could not be loaded by a fresh process (it ended with {process.returncode}:"
            f" {words.strip().splitlines()[-1] if words.strip() else 'without a word'}).",
            "Close other programs, then resume the job.",
        )
    return (out / _SOUND).read_bytes(), Scores(**json.loads((out / _SCORES).read_text(encoding="utf-8")))


def _told(words: str) -> VoiceError:
    """The failure that the process wrote as its last line."""
    last = words.strip().splitlines()[-1] if words.strip() else ""
    start = last.find('["')
    try:
        message, action = json.loads(last[start:])
    except ValueError:
        return VoiceError(f"{_NO_SPEECH} ({last[:200]}).", "Resume the job; if it fails again, please report it.")
    return VoiceError(message, action)


if __name__ == "__main__":
    sys.exit(main())
