"""The door for upstream's files: one call turns a .pth, .ckpt, .pt or .bin into named tensors and plain values.

``read_upstream`` never executes anything (see ``pickle_reader``), normalises names to those of our networks and says
what the file is. Tensors keep the file's type (mostly float16) and are views of the mapped file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gpt_sovits.errors import InputError
from gpt_sovits.models.detect import HEAD_BYTES, kind_of, looks_like, version_of
from gpt_sovits.models.native import load_metadata, load_tensors
from gpt_sovits.models.pickle_reader import UnsafeFileError
from gpt_sovits.models.torch_file import MAX_EXPANSION, open_regular, read_torch_file
from gpt_sovits.versions import OFFICIAL

_MAX_DEPTH = 12
_MAX_VALUES = 20_000
_LORA_ROOT = "cfm.base_model.model."  # how the LoRA library nests the wrapped network
_KEPT_BERT_LAYERS = 22  # the feature is the output of layer 22 of 24


@dataclass(frozen=True, eq=False)
class UpstreamFile:
    """A weight file after reading.

    ``kind``: sovits, lora, gpt, content, bert, speaker, vocoder or discriminator; ``version`` see ``detect``.
    ``form``: "inference" (what upstream exports), "training" (its checkpoints) or "bare" (a state dict alone).
    """

    path: Path
    kind: str
    version: str
    form: str
    tensors: dict[str, Tensor]
    config: dict[str, Any]
    info: str = ""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(value.shape) for name, value in self.tensors.items()}

    @property
    def has_posterior(self) -> bool:
        """Whether the posterior encoder is there, which only fine-tuning needs (fine-tuned files drop it)."""
        return any(name.startswith("enc_q.") for name in self.tensors)


def read_upstream(path: Path | str, *, version: str = "") -> UpstreamFile:
    """Read one weight file of upstream, or a safetensors file with the same names.

    Args:
        path: the file.
        version: what the person says; used only where v3 and v4 cannot be told apart.

    Raises:
        UnsafeFileError, InputError, MissingError: see ``torch_file``; or it is no known network.
    """
    path = Path(path)
    tag, md5, content = "", "", {}
    if path.suffix == ".safetensors":
        os.close(open_regular(path))
        state: dict[str, Tensor] = load_tensors(path)
        form, config, info = "bare", {"version": load_metadata(path).get("version", "")}, ""
    else:
        opened = read_torch_file(path)
        tag, md5 = opened.tag, _head_md5(path, opened.tag)
        content = opened.content if isinstance(opened.content, dict) else {}
        form, state = _state_of(content)
        config = plain_mapping(content["config"]) if isinstance(content.get("config"), Mapping) else {}
        info = content["info"][:200] if isinstance(content.get("info"), str) else ""
        for row in OFFICIAL.values():
            if row.published.info_ending and info.endswith(row.published.info_ending):
                config.setdefault("version", row.name)
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    kind = kind_of(shapes)
    if not kind:
        raise InputError(
            f"{path.name} is none of the networks that this program knows; {looks_like(shapes)}.",
            "Give files of GPT-SoVITS: s2G*.pth, s1*.ckpt, or a voice made with it.",
        )
    found = version_of(kind, shapes, tag=tag, md5=md5, config=config, hint=version)
    if sum(value.nbytes for value in state.values()) > MAX_EXPANSION * path.stat().st_size + 2**20:
        raise UnsafeFileError(f"{path.name} names the same numbers many times over.", "Use an official file.")
    tensors = _normalised(kind, state)
    if kind == "lora" and any(name.startswith("enc_p.") for name in tensors):  # a training file holds both
        kind, tensors = "sovits", merge_lora({}, tensors, path.name)
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InputError(f"{path.name} holds numbers that are not finite, in {name}.", "Get the file again.")
    return UpstreamFile(path, kind, found, form, tensors, config, info)


def merge_lora(base: Mapping[str, Tensor], lora: Mapping[str, Tensor], name: str = "The file") -> dict[str, Tensor]:
    """The full network: ``base`` with the fully trained tensors replaced and ``W + B @ A`` where there is a pair.

    Args:
        base: the complete acoustic network of the same version; may be empty when ``lora`` holds it as well.
        lora: tensors of a file of kind "lora".
        name: of the file, for the error.

    Raises:
        InputError: names or shapes of the two do not belong together.
    """
    merged = dict(base)
    for key, value in lora.items():
        if ".lora_" in key:
            continue
        if base and (key not in base or base[key].shape != value.shape):
            raise _foreign_lora(name, key)
        merged[key] = value
    for key, down in lora.items():
        if ".lora_A." not in key:
            continue
        target = key.split(".lora_A.")[0] + ".weight"
        up, weight = lora.get(key.replace(".lora_A.", ".lora_B.")), merged.get(target)
        if up is None or weight is None or {up.dim(), down.dim(), weight.dim()} != {2}:
            raise _foreign_lora(name, key)
        if up.shape[1] != down.shape[0] or weight.shape != (up.shape[0], down.shape[1]):
            raise _foreign_lora(name, key)
        merged[target] = (weight.float() + up.float() @ down.float()).to(weight.dtype)
    return merged


def with_lora(base: Mapping[str, Tensor], lora: UpstreamFile) -> UpstreamFile:
    """A file of kind "lora" on top of its base, as a file of kind "sovits"."""
    return replace(lora, kind="sovits", tensors=merge_lora(base, lora.tensors, lora.path.name))


def plain_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Copy a config as JSON values; anything else in it is left out.

    Raises:
        InputError: it is nested deeper or larger than any config.
    """
    return _Plain().mapping(value, 0)


