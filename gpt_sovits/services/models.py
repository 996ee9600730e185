"""The models of this machine for the pages: what is here, and one errand at a time that fetches or imports more.

An errand runs in a process of its own (``library_worker``): the program that speaks never opens a connection, and the
memory that an import needs goes away with it. What was downloaded when it is stopped is kept, and continued next time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_sovits.errors import BusyError, InputError, RefusedError, VoiceError
from gpt_sovits.files import disk_errors, read_json, write_json
from gpt_sovits.models.catalog import TRANSCRIBER
from gpt_sovits.settings import PROJECT_ROOT, Settings
from gpt_sovits.versions import EMBEDDED

if TYPE_CHECKING:
    from gpt_sovits.services.model_files import ModelCard

WORKER = (sys.executable, "-m", "gpt_sovits.services.model_worker")
ACTIVE = ("running", "stopping")
GRACE_SECONDS = 4.0  # from being asked to stop until an errand is ended
_PACES = "paces.json"
_LEAST = 32  # bytes of a file of weights
_LAST_WORDS = 400  # characters kept of what a broken worker said


@dataclass(frozen=True)
class Errand:
    """What is being fetched or imported, or was last. ``done`` and ``total`` are bytes or files."""

    kind: str  # download or import
    name: str
    state: str = "running"  # running, stopping, done, stopped, failed
    stage: str = ""  # download, read, install
    message: str = ""
    action: str = ""
    done: int = 0
    total: int = 0

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


class ModelService:
    """The models of one data folder. ``worker`` is the command that runs errands."""

    transcriber = TRANSCRIBER  # the name under which what writes down recordings is downloaded and removed

    def __init__(self, settings: Settings, worker: Sequence[str] = WORKER) -> None:
        self.settings = settings
        self.grace_seconds = GRACE_SECONDS
        self._worker = tuple(worker)
        self._lock = threading.RLock()
        self._errand: Errand | None = None
        self._process: subprocess.Popen[str] | None = None

    def cards(self) -> list[ModelCard]:
        """Every model here, then the official ones that are not."""
        return self.cards_and_shared()[0]

    def cards_and_shared(self) -> tuple[list[ModelCard], int]:
        """``cards``, and bytes of what several models here use."""
        from gpt_sovits.services.model_files import models_and_shared

        return models_and_shared(self.settings)

    @property
    def paces(self) -> dict[str, float]:
        """Of each model that was measured here: seconds of speech that it makes in a second."""
        try:
            found = read_json(self.settings.data_dir / _PACES).items()
        except VoiceError:
            return {}
        return {name: float(pace) for name, pace in found if isinstance(pace, int | float)}

    def note_pace(self, name: str, pace: float) -> None:
        """Keep what was measured."""
        with disk_errors("what was measured could not be kept"):
            write_json(self.settings.data_dir / _PACES, {**self.paces, name: round(pace, 2)})

    def terms(self, name: str) -> tuple[str, ...]:
        """The licences of an official model, one sentence each. ``MissingError`` for another name."""
        from gpt_sovits.models.catalog import licences

        return tuple(map(str, licences(name)))

    def size(self, name: str) -> int:
        """Bytes of an official model, at least. ``MissingError`` for another name."""
        from gpt_sovits.models.catalog import bundle

        return sum(file.size for file in bundle(name))

    def digests(self, name: str) -> tuple[tuple[str, str], ...]:
        """Each file of an official model and the SHA-256 that it must have, "" where none is on record."""
        from gpt_sovits.models.catalog import bundle

        return tuple((file.path, file.sha256) for file in bundle(name))

    @property
    def writes_down(self) -> bool:
        """Whether the ``transcriber`` was downloaded."""
        return (self.settings.models_dir / TRANSCRIBER / "model.bin").is_file()

    @property
    def sites(self) -> tuple[str, ...]:
        """Where official models can be downloaded: the site itself and a mirror."""
        from gpt_sovits.models.catalog import DEFAULT_ENDPOINT, MIRROR_ENDPOINT

        return (DEFAULT_ENDPOINT, MIRROR_ENDPOINT)

    @property
    def inbox(self) -> Path:
        """The folder in which a person puts files that came here in another way."""
        return self.settings.data_dir / "import"

    @property
    def chosen(self) -> str:
        """The model that new voices are made on: the embedded one until the person chooses another that is here."""
        from gpt_sovits.models.store import is_name

        try:
            name = self._choice.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return EMBEDDED
        here = is_name(name) and (self.settings.models_dir / name / "config.json").is_file()
        return name if here else EMBEDDED

    def choose(self, name: str) -> None:
        """Make new voices on this model. ``MissingError`` when it, or a part of it, is not here."""
        from gpt_sovits.models.native import write_atomically
        from gpt_sovits.models.store import find_base

        base = find_base(name, self.settings)
        if base.missing:
            base.path(base.missing[0])

        def write(path: Path) -> None:
            path.write_text(name, encoding="utf-8")

        write_atomically(self._choice, write)

    @property
    def _choice(self) -> Path:
        return self.settings.data_dir / "chosen_model.txt"

    @property
    def errand(self) -> Errand | None:
        with self._lock:
            return self._errand

    def download(self, name: str, *, accept_licences: bool, site: str = "") -> None:
        """Begin to download an official model. ``RefusedError`` unless its licences (``terms``) were accepted."""
        terms = self.terms(name)
        if not accept_licences:
            raise RefusedError(f"The licences of {name} have not been accepted.", "; ".join(terms))
        self._begin(Errand("download", name), ["download", name, site or self.sites[0]])

    def take_in(self, paths: Sequence[Path] = (), *, version: str = "", name: str = "", replace: bool = False) -> None:
        """Begin to import files, or everything in ``inbox``. ``version``: v3 or v4, for files that do not say.

        ``name``: of the model, "" for that of the files; ``replace``: overwrite what is there under it.
        """
        if not paths:
            self.inbox.mkdir(parents=True, exist_ok=True)
            if not any(path.is_file() for path in self.inbox.rglob("*")):
                raise InputError(f"The folder {self.inbox} is empty.", "Put the files there first.")
        for path in paths:
            if path.is_file() and path.stat().st_size < _LEAST:  # no process need be started to see that
                raise InputError(f"{path.name} is damaged: it is nearly empty.", "Get the file again.")
        chosen = [str(Path(path).resolve()) for path in paths or [self.inbox]]
        self._begin(
            Errand("import", "", total=len(chosen)), ["import", version, name, "replace" if replace else "", *chosen]
        )

    def stop(self) -> None:
        """Ask the errand to stop; one that does not within seconds is ended."""
        with self._lock:
            if self._process is None or self._errand is None or not self._errand.active:
                return
            self._errand = replace(self._errand, state="stopping")
            if self._process.stdin is not None:
                try:
                    self._process.stdin.close()  # the worker takes the end of its input for the wish to stop
                except OSError:
                    pass  # it has ended by itself
            late = threading.Timer(self.grace_seconds, self._end, [self._process])
            late.daemon = True
            late.start()

    def _end(self, process: subprocess.Popen[str]) -> None:
        """End an errand that did not hear: what a file asks of it cannot be interrupted in any other way."""
        if process.poll() is None:
            process.kill()

    def remove(self, name: str) -> None:
        """Delete a model that was downloaded or imported; voices made on it cannot speak until it is back."""
        from gpt_sovits.models.store import remove_base

        with self._lock:
            if self._errand is not None and self._errand.active:
                raise BusyError("Another model is being fetched.", "Wait until it is here, or stop it.")
        remove_base(name, self.settings)

    def wait(self, seconds: float | None = None) -> Errand | None:
        """The errand once it has ended, or as it is after so many seconds."""
        with self._lock:
            follower = self._follower if self._process is not None else None
        if follower is not None:
            follower.join(seconds)
        return self.errand

    def _begin(self, errand: Errand, arguments: Sequence[str]) -> None:
        with self._lock:
            if self._errand is not None and self._errand.active:
                raise BusyError("Another model is being fetched.", "Wait until it is here, or stop it.")
            command = [*self._worker, "--data", str(self.settings.data_dir), *arguments]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=PROJECT_ROOT,
            )
            self._errand = errand
            self._follower = threading.Thread(target=self._follow, args=(self._process,), daemon=True)
            self._follower.start()

    def _follow(self, process: subprocess.Popen[str]) -> None:
        """Read the worker's lines until it ends."""
        said: list[str] = []
        errors = threading.Thread(target=lambda: said.append((process.stderr or process.stdout).read()), daemon=True)  # type: ignore[union-attr]
        errors.start()
        for line in process.stdout or ():
            self._note(line)
        process.wait()
        errors.join(timeout=5)
        with self._lock:
            if self._errand is not None and self._errand.state == "stopping":
                self._errand = replace(self._errand, state="stopped")
            if self._errand is not None and self._errand.active:
                last = "".join(said).strip()[-_LAST_WORDS:].splitlines()
                self._errand = replace(
                    self._errand,
                    state="failed",
                    message="The work ended unexpectedly.",
                    action=last[-1] if last else "Try it again.",
                )

    def _note(self, line: str) -> None:
        """One JSON object per line: fields of ``Errand`` that changed."""
        try:
            values = json.loads(line)
        except ValueError:
            return  # something that a library printed
        known = {key: value for key, value in values.items() if key in Errand.__dataclass_fields__}
        with self._lock:
            if self._errand is None:
                return
            if self._errand.state == "stopping" and known.get("state") == "running":
                known.pop("state")
            self._errand = replace(self._errand, **known)
