"""v3/v4 at toy size: long texts, prompts, the training loss, low-rank adapters, vocoders."""

from __future__ import annotations

import pytest
import torch

from gpt_sovits.acoustic.bigvgan import BigVGAN
from gpt_sovits.acoustic.build import build_vocoder
from gpt_sovits.acoustic.config import BigVGANConfig, HiFiGANConfig
from gpt_sovits.acoustic.flow_matching import sample_long
from gpt_sovits.acoustic.hifigan import HiFiGAN
from gpt_sovits.acoustic.lora import add_lora, merge_lora
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.acoustic.weight_norm import fold_weight_norm
from gpt_sovits.errors import CancelledError
from tests.acoustic import tiny


@pytest.fixture
def model() -> SoVITSCFM:
    torch.manual_seed(0)
    return SoVITSCFM(tiny.cfm_config()).eval()


@pytest.mark.parametrize("count", [3, 8, 16])
def test_any_length_becomes_mel(model: SoVITSCFM, count: int) -> None:
    """3 codes fit one piece, 8 need two (the last short), 16 need three."""
    codes = torch.arange(count)[None, None] % 10
    prompt = {
        "prompt_codes": torch.tensor([[[1, 2, 3, 4]]]),
        "prompt_phones": torch.tensor([[1, 2]]),
        "prompt_mel": torch.randn(1, 10, 14),
    }
    style = model.style(torch.rand(1, 30, 9))
    first, again = (
        model.decode(
            codes, torch.tensor([[3, 4]]), style, **prompt, steps=2, generator=torch.Generator().manual_seed(7)
        )
        for _ in range(2)
    )
    assert first.shape == (1, 10, int(2 * count * 1.875))
    assert torch.equal(first, again)


def test_short_pieces_still_cover_every_frame(model: SoVITSCFM) -> None:
    content, prompt = torch.randn(1, 16, 45), torch.randn(1, 16, 30)
    mel = sample_long(model.cfm, content, prompt, torch.randn(1, 10, 25), prompt_frames=12, window=32, steps=1)
    assert mel.shape == (1, 10, 45) and torch.isfinite(mel).all()


def test_prompt_frames_stay_empty_and_work_can_be_stopped(model: SoVITSCFM) -> None:
    content, prompt, noise = torch.randn(1, 16, 20), torch.randn(1, 10, 6), torch.randn(1, 10, 20)
    mel = model.cfm.sample(content, prompt, noise, steps=2, guidance=0.5)
    assert mel[:, :, :6].abs().max() == 0 and mel[:, :, 6:].abs().max() > 0

    def stop() -> None:
        raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        model.cfm.sample(content, prompt, noise, steps=2, check=stop)


def test_loss_ignores_the_noise_of_the_prompt(model: SoVITSCFM) -> None:
    mel, content, t, noise = torch.randn(1, 10, 20), torch.randn(1, 16, 20), torch.tensor([0.4]), torch.randn(1, 10, 20)
    lengths, prompts = torch.tensor([14]), torch.tensor([5])
    base = model.cfm.loss(mel, lengths, prompts, content, t=t, noise=noise)
    other = noise.clone()
    other[:, :, :5] += 100
    assert torch.allclose(base, model.cfm.loss(mel, lengths, prompts, content, t=t, noise=other), atol=1e-5)
    with_shortcut = model.cfm.loss(mel, lengths, prompts, content, t=t, noise=noise, shortcut=torch.tensor([7]))
    assert torch.isfinite(with_shortcut)


def test_training_leaves_the_prior_alone(model: SoVITSCFM) -> None:
    spec, ssl, mel = torch.rand(2, 30, 16), torch.randn(2, 12, 16), torch.randn(2, 10, 30)
    lengths, mel_lengths = torch.tensor([16, 12]), torch.tensor([30, 22])
    model(spec, lengths, ssl, torch.randint(0, 30, (2, 4)), torch.tensor([4, 3]), mel, mel_lengths).backward()
    learned = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert learned == {"ref_enc", "bridge", "wns1", "cfm"}


def test_adapter_starts_silent_learns_and_folds_away(model: SoVITSCFM) -> None:
    keys = set(model.state_dict())
    x, prompt, content = torch.randn(1, 10, 12), torch.randn(1, 10, 12), torch.randn(1, 16, 12)
    t = d = torch.tensor([0.5])
    before = model.cfm.estimator(x, prompt, content, t, d)
    trained = add_lora(model, rank=2)
    assert len(trained) == 2 * 4 * 2  # two matrices, four layers, two blocks
    assert torch.equal(before, model.cfm.estimator(x, prompt, content, t, d))
    model.cfm.estimator(x, prompt, content, t, d).sum().backward()
    assert all(parameter.grad is not None for parameter in trained)
    assert model.cfm.estimator.transformer_blocks[0].attn.to_q.weight.grad is None
    with torch.no_grad():
        for parameter in trained:
            parameter.normal_()
    adapted = model.cfm.estimator(x, prompt, content, t, d)
    assert not torch.allclose(before, adapted, atol=1e-3)
    merge_lora(model)
    assert set(model.state_dict()) == keys
    assert torch.allclose(adapted, model.cfm.estimator(x, prompt, content, t, d), atol=1e-4)


def test_vocoders_give_whole_frames_within_range() -> None:
    torch.manual_seed(0)
    small = BigVGANConfig(bands=5, channels=16, rates=(4, 2), kernels=(8, 4), block_kernels=(3,), block_dilations=(1,))
    mel = torch.randn(1, 5, 7) * 3
    vocoder = BigVGAN(small).eval()
    wave = vocoder(mel)
    assert wave.shape == (1, 1, 56) and wave.abs().max() <= 1
    assert torch.allclose(wave, fold_weight_norm(vocoder)(mel), atol=1e-6)
    assert HiFiGAN(HiFiGANConfig(channels=16, rates=(5, 4), kernels=(9, 8)), 5)(mel).shape == (1, 1, 140)


def test_v4_vocoder_has_the_names_of_its_file() -> None:
    values = {"kind": "hifigan", "rates": [10, 6, 2, 2, 2], "kernels": [20, 12, 4, 4, 4], "final_bias": True}
    names = set(build_vocoder(values | {"channels": 32}).state_dict())
    assert {"ups.0.weight", "resblocks.14.convs2.2.bias", "conv_post.bias"} <= names
    assert not any("weight_v" in name for name in names)
