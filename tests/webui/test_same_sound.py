"""Whoever asks, and by whichever door: the same voice, text and seed are the same samples."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
from gradio_client import Client

from gpt_sovits.audio import read_audio
from gpt_sovits.cli.main import main
from tests.webui.hum import humming
from tests.webui.serving import served
from webui.server import create_app, prepare

TEXT = "One of them. And another. Three"


def test_curl_gradio_client_and_the_command_line_give_the_same_samples(tmp_path: Path) -> None:
    studio, _, ids = humming(tmp_path, "local")
    folder = prepare(tmp_path / "cache")
    words = ["speak", ids["local"], TEXT, "--seed", "7", "--out", str(tmp_path / "cli.wav")]
    assert main(words, lambda settings: studio) == 0
    with served(create_app(studio, folder)) as address:
        asked = f'{{"voice": "{ids["local"]}", "input": "{TEXT}", "seed": 7, "response_format": "wav"}}'
        curl = shutil.which("curl")
        if curl:
            command = [curl, "-sf", f"{address}/v1/audio/speech", "-H", "Content-Type: application/json", "-d", asked]
            (tmp_path / "curl.wav").write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
        client = Client(f"{address}/en/", verbose=False, download_files=str(tmp_path / "client"))
        (tmp_path / "page.wav").write_bytes(
            Path(client.predict(TEXT, "voice of local", "auto", 1.0, 0.3, 7, api_name="/speak")).read_bytes()
        )
        client.close()
    sounds = {path.stem: read_audio(path) for path in tmp_path.glob("*.wav") if path.stem != "r"}
    assert {"cli", "page"} <= set(sounds) and len({sound.rate for sound in sounds.values()}) == 1
    for name, sound in sounds.items():
        assert np.array_equal(sound.samples, sounds["cli"].samples), name


def test_a_program_gets_its_token_on_the_page_once(tmp_path: Path) -> None:
    import gradio as gr

    from webui import i18n, programs

    studio, _, ids = humming(tmp_path, "local")
    with gr.Blocks() as page:
        programs.build(studio.session, i18n.load("en"))
    calls = {fn.name: fn.fn for fn in page.fns.values()}
    shown, told = calls["add"]("Reader", ["speak"], [ids["local"]])
    assert shown["value"].startswith("gsv_") and "once" in told
    assert studio.users.of_token(shown["value"]).voices == {ids["local"]}
    table, _, which = calls["look"]()
    assert "Reader" in table and "voice of local" in table and shown["value"] not in table
    assert "problem" in calls["add"]("Reader", ["speak"], [])[1] and "problem" in calls["end"](None)[1]
    calls["end"](which["choices"][0][1])
    assert studio.session().tokens.list() == [] and "no keys" in calls["look"]()[0]
