"""Installs networks read from upstream's files into base folders, in the native form."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from gpt_sovits.errors import InputError, MissingError, ResourceError
from gpt_sovits.models.catalog import TOKENIZER_PATH, file_with_digest
from gpt_sovits.models.configs import part_config, rate_of
from gpt_sovits.models.detect import Shapes
from gpt_sovits.models.native import (
    CONFIG_NAME,
    load_config,
    load_metadata,
    load_tensors,
    save_config,
    save_tensors,
    tensor_shapes,
    write_atomically,
)
from gpt_sovits.models.store import (
    PARTS_FOLDER,
    VOCABULARY_NAME,
    BaseFiles,
    find_base,
    is_name,
    list_bases,
    required_parts,
)
from gpt_sovits.models.upstream import UpstreamFile, with_lora
from gpt_sovits.settings import Settings
from gpt_sovits.versions import VITS, known_version

SHARED_KINDS = ("content", "bert", "speaker", "vocoder")
_KIND_PARTS = {"sovits": "acoustic", "gpt": "semantic"}  # the other kinds are named like their part
_MAX_TOKENIZER_BYTES = 16 * 2**20
_BLOCK = 2**20

Check = Callable[[str, Mapping[str, Any], Shapes], None]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def shared_official(settings: Settings) -> set[str]:
    """Published files (paths in the repository) that every base here already shares."""
    folder = settings.models_dir / PARTS_FOLDER
    found = {load_metadata(path).get("official", "") for path in sorted(folder.glob("*.safetensors"))}
    if (folder / VOCABULARY_NAME).is_file():
        found.add(TOKENIZER_PATH)
    return found - {""}


class Installer:
    """Puts networks that were read from upstream's files into a base folder, in the native form."""

    def __init__(self, settings: Settings, check: Check | None = None) -> None:
        """``check(part, config, shapes)`` raises when tensors do not fit the network (see ``bases``)."""
        self.models = settings.models_dir
        self.settings = settings
        self.check = check or (lambda part, config, shapes: None)

    def install(self, name: str, files: Sequence[UpstreamFile], *, replace: bool = False) -> BaseFiles:
        """Install ``files`` as, or into, the base ``name``.

        Args:
            name: of the base; letters, digits, "_" and "-".
            files: at most one of each kind; the first import of a base includes its acoustic network.
            replace: overwrite networks that are there and differ.

        Raises:
            InputError: a network does not fit the others or is there already. MissingError: a LoRA's base is not.
        """
        if not is_name(name) or (self.settings.bundled_models / name).exists():
            raise InputError(f"A model cannot be called {name!r}.", "Use letters and digits, and no embedded name.")
        folder = self.models / name
        config = load_config(folder) if (folder / CONFIG_NAME).is_file() else {}
        ready = [self._with_base(file) for file in files]
        acoustic = next((file for file in ready if file.kind == "sovits"), None)
        version = acoustic.version if acoustic else str(config.get("version", ""))
        if not version:
            raise InputError(
                f"The model {name} does not exist yet, and none of these files is its acoustic network.",
                "Import the SoVITS file (.pth) together with the others.",
            )
        if config and config["version"] != version:
            raise InputError(
                f"The model {name} is of version {config['version']}, this file is of {version}.",
                "Give it another name (on the command line: --name).",
            )
        for file in ready:
            _check_partner(file, version)
        config = {"name": name, "version": version, "rate": rate_of(version), **config}
        parts: list[tuple[str, UpstreamFile, dict[str, Tensor]]] = []
        for file in ready:
            part = _KIND_PARTS.get(file.kind, file.kind)
            tensors, trainable = self._complete(file, name)
            shapes = {key: tuple(value.shape) for key, value in tensors.items()}
            config[part] = part_config(part, file.version, shapes)
            if part == "acoustic":
                config["trainable"] = trainable
            self.check(part, config[part], shapes)
            parts.append((part, file, tensors))
        sources = dict(config.get("sources", {}))  # everything fits: only now is anything written
        for part, file, tensors in parts:
            sources[part] = self._put(folder, part, file, tensors, replace)
        written = {f"{part}.safetensors" for part, _, _ in parts}
        hashes = {file: digest for file, digest in config.get("sha256", {}).items() if file not in written}
        save_config(folder, config | {"sources": sources, "sha256": hashes})
        return self._link_shared(name)

    def install_shared(self, files: Sequence[UpstreamFile]) -> list[BaseFiles]:
        """Keep parts that every base uses (content, bert, speaker, vocoder) and link them into the bases here."""
        for file in files:
            config = part_config(file.kind, file.version, file.shapes)
            self.check(file.kind, config, file.shapes)
            self._put(self.models / PARTS_FOLDER, _shared_name(file.kind, file.version), file, file.tensors, False)
        return [self._link_shared(base.name) for base in list_bases(self.settings) if not base.bundled]

    def install_vocabulary(self, tokenizer: Path) -> None:
        """Keep the vocabulary of the Chinese text encoder from its ``tokenizer.json``."""
        vocabulary = _read_vocabulary(tokenizer)
        text = json.dumps(vocabulary, ensure_ascii=False) + "\n"
        target = self.models / PARTS_FOLDER / VOCABULARY_NAME
        write_atomically(target, lambda path: _write(path, text))
        for base in list_bases(self.settings):
            if not base.bundled:
                self._link_shared(base.name)

    def _with_base(self, file: UpstreamFile) -> UpstreamFile:
        """A LoRA file merged into the installed official base of its version; other files as they are."""
        if file.kind != "lora":
            return file
        return with_lora(load_tensors(find_base(file.version, self.settings).path("acoustic")), file)

    def _complete(self, file: UpstreamFile, name: str) -> tuple[dict[str, Tensor], bool]:
        """The tensors to store and whether the network can be trained further.

        Fine-tuned files lack the posterior encoder; the official base of the version lends its own when it is here.
        """
        if file.kind != "sovits" or file.has_posterior or known_version(file.version).family != VITS:
            return file.tensors, True
        if file.version == name or not self._has_official(file.version, "acoustic"):
            return file.tensors, False
        lent = load_tensors(find_base(file.version, self.settings).path("acoustic"), prefix="enc_q.")
        return {**file.tensors, **lent}, bool(lent)

    def _has_official(self, version: str, part: str) -> bool:
        try:
            return find_base(version, self.settings).has(part)
        except MissingError:
            return False

    def _put(
        self, folder: Path, part: str, file: UpstreamFile, tensors: Mapping[str, Tensor], replace: bool
    ) -> dict[str, Any]:
        """Write one part unless the same one is there; returns where it came from."""
        digest = sha256_of(file.path)
        known = file_with_digest(digest)
        origin = {"sha256": digest, "official": known.path if known else ""}
        source = {"file": file.path.name, **origin}
        target = folder / f"{part}.safetensors"
        if target.is_file() and not replace:
            if load_metadata(target).get("sha256") == digest:
                return source
            raise InputError(
                f"{folder.name}/{target.name} is already installed from another file.",
                "Give another name, or let it be replaced (on the command line: --name, --replace).",
            )
        folder.mkdir(parents=True, exist_ok=True)
        twin = self._twin(part, digest)
        if twin is not None and twin != target:
            _link(twin, target)
        else:
            needed = sum(value.nbytes for value in tensors.values())
            if shutil.disk_usage(folder).free < needed + _BLOCK:
                raise ResourceError(f"There is not enough space on the disk for {file.path.name}.", "Free some space.")
            save_tensors(target, tensors, {"kind": file.kind, "version": file.version, **origin})
        return source

    def _twin(self, part: str, digest: str) -> Path | None:
        """The same network already stored for another base (several versions use one semantic network)."""
        if part != "semantic":
            return None
        for path in sorted(self.models.glob(f"*/{part}.safetensors")):
            if load_metadata(path).get("sha256") == digest:
                return path
        return None

    def _link_shared(self, name: str) -> BaseFiles:
        """Give a base the shared parts that it lacks, and record their configs."""
        base = find_base(name, self.settings)
        config, sources = dict(base.config), dict(base.config.get("sources", {}))
        for part in SHARED_KINDS:
            stored = self.models / PARTS_FOLDER / f"{_shared_name(part, base.version)}.safetensors"
            wanted = part in ("content", "bert") or part in required_parts(base.version)
            if not wanted or base.has(part) or not stored.is_file():
                continue
            config[part] = part_config(part, base.version if part == "vocoder" else "", tensor_shapes(stored))
            sources[part] = {key: load_metadata(stored).get(key, "") for key in ("sha256", "official")}
            _link(stored, base.folder / f"{part}.safetensors")
        if not base.has("semantic") and base.version != name and self._has_official(base.version, "semantic"):
            official = find_base(base.version, self.settings)
            _link(official.path("semantic"), base.folder / "semantic.safetensors")
            config["semantic"] = official.config["semantic"]
            sources["semantic"] = official.config["sources"]["semantic"]
        words = self.models / PARTS_FOLDER / VOCABULARY_NAME
        if words.is_file() and not base.vocabulary.exists():
            _link(words, base.vocabulary)
        hashes = dict(config.get("sha256", {}))
        for path in sorted(base.folder.glob("*.safetensors")):
            if path.name not in hashes:
                hashes[path.name] = sha256_of(path)
        save_config(base.folder, config | {"sources": sources, "sha256": hashes})
        return find_base(name, self.settings)


def fits(file: UpstreamFile, version: str) -> bool:
    """Whether a network works with ``version``: phones of v1 differ, vocoders and discriminators are of one family."""
    row = known_version(version)
    wanted = {"gpt": row.phones, "vocoder": version, "discriminator": row.discriminators}
    return file.version == wanted.get(file.kind, file.version)


def _check_partner(file: UpstreamFile, version: str) -> None:
    if not fits(file, version):
        raise InputError(
            f"{file.path.name} is a {file.kind} network of {file.version} and does not work with {version}.",
            f"Use the one that belongs to {version}.",
        )


def _shared_name(part: str, version: str) -> str:
    return f"vocoder_{version}" if part == "vocoder" else part


def _link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the file system has no links."""
    temporary = target.with_name(f".{target.name}.part")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _read_vocabulary(path: Path) -> dict[str, int]:
    refused = InputError(f"{path.name} is not a tokenizer of the Chinese text encoder.", "Use the official file.")
    if not path.is_file() or path.stat().st_size > _MAX_TOKENIZER_BYTES:
        raise refused
    try:
        vocabulary = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise refused from error
    if not isinstance(vocabulary, dict) or not all(type(number) is int for number in vocabulary.values()):
        raise refused
    return vocabulary
