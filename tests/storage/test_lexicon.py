"""A user's own readings on disk: kept, private, whole or not there, and refused with the line that is wrong."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.storage.word_lists import WordList, WordLists
from gpt_sovits.text import Entry


@pytest.fixture
def words(tmp_path: Path) -> WordList:
    return WordLists(tmp_path / "registry").of("local")


def test_words_are_kept_per_user_and_private(words: WordList, tmp_path: Path) -> None:
    assert words.entries() == () and words.lexicon().entries == ()
    words.add("重庆", "chong2 qing4", "zh")
    words.add(" SQL ", "=sequel")
    again = WordLists(tmp_path / "registry")
    assert again.of("local").entries() == (Entry("SQL", "=sequel"), Entry("重庆", "chong2 qing4", "zh"))
    assert again.of("ben").entries() == ()
    path = tmp_path / "registry" / "users" / "local" / "words.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_text(encoding="utf-8").startswith("word,")


def test_a_word_has_one_reading_per_language(words: WordList) -> None:
    words.add("行", "hang2", "zh")
    words.add("行", "hong4", "yue")
    words.add("行", "xing2", "zh")
    assert [(entry.reading, entry.language) for entry in words.entries()] == [("hong4", "yue"), ("xing2", "zh")]
    assert words.remove("行", "yue") == 1 and words.remove("行") == 1
    with pytest.raises(MissingError, match="行"):
        words.remove("行")


def test_import_adds_all_rows_or_none_and_names_the_line(words: WordList) -> None:
    words.add("行", "hang2")
    assert words.import_csv("\ufeffword,reading,language\r\n行,xing2\r\n\r\nNASA,spell,EN\r\n".encode()) == 2
    assert words.export_csv() == "word,reading,language\nNASA,spell,en\n行,xing2,\n"
    wrong = {"好,hao3\n\n坏,huaii": "Line 3", "好": "Line 1", "好,hao3,klingon": "klingon", ",hao3": "Line 1"}
    for table, named in wrong.items():
        with pytest.raises(InputError, match=named) as caught:
            words.import_csv(table)
        assert len(caught.value.message.splitlines()) == 1 and caught.value.action
    with pytest.raises(InputError, match="UTF-8"):
        words.import_csv(b"\x81\xff,hao3")
    assert len(words.entries()) == 2


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_a_table_of_any_spreadsheet_is_taken(words: WordList, encoding: str) -> None:
    assert words.import_csv("词;读音\n\n重庆;chóngqìng\n行;hang2\n".encode(encoding)) == 2
    assert [entry.word for entry in words.entries()] == ["行", "重庆"]


def test_two_writers_lose_nothing(words: WordList, tmp_path: Path) -> None:
    def fill(name: str) -> None:
        mine = WordLists(tmp_path / "registry").of("local")
        for number in range(8):
            mine.add(f"{name}{number}", "spell")

    writers = [threading.Thread(target=fill, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(words.entries()) == 16


def test_a_user_is_never_a_path(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        WordLists(tmp_path).of("../other")
