"""Sizes travel with the weights; a setting that is not understood is refused, never ignored."""

from __future__ import annotations

import json

import pytest

from gpt_sovits.acoustic.build import build_vocoder
from gpt_sovits.acoustic.config import SoVITSCFMConfig, SoVITSConfig
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.errors import InputError
from gpt_sovits.families.base import build_network
from gpt_sovits.versions import known_version
from tests.acoustic import sizes, tiny


@pytest.mark.parametrize("version", ["v1", "v2", "v2Pro", "v2ProPlus"])
def test_config_survives_json(version: str) -> None:
    config = sizes.VITS[version]
    assert SoVITSConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_flow_config_survives_json(version: str) -> None:
    config = sizes.FLOW_MATCHING[version]
    assert SoVITSCFMConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    "values",
    [{"hiden": 3}, {"text": {"layers": 2}}, {"style": {"x": 1}}, {"decoder": {"kind": "hifigan", "gin": 2}}],
)
def test_unknown_setting_is_refused_at_every_level(values: dict) -> None:
    with pytest.raises(InputError, match="does not know"):
        SoVITSConfig.from_dict(values)


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(InputError, match="decoder"):
        SoVITSConfig.from_dict({"decoder": {"kind": "magic"}})
    with pytest.raises(InputError, match="vocoder"):
        build_vocoder({"kind": "magic"})
    with pytest.raises(InputError, match="v9"):
        known_version("v9")


def test_family_follows_the_version() -> None:
    assert isinstance(build_network("acoustic", tiny.sovits_config().to_dict()), SoVITS)
    assert isinstance(build_network("acoustic", tiny.cfm_config().to_dict()), SoVITSCFM)


def test_style_must_fit_the_cross_attention() -> None:
    with pytest.raises(InputError, match="width"):
        build_network("acoustic", {**tiny.sovits_config().to_dict(), "gin": 20})
