"""Edit distances, what counts as a word or a phone, and the folder of voices."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpt_sovits.audio import Audio, write_wav
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.features.phone_errors import ErrorRate, comparable, error_rate
from gpt_sovits.lab.evaluation.folder import read_folder
from gpt_sovits.lab.evaluation.heldout import sentence, split_clips
from gpt_sovits.lab.evaluation.intelligibility import phone_recognizer, phones_of
from gpt_sovits.lab.evaluation.similarity import centroid, mean_standing, standing
from gpt_sovits.text import symbols
from tests.lab.fakes import tone, write_voices

small = st.lists(st.sampled_from("abc"), max_size=8)


@given(small, small)
def test_error_rate_is_a_distance(a: list[str], b: list[str]) -> None:
    assert (error_rate(a, b).errors == 0) == (a == b)
    assert error_rate(a, b).errors == error_rate(b, a).errors
    assert abs(len(a) - len(b)) <= error_rate(a, b).errors <= max(len(a), len(b))


def test_error_rate_counts_substituted_inserted_dropped() -> None:
    assert error_rate("the cat sat".split(), "the hat sat down".split()) == ErrorRate(2, 3)
    assert (ErrorRate(1, 4) + ErrorRate(1, 2)).rate == pytest.approx(1 / 3)
    assert ErrorRate().rate is None


def test_phones_forget_stress_and_pauses_but_not_tones() -> None:
    assert comparable(["HH", "AH0", "SP", ",", "OW1", "ao3", "E1", "_"]) == ["HH", "AH", "OW", "ao3", "E1"]
    assert phones_of("你好, hello!", "auto") == ["n", "i2", "h", "ao3", "HH", "AH", "L", "OW"]


def test_phone_recognizer_removes_repeats_and_blanks() -> None:
    table = symbols("v2")
    blank = len(table)
    path = [blank, table.ids["HH"], table.ids["HH"], blank, table.ids["AH0"], table.ids[","], table.ids["L"], blank]
    path += [table.ids["L"]]

    class Encoder:
        config = SimpleNamespace(symbols=blank)

        def phone_logits(self, wave: torch.Tensor) -> torch.Tensor:
            assert wave.shape == (1, 16000), "one second at 16 kHz"
            return torch.nn.functional.one_hot(torch.tensor(path), blank + 1).add(1e-6).log()[None]

    recognize = phone_recognizer(Encoder())  # type: ignore[arg-type]
    assert recognize(Audio(np.zeros(32000, np.float32), 32000)) == ["HH", "AH", "L", "L"]


def test_standing_ranks_among_all_speakers() -> None:
    axes = np.eye(3)
    embedding = centroid([axes[0], axes[0], axes[1]])
    found = standing(embedding, axes[1], {"first": axes[0], "third": axes[2]})
    assert found.rank == 2
    assert mean_standing([found, standing(axes[1], axes[1], {"first": axes[0], "third": axes[2]})]).rank == 1


def test_a_folder_without_splits_is_divided(tmp_path: Path) -> None:
    folder = write_voices(tmp_path)
    table = folder / "metadata.tsv"
    table.write_text(table.read_text().replace("\tsplit", "").replace("\ttrain", "").replace("\ttest", ""))
    speaker = read_folder(folder)[0]
    assert (len(speaker.train), len(speaker.test)) == (2, 2)
    assert not set(speaker.train) & set(speaker.test)


@pytest.mark.parametrize(
    ("table", "kind", "words_of_it"),
    [
        (None, MissingError, "metadata.tsv"),
        ("path\tspeaker\tlanguage\ttranscript\n", InputError, "no rows"),
        ("path\tspeaker\tlanguage\na.wav\ta\ten\n", InputError, "transcript"),
        ("path\tspeaker\tlanguage\ttranscript\nmissing.wav\ta\ten\thi\n", MissingError, "missing.wav"),
        ("path\tspeaker\tlanguage\ttranscript\n../a.wav\ta\ten\thi\n", MissingError, "not in the folder"),
        ("path\tspeaker\tlanguage\ttranscript\na.wav\ta\ten\thi\n", InputError, "no recording to judge"),
        ("path\tspeaker\tlanguage\ttranscript\tsplit\na.wav\ta\ten\thi\tdev\n", InputError, "split"),
    ],
)
def test_a_bad_folder_says_what_is_wrong(tmp_path: Path, table: str | None, kind: type, words_of_it: str) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    write_wav(folder / "a.wav", tone(440.0))
    write_wav(tmp_path / "a.wav", tone(440.0))
    if table is not None:
        (folder / "metadata.tsv").write_text(table)
    with pytest.raises(kind, match=words_of_it) as caught:
        read_folder(folder)
    assert caught.value.action


def test_held_out_clips_are_spread_and_few() -> None:
    splits = split_clips(20, 4)
    assert [index for index, split in enumerate(splits) if split == "test"] == [2, 8, 12, 18]
    with pytest.raises(InputError):
        split_clips(3, 4)


def test_capitals_become_a_sentence() -> None:
    assert sentence("I THINK I KNOW") == "I think I know."
    assert sentence("Already fine.") == "Already fine."
