"""Files in every format that upstream writes are recognised, with their version and their tensors as stored."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpt_sovits.errors import InputError
from gpt_sovits.models.native import save_tensors
from gpt_sovits.models.upstream import merge_lora, plain_mapping, read_upstream
from tests.models.official import (
    BERT,
    HUBERT,
    SPEAKER,
    manifest,
    small_state,
    write_bare,
    write_gpt,
    write_sovits,
    write_weight_file,
)

pytestmark = pytest.mark.usefixtures("shared")
VERSIONS = ["v1", "v2", "v2Pro", "v2ProPlus", "v3", "v4"]


@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_sovits_version_is_recognised_and_kept_as_stored(tmp_path: Path, version: str, tuned: bool) -> None:
    state = small_state(f"sovits_{version}")
    file = read_upstream(write_sovits(tmp_path / "s2G.pth", version, state, tuned=tuned))
    assert (file.kind, file.version, file.form) == ("sovits", version, "inference")
    assert file.has_posterior == (not tuned and version not in ("v3", "v4"))
    assert file.config["model"]["gin_channels"] == (1024 if "Pro" in version else 512)
    expected = {key: value for key, value in state.items() if not (tuned and "enc_q" in key)}
    assert set(file.tensors) == set(expected)
    assert all(file.tensors[key].dtype == torch.float16 for key in expected)
    assert all(torch.equal(file.tensors[key], value) for key, value in expected.items())


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_v3_and_v4_without_any_sign_ask_the_person(tmp_path: Path, version: str) -> None:
    path = write_weight_file(tmp_path / "x.pth", small_state("sovits_v3"), {"model": {"gin_channels": 512}}, "?")
    with pytest.raises(InputError, match="--version"):
        read_upstream(path)
    assert read_upstream(path, version=version).version == version
    write_weight_file(tmp_path / "y.pth", small_state("sovits_v4"), {"model": {}}, "pretrained_s2G_v4")
    assert read_upstream(tmp_path / "y.pth").version == "v4"


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_lora_files_keep_their_pairs_under_our_names(tmp_path: Path, version: str) -> None:
    name = f"sovits_{version}_lora"
    path = write_weight_file(
        tmp_path / "voice.pth", small_state(name), manifest(name)["config"], "2epoch", f"0{version[1]}", lora_rank=32
    )
    file = read_upstream(path)
    assert (file.kind, file.version) == ("lora", version)
    assert not any("base_model" in key for key in file.tensors)
    assert "cfm.estimator.transformer_blocks.0.attn.to_q.lora_A.default.weight" in file.tensors


def test_header_of_a_lora_wins_over_a_config_that_says_otherwise(tmp_path: Path) -> None:
    config = manifest("sovits_v3_lora")["config"]
    path = write_weight_file(tmp_path / "voice.pth", small_state("sovits_v4_lora"), config, "2epoch", "04")
    assert read_upstream(path).version == "v4"


def test_merging_a_lora_adds_b_times_a_and_replaces_what_was_trained(tmp_path: Path) -> None:
    layer = "cfm.estimator.transformer_blocks.0.attn.to_q"
    generator = torch.Generator().manual_seed(0)
    base = {
        f"{layer}.weight": torch.randn(6, 5, generator=generator),
        "bridge.0.weight": torch.zeros(3),
        "enc_p.x": torch.ones(1),
    }
    down, up = torch.randn(2, 5, generator=generator), torch.randn(6, 2, generator=generator)
    lora = {
        f"{layer}.lora_A.default.weight": down,
        f"{layer}.lora_B.default.weight": up,
        "bridge.0.weight": torch.ones(3),
    }
    merged = merge_lora(base, lora)
    assert torch.allclose(merged[f"{layer}.weight"], base[f"{layer}.weight"] + up @ down)
    assert merged["bridge.0.weight"].tolist() == [1, 1, 1] and set(merged) == set(base)
    for wrong in (
        {"new.weight": torch.ones(1)},
        {f"{layer}.lora_A.default.weight": down},
        {"bridge.0.weight": torch.ones(4)},
    ):
        with pytest.raises(InputError, match="does not fit"):
            merge_lora(base, wrong)


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize(
    ("name", "kind"),
    [(HUBERT, "content"), (BERT, "bert"), (SPEAKER, "speaker"), ("vocoder_v4", "vocoder")],
)
def test_bare_state_dicts_of_the_encoders_and_vocoder(tmp_path: Path, name: str, kind: str, modern: bool) -> None:
    file = read_upstream(write_bare(tmp_path / "model.bin", small_state(name), modern=modern))
    assert (file.kind, file.form) == (kind, "bare")
    if kind == "bert":  # layers 22 and 23 and the heads are used by nothing
        assert "bert.encoder.layer.21.output.dense.weight" in file.tensors
        assert not any(".layer.22." in key or key.startswith("cls.") for key in file.tensors)


def test_bigvgan_discriminators_and_safetensors(tmp_path: Path) -> None:
    torch.save({"generator": small_state("bigvgan_v2_24khz_100band_256x")}, tmp_path / "bigvgan_generator.pt")
    assert read_upstream(tmp_path / "bigvgan_generator.pt").version == "v3"
    for name in ("s2D_v2", "s2D_v2Pro"):
        torch.save({"weight": small_state(name)}, tmp_path / "s2D.pth")
        assert read_upstream(tmp_path / "s2D.pth").version == name.removeprefix("s2D_")
    save_tensors(tmp_path / "x.safetensors", small_state("sovits_v2"))
    assert read_upstream(tmp_path / "x.safetensors").version == "v2"


@pytest.mark.parametrize("generation", ["v1", "v2"])
def test_gpt_files_lose_their_prefix(tmp_path: Path, generation: str) -> None:
    file = read_upstream(write_gpt(tmp_path / "s1.ckpt", small_state(f"gpt_{generation}"), generation))
    assert (file.kind, file.version) == ("gpt", generation)
    assert "h.layers.23.norm2.bias" in file.tensors and not any(key.startswith("model.") for key in file.tensors)
    assert file.config["model"]["n_layer"] == 24


def test_training_files_are_read(tmp_path: Path) -> None:
    state = {key: value.float() for key, value in small_state("sovits_v2").items()}
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(3))]).state_dict()
    torch.save({"model": state, "iteration": 5, "optimizer": optimizer, "learning_rate": 1e-4}, tmp_path / "G_233.pth")
    file = read_upstream(tmp_path / "G_233.pth")
    assert (file.kind, file.version, file.form) == ("sovits", "v2", "training")
    lightning = {"state_dict": small_state("gpt_v2"), "epoch": 3, "callbacks": {"a": {"dirpath": Path("/tmp")}}}
    torch.save(lightning, tmp_path / "epoch=3.ckpt")
    assert read_upstream(tmp_path / "epoch=3.ckpt").form == "training"


def test_a_lora_training_file_holds_its_own_base(tmp_path: Path) -> None:
    layer = "cfm.base_model.model.estimator.transformer_blocks.0.attn.to_q"
    state = {
        "enc_p.text_embedding.weight": torch.ones(732, 1),
        f"{layer}.base_layer.weight": torch.zeros(4, 4),
        f"{layer}.lora_A.default.weight": torch.ones(2, 4),
        f"{layer}.lora_B.default.weight": torch.ones(4, 2),
    }
    torch.save({"model": state, "iteration": 1, "optimizer": {}, "learning_rate": 0.1}, tmp_path / "G_1.pth")
    file = read_upstream(tmp_path / "G_1.pth", version="v4")
    assert (file.kind, file.version) == ("sovits", "v4")
    assert file.tensors["cfm.estimator.transformer_blocks.0.attn.to_q.weight"].tolist() == [[2.0] * 4] * 4


def test_unknown_networks_say_what_they_look_like(tmp_path: Path) -> None:
    torch.save({"model": {"unet.down.weight": torch.ones(2), "unet.up.weight": torch.ones(2)}}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"2 tensors named unet\.\* \(2\)"):
        read_upstream(tmp_path / "other.pth")
    torch.save([1, 2, 3], tmp_path / "list.pth")
    with pytest.raises(InputError, match="no tensors"):
        read_upstream(tmp_path / "list.pth")


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    state = small_state("sovits_v2")
    state["enc_p.proj.bias"] = torch.tensor([1.0, float("nan")]).half()
    with pytest.raises(InputError, match="not finite"):
        read_upstream(write_sovits(tmp_path / "nan.pth", "v2", state))


def test_configs_become_plain_values() -> None:
    assert plain_mapping({"a": (1, 2.5), "b": {"c": None, "d": torch.ones(1)}, 3: "x"}) == {
        "a": [1, 2.5],
        "b": {"c": None},
        "3": "x",
    }
