"""The decoding loop, with stand-in networks whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from gpt_sovits.errors import CancelledError, InputError
from gpt_sovits.events import CancelToken
from gpt_sovits.semantic.cache import KVCache
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.decode import generate, generate_batch, generate_candidates
from gpt_sovits.semantic.model import T2S
from gpt_sovits.semantic.sampling import Sampling
from gpt_sovits.semantic.step import Stepper

CONFIG = T2SConfig(hidden=32, layers=2, heads=2, feed_forward=64, vocabulary=33, phones=20, bert_dim=0, dropout=0.0)
FREE = Sampling(top_k=0, repetition_penalty=1.0)
GREEDY = Sampling(top_k=1, repetition_penalty=1.0)


class Script:
    """Says the first phone of a row as its length: counts up from 0 and wants to end after that many tokens."""

    config = CONFIG

    def new_cache(self, rows: int, capacity: int) -> KVCache:
        return KVCache(1, rows, 1, 1, capacity)

    def _logits(self, cache: KVCache) -> Tensor:
        logits = torch.zeros(cache.rows, 33)
        for row, (length, said) in enumerate(cache._block[0, 0, :, 0, :2, 0].long().tolist()):
            logits[row, 32 if said >= length else said] = 10.0
            cache._block[0, 0, row, 0, 1] += 1
        return logits

    def prefill(
        self, phones: Sequence[Tensor], bert: Sequence[Tensor | None], prompt: Tensor | None, cache: KVCache
    ) -> Tensor:
        cache._block.zero_()
        cache._block[0, 0, :, 0, 0, 0] = torch.tensor([float(row[0]) for row in phones])
        cache.length = 2
        return self._logits(cache)

    def stepper(self) -> Stepper:
        return lambda tokens, position, cache, near: self._logits(cache)


class Uniform(Script):
    def _logits(self, cache: KVCache) -> Tensor:
        return torch.zeros(cache.rows, 33)


@pytest.fixture(scope="module")
def network() -> T2S:
    torch.manual_seed(1)
    return T2S(CONFIG).eval()


def test_every_row_stops_by_itself_and_keeps_its_first_and_last_token() -> None:
    texts = [torch.tensor([n, 1]) for n in (15, 19, 12)]
    results = generate_batch(Script(), texts, max_tokens=16, sampling=GREEDY)
    assert [r.tokens.tolist() for r in results] == [list(range(15)), list(range(16)), list(range(12))]
    assert [r.reached_end for r in results] == [True, False, True]


def test_caps_are_per_row_and_exact() -> None:
    results = generate_batch(Script(), [torch.tensor([19])] * 3, max_tokens=[1, 19, 20], sampling=GREEDY)
    assert [len(r.tokens) for r in results] == [1, 19, 19]
    assert [r.reached_end for r in results] == [False, False, True]


def test_an_end_is_not_considered_before_the_least_number_of_tokens() -> None:
    assert len(generate(Script(), torch.tensor([3]), max_tokens=30, sampling=GREEDY).tokens) >= 11
    assert len(generate(Script(), torch.tensor([3]), max_tokens=30, sampling=GREEDY, min_tokens=0).tokens) == 3


def test_uniform_network_gives_uniform_tokens_with_the_right_log_probability() -> None:
    result = generate(
        Uniform(),
        torch.tensor([1]),
        max_tokens=4000,
        sampling=FREE,
        generator=torch.Generator().manual_seed(0),
        min_tokens=4000,
    )
    assert result.log_prob == pytest.approx(-torch.log(torch.tensor(33.0)).item(), abs=1e-4)
    counts = torch.bincount(result.tokens, minlength=32)
    assert len(counts) == 32 and 80 < int(counts.min()) and int(counts.max()) < 180


def test_what_a_text_becomes_does_not_depend_on_its_company(network: T2S) -> None:
    texts = [torch.randint(0, 20, (n,)) for n in (4, 9, 6)]
    prompt = torch.randint(0, 32, (5,))
    for start in (prompt, None):
        together = generate_batch(
            network, texts, None, start, max_tokens=[30, 14, 22], generators=[_seeded(s) for s in range(3)]
        )
        for seed, (text, cap) in enumerate(zip(texts, (30, 14, 22), strict=True)):
            alone = generate(network, text, None, start, max_tokens=cap, generator=_seeded(seed))
            assert alone.tokens.tolist() == together[seed].tokens.tolist()
            assert alone.log_prob == pytest.approx(together[seed].log_prob, abs=1e-4)


def test_candidates_are_what_separate_runs_with_their_seeds_give(network: T2S) -> None:
    text, prompt = torch.randint(0, 20, (7,)), torch.randint(0, 32, (5,))
    several = generate_candidates(network, text, None, prompt, max_tokens=20, generators=[_seeded(s) for s in (5, 6)])
    for seed, result in zip((5, 6), several, strict=True):
        alone = generate(network, text, None, prompt, max_tokens=20, generator=_seeded(seed))
        assert alone.tokens.tolist() == result.tokens.tolist()
    assert several[0].tokens.tolist() != several[1].tokens.tolist()


def test_log_probability_is_that_of_the_network(network: T2S) -> None:
    text, prompt = torch.randint(0, 20, (7,)), torch.randint(0, 32, (5,))
    result = generate(network, text, None, prompt, max_tokens=9, generator=_seeded(0))
    codes = torch.cat((prompt, result.tokens))[None]
    out = network.forward_train(text[None], torch.tensor([7]), codes, torch.tensor([codes.shape[1]]))
    expected = out.logits.detach().log_softmax(-1)[0, 5:-1].gather(1, result.tokens[:, None]).mean()
    assert result.log_prob == pytest.approx(float(expected), abs=1e-4)


def test_stop_button_and_empty_text() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        generate(Script(), torch.tensor([9]), max_tokens=20, cancel=token)
    with pytest.raises(InputError):
        generate(Script(), torch.zeros(0, dtype=torch.long), max_tokens=20)


@torch.no_grad()
def test_rewinding_a_cache_continues_from_there(network: T2S) -> None:
    text = torch.randint(0, 20, (6,))
    cache = network.new_cache(1, 12)
    network.prefill([text], [None], None, cache)
    step = network.stepper()
    first = step(torch.tensor([3]), 0, cache, None)
    step(torch.tensor([4]), 1, cache, None)
    cache.rewind(6)
    torch.testing.assert_close(step(torch.tensor([3]), 0, cache, None), first)
    with pytest.raises(IndexError):
        for position in range(1, 9):
            step(torch.tensor([1]), position, cache, None)


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
