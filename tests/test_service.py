"""The studio without a page, and the unit that starts it."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gpt_sovits.cli.main import main
from gpt_sovits.cli.service import NAME, unit
from tests.webui.hum import humming
from webui.server import create_headless


def test_headless_answers_programs_and_has_no_page(tmp_path: Path) -> None:
    studio, _, _ = humming(tmp_path, "local")
    here = {"base_url": "http://127.0.0.1:7860", "client": ("127.0.0.1", 1)}
    client = TestClient(create_headless(studio, tmp_path), **here)
    assert client.get("/api/health").json()["status"] == "ok"
    said = client.post("/v1/audio/speech", json={"voice": "voice of local", "input": "Hello"})
    assert said.status_code == 200 and said.headers["content-type"] == "audio/mpeg"
    assert client.get("/").status_code == 404 and client.get("/en/").status_code == 404
    assert client.get("/api/health", headers={"Host": "evil.example"}).status_code == 403
    opened = TestClient(create_headless(studio, tmp_path, host="0.0.0.0", token="x" * 20), **here)
    assert opened.get("/v1/models").status_code == 401
    _, shown = studio.session().tokens.add("radio")
    assert opened.get("/v1/models", headers={"Authorization": f"Bearer {shown}"}).status_code == 200


def test_the_unit_starts_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    data = tmp_path / 'odd "folder" 100% $HOME'
    assert main(["service", "install", "--data", str(data), "--port", "9000"]) == 0
    place = tmp_path / "config/systemd/user" / NAME
    found = configparser.RawConfigParser()
    found.read_string(place.read_text())
    words = shlex.split(found["Service"]["ExecStart"].replace("%%", "%").replace("$$", "$"))
    assert Path(words[0]).exists() and Path(words[1]).is_file() and words[-1] == str(data)
    assert "\n" not in unit(Path("a\nExecStart=/bin/evil"), 1).split("ExecStart=", 1)[1].split("--data")[0]
    assert main(["service", "remove"]) == 0 and not place.exists() and main(["service", "remove"]) == 2
