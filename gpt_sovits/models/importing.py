"""``models import FILE...``: reads upstream's files or folders, and decides which network goes into which base.

A SoVITS file makes a base; the GPT file and discriminator of the same call join it. Where several lie together, a
file's place in upstream's folder tells, or its name (``matching``); what is left out is named. HuBERT, RoBERTa, speaker
network and vocoders serve all bases.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.events import Event, EventSink, ignore
from gpt_sovits.models.archive import ENDING, unpacked
from gpt_sovits.models.catalog import versions_of
from gpt_sovits.models.install import SHARED_KINDS, Check, Installer, fits, sha256_of
from gpt_sovits.models.matching import choice, partners
from gpt_sovits.models.store import BaseFiles, find_base, name_from
from gpt_sovits.models.upstream import UpstreamFile, read_upstream
from gpt_sovits.settings import Settings
from gpt_sovits.versions import VITS, known_version

SUFFIXES = (".pth", ".ckpt", ".pt", ".bin", ".safetensors")
_TOKENIZER = "tokenizer.json"
_PACKED = (".7z", ".rar", ".tar", ".tgz", ".gz")  # what only another program unpacks
_NESTED = 2  # archives in archives are opened so deep
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
        paths: files, or folders and ZIP archives that are searched (links are not followed).
        name: of the base; default: the version for a pretrained network, the file's name for a fine-tuned one.
        version: "v3" or "v4" for a file that does not say which it is.
        replace: overwrite networks that are there and differ.
        check: see ``Installer``.
        on_event: told about each file.

    Raises:
        VoiceError: a named file cannot be used. In folders such files are skipped and reported.
    """
    with ExitStack() as opened:

        def below(path: Path) -> Path:
            wanted = (*SUFFIXES, ENDING, *_PACKED)
            return opened.enter_context(unpacked(path, settings.data_dir, wanted, (_TOKENIZER,)))

        plan = _read(paths, version, below, on_event, settings.models_dir)
        return _install(plan, Installer(settings, check), name, replace, on_event)


def _read(paths: Sequence[Path], version: str, below: Callable[[Path], Path], on_event: EventSink, ours: Path) -> _Plan:
    """Every weight file of the paths but those in ``ours``; an archive counts as the folder that it becomes."""
    named = [path for path in paths if not path.is_dir() and path.suffix.lower() != ENDING]
    plan = _Plan(version, frozenset(named))
    found = list[Path]()
    for path in paths:
        if path not in named:
            found += [
                file for file in _weights_below(path if path.is_dir() else below(path)) if ours not in file.parents
            ]
    for _ in range(_NESTED):
        for archive in [path for path in found if path.suffix.lower() == ENDING]:
            found.remove(archive)
            try:
                found += _weights_below(below(archive))
            except VoiceError as error:
                plan.skipped.append((archive.name, str(error)))
    for number, path in enumerate([*named, *found]):
        on_event(Event("read", f"Reading {path.name}", number, len(named) + len(found)))
        plan.add(path)
    if not plan.files and not plan.tokenizers:
        reason = f" {plan.skipped[0][0]}: {plan.skipped[0][1]}" if plan.skipped else ""
        raise InputError(f"There is no weight file to import.{reason}", f"Give files ending in {', '.join(SUFFIXES)}.")
    return plan


def _install(plan: _Plan, installer: Installer, name: str, replace: bool, on_event: EventSink) -> ImportReport:
    for tokenizer in plan.tokenizers:
        installer.install_vocabulary(tokenizer)
    shared = [file for file in plan.files if file.kind in SHARED_KINDS]
    installer.install_shared(shared)
    bases: list[str] = []
    first: VoiceError | None = None
    for base_name, files in plan.bases(name).items():
        on_event(Event("install", f"Storing {base_name}", len(bases), len(plan.files)))
        try:
            bases.append(installer.install(base_name, files, replace=replace).name)
        except VoiceError as error:
            if any(file.path in plan.named for file in files):
                raise
            first = first or error
            plan.skipped.append((", ".join(file.path.name for file in files), str(error)))
    if first is not None and not bases and not shared:
        raise first
    kinds = tuple(dict.fromkeys(file.kind for file in shared))
    made = tuple(find_base(base, installer.settings) for base in bases)
    return ImportReport(made, kinds, tuple(plan.skipped))


