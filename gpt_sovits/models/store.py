"""Bases on disk: what is there and where.

    models/<name>/config.json           {name, version, rate, trainable, acoustic, semantic, ..., sources, sha256}
    models/<name>/<part>.safetensors    acoustic, semantic, content; ear, bert, speaker, vocoder, discriminator if used
    models/<name>/bert_vocabulary.json  the characters of the Chinese text encoder
    models/.parts/                      what bases share (content, bert, speaker, vocoders); linked, not copied

The embedded bases lie in the program's own folder, in the same form, and are never shadowed by others.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.models.catalog import TRANSCRIBER
from gpt_sovits.models.native import CONFIG_NAME, load_config
from gpt_sovits.settings import Settings
from gpt_sovits.versions import OFFICIAL, VERSIONS

LONGEST_NAME = 64  # characters; and at most 200 bytes, which every file system takes
PARTS_FOLDER = ".parts"
VOCABULARY_NAME = "bert_vocabulary.json"
EARLIER = "earlier"  # folder of the releases of an embedded base that came before


def is_name(name: str) -> bool:
    """Whether a model may be called so: letters (of any script), marks on them and digits, "_" and "-" between."""
    return (
        0 < len(name) <= LONGEST_NAME
        and len(name.encode("utf-8", "replace")) <= 200
        and name == unicodedata.normalize("NFC", name)
        and unicodedata.category(name[0])[0] in "LN"
        and all(char in "_-" or unicodedata.category(char)[0] in "LMN" for char in name)
    )


def name_from(text: str) -> str:
    """The name nearest to a file's; "" where nothing of it can stay."""
    text = unicodedata.normalize("NFC", text)
    kept = "".join(char if char in "_-" or unicodedata.category(char)[0] in "LMN" else "-" for char in text)
    name = re.sub(r"-{2,}", "-", kept).lstrip("_-")[:LONGEST_NAME]
    while len(name.encode()) > 200:
        name = name[:-1]
    name = name.rstrip("_-")
    return name if is_name(name) else ""


@dataclass(frozen=True)
class BaseFiles:
    """One base on disk: its config and which networks are there.

    ``others``: folders of other releases; a part that is the same there lies in one of them only.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    bundled: bool
    others: tuple[Path, ...] = ()

    @property
    def version(self) -> str:
        return str(self.config.get("version", ""))

    @property
    def release(self) -> str:
        """Which publication of the base this is: voices only fit the one they were made on."""
        hashes = self.config.get("sha256", {})
        return "-".join(str(hashes.get(f"{part}.safetensors", ""))[:12] for part in ("acoustic", "semantic")).strip("-")

    def has(self, part: str) -> bool:
        return self._place(part).is_file()

    def _place(self, part: str) -> Path:
        name = f"{part}.safetensors"
        wanted = self.config.get("sha256", {}).get(name)
        for folder in self.others if not (self.folder / name).is_file() else ():
            if (folder / name).is_file() and load_config(folder).get("sha256", {}).get(name) == wanted:
                return folder / name
        return self.folder / name

    def path(self, part: str) -> Path:
        """The safetensors file of a part.

        Raises:
            MissingError: says how to get it.
        """
        if not self.has(part):
            raise _missing_part(self.name, self.version, part)
        return self._place(part)

    @property
    def vocabulary(self) -> Path:
        """JSON object from token to id, for the Chinese text encoder; may not exist."""
        return self.folder / VOCABULARY_NAME

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts without which this base cannot speak."""
        return tuple(part for part in required_parts(self.version) if not self.has(part))


def required_parts(version: str) -> tuple[str, ...]:
    """What a base of ``version`` needs in order to speak."""
    row = VERSIONS.get(version)
    return ("content", "semantic", "acoustic", *(row.parts if row else ()))


def find_base(name: str, settings: Settings) -> BaseFiles:
    """Look a base up by name: the embedded ones first, then those of the person.

    ``NAME@RELEASE`` is one that was published before: voices that were made on it go on speaking as they did.

    Raises:
        MissingError: there is none; says how to get the official ones. InputError: its config is damaged.
    """
    name, _, release = name.partition("@")
    if is_name(name):
        for parent, bundled in ((settings.bundled_models, True), (settings.models_dir, False)):
            if (parent / name / CONFIG_NAME).is_file():
                found = BaseFiles(name, parent / name, load_config(parent / name), bundled)
                return _earlier(found, release) if release else found
    if name in OFFICIAL:
        raise MissingError(f"The model {name} is not installed.", f"Install it with: gpt-sovits models download {name}")
    raise MissingError(f"There is no model called {name!r}.", "See: gpt-sovits models list")


def _earlier(base: BaseFiles, release: str) -> BaseFiles:
    folder = base.folder / EARLIER / release
    if not re.fullmatch("[0-9a-f]{12}-[0-9a-f]{12}", release) or not (folder / CONFIG_NAME).is_file():
        raise MissingError(
            f"This voice was made on another release of the model {base.name}.", "Train it again from its recording."
        )
    others = (base.folder, *sorted(place.parent for place in folder.parent.glob(f"*/{CONFIG_NAME}")))
    return BaseFiles(base.name, folder, load_config(folder), base.bundled, others)


def list_bases(settings: Settings) -> list[BaseFiles]:
    """Every base on this machine, embedded ones first, then by name; a damaged config is skipped."""
    found: list[BaseFiles] = []
    for parent, bundled in ((settings.bundled_models, True), (settings.models_dir, False)):
        for config in sorted(parent.glob(f"*/{CONFIG_NAME}")):
            if is_name(config.parent.name) and not any(b.name == config.parent.name for b in found):
                try:
                    found.append(BaseFiles(config.parent.name, config.parent, load_config(config.parent), bundled))
                except InputError:
                    continue
    return found


def remove_base(name: str, settings: Settings) -> None:
    """Delete an installed base from disk; parts that others share stay with them.

    Raises:
        MissingError: there is none. InputError: it is embedded in the program.
    """
    if name == TRANSCRIBER and (settings.models_dir / name).is_dir():
        shutil.rmtree(settings.models_dir / name)
        return
    base = find_base(name, settings)
    if base.bundled:
        raise InputError(f"The model {name} is part of the program.", "It cannot be removed.")
    shutil.rmtree(base.folder)


def _missing_part(name: str, version: str, part: str) -> MissingError:
    action = "Import the file with: gpt-sovits models import FILE"
    if version in OFFICIAL:
        action = f"Install it with: gpt-sovits models download {version}"
    return MissingError(f"The model {name} lacks its {part} network.", action)
