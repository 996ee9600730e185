"""One draw from the next-token distribution. Pure functions; the random generator is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn; the defaults are upstream's."""

    top_k: int = 15  # 0: no limit
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.35


def penalize(logits: Tensor, previous: Tensor, penalty: float) -> Tensor:
    """Make every token of ``previous`` [B,N] less likely in logits [B,V], once, however often it occurred."""
    if penalty == 1.0 or not previous.shape[1]:
        return logits
    values = logits.gather(1, previous)
    return logits.scatter(1, previous, torch.where(values < 0, values * penalty, values / penalty))


def probabilities(logits: Tensor, *, top_k: int = 15, top_p: float = 1.0, temperature: float = 1.0) -> Tensor:
    """The distribution that is drawn from, [B,V] -> [B,V]; ``logits`` are already penalised.

    ``top_p`` looks at the distribution before the temperature and also drops the token that crosses the limit, as
    upstream does; the likeliest token always stays.
    """
    if top_p < 1.0:
        ordered, order = logits.sort(descending=True, dim=-1)
        beyond = ordered.softmax(-1).cumsum(-1) > top_p
        beyond[:, 0] = False
        logits = logits.masked_fill(beyond.scatter(1, order, beyond), -torch.inf)
    logits = logits / max(temperature, 1e-5)
    if top_k > 0:
        smallest = logits.topk(min(top_k, logits.shape[-1]), dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < smallest, -torch.inf)
    return logits.softmax(-1)


def draw(probs: Tensor, exponential: Tensor) -> Tensor:
    """Indices [B] distributed as probs [B,V], given Exp(1) noise of the same shape."""
    return (probs / exponential).argmax(-1)


def exponential_noise(generators: Sequence[torch.Generator | None], like: Tensor) -> Tensor:
    """Exp(1) noise shaped as ``like`` [B,V], each row from its own CPU generator: one seed, one result, any device."""
    noise = torch.empty(like.shape)
    for row, generator in zip(noise, generators, strict=True):
        row.exponential_(1.0, generator=generator)
    return noise.to(like)


def sample(
    logits: Tensor,
    previous: Tensor,
    *,
    top_k: int = 15,
    top_p: float = 1.0,
    temperature: float = 1.0,
    repetition_penalty: float = 1.35,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw one token per row from logits [B,V], given the tokens so far [B,N] -> [B]. ``top_k`` 1 is greedy."""
    logits = penalize(logits, previous, repetition_penalty)
    if top_k == 1:
        return logits.argmax(-1)
    probs = probabilities(logits, top_k=top_k, top_p=top_p, temperature=temperature)
    return draw(probs, exponential_noise([generator] * len(probs), probs))
