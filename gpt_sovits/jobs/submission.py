"""The door to training: everything that can be refused is refused here, before anything of a person is stored."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gpt_sovits.errors import InputError, MissingError, ResourceError, VoiceError
from gpt_sovits.files import copy_private, disk_errors, erase_tree, make_private, sha256_of
from gpt_sovits.jobs.store import Job, JobStore
from gpt_sovits.settings import Settings
from gpt_sovits.storage import versions
from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.ids import check_name, check_user, new_id

MAX_SCRIPT = 100_000  # characters of what was read: half an hour of speech is about 30,000
MAX_STATEMENT_SECONDS = 600.0
_FREE_BYTES = 512 * 2**20  # needed before a training starts


@dataclass(frozen=True)
class TrainingRequest:
    """What a person asks for: a voice called ``name``, learnt from ``recording``.

    ``script``: what was read, in ``language``; needed unless the recording can be transcribed. ``base``: the model to
    start from, "" for the chosen one. ``voice_id``: a voice that gets a further version; its name and base stay.
    ``draft``: id of a review of this recording; its pieces are trained on, its text and language count, and it ends.
    ``statement``: the recording in which another person consents; needed unless ``consent`` is for one's own voice.
    ``anyway``: the text is believed even where other words are heard. ``further``: more recordings of the same person,
    which with the first one are taken as one, in this order.
    """

    name: str
    recording: Path
    consent: Consent
    script: str = ""
    language: str = "auto"
    base: str = ""
    max_steps: int | None = None
    statement: Path | None = None
    draft: str = ""
    voice_id: str = ""
    anyway: bool = False
    further: tuple[Path, ...] = ()


class Submission:
    """Checks requests and puts them into the line.

    ``check_recording`` raises for a recording that cannot be used, ``find_base`` for a base that is not installed;
    the real ones are used where none is given.
    """

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        *,
        check_recording: Callable[[Path], object] | None = None,
        find_base: Callable[[str], object] | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._check_recording = check_recording or _open_recording
        self._check_statement = check_recording or _open_statement
        self.find_base = find_base or self._installed_base

    def add(self, user: str, request: TrainingRequest, prepared: Callable[[Path, Path], None] | None = None) -> Job:
        """Copy the recording into a new job's folder and queue the job. Raises ``VoiceError``, leaving nothing.

        ``prepared`` (recording, job's folder) puts a training set there that was reviewed before.
        """
        check_user(user)
        if not request.further:
            return self._add(user, request, prepared)
        aside = make_private(self._settings.data_dir / "drafts" / user / new_id("r"))
        try:
            joined = _joined((request.recording, *request.further), aside / "recording.wav")
            return self._add(user, replace(request, recording=joined, further=()), prepared)
        finally:
            erase_tree(aside, overwrite=True)

    def _add(self, user: str, request: TrainingRequest, prepared: Callable[[Path, Path], None] | None) -> Job:
        name = check_name(request.name)
        checked = request.consent.checked()
        statement = None if request.statement is None else Path(request.statement)
        if statement is None:
            checked.with_statement("")  # refuses another person's voice before anything is read
        if request.max_steps is not None and request.max_steps < 1:
            raise InputError(f"{request.max_steps} steps are too few.", "Use at least 1.")
        if len(request.script) > MAX_SCRIPT:
            raise InputError(
                f"The text that was read has {len(request.script):,} characters.", f"Use at most {MAX_SCRIPT:,}."
            )
        recording = Path(request.recording)
        if not recording.is_file():
            raise MissingError("There is no recording.", "Record a minute of speech, or choose a sound file.")
        _check_language(request.language)
        self.find_base(request.base)
        self._check_recording(recording)
        if statement is not None:
            self._check_statement(statement)
        spoken = sha256_of(statement) if statement is not None else ""
        bound = checked.bind(sha256_of(recording)).with_statement(spoken)

        job_id = new_id("j")
        work_dir = self._store.work_dir(job_id)
        stored: dict[str, Any] = {
            "name": name,
            "recording": versions.recording_name(recording),
            "script": request.script,
            "language": request.language,
            "base": request.base,
            "max_steps": request.max_steps,
            "anyway": request.anyway,
            "consent": bound.to_json(),
            "statement": versions.recording_name(statement, "statement") if statement is not None else "",
        }
        try:
            with disk_errors("the recording could not be stored"):
                make_private(work_dir)
                _require_space(work_dir)
                if copy_private(recording, work_dir / stored["recording"]) != bound.recording_sha256:
                    raise InputError("The recording changed while it was read.", "Try again.")
                if statement is not None and copy_private(statement, work_dir / stored["statement"]) != spoken:
                    raise InputError("The recording changed while it was read.", "Try again.")
                if prepared is not None:
                    prepared(work_dir / stored["recording"], work_dir)
                return self._store.add(user, "train", stored, request.voice_id, job_id=job_id)
        except (VoiceError, OSError):
            shutil.rmtree(work_dir, ignore_errors=True)
            raise

    def handed_in(self, job_id: str) -> tuple[Path, dict[str, Any]]:
        """The recording that a job was made of, and the form's values: name, words, language, whose voice, what for."""
        request = self._store.state(job_id).request
        recording = self._store.work_dir(job_id) / versions.recording_name(Path(str(request["recording"])))
        if not recording.is_file():
            raise MissingError("The recording of this job is gone.", "Start again with the recording.")
        consent = Consent.from_json(request["consent"])
        form = {"name": request["name"], "text": request["script"], "language": request["language"]}
        whose = {"own": consent.own, "decides": bool(consent.authority), "authority": consent.authority}
        return recording, {**form, "who": consent.who, "purpose": consent.purpose, **whose}

    def _installed_base(self, name: str) -> object:
        from gpt_sovits.models.store import find_base
        from gpt_sovits.training.plan import require_trainable

        files = find_base(name, self._settings)
        require_trainable(files)
        return files


def _check_language(language: str) -> None:
    from gpt_sovits.text.unspoken import check_language

    check_language(language)


def _open_recording(path: Path) -> object:
    from gpt_sovits.dataset.assess import open_recording

    return open_recording(path)


def _joined(recordings: Sequence[Path], out: Path) -> Path:
    from gpt_sovits.dataset.handed_in import join_recordings

    missing = next((path for path in map(Path, recordings) if not path.is_file()), None)
    if missing is not None:
        raise MissingError(f"There is no recording {missing.name}.", "Choose the sound files again.")
    with disk_errors("the recording could not be stored"):
        join_recordings(recordings, out)
    return out


def _open_statement(path: Path) -> object:
    from gpt_sovits.audio import read_audio

    if not path.is_file():
        raise MissingError("There is no recorded statement.", "Record the person saying that they agree.")
    audio = read_audio(path, max_seconds=MAX_STATEMENT_SECONDS)
    if audio.seconds < 1.0:
        raise InputError("The recorded statement is shorter than a second.", "Record it again.")
    return audio


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        raise ResourceError(
            f"Only {free // 2**20} MB are free on the disk; training needs {_FREE_BYTES // 2**20} MB.",
            "Free some space and try again.",
        )
