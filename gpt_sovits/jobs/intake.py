"""What a person hands in, kept from its first second until it becomes a job: recordings as they arrive, and the form.

    intake/<user>/now/draft.json      the form, and what is known of each clip
    intake/<user>/now/<clip>.<kind>   its bytes: .pcm (16-bit mono) from a microphone, else the file that was chosen
    intake/<user>/away/               what "Start over" put away, for a day
    intake/<user>/jobs.json           jobs that the person put away, and when

A clip from a microphone is one try at one sentence. Of several tries at a sentence the last that was read to its end
counts. Nobody names a file here: clips are known by ids, and what is larger than it may be is refused.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_sovits.errors import BusyError, InputError, MissingError, VoiceError
from gpt_sovits.files import (
    check_room,
    copy_private,
    disk_errors,
    erase_tree,
    make_private,
    read_json,
    sha256_of,
    shred,
    unfinished,
    unfollowed,
    write_json,
)  # fmt: skip
from gpt_sovits.jobs.submission import MAX_SCRIPT
from gpt_sovits.settings import Settings
from gpt_sovits.voices.ids import check_id, check_user, new_id

if TYPE_CHECKING:
    from gpt_sovits.dataset.assess import Assessment

SPOKEN, FILE, PERMISSION = "spoken", "file", "permission"
KINDS = (SPOKEN, FILE, PERMISSION)
UNDO_SECONDS = 24 * 3600.0
MOST_CLIPS, MOST_CLIP, MOST_TOGETHER = 1000, 2**30, 4 * 2**30  # bytes
MOST_PIECE, MOST_FORM, MOST_DRAFT = 2 * 2**20, 2**20, 3 * 2**20  # bytes
_DRAFT = "draft.json"
_RATES = range(8000, 192_001)
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}", re.ASCII)


@dataclass(frozen=True)
class Clip:
    """``sentence`` of the passage ``passage`` was read, whose words are ``text``; ``rate`` in Hz, 0 for a file.

    ``size``: bytes that a file has; ``received``: that are here. ``dropped``: when it was taken away, or 0.0.
    """

    id: str
    kind: str
    name: str = ""
    passage: str = ""
    sentence: int = 0
    text: str = ""
    rate: int = 0
    size: int = 0
    started: float = 0.0
    done: bool = False
    dropped: float = 0.0
    received: int = 0

    @property
    def seconds(self) -> float:
        """Of a clip from a microphone; 0.0 for a file."""
        return self.received / 2 / self.rate if self.rate else 0.0


_KINDS: dict[str, Any] = {
    field.name: (int, float) if field.default == 0 else type(field.default) for field in fields(Clip)[2:]
}


class Intake:
    """``user``'s. All who may change one share ``lock``."""

    def __init__(self, settings: Settings, user: str, lock: threading.RLock | None = None) -> None:
        self._home = settings.data_dir / "intake" / check_user(user)
        self._now, self._away = self._home / "now", self._home / "away"
        self._lock = lock or threading.RLock()

    # ------------------------------------------------------------------------------------------------------- the form

    def form(self) -> dict[str, Any]:
        """What was typed and chosen, as the page wrote it."""
        return dict(self._read()["form"])

    def write_form(self, change: Mapping[str, Any]) -> None:
        """Set some of the form's values; the others stay."""
        with self._lock:
            draft = self._read()
            draft["form"].update(change)
            if len(str(draft["form"])) > MOST_FORM:
                raise InputError("This is too long to be kept.", "Save the text as a file.")
            self._write(_readable(draft))

    # ------------------------------------------------------------------------------------------------------ the clips

    def clips(self) -> list[Clip]:
        """All that are here, oldest first, without those that were taken away."""
        found = list(self._clips())
        gone = next((clip for clip in found if _is_over(clip)), None)
        if gone is not None:
            self._change(gone.id)
        return [clip for clip in found if not clip.dropped]

    def begin(
        self, kind: str, *, name: str = "", passage: str = "", sentence: int = 0, text: str = "", rate: int = 0,
        size: int = 0,
    ) -> Clip:  # fmt: skip
        """A new, empty clip. ``rate`` for samples from a microphone, ``size`` for a file."""
        if kind not in KINDS or (rate not in _RATES if rate else not 0 < size <= MOST_CLIP):
            said = "This recording cannot be taken." if rate or size else "The file is empty."
            raise InputError(said, "Use a sound or video file of at most 1 GB.")
        if len(text) > MAX_SCRIPT:
            raise InputError(f"The text that was read has {len(text):,} characters.", f"Use at most {MAX_SCRIPT:,}.")
        clip = Clip(new_id("c"), kind, name[:200], passage[:64], sentence, text, rate, 0 if rate else size, time.time())
        with self._lock:
            draft = self._read()
            if len(draft["clips"]) >= MOST_CLIPS:
                raise InputError("There are too many recordings.", "Create the voice from them, or start over.")
            self._room(size)
            draft["clips"].append(asdict(clip))
            self._write(_readable(draft))
            self._path(clip).touch(mode=0o600)
        return clip

    def append(self, clip_id: str, at: int, data: bytes) -> int:
        """Add a piece that begins at byte ``at``; how many bytes are here now. One that came before changes nothing.

        Where it is less than ``at``, the pieces between have to be sent first.
        """
        if len(data) > MOST_PIECE:
            raise InputError("This piece is too large.", "Send smaller pieces.")
        with self._lock:
            clip = self._clip(clip_id)
            fresh = data[clip.received - at :] if at <= clip.received < at + len(data) else b""
            if not fresh or clip.done:
                return clip.received
            most = clip.size or MOST_CLIP
            if clip.received + len(fresh) > most:
                raise InputError("This recording is longer than it may be.", "Use a shorter one.")
            self._room(len(fresh))
            with (
                disk_errors("the recording could not be stored"),
                open(self._path(clip), "ab", opener=unfollowed) as file,
            ):
                file.write(fresh)
                file.flush()
                os.fsync(file.fileno())
            return clip.received + len(fresh)

    def finish(self, clip_id: str) -> Clip:
        """All of it is here, and it was read to its end."""
        clip = self._clip(clip_id)
        if clip.size and clip.received < clip.size:
            raise BusyError("The file is still on its way.", "Wait until it has arrived.")
        return self._change(clip_id, done=True)

    def drop(self, clip_id: str) -> Clip:
        """Take a clip away; for a day ``restore`` brings it back."""
        return self._change(clip_id, dropped=time.time())

    def restore(self, clip_id: str) -> Clip:
        return self._change(clip_id, dropped=0.0)

    def path(self, clip_id: str) -> Path:
        """Where the clip's bytes are; those of a microphone as a WAV file."""
        clip = self._clip(clip_id)
        return _wav(self._now / f"{clip.id}.wav", [self._path(clip)], clip.rate) if clip.rate else self._path(clip)

    # ------------------------------------------------------------------------------------------------- the recording

    def chosen(self) -> list[Clip]:
        """What the voice is learnt from: of each sentence its best try, in the order of reading, then the files."""
        tries: dict[tuple[str, int], list[Clip]] = {}
        files: list[Clip] = []
        for clip in self.clips():
            if clip.kind == SPOKEN and clip.received:
                tries.setdefault((clip.passage, clip.sentence), []).append(clip)
            elif clip.kind == FILE and clip.done:
                files.append(clip)
        passages = list(dict.fromkeys(passage for passage, _ in tries))
        spoken = [_best(tries[key]) for key in sorted(tries, key=lambda key: (passages.index(key[0]), key[1]))]
        return spoken + files

    def script(self) -> str:
        """The words of ``chosen``: of what was read, and what the form says of the files."""
        chosen = self.chosen()
        texts = [clip.text for clip in chosen if clip.kind == SPOKEN]
        if any(clip.kind == FILE for clip in chosen):
            texts.append(str(self.form().get("text", "")))
        return "\n".join(text for text in texts if text.strip())

    def signature(self) -> str:
        """Changes whenever the recording or its words do."""
        return "|".join([" ".join(f"{clip.id}:{clip.received}" for clip in self.chosen()), self.script()])

    def recording(self) -> Path:
        """``chosen`` as one file; the same bytes whenever the same clips are chosen. ``MissingError`` without any."""
        from gpt_sovits.dataset.handed_in import join_recordings

        with self._lock, disk_errors("the recording could not be stored"), self._by_name():
            sources: list[Path] = []
            for number, (rate, clips) in enumerate(_runs(self.chosen())):
                paths = [self._path(clip) for clip in clips]
                sources += [_wav(self._now / f"read-{number}.wav", paths, rate)] if rate else paths
            if not sources:
                raise MissingError("There is no recording.", "Record a minute of speech, or choose a sound file.")
            if len(sources) == 1:
                return sources[0]
            out = self._now / "together.wav"
            join_recordings(sources, out)
            return out

    def judged(self) -> Assessment:
        """Whether the recording is good enough, by its sound alone. ``InputError`` when no voice can come of it."""
        from gpt_sovits.dataset.assess import open_recording

        with self._by_name():
            return open_recording(self.recording())[1]

    @contextmanager
    def _by_name(self) -> Iterator[None]:
        """A failure that names a file names it as the person did."""
        try:
            yield
        except InputError as error:
            for clip in self._clips():
                error.message = error.message.replace(self._path(clip).name, clip.name or clip.id)
            raise

    def permission(self) -> Path | None:
        """The recording in which another person agrees."""
        found = [clip for clip in self.clips() if clip.kind == PERMISSION and clip.received]
        return self.path(found[-1].id) if found else None

    # -------------------------------------------------------------------------------------------------- starting over

    def put_away(self) -> None:
        """Begin anew; for a day ``bring_back`` undoes that."""
        with self._lock:
            if self._now.is_dir():
                erase_tree(self._away, overwrite=True)
                os.rename(self._now, self._away)
                os.utime(self._away)

    def bring_back(self) -> None:
        """Undo ``put_away``. Whatever was begun since then is put away instead."""
        with self._lock:
            self._settle()
            if not self.is_away():
                raise MissingError("Nothing lies put away here.", "Record again.")
            aside = self._home / "turn"
            if self._now.is_dir():
                os.rename(self._now, aside)
            os.rename(self._away, self._now)
            if aside.is_dir():
                os.rename(aside, self._away)

    def is_away(self) -> bool:
        """Whether ``bring_back`` has something to bring back. What is older than a day goes now."""
        if self._away.is_dir() and time.time() - self._away.stat().st_mtime > UNDO_SECONDS:
            erase_tree(self._away, overwrite=True)
        return self._away.is_dir() and any(self._away.glob("draft.json"))

    def clear(self, taken: Sequence[Clip]) -> None:
        """Overwrite and remove what lies in a job now: ``taken``, as ``clips`` gave it. What came since then stays."""
        with self._lock:
            left = [clip for clip in self.clips() if clip not in taken]
            if not left:
                erase_tree(self._now, overwrite=True)
                return
            kept = {self._path(clip) for clip in left}
            self._write({"form": {}, "clips": [asdict(clip) for clip in left]})  # nobody agreed to those yet
            for path in self._now.iterdir():
                if path not in kept and path.name != _DRAFT:
                    shred(path)

    def adopt(self, recording: Path, form: Mapping[str, Any]) -> None:
        """Begin anew with a recording that was handed in before, and its words in ``form["text"]``."""
        with self._lock:
            if self.chosen():
                raise BusyError("Another recording lies here.", "Create its voice first, or start over with it.")
            clip = self.begin(FILE, name=recording.name, size=recording.stat().st_size)
            copy_private(recording, self._path(clip))
            self.finish(clip.id)
            self.write_form(form)

    # ------------------------------------------------------------------------------------------------- jobs put away

    def jobs_away(self) -> dict[str, float]:
        """Ids of jobs that the person does not want to see any more, and since when (Unix time)."""
        try:
            return {str(job): float(since) for job, since in read_json(self._home / "jobs.json").items()}
        except (MissingError, InputError, TypeError, ValueError):
            return {}

    def mark_jobs(self, change: Mapping[str, float | None]) -> None:
        """Put jobs away, at a time, or (None) forget that they were."""
        with self._lock:
            marked = {**self.jobs_away(), **change}
            write_json(
                make_private(self._home) / "jobs.json", {job: at for job, at in marked.items() if at is not None}
            )

    # -------------------------------------------------------------------------------------------------------- private

    def _settle(self) -> None:
        """Complete a ``bring_back`` that was cut short."""
        turn = self._home / "turn"
        if turn.is_dir():
            with self._lock:
                if turn.is_dir() and not self._now.exists() and self._away.is_dir():
                    os.rename(self._away, self._now)
                if turn.is_dir() and not self._away.exists():
                    os.rename(turn, self._away)

    def _read(self) -> dict[str, Any]:
        self._settle()
        try:
            draft = read_json(self._now / _DRAFT)
        except (MissingError, InputError):
            draft = {}
        form, clips = draft.get("form"), draft.get("clips")
        kept = [each for each in clips if _is_clip(each)] if isinstance(clips, list) else []
        return {"form": form if isinstance(form, dict) else {}, "clips": kept}

    def _write(self, draft: Mapping[str, Any]) -> None:
        with disk_errors("what you typed could not be kept"):
            write_json(make_private(self._now) / _DRAFT, draft)

    def _clips(self) -> Iterator[Clip]:
        for each in self._read()["clips"]:
            clip = Clip(**each)
            path = self._path(clip)
            yield replace(clip, received=path.stat().st_size if path.is_file() else 0)

    def _clip(self, clip_id: str) -> Clip:
        check_id(clip_id, "recording")
        found = next((clip for clip in self._clips() if clip.id == clip_id), None)
        if found is None:
            raise MissingError("There is no such recording.", "Reload the page.")
        return found

    def _change(self, clip_id: str, **change: Any) -> Clip:
        with self._lock:
            clip, draft = replace(self._clip(clip_id), **change), self._read()
            kept = []
            for each in draft["clips"]:
                if each["id"] == clip_id:
                    each = {**asdict(clip), "received": 0}
                if _is_over(Clip(**each)):
                    shred(self._path(Clip(**each)))
                else:
                    kept.append(each)
            self._write({**draft, "clips": kept})
        return clip

    def _path(self, clip: Clip) -> Path:
        suffix = ".pcm" if clip.rate else Path(clip.name).suffix.lower()
        return self._now / f"{check_id(clip.id)}{suffix if _SUFFIX.fullmatch(suffix) else '.bin'}"

    def _room(self, size: int) -> None:
        make_private(self._now)
        full = InputError("Your recordings take too much room.", "Create the voice from them, or start over.")
        check_room(self._home, size, MOST_TOGETHER, full)


