"""Labelled sounds of the older tools come in and go out, and their lists cannot reach other files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_sovits.audio import read_audio, resample, write_wav
from gpt_sovits.dataset.listing import Line, dataset_from_list, read_list, write_list
from gpt_sovits.errors import InputError, MissingError

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    audio = resample(read_audio(DATA / "one_minute.opus"), 16000)
    write_wav(folder / "a.wav", audio.between(0, 4.2))
    write_wav(folder / "b.wav", audio.between(4.6, 9.0))
    return folder


def test_lists_are_read_whatever_wrote_them(tmp_path):
    path = tmp_path / "x.list"
    path.write_bytes("\ufeffC:\\data\\a.wav|anna|EN|Hello | there.\r\n\n/other/b.wav|anna|zh|你好\n".encode())
    assert read_list(path) == [Line("a.wav", "anna", "en", "Hello | there."), Line("b.wav", "anna", "zh", "你好")]


@pytest.mark.parametrize("row", ["a.wav|anna|en", "a.wav|anna|klingon|nuqneH", "a.wav|anna|en| ", "just words"])
def test_a_wrong_line_is_named(tmp_path, row):
    (tmp_path / "x.list").write_text(f"a.wav|anna|en|Fine.\n{row}\n")
    with pytest.raises(InputError, match="Line 2 of 'x.list'"):
        read_list(tmp_path / "x.list")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "x.list").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "empty.list").write_text("\n\n")
    for name, words in {"x.list": "UTF-8", "empty.list": "empty"}.items():
        with pytest.raises(InputError, match=words):
            read_list(tmp_path / name)
    with pytest.raises(MissingError):
        read_list(tmp_path / "none.list")


def test_a_list_becomes_a_set_and_a_list_again(tmp_path, sounds):
    lines = [
        Line("a.wav", "anna", "en", "He could, but what would he do?"),
        Line("lost.wav", "anna", "en", "Nothing."),
        Line("b.wav", "anna", "en", "She smiled for the first time that day."),
    ]
    found = dataset_from_list(lines, sounds, work_dir=tmp_path / "set")
    assert [piece.text for piece in found.slices] == [lines[0].text, lines[2].text]
    assert all(read_audio(piece.audio_path).rate == 32000 for piece in found.slices)
    assert "D" in found.slices[0].phones.phones and abs(found.seconds - 8.6) < 0.1
    assert [item.text for item in found.report.dropped] == ["Nothing."]
    assert found.report.assessment.speech_seconds > 4
    write_list(found, tmp_path / "set" / "out.list", "anna|b")
    again = read_list(tmp_path / "set" / "out.list")
    assert [line.text for line in again] == [lines[0].text, lines[2].text] and again[0].speaker == "anna b"
    assert all((tmp_path / "set" / line.name).is_file() for line in again)


def test_a_list_cannot_leave_its_folder(tmp_path, sounds):
    (tmp_path / "x.list").write_text(f"../{sounds.name}/a.wav|anna|en|Secret.\n")
    (tmp_path / "here").mkdir()
    with pytest.raises(InputError, match="None of the list"):
        dataset_from_list(read_list(tmp_path / "x.list"), tmp_path / "here", work_dir=tmp_path / "set")


def test_several_speakers_are_refused(sounds, tmp_path):
    lines = [Line("a.wav", "anna", "en", "One."), Line("b.wav", "ben", "en", "Two.")]
    with pytest.raises(InputError, match="2 speakers"):
        dataset_from_list(lines, sounds, work_dir=tmp_path)
