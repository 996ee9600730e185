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
from gpt_sovits.models.detect import SOVITS_VERSIONS

REPOSITORY = "lj1995/GPT-SoVITS"
REVISION = "main"
DEFAULT_ENDPOINT = "https://huggingface.co"
MIRROR_ENDPOINT = "https://hf-mirror.com"

_SEMANTIC = {
    "v1": "s1bert25hz-2kh-longer-epoch=68e-step=50232.ckpt",
    "v2": "gsv-v2final-pretrained/s1bert25hz-5kh-longer-epoch=12-step=369668.ckpt",
}
_LATER_SEMANTIC = "s1v3.ckpt"
_ACOUSTIC = {
    "v1": "s2G488k.pth",
    "v2": "gsv-v2final-pretrained/s2G2333k.pth",
    "v2Pro": "v2Pro/s2Gv2Pro.pth",
    "v2ProPlus": "v2Pro/s2Gv2ProPlus.pth",
    "v3": "s2Gv3.pth",
    "v4": "gsv-v4-pretrained/s2Gv4.pth",
}
_DISCRIMINATOR = {
    "v1": "s2D488k.pth",
    "v2": "gsv-v2final-pretrained/s2D2333k.pth",
    "v2Pro": "v2Pro/s2Dv2Pro.pth",
    "v2ProPlus": "v2Pro/s2Dv2ProPlus.pth",
}
_VOCODER = {
    "v3": "models--nvidia--bigvgan_v2_24khz_100band_256x/bigvgan_generator.pt",
    "v4": "gsv-v4-pretrained/vocoder.pth",
}
_CONTENT = "chinese-hubert-base/pytorch_model.bin"
_BERT = "chinese-roberta-wwm-ext-large/pytorch_model.bin"
TOKENIZER_PATH = "chinese-roberta-wwm-ext-large/tokenizer.json"
_SPEAKER = "sv/pretrained_eres2netv2w24s4ep4.ckpt"

_LICENCES = (  # beginning of the path -> name of the work, licence, who grants it
    ("chinese-hubert-base/", "chinese-hubert-base", "MIT", "TencentGameMate"),
    ("chinese-roberta-wwm-ext-large/", "chinese-roberta-wwm-ext-large", "Apache-2.0", "HFL"),
    ("models--nvidia--bigvgan", "BigVGAN v2", "MIT", "NVIDIA"),
    ("sv/", "ERes2NetV2 (3D-Speaker)", "Apache-2.0", "Alibaba Group"),
    ("", "GPT-SoVITS", "MIT", "RVC-Boss"),
)


@dataclass(frozen=True)
class OfficialFile:
    """One published file. ``size`` in bytes and ``sha256`` are 0 and "" where nothing is on record."""

    path: str
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Licence:
    """Under which terms a published network may be used."""

    work: str
    licence: str
    holder: str

    def __str__(self) -> str:
        return f"{self.work}: {self.licence} licence, by {self.holder}"


@dataclass(frozen=True)
class VersionFacts:
    """What a person wants to know before choosing: memory while speaking in GiB, and how fast it is on a CPU."""

    memory_gib: float
    speed: str
    summary: str


VERSION_FACTS = {  # memory: peak of ``bench --stages cold`` or ``tests.models.full_size``, all networks in memory
    "v1": VersionFacts(2.3, "medium", "the first version; 32 kHz"),
    "v2": VersionFacts(2.3, "medium", "32 kHz; trained on 5000 hours"),
    "v2Pro": VersionFacts(2.5, "medium", "32 kHz; closer to the speaker"),
    "v2ProPlus": VersionFacts(2.7, "medium", "32 kHz; closest to the speaker, best of the v2 family"),
    "v3": VersionFacts(3.5, "slow", "24 kHz; diffusion, wants a graphics card"),
    "v4": VersionFacts(2.9, "slow", "48 kHz; diffusion, wants a graphics card"),
    "mini": VersionFacts(0.6, "fast", "embedded; made for computers without a graphics card"),
}


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
    """The files that make a complete base of ``version``, in the order in which to fetch them.

    Raises:
        MissingError: there is no such version.
    """
    if version not in SOVITS_VERSIONS:
        raise MissingError(
            f"There is no official model called {version!r}.", f"Choose one of {', '.join(SOVITS_VERSIONS)}."
        )
    paths = [_ACOUSTIC[version], _SEMANTIC.get(version, _LATER_SEMANTIC), _CONTENT, _BERT, TOKENIZER_PATH]
    if version in ("v2Pro", "v2ProPlus"):
        paths.append(_SPEAKER)
    paths += [table[version] for table in (_VOCODER, _DISCRIMINATOR) if version in table]
    return [official_file(path) for path in paths]


def licences(version: str) -> list[Licence]:
    """The terms of everything in ``bundle(version)``, each once."""
    found: dict[str, Licence] = {}
    for file in bundle(version):
        entry = next(entry for entry in _LICENCES if file.path.startswith(entry[0]))
        found[entry[1]] = Licence(*entry[1:])
    return list(found.values())


def versions_of(path: Path) -> list[str]:
    """The versions whose bundle has a file of this place in upstream's model folder (by the end of its path)."""
    name = path.as_posix()
    return [
        version
        for version in SOVITS_VERSIONS
        if any(name == file.path or name.endswith(f"/{file.path}") for file in bundle(version))
    ]
