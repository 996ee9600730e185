"""Codes of recordings whose words are known: prototypes, guided content, boundaries from elsewhere."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gpt_sovits.audio import read_audio, resample
from gpt_sovits.features.mini_content import MiniContentConfig, MiniContentEncoder
from gpt_sovits.lab.alignment import Aligner, load_alignment, states_from, states_of, text_of
from gpt_sovits.lab.codes import prototypes_of
from gpt_sovits.lab.content import BLANK
from gpt_sovits.lab.corpus import Clip
from gpt_sovits.text import phonemize

SMALL = MiniContentConfig(stem=16, hidden=16, blocks=1, phonetic=8, guidance=0.75)


def clip(transcript: str = "", guess: str = "") -> Clip:
    return Clip("a/b.opus", "a", "en", transcript, 8000.0, 0, 10, False, guess)


def test_guided_content_goes_three_quarters_of_the_way_to_what_was_said() -> None:
    encoder = MiniContentEncoder(SMALL)
    encoder.prototypes[3] = 1.0
    heard = torch.zeros(4, 8)
    said = torch.tensor([3, 7, BLANK, 3])
    guided = encoder.guided(heard, said)
    assert torch.equal(guided[:, 0], torch.tensor([0.75, 0.0, 0.0, 0.75]))  # a phone without a prototype draws nothing


def test_guidance_changes_the_content_only_where_it_is_given() -> None:
    torch.manual_seed(0)
    encoder = MiniContentEncoder(SMALL).eval()
    encoder.prototypes[3] = 1.0
    wave = torch.randn(1, 320 * 30) * 0.1
    said = torch.full((1, 30), BLANK)
    said[0, 10:20] = 3
    with torch.no_grad():
        plain, guided = encoder(wave), encoder(wave, said)
    assert torch.equal(plain[:, :, :10], guided[:, :, :10])
    assert not torch.equal(plain[:, :8, 10:20], guided[:, :8, 10:20])
    assert torch.equal(plain[:, 8:], guided[:, 8:])  # the melody stays the speaker's own


def test_prototypes_are_means_and_need_enough_frames() -> None:
    phonetic = [torch.ones(60, 2), 3 * torch.ones(60, 2), torch.ones(5, 2)]
    said = [np.full(60, 1), np.full(60, 1), np.full(5, 2)]
    found = prototypes_of(phonetic, said, 4)
    assert found.tolist() == [[0, 0], [2, 2], [0, 0], [0, 0]]


def test_states_count_phones_and_the_gaps_between() -> None:
    assert states_of([1, 3, 6], [3, 4, 8], 10).tolist() == [0, 1, 1, 3, 4, 4, 5, 5, 6, 6]


def test_an_alignment_of_other_phones_is_not_used(tmp_path: Path) -> None:
    line = '{"path": "a/b.opus", "phones": [5, 6], "starts": [0, 4], "ends": [4, 9]}\n'
    (tmp_path / "alignment.jsonl").write_text(line, encoding="utf-8")
    known = load_alignment(tmp_path)
    states = states_from(known, clip(), [5, 6])
    assert states is not None and states.tolist() == [1, 1, 1, 1, 3, 3, 3, 3, 3, 4]
    assert states_from(known, clip(), [5, 7]) is None
    assert load_alignment(tmp_path / "nowhere") == {}


def test_a_recognisers_guess_stands_in_for_a_missing_transcript() -> None:
    assert text_of(clip("HELLO THERE", "yellow bear")) == "hello there"
    assert text_of(clip("", "yellow bear")) == "yellow bear"
    assert text_of(clip()) == ""


def test_pocketsphinx_finds_where_each_phone_is() -> None:
    pytest.importorskip("pocketsphinx", reason="needs pocketsphinx (requirements-dev.txt)")
    folder = Path(__file__).parent.parent / "data"
    text = (folder / "one_minute.txt").read_text(encoding="utf-8")
    audio = resample(read_audio(folder / "one_minute.opus"), 16000)
    words = [list(r.phones) for r in phonemize(text, "en").readings if r.why != "mark"]
    found = Aligner().align(words, audio)
    assert found is not None
    starts, ends = found
    assert len(starts) == sum(map(len, words))
    assert all(a < b for a, b in zip(starts, ends, strict=True))
    assert starts == sorted(starts)
    assert ends[-1] > 0.8 * audio.seconds * 50
    loud = np.abs(audio.samples[: len(audio.samples) // 320 * 320].reshape(-1, 320)).mean(1)
    inside = np.concatenate([loud[a:b] for a, b in zip(starts, ends, strict=True)])
    outside = np.delete(loud, np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)]))
    assert inside.mean() > 4 * np.median(outside)  # the phones lie on the speech, the gaps on the silence
