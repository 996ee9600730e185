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
from gpt_sovits.versions import DISCRIMINATORS, FLOW_MATCHING, OFFICIAL, PHONE_ROWS, PHONES, VITS, Published, of_family

HEAD_BYTES = 8192

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
        rows = _shape(shapes, "ar_text_embedding.word_embeddings.weight")[:1]
        return next((name for name, (_, size) in PHONE_ROWS.items() if rows == (size,)), PHONES)
    if kind == "discriminator":  # one looks at the wave as it is, and one at each of the periods
        count = len({name.split(".")[1] for name in shapes if name.startswith("discriminators.")})
        kinds = sorted(DISCRIMINATORS, key=lambda name: len(DISCRIMINATORS[name]), reverse=True)
        return next((name for name in kinds if count > len(DISCRIMINATORS[name])), kinds[-1])
    if kind == "vocoder":
        signs = {row.name: row.published.vocoder_sign for row in of_family(FLOW_MATCHING)}
        signed = (version for version, sign in signs.items() if sign and any(name.startswith(sign) for name in shapes))
        return next(signed, next(version for version, sign in signs.items() if not sign))
    if kind not in ("sovits", "lora"):
        return ""
    if kind == "sovits" and not any(name.startswith("cfm.") for name in shapes):
        fitting = [row for row in of_family(VITS) if _has_signs(shapes, row.published)]
        return max(reversed(fitting), key=lambda row: len(row.published.signs)).name
    return _diffusion_version(tag, md5, config or {}, hint)


def _has_signs(shapes: Shapes, published: Published) -> bool:
    found = {name: _shape(shapes, name)[:1] for name in published.signs}
    return all(found[name] and size in (None, *found[name]) for name, size in published.signs.items())


def _diffusion_version(tag: str, md5: str, config: Mapping[str, Any], hint: str) -> str:
    model = config.get("model")
    known = [row.name for row in of_family(FLOW_MATCHING)]
    stated = (
        next((row.name for row in OFFICIAL.values() if tag in row.published.tags), None),
        next((row.name for row in OFFICIAL.values() if md5 and row.published.head_md5 == md5), None),
        config.get("version"),
        model.get("version") if isinstance(model, Mapping) else None,
        hint,
    )
    for version in stated:
        if version in known:
            return str(version)
    raise InputError(
        f"This file can be of version {' or of '.join(known)} and does not say which.",
        f"Say it: add {' or '.join(f'--version {name}' for name in known)}.",
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
