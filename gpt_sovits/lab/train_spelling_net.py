"""Trains a network of ``text.en_spelling_net``: ``python -m gpt_sovits.lab.train_spelling_net OUT``

Every letter of a dictionary word is labelled with the sounds that ``train_spelling`` aligned to it; gated convolutions
learn the labels. The names of ``--without`` and their plurals are kept out, so that they can judge the result. Run
again with the same OUT to add another network, whose scores are averaged with the first. About seven minutes. With
``--names`` the networks of OUT go on learning, on these names and a quarter of the other words. About two minutes.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.lab.train_spelling import Pair, alignments, words
from gpt_sovits.text.data import more_pronunciations
from gpt_sovits.text.en_spelling_net import BORDER

LAYERS, WIDTH, LEAST, LONGEST, BATCH, RATE, RATE_OF_NAMES = 5, 5, 8, 20, 256, 2.5e-3, 4e-4
Example = tuple[list[int], list[int]]


class Network(nn.Module):
    """Letters -> scores of the pairs; residual gated convolutions, each behind a layer norm."""

    def __init__(self, size: int, pairs: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(BORDER + 1, size)
        self.convs = nn.ModuleList(nn.Conv1d(size, 2 * size, WIDTH, padding=WIDTH // 2) for _ in range(LAYERS))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(LAYERS))
        self.last = nn.LayerNorm(size)
        self.out = nn.Linear(size, pairs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, letters: Tensor, mask: Tensor) -> Tensor:
        """``letters`` [batch, time], ``mask`` [batch, time, 1] -> [batch, time, pairs]."""
        x = self.dropout(self.embedding(letters)) * mask
        for conv, norm in zip(self.convs, self.norms, strict=True):
            moved, gate = conv((norm(x) * mask).transpose(1, 2)).transpose(1, 2).chunk(2, -1)
            x = x + self.dropout(moved * torch.sigmoid(gate)) * mask
        return self.out(self.last(x))

    def take(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Sets the weights to what ``arrays`` gave."""
        conv, bias, norm = (torch.from_numpy(arrays[key]).float() for key in ("conv", "conv_bias", "norm"))
        state = {f"convs.{i}.weight": conv[i].permute(2, 1, 0) for i in range(LAYERS)}
        state |= {f"convs.{i}.bias": bias[i] for i in range(LAYERS)}
        state |= {f"norms.{i}.{name}": norm[i, at] for i in range(LAYERS) for at, name in enumerate(("weight", "bias"))}
        last, out = torch.from_numpy(arrays["last"]).float(), torch.from_numpy(arrays["out"]).float()
        state |= {"embedding.weight": torch.from_numpy(arrays["embedding"]).float(), "out.weight": out.T}
        state |= {
            "last.weight": last[0],
            "last.bias": last[1],
            "out.bias": torch.from_numpy(arrays["out_bias"]).float(),
        }
        self.load_state_dict(state)

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights as ``en_spelling_net`` reads them."""
        convs = [conv for conv in self.convs if isinstance(conv, nn.Conv1d)]
        norms = [norm for norm in self.norms if isinstance(norm, nn.LayerNorm)]
        found = {
            "embedding": self.embedding.weight,
            "conv": torch.stack([conv.weight.permute(2, 1, 0) for conv in convs]),
            "conv_bias": torch.stack([_bias(conv) for conv in convs]),
            "norm": torch.stack([torch.stack([norm.weight, norm.bias]) for norm in norms]),
            "last": torch.stack([self.last.weight, self.last.bias]),
            "out": self.out.weight.T,
            "out_bias": self.out.bias,
        }
        return {name: value.detach().numpy().astype(np.float16) for name, value in found.items()}


def _bias(conv: nn.Conv1d) -> Tensor:
    if conv.bias is None:
        raise ValueError("a convolution without a bias")
    return conv.bias


def entries(without: list[str], more: bool) -> list[tuple[str, list[str]]]:
    """The dictionary (and the longer list) less ``without``, their plurals and singulars."""
    away = {*without, *(name + "s" for name in without), *(name.removesuffix("s") for name in without)}
    listed = [(word, phones.split()) for word, phones in more_pronunciations().items()] if more else []
    return [entry for entry in [*words(), *listed] if entry[0] not in away]


def examples(found: list[list[Pair]], pairs: list[Pair]) -> list[Example]:
    """Numbers of the letters and of their pairs, for words whose every pair is listed."""
    number = {pair: at for at, pair in enumerate(pairs)}
    return [
        ([ord(letter) - 96 for letter, _ in word], [number[pair] for pair in word])
        for word in found
        if len(word) <= LONGEST and all(pair in number for pair in word)
    ]


def batches(listed: list[Example]) -> list[list[Example]]:
    """Words of about one length together, in another order each time."""
    ordered = sorted(listed, key=lambda example: (len(example[0]), random.random()))
    found = [ordered[at : at + BATCH] for at in range(0, len(ordered), BATCH)]
    random.shuffle(found)
    return found


def padded(batch: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """(letters, pairs or -100, mask) with a border on either side of every word."""
    longest = max(len(letters) for letters, _ in batch) + 2
    letters = torch.zeros(len(batch), longest, dtype=torch.long)
    wanted = torch.full((len(batch), longest), -100)
    mask = torch.zeros(len(batch), longest, 1)
    for row, (word, numbers) in enumerate(batch):
        letters[row, : len(word) + 2] = torch.tensor([BORDER, *word, BORDER])
        wanted[row, 1 : len(word) + 1] = torch.tensor(numbers)
        mask[row, : len(word) + 2] = 1
    return letters, wanted, mask


def train(listed: list[Example], pairs: list[Pair], network: Network, epochs: int, rate: float = RATE) -> Network:
    """``network`` when it has seen ``listed`` ``epochs`` times; only the pairs of a letter compete."""
    allowed = torch.full((BORDER + 1, len(pairs)), -1e9)
    for number, (letter, _) in enumerate(pairs):
        allowed[ord(letter) - 96, number] = 0
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    steps = epochs * (len(listed) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    for _ in range(epochs):
        for batch in batches(listed):
            letters, wanted, mask = padded(batch)
            scores = network(letters, mask) + allowed[letters]
            loss = F.cross_entropy(scores.flatten(0, 1), wanted.flatten(), ignore_index=-100)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return network.eval()


def save(path: Path, pairs: list[Pair], network: Network) -> None:
    """Adds ``network`` to those of ``path``."""
    stored: dict[str, np.ndarray] = {}
    if path.exists():
        with np.load(path, allow_pickle=False) as before:
            stored = {name: before[name] for name in before.files}
    number = len({name.split(".")[0] for name in stored if "." in name})
    stored["pairs"] = np.array(",".join(f"{letter}:{sounds}" for letter, sounds in pairs))
    stored |= {f"{number}.{name}": value for name, value in network.arrays().items()}
    np.savez(path, allow_pickle=False, **stored)  # half-precision noise: packing gains little, and costs at each start


def name_them(path: Path, names: set[str], without: list[str], dropout: float, epochs: int) -> None:
    """Every network of ``path`` goes on learning, on the dictionary's ``names`` and a quarter of its other words."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    pairs = [(item[0], item[2:]) for item in str(arrays["pairs"]).split(",")]
    found = alignments(entries(without, more=False))
    own = [word for word in found if "".join(letter for letter, _ in word) in names]
    rest = [word for word in found if "".join(letter for letter, _ in word) not in names]
    path.unlink()
    for number in sorted({name.split(".")[0] for name in arrays if "." in name}):
        mine = {name.partition(".")[2]: value for name, value in arrays.items() if name.startswith(f"{number}.")}
        network = Network(mine["embedding"].shape[1], len(pairs), dropout)
        network.take(mine)
        listed = examples([*own, *random.sample(rest, len(rest) // 4)], pairs)
        save(path, pairs, train(listed, pairs, network, epochs, RATE_OF_NAMES))


def main(arguments: list[str] | None = None) -> None:
    """Trains one network and adds it to the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT.npz")
    parser.add_argument("--without", type=Path, metavar="NAMES", help="a file of words that are kept out")
    parser.add_argument("--cmudict-only", action="store_true", help="leave out the longer list")
    parser.add_argument("--names", type=Path, metavar="NAMES", help="go on with OUT on these words")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    random.seed(options.seed)
    torch.manual_seed(options.seed)
    without = options.without.read_text(encoding="ascii").split() if options.without else []
    if options.names:
        names = set(options.names.read_text(encoding="ascii").split())
        return name_them(options.out, names, without, options.dropout, options.epochs)
    everything = alignments(entries(without, more=True))
    frequency = Counter(pair for word in everything for pair in word)
    pairs = [pair for pair, count in frequency.most_common() if count >= LEAST]
    found = alignments(entries(without, more=False)) if options.cmudict_only else everything
    listed = examples(found, pairs)
    network = Network(options.size, len(pairs), options.dropout)
    save(options.out, pairs, train(listed, pairs, network, options.epochs))


if __name__ == "__main__":
    main()
