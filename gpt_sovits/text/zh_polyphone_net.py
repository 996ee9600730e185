"""The reading of Chinese characters that neither a word nor a rule decides: g2pM's small published network.

A bidirectional recurrent network over the characters of a clause (kakaobrain/g2pM, Apache-2.0). ``zh_polyphones.npz``
holds its weights as float16, without the characters that rules read better (data/README.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from gpt_sovits.text.data import FOLDER

_UNKNOWN, _FIRST, _LAST, _KNOWN = 0, 1, 2, 3  # rows of the embedding


@cache
def _choices() -> Mapping[str, tuple[float, tuple[int, ...]]]:
    """Character -> by how much another reading must beat the dictionary's, and the numbers of its readings."""
    entries = (entry.split(",") for entry in str(_network()["choices"]).split(" "))
    return {char: (float(margin), tuple(map(int, numbers))) for char, margin, *numbers in entries}


@cache
def _network() -> Mapping[str, Any]:
    """Arrays by name, and the row of each character. The three gates' weights are halved: one tanh serves all four."""
    import numpy as np  # late: whoever reads no Chinese does not wait for it

    with np.load(FOLDER / "zh_polyphones.npz", allow_pickle=False) as stored:
        net: dict[str, Any] = {name: stored[name] for name in stored.files}
    for name, value in net.items():
        if value.dtype == np.float16:
            net[name] = value.astype(np.float32)
    size = net["recurrent"].shape[1]
    gates = np.full(4 * size, 0.5, np.float32)
    gates[2 * size : 3 * size] = 1.0
    for name in ("inner", "recurrent", "bias"):
        net[name] = net[name] * gates
    net["rows"] = {char: at + _KNOWN for at, char in enumerate(str(net["characters"]))}
    net["names"] = str(net["readings"]).split(" ")
    return net


def _scores(clause: str, places: list[int]) -> Any:
    """How well each reading fits at each of ``places``: ``[len(places), readings]``."""
    import numpy as np

    net = _network()
    rows = [_FIRST, *(net["rows"].get(char, _UNKNOWN) for char in clause), _LAST]
    seen = net["embedding"][rows]
    steps = np.stack([seen, seen[::-1]], 1)[:, :, None, :] @ net["inner"] + net["bias"][:, None, :]  # [T, 2, 1, 4H]
    recurrent = net["recurrent"]
    size = recurrent.shape[1]
    state = np.zeros((2, 1, size), np.float32)
    memory = np.zeros_like(state)
    states = np.empty((len(rows), 2, size), np.float32)
    for at, step in enumerate(steps):
        moved = np.tanh(step + state @ recurrent)
        gates = moved * 0.5 + 0.5
        memory = gates[..., size : 2 * size] * memory + gates[..., :size] * moved[..., 2 * size : 3 * size]
        state = gates[..., 3 * size :] * np.tanh(memory)
        states[at] = state[:, 0]
    wanted = np.array(places) + 1
    both = np.concatenate([states[wanted, 0], states[len(rows) - 1 - wanted, 1]], 1)
    return np.maximum(both @ net["hidden"] + net["hidden_bias"], 0) @ net["out"] + net["out_bias"]


def choose(clause: str, places: Iterable[int], listed: Mapping[int, str]) -> dict[int, str]:
    """Index -> pinyin where the network is sure of another reading than the one ``listed``.

    ``clause`` holds Han characters only; of ``places`` only the characters that the network knows are looked at.
    """
    known = _choices()
    asked = [i for i in places if clause[i] in known]
    if not asked:
        return {}
    names = _network()["names"]
    chosen: dict[int, str] = {}
    for i, row in zip(asked, _scores(clause, asked), strict=True):
        margin, numbers = known[clause[i]]
        fits = {names[number]: float(row[number]) for number in numbers}
        best = max(fits, key=lambda name: fits[name])
        if best != listed[i] and fits[best] - fits.get(listed[i], float("-inf")) > margin:
            chosen[i] = best
    return chosen
