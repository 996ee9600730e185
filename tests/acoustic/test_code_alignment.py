"""Which phone is said at each code: found where codes are clear, whole and in order where they are not."""

import dataclasses

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_sovits.acoustic.code_alignment import CodeAlignment, align_codes, learn_alignment
from gpt_sovits.acoustic.sovits import SoVITS
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
    added = {"enc_p.aligned.weight", "enc_p.aligned.bias", "alignment.said", "alignment.silent"}
    assert set(model.state_dict()) - plain == added
