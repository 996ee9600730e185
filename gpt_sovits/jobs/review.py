"""A recording cut up and waiting for its person: hear the pieces, correct their texts, leave some out, then train.

    drafts/<user>/<id>/draft.json       what was given: text, language, base
    drafts/<user>/<id>/recording.*      the recording
    drafts/<user>/<id>/dataset/         the training set as ``dataset.build`` makes it

A user has one draft of the page and one of the programs at a time. It ends when the person trains with it (its training
set moves into the job), puts it away, or destroys a voice that was made from the same recording.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.events import CancelToken, EventSink, ignore
from gpt_sovits.files import copy_private, disk_errors, erase_tree, make_private, sha256_of, write_json
from gpt_sovits.settings import Settings
from gpt_sovits.storage import versions
from gpt_sovits.voices.ids import check_id, check_user, new_id

if TYPE_CHECKING:
    import numpy as np

MAX_TEXT = 2000  # characters of one piece
SURE, UNSURE, DOUBTFUL = "sure", "unsure", "doubtful"
PAGE, PROGRAM = "page", "program"  # who looks over
_SURE = 0.9  # confidence
_REQUEST = ("script", "language", "base", "recording", "symbols", "sha256")  # what a draft remembers, all of it text


@dataclass(frozen=True)
class Piece:
    """One row of the table. ``level`` is sure, unsure or doubtful; ``wrong``: stretches [a, b) of the text in doubt.

    ``more``: something seems to be said that the text does not have; ``reason``: why the piece was left out.
    """

    number: int
    start: float
    end: float
    text: str
    language: str
    kept: bool
    confidence: float
    level: str
    wrong: tuple[tuple[int, int], ...]
    more: bool
    reason: str


@dataclass(frozen=True)
class Draft:
    """``verdict`` and ``advice`` as in ``dataset.assess``; ``skipped``: words of the script that nobody heard.

    ``by``: PAGE or PROGRAM, whichever made it.
    """

    id: str
    by: str
    pieces: tuple[Piece, ...]
    seconds: float
    verdict: str
    advice: tuple[str, ...]
    skipped: tuple[str, ...]
    cleaned: tuple[str, ...]
    transcript: str


class Reviews:
    """The drafts of ``user``. ``load_base`` opens a base for its ears; all who may change drafts share ``lock``."""

    def __init__(
        self, settings: Settings, load_base: Callable[[str], Any], user: str, lock: threading.RLock | None = None
    ) -> None:
        self._settings = settings
        self._load_base = load_base
        self._home = settings.data_dir / "drafts" / check_user(user)
        self._lock = lock or threading.RLock()

    def prepare(
        self,
        recording: Path,
        *,
        script: str = "",
        language: str = "auto",
        base: str,
        by: str = PROGRAM,
        on_event: EventSink = ignore,
        cancel: CancelToken | None = None,
    ) -> Draft:
        """Cut a recording up and keep it for review; the user's earlier draft of the page, or of a program, goes.

        A text that does not seem to fit is shown with its doubts, for the person to say what is right. Raises
        ``InputError`` for a recording that cannot be used; nothing is kept then.
        """
        from gpt_sovits.dataset.build import build_dataset
        from gpt_sovits.dataset.ears import ears_of
        from gpt_sovits.dataset.recognise import scribe_of
        from gpt_sovits.text.unspoken import check_language

        check_language(language)
        recording = Path(recording)
        if not recording.is_file():
            raise MissingError("There is no recording.", "Record a minute of speech, or choose a sound file.")
        for earlier in self._home.glob("*"):
            if _maker(earlier) in ("", by):
                erase_tree(earlier, overwrite=True)
        draft_id = new_id("d")
        folder = self._home / draft_id
        name = versions.recording_name(recording)
        loaded = self._load_base(base)
        try:
            with disk_errors("the recording could not be stored"):
                make_private(folder)
                request = {"script": script, "language": language, "base": base, "recording": name, "by": by,
                           "symbols": loaded.symbols_version, "sha256": sha256_of(recording)}  # fmt: skip
                write_json(folder / "draft.json", request)
                copy_private(recording, folder / name)
                build_dataset(
                    folder / name,
                    script,
                    language,
                    ears_of(loaded, self._load_base),
                    work_dir=make_private(folder / "dataset"),
                    version=loaded.symbols_version,
                    scribe=scribe_of(self._settings),
                    anyway=True,
                    on_event=on_event,
                    cancel=cancel,
                )
        except BaseException:
            erase_tree(folder, overwrite=True)
            raise
        return self.open(draft_id)

    def all(self, by: str = "") -> list[Draft]:
        """The drafts that the user has, the program's first, or only those ``by`` one; what is damaged is none."""
        found = []
        for folder in self._home.glob("*"):
            with suppress(VoiceError):
                found.append(self.open(folder.name))
        return sorted((draft for draft in found if by in ("", draft.by)), key=lambda draft: draft.by == PAGE)

    def open(self, draft_id: str) -> Draft:
        """The draft as it is now. ``MissingError`` when it was put away."""
        from gpt_sovits.dataset.training_set import TrainingSet

        found = TrainingSet.load(self._folder(draft_id) / "dataset")
        pieces = sorted((_piece(each) for each in (*found.slices, *found.spare)), key=lambda piece: piece.start)
        assessment = found.report.assessment
        return Draft(
            draft_id,
            _maker(self._folder(draft_id)),
            tuple(pieces),
            found.seconds,
            assessment.verdict,
            tuple(problem.advice for problem in assessment.problems),
            tuple(remark.text for remark in found.report.remarks if remark.kind == "skipped"),
            found.report.cleaned,
            found.report.transcript,
        )

    def correct(
        self,
        draft_id: str,
        number: int,
        *,
        text: str | None = None,
        language: str | None = None,
        kept: bool | None = None,
    ) -> Piece:
        """Change one piece. A new text or language is heard again in this piece alone, and the piece is kept."""
        import numpy as np  # late: lists of voices need none

        from gpt_sovits.dataset.training_set import TrainingSet
        from gpt_sovits.text.unspoken import check_language

        with self._lock:
            folder = self._folder(draft_id)
            found = TrainingSet.load(folder / "dataset")
            pieces = [*found.slices, *found.spare]
            place = next((k for k, each in enumerate(pieces) if int(each.audio_path.stem) == number), None)
            if place is None:
                raise MissingError("There is no such piece.", "Open the review again.")
            changed = pieces[place]
            if language is not None:
                check_language(language)
            if text is not None or language is not None:
                new = " ".join((changed.text if text is None else text).split())
                changed = self._heard_again(
                    changed, new, language or changed.language, _read(folder), np.array(found.report.share, np.float32)
                )
            if kept is not None:
                changed = changed.replaced(reason="" if kept else "left out by hand")
            pieces[place] = changed
            _save(found, pieces, folder / "dataset")
            return _piece(changed)

    def sound(self, draft_id: str, number: int) -> Path:
        """The WAV file of a piece, as the training hears it."""
        path = self._folder(draft_id) / "dataset" / f"{int(number):04d}.wav"
        if not path.is_file():
            raise MissingError("There is no such piece.", "Open the review again.")
        return path

    def recording(self, draft_id: str) -> Path:
        """The recording as it was given."""
        folder = self._folder(draft_id)
        return folder / versions.recording_name(Path(_read(folder)["recording"]))

    def picture(self, draft_id: str) -> bytes:
        """A PNG: the waveform, with the pieces that are in doubt shaded, and the spectrogram."""
        from gpt_sovits.audio import read_audio
        from gpt_sovits.dataset.picture import draw, png
        from gpt_sovits.dataset.training_set import TrainingSet
        from gpt_sovits.dataset.vad import Span

        found = TrainingSet.load(self._folder(draft_id) / "dataset")
        trouble = [Span(p.start, p.end) for p in (*found.slices, *found.spare) if _piece(p).level == DOUBTFUL]
        audio = read_audio(self.recording(draft_id))
        return png(draw(audio, found.report.assessment, [*trouble, *found.report.assessment.trouble]))

    def before_and_after(self, draft_id: str, *, seconds: float = 8.0) -> tuple[Any, Any]:
        """The same few seconds as they were recorded and as they will be learned from, equally loud (``Audio``)."""
        from gpt_sovits.audio import concatenate, normalize, read_audio
        from gpt_sovits.dataset.build import LOUDNESS

        pieces = self.open(draft_id).pieces
        recorded = normalize(read_audio(self.recording(draft_id)), LOUDNESS)
        before, after, total = [], [], 0.0
        for piece in pieces:
            before.append(recorded.between(piece.start, piece.end))
            after.append(read_audio(self.sound(draft_id, piece.number)))
            total += piece.end - piece.start
            if total >= seconds:
                break
        return concatenate(before), concatenate(after)

    def discard(self, draft_id: str) -> None:
        """Overwrite and remove a draft."""
        with self._lock:
            erase_tree(self._folder(draft_id), overwrite=True)

    def hand_over(self, draft_id: str, recording: Path, work_dir: Path) -> None:
        """Move a reviewed training set into a job's folder, where the builder takes it for its own; the draft ends.

        ``recording``: the job's own copy. ``InputError`` when it is another one, or when too little was kept.
        """
        from gpt_sovits.dataset.assess import MIN_SPEECH
        from gpt_sovits.dataset.build import fingerprint_of, hold_out
        from gpt_sovits.dataset.training_set import TrainingSet

        with self._lock:
            folder = self._folder(draft_id)
            request = _read(folder)
            if sha256_of(recording) != request["sha256"]:
                raise InputError("The review belongs to another recording.", "Look over this one first.")
            found = TrainingSet.load(folder / "dataset")
            if found.seconds < MIN_SPEECH:
                raise InputError(
                    f"Only {found.seconds:.0f} seconds were kept; at least {MIN_SPEECH:.0f} are needed.",
                    "Keep more of the pieces.",
                )
            held_out = hold_out(list(found.slices))
            pieces = [
                *(p.replaced(holdout=n == held_out) for n, p in enumerate(found.slices)),
                *(p.replaced(holdout=False) for p in found.spare),
            ]
            name = fingerprint_of(recording, request["script"], request["language"], request["symbols"])
            _save(found, pieces, folder / "dataset", name)
            shutil.move(folder / "dataset", work_dir / "dataset")
            self.discard(draft_id)

    def request(self, draft_id: str) -> tuple[str, str, str]:
        """The text, the language and the base that the draft was made with."""
        found = _read(self._folder(draft_id))
        return found["script"], found["language"], found["base"]

    def _heard_again(self, piece: Any, text: str, language: str, request: Mapping[str, Any], share: np.ndarray) -> Any:
        from gpt_sovits.audio import read_audio, resample
        from gpt_sovits.dataset.build import LISTEN_RATE, listen
        from gpt_sovits.dataset.ears import ears_of
        from gpt_sovits.dataset.piece import hear
        from gpt_sovits.dataset.proof import unbiased
        from gpt_sovits.dataset.tongues import languages_of, within
        from gpt_sovits.dataset.transcript import script_words
        from gpt_sovits.dataset.vad import speech_spans
        from gpt_sovits.text import phonemize

        if len(text) > MAX_TEXT:
            raise InputError("This text is too long for one piece.", f"Use at most {MAX_TEXT} characters.")
        if not script_words(text, language):
            raise InputError("There is no word in this text that can be read.", "Leave the piece out instead.")
        ears = ears_of(self._load_base(request["base"]), self._load_base)
        heard = listen(resample(read_audio(piece.audio_path), LISTEN_RATE), ears)
        sound = unbiased(within(heard, languages_of(text, language)), share)
        speech = sum(span.seconds for span in speech_spans(read_audio(piece.audio_path)))
        result = hear(sound, 0.0, piece.seconds, text, language, ears.thresholds, speech=speech)
        return piece.replaced(
            text=text,
            language=language,
            phones=phonemize(text, language, request["symbols"]),
            confidence=result.confidence,
            remarks=result.remarks,
            reason="",
        )

    def _folder(self, draft_id: str) -> Path:
        folder = self._home / check_id(draft_id)
        if not (folder / "draft.json").is_file():
            raise MissingError("This review is over.", "Choose the recording again.")
        return folder


