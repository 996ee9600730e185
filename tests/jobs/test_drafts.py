"""A draft: looked over, corrected piece by piece, handed to the job, and gone afterwards, also by destruction."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gpt_sovits.audio import Audio, read_audio, resample, write_wav
from gpt_sovits.dataset.build import build_dataset
from gpt_sovits.dataset.ears import Ears
from gpt_sovits.dataset.training_set import TrainingSet
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import sha256_of
from gpt_sovits.jobs.review import DOUBTFUL, PAGE, Draft, Reviews, erase_drafts
from gpt_sovits.settings import Settings
from tests.dataset.test_build import SCRIPT, SECONDS, Listener

DATA = Path(__file__).parents[1] / "data"


class Echo:
    """Hears the whole recording as ``Listener`` does, and in a piece alone whatever text was last said of it."""

    def __init__(self, whole: Listener) -> None:
        self.whole = whole
        self.calls: list[int] = []

    def phone_logits(self, wave: torch.Tensor) -> torch.Tensor:
        self.calls.append(wave.shape[1])
        return self.whole.phone_logits(wave)


@pytest.fixture(scope="module")
def audio() -> Audio:
    return resample(read_audio(DATA / "one_minute.opus").between(0, SECONDS), 24000)


@pytest.fixture(scope="module")
def echo(audio: Audio) -> Echo:
    return Echo(Listener(audio))


@pytest.fixture
def drafts(tmp_path: Path, echo: Echo) -> Reviews:
    base = SimpleNamespace(ear=echo, config={}, symbols_version="v2")
    return Reviews(Settings(tmp_path / "data", threads=1), lambda name: base, "local")


@pytest.fixture
def recording(tmp_path: Path, audio: Audio) -> Path:
    write_wav(tmp_path / "mine.wav", audio)
    return tmp_path / "mine.wav"


@pytest.fixture
def draft(drafts: Reviews, recording: Path) -> Draft:
    return drafts.prepare(recording, script=SCRIPT, language="en", base="mini")


def test_a_draft_shows_pieces_in_order_and_their_sound(drafts: Reviews, draft: Draft, recording: Path) -> None:
    assert draft.verdict in ("good", "usable") and draft.transcript == "text" and not draft.skipped
    assert all(a.end <= b.start + 0.01 for a, b in zip(draft.pieces, draft.pieces[1:], strict=False))
    assert all(piece.kept and piece.confidence > 0.5 for piece in draft.pieces)
    sound = read_audio(drafts.sound(draft.id, draft.pieces[0].number))
    assert abs(sound.seconds - (draft.pieces[0].end - draft.pieces[0].start)) < 0.01
    assert drafts.picture(draft.id).startswith(b"\x89PNG")
    before, after = drafts.before_and_after(draft.id)
    assert before.seconds == pytest.approx(after.seconds, abs=0.05)
    assert sha256_of(drafts.recording(draft.id)) == sha256_of(recording)


def test_a_correction_hears_only_its_piece(drafts: Reviews, draft: Draft, echo: Echo) -> None:
    piece = draft.pieces[1]
    echo.calls.clear()
    changed = drafts.correct(draft.id, piece.number, text="Purple  elephants juggle oranges.")
    assert len(echo.calls) == 1 and echo.calls[0] < 11 * 16_000
    assert changed.text == "Purple elephants juggle oranges." and changed.level == DOUBTFUL and changed.kept
    echo.calls.clear()
    assert not drafts.correct(draft.id, piece.number, kept=False).kept and not echo.calls
    again = drafts.open(draft.id)
    assert [p.kept for p in again.pieces].count(False) == 1 and again.seconds < draft.seconds
    assert [p for p in again.pieces if p.number != piece.number] == [
        p for p in draft.pieces if p.number != piece.number
    ]
    with pytest.raises(InputError, match="no word"):
        drafts.correct(draft.id, piece.number, text=" ?! ")
    with pytest.raises(MissingError):
        drafts.correct(draft.id, 99, text="Hello.")


def test_the_reviewed_pieces_are_what_the_job_trains_on(
    drafts: Reviews, draft: Draft, recording: Path, echo: Echo, tmp_path: Path
) -> None:
    first, second = draft.pieces[:2]
    drafts.correct(draft.id, first.number, text="Good morning to everybody.")
    drafts.correct(draft.id, second.number, kept=False)
    job = tmp_path / "job"
    job.mkdir()
    drafts.hand_over(draft.id, recording, job)
    echo.calls.clear()
    made = build_dataset(recording, SCRIPT, "en", Ears(echo), work_dir=job / "dataset")
    assert not echo.calls, "the builder takes the reviewed set"
    assert made.slices[0].text == "Good morning to everybody." and len(made.slices) == len(draft.pieces) - 1
    assert all(piece.audio_path.is_file() for piece in made.slices)
    with pytest.raises(MissingError, match="over"):
        drafts.open(draft.id)


def test_too_little_that_is_kept_or_another_recording_is_refused(
    drafts: Reviews, draft: Draft, recording: Path, tmp_path: Path
) -> None:
    write_wav(tmp_path / "other.wav", Audio(np.zeros(100, np.float32), 24000))
    with pytest.raises(InputError, match="another recording"):
        drafts.hand_over(draft.id, tmp_path / "other.wav", tmp_path)
    for piece in draft.pieces[1:]:
        drafts.correct(draft.id, piece.number, kept=False)
    with pytest.raises(InputError, match="seconds were kept"):
        drafts.hand_over(draft.id, recording, tmp_path)
    assert drafts.open(draft.id).pieces[0].kept, "nothing is lost by a refusal"


def test_drafts_are_private_one_for_page_and_programs_each_and_erased(
    drafts: Reviews, draft: Draft, recording: Path, tmp_path: Path
) -> None:
    place = tmp_path / "data" / "drafts"
    with pytest.raises(MissingError):
        Reviews(Settings(tmp_path / "data", threads=1), lambda name: None, "other").open(draft.id)
    newer = drafts.prepare(recording, script=SCRIPT, language="en", base="mini")
    assert [folder.name for folder in (place / "local").iterdir()] == [newer.id]
    by_page = drafts.prepare(recording, script=SCRIPT, language="en", base="mini", by=PAGE)
    assert drafts.all() == [newer, by_page] and drafts.all(PAGE) == [by_page], "the page's look took a program's away"
    drafts.hand_over(by_page.id, recording, tmp_path)
    assert drafts.all() == [newer]
    settings = Settings(tmp_path / "data", threads=1)
    erase_drafts(settings, "local", {"0" * 64: 1})
    assert drafts.open(newer.id).id == newer.id
    erase_drafts(settings, "local", {sha256_of(recording): 1})  # as the destruction of a voice made from it does
    assert not list((place / "local").iterdir())
    with pytest.raises(InputError):
        drafts.prepare(recording, script="?!", language="en", base="mini")
    assert not [path for path in place.rglob("*") if path.is_file()], "a refused recording is not kept"


def test_a_set_with_pieces_left_out_is_read_back(drafts: Reviews, draft: Draft, tmp_path: Path) -> None:
    drafts.correct(draft.id, draft.pieces[0].number, kept=False)
    found = TrainingSet.load(tmp_path / "data" / "drafts" / "local" / draft.id / "dataset")
    assert len(found.spare) == 1 and found.spare[0].reason and len(found.report.share) == 733
