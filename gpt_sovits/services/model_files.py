"""The models of a person's machine: import, download, list, verify. The doors of ``weights`` with networks to check by.

``weights`` reads and writes tensors and knows no networks; here each network that is to be installed is built without
memory and its names and shapes are compared, so that a wrong file is refused before anything is written.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.discriminator import Discriminators
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.families.base import build_network
from gpt_sovits.features.bert import BertConfig, load_bert
from gpt_sovits.features.hubert import HubertConfig, load_hubert
from gpt_sovits.features.speaker import load_speaker_encoder
from gpt_sovits.files import sizes_below
from gpt_sovits.models.catalog import DEFAULT_ENDPOINT, TRANSCRIBER, bundle, file_with_digest
from gpt_sovits.models.delta import merged
from gpt_sovits.models.detect import Shapes
from gpt_sovits.models.download import download_bundle, download_folder
from gpt_sovits.models.export import export_pair, exportable
from gpt_sovits.models.importing import ImportReport, import_paths
from gpt_sovits.models.install import sha256_of, shared_official
from gpt_sovits.models.native import check_fit, load_metadata, load_tensors, tensor_shapes
from gpt_sovits.models.store import PARTS_FOLDER, BaseFiles, find_base, list_bases
from gpt_sovits.settings import Settings
from gpt_sovits.versions import DISCRIMINATORS, OFFICIAL, VERSIONS, Version

_PARTS = ("acoustic", "semantic", "content", "ear", "bert", "speaker", "vocoder", "discriminator")


@dataclass(frozen=True)
class ModelCard:
    """One line of ``models list``; ``installed`` is False for an official model that is not on this machine.

    ``size``: bytes that it takes beside the others, or that its download has; ``models_and_shared`` tells the rest.
    """

    name: str
    version: str
    installed: bool
    bundled: bool
    size: int
    missing: tuple[str, ...]
    trainable: bool
    facts: Version | None


def check_part(part: str, config: Mapping[str, Any], shapes: Shapes) -> None:
    """Compare a file's names and shapes with the network that ``config`` describes.

    Raises:
        InputError: lists what is missing, unexpected or of another shape.
    """
    if part in ("content", "bert", "speaker"):
        _check_encoder(part, config, shapes)
        return
    try:
        with torch.device("meta"):
            if part == "discriminator":
                network: nn.Module = Discriminators(DISCRIMINATORS[config["kind"]])
            else:
                network = build_network(part, config)
    except (ArithmeticError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(
            f"The sizes in this file cannot make the {part} network ({error}); the weights do not fit.",
            "Use an official file.",
        ) from error
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    lacks_posterior = part == "acoustic" and not any(name.startswith("enc_q.") for name in shapes)
    what = f"the {part} network {config.get('version', '')}".strip()
    check_fit(wanted, shapes, what, ignore=("enc_q.",) if lacks_posterior else ())


def import_models(
    paths: Sequence[Path],
    settings: Settings,
    *,
    name: str = "",
    version: str = "",
    replace: bool = False,
    on_event: EventSink = ignore,
) -> ImportReport:
    """Import upstream's files or folders; see ``models.importing.import_paths``."""
    return import_paths(
        paths, settings, name=name, version=version, replace=replace, check=check_part, on_event=on_event
    )


def download_model(
    version: str,
    settings: Settings,
    *,
    accept_licences: bool,
    endpoint: str = DEFAULT_ENDPOINT,
    on_event: EventSink = ignore,
    cancel: CancelToken | None = None,
) -> BaseFiles:
    """Download an official version, check it, import it and drop the downloaded originals."""
    files = download_bundle(
        version,
        settings,
        accept_licences=accept_licences,
        endpoint=endpoint,
        without=shared_official(settings),
        on_event=on_event,
        cancel=cancel,
    )
    on_event(Event("install", f"Installing {version}"))
    import_models(files, settings, name=version, version=version, on_event=on_event)
    for file in files:
        file.unlink()
    if not any(path.is_file() for path in download_folder(settings).rglob("*")):
        shutil.rmtree(download_folder(settings))
    return find_base(version, settings)


def download_transcriber(
    settings: Settings,
    *,
    accept_licences: bool,
    endpoint: str = DEFAULT_ENDPOINT,
    on_event: EventSink = ignore,
    cancel: CancelToken | None = None,
) -> Path:
    """Download what writes down recordings, check it and put it into the models folder; returns its own folder."""
    files = download_bundle(
        TRANSCRIBER,
        settings,
        accept_licences=accept_licences,
        endpoint=endpoint,
        on_event=on_event,
        cancel=cancel,
    )
    folder = settings.models_dir / TRANSCRIBER
    folder.mkdir(parents=True, exist_ok=True)
    for file in reversed(files):  # what it is found by comes last
        os.replace(file, folder / file.name)
    shutil.rmtree(files[0].parent)
    return folder


