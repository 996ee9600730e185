"""Chinese RoBERTa-wwm-ext-large (Cui et al. 2019): one vector per character, spread over that character's phones.

Only what is used exists here: the embeddings and 22 of the 24 layers (the last two, the pooler and the masked-word
head do not contribute to ``hidden_states[-3]``). Letters: B texts, T tokens, H hidden, P phones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gpt_sovits.errors import InputError
from gpt_sovits.features.transformer import empty, fill_as_stored

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


@dataclass(frozen=True)
class BertConfig:
    """Sizes; the defaults are those of BERT large, cut behind layer 22."""

    vocabulary: int = 21128
    hidden: int = 1024
    layers: int = 22
    heads: int = 16
    feed_forward: int = 4096
    positions: int = 512
    eps: float = 1e-12


class Bert(nn.Module):
    """Token ids to contextual vectors: the BERT of transformers, without its pooler."""

    def __init__(self, config: BertConfig | None = None) -> None:
        """Without weights; ``load_bert`` brings them."""
        from transformers import BertConfig as Sizes
        from transformers import BertModel

        super().__init__()
        self.config = config = config or BertConfig()
        sizes = Sizes(
            vocab_size=config.vocabulary,
            hidden_size=config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.feed_forward,
            max_position_embeddings=config.positions,
            layer_norm_eps=config.eps,
        )
        self.network = empty(BertModel, sizes, add_pooling_layer=False)
        places: Any = self.network.embeddings
        places.position_ids = torch.arange(config.positions)[None]  # no file holds these two
        places.token_type_ids = torch.zeros(1, config.positions, dtype=torch.long)

    @torch.no_grad()
    def forward(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """ids [B,T], padded behind ``lengths`` [B] -> [B,T,H]; every token is of the first kind."""
        mask = None
        if lengths is not None:
            mask = (torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]).long()
        return torch.as_tensor(self.network(ids, mask).last_hidden_state)


class ChineseBert:
    """Text features of Chinese sentences: a network and its vocabulary."""

    def __init__(self, network: Bert, vocabulary: Mapping[str, int]) -> None:
        missing = [token for token in SPECIAL if token not in vocabulary]
        if missing or max(vocabulary.values()) >= network.config.vocabulary:
            raise InputError("This vocabulary does not belong to the Chinese text network.", "Download it again.")
        self.network = network
        self._vocabulary = vocabulary
        self._pad, self._unknown, self._start, self._end = (vocabulary[token] for token in SPECIAL)

    @property
    def width(self) -> int:
        """Channels per phone."""
        return self.network.config.hidden

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    def tokenize(self, text: str) -> list[int]:
        """One id per character; Latin letters in lower case, what the vocabulary lacks is unknown."""
        return [self._vocabulary.get(character.lower(), self._unknown) for character in text]

    def features(self, text: str, word2ph: Sequence[int]) -> Tensor:
        """[H,P]: the vector of each character of ``text``, repeated for its ``word2ph`` phones."""
        return self.features_batch([(text, word2ph)])[0]

    def features_batch(self, texts: Sequence[tuple[str, Sequence[int]]]) -> list[Tensor]:
        """``features`` of several texts in one pass. Texts beyond the network's positions are read in pieces."""
        window = self.network.config.positions - 2
        pieces: list[list[int]] = []
        owners: list[int] = []
        for owner, (text, word2ph) in enumerate(texts):
            if len(text) != len(word2ph):
                raise InputError(f"{len(text)} characters cannot be spread over {len(word2ph)} phone counts.")
            ids = self.tokenize(text)
            for start in range(0, len(ids), window):
                pieces.append([self._start, *ids[start : start + window], self._end])
                owners.append(owner)
        vectors: list[list[Tensor]] = [[] for _ in texts]
        if pieces:
            for owner, piece, hidden in zip(owners, pieces, self._run(pieces), strict=True):
                vectors[owner].append(hidden[1 : len(piece) - 1])
        results = []
        for (_, word2ph), rows in zip(texts, vectors, strict=True):
            table = torch.cat(rows) if rows else torch.zeros(0, self.width, device=self._device)
            counts = torch.tensor(list(word2ph), dtype=torch.long, device=table.device)
            results.append(table.repeat_interleave(counts, dim=0).T.contiguous())
        return results

    def _run(self, pieces: Sequence[Sequence[int]]) -> Tensor:
        device = self._device
        lengths = torch.tensor([len(piece) for piece in pieces], device=device)
        longest = int(lengths.max())
        ids = torch.tensor([[*piece, *[self._pad] * (longest - len(piece))] for piece in pieces], device=device)
        return self.network(ids, lengths if len(pieces) > 1 else None)


def read_vocabulary(path: Path) -> dict[str, int]:
    """Token to id, from a ``vocab.txt`` (one token a line) or a WordPiece ``tokenizer.json``."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            return {str(token): int(index) for token, index in json.loads(text)["model"]["vocab"].items()}
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"The vocabulary file {path.name} cannot be read.", "Download it again.") from error
    lines = text.removesuffix("\n").split("\n")  # not splitlines: some tokens are exotic line separators
    return {token.removesuffix("\r"): index for index, token in enumerate(lines)}


def load_bert(state: Mapping[str, Tensor], config: BertConfig | None = None) -> Bert:
    """Build the network from the tensors of ``chinese-roberta-wwm-ext-large``; what is not used is ignored.

    Large tensors stay in the file's type (float16 in official files) and are widened when they are used: the same
    numbers in half of the memory.
    """
    model = Bert(config)
    fill_as_stored(model.network, {name.removeprefix("bert."): tensor for name, tensor in state.items()})
    return model
