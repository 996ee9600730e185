"""What a weight file is: its kind and version, from its tensor names first.

    kind            names that tell                                version
    sovits          enc_p.* with dec.* or cfm.*                    v1, v2, v2Pro, v2ProPlus by shapes; v3 / v4 see below
    lora            *.lora_A.*                                     v3 / v4
    gpt             ar_predict_layer.* (after "model.")            v1 (512 phones) or v2 (732; used by all later ones)
    content         feature_extractor.conv_layers.*                -
    bert            bert.encoder.layer.*                           -
    speaker         fuse34.*                                       -
    vocoder         conv_pre.* without dec.                        v3 (BigVGAN) or v4
    discriminator   discriminators.*                               v2 (5 periods) or v2Pro (7)

v3 and v4 have equal names and shapes: the two-byte header tells, then the md5 of the first 8192 bytes (pretrained
files), then the config inside, then the person who imports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpt_sovits.errors import InputError

SOVITS_VERSIONS = ("v1", "v2", "v2Pro", "v2ProPlus", "v3", "v4")
RATES = {"v1": 32000, "v2": 32000, "v2Pro": 32000, "v2ProPlus": 32000, "v3": 24000, "v4": 48000}  # Hz of the speech

HEAD_BYTES = 8192
_HEAD_MD5 = {
    "dc3c97e17592963677a4a1681f30c653": "v1",
    "6642b37f3dbb1f76882b69937c95a5f3": "v2",
    "43797be674a37c1c83ee81081941ed0f": "v3",
    "4f26b9476d0c5033e04162c486074374": "v4",
    "c7e9fce2223f3db685cdfa1e6368728a": "v2Pro",
    "66b313e39455b57ab1b0bc0b239c9d0a": "v2ProPlus",
}
_TAG_VERSIONS = {"00": "v1", "01": "v2", "02": "v3", "03": "v3", "04": "v4", "05": "v2Pro", "06": "v2ProPlus"}
_V1_SYMBOLS, _V1_PHONES, _PLUS_CHANNELS = 322, 512, 768
_PRO_PERIODS = 7

Shapes = Mapping[str, tuple[int, ...]]


def kind_of(shapes: Shapes) -> str:
    """The kind of a state dict by its names, "" when it is none that is known."""
    names = list(shapes)
    tests = (
        ("lora", lambda name: ".lora_A." in name),
        ("discriminator", lambda name: name.startswith("discriminators.")),
        ("sovits", lambda name: name.startswith("enc_p.")),
        ("gpt", lambda name: name.removeprefix("model.").startswith("ar_predict_layer.")),
        ("content", lambda name: name.startswith("feature_extractor.conv_layers.")),
        ("bert", lambda name: name.startswith("bert.encoder.layer.")),
        ("speaker", lambda name: name.startswith("fuse34.")),
        ("vocoder", lambda name: name.startswith("conv_pre.")),
    )
    return next((kind for kind, test in tests if any(map(test, names))), "")


def version_of(
    kind: str, shapes: Shapes, *, tag: str = "", md5: str = "", config: Mapping[str, Any] | None = None, hint: str = ""
) -> str:
    """The version of a state dict of ``kind``, "" for kinds that have none.

    Args:
        shapes: tensor names and shapes.
        tag: the two bytes that replaced the zip's, as text ("05").
        md5: of the file's first 8192 bytes, in hexadecimal.
        config: the hyper-parameters inside the file.
        hint: what the person says it is; decides only where nothing else does.

    Raises:
        InputError: v3 and v4 cannot be told apart.
    """
    if kind == "gpt":
        table = _shape(shapes, "ar_text_embedding.word_embeddings.weight")
        return "v1" if table[:1] == (_V1_PHONES,) else "v2"
    if kind == "vocoder":
        return "v3" if any(name.startswith("activation_post.") for name in shapes) else "v4"
    if kind == "discriminator":
        count = len({name.split(".")[1] for name in shapes if name.startswith("discriminators.")})
        return "v2Pro" if count > _PRO_PERIODS else "v2"
    if kind not in ("sovits", "lora"):
        return ""
    if kind == "sovits" and not any(name.startswith("cfm.") for name in shapes):
        if any(name.startswith("sv_emb.") for name in shapes):
            channels = _shape(shapes, "dec.conv_pre.weight")
            return "v2ProPlus" if channels[:1] == (_PLUS_CHANNELS,) else "v2Pro"
        return "v1" if _shape(shapes, "enc_p.text_embedding.weight")[:1] == (_V1_SYMBOLS,) else "v2"
    return _diffusion_version(tag, md5, config or {}, hint)


def _diffusion_version(tag: str, md5: str, config: Mapping[str, Any], hint: str) -> str:
    model = config.get("model")
    stated = (
        _TAG_VERSIONS.get(tag),
        _HEAD_MD5.get(md5),
        config.get("version"),
        model.get("version") if isinstance(model, Mapping) else None,
        hint,
    )
    for version in stated:
        if version in ("v3", "v4"):
            return version
    raise InputError(
        "This file can be of version v3 or of v4 and does not say which.",
        "Say it: add --version v3 or --version v4.",
    )


def looks_like(shapes: Shapes) -> str:
    """One phrase for a person about tensors that fit no known kind."""
    if not shapes:
        return "it holds no tensors at all"
    groups: dict[str, int] = {}
    for name in shapes:
        head = name.split(".")[0]
        groups[head] = groups.get(head, 0) + 1
    largest = sorted(groups, key=lambda head: -groups[head])[:5]
    return f"it holds {len(shapes)} tensors named " + ", ".join(f"{head[:40]}.* ({groups[head]})" for head in largest)


def _shape(shapes: Shapes, name: str) -> tuple[int, ...]:
    return shapes.get(name) or shapes.get(f"model.{name}") or ()