def export_voice(
    name: str,
    base_name: str,
    delta: Mapping[str, Tensor],
    folder: Path,
    settings: Settings,
    *,
    epochs: int = 1,
    steps: int = 1,
) -> tuple[Path, Path]:
    """Write a voice as upstream's pair of files: base plus delta, for v2, v2Pro and v2ProPlus.

    Args:
        name: of the voice, for the file names.
        base_name: the base that it was made on.
        delta: "acoustic.<key>" and "semantic.<key>" to what training added (``voices.voice``).
        folder: where to.
        epochs, steps: how long it was trained.

    Raises:
        InputError: the voice has no trained weights, does not fit its base, or upstream has no such network.
    """
    base = find_base(base_name, settings)
    exportable(base.version)
    if not delta:
        raise InputError(f"{name} is a reference clip, without trained weights.", "Train it first, or keep the clip.")
    states = []
    for part in ("acoustic", "semantic"):
        own = {key.removeprefix(f"{part}."): value for key, value in delta.items() if key.startswith(f"{part}.")}
        state = {key: value.float() for key, value in load_tensors(base.path(part)).items()}
        states.append(merged(state, own, base_name))
    return export_pair(folder, name, base.version, states[0], states[1], epochs=epochs, steps=steps)


def list_models(settings: Settings) -> list[ModelCard]:
    """Every base here, then the official versions that are not."""
    return models_and_shared(settings)[0]


def models_and_shared(settings: Settings) -> tuple[list[ModelCard], int]:
    """``list_models``, and bytes of what several bases here use, or will: it stays when one of them is removed."""
    cards = []
    bases = list_bases(settings)
    *places, parts = (
        sizes_below(folder) for folder in [*(base.folder for base in bases), settings.models_dir / PARTS_FOLDER]
    )
    shares = Counter(place for sizes in (*places, parts) for place in sizes)
    for base, sizes in zip(bases, places, strict=True):
        size = sum(each for place, each in sizes.items() if shares[place] == 1)
        facts = VERSIONS.get(base.version) or VERSIONS.get(base.name)
        trainable = bool(base.config.get("trainable", True))
        cards.append(ModelCard(base.name, base.version, True, base.bundled, size, base.missing, trainable, facts))
    here = {card.name for card in cards}
    for version in OFFICIAL:
        if version not in here:
            size = sum(file.size for file in bundle(version))
            cards.append(ModelCard(version, version, False, False, size, (), True, OFFICIAL[version]))
    every = {place: size for sizes in (*places, parts) for place, size in sizes.items()}
    return cards, sum(every.values()) - sum(card.size for card in cards if card.installed)


def verify_model(name: str, settings: Settings) -> list[str]:
    """Check every network of an installed base against its config; returns one line per part.

    Raises:
        VoiceError: the base does not exist, or a part is missing, damaged or does not fit.
    """
    base = find_base(name, settings)
    if base.missing:
        base.path(base.missing[0])
    present = [part for part in _PARTS if base.has(part)]
    for part in present:
        recorded = base.config.get("sha256", {}).get(f"{part}.safetensors", "")
        if recorded and sha256_of(base.path(part)) != recorded:
            raise InputError(f"The {part} network of {name} was changed or is damaged.", "Import it again.")
    lines = []
    for part in present:
        if not base.bundled:
            check_part(part, base.config[part], tensor_shapes(base.path(part)))
        official = load_metadata(base.path(part)).get("official", "")
        origin = f"the official {official}" if official else "no digest on record"
        lines.append(f"{part}: fits ({origin})")
    return lines


def verify_file(path: Path) -> str:
    """Whether a file is one of the published ones, in a sentence.

    Raises:
        InputError: it cannot be read.
    """
    try:
        known = file_with_digest(sha256_of(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", "Check the name.") from error
    if known is None:
        return f"{path.name} is none of the published files that have a digest on record."
    return f"{path.name} is the published {known.path}."


def _check_encoder(part: str, config: Mapping[str, Any], shapes: Shapes) -> None:
    """The frozen encoders are loaded by renaming, so a rehearsal without memory is the check."""
    state: dict[str, Tensor] = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    sizes = {key: value for key, value in config.items() if key != "kind"}
    try:
        if part == "content":
            load_hubert(state, HubertConfig(**sizes))
        elif part == "bert":
            load_bert(state, BertConfig(**sizes))
        else:
            load_speaker_encoder(state)
    except VoiceError as error:
        raise InputError(f"The weights do not fit the {part} network: {error.message}", error.action) from error