class _Plan:
    """Files that were read, and their distribution over bases. ``named``: those that the person named one by one."""

    def __init__(self, version: str, named: frozenset[Path]) -> None:
        self.version, self.named = version, named
        self.files: list[UpstreamFile] = []
        self.tokenizers: list[Path] = []
        self.skipped: list[tuple[str, str]] = []

    def add(self, path: Path) -> None:
        if path.name == _TOKENIZER:
            self.tokenizers.append(path)
            return
        try:
            if path.suffix.lower() in (ENDING, *_PACKED):
                raise InputError(f"{path.name} is packed.", "Unpack it, and import its model folder.")
            self.files.append(read_upstream(path, version=self.version))
        except VoiceError as error:
            if path in self.named:
                raise
            self.skipped.append((path.name, str(error)))

    def bases(self, name: str) -> dict[str, list[UpstreamFile]]:
        """Base name -> its files, pretrained ones first: what was learnt from them may need them."""
        acoustic = [file for file in self.files if file.kind in ("sovits", "lora")]
        if name and len(acoustic) > 1:
            raise InputError("Several SoVITS files cannot share one name.", "Import them one by one.")
        found: dict[str, UpstreamFile] = {}
        for file in sorted(acoustic, key=lambda file: default_name(file) != file.version):
            own = name or self._name_of(file, found)
            if own:
                found[own] = file
        claims: dict[tuple[str, str], list[UpstreamFile]] = {}
        for file in self.files:
            if file.kind in ("gpt", "discriminator"):
                for target in self._targets(file, name, found):
                    claims.setdefault((target, file.kind), []).append(file)
        result = {own: [file] for own, file in found.items()}
        losers: dict[Path, str] = {}
        for (target, _), files in claims.items():
            taken = files[0]
            if len(files) > 1 and target in found:
                best = choice([file.path for file in files], found[target].path)
                taken = next(file for file in files if file.path == best)
            result.setdefault(target, []).append(taken)
            why = str(
                InputError(f"{target} speaks with {taken.path.name}.", "Import both under another name to use this.")
            )
            losers.update({file.path: why for file in files if file is not taken})
        used = {file.path for files in result.values() for file in files}
        for path, why in losers.items():
            if path not in used:
                self.skipped.append((path.name, why))
        return result

    def _name_of(self, file: UpstreamFile, taken: Mapping[str, UpstreamFile]) -> str:
        """A name that no other file of this call has; "" for the same file once more."""
        own = default_name(file)
        if own not in taken:
            return own
        if sha256_of(file.path) == sha256_of(taken[own].path):
            self.skipped.append((file.path.name, str(InputError(f"It is the same file as {taken[own].path.name}."))))
            return ""
        wanted = name_from(f"{file.path.parent.name}-{file.path.stem}") or own
        numbered = (f"{wanted[:60]}-{number}" for number in itertools.count(2))
        return next(each for each in itertools.chain([wanted], numbered) if each not in taken)

    def _targets(self, file: UpstreamFile, name: str, bases: Mapping[str, UpstreamFile]) -> list[str]:
        """The bases of this call that a GPT or discriminator file belongs to."""
        official = versions_of(file.path)
        if not bases:
            if not name and not official:
                raise InputError(
                    f"{file.path.name} does not say which model it is for.",
                    "Name the model (on the command line: --name MODEL).",
                )
            return [name or official[0]]
        fitting = {own: each for own, each in bases.items() if fits(file, each.version)}
        if len(bases) == 1 and (fitting or file.path in self.named):
            return list(bases)
        if official and len(fitting) > 0:
            placed = [own for own, each in fitting.items() if each.version in official]
            return placed or list(fitting)
        paths = {each.path: own for own, each in fitting.items()}
        found = [paths[path] for path in partners(file.path, list(paths))]
        if not found:
            advice = "Import it together with the SoVITS file (.pth) that it belongs to."
            other = InputError("It does not say which of the models it is for.", advice)
            self.skipped.append(
                (file.path.name, str(other if fitting else InputError("None of the models fits it.", advice)))
            )
        return found


def default_name(file: UpstreamFile) -> str:
    """The version for a pretrained network; the file's name, made safe, for a fine-tuned one."""
    has_own = known_version(file.version).family == VITS
    tuned = file.kind == "lora" or (has_own and not file.has_posterior) or bool(_TRAINED_INFO.match(file.info))
    if not tuned:
        return file.version
    return name_from(file.path.stem) or file.version + "-tuned"


def _weights_below(folder: Path) -> Iterable[Path]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if (path.suffix.lower() in (*SUFFIXES, ENDING, *_PACKED) or path.name == _TOKENIZER)
        and path.is_file()
        and not path.is_symlink()
    )
    if len(found) > _MAX_FILES:
        raise InputError(f"{folder} holds {len(found)} weight files.", "Give a folder with only the model's files.")
    return found
