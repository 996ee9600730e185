"""The downloader against a local server that speaks like the download site, including when it misbehaves."""

from __future__ import annotations

import hashlib
import http.server
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gpt_sovits.dataset.recognise import find_recogniser
from gpt_sovits.errors import CancelledError, InputError, MissingError, RefusedError, ResourceError
from gpt_sovits.events import CancelToken, Event
from gpt_sovits.models import catalog, download
from gpt_sovits.models.catalog import OfficialFile
from gpt_sovits.models.store import remove_base
from gpt_sovits.services import model_files as models
from gpt_sovits.settings import Settings
from tests.models.official import small_state, write_sovits
from tests.models.test_import import SOVITS_KEYS

BIG = bytes(range(256)) * 4096 * 3  # 3 MiB
SMALL = b'{"model": {"vocab": {}}}'


class Site(http.server.ThreadingHTTPServer):
    """Serves ``files``; ``cut_after`` bytes the connection breaks, once per entry of the list."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"v2Pro/s2G.pth": BIG, "roberta/tokenizer.json": SMALL}
        self.cut_after: list[int] = []
        self.announced: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.resumes = True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.partition("/resolve/main/")[2]
        self.server.requests.append((self.command, path, self.headers.get("Range", "")))
        assert "authorization" not in self.headers, "no token may be sent"
        data = self.server.files.get(path)
        if data is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            return
        stated = self.server.announced.get(path, data)
        begin = 0
        if self.headers.get("Range") and self.server.resumes:
            begin = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        lfs = path.endswith(".pth")
        digest = hashlib.sha256(stated).hexdigest() if lfs else hashlib.sha1(stated).hexdigest()
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("X-Linked-Size", str(len(stated)))
        self.send_header("ETag", f'"{digest}"')
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        if body:
            end = begin + self.server.cut_after.pop(0) if self.server.cut_after else len(data)
            self.wfile.write(data[begin:end])
            if end < len(data):
                self.wfile.flush()
                self.connection.close()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    server = Site()
    known = OfficialFile("v2Pro/s2G.pth", len(BIG), hashlib.sha256(BIG).hexdigest())
    monkeypatch.setattr(download, "bundle", lambda version: [known, OfficialFile("roberta/tokenizer.json")])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def get(site: Site, settings: Settings, **options: object) -> list[Path]:
    return download.download_bundle("v2Pro", settings, accept_licences=True, endpoint=site.endpoint, **options)  # type: ignore[arg-type]


def test_everything_arrives_with_progress_and_is_not_fetched_twice(site: Site, settings: Settings) -> None:
    events: list[Event] = []
    paths = get(site, settings, on_event=events.append)
    assert [path.read_bytes() for path in paths] == [BIG, SMALL]
    assert paths[0] == settings.cache_dir / "downloads" / "v2Pro" / "s2G.pth"
    assert events[-1].step == events[-1].total == len(BIG) + len(SMALL)
    assert [event.step for event in events] == sorted(event.step for event in events)
    before = len(site.requests)
    assert get(site, settings) == paths and len(site.requests) == before


def test_what_another_version_brought_is_not_fetched_again(site: Site, settings: Settings) -> None:
    paths = get(site, settings, without={"v2Pro/s2G.pth"})
    assert [path.name for path in paths] == ["tokenizer.json"]
    assert not any("s2G" in request[1] for request in site.requests)


def test_broken_connections_are_resumed_in_the_same_call(site: Site, settings: Settings) -> None:
    site.cut_after = [len(BIG) // 2, len(BIG) // 4]
    assert get(site, settings)[0].read_bytes() == BIG
    ranges = [request[2] for request in site.requests if request[0] == "GET" and request[1].endswith(".pth")]
    assert ranges == ["", f"bytes={len(BIG) // 2}-", f"bytes={len(BIG) * 3 // 4}-"]


def test_interrupted_at_half_and_resumed_by_a_later_call(site: Site, settings: Settings) -> None:
    token = CancelToken()

    def stop_at_half(event: Event) -> None:
        if event.step >= len(BIG) // 2:
            token.cancel()

    with pytest.raises(CancelledError):
        get(site, settings, on_event=stop_at_half, cancel=token)
    part = settings.cache_dir / "downloads" / "v2Pro" / "s2G.pth.part"
    have = part.stat().st_size
    assert len(BIG) // 2 <= have < len(BIG)
    assert get(site, settings)[0].read_bytes() == BIG and not part.exists()
    assert ("GET", "v2Pro/s2G.pth", f"bytes={have}-") in site.requests


def test_a_site_that_gives_up_says_so_and_keeps_what_arrived(site: Site, settings: Settings) -> None:
    site.cut_after = [2**18] * 10
    with pytest.raises(download.DownloadError, match="kept"):
        get(site, settings)
    assert (settings.cache_dir / "downloads" / "v2Pro" / "s2G.pth.part").stat().st_size == 4 * 2**18


def test_a_site_that_cannot_resume_starts_over(site: Site, settings: Settings) -> None:
    site.cut_after, site.resumes = [len(BIG) // 2], False
    assert get(site, settings)[0].read_bytes() == BIG


def test_a_wrong_file_is_refused_and_removed(site: Site, settings: Settings) -> None:
    site.files["v2Pro/s2G.pth"] = BIG[:-1] + b"!"
    site.announced["v2Pro/s2G.pth"] = BIG
    with pytest.raises(InputError, match="removed"):
        get(site, settings)
    assert not list((settings.cache_dir / "downloads").rglob("s2G*"))


def test_a_site_that_offers_another_file_is_refused_at_once(site: Site, settings: Settings) -> None:
    site.files["v2Pro/s2G.pth"] = BIG + b"!"
    with pytest.raises(InputError, match="not the published one"):
        get(site, settings)
    assert not any(request[0] == "GET" for request in site.requests)


def test_a_full_disk_is_reported_before_anything_is_fetched(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage._replace(free=10 * 2**20))
    with pytest.raises(ResourceError, match=r"0\.0 GB free, but 0\.3 GB"):
        get(site, settings)
    assert not any(request[0] == "GET" for request in site.requests)


def test_offline_is_one_sentence_and_the_manual_way(settings: Settings) -> None:
    with pytest.raises(download.DownloadError) as caught:
        download.download_bundle("v2", settings, accept_licences=True, endpoint="http://127.0.0.1:9")
    assert caught.value.message == "The download site http://127.0.0.1:9 cannot be reached."
    assert "https://huggingface.co/lj1995/GPT-SoVITS" in caught.value.action
    assert "models import FOLDER" in caught.value.action


def test_a_missing_file_names_it(site: Site, settings: Settings) -> None:
    del site.files["roberta/tokenizer.json"]
    with pytest.raises(download.DownloadError, match=r"does not offer roberta/tokenizer\.json"):
        get(site, settings)


def test_download_installs_and_clears_up(
    site: Site, settings: Settings, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the site to a base that is listed, with the check against real networks left out."""
    source = write_sovits(tmp_path / "s2G.pth", "v2Pro", small_state("sovits_v2Pro", SOVITS_KEYS)).read_bytes()
    site.files = {"v2Pro/s2G.pth": source, "roberta/tokenizer.json": b'{"model": {"vocab": {"[PAD]": 0}}}'}
    known = OfficialFile("v2Pro/s2G.pth", len(source), hashlib.sha256(source).hexdigest())
    monkeypatch.setattr(download, "bundle", lambda version: [known, OfficialFile("roberta/tokenizer.json")])
    monkeypatch.setattr(models, "check_part", None)
    base = models.download_model("v2Pro", settings, accept_licences=True, endpoint=site.endpoint)
    assert base.has("acoustic") and base.missing == ("content", "semantic", "speaker") and base.vocabulary.is_file()
    assert not download.download_folder(settings).exists()


