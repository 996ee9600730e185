"""SoVITS v3 and v4: content features, DiT, flow matching, its training loss, the loop over long texts."""

from __future__ import annotations

import torch
from torch import Tensor

from gpt_sovits.acoustic.flow_matching import sample_long
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.features.spectral import denormalize_mel
from tests.acoustic import sizes
from tests.parity import Fixture


def load_cfm(fixture: Fixture, version: str) -> SoVITSCFM:
    with torch.device("meta"):
        model = SoVITSCFM(sizes.FLOW_MATCHING[version])
    model.load_state_dict(fixture.weights(f"sovits_{version}"), strict=True, assign=True)
    return model.eval()


def _features(fixture: Fixture, model: SoVITSCFM, style: Tensor) -> dict[str, Tensor]:
    codes, phones = fixture.tensor("in_codes"), fixture.tensor("in_phones")
    content = model.quantizer.decode(codes).repeat_interleave(2, dim=2)
    frames, count = torch.tensor([content.shape[-1]]), torch.tensor([phones.shape[-1]])
    x = model.enc_p(content, frames, phones, count, style).x
    return {
        "enc_p_x": x,
        "bridge": model.bridge(x),
        "fea": model.features(codes, phones, style),
        "fea_speed2": model.features(codes, phones, style, fixture.number("in_speed2")),
    }


def _sampled(fixture: Fixture, model: SoVITSCFM, content: Tensor) -> dict[str, Tensor]:
    out = {}
    prompt, noise = fixture.tensor("in_cfm_prompt"), fixture.tensor("in_cfm_noise")
    for key in (k for k in fixture.arrays if k.startswith("cfm_steps")):
        guidance = fixture.number("in_cfm_cfg_rate") if key.endswith("_cfg") else 0.0
        steps = int(key.removeprefix("cfm_steps").removesuffix("_cfg"))
        out[key] = model.cfm.sample(content, prompt, noise, steps=steps, guidance=guidance)
    return out


def _network(fixture: Fixture, model: SoVITSCFM) -> dict[str, Tensor]:
    if "in_dit_x" not in fixture:
        return {}
    net = model.cfm.estimator
    x, prompt, mu, lengths = (fixture.tensor(f"in_dit_{name}") for name in ("x", "cond", "mu", "lengths"))
    t, d = fixture.tensor("in_dit_t"), fixture.tensor("in_dit_d")
    kept: dict[str, Tensor] = {}
    parts = {"dit_input_embed_0": net.input_embed, "dit_block0_0": net.transformer_blocks[0]}
    hooks = [
        part.register_forward_hook(lambda _m, _i, o, key=key: kept.update({key: o[:1]})) for key, part in parts.items()
    ]
    out = net(x, prompt, mu, t, d, lengths)
    for hook in hooks:
        hook.remove()
    dropped = net(x, torch.zeros_like(prompt), torch.zeros_like(mu), t, d, lengths)
    return kept | {
        "dit_out": out.transpose(1, 2),
        "dit_out_dropped": dropped.transpose(1, 2),
        "dit_text_embed": net.text_embed(mu),
        "dit_time_embed": net.time_embed(t),
        "dit_d_embed": net.d_embed(d),
    }


def _losses(fixture: Fixture, model: SoVITSCFM) -> dict[str, Tensor]:
    if "in_train_mel" not in fixture:
        return {}
    names = ("train_mel", "dit_lengths", "train_prompt_lengths", "dit_mu")
    arguments = [fixture.tensor(f"in_{name}") for name in names]
    t, noise, base = (fixture.tensor(f"in_train_{name}") for name in ("t", "noise", "base"))
    return {
        "train_loss": model.cfm.loss(*arguments, t=t, noise=noise),
        "train_loss_bootstrap": model.cfm.loss(*arguments, t=t, noise=noise, shortcut=base),
    }


def _long(fixture: Fixture, model: SoVITSCFM, style: Tensor, content: Tensor) -> dict[str, Tensor]:
    prompt = model.features(fixture.tensor("in_chunk_prompt_codes"), fixture.tensor("in_chunk_prompt_phones"), style)
    lengths = fixture.tensor("in_chunk_noise_lengths").tolist()
    mel = sample_long(
        model.cfm,
        content,
        prompt,
        fixture.tensor("in_chunk_prompt_mel"),
        prompt_frames=int(fixture.number("in_chunk_T_ref")),
        window=int(fixture.number("in_chunk_T_chunk")),
        steps=2,
        noises=fixture.tensor("in_chunk_noise").split(lengths, dim=-1),
    )
    return {"chunk_mel": denormalize_mel(mel)}


@torch.inference_mode()
def run_cfm(fixture: Fixture) -> dict[str, Tensor]:
    model = load_cfm(fixture, fixture.name.removeprefix("sovits_"))
    style = model.style(fixture.tensor("in_refer"))
    out = {"ge": style} | _features(fixture, model, style)
    out |= _sampled(fixture, model, out["fea"]) | _network(fixture, model) | _losses(fixture, model)
    return out | _long(fixture, model, style, out["fea"])
