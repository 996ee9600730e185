"""The native form: what is saved comes back, what does not fit is named, a failed write leaves the old file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from gpt_sovits.errors import InputError, MissingError, ResourceError
from gpt_sovits.models.native import (
    load_config,
    load_into,
    load_metadata,
    load_tensors,
    save_config,
    save_tensors,
    tensor_shapes,
    write_atomically,
)


def test_tensors_come_back_with_dtype_shape_and_metadata(tmp_path: Path) -> None:
    base = torch.arange(12, dtype=torch.float16).reshape(3, 4)
    tensors = {"a": base, "view": base[1:], "turned": base.t(), "count": torch.tensor(3), "ids": torch.tensor([1, 2])}
    save_tensors(tmp_path / "deep" / "x.safetensors", tensors, {"version": "v2"})
    loaded = load_tensors(tmp_path / "deep" / "x.safetensors")
    assert set(loaded) == set(tensors)
    for name, value in tensors.items():
        assert loaded[name].dtype == value.dtype and torch.equal(loaded[name], value)
    assert load_metadata(tmp_path / "deep" / "x.safetensors") == {"version": "v2"}
    assert tensor_shapes(tmp_path / "deep" / "x.safetensors")["turned"] == (4, 3)
    assert set(load_tensors(tmp_path / "deep" / "x.safetensors", prefix="vi")) == {"view"}


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")

    def fails(path: Path) -> None:
        path.write_text("half")
        raise OSError("no space left on device")

    with pytest.raises(ResourceError, match="no space"):
        write_atomically(target, fails)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_loading_into_a_module_names_what_is_missing_unexpected_and_reshaped() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    tensors = {
        "0.weight": torch.zeros(3, 5),
        "0.bias": torch.ones(3),
        "1.weight": torch.ones(1, 3),
        "enc_q.x": torch.ones(1),
    }
    with pytest.raises(InputError) as caught:
        load_into(module, tensors, "the test model")
    for part in ("the test model", "missing: 1.bias", "unexpected: enc_q.x", "0.weight [3, 5] instead of [3, 2]"):
        assert part in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_loading_into_a_module_casts_and_ignores_only_named_prefixes() -> None:
    module = nn.Linear(2, 3)
    load_into(module, {"weight": torch.ones(3, 2).half(), "enc_q.x": torch.ones(1)}, "m", ignore=("bias", "enc_q."))
    assert module.weight.dtype == torch.float32 and float(module.weight.sum().detach()) == 6.0


def test_config_is_strict_json_object(tmp_path: Path) -> None:
    save_config(tmp_path, {"name": "声音", "rate": 32000})
    assert load_config(tmp_path) == {"name": "声音", "rate": 32000}
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(InputError):
        load_config(tmp_path)
    with pytest.raises(MissingError):
        load_config(tmp_path / "nowhere")


def test_damaged_and_absent_files_are_plain_errors(tmp_path: Path) -> None:
    save_tensors(tmp_path / "x.safetensors", {"a": torch.ones(100)})
    data = (tmp_path / "x.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[:-50])
    with pytest.raises(InputError, match="damaged"):
        load_tensors(tmp_path / "cut.safetensors")
    with pytest.raises(MissingError):
        load_tensors(tmp_path / "none.safetensors")
