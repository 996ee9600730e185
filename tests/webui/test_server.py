"""How the pages are served: where, with which files, and what happens when a port is taken."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gpt_sovits.errors import InputError
from webui import page, server


@pytest.fixture(scope="module")
def client(app: Any) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1:7860")


def test_home_goes_to_the_language_of_the_browser(client: TestClient) -> None:
    answer = client.get("/", headers={"Accept-Language": "zh-CN,en;q=0.5"}, follow_redirects=False)
    assert answer.headers["location"] == "/zh/"
    assert client.get("/", follow_redirects=False).headers["location"] == "/en/"


def test_a_chosen_language_is_remembered(app: Any) -> None:
    client = TestClient(app, base_url="http://127.0.0.1:7860")
    assert client.get("/?language=zh", follow_redirects=False).headers["location"] == "/zh/"
    assert client.get("/", follow_redirects=False).headers["location"] == "/zh/"
    assert client.get("/?language=../evil", follow_redirects=False).headers["location"] == "/zh/"


@pytest.mark.parametrize(
    ("language", "locale", "title"), [("en", "en-US", "Voice Studio"), ("zh", "zh-CN", "声音工坊")]
)
def test_pages_name_their_language_and_link_nowhere(client: TestClient, language: str, locale: str, title: str) -> None:
    html = client.get(f"/{language}/").text
    assert re.search(rf'<html\s+lang="{locale}"', html)
    assert f"<title>{title}</title>" in html
    head = html.split("window.gradio_config", 1)[0]
    assert not re.findall(r"https?://(?!www\.w3\.org)[\w.-]+", head.replace("http://127.0.0.1", ""))
    assert "Gradio" not in head


def test_other_pages_are_not_rewritten(client: TestClient) -> None:
    assert client.get("/en/theme.css").status_code == 200
    assert client.get("/en/config").json()["analytics_enabled"] is False
    assert client.get("/en/nothing").status_code == 404


def test_fonts_are_the_systems(client: TestClient) -> None:
    css = client.get("/en/theme.css").text
    assert "@import" not in css and "@font-face" not in css
    assert all(start == '"data:' for start in re.findall(r"url\((.{6})", css))
    assert "system-ui" in css


def test_only_the_browser_folder_is_served(client: TestClient, browser_folder: Path, tmp_path: Path) -> None:
    mine = client.post("/en/gradio_api/upload", files={"files": ("sound.wav", b"RIFF")}).json()[0]
    secret = tmp_path / "secret.txt"
    secret.write_text("my own words")
    repository = Path(server.__file__).resolve().parent.parent
    assert client.get(f"/en/gradio_api/file={mine}").content == b"RIFF"
    for path in (secret, repository / "app.py", "/etc/passwd", browser_folder / ".." / "x", "C:/Windows/win.ini"):
        answer = client.get(f"/en/gradio_api/file={path}")
        assert answer.status_code in (403, 404), path
        assert b"my own words" not in answer.content


@pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json", "monitoring", "gradio_api/runs"])
def test_pages_that_nobody_needs_are_shut(client: TestClient, path: str) -> None:
    assert client.get(f"/en/{path}").status_code in (403, 404)
    assert client.get(f"/{path}").status_code in (403, 404)


def test_one_handler_is_offered_to_other_programs(client: TestClient) -> None:
    found = client.get("/en/gradio_api/info").json()
    assert (list(found["named_endpoints"]), found["unnamed_endpoints"]) == (["/speak"], {})


def test_a_taken_port_moves_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    first = server.listen("127.0.0.1", 0)
    try:
        port = first.getsockname()[1]
        second = server.listen("127.0.0.1", port)
        with second:
            assert port < second.getsockname()[1] < port + 50
    finally:
        first.close()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("127.0.0.1", -1), ("no.such.host.invalid", 0)])
def test_an_impossible_address_is_one_sentence(host: str, port: int) -> None:
    with pytest.raises(InputError):
        server.listen(host, port)


def test_what_the_browser_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    monkeypatch.setenv("GRADIO_EXAMPLES_CACHE", "")
    folder = server.prepare(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "recording.wav").write_bytes(b"voice")
    server.clean(folder)
    assert list(tmp_path.iterdir()) == []


def test_rewriting_keeps_the_page_whole() -> None:
    source = (
        '<!doctype html>\n<html\n\tlang="en"\n><head><meta charset="utf-8" />\n'
        '<meta property="og:url" content="https://x" />\n</head><body>b</body></html>'
    )
    made = page.rewrite(source, "zh")
    assert 'lang="zh-CN"' in made and "og:url" not in made and made.endswith("</head><body>b</body></html>")


def test_the_page_is_made_without_torch_and_with_no_app_more_than_gradio_insists_on(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from gpt_sovits import Settings, Studio\n"
        "from webui.server import create_app, prepare\n"
        "import gradio.routes\n"
        "made, make = [], gradio.routes.App.create_app\n"
        "gradio.routes.App.create_app = staticmethod(lambda *a, **k: made.append(1) or make(*a, **k))\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "create_app(Studio(Settings(folder)), prepare(folder / 'cache'))\n"
        "print('torch' in sys.modules, len(made))\n"
    )
    printed = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "4"], (
        "of each language the one that is served, and one that Gradio makes of a page"
    )
