"""Invented speakers for the voices to begin with: means of a teacher's voices, heard by a base like any clip.

    python -m gpt_sovits.lab.invent --teacher FOLDER --base mini --out pretrained_models/mini/voices

Nobody's voice is copied: a mean of several synthetic voices belongs to none of them. Each says one English and one
Mandarin sentence, from which the base hears the voice as it would hear a person's clip, but keeps no colour; nothing is
trained.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gpt_sovits.audio import Audio
from gpt_sovits.families.base import Base, load_base
from gpt_sovits.families.enrol import enrol
from gpt_sovits.features.reference import Reference
from gpt_sovits.lab.evaluation.teacher import RATE, Teacher
from gpt_sovits.settings import Settings
from gpt_sovits.storage import versions
from gpt_sovits.storage.starters import KIND
from gpt_sovits.text import phonemize
from gpt_sovits.versions import EMBEDDED
from gpt_sovits.voices.consent import Consent, now
from gpt_sovits.voices.manifest import VoiceManifest, write_manifest
from gpt_sovits.voices.voice import Voice

ENGLISH = "The quiet harbour was full of small boats."
MANDARIN = "清晨的港口停满了小船，没有人知道它们什么时候离开。"
PACE = 0.95
OWNER = "invented"


@dataclass(frozen=True)
class Speaker:
    """``shares`` of the teacher's voices."""

    id: str
    name: str
    shares: Mapping[str, float]


SPEAKERS = (
    Speaker("invented1", "Ada", {"af_heart": 0.5, "zf_xiaoxiao": 0.5}),
    Speaker("invented2", "Bo", {"am_michael": 0.5, "zm_yunxi": 0.5}),
    Speaker("invented3", "Cleo", {"bf_emma": 0.5, "af_bella": 0.5}),
)


def clip_of(teacher: Teacher, speaker: Speaker) -> np.ndarray:
    """What the base hears: wave `[L]` at the teacher's rate of both sentences."""
    voice = teacher.mean(speaker.shares)
    return np.concatenate([teacher.say(phonemize(text), voice, PACE).wave for text in (ENGLISH, MANDARIN)])


def heard(base: Base, wave: np.ndarray) -> Reference:
    """The reference of a clip at the teacher's rate, without a colour."""
    return replace(enrol(base, Audio(wave, RATE), ENGLISH + MANDARIN, "auto"), colour=None)


def invent(teacher: Teacher, base: Base, speaker: Speaker, out: Path) -> int:
    """Write the voice into ``out``, in place of one with its id; returns its size in bytes."""
    wave = clip_of(teacher, speaker)
    consent = Consent(
        who="nobody (an invented voice)",
        purpose="speaking before a voice was recorded",
        statement="This voice is a mean of synthetic voices of Kokoro-82M (Apache-2.0). It is no person's.",
        recording_sha256=hashlib.sha256(wave.astype("<f4").tobytes()).hexdigest(),
    )
    voice = Voice(
        id=speaker.id,
        name=speaker.name,
        owner=OWNER,
        base=base.name,
        version_id=None,
        reference=heard(base, wave),
        consent=consent,
        created=now(),
        made_by={
            "kind": KIND,
            "base_release": base.release,
            "seconds_of_speech": round(len(wave) / RATE, 2),
            "shares": dict(speaker.shares),
            "from": "Kokoro-82M",
        },
    )
    folder = out / speaker.id
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    versions.write(folder / "versions" / "r1", voice)
    write_manifest(folder, VoiceManifest(speaker.id, OWNER, speaker.name, voice.created, KIND))
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; see the module."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--teacher", type=Path, required=True)
    options.add_argument("--base", default=EMBEDDED)
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args(argv)
    teacher, base = Teacher(given.teacher), load_base(given.base, Settings.load())
    for speaker in SPEAKERS:
        size = invent(teacher, base, speaker, given.out)
        sys.stdout.write(f"{speaker.id} {speaker.name}: {size} bytes\n")


if __name__ == "__main__":
    main()
