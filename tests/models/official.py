"""Files in upstream's formats, filled by ``../shared/reference/weights.py`` or with small tensors of those names."""

from __future__ import annotations

import importlib.util
import json
import pickle
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SHARED = Path(__file__).resolve().parents[3] / "shared"
MANIFESTS = SHARED / "reference" / "manifests"
HUBERT, BERT, SPEAKER = "chinese_hubert_base", "chinese_roberta_wwm_ext_large", "eres2netv2_w24s4ep4"
KEPT_SHAPES = ("enc_p.text_embedding.weight", "dec.conv_pre.weight", "model.ar_text_embedding.word_embeddings.weight")


@cache
def manifest(name: str) -> dict[str, Any]:
    return json.loads((MANIFESTS / f"{name}.json").read_text(encoding="utf-8"))


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    return {entry["key"]: tuple(entry["shape"]) for entry in manifest(name)["tensors"]}


def full_state(name: str, seed: int = 0) -> dict[str, Tensor]:
    """The network of a manifest at full size, in the file's types."""
    spec = importlib.util.spec_from_file_location("reference_weights", SHARED / "reference" / "weights.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    types_of = {entry["key"]: getattr(torch, entry["dtype"]) for entry in manifest(name)["tensors"]}
    return {
        key: torch.from_numpy(value).to(types_of[key]) for key, value in module.synthesize(manifest(name), seed).items()
    }


def small_state(name: str, only: Sequence[str] = ()) -> dict[str, Tensor]:
    """The names of a manifest (``only``: those that start so) with tiny tensors; shapes that tell versions are kept."""
    generator = torch.Generator().manual_seed(len(name))
    state = {}
    for key, shape in shapes(name).items():
        if only and not key.startswith(tuple(only)):
            continue
        shape = (shape[0], *(1 for _ in shape[1:])) if key in KEPT_SHAPES else tuple(min(size, 2) for size in shape)
        state[key] = torch.randn(shape, generator=generator).half()
    return state


@contextmanager
def upstream_hparams() -> Iterator[type]:
    """Upstream's attribute class under its module name, only while a file is written."""

    class HParams:
        def __init__(self, **values: Any) -> None:
            for key, value in values.items():
                setattr(self, key, HParams(**value) if isinstance(value, dict) else value)

    module = types.ModuleType("utils")
    HParams.__module__, HParams.__qualname__ = "utils", "HParams"
    module.HParams = HParams  # type: ignore[attr-defined]
    before = sys.modules.get("utils")
    sys.modules["utils"] = module
    try:
        yield HParams
    finally:
        del sys.modules["utils"]
        if before is not None:
            sys.modules["utils"] = before


def write_weight_file(
    path: Path, state: Mapping[str, Tensor], config: Mapping[str, Any], info: str, tag: str = "PK", **more: Any
) -> Path:
    """{weight, config as HParams, info}; ``tag`` replaces the first two bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with upstream_hparams() as hparams:
        torch.save({"weight": dict(state), "config": hparams(**config), "info": info, **more}, path)
    data = bytearray(path.read_bytes())
    data[:2] = tag.encode()
    path.write_bytes(data)
    return path


def write_sovits(
    path: Path, version: str, state: Mapping[str, Tensor], *, tuned: bool = False, tag: str | None = None
) -> Path:
    """A SoVITS file: pretrained, or fine-tuned as upstream exports it (no enc_q, version tag)."""
    if tuned:
        state = {key: value for key, value in state.items() if "enc_q" not in key}
    tags = {"v2Pro": "05", "v2ProPlus": "06"} if tuned else {}
    info = "8epoch_200iteration" if tuned else f"pretrained_s2G_{version}"
    return write_weight_file(path, state, manifest(f"sovits_{version}")["config"], info, tag or tags.get(version, "PK"))


def write_gpt(path: Path, state: Mapping[str, Tensor], generation: str = "v2", *, tuned: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    config = manifest(f"gpt_{generation}")["config"]
    torch.save({"weight": dict(state), "config": config, "info": "GPT-e15" if tuned else "pretrained"}, path)
    return path


def write_bare(path: Path, state: Mapping[str, Tensor], *, modern: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state), path, _use_new_zipfile_serialization=modern, pickle_module=pickle)
    return path
