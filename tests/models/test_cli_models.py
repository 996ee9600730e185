"""``gpt_sovits models ...`` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpt_sovits.cli.main import program
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.studio import Studio
from tests.models.official import small_state, write_sovits
from tests.models.test_import import SOVITS_KEYS


def models(data: Path, *words: str) -> int:
    with program().make_context("gpt_sovits", ["models", "--data", str(data), *words], obj=Studio) as context:
        return program().invoke(context)


def test_list_names_every_official_version_with_its_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert models(tmp_path, "list") == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert {"v1", "v2", "v2Pro", "v2ProPlus", "v3", "v4"} <= set(lines)
    assert models(tmp_path, "list", "--json") == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out) if row["chosen"]] == ["mini"]
    with pytest.raises(MissingError):
        models(tmp_path, "choose", "v2")
    assert "not here" in lines["v2Pro"] and "MB" in lines["v2Pro"] and "GB memory" in lines["v2Pro"]


def test_download_shows_licences_and_asks_before_anything_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="--yes"):
        models(tmp_path / "data", "download", "v3", "--endpoint", "http://127.0.0.1:9")
    shown = capsys.readouterr().err
    for part in (
        "GPT-SoVITS: MIT",
        "chinese-roberta-wwm-ext-large: Apache-2.0",
        "BigVGAN v2: MIT",
        "MB from http://127",
    ):
        assert part in shown
    assert not (tmp_path / "data").exists()
    with pytest.raises(VoiceError, match="cannot be reached"):
        models(tmp_path / "data", "download", "v3", "--endpoint", "http://127.0.0.1:9", "--yes")
    with pytest.raises(MissingError, match="no official model"):
        models(tmp_path / "data", "download", "v9", "--yes")


def test_import_refuses_what_does_not_fit_by_name(tmp_path: Path, shared: Path) -> None:
    write_sovits(tmp_path / "s2G.pth", "v2", small_state("sovits_v2", SOVITS_KEYS))
    with pytest.raises(InputError, match="do not fit"):
        models(tmp_path / "data", "import", str(tmp_path / "s2G.pth"))
    with pytest.raises(MissingError, match="no file"):
        models(tmp_path / "data", "import", str(tmp_path / "nothing.pth"))


def test_verify_tells_files_and_bases_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.pth").write_bytes(b"own")
    assert models(tmp_path, "verify", str(tmp_path / "own.pth")) == 0
    assert "none of the published files" in capsys.readouterr().out
    with pytest.raises(MissingError, match="models download v4"):
        models(tmp_path, "verify", "v4")


def test_export_and_remove_need_something_that_exists(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no voice named"):
        models(tmp_path, "export", "Anna", str(tmp_path / "out"))
    with pytest.raises(MissingError):
        models(tmp_path, "remove", "v2")
