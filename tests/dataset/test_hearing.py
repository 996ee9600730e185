"""The embedded base hears well enough to find the words of a stranger: a real minute, a real encoder."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_sovits.dataset.build import build_dataset
from gpt_sovits.errors import InputError
from gpt_sovits.settings import PROJECT_ROOT, Settings

DATA = Path(__file__).parents[1] / "data"
MINI = PROJECT_ROOT / "pretrained_models" / "mini" / "config.json"
pytestmark = pytest.mark.skipif(not MINI.is_file(), reason="the embedded base is not in pretrained_models/mini")

SCRIPT = (DATA / "one_minute.txt").read_text(encoding="utf-8").strip()
STARTS = (0.0, 4.635, 9.38, 13.775, 17.35, 20.135, 23.393, 28.778, 32.263, 36.398, 42.633, 47.508, 52.123, 55.648)
SENTENCES = [part + mark for part, mark in zip(
    SCRIPT.replace("?", ".")[:-1].split(". "), ["."] * 14, strict=True)]  # fmt: skip


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    from gpt_sovits.dataset.ears import ears_of
    from gpt_sovits.families.base import load_base

    settings = Settings(tmp_path_factory.mktemp("data"), threads=1)
    return ears_of(load_base("mini", settings), lambda name: load_base(name, settings))


def letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalpha())


def test_each_piece_gets_the_words_that_sound_in_it(encoder, tmp_path):
    found = build_dataset(DATA / "one_minute.opus", SCRIPT, "en", encoder, work_dir=tmp_path)
    assert found.seconds > 40 and len(found.held_out) == 1
    right = total = 0
    ends = [*STARTS[1:], 59.05]
    for piece in found.slices:
        inside = [
            sentence
            for sentence, start, end in zip(SENTENCES, STARTS, ends, strict=True)
            if min(end, piece.end) - max(start, piece.start) > 0.3
        ]
        said = {letters(word) for sentence in inside for word in sentence.split()}
        words = [letters(word) for word in piece.text.split()]
        right += sum(word in said for word in words)
        total += len(words)
    assert total > 70 and right / total > 0.93


def test_a_sentence_that_was_not_read_is_noticed(encoder, tmp_path):
    script = SCRIPT.replace("It will only", "Purple elephants juggle oranges beneath the icy mountain. It will only")
    found = build_dataset(DATA / "one_minute.opus", script, "en", encoder, work_dir=tmp_path)
    assert "Purple elephants juggle" not in " ".join(piece.text for piece in found.slices)


def test_another_text_is_refused(encoder, tmp_path):
    wrong = (
        "Long before the railway came, merchants walked this valley with donkeys and bells. They carried salt, copper "
        "and cheese from village to village, and slept in barns whenever snow closed the passes. Nobody knows how "
        "many travellers lost their way up there, but old songs still mention seven brothers from Genoa, who sold "
        "glass beads and never saw home again. Their lantern hangs above our chapel door."
    )
    with pytest.raises(InputError, match="does not fit the text"):
        build_dataset(DATA / "one_minute.opus", wrong, "en", encoder, work_dir=tmp_path)


def test_without_a_text_its_own_ears_do(encoder, tmp_path):
    found = build_dataset(DATA / "one_minute.opus", "", "auto", encoder, work_dir=tmp_path)
    assert found.report.transcript == "phones" and found.seconds > 45
    assert all(len(piece.phones.ids) > 3 * piece.seconds for piece in found.slices)
