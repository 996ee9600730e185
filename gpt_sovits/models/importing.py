"""``models import FILE...``: reads upstream's files or folders, and decides which network goes into which base.

A SoVITS file makes a base; the GPT file and discriminator of the same call join it. In upstream's own model folder,
where several bases lie together, a file's place tells. HuBERT, RoBERTa, speaker network and vocoders serve all bases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.events import Event, EventSink, ignore
from gpt_sovits.models.catalog import versions_of
from gpt_sovits.models.install import SHARED_KINDS, Check, Installer
from gpt_sovits.models.store import BaseFiles, find_base
from gpt_sovits.models.upstream import UpstreamFile, read_upstream
from gpt_sovits.settings import Settings
from gpt_sovits.versions import VITS, known_version

SUFFIXES = (".pth", ".ckpt", ".pt", ".bin", ".safetensors")
_TOKENIZER = "tokenizer.json"
_MAX_FILES = 500
_TRAINED_INFO = re.compile(r"\d+epoch_\d+iteration")


@dataclass(frozen=True)
class ImportReport:
    """What an import did: bases made or extended, kinds of shared networks kept, and (file, reason) left out."""

    bases: tuple[BaseFiles, ...]
    shared: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


def import_paths(
    paths: Sequence[Path],
    settings: Settings,
    *,
    name: str = "",
    version: str = "",
    replace: bool = False,
    check: Check | None = None,
    on_event: EventSink = ignore,
) -> ImportReport:
    """Import weight files of upstream, or folders of them, into ``settings.models_dir``.

    Args:
        paths: files, or folders that are searched (links are not followed).
        name: of the base; default: the version for a pretrained network, the file's name for a fine-tuned one.
        version: "v3" or "v4" for a file that does not say which it is.
        replace: overwrite networks that are there and differ.
        check: see ``Installer``.
        on_event: told about each file.

    Raises:
        VoiceError: a named file cannot be used. In folders such files are skipped and reported.
    """
    plan = _Plan(version)
    named = [path for path in paths if not path.is_dir()]
    found = [file for path in paths if path.is_dir() for file in _weights_below(path)]
    for number, path in enumerate([*named, *found]):
        on_event(Event("read", f"Reading {path.name}", number, len(named) + len(found)))
        plan.add(path, required=path in named)
    if not plan.files and not plan.tokenizers:
        reason = f" {plan.skipped[0][0]}: {plan.skipped[0][1]}" if plan.skipped else ""
        raise InputError(f"There is no weight file to import.{reason}", f"Give files ending in {', '.join(SUFFIXES)}.")
    installer = Installer(settings, check)
    for tokenizer in plan.tokenizers:
        installer.install_vocabulary(tokenizer)
    shared = [file for file in plan.files if file.kind in SHARED_KINDS]
    installer.install_shared(shared)
    bases: list[str] = []
    for base_name, files in plan.bases(name).items():
        on_event(Event("install", f"Storing {base_name}", len(bases), len(plan.files)))
        bases.append(installer.install(base_name, files, replace=replace).name)
    kinds = tuple(dict.fromkeys(file.kind for file in shared))
    return ImportReport(tuple(find_base(base, settings) for base in bases), kinds, tuple(plan.skipped))


class _Plan:
    """Files that were read, and their distribution over bases."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.files: list[UpstreamFile] = []
        self.tokenizers: list[Path] = []
        self.skipped: list[tuple[str, str]] = []

    def add(self, path: Path, *, required: bool) -> None:
        if path.name == _TOKENIZER:
            self.tokenizers.append(path)
            return
        try:
            self.files.append(read_upstream(path, version=self.version))
        except VoiceError as error:
            if required:
                raise
            self.skipped.append((path.name, str(error)))

    def bases(self, name: str) -> dict[str, list[UpstreamFile]]:
        """Base name -> its files."""
        acoustic = [file for file in self.files if file.kind in ("sovits", "lora")]
        if name and len(acoustic) > 1:
            raise InputError("Several SoVITS files cannot share one name.", "Import them one by one.")
        result = {name or default_name(file): [file] for file in acoustic}
        if len(result) < len(acoustic):
            raise InputError(
                "Two of these files would become the same model.", "Import them one by one, each with a --name."
            )
        for file in self.files:
            if file.kind not in ("gpt", "discriminator"):
                continue
            for target in self._targets(file, name, result):
                if any(other.kind == file.kind for other in result[target]):
                    raise InputError(f"There are two {file.kind} networks for {target}.", "Import one of them.")
                result[target].append(file)
        return result

    def _targets(self, file: UpstreamFile, name: str, bases: dict[str, list[UpstreamFile]]) -> list[str]:
        """The bases of this call that a GPT or discriminator file belongs to."""
        official = versions_of(file.path)
        if len(bases) > 1 and official:
            return [base for base, files in bases.items() if files[0].version in official]
        if len(bases) == 1:
            return list(bases)
        if not bases and (name or official):
            target = name or official[0]
            bases[target] = []
            return [target]
        if not bases:
            raise InputError(f"{file.path.name} does not say which model it is for.", "Say it: add --name MODEL.")
        self.skipped.append((file.path.name, "it does not say which of the models it is for"))
        return []


def default_name(file: UpstreamFile) -> str:
    """The version for a pretrained network; the file's name, made safe, for a fine-tuned one."""
    has_own = known_version(file.version).family == VITS
    tuned = file.kind == "lora" or (has_own and not file.has_posterior) or bool(_TRAINED_INFO.match(file.info))
    if not tuned:
        return file.version
    return re.sub(r"[^A-Za-z0-9_-]+", "-", file.path.stem).strip("-_")[:64] or file.version + "-tuned"


def _weights_below(folder: Path) -> Iterable[Path]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if (path.suffix in SUFFIXES or path.name == _TOKENIZER) and path.is_file() and not path.is_symlink()
    )
    if len(found) > _MAX_FILES:
        raise InputError(f"{folder} holds {len(found)} weight files.", "Give a folder with only the model's files.")
    return found
