"""Sizes travel with the weights; a setting that is not understood is refused, never ignored."""

from __future__ import annotations

import json

import pytest

from gpt_sovits.acoustic.build import build_acoustic, build_vocoder
from gpt_sovits.acoustic.config import SoVITSCFMConfig, SoVITSConfig, official_cfm_config, official_config
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.errors import InputError
from tests.acoustic import tiny


@pytest.mark.parametrize("version", ["v1", "v2", "v2Pro", "v2ProPlus"])
def test_config_survives_json(version: str) -> None:
    config = official_config(version)
    assert SoVITSConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_flow_config_survives_json(version: str) -> None:
    config = official_cfm_config(version)
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
        official_config("v9")


def test_family_follows_the_version() -> None:
    assert isinstance(build_acoustic(tiny.sovits_config().to_dict()), SoVITS)
    assert isinstance(build_acoustic(tiny.cfm_config().to_dict()), SoVITSCFM)


def test_style_must_fit_the_cross_attention() -> None:
    with pytest.raises(InputError, match="width"):
        build_acoustic({**tiny.sovits_config().to_dict(), "gin": 20})
