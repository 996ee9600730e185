"""SoVITS of any size: length laws, determinism, streaming, padding, folding, what learns and what is frozen."""

from __future__ import annotations

import pytest
import torch

from gpt_sovits.acoustic.discriminator import Discriminators
from gpt_sovits.acoustic.text_encoder import crossfade
from gpt_sovits.acoustic.weight_norm import fold_weight_norm
from gpt_sovits.errors import InputError
from gpt_sovits.training import losses
from tests.acoustic import tiny

CODES = torch.tensor([[[1, 2, 3, 4, 5, 6, 7]]])
PHONES = torch.tensor([[3, 4, 5, 6, 7]])
SPEC = torch.rand(1, 41, 20, generator=torch.Generator().manual_seed(1))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_one_code_is_two_frames() -> None:
    model = tiny.sovits()
    assert model.extract_codes(torch.randn(1, 12, 15)).shape == (1, 1, 7)
    style = model.style(SPEC)
    assert model.decode(CODES, PHONES, style).shape == (1, 1, 14 * tiny.HOP)


@pytest.mark.parametrize("speed", [0.6, 0.9, 1.25, 1.65])
def test_speed_changes_the_length(speed: float) -> None:
    model = tiny.sovits()
    wave = model.decode(CODES, PHONES, model.style(SPEC), speed=speed)
    assert wave.shape[-1] == (int(14 / speed) + 1) * tiny.HOP


def test_same_seed_same_wave() -> None:
    model = tiny.sovits()
    style = model.style(SPEC)
    first, again, other = (model.decode(CODES, PHONES, style, generator=seeded(s)) for s in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_style_changes_the_wave() -> None:
    model = tiny.sovits()
    styles = torch.randn(2, 1, 16, 1, generator=seeded(3))
    first, other = (model.decode(CODES, PHONES, style, noise_scale=0) for style in styles)
    assert (first - other).abs().max() > 0.1 * first.abs().max()


def test_streaming_everything_equals_whole() -> None:
    model = tiny.sovits()
    style = model.style(SPEC)
    whole = model.decode(CODES, PHONES, style, generator=seeded(1))
    chunk, _ = model.decode_chunk(CODES, PHONES, style, result_length=7, generator=seeded(1))
    assert torch.allclose(whole, chunk, atol=1e-6)


def test_streaming_fades_in_over_the_previous_chunk() -> None:
    old, new = torch.full((1, 2, 4), 7.0), torch.ones(1, 2, 10)
    faded = crossfade(new, old)
    assert torch.equal(faded[:, :, 0], old[:, :, 0])
    assert torch.equal(faded[:, :, 4:], new[:, :, 4:])
    model = tiny.sovits()
    style = model.style(SPEC)
    _, hidden = model.decode_chunk(CODES[:, :, :5], PHONES, style, result_length=5)
    wave, hidden2 = model.decode_chunk(CODES, PHONES, style, result_length=4, overlap=hidden[:, :, -4:])
    assert wave.shape[-1] == 8 * tiny.HOP
    assert torch.allclose(hidden2[:, :, 0], hidden[:, :, -4], atol=1e-6)


def test_folded_weights_give_the_same_wave() -> None:
    model = tiny.sovits()
    style = model.style(SPEC)
    before = model.decode(CODES, PHONES, style, noise_scale=0)
    fold_weight_norm(model)
    assert not any(name.endswith(("weight_g", "weight_v")) for name, _ in model.named_parameters())
    assert torch.allclose(before, model.decode(CODES, PHONES, style, noise_scale=0), atol=1e-6)


def test_padding_does_not_change_a_sentence() -> None:
    model = tiny.sovits()
    style = model.style(SPEC)
    content = model.quantized(CODES)
    alone = model.prior(content, torch.tensor([14]), PHONES, torch.tensor([5]), style)
    padded = model.prior(
        torch.cat([content, torch.ones(1, 12, 6)], 2).expand(2, -1, -1),
        torch.tensor([14, 20]),
        torch.cat([PHONES, torch.full((1, 3), 9)], 1).expand(2, -1),
        torch.tensor([5, 8]),
        style.expand(2, -1, -1),
    )
    assert torch.allclose(padded.mean[:1, :, :14], alone.mean, atol=1e-5)
    assert padded.mean[0, :, 14:].abs().max() == 0
    mask = torch.ones(1, 1, 24)
    mask[:, :, 20:] = 0
    loud, quiet = (torch.cat([SPEC, torch.full((1, 41, 4), level)], 2) for level in (9.0, 0.0))
    assert torch.allclose(model.style(loud, mask), model.style(quiet, mask), atol=1e-6)


def test_flow_is_invertible() -> None:
    model = tiny.sovits()
    z, mask, style = torch.randn(2, 8, 9), torch.ones(2, 1, 9), torch.randn(2, 16, 1)
    there = model.flow(z, mask, style)
    assert not torch.allclose(there, z, atol=1e-2)
    assert torch.allclose(model.flow(there, mask, style, reverse=True), z, atol=1e-5)


def test_speaker_vector_is_needed_and_used() -> None:
    model = tiny.sovits(speaker=6)
    with pytest.raises(InputError, match="speaker vector"):
        model.style(SPEC)
    styles = [model.style(SPEC, None, vector) for vector in (torch.zeros(1, 6), torch.ones(1, 6))]
    assert styles[0].shape == (1, 24, 1) and not torch.allclose(*styles)
    assert model.decode(CODES, PHONES, styles[0]).shape == (1, 1, 14 * tiny.HOP)


def test_training_step_learns_everything_but_the_codes() -> None:
    model = tiny.sovits().train()
    judges = Discriminators((2, 3), scale_width=4, period_width=2)
    spec, lengths = torch.rand(2, 41, 22), torch.tensor([22, 15])
    out = model(spec, lengths, torch.randn(2, 12, 22), torch.randint(0, 30, (2, 6)), torch.tensor([6, 4]), segment=10)
    assert out.wave.shape == (2, 1, 10 * tiny.HOP)
    assert (out.start + 10 <= lengths).all()
    scores, maps = judges(out.wave)
    posterior, prior = out.posterior, out.prior
    kl = losses.kl_loss(out.z_p, posterior.log_std, prior.mean, prior.log_std, posterior.mask)
    loss = losses.generator_loss(scores)[0] + losses.feature_loss(maps, [list(m) for m in maps]) + kl
    loss.backward()
    without = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert without == {"ssl_proj.weight", "ssl_proj.bias"}


def test_posterior_sends_no_gradient_into_the_style() -> None:
    model = tiny.sovits()
    style = torch.randn(1, 16, 1, requires_grad=True)
    model.posterior(SPEC, torch.tensor([20]), style).z.sum().backward()
    assert style.grad is None
