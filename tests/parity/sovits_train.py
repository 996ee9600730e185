"""SoVITS training forward, losses and gradient norms, by the functions that the fine-tuning itself calls."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.discriminator import Discriminators
from gpt_sovits.acoustic.sovits import SoVITS, slice_frames
from gpt_sovits.features.spectral import MEL_TRAIN, mel_spectrogram, spectrogram_to_mel
from gpt_sovits.training import adversarial, losses
from gpt_sovits.versions import DISCRIMINATORS
from tests.acoustic import sizes
from tests.parity import Fixture

SEGMENT = 32  # frames of the slice that is decoded


def gradient_norms(model: nn.Module, keys: list[str]) -> Tensor:
    """L2 norm of each tensor's gradient in the order of ``keys``; NaN where there is none."""
    parameters = dict(model.named_parameters())
    norms = []
    for key in keys:
        gradient = parameters[key].grad if key in parameters else None
        norms.append(float("nan") if gradient is None else float(gradient.norm()))
    return torch.tensor(norms)


def run_train(fixture: Fixture) -> dict[str, Any]:
    version = fixture.name.removeprefix("sovits_").removesuffix("_train")
    pro = version.startswith("v2Pro")
    names = f"sovits_{version}", "s2D_v2Pro" if pro else "s2D_v2"
    model, judges = SoVITS(sizes.VITS[version]), Discriminators(DISCRIMINATORS["v2Pro" if pro else "v2"])
    for network, name in zip((model, judges), names, strict=True):
        network.load_state_dict(fixture.weights(name), strict=True)
        network.eval()
    spec = fixture.tensor("in_spec")
    out = model(
        spec,
        fixture.tensor("in_spec_lengths"),
        fixture.tensor("in_ssl"),
        fixture.tensor("in_phones"),
        fixture.tensor("in_phone_lengths"),
        segment=SEGMENT,
        speaker=fixture.tensor("in_sv_emb") if pro else None,
        noise=fixture.tensor("in_noise_q"),
        start=fixture.tensor("in_slice_start"),
    )
    bank = adversarial.mel_bank(model.config)
    target = slice_frames(spectrogram_to_mel(spec, bank), out.start, SEGMENT)
    real = adversarial.real_slices(fixture.tensor("in_wav"), out.start, SEGMENT, model.config.hop)
    judged = adversarial.judge(judges, real, out.wave)
    found = adversarial.objective(out, spec, model.config, bank, SEGMENT, judged)
    adversarial.accumulate(found, list(model.parameters()), list(judges.parameters()))
    _, disc_real, disc_fake = losses.discriminator_loss(judged.real_scores, judged.fake_scores)
    posterior, prior = out.posterior, out.prior
    result: dict[str, Any] = {"grad_norms_disc": gradient_norms(judges, _keys(fixture, names[1]))}
    result |= {f"disc_real_{i}": scores for i, scores in enumerate(judged.real_scores)}
    result |= {f"disc_fake_{i}": scores for i, scores in enumerate(judged.fake_scores)}
    means = [torch.stack([m.detach().abs().mean() for m in maps[:6]]) for maps in judged.real_maps]
    return result | {
        "grad_norms_gen": gradient_norms(model, _keys(fixture, names[0])),
        "loss_disc": found.rivals,
        "loss_mel": found.parts["mel"],
        "loss_kl": found.parts["kl"],
        "loss_fm": found.parts["fm"],
        "loss_gen": found.parts["gen"],
        "loss_total": found.total,
        "kl_ssl": torch.tensor(0.0),  # the quantizer is frozen: no commitment loss exists
        "losses_disc_real": torch.stack(disc_real),
        "losses_disc_fake": torch.stack(disc_fake),
        "losses_gen": torch.stack(losses.generator_loss(judged.fake_scores)[1]),
        "y_hat": out.wave,
        "z_mask": posterior.mask,
        "z": posterior.z,
        "z_p": out.z_p,
        "m_p": prior.mean,
        "logs_p": prior.log_std,
        "m_q": posterior.mean,
        "logs_q": posterior.log_std,
        "y_mel": target,
        "y_hat_mel": mel_spectrogram(out.wave.squeeze(1), MEL_TRAIN, bank),
        "quantized_codes": out.codes.transpose(0, 1),
        "fmap_means": torch.stack(means),
    }


def _keys(fixture: Fixture, name: str) -> list[str]:
    return [tensor["key"] for tensor in fixture.manifest(name)["tensors"]]
