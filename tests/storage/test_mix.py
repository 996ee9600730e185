"""Mixing: exact at the ends, continuous between, refused where it makes no sense."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from gpt_sovits.errors import InputError, RefusedError
from gpt_sovits.features.reference import Reference
from gpt_sovits.text import symbols
from gpt_sovits.voices.mixing import blend, mix, slerp, sphere_mean
from gpt_sovits.voices.terms import Terms

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


def test_three_voices_and_each_corner_is_one_of_them_bit_for_bit():
    voices = [make_voice(seed) for seed in (1, 2, 3)]
    for index, original in enumerate(voices):
        shares = [0.0, 0.0, 0.0]
        shares[index] = 5.0
        mixed = blend(voices, shares)
        assert set(mixed.delta) == set(original.delta)
        assert all(torch.equal(mixed.delta[key], original.delta[key]) for key in original.delta)
        assert torch.equal(mixed.reference.style, original.reference.style)
        assert mixed.reference.text == original.reference.text
    even = blend(voices, [1, 1, 1])
    mean = sum(voice.delta["acoustic.a"].float() for voice in voices) / 3
    assert torch.allclose(even.delta["acoustic.a"].float(), mean, atol=2e-3)
    assert [parent["share"] for parent in even.made_by["parents"]] == [0.333333] * 3
    pair = blend(voices, [3, 1, 0])
    assert torch.equal(pair.delta["acoustic.a"], mix(*voices[:2], 0.25).delta["acoustic.a"])
    assert torch.equal(pair.reference.style, mix(*voices[:2], 0.25).reference.style)


def test_the_mean_of_three_on_the_sphere_is_in_the_middle_whatever_the_order():
    a, b, c = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 2.0, 0.0]), torch.tensor([0.0, 0.0, 2.0])
    third = [1 / 3] * 3
    middle = sphere_mean([a, b, c], third)
    assert torch.allclose(middle, torch.full((3,), 2.0 / 3**0.5), atol=1e-6)
    shares = [0.5, 0.3, 0.2]
    one, other = sphere_mean([a, b, c], shares), sphere_mean([c, a, b], [0.2, 0.5, 0.3])
    assert torch.allclose(one, other, atol=1e-6) and torch.linalg.vector_norm(one) == pytest.approx(2.0, abs=1e-5)
    for odd in ([a, -a, b], [a, a, a], [a, b * 0, c]):
        assert torch.isfinite(sphere_mean(odd, third)).all()


def test_terms_of_all_parts_hold_for_the_mix():
    bound = consent(recording_sha256="1" * 64)
    free = make_voice(1, consent=bound)
    mine = make_voice(2, consent=bound, terms=Terms(retrain=False, until="2999-01-02"))
    theirs = make_voice(3, consent=bound, terms=Terms(export=False, until="2998-01-02"))
    assert blend([free, mine, theirs], [1, 1, 1]).terms == Terms(retrain=False, export=False, until="2998-01-02")
    with pytest.raises(RefusedError, match="may not be mixed"):
        blend([free, mine, make_voice(4, terms=Terms(mix=False))], [1, 1, 0])


@pytest.mark.parametrize("shares", [[1], [0, 0], [1, -1], [1, float("nan")], [1, float("inf")], [1, 1, 1]])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(InputError, match="share"):
        blend([make_voice(1), make_voice(2)], shares)


def test_a_mix_of_two_languages_lies_between_them_without_a_jump():
    languages = [symbols("v2").encode(names) for names in (["HH", "AY1"], ["h", "ao3"])]
    english, mandarin = (
        replace(voice, reference=replace(voice.reference, phones=phones))
        for voice, phones in zip((make_voice(1), make_voice(2)), languages, strict=True)
    )
    tongues = [mix(english, mandarin, ratio / 10).reference.tongue for ratio in range(11)]
    assert tongues == pytest.approx([ratio / 10 for ratio in range(11)])
    apart = mix(english, mandarin, 0.0, manner=1.0).reference
    assert apart.phones == languages[1] and apart.tongue == 0.0, "the timbre decides"
    kept = Reference.from_tensors(*mix(english, mandarin, 0.3).reference.to_tensors())
    assert kept.tongue == mix(english, mandarin, 0.3).reference.tongue


def test_a_mix_knows_the_voices_it_lies_between_and_keeps_them():
    a, b, c = make_voice(1), make_voice(2), make_voice(3)
    coloured = replace(b, reference=replace(b.reference, colour=torch.arange(5.0), mandarin=0.25))
    made = mix(mix(a, coloured, 0.25), c, 0.4)
    kept = Reference.from_tensors(*made.reference.to_tensors())
    for reference in (made.reference, kept):
        assert [part.share for part in reference.parts] == pytest.approx([0.45, 0.15, 0.4])
        for part, voice in zip(reference.parts, (a, coloured, c), strict=True):
            assert torch.equal(part.style, voice.reference.style)
            assert part.tongue == voice.reference.tongue
        assert torch.equal(reference.parts[1].colour, torch.arange(5.0))
    assert kept.parts[0].colour is None or not kept.parts[0].colour.any(), "no colour adds nothing"
    assert a.reference.parts == () and a.reference.timbres[0].style is a.reference.style


def test_a_mix_of_mixes_of_mixes_has_an_end():
    voices = [make_voice(seed) for seed in range(8)]
    many = blend([blend(voices, range(1, 9)) for _ in range(8)], [1.0] * 8)
    assert len(many.reference.parts) == 64
    with pytest.raises(InputError, match="65 voices"):
        mix(many, voices[0], 0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parts.share", torch.tensor([0.5, 0.6], dtype=torch.float64)),
        ("parts.share", torch.tensor([1.5, -0.5], dtype=torch.float64)),
        ("parts.share", torch.tensor([1.0], dtype=torch.float64)),
        ("parts.share", torch.tensor([float("nan"), 1.0], dtype=torch.float64)),
        ("parts.style", torch.zeros(2, 9, 1)),
        ("parts.style", torch.zeros(3, 8, 1)),
        ("parts.tongue", torch.tensor([0.0, 0.5, 1.0])),
        ("parts.tongue", torch.tensor([0.0, 2.0])),
        ("parts.colour", torch.zeros(3, 5)),
        ("parts.colour", torch.zeros(2)),
        ("parts.tongue", None),
        ("parts.style", None),
    ],
)
def test_a_mix_with_damaged_parts_is_refused(name, value):
    tensors, said = mix(make_voice(1), make_voice(2), 0.5).reference.to_tensors()
    tensors[name] = value
    with pytest.raises(InputError, match="damaged"):
        Reference.from_tensors({key: tensor for key, tensor in tensors.items() if tensor is not None}, said)


@pytest.mark.parametrize("damage", ["much", "nan", "2.0"])
def test_a_mix_with_a_damaged_language_is_refused(damage):
    tensors, said = make_voice(1).reference.to_tensors()
    with pytest.raises(InputError, match="damaged"):
        Reference.from_tensors(tensors, {**said, "mandarin": damage})
