"""Whether a voice from elsewhere fits its base: told from the base's config and the headers of its files alone.

What does not fit would only fail when the voice speaks, deep inside a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpt_sovits.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from gpt_sovits.features.reference import Reference
    from gpt_sovits.models.store import BaseFiles

MOST_PROMPT = 2000  # codes, and phones, of a prompt; a minute of speech has 1500 codes


def check_fit(base: object, delta: Mapping[str, Tensor], reference: Reference) -> None:
    """Raise ``InputError`` unless a voice can be spoken on ``base``, as far as its shapes and numbers tell.

    ``base`` is what a look-up of the voice's base gave; where that is no ``BaseFiles``, nothing is known of it.
    """
    from gpt_sovits.models.store import BaseFiles  # late: lists of voices need no torch

    if isinstance(base, BaseFiles):
        _check_weights(base, delta)
        _check_reference(base, reference)


def _check_weights(base: BaseFiles, delta: Mapping[str, Tensor]) -> None:
    """Add the delta as speaking does, to tensors that have a shape and no memory."""
    import torch

    from gpt_sovits.models.delta import merged
    from gpt_sovits.models.native import tensor_shapes

    for part in ("acoustic", "semantic"):
        prefix = f"{part}."
        own = {key.removeprefix(prefix): value.to("meta") for key, value in delta.items() if key.startswith(prefix)}
        shapes = tensor_shapes(base.path(part)) if own else {}
        merged({name: torch.empty(shape, device="meta") for name, shape in shapes.items()}, own, base.name)


def _check_reference(base: BaseFiles, reference: Reference) -> None:
    """Compare every width and number with the sizes of the networks that they go into."""
    from gpt_sovits.families.table import family_of
    from gpt_sovits.semantic.config import T2SConfig

    semantic = T2SConfig.from_dict(_config(base, "semantic"))
    acoustic = family_of(base.version).widths(_config(base, "acoustic"))
    codes, phones = reference.codes.tolist(), reference.phones
    right = {
        "style": reference.style.shape[1] == acoustic.style,
        "codes": _below(codes, min(acoustic.codebook, semantic.eos)),
        "phones": _below(phones, min(acoustic.symbols, semantic.phones)),
        "prompt": not acoustic.mel or bool(codes and phones and reference.mel is not None),
        "mel": _is_wide(reference.mel, acoustic.mel, 1),
        "text features": _is_wide(reference.bert, semantic.bert_dim, 0),
        "speaker vector": _is_wide(reference.speaker, acoustic.speaker, 1),
        "colour": all(_is_wide(each.colour, acoustic.colour, 0) for each in (reference.timbre, *reference.parts)),
    }
    wrong = [what for what, fits in right.items() if not fits]
    if wrong:
        raise InputError(
            f"This voice does not fit the model {base.name} ({wrong[0]}).", "Ask for it again, made on that model."
        )


def _config(base: BaseFiles, part: str) -> dict[str, Any]:
    values = base.config.get(part)
    if not isinstance(values, Mapping):
        raise InputError(f"The model {base.name} says nothing about its {part} network.", "Import it again.")
    return dict(values)


def _below(numbers: list[int] | tuple[int, ...], bound: int) -> bool:
    return len(numbers) <= MOST_PROMPT and max(numbers, default=0) < bound


def _is_wide(tensor: Tensor | None, width: int, axis: int) -> bool:
    """Whether a feature is as wide as the base's networks take it; one that they do not take is not there."""
    return tensor is None or tensor.shape[axis] == width > 0