class _Plain:
    def __init__(self) -> None:
        self.left = _MAX_VALUES

    def mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        self._spend(len(value), depth)
        items = {str(key): self.value(item, depth + 1) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not _LEFT_OUT}

    def value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            self.left -= len(value) // 64
        if isinstance(value, str | int | float | bool | None):
            return value
        if isinstance(value, Mapping):
            return self.mapping(value, depth)
        if isinstance(value, list | tuple):
            self._spend(len(value), depth)
            return [item for item in (self.value(item, depth + 1) for item in value) if item is not _LEFT_OUT]
        return _LEFT_OUT

    def _spend(self, count: int, depth: int) -> None:
        self.left -= count + 1
        if self.left < 0 or depth > _MAX_DEPTH:
            raise InputError("The configuration inside the file is far too large.", "Get the file again.")


_LEFT_OUT = object()


def _state_of(content: Mapping[Any, Any]) -> tuple[str, dict[str, Tensor]]:
    """Find the state dict: {weight, config, info}, {model, ...}, Lightning's {state_dict}, {generator}, or bare."""
    for key, form in (
        ("weight", "inference"),
        ("model", "training"),
        ("state_dict", "training"),
        ("generator", "bare"),
    ):
        inner = content.get(key)
        if isinstance(inner, Mapping):
            return form, _tensors(inner)
    return "bare", _tensors(content)


def _tensors(state: Mapping[Any, Any]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if isinstance(name, str) and isinstance(value, Tensor)}


def _normalised(kind: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename to the names of our networks and drop what none of them has."""
    if kind == "gpt":
        return {name.removeprefix("model."): value for name, value in state.items()}
    if kind in ("lora", "sovits"):
        return {_without_lora_root(name): value for name, value in state.items()}
    if kind == "bert":
        return {name: value for name, value in state.items() if _bert_is_used(name)}
    return dict(state)


def _foreign_lora(name: str, key: str) -> InputError:
    return InputError(
        f"{name} does not fit the installed base of its version; first difference: {key}.",
        "Install the official base that it was trained on.",
    )


def _without_lora_root(name: str) -> str:
    if name.startswith(_LORA_ROOT):
        name = "cfm." + name[len(_LORA_ROOT) :]
    return name.replace(".base_layer.", ".")


def _bert_is_used(name: str) -> bool:
    if name.startswith("bert.encoder.layer."):
        number = name.split(".")[3]
        return not number.isdecimal() or int(number) < _KEPT_BERT_LAYERS
    return name.startswith("bert.embeddings.") and not name.endswith("position_ids")


def _head_md5(path: Path, tag: str) -> str:
    """md5 of the first 8192 bytes: upstream's own way to recognise its pretrained files."""
    if tag:
        return ""
    with open(path, "rb") as file:
        return hashlib.md5(file.read(HEAD_BYTES), usedforsecurity=False).hexdigest()
