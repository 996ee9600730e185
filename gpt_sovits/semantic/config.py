"""The sizes of a text-to-semantic network: eight numbers that travel with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gpt_sovits.errors import InputError


@dataclass(frozen=True)
class T2SConfig:
    """Sizes of ``T2S``. The defaults are those of the official v2 and later networks."""

    hidden: int = 512
    layers: int = 24
    heads: int = 16
    feed_forward: int = 2048
    vocabulary: int = 1025  # 1024 codes and the end-of-sequence token, which is the last one
    phones: int = 732
    bert_dim: int = 1024  # 0: the network has no projection of text features at all
    dropout: float = 0.1
    aligned: bool = False  # every code is told which phones are near it (see ``T2S.embed_audio``)

    def __post_init__(self) -> None:
        sizes = (self.hidden, self.layers, self.heads, self.feed_forward, self.vocabulary - 1, self.phones)
        if min(sizes) < 1 or self.bert_dim < 0 or self.hidden % (2 * self.heads) or not 0 <= self.dropout < 1:
            raise InputError(
                f"These sizes cannot make a text-to-semantic network: {asdict(self)}.",
                "Use the config file that came with the weights.",
            )

    @property
    def eos(self) -> int:
        """The token that ends a sequence."""
        return self.vocabulary - 1

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> T2SConfig:
        """Read ``to_dict``'s form; unknown names are refused."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise InputError(
                f"The config of the text-to-semantic network has unknown names: {', '.join(unknown)}.",
                "Use the config file that came with the weights.",
            )
        return cls(**values)

    @classmethod
    def from_upstream(cls, model: Mapping[str, Any]) -> T2SConfig:
        """Read the ``config["model"]`` section of an upstream GPT checkpoint."""
        try:
            vocabulary, eos = int(model["vocab_size"]), int(model["EOS"])
            config = cls(
                hidden=int(model["hidden_dim"]),
                layers=int(model["n_layer"]),
                heads=int(model["head"]),
                feed_forward=int(model["linear_units"]),
                vocabulary=vocabulary,
                phones=int(model["phoneme_vocab_size"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"The model section of this GPT checkpoint is incomplete ({error}).", "Use the original file."
            ) from error
        if eos != config.eos or model.get("embedding_dim", config.hidden) != config.hidden:
            raise InputError("This GPT checkpoint has sizes that upstream never used.", "Use an official file.")
        return config

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
