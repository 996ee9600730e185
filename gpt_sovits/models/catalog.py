"""What upstream publishes: which files make a base of which version, their digests and their licences. Facts only.

Sizes and SHA-256 come from ``official_files.json``; three published files (v4's two and v2ProPlus's network) have no
digest on record and are checked by the one that the download site states, and by their structure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from gpt_sovits.errors import MissingError
from gpt_sovits.versions import OFFICIAL

REPOSITORY = "lj1995/GPT-SoVITS"
REVISION = "main"
DEFAULT_ENDPOINT = "https://huggingface.co"
MIRROR_ENDPOINT = "https://hf-mirror.com"

TRANSCRIBER = "whisper-base"  # its files are kept in a folder of this name
_TRANSCRIBER_REPOSITORY = "Systran/faster-whisper-base"

_CONTENT = "chinese-hubert-base/pytorch_model.bin"
_BERT = "chinese-roberta-wwm-ext-large/pytorch_model.bin"
TOKENIZER_PATH = "chinese-roberta-wwm-ext-large/tokenizer.json"
_SPEAKER = "sv/pretrained_eres2netv2w24s4ep4.ckpt"

_LICENCES = (  # beginning of the path -> name of the work, licence, who grants it
    ("chinese-hubert-base/", "chinese-hubert-base", "MIT", "TencentGameMate"),
    ("chinese-roberta-wwm-ext-large/", "chinese-roberta-wwm-ext-large", "Apache-2.0", "HFL"),
    ("models--nvidia--bigvgan", "BigVGAN v2", "MIT", "NVIDIA"),
    (f"{TRANSCRIBER}/", "Whisper base", "MIT", "OpenAI, converted by SYSTRAN"),
    ("sv/", "ERes2NetV2 (3D-Speaker)", "Apache-2.0", "Alibaba Group"),
    ("", "GPT-SoVITS", "MIT", "RVC-Boss"),
)


@dataclass(frozen=True)
class OfficialFile:
    """One published file. ``size`` in bytes and ``sha256`` are 0 and "" where nothing is on record."""

    path: str
    size: int = 0
    sha256: str = ""
    repository: str = REPOSITORY
    folder: str = ""  # that keeps files of equal names apart here

    @property
    def place(self) -> str:
        """Where it lies among the downloads."""
        return f"{self.folder}/{self.path}" if self.folder else self.path


_TRANSCRIBER_FILES = tuple(
    OfficialFile(path, size, sha256, _TRANSCRIBER_REPOSITORY, TRANSCRIBER)
    for path, size, sha256 in (
        ("model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
        ("config.json", 0, ""),
        ("tokenizer.json", 0, ""),
        ("vocabulary.txt", 0, ""),
    )
)


@dataclass(frozen=True)
class Licence:
    """Under which terms a published network may be used."""

    work: str
    licence: str
    holder: str

    def __str__(self) -> str:
        return f"{self.work}: {self.licence} licence, by {self.holder}"


@cache
def digests() -> dict[str, OfficialFile]:
    """Every published file with a digest on record, by its path in the repository."""
    text = (files("gpt_sovits.models") / "official_files.json").read_text(encoding="utf-8")
    return {
        path: OfficialFile(path, int(entry["size"]), str(entry["sha256"]))
        for path, entry in json.loads(text)["files"].items()
    }


def official_file(path: str) -> OfficialFile:
    return digests().get(path, OfficialFile(path))


def file_with_digest(sha256: str) -> OfficialFile | None:
    """The published file that has this SHA-256."""
    return next((file for file in digests().values() if file.sha256 == sha256), None)


def bundle(version: str) -> list[OfficialFile]:
    """The files that make a complete base of ``version``, or the transcriber, in the order in which to fetch them.

    Raises:
        MissingError: there is no such version.
    """
    if version == TRANSCRIBER:
        return list(_TRANSCRIBER_FILES)
    if version not in OFFICIAL:
        raise MissingError(f"There is no official model called {version!r}.", f"Choose one of {', '.join(OFFICIAL)}.")
    row = OFFICIAL[version]
    own = row.published
    paths = [own.acoustic, own.semantic, _CONTENT, _BERT, TOKENIZER_PATH]
    if "speaker" in row.parts:
        paths.append(_SPEAKER)
    paths += [path for path in (own.vocoder, own.discriminator) if path]
    return [official_file(path) for path in paths]


def licences(version: str) -> list[Licence]:
    """The terms of everything in ``bundle(version)``, each once."""
    found: dict[str, Licence] = {}
    for file in bundle(version):
        entry = next(entry for entry in _LICENCES if file.place.startswith(entry[0]))
        found[entry[1]] = Licence(*entry[1:])
    return list(found.values())


def versions_of(path: Path) -> list[str]:
    """The versions whose bundle has a file of this place in upstream's model folder (by the end of its path)."""
    name = path.as_posix()
    return [
        version
        for version in OFFICIAL
        if any(name == file.path or name.endswith(f"/{file.path}") for file in bundle(version))
    ]
