"""Sizes of networks read off their tensors: the ``config.json`` of a base, without importing any network.

The dictionaries have the field names of the networks' own config classes, which check them strictly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpt_sovits.errors import InputError
from gpt_sovits.models.detect import Shapes
from gpt_sovits.versions import FLOW_MATCHING, known_version

_T2S_HEAD, _HUBERT_HEAD, _BERT_HEAD = 32, 64, 64  # channels per attention head in the published networks


def part_config(kind: str, version: str, shapes: Shapes) -> dict[str, Any]:
    """The config of one network.

    Args:
        kind: acoustic, semantic, content, bert, speaker, vocoder or discriminator.
        version: of the acoustic network ("" where the kind has none).
        shapes: names and shapes of its tensors.

    Raises:
        InputError: a tensor that says a size is missing.
    """
    builders: Mapping[str, Any] = {"acoustic": _acoustic, "semantic": _semantic, "content": _content, "bert": _bert}
    if kind in builders:
        return dict(builders[kind](version, shapes))
    if kind == "vocoder":
        return dict(known_version(version).vocoder)
    return {"kind": {"speaker": "eres2netv2", "discriminator": version}[kind]}


def rate_of(version: str) -> int:
    """Sampling rate in Hz of the speech that a version makes."""
    return known_version(version).rate


def _acoustic(version: str, shapes: Shapes) -> dict[str, Any]:
    symbols, hidden = _size(shapes, "enc_p.text_embedding.weight", 2)
    style_bins = _size(shapes, "ref_enc.spectral.0.fc.weight", 2)[1]
    gin = _size(shapes, "ref_enc.fc.fc.weight", 2)[0]
    fused = _size(shapes, "enc_p.mrte.c_pre.weight", 3)[0]
    text: dict[str, Any] = {"symbols": symbols, "hidden": hidden, "mrte_hidden": fused}
    config: dict[str, Any] = {"version": version, "gin": gin, "text": text, "style": {"bins": style_bins}}
    row = known_version(version)
    if row.family == FLOW_MATCHING:
        return _with(config, row.acoustic)
    config["speaker_dim"] = _size(shapes, "sv_emb.weight", 2)[1] if "sv_emb.weight" in shapes else 0
    channels = _size(shapes, "dec.conv_pre.weight", 3)[0]
    stages = _count(shapes, r"dec\.ups\.(\d+)\.")
    kernels = [_size(shapes, f"dec.ups.{stage}.weight_v", 3)[2] for stage in range(stages)]
    config["decoder"] = {"kind": "hifigan", "channels": channels, "kernels": kernels}
    return _with(config, row.acoustic)


def _with(config: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A config with further settings; those of a part join what is known of the part."""
    joined = {
        key: {**config.get(key, {}), **value} if isinstance(value, Mapping) else value for key, value in more.items()
    }
    return {**config, **joined}


def _semantic(version: str, shapes: Shapes) -> dict[str, Any]:
    vocabulary, hidden = _size(shapes, "ar_audio_embedding.word_embeddings.weight", 2)
    return {
        "hidden": hidden,
        "layers": _count(shapes, r"h\.layers\.(\d+)\."),
        "heads": max(1, hidden // _T2S_HEAD),
        "feed_forward": _size(shapes, "h.layers.0.linear1.weight", 2)[0],
        "vocabulary": vocabulary,
        "phones": _size(shapes, "ar_text_embedding.word_embeddings.weight", 2)[0],
        "bert_dim": _size(shapes, "bert_proj.weight", 2)[1] if "bert_proj.weight" in shapes else 0,
    }


def _content(version: str, shapes: Shapes) -> dict[str, Any]:
    inner, width = _size(shapes, "encoder.layers.0.feed_forward.intermediate_dense.weight", 2)
    return {
        "kind": "hubert",
        "hidden": width,
        "layers": _count(shapes, r"encoder\.layers\.(\d+)\."),
        "heads": max(1, width // _HUBERT_HEAD),
        "feed_forward": inner,
    }


def _bert(version: str, shapes: Shapes) -> dict[str, Any]:
    vocabulary, width = _size(shapes, "bert.embeddings.word_embeddings.weight", 2)
    return {
        "kind": "bert",
        "vocabulary": vocabulary,
        "hidden": width,
        "layers": _count(shapes, r"bert\.encoder\.layer\.(\d+)\."),
        "heads": max(1, width // _BERT_HEAD),
        "feed_forward": _size(shapes, "bert.encoder.layer.0.intermediate.dense.weight", 2)[0],
        "positions": _size(shapes, "bert.embeddings.position_embeddings.weight", 2)[0],
    }


def _size(shapes: Shapes, name: str, dimensions: int) -> tuple[int, ...]:
    shape = shapes.get(name)
    if shape is None or len(shape) != dimensions:
        found = "is missing" if shape is None else f"has the shape {list(shape)}"
        raise InputError(f"The file cannot be used: its tensor {name} {found}.", "Use an official file.")
    return shape


def _count(shapes: Shapes, pattern: str) -> int:
    """How many different numbers the names have at the group of ``pattern``."""
    matches = (re.match(pattern, name) for name in shapes)
    return len({match.group(1) for match in matches if match})
