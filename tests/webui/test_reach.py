"""Opened to others: nobody comes in without an account or the token, by any name of this computer, over HTTPS."""

from __future__ import annotations

import datetime
import os
import re
import signal
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app import serve
from gpt_sovits.errors import InputError
from gpt_sovits.services.speech import SpeechService
from gpt_sovits.settings import Settings
from gpt_sovits.voices.ids import LOCAL_USER
from webui import reach
from webui.asked import OWNER
from webui.fence import USER, Fence
from webui.guard import Guard
from webui.reach import Reach, names_token
from webui.sessions import Sessions

TOKEN = "a-token-of-forty-characters-and-some-more"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One that this computer signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today)
        .not_valid_after(today + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    pem = serialization.Encoding.PEM
    (folder / "c.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "k.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    locked = serialization.BestAvailableEncryption(b"secret")
    (folder / "locked.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, locked))
    return folder / "c.pem", folder / "k.pem"


def test_who_reaches_it() -> None:
    assert not Reach().opened and not Reach("localhost").opened and not Reach("::1").opened
    assert Reach("0.0.0.0").opened and Reach("::").opened and Reach("192.168.1.4").opened
    assert Reach(names=("studio.example.org",)).opened


def test_the_address_that_others_use_is_printed() -> None:
    assert Reach().addresses(7860) == ["http://127.0.0.1:7860/"]
    assert Reach("::1").addresses(7860) == ["http://[::1]:7860/"]
    assert Reach("192.168.1.4").addresses(80, "t/k") == ["http://192.168.1.4:80/sign-in#t%2Fk"]
    everywhere = Reach("0.0.0.0", certificate=Path("c.pem")).addresses(443)
    assert everywhere[0] == "https://127.0.0.1:443/" and not any("0.0.0.0" in each for each in everywhere)
    assert Reach(names=("studio.lan",)).addresses(1) == ["http://127.0.0.1:1/", "http://studio.lan:1/"]


def test_this_computers_names_pass_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Ana-PC.fritz.box")
    names = Reach("0.0.0.0", names=("studio.example.org",)).all_names
    client = TestClient(Guard(Starlette(routes=[Route("/", lambda _: Response("hello"))]), host="0.0.0.0", names=names))
    for host in ("ana-pc", "ANA-PC.local:7860", "ana-pc.fritz.box", "studio.example.org", "192.168.1.4", "[fe80::1]:1"):
        assert client.get("/", headers={"Host": host}).text == "hello", host
    for host in ("evil.example", "ana-pc.evil.example", "local", "ana-pc."):
        assert client.get("/", headers={"Host": host}).status_code == 403, host
    assert Reach().all_names == ()  # nobody else reaches it, so no other name is its


@pytest.mark.parametrize("name", ["", "a b", "http://x", "x/y", "-x", "x..y", "x" * 300, "*", "ü.example", "x:80"])
def test_what_is_no_name_is_said(name: str) -> None:
    with pytest.raises(InputError, match="no name of a computer"):
        _ = Reach(names=(name,)).all_names


def test_a_token_is_made_kept_and_checked(tmp_path: Path) -> None:
    assert Reach().token() == "" and len(Reach("0.0.0.0").token()) >= 32
    assert Reach("0.0.0.0").token() != Reach("0.0.0.0").token()
    file = tmp_path / "new" / "token"
    made = Reach(token_file=file).token()
    assert len(made) >= 32 and Reach(token_file=file).token() == made
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    for content in (b"", b"short", b"x" * 300, b"\xff" * 40, b"x" * 30 + b"\n" + b"y" * 30, b"x" * 30 + b"\0"):
        file.write_bytes(content)
        with pytest.raises(InputError):
            Reach(token_file=file).token()
    with pytest.raises(InputError):
        Reach(token_file=tmp_path).token()


def test_only_a_certificate_with_its_key_serves(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    good, key = certificate
    assert Reach(certificate=good, key=key).certificate_files == (good, key)
    both = tmp_path / "both.pem"
    both.write_bytes(good.read_bytes() + key.read_bytes())
    assert Reach(certificate=both).certificate_files == (both, None)
    assert Reach().certificate_files == (None, None)
    (tmp_path / "none.pem").write_text("no certificate")
    wrong = (tmp_path / "missing.pem", tmp_path / "none.pem", tmp_path, key, good.with_name("locked.pem"))
    for certificate_file, key_file in [*((good, each) for each in wrong[:3]), (good, wrong[4]), (wrong[0], key),
                                       (wrong[1], key), (key, key), (None, key), (good, None)]:  # fmt: skip
        with pytest.raises(InputError):
            _ = Reach(certificate=certificate_file, key=key_file).certificate_files


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """A studio behind the token's door; it says who it takes the visitor for."""

    async def who(request: Request) -> Response:
        return JSONResponse([request.scope.get(USER), request.scope.get(OWNER)])

    inner = Starlette(routes=[Route("/{rest:path}", who, methods=["GET", "POST"])])
    sessions = Sessions(lambda user: "token")
    app: Any = Fence(inner, folder=tmp_path, check=names_token(TOKEN), sessions=sessions, named=False)
    return TestClient(app, follow_redirects=False)


def test_without_the_token_there_is_only_the_door(client: TestClient) -> None:
    for path in ("/", "/en/", "/zh/"):
        assert client.get(path).headers["location"] == "/sign-in"
    for path in ("/en/config", "/en/gradio_api/info", "/v1/models", "/api/voices", "/?token=" + TOKEN):
        assert client.get(path, headers={"Authorization": "Bearer x"}).status_code in (303, 401), path
    page = client.get("/sign-in").text
    assert "Please enter the access code" in page and 'name="name"' not in page and TOKEN not in page
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é" * 40, "\udcff"):
        answer = client.post("/sign-in", data={"password": wrong.encode("utf-8", "surrogateescape")})
        assert (
            answer.status_code == 403
            and "set-cookie" not in answer.headers
            and "The access code is wrong." in answer.text
        )


def test_who_names_the_token_is_the_local_person(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"password": f" {TOKEN} "})
    assert answer.status_code == 303 and TOKEN not in answer.headers["set-cookie"]
    assert client.get("/en/").json() == [LOCAL_USER, LOCAL_USER]
    client.post("/sign-out")
    assert client.get("/en/config").status_code == 401


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_app_opens_to_others_with_a_token_over_https(
    tmp_path: Path,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("GRADIO_TEMP_DIR", "GRADIO_EXAMPLES_CACHE", "GRADIO_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")  # so that they are put back afterwards
    monkeypatch.setattr(SpeechService, "warm_up", lambda self: None)
    here = Reach("0.0.0.0", 0, certificate=certificate[0], key=certificate[1], token_file=tmp_path / "token")
    found: list[Any] = []

    def visit() -> None:
        said = ""
        while "\n" not in said:
            time.sleep(0.05)
            said += capsys.readouterr().out
        port = re.search(r"https://127\.0\.0\.1:(\d+)/sign-in#(\S+)", said)
        try:
            assert port, said
            trust = ssl.create_default_context(cafile=str(certificate[0]))
            with httpx.Client(base_url=f"https://localhost:{port[1]}", verify=trust, timeout=120) as http:
                found.append(http.get("/en/config").status_code)
                signed = http.post("/sign-in", data={"password": port[2]})
                found.append((signed.status_code, "Secure" in signed.headers["set-cookie"]))
                found.append("Voice Studio" in http.get("/en/").text)
                found.append(http.get("/en/", headers={"Host": "evil.example"}).status_code)
                with pytest.raises(httpx.HTTPError):
                    httpx.get(f"http://127.0.0.1:{port[1]}/", timeout=20)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    visitor, before = threading.Thread(target=visit), signal.getsignal(signal.SIGTERM)
    try:
        visitor.start()
        with pytest.raises(SystemExit):
            serve(Settings(tmp_path / "data"), here, train=False)
    finally:
        signal.signal(signal.SIGTERM, before)
        visitor.join(timeout=20)
    assert found == [401, (303, True), True, 403]
    assert "others can reach this studio" in caplog.text and here.token() not in caplog.text


def test_without_a_certificate_it_is_said_that_nothing_is_encrypted(caplog: pytest.LogCaptureFixture) -> None:
    Reach("0.0.0.0").warn(users=False)
    assert "names the token" in caplog.text and "not encrypted" in caplog.text
    caplog.clear()
    Reach().warn(users=False)
    assert not caplog.text
    Reach(names=("studio.lan",)).warn(users=True)
    assert "signs in" in caplog.text and "not encrypted" not in caplog.text  # a proxy on this computer does that


def test_own_addresses_are_asked_without_sending_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(socket.socket, "send", lambda *_: sent.append(1))
    assert all(not each.startswith("127.") for each in reach._own_addresses()) and not sent