def erase_drafts(settings: Settings, user: str, digests: Mapping[str, int] | None = None) -> None:
    """Remove a user's drafts; with ``digests`` (SHA-256 -> bytes) only those of recordings that are among them."""
    for folder in (settings.data_dir / "drafts" / check_user(user)).glob("*"):
        try:
            known = digests is None or _read(folder)["sha256"] in digests
        except MissingError:
            known = True  # half made, by a process that was killed
        if known:
            erase_tree(folder, overwrite=True)


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "draft.json").read_text(encoding="utf-8"))
        return {name: found[name] + "" for name in _REQUEST} | {"by": str(found.get("by", PAGE))}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise MissingError("This review is over.", "Choose the recording again.") from error


def _maker(folder: Path) -> str:
    """PAGE or PROGRAM; "" of a damaged draft."""
    try:
        return str(_read(folder)["by"])
    except MissingError:
        return ""


def _save(found: Any, pieces: list[Any], folder: Path, fingerprint: str = "") -> None:
    from gpt_sovits.dataset.training_set import TrainingSet

    ordered = sorted(pieces, key=lambda piece: piece.start)
    kept = tuple(piece for piece in ordered if not piece.reason)
    spare = tuple(piece for piece in ordered if piece.reason)
    TrainingSet(kept, sum(p.seconds for p in kept), found.report, spare).save(folder, fingerprint)


def _piece(found: Any) -> Piece:
    wrong = tuple((r.start, r.end) for r in found.remarks if r.kind == "misread")
    more = any(r.kind == "added" for r in found.remarks)
    confident = found.confidence >= 0.5
    level = DOUBTFUL if not confident else SURE if found.confidence >= _SURE and not wrong and not more else UNSURE
    return Piece(
        int(found.audio_path.stem), found.start, found.end, found.text, found.language, not found.reason,
        found.confidence, level, wrong, more, found.reason,
    )  # fmt: skip
