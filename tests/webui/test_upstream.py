"""What programs of upstream's ``api_v2`` send is answered as they expect it, with voices by name and no files."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import httpx
import pytest
from starlette.testclient import TestClient

from gpt_sovits.errors import BusyError, InputError
from gpt_sovits.semantic.sampling import Sampling
from tests.webui.hum import SENTENCE_SECONDS, humming
from webui.api.upstream import create_upstream, serving

TEXT = "One. Two"
PAGE = "http://127.0.0.1:8000"
ASTRBOT = {  # its settings: a reference, its words, and numbers as text
    "text": TEXT,
    "text_lang": "zh",
    "ref_audio_path": "voice of local2",
    "prompt_text": "words of the reference",
    "prompt_lang": "zh",
    "top_k": 5,
    "top_p": 1.0,
    "temperature": 1.0,
    "text_split_method": "cut3",
    "batch_size": 1,
    "batch_threshold": 0.75,
    "split_bucket": "true",
    "speed_factor": "1.1",
    "fragment_interval": "0.3",
    "streaming_mode": "false",
    "seed": "-1",
    "parallel_infer": "true",
    "repetition_penalty": "1.35",
    "media_type": "wav",
}
VTUBER = {
    "text": TEXT,
    "text_lang": "en",
    "ref_audio_path": "C:\\voices\\voice of local2.wav",
    "prompt_lang": "en",
    "prompt_text": "",
    "text_split_method": "cut5",
    "batch_size": "1",
    "media_type": "wav",
    "streaming_mode": "ture",
}
PYVIDEOTRANS = {
    **ASTRBOT,
    "speed_factor": 1.0,
    "streaming_mode": False,
    "seed": 7,
    "ref_audio_path": "voice of local2.wav",
}
TAVERN = {
    "text": TEXT,
    "prompt_text": "voice of local2",
    "ref_audio_path": "./参考音频/voice of local2.wav",
    "text_lang": "en",
    "prompt_lang": "zh",
    "text_split_method": "cut5",
    "batch_size": 1,
    "media_type": "ogg",
    "streaming_mode": "true",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return humming(tmp_path_factory.mktemp("upstream"), "local", "local2")


@pytest.fixture
def client(made: Any) -> TestClient:
    return TestClient(create_upstream(made[0], origins=[PAGE]), base_url="http://127.0.0.1:9880")


def seconds(data: bytes) -> float:
    with av.open(io.BytesIO(data)) as container:
        return float(sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0)))


@pytest.mark.parametrize(
    "sent", [ASTRBOT, VTUBER, PYVIDEOTRANS, TAVERN], ids=["AstrBot", "VTuber", "pyvideotrans", "ST"]
)
def test_each_programs_request_is_spoken(client: TestClient, made: Any, sent: dict[str, Any]) -> None:
    ways = [client.get("/tts", params=sent), client.post("/tts", json=sent), client.post("/", json=sent)]
    for answer in ways:
        assert answer.status_code == 200, answer.text
        assert answer.headers["X-Voice-Id"] == made[2]["local2"]
        assert answer.headers["content-type"] == ("audio/ogg" if sent["media_type"] == "ogg" else "audio/wav")
        assert abs(seconds(answer.content) - 2 * SENTENCE_SECONDS) < 0.08


def test_the_other_formats_and_numbers(client: TestClient, made: Any) -> None:
    for kind in ("raw", "aac", "ogg"):
        answer = client.get("/tts", params={"text": TEXT, "media_type": kind, "streaming_mode": "2", "seed": "3"})
        assert answer.status_code == 200 and answer.headers["content-type"] == f"audio/{kind}"
    raw = client.get("/tts", params={"text": TEXT, "media_type": "raw"}).content
    assert len(raw) == 2 * 32000 * round(2 * SENTENCE_SECONDS)
    for wrong in ({"text": ""}, {"text": "..."}, {"text": TEXT, "text_lang": "xx"}, {"text": TEXT, "media_type": "exe"},
                  {"text": TEXT, "speed_factor": "fast"}, {"text": TEXT, "speed_factor": "nan"},
                  {"text": TEXT, "ref_audio_path": "/etc/passwd"}):  # fmt: skip
        answer = client.get("/tts", params=wrong)
        assert answer.status_code == 400 and set(answer.json()) == {"message", "Exception"}, wrong
    assert client.post("/tts", content=b"[1]").status_code == 400
    for odd in ({"streaming_mode": "²"}, {"text_lang": "\ud800"}):  # 400 or a sound, never a fault
        assert client.post("/tts", content=json.dumps({"text": TEXT, **odd})).status_code in (200, 400), odd
    assert client.post("/tts", content=b"{" + b" " * 2**21).status_code == 413


def test_what_was_chosen_of_cutting_drawing_and_references_counts(
    client: TestClient, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, hum, ids = made
    asked: list[tuple[Any, dict[str, Any]]] = []
    whole = hum.speak

    def speak(voice: Any, text: str, **manner: Any) -> Any:
        asked.append((voice, manner))
        return whole(voice, text, **manner)

    monkeypatch.setattr(hum, "speak", speak)
    monkeypatch.setattr(studio.core, "base", lambda name: SimpleNamespace(sampling=Sampling(top_k=3)))
    for sent in (ASTRBOT, {**VTUBER, "aux_ref_audio_paths": ["nobody.wav", "voice of local2.wav"]}):
        client.post("/tts", json={**sent, "text_split_method": "cut5"})
        voice, manner = asked.pop()
        assert voice.id == ids["local2"] and "manner" not in manner, "what nobody chose is the model's own"
    chosen = {"text_split_method": "cut2", "top_k": "7", "temperature": 0.6, "aux_ref_audio_paths": ["voice of local"]}
    client.post("/tts", json={**VTUBER, **chosen})
    voice, manner = asked.pop()
    assert manner["manner"].cut == "cut2" and manner["manner"].sampling == Sampling(top_k=7, temperature=0.6)
    assert [each["voice"] for each in voice.made_by["parents"]] == [ids["local2"], ids["local"]]
    assert voice.made_by["manners"] == [1.0, 0.0]
    for wrong in ({"text_split_method": "cut9"}, {"temperature": 9}, {"top_k": "many"}):
        assert client.post("/tts", json={**VTUBER, **wrong}).status_code == 400


def test_weights_are_names(client: TestClient, made: Any) -> None:
    first = client.get("/tts", params={"text": TEXT, "ref_audio_path": ""}).headers["X-Voice-Id"]
    assert first == made[2]["local"]
    for path in ("voice of local2", "GPT_weights_v2/voice of local2-e15.ckpt", "D:\\w\\voice of local2_e8_s200.pth"):
        for name in ("set_gpt_weights", "set_sovits_weights"):
            answer = client.get(f"/{name}", params={"weights_path": path})
            assert answer.status_code == 200 and answer.json() == {"message": "success"}, path
    for reference in ("", "somewhere/else.wav"):
        said = client.get("/tts", params={"text": TEXT, "ref_audio_path": reference})
        assert said.headers["X-Voice-Id"] == made[2]["local2"]
    assert client.get("/set_gpt_weights", params={"weights_path": "nobody.ckpt"}).status_code == 400
    names = [each["name"] for each in client.get("/speakers").json()]
    assert names[:2] == ["voice of local", "voice of local2"] and "Ada" in names


def test_it_reaches_no_file_no_process_and_no_other_page(client: TestClient, made: Any, tmp_path: Path) -> None:
    for method, path in (
        ("GET", "/control?command=exit"),
        ("POST", "/control"),
        ("GET", "/docs"),
        ("GET", "/api/voices"),
    ):
        assert client.request(method, path).status_code in (404, 405), path
    evil = "https://evil.example"
    opened = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for headers in ({"Origin": evil}, opened, {"Host": "evil.example"}, {"Origin": PAGE, "Host": "evil.example"}):
        before = len(made[1].spoken)
        answer = client.get("/tts", params={"text": TEXT}, headers=headers)
        assert answer.status_code == 403 and "Exception" in answer.json()
        assert evil not in str(answer.headers) and len(made[1].spoken) == before
    preflight = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    assert client.options("/", headers=preflight).headers["access-control-allow-origin"] == PAGE
    said = client.post("/", json=TAVERN, headers={"Origin": PAGE, "Sec-Fetch-Site": "same-site"})
    assert said.status_code == 200 and said.headers["access-control-allow-origin"] == PAGE
    with pytest.raises(InputError):
        create_upstream(made[0], origins=[evil])


def test_it_listens_here_only_and_stays_shut_where_people_sign_in(made: Any, tmp_path: Path) -> None:
    with serving(made[0], 0) as port:
        assert httpx.get(f"http://127.0.0.1:{port}/speakers", timeout=30).status_code == 200
        with pytest.raises(BusyError), serving(made[0], port):
            pass
    studio, _, _ = humming(tmp_path, "ana")
    client = TestClient(create_upstream(studio), base_url="http://127.0.0.1:9880")
    studio.users.add("ana", "four words are good")
    assert client.get("/tts", params={"text": TEXT}).status_code == 400
    with pytest.raises(InputError):
        create_upstream(studio)
