"""People the base never met: the right text of each is accepted and a wrong one refused. Trains nothing.

The bounds that the base's config.json carries were set on many more (``measured`` beside them says on whom); here are
a few of those people, whose recordings are read from ../shared, whole and spoiled.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from scipy import signal

from gpt_sovits.audio import Audio, normalize, resample
from gpt_sovits.dataset.build import LISTEN_RATE, listen
from gpt_sovits.dataset.ears import ears_of
from gpt_sovits.dataset.proof import Thresholds, fitting_share, shares, unbiased
from gpt_sovits.dataset.tongues import within
from gpt_sovits.dataset.transcript import script_words
from gpt_sovits.lab.evaluation.folder import read_table
from gpt_sovits.lab.evaluation.heldout import read_clips, sentence
from gpt_sovits.lab.evaluation.transcripts import recording_proofs
from gpt_sovits.settings import PROJECT_ROOT, Settings

MINI = PROJECT_ROOT / "pretrained_models" / "mini" / "config.json"
CLIPS = 6


def telephone(samples: np.ndarray, rate: int) -> np.ndarray:
    return signal.sosfilt(signal.butter(4, (300, 3400), "band", fs=rate, output="sos"), samples)


def noise(samples: np.ndarray, rate: int) -> np.ndarray:
    hiss = np.random.default_rng(0).normal(0.0, 1.0, len(samples))
    return samples + hiss * samples.std() * 10 ** (-15 / 20)


def room(samples: np.ndarray, rate: int) -> np.ndarray:
    """Reverberation that falls by 60 dB within 0.45 s."""
    time = np.arange(rate // 2) / rate
    response = np.random.default_rng(2).normal(0.0, 1.0, len(time)) * 10 ** (-3 * time / 0.45)
    response *= 0.9 / np.sqrt(np.square(response).sum())
    response[0] = 1.0
    return signal.fftconvolve(samples, response)[: len(samples)]


def plain(samples: np.ndarray, rate: int) -> np.ndarray:
    return samples


PEOPLE: list[tuple[str, str, str, Callable[[np.ndarray, int], np.ndarray]]] = [
    ("corpus", "so9631", "en", plain),
    ("corpus", "so1064", "en", telephone),
    ("corpus_teacher", "kokoro-bm_lewis72-zm_yunxia28", "en", noise),
    ("corpus_teacher", "kokoro-af_jessica28-zf_xiaobei72", "zh", plain),
    ("corpus_teacher", "kokoro-am_echo74-am_puck26", "zh", room),
    ("corpus_teacher", "kokoro-af_jessica28-zf_xiaobei72", "zh", telephone),
    ("corpus", "so0739", "en", room),
    ("corpus", "aishellS0252", "zh", telephone),
]


@pytest.fixture(scope="module")
def ears(tmp_path_factory):
    if not MINI.is_file():
        pytest.skip("the embedded base is not in pretrained_models/mini")
    from gpt_sovits.families.base import load_base

    settings = Settings(tmp_path_factory.mktemp("data"), threads=1)
    return ears_of(load_base("mini", settings), lambda name: load_base(name, settings))


@pytest.mark.parametrize(("corpus", "speaker", "language", "spoil"), PEOPLE)
def test_a_strangers_text_is_told_from_another(corpus, speaker, language, spoil, ears, shared):
    table = read_table(shared / corpus / "metadata.tsv")
    rows = [row for row in table if row["speaker"] == speaker and row["language"] == language][:CLIPS]
    others = [row for row in table if row["speaker"] != speaker and row["language"] == language
              and row["speaker"][:2] == speaker[:2]]  # fmt: skip
    pieces = []
    for _, clip in read_clips(shared / corpus, rows):
        sound = resample(clip, LISTEN_RATE)
        changed = Audio(spoil(sound.samples, sound.rate).astype(np.float32), sound.rate)
        pieces.append(within(listen(normalize(changed), ears), {language}))
    share = shares(np.concatenate(pieces))
    sounds = [unbiased(piece, share) for piece in pieces]

    def said(wanted: list[dict[str, str]]) -> float:
        words = [w.ids for row in wanted for w in script_words(sentence(row["transcript"]), language)]
        proofs = recording_proofs(sounds, words, ears.thresholds.weight({language}))
        return fitting_share(proofs, sum(proof.seconds for proof in proofs), ears.thresholds)

    assert said(others[:CLIPS]) < ears.thresholds.fitting <= said(rows)


def test_the_bounds_say_how_often_they_are_wrong():
    stored = json.loads(MINI.read_text(encoding="utf-8"))["alignment"]
    Thresholds.of({"alignment": stored})
    measured = stored["measured"]
    assert measured["people"] >= 30
    assert measured["right_refused"] <= 0.01 and measured["wrong_accepted"] <= 0.01
