"""The end of pretraining: averaged weights in fp16, the config that sizes them, and their hashes, as a base folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from gpt_sovits.acoustic.config import SoVITSConfig
from gpt_sovits.errors import MissingError
from gpt_sovits.features.mini_content import MiniContentEncoder
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.weights.native import load_metadata, load_tensors, save_config, save_tensors

SPEAKING = {  # what sounded best in ``evaluate`` with this base
    "noise": 0.0,
    "prompt": False,
    "sampling": {"top_k": 5, "top_p": 1.0, "temperature": 0.7, "repetition_penalty": 1.0},
}
_KEEP_FLOAT = ("_codebook.",)  # codes must come out the same on every machine


def averaged(checkpoint: Path) -> tuple[dict[str, Tensor], int]:
    """The averaged weights of a checkpoint of ``pretrain`` and its step."""
    prefix = "module/average/"
    state = load_tensors(checkpoint, prefix=prefix)
    if not state:
        raise MissingError(f"{checkpoint.name} holds no averaged weights.", "Run that stage of pretrain first.")
    return {key[len(prefix) :]: value for key, value in state.items()}, int(load_metadata(checkpoint)["step"])


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        key: value.half() if value.dtype == torch.float32 and not any(k in key for k in _KEEP_FLOAT) else value
        for key, value in state.items()
    }


def publish(
    work: Path, out: Path, content: MiniContentEncoder, acoustic: SoVITSConfig, semantic: T2SConfig
) -> dict[str, object]:
    """Write the base folder ``out`` from the checkpoints in ``work``; returns the config that it got."""
    acoustic_state, acoustic_steps = averaged(work / "acoustic.safetensors")
    semantic_state, semantic_steps = averaged(work / "semantic.safetensors")
    # the posterior encoder stays, though nothing trains it now: SoVITS loads all of its parts or none
    parts = {
        "content": halved(dict(content.state_dict())),
        "acoustic": halved(acoustic_state),
        "semantic": halved(semantic_state),
    }
    out.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for name, state in parts.items():
        path = out / f"{name}.safetensors"
        save_tensors(path, state)
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    config: dict[str, object] = {
        "name": out.name,
        "version": "mini",
        "rate": acoustic.sample_rate,
        "content": {"kind": "mini", **content.config.to_dict()},
        "acoustic": acoustic.to_dict(),
        "semantic": semantic.to_dict(),
        "speaking": SPEAKING,
        "steps": {"acoustic": acoustic_steps, "semantic": semantic_steps},
        "sha256": hashes,
    }
    save_config(out, config)
    return config
