"""Importing: which file becomes which part of which base, and what is refused before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gpt_sovits.acoustic.config import SoVITSCFMConfig, SoVITSConfig
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import bytes_below
from gpt_sovits.models import catalog
from gpt_sovits.models.configs import part_config
from gpt_sovits.models.detect import kind_of, version_of
from gpt_sovits.models.importing import import_paths
from gpt_sovits.models.native import load_config, load_tensors
from gpt_sovits.models.store import find_base, list_bases, remove_base
from gpt_sovits.models.upstream import read_upstream
from gpt_sovits.services.model_files import (
    check_part,
    export_voice,
    import_models,
    list_models,
    models_and_shared,
    verify_model,
)
from gpt_sovits.settings import Settings
from tests.acoustic import sizes
from tests.models.official import (
    HUBERT,
    SPEAKER,
    full_state,
    manifest,
    shapes,
    small_state,
    write_bare,
    write_gpt,
    write_sovits,
    write_weight_file,
)

pytestmark = pytest.mark.usefixtures("shared")
VERSIONS = ["v1", "v2", "v2Pro", "v2ProPlus", "v3", "v4"]
SIZES = ("enc_p.text_embedding", "enc_p.mrte.c_pre", "ref_enc.spectral.0", "ref_enc.fc", "dec.conv_pre", "dec.ups")
SOVITS_KEYS = (*SIZES, "enc_q.pre", "sv_emb", "cfm.estimator.proj_out", "cfm.estimator.transformer_blocks.0.attn")
GPT_KEYS = ("model.ar_", "model.bert_proj", "model.h.layers.0.linear1")
HUBERT_KEYS = ("feature_extractor.conv_layers.0.conv", "encoder.layers.0.feed_forward")


def sovits(version: str) -> dict[str, Tensor]:
    return small_state(f"sovits_{version}", SOVITS_KEYS)


def gpt(generation: str = "v2") -> dict[str, Tensor]:
    return small_state(f"gpt_{generation}", GPT_KEYS)


def import_small(settings: Settings, *paths: Path, **options: str) -> list[str]:
    """Import tiny networks, which no real network would accept, so without the check against it."""
    return [base.name for base in import_paths(paths, settings, **options).bases]  # type: ignore[arg-type]


@pytest.fixture
def installed(settings: Settings, tmp_path: Path) -> Settings:
    """A complete tiny v2 base."""
    write_sovits(tmp_path / "s2G.pth", "v2", sovits("v2"))
    write_gpt(tmp_path / "s1.ckpt", gpt())
    write_bare(tmp_path / "pytorch_model.bin", small_state(HUBERT, HUBERT_KEYS))
    import_small(settings, *(tmp_path / name for name in ("s2G.pth", "s1.ckpt", "pytorch_model.bin")))
    return settings


@pytest.mark.parametrize(
    "name",
    [f"sovits_{version}" for version in VERSIONS]
    + ["gpt_v1", "gpt_v2", HUBERT, "chinese_roberta_wwm_ext_large", SPEAKER]
    + ["vocoder_v4", "bigvgan_v2_24khz_100band_256x", "s2D_v2", "s2D_v2Pro"],
)
def test_configs_from_shapes_build_exactly_the_official_network(name: str) -> None:
    found = shapes(name)
    kind = kind_of(found)
    version = version_of(kind, found, config=manifest(name)["config"])
    found = {key.removeprefix("model."): shape for key, shape in found.items()} if kind == "gpt" else found
    part = {"sovits": "acoustic", "gpt": "semantic"}.get(kind, kind)
    if kind == "bert":
        found = {k: v for k, v in found.items() if ".layer.22." not in k and ".layer.23." not in k and k[:4] == "bert"}
    config = part_config(part, version, found)
    check_part(part, config, found)
    if part == "acoustic" and version in ("v3", "v4"):
        assert SoVITSCFMConfig.from_dict(config) == sizes.FLOW_MATCHING[version]
    elif part == "acoustic":
        assert SoVITSConfig.from_dict(config) == sizes.VITS[version]


def test_a_network_with_other_names_is_refused_by_name() -> None:
    found = shapes("sovits_v2")
    config = part_config("acoustic", "v2", found)
    del found["flow.flows.0.pre.weight"]
    found["dec.cond.weight"] = (512, 1024, 1)
    found["extra.weight"] = (1,)
    with pytest.raises(InputError) as caught:
        check_part("acoustic", config, found)
    for part in ("missing: flow.flows.0.pre.weight", "unexpected: extra.weight", "dec.cond.weight [512, 1024, 1]"):
        assert part in str(caught.value)


def test_three_files_become_a_base(installed: Settings) -> None:
    base = find_base("v2", installed)
    assert base.missing == () and not base.bundled and base.config["rate"] == 32000 and base.config["trainable"]
    assert torch.equal(load_tensors(base.path("acoustic"))["enc_q.pre.weight"], sovits("v2")["enc_q.pre.weight"])
    assert "ar_predict_layer.weight" in load_tensors(base.path("semantic"))
    assert base.config["sources"]["semantic"]["file"] == "s1.ckpt" and set(base.config["sha256"]) == {
        "acoustic.safetensors",
        "content.safetensors",
        "semantic.safetensors",
    }
    assert not any(path.name.startswith(".v2") or path.suffix == ".part" for path in base.folder.rglob("*"))


def test_shared_parts_reach_bases_before_and_after_and_take_no_room_twice(installed: Settings, tmp_path: Path) -> None:
    write_sovits(tmp_path / "s2Gv2Pro.pth", "v2Pro", sovits("v2Pro"))
    assert import_small(installed, tmp_path / "s2Gv2Pro.pth") == ["v2Pro"]
    base = find_base("v2Pro", installed)
    assert base.has("content") and base.missing == ("semantic", "speaker")
    with pytest.raises(MissingError, match="models download v2Pro"):
        base.path("speaker")
    write_bare(tmp_path / "speaker.ckpt", small_state(SPEAKER, ("fuse34.", "conv1.")))
    import_small(installed, tmp_path / "speaker.ckpt", tmp_path / "s1.ckpt", name="v2Pro")
    base = find_base("v2Pro", installed)
    assert base.missing == ()
    for part in ("content", "semantic"):
        assert base.path(part).samefile(find_base("v2", installed).path(part))
    cards, shared = models_and_shared(installed)
    own = {card.name: card.size for card in cards if card.installed and not card.bundled}
    assert all(0 < size < bytes_below(installed.models_dir / name) for name, size in own.items())
    assert sum(own.values()) + shared == bytes_below(installed.models_dir)


def test_vocoders_go_to_their_version(settings: Settings, tmp_path: Path) -> None:
    write_sovits(tmp_path / "s2Gv3.pth", "v3", sovits("v3"))
    write_sovits(tmp_path / "s2Gv4.pth", "v4", sovits("v4"))
    write_bare(tmp_path / "vocoder.pth", small_state("vocoder_v4", ("conv_pre", "ups.0")))
    assert import_small(settings, *(tmp_path / name for name in ("s2Gv3.pth", "s2Gv4.pth", "vocoder.pth"))) == [
        "v3",
        "v4",
    ]
    assert find_base("v4", settings).has("vocoder") and not find_base("v3", settings).has("vocoder")
    assert find_base("v4", settings).config["rate"] == 48000 and find_base("v3", settings).config["rate"] == 24000


def test_upstreams_model_folder_is_sorted_by_place(settings: Settings, tmp_path: Path) -> None:
    root = tmp_path / "pretrained_models"
    for version in ("v1", "v2", "v2ProPlus"):
        acoustic, semantic = (file.path for file in catalog.bundle(version)[:2])
        write_sovits(root / acoustic, version, sovits(version))
        write_gpt(root / semantic, gpt("v1" if version == "v1" else "v2"), "v1" if version == "v1" else "v2")
    (root / "chinese-roberta-wwm-ext-large").mkdir()
    tokenizer = root / "chinese-roberta-wwm-ext-large" / "tokenizer.json"
    tokenizer.write_text(json.dumps({"model": {"vocab": {"[PAD]": 0, "我": 1}}}), encoding="utf-8")
    (root / "broken.pth").write_bytes(b"PK\x03\x04broken")
    (root / "link.pth").symlink_to(root / "s2G488k.pth")
    report = import_paths([root], settings)
    assert sorted(base.name for base in report.bases) == ["v1", "v2", "v2ProPlus"]
    assert [name for name, _ in report.skipped] == ["broken.pth"]
    for version in ("v1", "v2", "v2ProPlus"):
        base = find_base(version, settings)
        assert base.has("semantic")
        assert base.config["semantic"]["phones"] == (512 if version == "v1" else 732)
        assert json.loads(base.vocabulary.read_text(encoding="utf-8"))["我"] == 1


def test_a_fine_tuned_pair_becomes_its_own_base(installed: Settings, tmp_path: Path) -> None:
    tuned = {key: value * 2 for key, value in sovits("v2").items()}
    write_sovits(tmp_path / "小明 me_e8_s200.pth", "v2", tuned, tuned=True)
    write_gpt(tmp_path / "me-e15.ckpt", {key: value * 2 for key, value in gpt().items()}, tuned=True)
    assert import_small(installed, tmp_path / "小明 me_e8_s200.pth", tmp_path / "me-e15.ckpt") == ["小明-me_e8_s200"]
    base = find_base("小明-me_e8_s200", installed)
    assert base.version == "v2" and base.config["trainable"] and base.missing == ()
    state = load_tensors(base.path("acoustic"))
    assert torch.equal(state["enc_q.pre.weight"], sovits("v2")["enc_q.pre.weight"])  # lent by the official base
    assert torch.equal(state["dec.conv_pre.weight"], tuned["dec.conv_pre.weight"])


def test_without_the_official_base_a_tuned_one_speaks_but_cannot_be_trained(settings: Settings, tmp_path: Path) -> None:
    write_sovits(tmp_path / "me_e8_s200.pth", "v2Pro", sovits("v2Pro"), tuned=True)
    import_small(settings, tmp_path / "me_e8_s200.pth", name="me")
    base = find_base("me", settings)
    assert base.version == "v2Pro" and base.config["trainable"] is False


def test_a_lora_needs_its_base_and_is_merged_into_a_copy(settings: Settings, tmp_path: Path) -> None:
    layer = "cfm.estimator.transformer_blocks.0.attn.to_q"
    base_state = sovits("v4") | {f"{layer}.weight": torch.zeros(4, 4).half()}
    lora = {
        f"{layer.replace('cfm.', 'cfm.base_model.model.')}.lora_A.default.weight": torch.ones(2, 4).half(),
        f"{layer.replace('cfm.', 'cfm.base_model.model.')}.lora_B.default.weight": torch.ones(4, 2).half(),
        "ref_enc.fc.fc.weight": torch.full((2, 2), 7.0).half(),
    }
    write_weight_file(tmp_path / "singer.pth", lora, {"model": {}}, "2epoch_40iteration", "04", lora_rank=2)
    with pytest.raises(MissingError, match="models download v4"):
        import_small(settings, tmp_path / "singer.pth")
    write_sovits(tmp_path / "s2Gv4.pth", "v4", base_state)
    assert import_small(settings, tmp_path / "s2Gv4.pth") == ["v4"]
    assert import_small(settings, tmp_path / "singer.pth") == ["singer"]
    merged = load_tensors(find_base("singer", settings).path("acoustic"))
    assert merged[f"{layer}.weight"].float().tolist() == [[2.0] * 4] * 4
    assert merged["ref_enc.fc.fc.weight"].float().tolist() == [[7.0] * 2] * 2
    assert torch.equal(
        load_tensors(find_base("v4", settings).path("acoustic"))[f"{layer}.weight"], torch.zeros(4, 4).half()
    )


def test_files_that_do_not_belong_together_are_refused(installed: Settings, tmp_path: Path) -> None:
    before = sorted(path for path in installed.models_dir.rglob("*"))
    write_gpt(tmp_path / "old.ckpt", gpt("v1"), "v1")
    write_sovits(tmp_path / "old.pth", "v1", sovits("v1"))
    torch.save({"weight": small_state("s2D_v2Pro", ("discriminators.",))}, tmp_path / "s2D.pth")
    with pytest.raises(InputError, match="gpt network of v1"):
        import_small(installed, tmp_path / "old.ckpt", name="v2")
    with pytest.raises(InputError, match="of version v2, this file is of v1"):
        import_small(installed, tmp_path / "old.pth", name="v2")
    with pytest.raises(InputError, match="discriminator network of v2Pro"):
        import_small(installed, tmp_path / "s2D.pth", name="v2")
    with pytest.raises(InputError, match="which model it is for"):
        import_small(installed, tmp_path / "old.ckpt")
    with pytest.raises(InputError, match="acoustic network"):
        import_small(installed, tmp_path / "old.ckpt", name="other")
    assert sorted(path for path in installed.models_dir.rglob("*")) == before


def test_the_same_file_again_is_fine_another_needs_replace(installed: Settings, tmp_path: Path) -> None:
    import_small(installed, tmp_path / "s2G.pth", name="v2")
    other = {key: value + 1 for key, value in sovits("v2").items()}
    write_sovits(tmp_path / "other.pth", "v2", other)
    release = find_base("v2", installed).config["sha256"]["acoustic.safetensors"]
    with pytest.raises(InputError, match="already installed"):
        import_small(installed, tmp_path / "other.pth", name="v2")
    import_paths([tmp_path / "other.pth"], installed, name="v2", replace=True)
    assert find_base("v2", installed).config["sha256"]["acoustic.safetensors"] != release
    assert torch.equal(
        load_tensors(find_base("v2", installed).path("acoustic"))["enc_q.pre.weight"], other["enc_q.pre.weight"]
    )


@pytest.mark.parametrize("name", ["../x", "a/b", ".parts", "mini", "x" * 65, "a b", "我" * 70, "_a"])
def test_names_are_names_not_paths(installed: Settings, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be called"):
        import_small(installed, tmp_path / "s2G.pth", name=name)
    if name != "mini":
        with pytest.raises(MissingError):
            find_base(name, installed)


def test_a_wrong_network_leaves_nothing_behind(settings: Settings, tmp_path: Path) -> None:
    write_sovits(tmp_path / "s2G.pth", "v2", sovits("v2"))
    with pytest.raises(InputError, match="do not fit"):
        import_models([tmp_path / "s2G.pth"], settings)
    assert not settings.models_dir.exists() or not list(settings.models_dir.rglob("*.safetensors"))


def test_listing_and_removing(installed: Settings) -> None:
    cards = {card.name: card for card in list_models(installed)}
    assert cards["v2"].installed and cards["v2"].size > 0 and cards["v2"].missing == ()
    assert not cards["v4"].installed and cards["v4"].facts is not None and cards["v2Pro"].size > 10**9
    remove_base("v2", installed)
    assert "v2" not in [base.name for base in list_bases(installed)]
    with pytest.raises(MissingError, match="models download v2"):
        find_base("v2", installed)


def test_a_changed_network_is_noticed(installed: Settings) -> None:
    path = find_base("v2", installed).path("semantic")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="changed or is damaged"):
        verify_model("v2", installed)


def test_full_size_v2_imports_exports_and_returns(settings: Settings, tmp_path: Path) -> None:
    """The whole way with real sizes and the check against the real networks: file, base, voice, files, base."""
    sovits_state, gpt_state = full_state("sovits_v2"), full_state("gpt_v2")
    write_sovits(tmp_path / "s2G2333k.pth", "v2", sovits_state)
    write_gpt(tmp_path / "s1.ckpt", gpt_state)
    report = import_models([tmp_path / "s2G2333k.pth", tmp_path / "s1.ckpt"], settings)
    assert [base.name for base in report.bases] == ["v2"] and report.bases[0].missing == ("content",)
    delta = {
        "acoustic.dec.conv_pre.bias": torch.full((512,), 0.5).half(),
        "semantic.ar_predict_layer.weight": torch.full((1025, 512), 0.25).half(),
    }
    pth, ckpt = export_voice("My voice/我", "v2", delta, tmp_path / "out", settings, epochs=3, steps=120)
    assert (pth.name, ckpt.name) == ("My_voice_我_e3_s120.pth", "My_voice_我-e3.ckpt")
    safe = torch.load(pth, weights_only=True)  # plain containers: PyTorch's own safe loader agrees
    assert set(safe) == {"weight", "config", "info"} and safe["info"] == "3epoch_120iteration"
    assert not any("enc_q" in key for key in safe["weight"])
    assert all(value.dtype == torch.float16 for value in safe["weight"].values())
    assert {key: safe["config"]["model"][key] for key in manifest("sovits_v2")["config"]["model"]} == {
        **manifest("sovits_v2")["config"]["model"],
        "version": "v2",
    }
    back = import_models([pth, ckpt], settings, name="back").bases[0]
    assert back.version == "v2" and back.config["trainable"]
    acoustic, semantic = load_tensors(back.path("acoustic")), load_tensors(back.path("semantic"))
    assert torch.equal(acoustic["dec.conv_pre.bias"], sovits_state["dec.conv_pre.bias"] + 0.5)
    assert torch.equal(acoustic["flow.flows.0.pre.weight"], sovits_state["flow.flows.0.pre.weight"])
    expected = (gpt_state["model.ar_predict_layer.weight"].float() + 0.25).half()
    assert torch.equal(semantic["ar_predict_layer.weight"], expected)
    assert len(verify_model("v2", settings)) == 2 if find_base("v2", settings).missing == () else True


@pytest.mark.parametrize(("version", "tag"), [("v2", b"PK"), ("v2Pro", b"05"), ("v2ProPlus", b"06")])
def test_exports_carry_upstreams_header(tmp_path: Path, version: str, tag: bytes) -> None:
    from gpt_sovits.models.export import export_pair

    semantic = {key.removeprefix("model."): value for key, value in gpt().items()}
    pth, ckpt = export_pair(tmp_path, "a", version, sovits(version), semantic)
    assert pth.read_bytes()[:2] == tag and ckpt.read_bytes()[:2] == b"PK"
    file = read_upstream(pth)
    assert (file.kind, file.version, file.has_posterior) == ("sovits", version, False)
    assert file.config["model"]["gin_channels"] == manifest(f"sovits_{version}")["config"]["model"]["gin_channels"]
    assert "tmp" not in str(file.config) and read_upstream(ckpt).version == "v2"


def test_what_cannot_be_exported_says_so(installed: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="reference clip"):
        export_voice("a", "v2", {}, tmp_path / "out", installed)
    write_sovits(tmp_path / "old.pth", "v1", sovits("v1"))
    import_small(installed, tmp_path / "old.pth")
    with pytest.raises(InputError, match="cannot be exported"):
        export_voice("a", "v1", {"acoustic.x": torch.ones(1)}, tmp_path / "out", installed)
    with pytest.raises(InputError, match="does not fit"):
        export_voice("a", "v2", {"acoustic.nothing": torch.ones(1)}, tmp_path / "out", installed)
    assert not (tmp_path / "out").exists()


def test_a_damaged_config_does_not_hide_the_other_bases(installed: Settings) -> None:
    broken = installed.models_dir / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{")
    assert "v2" in [base.name for base in list_bases(installed)]
    with pytest.raises(InputError):
        find_base("broken", installed)
    assert load_config(installed.models_dir / "v2")["name"] == "v2"
