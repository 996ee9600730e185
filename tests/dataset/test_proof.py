"""Each word of a piece is proved: swapped, added and dropped words stand out, and doubt travels with the base."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gpt_sovits.audio import Audio, write_wav
from gpt_sovits.dataset.ears import Ears, ears_of
from gpt_sovits.dataset.piece import hear
from gpt_sovits.dataset.proof import Proof, Thresholds, fitting_share, prove, shares, unbiased
from gpt_sovits.dataset.transcript import script_words
from gpt_sovits.errors import InputError
from gpt_sovits.lab.evaluation.transcripts import measure, spoil, table

BLANK = 732
SENTENCE = "The quiet river carried seven wooden boats under the old stone bridge."


def sounding(text: str, seed: int = 0, sure: float = 6.0) -> np.ndarray:
    """Posteriors of somebody who says ``text``, five frames a phone, silence around."""
    ids = [i for word in script_words(text, "en") for i in word.ids]
    heard = np.array([BLANK] * 10 + [i for i in ids for _ in range(5)] + [BLANK] * 10)
    odds = np.random.default_rng(seed).normal(0.0, 1.5, (len(heard), BLANK + 1))
    odds[np.arange(len(heard)), heard] += sure
    found = torch.from_numpy(odds).log_softmax(-1).numpy()
    return unbiased(found, shares(found))


def words(text: str) -> list[tuple[int, ...]]:
    return [word.ids for word in script_words(text, "en")]


LIMITS = Thresholds(confident=1.0, fitting=1.0, word=0.0, gap=8.0)


def test_every_word_that_was_said_is_proved():
    proof = prove(sounding(SENTENCE), words(SENTENCE))
    assert min(proof.words) > 3 and max(proof.gaps) < 5
    assert proof.wrong_words(LIMITS) == [] and proof.extra_gaps(LIMITS) == [] and proof.fit > 5


@pytest.mark.parametrize(
    ("text", "wrong", "gap"),
    [
        (SENTENCE.replace("seven", "purple"), [4], None),
        (SENTENCE.replace("wooden", "wooden garden"), [6], None),
        (SENTENCE.replace("wooden ", ""), [], 5),
    ],
)
def test_a_changed_word_stands_out(text: str, wrong: list[int], gap: int | None):
    proof = prove(sounding(SENTENCE), words(text))
    assert proof.wrong_words(LIMITS) == wrong
    assert gap is None or proof.extra_gaps(LIMITS) == [gap]


def test_another_text_has_no_confidence():
    right, wrong = (hear(sounding(SENTENCE), 0, 99, text, "en", LIMITS) for text in
                    (SENTENCE, "Purple elephants juggle bright oranges beneath an icy mountain."))  # fmt: skip
    assert right.confidence > 0.9 > 0.5 > wrong.confidence and not right.remarks
    assert wrong.remarks[0].kind == "misread" and wrong.remarks[0].start == 0


def test_remarks_point_into_the_text():
    found = hear(sounding(SENTENCE), 0, 99, SENTENCE.replace("seven", "purple"), "en", LIMITS).remarks
    assert [(r.kind, r.text) for r in found] == [("misread", "purple")]
    assert SENTENCE.replace("seven", "purple")[found[0].start : found[0].end] == "purple"
    dropped = SENTENCE.replace("wooden ", "")
    added = hear(sounding(SENTENCE), 0, 99, dropped, "en", LIMITS).remarks
    assert [r.kind for r in added] == ["added"] and dropped[added[0].start :].startswith("boats")


def test_too_little_sound_and_no_words_are_not_an_error():
    assert prove(sounding(SENTENCE)[:3], words(SENTENCE)).fit < -100
    assert prove(sounding(SENTENCE), []).words == ()
    assert hear(sounding(SENTENCE), 0, 99, "?!", "en", LIMITS).confidence < 0.01


def test_one_wrong_sentence_does_not_spoil_a_recording():
    said, other = (Proof((margin,), (0.0, 0.0), (40,), 4.0) for margin in (3.0, -1.0))
    assert fitting_share([said, said, other], 12.0, LIMITS) == pytest.approx(2 / 3)
    assert fitting_share([other, other], 8.0, LIMITS) == fitting_share([], 0.0, LIMITS) == 0.0


def test_a_word_that_fits_by_luck_does_not_carry_a_text():
    lucky = Proof((40.0, -1.0, -1.5), (0.0,) * 4, (2, 8, 9), 2.0)
    plain = Proof((2.0, 2.5, 1.5), (0.0,) * 4, (6, 8, 9), 2.0)
    assert lucky.evidence < 0 < 20 < plain.evidence


def test_thresholds_travel_in_a_base_config():
    assert Thresholds.of({}) == Thresholds()
    assert Thresholds.of({"alignment": {"word": -2}}).word == -2.0
    for damaged in ({"alignment": {"words": 1.0}}, {"alignment": {"word": "low"}}, {"alignment": 3}):
        with pytest.raises(InputError, match="alignment"):
            Thresholds.of(damaged)


def test_a_base_that_hears_no_phones_borrows_ears():
    deaf = SimpleNamespace(ear=None, config={})
    embedded = SimpleNamespace(ear=object(), config={"alignment": {"gap": 3.0}})
    ears = ears_of(deaf, lambda name: embedded)
    assert ears.encoder is embedded.ear and ears.thresholds.gap == 3.0
    assert ears_of(embedded, lambda name: deaf).encoder is embedded.ear and isinstance(ears, Ears)


def test_the_measure_finds_what_was_spoiled(tmp_path: Path):
    """Two made-up speakers whose encoder hears rather well: most of what is changed is found, and it is printed."""
    lines = ["Seven wooden boats crossed the river.", "Nobody remembers that stormy evening.",
             "Bring another basket of yellow apples.", "Their teacher opened every single window."]  # fmt: skip
    rows = ["path\tspeaker\tlanguage\ttranscript"]
    heard = {}
    for speaker in ("anna", "ben"):
        for number, line in enumerate(lines):
            path = f"{speaker}{number}.wav"
            frames = len(sounding(line))
            write_wav(tmp_path / path, Audio(np.full(frames * 320, 0.1, np.float32), 16_000))
            rows.append(f"{path}\t{speaker}\ten\t{line}")
            heard[frames] = line
    (tmp_path / "metadata.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    class Listener:
        def phone_logits(self, wave: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(sounding(heard[wave.shape[1] // 320]))[None]

    result, chosen = measure(tmp_path, Listener(), slices=8)
    assert result.score.recall > 0.8 and result.score.precision > 0.7 and result.right > result.wrong
    assert "swapped" in table(result) and json.dumps(chosen.to_dict())
    rng = random.Random(0)
    text = words(SENTENCE)
    assert [len(spoil(text, kind, text, rng)) - len(text) for kind in ("swapped", "added", "dropped")] == [0, 1, -1]
