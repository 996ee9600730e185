"""What each letter of an unknown English word stands for, by small networks that see the whole word.

Gated convolutions over the letters; ``en_spelling_net.npz`` (float16) holds the networks that
``lab.train_spelling_net`` trained. Their mean joins the n-grams of ``en_spell``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gpt_sovits.text.data import FOLDER

BORDER = 27  # the letter before the first and after the last
Pair = tuple[str, str]


@cache
def _networks() -> tuple[tuple[Pair, ...], dict[str, tuple[int, ...]], tuple[Mapping[str, Any], ...]]:
    """The pairs of letter and sounds, the numbers of those of each letter, and the networks' arrays by name."""
    import numpy as np  # late: a text of known words does not wait for it

    with np.load(FOLDER / "en_spelling_net.npz", allow_pickle=False) as stored:
        pairs = tuple((item[0], item[2:]) for item in str(stored["pairs"]).split(","))
        names = sorted({name.split(".")[0] for name in stored.files if "." in name})
        arrays = {name: stored[name].astype(np.float32) for name in stored.files if "." in name}
    networks = tuple(
        {key.partition(".")[2]: value for key, value in arrays.items() if key.startswith(name + ".")} for name in names
    )
    by_letter: dict[str, list[int]] = {}
    for number, (letter, _) in enumerate(pairs):
        by_letter.setdefault(letter, []).append(number)
    return pairs, {letter: tuple(numbers) for letter, numbers in by_letter.items()}, networks


def _normed(x: Any, scale_shift: Any) -> Any:
    """Each row of ``x`` at mean 0 and variance 1, then scaled and shifted."""
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / (((centred**2).mean(-1, keepdims=True) + 1e-5) ** 0.5)
    return scaled * scale_shift[0] + scale_shift[1]


def _logits(net: Mapping[str, Any], letters: list[int]) -> Any:
    """``[len(letters), pairs]``."""
    import numpy as np

    x = net["embedding"][letters]
    width = net["conv"].shape[1]
    half = net["conv"].shape[3] // 2
    for kernel, bias, norm in zip(net["conv"], net["conv_bias"], net["norm"], strict=True):
        padded = np.pad(_normed(x, norm), ((width // 2, width // 2), (0, 0)))
        moved = sum(padded[at : at + len(letters)] @ kernel[at] for at in range(width)) + bias
        x = x + moved[:, :half] / (1 + np.exp(-moved[:, half:]))
    return _normed(x, net["last"]) @ net["out"] + net["out_bias"]


def scores(word: str) -> list[dict[Pair, float]]:
    """For every letter of ``word`` (a-z only) the log-probability of each pair that it may begin; mean of the nets."""
    import numpy as np

    pairs, by_letter, networks = _networks()
    letters = [BORDER, *(ord(char) - 96 for char in word), BORDER]
    raw = [_logits(net, letters)[1:-1] for net in networks]
    found = []
    for at, char in enumerate(word):
        numbers = list(by_letter[char])
        rows = [logits[at, numbers] for logits in raw]
        mean = sum(row - row.max() - np.log(np.exp(row - row.max()).sum()) for row in rows) / len(rows)
        found.append({pairs[number]: float(value) for number, value in zip(numbers, mean, strict=True)})
    return found
