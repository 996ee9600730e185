"""Mixing: exact at the ends, continuous between, refused where it makes no sense."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from gpt_sovits.errors import InputError
from gpt_sovits.registry.mix import mix, slerp

from .conftest import consent, make_voice


@pytest.mark.parametrize("end", [0, 1])
def test_the_ends_are_the_voices_themselves_bit_for_bit(end):
    voices = make_voice(1), make_voice(2)
    mixed = mix(*voices, float(end))
    original = voices[end]
    assert set(mixed.delta) == set(original.delta)
    assert all(torch.equal(mixed.delta[key], original.delta[key]) for key in original.delta)
    (ours, said), (theirs, originally) = mixed.reference.to_tensors(), original.reference.to_tensors()
    assert set(ours) == set(theirs) and all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert said == originally


def test_between_is_continuous_and_missing_keys_are_zero():
    a, b = make_voice(1), make_voice(2)
    steps = [mix(a, b, index / 20) for index in range(21)]
    whole = torch.linalg.vector_norm(a.reference.style - b.reference.style)
    for left, right in pairwise(steps):
        assert torch.linalg.vector_norm(left.reference.style - right.reference.style) < 0.2 * whole
        difference = (left.delta["acoustic.a"] - right.delta["acoustic.a"]).float().abs().max()
        assert difference < 0.06 * (a.delta["acoustic.a"] - b.delta["acoustic.a"]).float().abs().max() + 1e-2
    half = steps[10]
    assert torch.allclose(half.delta["acoustic.only1"].float(), a.delta["acoustic.only1"].float() / 2, atol=1e-3)
    assert torch.allclose(half.delta["acoustic.only2"].float(), b.delta["acoustic.only2"].float() / 2, atol=1e-3)
    assert half.delta["acoustic.a"].dtype == torch.float16


def test_the_prompt_comes_from_the_nearer_voice():
    a, b = make_voice(1), make_voice(2)
    assert mix(a, b, 0.49).reference.text == "text 1"
    assert mix(a, b, 0.5).reference.text == "text 2"
    assert torch.equal(mix(a, b, 0.49).reference.codes, a.reference.codes)


def test_timbre_and_manner_can_differ():
    a, b = make_voice(1), make_voice(2)
    mixed = mix(a, b, 1.0, manner=0.0)
    assert torch.equal(mixed.delta["acoustic.a"], b.delta["acoustic.a"])
    assert torch.equal(mixed.delta["semantic.b"], a.delta["semantic.b"])
    assert torch.equal(mixed.reference.style, b.reference.style) and mixed.reference.text == "text 1"


def test_slerp_follows_the_arc_and_the_length():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 4.0])
    half = slerp(a, b, 0.5)
    assert torch.allclose(half, torch.tensor([1.0, 1.0]) / 2**0.5 * 3.0)
    assert torch.allclose(slerp(a, a, 0.3), a)
    assert torch.isfinite(slerp(a, -a, 0.5)).all() and torch.isfinite(slerp(a, a * 0, 0.5)).all()


def test_consent_of_a_mix_rests_on_both():
    bound = {"recording_sha256": "1" * 64}
    a, b = make_voice(1, consent=consent(**bound)), make_voice(2, consent=consent(who="Ben", **bound))
    assert mix(a, b, 0.5).consent.who == "Ana + Ben"
    assert mix(a, b, 0.5).consent.bound
    assert mix(a, make_voice(3), 0.5).consent is None


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan"), "0.5"])
def test_ratios_outside_are_refused(ratio):
    with pytest.raises(InputError, match="between 0 and 1"):
        mix(make_voice(1), make_voice(2), ratio)


def test_voices_of_two_bases_are_refused():
    with pytest.raises(InputError, match="one base"):
        mix(make_voice(1), make_voice(2, base="v2"), 0.5)
