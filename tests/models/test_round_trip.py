"""No lock-in: a voice that goes out as upstream's pair of files and comes back sounds the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from gpt_sovits.acoustic.config import HiFiGANConfig, SoVITSConfig
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.families.base import load_base
from gpt_sovits.features.reference import Reference
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.model import T2S
from gpt_sovits.services.model_files import export_voice, import_models
from gpt_sovits.settings import Settings
from gpt_sovits.synthesis import Manner, Synthesizer
from gpt_sovits.voices.voice import Voice
from tests.acoustic import sizes
from tests.models.official import write_gpt, write_sovits

pytestmark = pytest.mark.usefixtures("shared")
WIDTH = 64


def narrow(version: str) -> SoVITSConfig:
    """The version's network with every size that an import reads off the file made small, where it does not tell."""
    whole = sizes.VITS[version]
    text = replace(whole.text, hidden=32, mrte_hidden=WIDTH)
    assert isinstance(whole.decoder, HiFiGANConfig)
    channels = whole.decoder.channels if version == "v2ProPlus" else WIDTH
    decoder = replace(whole.decoder, channels=channels)
    speaker = WIDTH if whole.speaker_dim else 0
    return replace(whole, gin=WIDTH, speaker_dim=speaker, text=text, decoder=decoder)


def halved(state: dict[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    return {prefix + key: value.half() if value.is_floating_point() else value for key, value in state.items()}


def changed(network: torch.nn.Module, part: str, names: tuple[str, ...]) -> dict[str, Tensor]:
    state = network.state_dict()
    return {f"{part}.{name}": (0.2 * torch.randn_like(state[name]) * state[name].std()).half() for name in names}


@pytest.mark.parametrize("version", ["v2", "v2Pro", "v2ProPlus"])
def test_export_and_import_keep_the_sound(settings: Settings, tmp_path: Path, version: str) -> None:
    torch.manual_seed(1)
    acoustic = SoVITS(narrow(version))
    with torch.no_grad():  # fresh weights make a hum that hardly depends on what is decoded
        for name, value in acoustic.dec.named_parameters():
            if name.endswith("weight_g"):
                value.fill_(1.0)
        acoustic.dec.conv_post.weight.mul_(20.0)
    semantic = T2S(T2SConfig(hidden=WIDTH, layers=2, heads=2, feed_forward=WIDTH))
    write_sovits(tmp_path / "s2G.pth", version, halved(acoustic.state_dict()))
    write_gpt(tmp_path / "s1.ckpt", halved(semantic.state_dict(), "model."))
    import_models([tmp_path / "s2G.pth", tmp_path / "s1.ckpt"], settings)
    delta = {
        **changed(acoustic, "acoustic", ("flow.flows.0.pre.weight", "enc_p.proj.weight", "dec.conv_pre.weight")),
        **changed(semantic, "semantic", ("ar_predict_layer.weight", "h.layers.1.linear1.weight")),
    }
    reference = Reference(
        style=torch.randn(1, WIDTH, 1),
        codes=torch.randint(0, 1024, (8,)),
        phones=(300, 310, 320, 330),
        text="",
        language="en",
    )
    voice = Voice("v1", "Anna", "local", version, None, reference, delta)
    pair = export_voice("Anna", version, delta, tmp_path / "out", settings, epochs=2, steps=10)
    (back,) = import_models(list(pair), settings, name="back").bases
    assert back.version == version and back.config["trainable"]

    synthesizer = Synthesizer(partial(load_base, settings=settings))

    def sound(of: Voice) -> np.ndarray:
        pieces = list(synthesizer.speak(of, "Oh.", language="en", speed=2.0, seed=5, manner=Manner(attempts=1)))
        return np.concatenate([piece.audio.samples for piece in pieces])

    own, returned = sound(voice), sound(replace(voice, id="v2", base="back", delta={}))
    bare = sound(replace(voice, id="v3", delta={}))
    assert len(own) == len(returned) > 1600
    bases = {"acoustic": acoustic.state_dict(), "semantic": semantic.state_dict()}
    rounded = {}  # upstream's files hold fp16: what is left of the delta once base plus delta is rounded to that
    for key, value in delta.items():
        part, name = key.split(".", 1)
        before = bases[part][name].half().float()
        rounded[key] = (before + value.float()).half().float() - before
    assert np.corrcoef(sound(replace(voice, id="v4", delta=rounded)), returned)[0, 1] > 0.9999
    assert np.corrcoef(own, returned)[0, 1] > 0.97
    assert len(bare) != len(own) or np.corrcoef(own, bare)[0, 1] < 0.99  # the delta is heard at all
