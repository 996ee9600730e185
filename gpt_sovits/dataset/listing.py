"""Lists of labelled sounds as GPT-SoVITS and its relatives exchange them: ``path|speaker|language|text`` per line.

A path in such a file is never followed: sounds are looked up by their file name in a folder that the person names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gpt_sovits.audio import Audio, concatenate, fade, normalize, read_audio, resample, silence, write_bytes, write_wav
from gpt_sovits.dataset.assess import assess
from gpt_sovits.dataset.build import LOUDNESS, RATE, hold_out
from gpt_sovits.dataset.training_set import Dropped, Report, Slice, TrainingSet
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.text import phonemize
from gpt_sovits.versions import PHONES

LANGUAGES = {"zh": "zh", "en": "en", "ja": "ja", "jp": "ja", "ko": "ko", "kr": "ko", "yue": "yue"}
LONGEST = 54.0  # seconds; longer sounds do not fit a training step


@dataclass(frozen=True)
class Line:
    """One sound of a list."""

    name: str
    speaker: str
    language: str
    text: str


def read_list(path: Path | str) -> list[Line]:
    """Lines of a list; empty ones are passed over. Raises ``InputError`` that names the first wrong line."""
    path = Path(path)
    if not path.is_file():
        raise MissingError(f"There is no list named {path.name!r}.", "Please choose a .list file.")
    try:
        rows = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"The list {path.name!r} is not a UTF-8 text.", "Please save it as UTF-8.") from error
    lines = []
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        fields = row.split("|", 3)
        language = LANGUAGES.get(fields[2].strip().lower()) if len(fields) == 4 else None
        if language is None or not fields[3].strip():
            raise InputError(
                f"Line {number} of {path.name!r} is not of the form path|speaker|language|text.",
                f"The language is one of: {', '.join(LANGUAGES)}.",
            )
        name = fields[0].strip().replace("\\", "/").rsplit("/", 1)[-1]
        lines.append(Line(name, fields[1].strip(), language, fields[3].strip()))
    if not lines:
        raise InputError(f"The list {path.name!r} is empty.", "Please choose a list with at least one line.")
    return lines


def write_list(found: TrainingSet, path: Path | str, speaker: str) -> None:
    """Write the pieces of a set as a list beside which upstream's tools can train; names are those of the files."""
    rows = []
    for piece in found.slices:
        language = piece.language if piece.language in LANGUAGES else _main_language(piece)
        text = " ".join(piece.text.replace("|", " ").split())
        if text:
            rows.append(f"{piece.audio_path.name}|{speaker.replace('|', ' ')}|{language}|{text}\n")
    if not rows:
        raise InputError("This data set has no text that could be exported.", "Build it with the text that was read.")
    write_bytes(path, "".join(rows).encode())


def _main_language(piece: Slice) -> str:
    counts: dict[str, int] = {}
    for span in piece.phones.spans:
        counts[span.language] = counts.get(span.language, 0) + span.count
    return max(counts, key=lambda language: counts[language], default="en")


def dataset_from_list(
    lines: Sequence[Line],
    sounds: Path | str,
    *,
    work_dir: Path | str,
    version: str = PHONES,
    on_event: EventSink = ignore,
    cancel: CancelToken | None = None,
) -> TrainingSet:
    """A training set of one speaker's labelled sounds, which lie in the folder ``sounds``.

    The labels are trusted (confidence 1). What is missing or unreadable is reported as dropped; when nothing is left,
    ``InputError`` says why. Raises it too when the lines belong to several speakers.
    """
    cancel, folder, sounds = cancel or CancelToken(), Path(work_dir), Path(sounds)
    speakers = sorted({line.speaker for line in lines})
    if len(speakers) > 1:
        raise InputError(f"The list holds {len(speakers)} speakers.", f"Please keep one of: {', '.join(speakers[:5])}.")
    pieces: list[Slice] = []
    dropped: list[Dropped] = []
    parts: list[Audio] = []
    now = 0.0
    for number, line in enumerate(lines):
        cancel.check()
        on_event(Event("list", "Reading the sounds of the list.", number, len(lines)))
        try:
            audio = normalize(resample(read_audio(sounds / line.name, max_seconds=LONGEST), RATE), LOUDNESS)
        except VoiceError as error:
            dropped.append(Dropped(now, now, line.text, error.message))
            continue
        target = folder / f"{number:04d}.wav"
        write_wav(target, fade(audio))
        phones = phonemize(line.text, line.language, version)
        pieces.append(Slice(target, line.text, line.language, phones, now, now + audio.seconds, 1.0))
        now += audio.seconds
        if sum(part.seconds for part in parts) < 120:
            parts += [audio, silence(0.3, RATE)]
    if not pieces:
        raise InputError("None of the list's sounds could be read.", dropped[0].reason)
    held_out = hold_out(pieces)
    pieces = [piece.replaced(holdout=number == held_out) for number, piece in enumerate(pieces)]
    report = Report("text", assess(concatenate(parts)), (), tuple(dropped), 1.0)
    result = TrainingSet(tuple(pieces), now, report)
    result.save(folder)
    return result
