"""What the environment says, and nothing else reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.settings import CHOICE, Settings
from gpt_sovits.studio import Studio


def test_the_environment_is_read_and_an_argument_wins(tmp_path: Path) -> None:
    said = {"GPT_SOVITS_HOME": str(tmp_path), "GPT_SOVITS_DEVICE": "cpu", "GPT_SOVITS_THREADS": "2"}
    settings = Settings.load(None, said)
    assert (settings.data_dir, settings.device, settings.threads) == (tmp_path.resolve(), "cpu", 2)
    assert (settings.redis, settings.processes, settings.rank) == ("", 1, 0)
    assert Settings.load(tmp_path / "other", said).data_dir == (tmp_path / "other").resolve()
    with pytest.raises(InputError, match="not a number"):
        Settings.load(None, {**said, "GPT_SOVITS_THREADS": "many"})


def test_what_was_chosen_on_the_page_holds_from_the_next_start(tmp_path: Path) -> None:
    house = Studio(Settings(tmp_path)).session().house
    house.choose("cpu", 1)
    assert house.report(whole=True)["chosen"] == {"device": "cpu", "threads": 1}
    assert (Settings.load(tmp_path, {}).device, Settings.load(tmp_path, {}).threads) == ("cpu", 1)
    assert Settings.load(tmp_path, {"GPT_SOVITS_THREADS": "2"}).threads == 2
    for device, threads in (("cuda", 1), ("cpu", -1), ("cpu", 10_000)):
        with pytest.raises(InputError):
            house.choose(device, threads)
    (tmp_path / CHOICE).write_text("[")
    assert Settings.load(tmp_path, {}).threads == 0 and house.report(whole=True)["chosen"]["threads"] == 0
    with pytest.raises(MissingError):
        house.pace("v9")


def test_of_several_processes_each_has_its_own_card(tmp_path: Path) -> None:
    launched = {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "GPT_SOVITS_REDIS": "redis://host"}
    settings = Settings.load(tmp_path, {**launched, "GPT_SOVITS_DEVICE": "cuda"})
    assert (settings.processes, settings.rank, settings.device, settings.redis) == (4, 3, "cuda:1", "redis://host")
    assert Settings.load(tmp_path, {**launched, "GPT_SOVITS_DEVICE": "cpu"}).device == "cpu"
    assert Settings.load(tmp_path, {**launched, "GPT_SOVITS_DEVICE": "cuda:0"}).device == "cuda:0"
