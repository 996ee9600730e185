"""The way out: a voice as the pair of files (.pth and .ckpt) that upstream's program loads.

Both are ``{weight, config, info}`` with float16 tensors and plain containers, so they also load with PyTorch's safe
loader. v2Pro and v2ProPlus files get upstream's version tag in place of the zip's first two bytes. The config holds
upstream's published hyper-parameters and nothing of the person or the machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gpt_sovits.errors import InputError
from gpt_sovits.models.native import write_atomically
from gpt_sovits.versions import VERSIONS, Version

_ZIP = b"PK"  # how a file begins that carries no tag of upstream's

_ACOUSTIC_TRAIN = {
    "log_interval": 100,
    "eval_interval": 500,
    "seed": 1234,
    "epochs": 100,
    "learning_rate": 0.0001,
    "betas": [0.8, 0.99],
    "eps": 1e-9,
    "batch_size": 32,
    "fp16_run": True,
    "lr_decay": 0.999875,
    "segment_size": 20480,
    "init_lr_ratio": 1,
    "warmup_epochs": 0,
    "c_mel": 45,
    "c_kl": 1.0,
    "text_low_lr_rate": 0.4,
    "grad_ckpt": False,
}
_ACOUSTIC_DATA = {
    "max_wav_value": 32768.0,
    "sampling_rate": 32000,
    "filter_length": 2048,
    "hop_length": 640,
    "win_length": 2048,
    "n_mel_channels": 128,
    "mel_fmin": 0.0,
    "mel_fmax": None,
    "add_blank": True,
    "n_speakers": 300,
    "cleaned_text": True,
}
_ACOUSTIC_MODEL = {
    "inter_channels": 192,
    "hidden_channels": 192,
    "filter_channels": 768,
    "n_heads": 2,
    "n_layers": 6,
    "kernel_size": 3,
    "p_dropout": 0.1,
    "resblock": "1",
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "upsample_rates": [10, 8, 2, 2, 2],
    "upsample_initial_channel": 512,
    "upsample_kernel_sizes": [16, 16, 8, 2, 2],
    "n_layers_q": 3,
    "use_spectral_norm": False,
    "gin_channels": 512,
    "semantic_frame_rate": "25hz",
    "freeze_quantizer": True,
}
_SEMANTIC_CONFIG = {
    "train": {"seed": 1234, "epochs": 20, "batch_size": 8, "save_every_n_epoch": 1, "precision": "16-mixed"},
    "optimizer": {"lr": 0.01, "lr_init": 1e-5, "lr_end": 1e-4, "warmup_steps": 2000, "decay_steps": 40000},
    "data": {"max_eval_sample": 8, "max_sec": 54, "num_workers": 4, "pad_val": 1024},
    "inference": {"top_k": 15},
}


def export_pair(
    folder: Path,
    name: str,
    version: str,
    acoustic: Mapping[str, Tensor],
    semantic: Mapping[str, Tensor],
    *,
    epochs: int = 1,
    steps: int = 1,
) -> tuple[Path, Path]:
    """Write the two files of a fine-tuned voice.

    Args:
        folder: where to; created when missing.
        name: of the voice; becomes part of the file names.
        version: of the base: v2, v2Pro or v2ProPlus.
        acoustic: the full SoVITS state dict (base plus delta), any float type; ``enc_q`` is left out as upstream does.
        semantic: the full T2S state dict under our names.
        epochs, steps: how long it was trained, for file names and ``info``.

    Returns:
        The paths of the SoVITS file (.pth) and of the GPT file (.ckpt).

    Raises:
        InputError: upstream has no such version.
    """
    row = exportable(version)
    stem = _file_stem(name)
    sovits, gpt = folder / f"{stem}_e{epochs}_s{steps}.pth", folder / f"{stem}-e{epochs}.ckpt"
    model = {**_ACOUSTIC_MODEL, **(row.exported or {}), "version": version}
    config = {"train": _ACOUSTIC_TRAIN, "data": _ACOUSTIC_DATA, "model": model, "name": stem, "version": version}
    weights = {key: value for key, value in acoustic.items() if "enc_q" not in key}
    _save(sovits, weights, config, f"{epochs}epoch_{steps}iteration", row.exported_tag)
    prefixed = {f"model.{key}": value for key, value in semantic.items()}
    _save(gpt, prefixed, _semantic_config(semantic), f"GPT-e{epochs}", _ZIP)
    return sovits, gpt


def exportable(version: str) -> Version:
    """The row of a version; raises InputError where this program does not write its voices for upstream."""
    row = VERSIONS.get(version)
    if row is None or row.exported is None:
        known = [name for name, each in VERSIONS.items() if each.exported is not None]
        raise InputError(
            f"A voice made on a model of version {version} cannot be exported for upstream's program.",
            f"Voices made on {', '.join(known)} can.",
        )
    return row


def _semantic_config(semantic: Mapping[str, Tensor]) -> dict[str, Any]:
    vocabulary, hidden = semantic["ar_audio_embedding.word_embeddings.weight"].shape
    model = {
        "vocab_size": vocabulary,
        "phoneme_vocab_size": semantic["ar_text_embedding.word_embeddings.weight"].shape[0],
        "embedding_dim": hidden,
        "hidden_dim": hidden,
        "head": 16,
        "linear_units": semantic["h.layers.0.linear1.weight"].shape[0],
        "n_layer": len({key.split(".")[2] for key in semantic if key.startswith("h.layers.")}),
        "dropout": 0,
        "EOS": vocabulary - 1,
        "random_bert": 0,
    }
    return {**_SEMANTIC_CONFIG, "model": model}


def _save(path: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any], info: str, tag: bytes) -> None:
    weight = {
        key: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for key, value in tensors.items()
    }
    content = {"weight": weight, "config": dict(config), "info": info}

    def write(target: Path) -> None:
        target.chmod(0o600)  # a voice is its person's
        torch.save(content, target)
        with open(target, "r+b") as file:
            file.write(tag)

    write_atomically(path, write)


def _file_stem(name: str) -> str:
    """A safe file name; other scripts stay, upstream's program shows the name in its list."""
    stem = re.sub(r"[^\w-]+", "_", name).strip("_-")[:60]
    return stem or "voice"
