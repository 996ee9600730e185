"""The word list through the studio and the command line: every way of speaking obeys it, nobody else's does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gpt_sovits.cli import main as cli
from gpt_sovits.errors import InputError
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.text import Entry
from tests.storage.conftest import make_voice


class Listener:
    """A synthesizer that only remembers how it was asked to speak."""

    def __init__(self) -> None:
        self.manners: list[dict[str, Any]] = []

    def speak(self, voice: Any, text: str, **manner: Any) -> Any:
        self.manners.append(manner)
        return iter(())


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def studio(tmp_path: Path, listener: Listener) -> Studio:
    return Studio(Settings(data_dir=tmp_path / "data"), synthesizer=listener)  # type: ignore[arg-type]


def test_every_way_of_speaking_obeys_the_words_of_the_one_who_speaks(studio: Studio, listener: Listener) -> None:
    studio.lexicon.add("蔚来", "wei4 lai2", "zh")
    clip, other = make_voice(0), make_voice(1)
    studio.speech.speak("蔚来", clip)
    studio.speech.speak("蔚来", studio.voices.mix(clip, other, 0.5))
    studio.session("ben").speech.speak("蔚来", clip)
    entries = [manner["lexicon"].entries for manner in listener.manners]
    assert entries == [(Entry("蔚来", "wei4 lai2", "zh"),)] * 2 + [()]


def test_will_be_read_as_tells_where_a_reading_comes_from(studio: Studio) -> None:
    studio.lexicon.add("SQL", "=sequel")
    text = "我[行|hang2]，SQL zorblat 3 行长"
    why = {text[r.start : r.end]: r.why for r in studio.speech.explain(text)}
    assert why == {"我": "dictionary", "行": "markup", "SQL": "lexicon", "zorblat": "guess", "3": "number",
                   "行长": "rule"}  # fmt: skip
    with pytest.raises(InputError):
        studio.speech.explain(" …… ")


def test_the_command_line_keeps_a_word_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> str:
        code = cli.main([*words, "--data", str(tmp_path / "data")], lambda settings: Studio(settings))
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("word,reading,language\n行,hang2,zh\nlive,L AY1 V,en\n", encoding="utf-8")
    assert "2 words" in run("lexicon", "import", str(table))
    run("lexicon", "add", "SQL", "=sequel", "--language", "en")
    run("lexicon", "remove", "行")
    assert [entry["word"] for entry in json.loads(run("lexicon", "list", "--json"))] == ["live", "SQL"]
    run("lexicon", "export", "--out", str(out))
    assert out.read_text(encoding="utf-8") == "word,reading,language\nlive,L AY1 V,en\nSQL,=sequel,en\n"
    rows = json.loads(run("read", "They live on SQL.", "--json"))
    assert [(row["text"], row["why"]) for row in rows if row["why"] == "lexicon"] == [
        ("live", "lexicon"),
        ("SQL", "lexicon"),
    ]
    assert rows[1]["phones"] == ["L", "AY1", "V"] and rows[1]["start"] == 5
    table.write_text("word,reading\n行,nonsense\n", encoding="utf-8")
    assert cli.main(["lexicon", "import", str(table), "--data", str(tmp_path / "data")]) == 2
    assert "Line 2 of the word list" in capsys.readouterr().err
