"""Errands of the library: their own process, progress, stop, and failures that are one sentence."""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gpt_sovits.errors import BusyError, InputError, MissingError, RefusedError
from gpt_sovits.events import CancelToken
from gpt_sovits.services import model_worker as library_worker
from gpt_sovits.services.models import Errand, ModelService
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from tests.models.test_download import BIG, SMALL, Site, site
from tests.random_base import write_random_base

__all__ = ["site"]  # the fixture

WORKER = """
import json, os, sys, threading
def say(**changes): print(json.dumps(changes), flush=True)
kind, rest = sys.argv[3], sys.argv[4:]
print("a library talks about itself", flush=True)
say(state="running", stage="download", message="a.pth", done=30, total=120)
if rest[0] == "v1":
    sys.stdin.read()
    say(state="running", done=60)
    say(state="stopped")
elif rest[0] == "v3":
    raise SystemExit("out of luck")
else:
    say(state="done", name="+".join(rest), message="")
"""


@pytest.fixture
def library(settings: Settings, tmp_path: Path) -> ModelService:
    script = tmp_path / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    return ModelService(settings, (sys.executable, str(script)))


def ended(library: ModelService) -> Errand:
    errand = library.wait(60)
    assert errand is not None and not errand.active
    return errand


def test_a_download_runs_beside_and_ends(library: ModelService) -> None:
    assert library.errand is None
    library.download("v2", accept_licences=True)
    done = ended(library)
    assert (done.kind, done.state, done.fraction) == ("download", "done", 0.25)
    assert done.name == "v2+https://huggingface.co"


def test_stopping_is_heard_and_one_errand_at_a_time(library: ModelService) -> None:
    library.download("v1", accept_licences=True, site=library.sites[1])
    with pytest.raises(BusyError):
        library.download("v2", accept_licences=True)
    with pytest.raises(BusyError):
        library.remove("v2")
    end = time.monotonic() + 60
    while library.errand and library.errand.done < 30 and time.monotonic() < end:
        time.sleep(0.02)
    library.stop()
    assert library.errand is not None and library.errand.state in ("stopping", "stopped")
    assert (ended(library).state, ended(library).done) == ("stopped", 60)
    library.stop()  # nothing left to stop
    library.download("v2", accept_licences=True)
    assert ended(library).state == "done"


def test_an_errand_that_does_not_hear_is_ended(settings: Settings, tmp_path: Path) -> None:
    script = tmp_path / "deaf.py"
    script.write_text("import time\nprint('{\"done\": 1}', flush=True)\nwhile True: time.sleep(1)\n", encoding="utf-8")
    library = ModelService(settings, (sys.executable, str(script)))
    library.grace_seconds = 0.2
    library.download("v2", accept_licences=True)
    library.stop()
    assert ended(library).state == "stopped"
    library.download("v2", accept_licences=True)  # and the way is free
    library.stop()
    assert ended(library).state == "stopped"


def test_an_errand_ends_with_the_program_that_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    over: list[int] = []
    monkeypatch.setattr(library_worker, "_GRACE", 0.0)
    monkeypatch.setattr(library_worker.os, "_exit", over.append)
    cancel = CancelToken()
    library_worker._watch(io.StringIO("x"), cancel)
    assert over == [1] and cancel.cancelled


def test_a_worker_that_breaks_is_one_sentence(library: ModelService) -> None:
    library.download("v3", accept_licences=True)
    failed = ended(library)
    assert (failed.state, failed.message, failed.action) == ("failed", "The work ended unexpectedly.", "out of luck")


def test_licences_first_and_known_names_only(library: ModelService) -> None:
    with pytest.raises(RefusedError, match="MIT"):
        library.download("v2", accept_licences=False)
    with pytest.raises(MissingError):
        library.download("v9", accept_licences=True)
    assert any("Apache-2.0" in term for term in library.terms("v2Pro")) and library.errand is None
    assert len(dict(library.digests("whisper-base"))["model.bin"]) == 64


def test_the_import_folder(library: ModelService) -> None:
    with pytest.raises(InputError, match="is empty"):
        library.take_in()
    (library.inbox / "voice.pth").write_bytes(b"x")
    library.take_in(version="v4", name="mine", replace=True)
    assert ended(library).name == f"v4+mine+replace+{library.inbox.resolve()}"


def test_the_model_for_new_voices(library: ModelService, settings: Settings) -> None:
    assert library.chosen == "mini"
    with pytest.raises(MissingError, match="models download v2"):
        library.choose("v2")
    write_random_base(settings.models_dir / "own")
    library.choose("own")
    assert library.chosen == ModelService(settings).chosen == "own"
    (settings.models_dir / "own" / "semantic.safetensors").unlink()
    with pytest.raises(MissingError, match="semantic"):
        library.choose("own")
    library.remove("own")
    assert library.chosen == "mini"


def told(settings: Settings, *arguments: str, cancel: CancelToken | None = None) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    given = ["--data", str(settings.data_dir), *arguments]
    library_worker.run(given, lambda **changes: lines.append(changes), cancel or CancelToken())
    json.dumps(lines)
    return lines


def test_the_worker_downloads_and_reports(site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpt_sovits.services import model_files as models

    taken: list[list[bytes]] = []
    monkeypatch.setattr(models, "import_models", lambda files, *_, **__: taken.append([f.read_bytes() for f in files]))
    monkeypatch.setattr(models, "find_base", lambda name, settings: type("Base", (), {"name": name}))
    lines = told(settings, "download", "v2Pro", site.endpoint)
    assert taken == [[BIG, SMALL]]
    assert lines[0]["stage"] == "download" and 0 < lines[0]["done"] < lines[0]["total"] == len(BIG) + len(SMALL)
    assert lines[-1] == {"state": "done", "name": "v2Pro", "message": "", "done": 1, "total": 1}


def test_the_worker_stops_and_fails_in_a_sentence(site: Site, settings: Settings, tmp_path: Path) -> None:
    cancelled = CancelToken()
    cancelled.cancel()
    assert told(settings, "download", "v2Pro", site.endpoint, cancel=cancelled)[-1] == {"state": "stopped"}
    offline = told(settings, "download", "v2", "http://127.0.0.1:9")[-1]
    assert offline["state"] == "failed" and "cannot be reached" in offline["message"]
    assert "models import FOLDER" in offline["action"]
    refused = told(settings, "import", "", "", "", str(tmp_path / "nothing.pth"))[-1]
    assert refused["state"] == "failed" and "no file" in refused["message"]


def test_the_real_worker_process_answers(settings: Settings) -> None:
    studio = Studio(settings)
    studio.models.inbox.mkdir(parents=True)
    (studio.models.inbox / "bad.pth").write_bytes(b"not weights")
    studio.models.take_in()
    failed = studio.models.wait(120)
    assert failed is not None and failed.state == "failed" and "bad.pth" in failed.message