def _readable(draft: dict[str, Any]) -> dict[str, Any]:
    """What can be read again, with room for what is noted of each clip later."""
    if len(json.dumps(draft, ensure_ascii=False).encode("utf-8", "replace")) > MOST_DRAFT:
        raise InputError("This is too long to be kept.", "Save the text as a file.")
    return draft


def _is_over(clip: Clip) -> bool:
    """Whether it was taken away so long ago that nothing brings it back."""
    return bool(clip.dropped) and time.time() - clip.dropped > UNDO_SECONDS


def _is_clip(value: Any) -> bool:
    """Whether this is a clip as it was written here."""
    try:
        clip = Clip(**value)
        check_id(clip.id)
    except (TypeError, VoiceError):
        return False
    whole = all(isinstance(getattr(clip, name), kind) for name, kind in _KINDS.items())
    return whole and clip.kind in KINDS and (not clip.rate or clip.rate in _RATES)


def erase_intake(settings: Settings, user: str, digests: Mapping[str, int] | None = None) -> None:
    """Remove what a user was handing in; with ``digests`` (SHA-256 -> bytes) only where one of those files is in it."""
    home = settings.data_dir / "intake" / check_user(user)
    if digests is None:
        erase_tree(home, overwrite=True)
        return
    sizes = set(digests.values())
    for folder in (home / "now", home / "away"):
        files = [path for path in folder.glob("*") if path.is_file() and path.stat().st_size in sizes]
        if any(sha256_of(path) in digests for path in files):
            erase_tree(folder, overwrite=True)


def _best(tries: Sequence[Clip]) -> Clip:
    """The last one that was read to its end, else the longest."""
    whole = [clip for clip in tries if clip.done]
    return whole[-1] if whole else max(tries, key=lambda clip: clip.received)


def _runs(clips: Sequence[Clip]) -> Iterator[tuple[int, list[Clip]]]:
    """Neighbours from a microphone of one rate together, files (rate 0) each for itself."""
    together: list[Clip] = []
    for clip in clips:
        if together and (not clip.rate or clip.rate != together[-1].rate):
            yield together[-1].rate, together
            together = []
        together.append(clip)
    if together:
        yield together[-1].rate, together


def _wav(out: Path, parts: Sequence[Path], rate: int) -> Path:
    """Samples of 16 bits one after the other as a WAV file."""
    aside = unfinished(out)  # two may listen at once
    with wave.open(str(aside), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        for part in parts:
            data = part.read_bytes()
            file.writeframes(data[: len(data) // 2 * 2])
    aside.chmod(0o600)
    os.replace(aside, out)
    return out
