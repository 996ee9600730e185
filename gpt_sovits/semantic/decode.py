"""Token by token: phones, and a prompt, to semantic tokens (25 per second of speech).

Single texts and batches are the same loop. Every row has its own random generator, so what a text becomes does
not depend on what it is batched with. Rows stop by themselves: at the end token, or at the caller's cap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gpt_sovits.errors import InputError
from gpt_sovits.events import CancelToken
from gpt_sovits.semantic.cache import KVCache
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.sampling import Sampling, draw, exponential_noise, penalize, probabilities
from gpt_sovits.semantic.step import Stepper

MIN_TOKENS = 11  # upstream does not let a sequence end before this many tokens


class TokenModel(Protocol):
    """What decoding needs of a network (``T2S``, its int8 form, or a test's stand-in)."""

    @property
    def config(self) -> T2SConfig: ...
    def new_cache(self, rows: int, capacity: int) -> KVCache: ...
    def prefill(
        self, phones: Sequence[Tensor], bert: Sequence[Tensor | None], prompt: Tensor | None, cache: KVCache
    ) -> Tensor: ...
    def stepper(self) -> Stepper: ...


@dataclass(frozen=True)
class Generated:
    """New tokens of one text, without prompt and end token."""

    tokens: Tensor  # int64 [N]
    log_prob: float  # mean natural log-probability of these tokens under the network's own distribution
    reached_end: bool  # False: the cap cut it short


class Follower(Protocol):
    """Leads a row's decoding along its phones (``acoustic/code_alignment.py``)."""

    def lead(self, scores: np.ndarray, draw: Callable[[], float]) -> np.ndarray: ...
    @property
    def near(self) -> tuple[int, int, int, int]: ...


@dataclass
class _Row:
    index: int
    generator: torch.Generator | None
    follower: Follower | None = None
    log_prob: float = 0.0


def generate(
    model: TokenModel,
    phones: Tensor,
    bert: Tensor | None = None,
    prompt_codes: Tensor | None = None,
    *,
    max_tokens: int,
    sampling: Sampling | None = None,
    generator: torch.Generator | None = None,
    min_tokens: int = MIN_TOKENS,
    follower: Follower | None = None,
    cancel: CancelToken | None = None,
) -> Generated:
    """Continue ``prompt_codes`` [N] (may be None) for ``phones`` [P] (prompt text and target text in one row).

    bert: [bert_dim, P] or None. At most ``max_tokens`` tokens come back, and an end before ``min_tokens`` is not
    considered. ``follower``: what leads decoding along the phones, where the base has it.
    """
    return generate_batch(
        model,
        [phones],
        [bert],
        prompt_codes,
        max_tokens=max_tokens,
        sampling=sampling,
        generators=[generator],
        min_tokens=min_tokens,
        followers=None if follower is None else [follower],
        cancel=cancel,
    )[0]


@torch.inference_mode()
def generate_batch(
    model: TokenModel,
    phones: Sequence[Tensor],
    bert: Sequence[Tensor | None] | None = None,
    prompt_codes: Tensor | None = None,
    *,
    max_tokens: int | Sequence[int],
    sampling: Sampling | None = None,
    generators: Sequence[torch.Generator | None] | None = None,
    min_tokens: int = MIN_TOKENS,
    followers: Sequence[Follower] | None = None,
    cancel: CancelToken | None = None,
) -> list[Generated]:
    """``generate`` for several texts that continue the same prompt [N]; caps and generators per row."""
    count = len(phones)
    caps = [max_tokens] * count if isinstance(max_tokens, int) else list(max_tokens)
    if not count or min(len(row) for row in phones) < 1 or min(caps) < 1:
        raise InputError("There is nothing to say in this text.", "Write at least one word.")
    prompt = None if prompt_codes is None or not len(prompt_codes) else prompt_codes.expand(count, -1)
    start = 0 if prompt is None else prompt.shape[1]
    cache = model.new_cache(count, max(len(row) for row in phones) + start + max(caps))
    logits = model.prefill(phones, bert or [None] * count, prompt, cache)
    return _decode(
        model,
        logits,
        prompt,
        cache,
        caps,
        sampling or Sampling(),
        list(generators or [None] * count),
        min_tokens,
        cancel,
        followers,
    )


@torch.inference_mode()
def generate_candidates(
    model: TokenModel,
    phones: Tensor,
    bert: Tensor | None = None,
    prompt_codes: Tensor | None = None,
    *,
    max_tokens: int,
    generators: Sequence[torch.Generator],
    sampling: Sampling | None = None,
    min_tokens: int = MIN_TOKENS,
    cancel: CancelToken | None = None,
) -> list[Generated]:
    """Several readings of one text, one per generator, decoded together; the text is worked through only once."""
    count, start = len(generators), 0 if prompt_codes is None else len(prompt_codes)
    prefix = len(phones) + start
    prompt = None if not start or prompt_codes is None else prompt_codes[None]
    single = model.new_cache(1, prefix)
    logits = model.prefill([phones], [bert], prompt, single)
    return _decode(
        model,
        logits.expand(count, -1),
        None if prompt is None else prompt.expand(count, -1),
        single.copy_prefix(prefix, prefix + max_tokens, count),
        [max_tokens] * count,
        sampling or Sampling(),
        list(generators),
        min_tokens,
        cancel,
    )


def _decode(
    model: TokenModel,
    logits: Tensor,
    prompt: Tensor | None,
    cache: KVCache,
    caps: list[int],
    sampling: Sampling,
    generators: list[torch.Generator | None],
    min_tokens: int,
    cancel: CancelToken | None,
    followers: Sequence[Follower] | None = None,
) -> list[Generated]:
    """The loop: draw, stop what ends, drop it from the batch, step. ``logits`` [B,V] predict the first token."""
    eos, count = model.config.eos, len(caps)
    start = 0 if prompt is None else prompt.shape[1]
    history = torch.empty(count, start + max(caps), dtype=torch.long, device=logits.device)
    if prompt is not None:
        history[:, :start] = prompt
    rows = [_Row(i, generator, followers[i] if followers else None) for i, generator in enumerate(generators)]
    done: dict[int, Generated] = {}
    next_logits = model.stepper()
    for step in range(max(caps)):
        if cancel is not None:
            cancel.check()
        end = start + step
        led = _led(rows, logits) if followers else logits
        choices = led[:, :eos] if step < min_tokens else led
        choices = penalize(choices, history[:, :end], sampling.repetition_penalty)
        likeliest = choices.argmax(-1)
        drawn = likeliest if sampling.top_k == 1 else _draw_rows(choices, sampling, rows)
        ended = ((drawn == eos) | (likeliest == eos)).tolist()
        scores = logits.log_softmax(-1).gather(1, drawn[:, None])[:, 0].tolist()
        history[:, end] = drawn
        kept: list[int] = []
        for position, row in enumerate(rows):
            if ended[position]:
                done[row.index] = _finish(history[position, start:end], row, reached_end=True)
                continue
            row.log_prob += scores[position]
            if step + 1 == caps[row.index]:
                done[row.index] = _finish(history[position, start : end + 1], row, reached_end=False)
                continue
            kept.append(position)
        if not kept:
            break
        if len(kept) < len(rows):
            chosen = torch.tensor(kept, device=logits.device)
            cache.keep_rows(chosen)
            history, drawn = history[chosen], drawn[chosen]
            rows = [rows[position] for position in kept]
        near = [row.follower.near for row in rows if row.follower is not None]
        if near:
            logits = next_logits(drawn, end, cache, torch.tensor(near, device=drawn.device)[:, None])
        else:
            logits = next_logits(drawn, end, cache, None)
    return [done[index] for index in range(count)]


def _led(rows: Sequence[_Row], logits: Tensor) -> Tensor:
    """Scores [B, V] with what the followers add to them."""
    scores = logits.log_softmax(-1).double().cpu().numpy()
    added = []
    for row, own in zip(rows, scores, strict=True):
        if row.follower is not None:
            added.append(row.follower.lead(own, partial(_uniform, row.generator)))
    return logits + torch.from_numpy(np.stack(added)).to(logits)


def _uniform(generator: torch.Generator | None) -> float:
    device = "cpu" if generator is None else generator.device
    return float(torch.rand((), generator=generator, device=device))


def _draw_rows(choices: Tensor, sampling: Sampling, rows: Sequence[_Row]) -> Tensor:
    """One token per row [B], each from its own generator."""
    probs = probabilities(choices, top_k=sampling.top_k, top_p=sampling.top_p, temperature=sampling.temperature)
    return draw(probs, exponential_noise([row.generator for row in rows], probs))


def _finish(tokens: Tensor, row: _Row, *, reached_end: bool) -> Generated:
    return Generated(tokens.clone(), row.log_prob / max(len(tokens), 1), reached_end)