def test_what_writes_down_recordings_arrives_in_the_models_folder_and_goes(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = catalog.bundle(catalog.TRANSCRIBER)
    assert [len(file.sha256) for file in real] == [64, 0, 0, 0] and "OpenAI" in str(catalog.licences("whisper-base")[0])
    files = [replace(file, size=0, sha256="") for file in real]
    monkeypatch.setattr(download, "bundle", lambda name: files)
    site.files = {file.path: file.path.encode() for file in files}
    folder = models.download_transcriber(settings, accept_licences=True, endpoint=site.endpoint)
    assert find_recogniser([settings.models_dir]) == folder == settings.models_dir / "whisper-base"
    assert {path.name: path.read_bytes().decode() for path in folder.iterdir()} == {name: name for name in site.files}
    assert {request[1] for request in site.requests} == set(site.files)
    assert all(not card.installed or card.bundled for card in models.list_models(settings))
    remove_base("whisper-base", settings)
    assert find_recogniser([settings.models_dir]) is None


def test_licences_come_first(settings: Settings) -> None:
    with pytest.raises(RefusedError, match="MIT") as caught:
        download.download_bundle("v3", settings, accept_licences=False)
    assert "BigVGAN" in str(caught.value) and not settings.cache_dir.exists()


@pytest.mark.parametrize("version", ["v1", "v2", "v2Pro", "v2ProPlus", "v3", "v4"])
def test_bundles_name_known_files_of_the_right_parts(version: str) -> None:
    files = catalog.bundle(version)
    unknown = [file.path for file in files if not file.sha256]
    assert set(unknown) <= {
        "chinese-roberta-wwm-ext-large/tokenizer.json",
        "gsv-v4-pretrained/s2Gv4.pth",
        "gsv-v4-pretrained/vocoder.pth",
        "v2Pro/s2Gv2ProPlus.pth",
    }
    assert catalog.licences(version)[0].licence == "MIT"
    assert any(file.path.startswith("sv/") for file in files) == ("Pro" in version)
    with pytest.raises(MissingError):
        catalog.bundle(version + "x")


def test_the_packaged_digests_are_those_of_the_shared_list(shared: Path) -> None:
    packaged = Path(catalog.__file__).with_name("official_files.json").read_bytes()
    assert packaged == (shared / "reference" / "official_files.json").read_bytes()
