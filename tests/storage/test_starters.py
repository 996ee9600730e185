"""Voices to begin with: they speak and mix before anybody recorded, say what they are, and can be hidden for good."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.cli.main import main
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.settings import PROJECT_ROOT, Settings
from gpt_sovits.storage.starters import HIDDEN, KIND, Starters
from gpt_sovits.studio import Studio

BUNDLED = PROJECT_ROOT / "pretrained_models"


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(Settings.load(tmp_path))


def test_they_are_there_on_a_fresh_machine_and_say_that_they_are_invented(studio: Studio) -> None:
    cards = studio.voices.invented()
    assert 2 <= len(cards) <= 3
    assert studio.voices.list() == [], "they are not among the voices of the person"
    for card in cards:
        assert card.kind == KIND
        assert "invented" in card.consent.who
        assert "no person" in card.consent.statement
        size = sum(file.stat().st_size for file in (BUNDLED / card.base / "voices" / card.id).rglob("*"))
        assert size <= 1_000_000


def test_they_were_heard_by_the_base_that_lies_beside_them(studio: Studio) -> None:
    for card in studio.voices.invented():
        made_by = studio.voices.load(card.id).made_by
        with pytest.raises(MissingError, match="no version"):
            studio.voices.load(card.id, "../../x")
        assert made_by["base_release"] == studio.core.base(card.base).release, "run gpt_sovits.lab.invent again"


def test_one_speaks_and_a_mix_of_two_is_kept(studio: Studio) -> None:
    first, second = studio.voices.invented()[:2]
    assert studio.voices.find(first.name.upper()).id == first.id
    spoken = list(studio.speech.speak("Good morning.", first.id, language="en", seed=0))
    assert np.abs(spoken[0].audio.samples).max() > 0.05
    kept = studio.voices.save(studio.voices.mix(first.id, second.id, 0.5), "Between")
    assert studio.voices.find("Between").parents == (first.id, second.id)
    studio.voices.delete(first.id)
    assert list(studio.speech.speak("Good morning.", kept, language="en", seed=0)), "a mix holds what it needs"


def test_deleting_hides_one_from_this_user_only_and_for_good(studio: Studio, tmp_path: Path) -> None:
    first, *others = studio.voices.invented()
    studio.voices.delete(first.id)
    again = Studio(Settings.load(tmp_path))
    assert [card.id for card in again.voices.invented()] == [card.id for card in others]
    with pytest.raises(MissingError):
        again.voices.find(first.name)
    assert first.id in {card.id for card in again.session("ben").voices.invented()}
    again.voices.offer_invented(True)
    assert studio.voices.find(first.name).id == first.id
    again.voices.offer_invented(False)
    assert studio.voices.invented() == []


def test_a_voice_of_the_person_goes_before_an_invented_one_of_the_same_name(studio: Studio) -> None:
    first, second = studio.voices.invented()[:2]
    own = studio.voices.save(studio.voices.mix(first.id, second.id, 0.3), first.name)
    assert studio.voices.find(first.name).id == own


def test_what_makes_no_sense_is_refused_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = Studio(Settings.load(tmp_path)).voices.invented()[0].name
    for action in (["rename", name, "Mine"], ["lock", name], ["export", name], ["freeze", name]):
        assert main(["voices", *action, "--data", str(tmp_path)]) != 0
        assert "is an invented voice that comes with the program" in capsys.readouterr().err
    with pytest.raises(MissingError):
        Studio(Settings.load(tmp_path)).core.starters.hide("local", "invented99")


def test_the_command_line_names_hides_and_shows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = Studio(Settings.load(tmp_path)).voices.invented()[0].name

    def said(*words: str) -> str:
        assert main(["voices", *words, "--data", str(tmp_path)]) == 0
        return capsys.readouterr().out

    assert f"Invented voices that come with the program: {name}" in said("list")
    assert "No invented voice is shown." in said("invented", "--hide")
    assert "nvented voices" not in said("list")
    assert name in said("invented", "--show")
    said("delete", name, "--yes")
    assert name not in said("invented")


def test_a_damaged_one_or_a_damaged_list_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    bundled = tmp_path / "bundled"
    shutil.copytree(BUNDLED / "mini" / "voices", bundled / "mini" / "voices")
    starters = Starters(bundled, tmp_path / "registry")
    first, *others = starters.cards("local")
    starters.hide("local", others[0].id)
    (tmp_path / "registry" / "users" / "local" / HIDDEN).write_text("{", encoding="utf-8")
    (bundled / "mini" / "voices" / first.id / "voice.json").write_text("{", encoding="utf-8")
    assert [card.id for card in starters.cards("local")] == [card.id for card in others]
    with pytest.raises(InputError):
        starters.load(first.id)
    reference = next((bundled / "mini" / "voices" / others[0].id).rglob("reference.safetensors"))
    reference.write_bytes(reference.read_bytes()[:-1] + b"\0")
    with pytest.raises(InputError):
        starters.load(others[0].id)
