"""What training is fed with: pieces of speech with their phones, as values and as a folder.

A folder holds ``dataset.json`` and one 32 kHz mono WAV per piece. The JSON is written last, so a folder with one is
complete.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gpt_sovits.audio import write_bytes
from gpt_sovits.dataset.assess import Assessment, Problem
from gpt_sovits.dataset.transcript import Remark
from gpt_sovits.dataset.vad import Span
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.text import Phones
from gpt_sovits.text import Span as TextSpan

FILE = "dataset.json"
FORMAT = 2


@dataclass(frozen=True)
class Slice:
    """A piece of the recording: ``start`` to ``end`` seconds of it, at ``audio_path`` as 32 kHz mono.

    ``confidence`` 0 to 1: how well ``phones`` fit what is heard. ``holdout``: kept from training, to judge it.
    ``remarks``: doubtful places, with offsets in ``text``. ``reason``: why the piece is left out; empty when it is not.
    """

    audio_path: Path
    text: str
    language: str
    phones: Phones
    start: float
    end: float
    confidence: float
    holdout: bool = False
    remarks: tuple[Remark, ...] = ()
    reason: str = ""

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def replaced(self, **changes: Any) -> Slice:
        """A copy with some fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Dropped:
    """A piece that is not trained on, and why."""

    start: float
    end: float
    text: str
    reason: str


@dataclass(frozen=True)
class Report:
    """How the set came about. ``transcript``: "text" when words were aligned, "phones" when nobody gave a text,
    "recognised" when a machine wrote it down.

    ``cleaned``: what was taken out of the recording (hum, noise); empty for a good one. ``share``: see
    ``proof.shares``, for listening to a piece again.
    """

    transcript: str
    assessment: Assessment
    remarks: tuple[Remark, ...]
    dropped: tuple[Dropped, ...]
    confidence: float
    cleaned: tuple[str, ...] = ()
    share: tuple[float, ...] = ()


@dataclass(frozen=True)
class TrainingSet:
    """``slices`` in the order of the recording; ``seconds`` is their sum. ``spare``: pieces that were left out."""

    slices: tuple[Slice, ...]
    seconds: float
    report: Report
    spare: tuple[Slice, ...] = ()

    @property
    def training(self) -> tuple[Slice, ...]:
        """The pieces to learn from."""
        return tuple(piece for piece in self.slices if not piece.holdout)

    @property
    def held_out(self) -> tuple[Slice, ...]:
        """The pieces to judge by."""
        return tuple(piece for piece in self.slices if piece.holdout)

    def save(self, folder: Path | str, fingerprint: str = "") -> None:
        """Write ``dataset.json``; the sounds must lie in ``folder`` already. ``fingerprint`` names the input."""
        folder = Path(folder)
        for piece in (*self.slices, *self.spare):
            if piece.audio_path.parent.resolve() != folder.resolve():
                raise InputError(f"{piece.audio_path.name} is not in the data set's folder.", "Copy it there first.")
        content = {
            "format": FORMAT,
            "fingerprint": fingerprint,
            "seconds": self.seconds,
            "slices": [{**asdict(piece), "audio_path": piece.audio_path.name} for piece in self.slices],
            "spare": [{**asdict(piece), "audio_path": piece.audio_path.name} for piece in self.spare],
            "report": asdict(self.report),
        }
        write_bytes(folder / FILE, json.dumps(content, ensure_ascii=False, indent=1).encode())

    @staticmethod
    def load(folder: Path | str) -> TrainingSet:
        """Read a saved set. Raises ``MissingError`` or ``InputError``."""
        folder = Path(folder)
        try:
            content = json.loads((folder / FILE).read_text(encoding="utf-8"))
            return _decode(content, folder)
        except FileNotFoundError as error:
            raise MissingError(
                f"There is no finished data set in {folder.name!r}.", "Please build it first."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"The data set in {folder.name!r} is damaged.", "Please build it again.") from error

    @staticmethod
    def load_if_finished(folder: Path | str, fingerprint: str) -> TrainingSet | None:
        """The set in ``folder`` if it was finished for this input, with all its sounds; else None."""
        try:
            content = json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))
            if content["fingerprint"] != fingerprint:
                return None
            found = _decode(content, Path(folder))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if all(piece.audio_path.is_file() for piece in (*found.slices, *found.spare)) else None


def _decode(content: dict[str, Any], folder: Path) -> TrainingSet:
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']}")
    slices, spare = ([_piece(item, folder) for item in content[name]] for name in ("slices", "spare"))
    report = content["report"]
    measured = report.pop("assessment")
    assessment = Assessment(
        **{
            **measured,
            "spans": tuple(Span(**span) for span in measured["spans"]),
            "trouble": tuple(Span(**span) for span in measured["trouble"]),
            "problems": tuple(Problem(**problem) for problem in measured["problems"]),
        }
    )
    notes = tuple(_remark(note) for note in report.pop("remarks"))
    dropped = tuple(Dropped(**item) for item in report.pop("dropped"))
    report["cleaned"], report["share"] = tuple(report["cleaned"]), tuple(report["share"])
    found = Report(assessment=assessment, remarks=notes, dropped=dropped, **report)
    return TrainingSet(tuple(slices), content["seconds"], found, tuple(spare))


def _piece(item: dict[str, Any], folder: Path) -> Slice:
    phones, notes = _phones(item.pop("phones")), tuple(_remark(note) for note in item.pop("remarks"))
    name = Path(item.pop("audio_path")).name  # never a path from a file
    return Slice(audio_path=folder / name, phones=phones, remarks=notes, **item)


def _remark(note: dict[str, Any]) -> Remark:
    return Remark(**{**note, "time": None if note["time"] is None else tuple(note["time"])})


def _phones(item: dict[str, Any]) -> Phones:
    def numbers(values: list[int] | None) -> tuple[int, ...] | None:
        return None if values is None else tuple(values)

    spans = tuple(
        TextSpan(**{**span, "word2ph": numbers(span["word2ph"]), "neutral": tuple(span["neutral"])})
        for span in item["spans"]
    )
    return Phones(tuple(item["phones"]), tuple(item["ids"]), numbers(item["word2ph"]), item["norm_text"], spans)
