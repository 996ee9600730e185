"""Bases for speaking: held small, exact where that is promised, and without what only training needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpt_sovits.acoustic.dit import StoredLinear
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.errors import InputError
from gpt_sovits.families.base import Base, load_base
from gpt_sovits.families.enrol import bert_features
from gpt_sovits.models.native import load_config, load_tensors, save_config, save_tensors
from gpt_sovits.models.store import find_base
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.decode import generate
from gpt_sovits.semantic.model import T2S
from gpt_sovits.settings import Settings
from gpt_sovits.text import phonemize
from tests.acoustic import tiny


@pytest.fixture
def base(models_with_random_base: Path) -> Base:
    return load_base("tiny", Settings(data_dir=models_with_random_base))


@pytest.mark.parametrize("odd", [{"hidden": "288"}, {"hidden": -1}, {"hidden": 0}, {"kernel": None}, {"layers": 10**6},
                                  {"blocks": 10**6}, {"stem": 10**9, "hidden": 10**9},
                                  {"hidden": 2**14}, {"bands": 2**16}])  # fmt: skip
def test_odd_sizes_in_a_config_are_one_sentence(odd: dict[str, object], tmp_path: Path) -> None:
    files = find_base("mini", Settings(data_dir=tmp_path))
    config = {**files.config, "ear": {**files.config["ear"], **odd}, "semantic": {**files.config["semantic"], **odd}}
    base = Base(replace(files, config=config))
    with pytest.raises(InputError, match="ear"):
        assert base.ear
    with pytest.raises(InputError, match="semantic network"):
        base.new_semantic()


def test_speaking_leaves_out_the_posterior_and_training_keeps_it(base: Base) -> None:
    assert not any(name.startswith("enc_q.") for name in base.acoustic.state_dict())
    assert any(name.startswith("enc_q.") for name in base.new_acoustic().state_dict())
    assert not any(value.is_meta for value in base.acoustic.state_dict().values())


def test_a_delta_is_added_in_full_precision_and_must_fit(base: Base) -> None:
    stored = load_tensors(base.files.path("acoustic"))
    name = "enc_p.proj.bias"
    acoustic, semantic = base.voiced({f"acoustic.{name}": torch.full(stored[name].shape, 0.25).half()})
    assert torch.equal(acoustic.state_dict()[name], stored[name].float() + 0.25)
    assert semantic is base.semantic and torch.equal(base.acoustic.state_dict()[name], stored[name].float())
    with pytest.raises(InputError, match="does not fit"):
        base.voiced({"semantic.nothing": torch.ones(1)})


def test_precision_is_chosen_by_device_and_by_the_person(models_with_random_base: Path, tmp_path: Path) -> None:
    files = find_base("tiny", Settings(data_dir=models_with_random_base))
    assert Base(files).precision == "half" and Base(files, "cuda").precision == "full"
    assert [Base(files, precision=kind).precision for kind in ("half", "int8")] == ["half", "int8"]
    with pytest.raises(InputError, match="quarter"):
        Base(files, precision="quarter")
    with pytest.raises(InputError, match="PRECISION"):
        Settings.load(tmp_path, {"GPT_SOVITS_PRECISION": "quarter"})


def test_half_precision_from_a_half_file_says_the_same_without_a_copy(tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = T2SConfig(hidden=64, layers=2, heads=2, feed_forward=128, vocabulary=33, phones=20, bert_dim=0)
    state = {key: value.half() for key, value in T2S(sizes).state_dict().items()}
    folder = tmp_path / "models" / "own"
    save_tensors(folder / "semantic.safetensors", state)
    save_config(folder, {"name": "own", "version": "v2", "rate": 32000, "semantic": sizes.to_dict()})
    said = []
    for precision in ("full", "half", "int8"):
        model = load_base("own", Settings(data_dir=tmp_path, precision=precision)).semantic
        generator = torch.Generator().manual_seed(3)
        said.append(generate(model, torch.arange(7), max_tokens=25, generator=generator).tokens.tolist())
        kept = {str(buffer.dtype) for name, buffer in model.named_buffers() if name.endswith("weight")}
        assert kept == ({"torch.float16"} if precision == "half" else set())
    assert said[0] == said[1] and len(said[2]) > 0


def test_the_large_flow_is_held_as_stored(tmp_path: Path) -> None:
    """Half of the memory, the same numbers: official files hold 16 bits."""
    torch.manual_seed(0)
    config = tiny.cfm_config()
    fresh = SoVITSCFM(config)
    state = {key: value.half() if value.is_floating_point() else value for key, value in fresh.state_dict().items()}
    folder = tmp_path / "models" / "own"
    save_tensors(folder / "acoustic.safetensors", state)
    save_config(folder, {"name": "own", "version": "v3", "rate": 24000, "acoustic": config.to_dict()})
    held = load_base("own", Settings(data_dir=tmp_path)).acoustic
    linear = [module for module in held.modules() if isinstance(module, StoredLinear)]
    assert linear and all(module.weight.dtype == torch.float16 for module in linear)
    fresh.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in state.items()})
    estimators = [model.cfm.estimator.eval() for model in (fresh, held)]  # type: ignore[union-attr]
    bands, width = config.dit.mel_dim, config.dit.text_dim
    given = (torch.randn(1, bands, 6), torch.randn(1, bands, 6), torch.randn(1, width, 6), torch.rand(1), torch.rand(1))
    with torch.inference_mode():
        assert torch.equal(*(estimator(*given) for estimator in estimators))


def test_text_without_chinese_loads_no_text_network(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(type(base), "bert", property(lambda self: asked.append("bert")))
    assert bert_features(base, phonemize("Good morning.", "en")) is None and not asked
    assert bert_features(base, phonemize("你好。", "zh")) is None and asked == ["bert"]


def test_missing_weights_are_named(tmp_path: Path, models_with_random_base: Path) -> None:
    source = models_with_random_base / "models" / "tiny"
    state = load_tensors(source / "acoustic.safetensors")
    del state["enc_p.proj.bias"]
    folder = tmp_path / "models" / "broken"
    save_tensors(folder / "acoustic.safetensors", state)
    save_config(folder, load_config(source))
    with pytest.raises(InputError, match=r"missing: enc_p\.proj\.bias"):
        _ = load_base("broken", Settings(data_dir=tmp_path)).acoustic
