"""Which phone is being said at each code: the best path of a phone sequence through semantic codes.

A discrete hidden Markov model (Rabiner 1989): every phone has a distribution over the codes, silence may stand between
any two, a phone lasts one code or longer, and a short one may have none. The embedded base uses it so that what is
said comes from the text, and when it is said from the codes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

SKIP = -4.0  # natural-log cost of a phone that no code says
PAUSE = -3.0  # of a silence where the text has no mark
UNSPOKEN = -1e4  # said of a symbol that is never spoken
_LOW = -1e30


def align_codes(said: np.ndarray, silent: np.ndarray, pause: np.ndarray) -> np.ndarray:
    """Index of the phone per code `[T]`, -1 in silence.

    ``said`` `[T, K]` natural-log probability of each code where phone k is said, ``silent`` `[T]` in silence, ``pause``
    `[K + 1]` cost of a silence before each phone and after the last. More than two phones a code are spread evenly.
    """
    count, phones = said.shape
    if not count or not phones:
        return np.full(count, -1, np.int64)
    if phones > 2 * count - 1:
        return np.arange(count) * phones // count
    silence = np.full(phones + 1, _LOW)  # best path that ends in the silence before phone k
    speech = np.full(phones, _LOW)
    silence[0] = silent[0]
    speech[:2] = said[0, :2] + np.array([0.0, SKIP])[:phones]
    from_speech = np.zeros((count, phones), np.int8)  # 0 stay, 1 after silence, 2 after a phone, 3 over a phone
    from_silence = np.zeros((count, phones + 1), bool)  # True: stay
    options = np.full((4, phones), _LOW)
    for t in range(1, count):
        options[0], options[1] = speech, silence[:-1]
        options[2, 1:] = speech[:-1]
        options[3, 2:] = speech[:-2] + SKIP
        ended = np.concatenate([[_LOW], speech]) + pause
        from_silence[t] = silence >= ended
        silence = np.maximum(silence, ended) + silent[t]
        from_speech[t] = options.argmax(0)
        speech = options.max(0) + said[t]
    ends = {phones: silence[-1], phones - 1: speech[-1]}
    quiet = silence[-1] >= speech[-1]
    place = phones if quiet else phones - 1
    if phones > 1 and speech[-2] + SKIP > max(ends.values()):
        quiet, place = False, phones - 2
    out = np.full(count, -1, np.int64)
    for t in range(count - 1, -1, -1):
        if quiet:
            if t and not from_silence[t, place]:
                quiet, place = False, place - 1
            continue
        out[t] = place
        step = int(from_speech[t, place])
        quiet = step == 1
        place -= max(0, step - 1)
    return out


class CodeAlignment(nn.Module):
    """``said`` `[symbols, codes]` and ``silent`` `[codes]`: natural-log probabilities of the codes.

    Symbols that are not spoken (punctuation) have ``UNSPOKEN`` there.
    """

    said: Tensor
    silent: Tensor

    def __init__(self, symbols: int, codes: int) -> None:
        super().__init__()
        self.register_buffer("said", torch.zeros(symbols, codes))
        self.register_buffer("silent", torch.zeros(codes))

    def forward(self, codes: Tensor, phones: Tensor) -> Tensor:
        """Codes `[B, T]` and phones `[B, P]`, without padding, to indices into the phones `[B, T]`; -1 in silence."""
        rows = [self.indices(c.cpu().numpy(), p.cpu().numpy()) for c, p in zip(codes, phones, strict=True)]
        return torch.from_numpy(np.stack(rows)).to(codes.device)

    def indices(self, codes: np.ndarray, phones: np.ndarray) -> np.ndarray:
        """The same of one utterance, `[T]` and `[P]` to `[T]`."""
        costs = self.said[torch.from_numpy(phones)].double().cpu().numpy()  # [P, codes]
        place = np.flatnonzero(costs[:, 0] > UNSPOKEN / 2)
        said = costs[place][:, codes].T
        silent = self.silent.double().cpu().numpy()[codes]
        marked = np.diff(place, prepend=-1, append=len(phones)) > 1
        marked[[0, -1]] = True  # before the first and after the last
        path = align_codes(said, silent, np.where(marked, 0.0, PAUSE))
        return np.where(path >= 0, place[np.maximum(path, 0)], -1) if len(place) else path


def learn_alignment(
    codes: Sequence[np.ndarray],
    phones: Sequence[np.ndarray],
    spoken: Sequence[np.ndarray],
    sizes: tuple[int, int],
    marks: frozenset[int],
) -> CodeAlignment:
    """What the codes mean in utterances whose alignment is known.

    ``spoken``: index into the phones for every code, -1 in silence; ``sizes``: symbols and codes; ``marks``: symbols
    that are not spoken. Rare phones lean on what is said everywhere (additive smoothing).
    """
    symbols, size = sizes
    table = np.zeros((symbols + 1, size))
    for row, written, path in zip(codes, phones, spoken, strict=True):
        np.add.at(table, (np.where(path >= 0, written[np.maximum(path, 0)], symbols), row), 1.0)
    everywhere = (table.sum(0) + 0.5) / (table.sum() + 0.5 * size)
    logs = np.log((table + 20 * everywhere) / (table.sum(1, keepdims=True) + 20))
    logs[sorted(marks)] = UNSPOKEN
    alignment = CodeAlignment(symbols, size)
    alignment.said.copy_(torch.from_numpy(logs[:symbols]))
    alignment.silent.copy_(torch.from_numpy(logs[symbols]))
    return alignment
