"""Which phone is said at each code: found where codes are clear, whole and in order where they are not."""

import dataclasses

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_sovits.acoustic.code_alignment import (
    NEAR,
    CodeAlignment,
    CodeFollower,
    align_codes,
    learn_alignment,
    near_phones,
)
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.decode import Generated, generate
from gpt_sovits.semantic.model import T2S
from tests.acoustic.tiny import sovits_config

SYMBOLS, CODES, MARK = 6, 16, 5


def taught(seed: int = 0) -> CodeAlignment:
    """Phone n is said by the codes 3n to 3n + 2, silence by 15; nine times of ten."""
    rng = np.random.default_rng(seed)
    codes, phones, spoken = [], [], []
    for _ in range(200):
        written = rng.integers(0, 5, 6)
        path = np.repeat(np.arange(6), rng.integers(1, 5, 6))
        path = np.concatenate([[-1, -1], path, [-1]])
        row = np.where(path >= 0, 3 * written[path] + rng.integers(0, 3, len(path)), 15)
        wrong = rng.random(len(row)) < 0.1
        codes.append(np.where(wrong, rng.integers(0, CODES, len(row)), row))
        phones.append(written)
        spoken.append(path)
    return learn_alignment(codes, phones, spoken, (SYMBOLS, CODES), frozenset([MARK]))


def test_finds_who_says_what_and_where_it_is_quiet() -> None:
    codes = np.array([15, 15, 0, 1, 2, 6, 7, 15, 15, 3, 4, 15])
    phones = np.array([0, 2, MARK, 1, MARK])
    assert taught().indices(codes, phones).tolist() == [-1, -1, 0, 0, 0, 1, 1, -1, -1, 3, 3, -1]


def test_a_wrong_code_does_not_lose_the_place() -> None:
    codes = np.array([0, 1, 12, 2, 6, 7, 3, 8, 9, 10])  # 12 and 3 belong to other phones
    assert taught().indices(codes, np.array([0, 2, 3])).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]


def test_the_same_phone_twice_is_said_twice() -> None:
    assert taught().indices(np.array([0, 1, 0, 2]), np.array([0, 0])).tolist()[::3] == [0, 1]


def test_phones_that_no_code_says_are_passed_over() -> None:
    found = taught().indices(np.array([0, 1, 2, 6, 7, 8]), np.array([0, 4, 2]))
    assert found[0] == 0 and found[-1] == 2


def test_far_too_many_phones_are_spread() -> None:
    found = align_codes(np.zeros((3, 12)), np.zeros(3), np.zeros(13))
    assert found.tolist() == [0, 4, 8]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, CODES - 1), max_size=24), st.lists(st.integers(0, SYMBOLS - 1), max_size=24))
def test_any_codes_and_phones_give_an_order(codes: list[int], phones: list[int]) -> None:
    found = taught_once.indices(np.array(codes, np.int64), np.array(phones, np.int64))
    assert len(found) == len(codes)
    said = found[found >= 0]
    assert (np.diff(said) >= 0).all() and (said < len(phones)).all()
    assert all(phones[index] != MARK for index in said)


taught_once = taught()


def test_what_is_said_comes_from_the_text() -> None:
    """The same codes with another phone sound different, and a model without the alignment keeps its state dict."""
    torch.manual_seed(0)
    small = sovits_config()
    config = dataclasses.replace(small, text=dataclasses.replace(small.text, aligned=True))
    model = SoVITS(config).eval()
    codes = torch.randint(0, config.codebook, (1, 1, 8))
    style = torch.zeros(1, config.gin, 1)
    first = model.decode(codes, torch.tensor([[1, 2, 3]]), style, noise_scale=0.0)
    again = model.decode(codes, torch.tensor([[1, 2, 3]]), style, noise_scale=0.0)
    other = model.decode(codes, torch.tensor([[1, 4, 3]]), style, noise_scale=0.0)
    assert torch.equal(first, again) and not torch.allclose(first, other)
    plain = set(SoVITS(small).state_dict())
    added = {"enc_p.aligned.weight", "enc_p.aligned.bias"} | {f"alignment.{n}" for n in ("said", "silent", "ends")}
    assert set(model.state_dict()) - plain == added


def led(phones: list[int], seed: int, stubborn: bool = False) -> tuple[Generated, list[tuple[int, bool]]]:
    """Codes of an untrained network that a follower leads along, and where it was at each; the end is not listed."""
    torch.manual_seed(seed)
    sizes = T2SConfig(hidden=8, layers=1, heads=2, feed_forward=8, vocabulary=CODES + 1, phones=8, bert_dim=0)
    network = T2S(dataclasses.replace(sizes, aligned=True)).eval()
    if stubborn:  # wants nothing but the first code, whatever it is told
        network.ar_predict_layer.weight.data.zero_()
        network.ar_predict_layer.weight.data[0] = 5.0
    visited = []

    class Recorder(CodeFollower):
        @property
        def near(self) -> tuple[int, int, int, int]:
            visited.append(self.at)
            return super().near

    made = generate(
        network,
        torch.tensor(phones),
        max_tokens=300,
        min_tokens=1,
        follower=Recorder(taught_once, np.array(phones)),
        generator=torch.Generator().manual_seed(seed),
    )
    return made, visited


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, MARK), min_size=1, max_size=12), st.integers(0, 99), st.booleans())
def test_a_led_network_says_every_phone_once_and_ends(phones: list[int], seed: int, stubborn: bool) -> None:
    made, visited = led(phones, seed, stubborn)
    assert made.reached_end
    said = [place for place, quiet in visited if not quiet]
    spoken = [phone for phone in phones if phone != MARK]
    assert sorted(set(said)) == list(range(len(spoken))) and said == sorted(said)
    longest = max((said.count(place) for place in said), default=0)
    assert longest <= NEAR


def test_what_is_drawn_fits_the_phone() -> None:
    made, visited = led([0, MARK, 3, 1, 1, 4], 3)
    spoken = [0, 3, 1, 1, 4]
    pairs = zip(made.tokens.tolist(), visited, strict=False)
    fits = [code // 3 == spoken[place] for code, (place, quiet) in pairs if not quiet]
    assert np.mean(fits) > 0.6


def test_the_same_seed_says_the_same() -> None:
    assert torch.equal(led([0, 1, 2], 5)[0].tokens, led([0, 1, 2], 5)[0].tokens)
    assert not torch.equal(led([0, 1, 2], 5)[0].tokens, led([0, 1, 2], 6)[0].tokens)


def test_near_is_this_phone_the_next_two_and_how_long() -> None:
    phones = np.array([1, MARK, 2, 3])
    near = near_phones(phones, np.array([-1, 0, 0, -1, -1, 2, 3, -1]), phones != MARK)
    assert near.tolist() == [
        [1, MARK, 2, NEAR + 1],
        [1, MARK, 2, 1],
        [1, MARK, 2, 2],
        [2, 3, 0, NEAR + 1],
        [2, 3, 0, NEAR + 2],
        [2, 3, 0, 1],
        [3, 0, 0, 1],
        [0, 0, 0, NEAR + 1],
    ]
