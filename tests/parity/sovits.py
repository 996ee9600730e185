"""SoVITS v1, v2, v2Pro, v2ProPlus: every part, the whole decode, and streaming."""

from __future__ import annotations

import torch
from torch import Tensor

from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.acoustic.text_encoder import length_mask
from tests.acoustic import sizes
from tests.parity import Fixture


def load_sovits(fixture: Fixture, version: str) -> SoVITS:
    """The full-size network of ``version`` with the fixture's synthetic weights, in evaluation mode."""
    with torch.device("meta"):
        model = SoVITS(sizes.VITS[version])
    model.load_state_dict(fixture.weights(f"sovits_{version}"), strict=True, assign=True)
    return model.eval()


def _styles(fixture: Fixture, model: SoVITS) -> dict[str, Tensor]:
    out: dict[str, Tensor] = {}
    for i in (1, 2):
        spec = fixture.tensor(f"in_refer{i}")
        speaker = fixture.tensor(f"in_sv_emb{i}") if f"in_sv_emb{i}" in fixture else None
        out[f"ref_enc{i}"] = model.ref_enc(spec)
        out[f"ge{i}"] = model.style(spec, None, speaker)
    out["ge_mean"] = torch.stack([out["ge1"], out["ge2"]]).mean(0)
    out["ge512_1"] = model.prior_style(out["ge1"])
    spec, lengths = fixture.tensor("in_refer1"), fixture.tensor("in_ref_enc_batch_lengths")
    mask = length_mask(lengths, spec.shape[-1], spec)
    out["ref_enc_batch"] = model.ref_enc(torch.cat([spec, 0.5 * spec]) * mask, mask)
    return out


def _prior(fixture: Fixture, model: SoVITS, style: Tensor) -> dict[str, Tensor]:
    codes, phones = fixture.tensor("in_codes"), fixture.tensor("in_phones")
    content = model.quantized(codes)
    frames, count = torch.tensor([content.shape[-1]]), torch.tensor([phones.shape[-1]])
    outputs: dict[str, Tensor] = {}
    hooks = [
        getattr(model.enc_p, name).register_forward_hook(lambda _m, _i, o, name=name: outputs.update({name: o}))
        for name in ("encoder_ssl", "encoder_text", "mrte")
    ]
    prior = model.prior(content, frames, phones, count, style)
    for hook in hooks:
        hook.remove()
    out = {f"enc_p_{name}": value for name, value in outputs.items()}
    out |= {"enc_p_x": prior.x, "enc_p_m": prior.mean, "enc_p_logs": prior.log_std, "enc_p_mask": prior.mask}
    fast = model.prior(content, frames, phones, count, style, fixture.number("in_speed2"))
    out |= {"enc_p_m_speed2": fast.mean, "enc_p_logs_speed2": fast.log_std}
    lengths = fixture.tensor("in_enc_p_batch_lengths")
    content, phones, style = content.expand(2, -1, -1), phones.expand(2, -1), style.expand(2, -1, -1)
    batch = model.prior(content, lengths[0], phones, lengths[1], style)
    return out | {"enc_p_batch_m_1": batch.mean[1:], "enc_p_batch_logs_1": batch.log_std[1:]}


def _posterior(fixture: Fixture, model: SoVITS, style: Tensor, frames: int) -> dict[str, Tensor]:
    spec = fixture.tensor("in_refer1")[:, :, :frames]
    spec = torch.nn.functional.pad(spec, (0, frames - spec.shape[-1]))
    got = model.posterior(spec, torch.tensor([frames]), style, fixture.tensor("in_noise_speed1"))
    return {"enc_q_z": got.z, "enc_q_m": got.mean, "enc_q_logs": got.log_std}


def _decode(fixture: Fixture, model: SoVITS, styles: dict[str, Tensor]) -> dict[str, Tensor]:
    codes, phones = fixture.tensor("in_codes"), fixture.tensor("in_phones")
    references = {"ref1": styles["ge1"], "ref12": styles["ge_mean"]}
    out = {}
    for key in fixture.arrays:
        if not key.startswith("decode_"):
            continue
        _, reference, speed, noise = key.split("_")
        out[key] = model.decode(
            codes,
            phones,
            references[reference],
            speed=fixture.number("in_speed2") if speed == "speed2" else 1.0,
            noise_scale=0.0 if noise == "noise0" else fixture.number("in_noise_scale"),
            noise=fixture.tensor(f"in_noise_{speed}"),
        )
    return out


def _stream(fixture: Fixture, model: SoVITS, style: Tensor) -> dict[str, Tensor]:
    if "in_stream_first_tokens" not in fixture:
        return {}
    codes, phones = fixture.tensor("in_codes"), fixture.tensor("in_phones")
    first, overlap = int(fixture.number("in_stream_first_tokens")), 2
    _, latent1 = model.decode_chunk(codes[:, :, :first], phones, style, result_length=first, noise_scale=0.0)
    audio2, latent2 = model.decode_chunk(
        codes,
        phones,
        style,
        result_length=codes.shape[-1] - first + overlap,
        overlap=latent1[:, :, -2 * overlap :],
        noise_scale=0.0,
    )
    return {"stream_latent1": latent1, "stream_latent2": latent2, "stream_audio2": audio2}


@torch.inference_mode()
def run_sovits(fixture: Fixture) -> dict[str, Tensor]:
    model = load_sovits(fixture, fixture.name.removeprefix("sovits_"))
    ssl, codes = fixture.tensor("in_ssl"), fixture.tensor("in_codes")
    out = _styles(fixture, model)
    style = out["ge1"]
    out["latent_codes"] = model.extract_codes(ssl)
    out["ssl_proj"] = model.ssl_proj(ssl)[:, :, :4]
    out["quantized"] = model.quantizer.decode(codes)[:, :, :4]
    out |= _prior(fixture, model, style)
    z_p = fixture.tensor("in_z_p")
    mask = torch.ones_like(z_p[:, :1])
    out["flow_reverse"] = model.flow(z_p, mask, style, reverse=True)
    out["flow_forward"] = model.flow(z_p, mask, style)
    out["dec"] = model.decoder(fixture.tensor("in_dec_z"), style)
    out |= _posterior(fixture, model, style, 2 * codes.shape[-1])
    return out | _decode(fixture, model, out) | _stream(fixture, model, style)
