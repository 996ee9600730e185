"""Words find their place in time although people skip, repeat and improvise."""

from __future__ import annotations

import time

import numpy as np
import pytest

from gpt_sovits.dataset.align import Alignment, align, greedy, sister_groups
from gpt_sovits.errors import CancelledError
from gpt_sovits.events import CancelToken

V = 60


def speak(words, rng, *, confusion=0.15, pause_every=5, per_phone=4):
    """Posteriors [T, V + 1] of somebody who says ``words``, and each word's (first, last) frame.

    Peaky as CTC networks are: each phone shows for one or two of its frames, the rest is blank. With probability
    ``confusion`` the right phone is only third best.
    """
    rows, places = [], []

    def row(best, weight):
        probabilities = rng.dirichlet(np.full(V + 1, 0.05)) * (1 - weight) + 1e-5
        probabilities[best] += weight
        return np.log(probabilities / probabilities.sum())

    for number, word in enumerate(words):
        if number % pause_every == 0:
            rows += [row(V, 0.95) for _ in range(20)]
        begin = len(rows)
        for phone in word:
            for k in range(per_phone):
                peak = k in (1, 2)
                heard = rng.integers(V) if peak and rng.random() < confusion else phone
                weight = 0.55 if heard != phone else 0.75
                rows.append(row(heard if peak else V, weight if peak else 0.9))
                if heard != phone:
                    rows[-1] = np.logaddexp(rows[-1], np.log(0.05) + np.log(np.eye(V + 1)[phone] + 1e-9))
        places.append((begin, len(rows)))
    rows += [row(V, 0.95) for _ in range(20)]
    return np.array(rows, np.float32), places


def random_words(rng, count):
    return [tuple(rng.integers(0, V, rng.integers(1, 8)).tolist()) for _ in range(count)]


def errors(found: Alignment, places, indices=None) -> list[float]:
    """Distance in seconds between the true and the found middle of each spoken word."""
    words = [w for w in found.words if not w.skipped]
    by_index = {w.index: w for w in words}
    out = []
    for order, (a, b) in enumerate(places):
        word = by_index.get(indices[order] if indices else order)
        out.append(abs((word.start + word.end) / 2 - (a + b) * 0.01) if word else 9.0)
    return out


def test_a_minute_is_aligned_within_a_phone():
    rng = np.random.default_rng(0)
    words = random_words(rng, 150)
    probabilities, places = speak(words, rng)
    found = align(probabilities, words)
    wrong = errors(found, places)
    assert np.mean(np.array(wrong) < 0.06) > 0.97 and found.confidence > 0.5
    assert not any(word.skipped for word in found.words) and not found.foreign
    starts = [word.start for word in found.words]
    assert starts == sorted(starts)
    assert all(len(w.phones) == len(words[w.index]) for w in found.words)


def test_skipped_words_are_named_and_the_rest_keeps_its_place():
    rng = np.random.default_rng(1)
    words = random_words(rng, 80)
    left_out = {30, 31, 32, 33, 60}
    words[60] = (1, 2, 3, 4, 5)
    said = [w for i, w in enumerate(words) if i not in left_out]
    probabilities, places = speak(said, rng)
    found = align(probabilities, words)
    skipped = {word.index for word in found.words if word.skipped}
    assert left_out <= skipped | {i for i in left_out if len(words[i]) < 3} and len(skipped - left_out) <= 1
    kept = [i for i in range(len(words)) if i not in left_out]
    assert np.mean(np.array(errors(found, places, kept)) < 0.06) > 0.95


def test_repeats_and_remarks_are_not_forced_onto_the_text():
    rng = np.random.default_rng(2)
    words = random_words(rng, 60)
    remark = random_words(rng, 12)
    said = [*remark, *words[:30], *words[20:30], *words[30:], *remark]
    probabilities, places = speak(said, rng)
    found = align(probabilities, words)
    assert not any(word.skipped for word in found.words)
    after = errors(found, places[12 + 40 : 12 + 70], list(range(30, 60)))
    assert np.mean(np.array(after) < 0.06) > 0.95
    spent = sum(b - a for a, b in found.foreign)
    assert spent > 3.0  # two remarks of twelve words and ten repeated words


def test_a_script_of_which_only_a_part_was_read():
    rng = np.random.default_rng(3)
    words = random_words(rng, 400)
    probabilities, places = speak(words[40:90], rng)
    found = align(probabilities, words)
    spoken = [word.index for word in found.words if not word.skipped]
    assert abs(spoken[0] - 40) <= 1 and abs(spoken[-1] - 89) <= 1
    assert np.mean(np.array(errors(found, places, list(range(40, 90)))) < 0.06) > 0.9


def test_wrong_text_gets_little_confidence():
    rng = np.random.default_rng(4)
    right, wrong = random_words(rng, 60), random_words(rng, 60)
    probabilities, _ = speak(right, rng)
    assert align(probabilities, wrong).confidence < 0.5 * align(probabilities, right).confidence


def test_a_long_recording_stays_within_a_narrow_band_and_quick():
    rng = np.random.default_rng(5)
    words = random_words(rng, 700)  # about 2800 phones, 4 minutes
    probabilities, places = speak(words, rng)
    began = time.process_time()
    found = align(probabilities, words, band=600)
    assert time.process_time() - began < 20
    assert np.mean(np.array(errors(found, places)) < 0.06) > 0.97


def test_tones_are_sisters():
    names = ["a1", "a2", "a5", "b", "AH0", "AH1", "e"]
    groups = sister_groups(names)
    assert groups[0] == (0, 1, 2) and groups[4] == (4, 5) and groups[3] == (3,)
    rng = np.random.default_rng(6)
    words = random_words(rng, 30)
    shifted = [tuple((p + 1) % V if p % 2 == 0 else p for p in w) for w in words]  # "tone" of the even phones changed
    probabilities, _ = speak(shifted, rng, confusion=0.0)
    sisters = {p: (p - p % 2, p - p % 2 + 1) for p in range(V)}
    tolerant, strict = align(probabilities, words, sisters=sisters), align(probabilities, words)
    assert not any(word.skipped for word in tolerant.words)
    assert sum(w.confidence for w in tolerant.words) > 3 * sum(w.confidence for w in strict.words)


def test_greedy_reads_phones_without_a_text():
    rng = np.random.default_rng(7)
    words = [(1, 2, 3), (4, 5, 6)]
    probabilities, places = speak(words, rng, confusion=0.0)
    assert greedy(probabilities) == (1, 2, 3, 4, 5, 6)
    assert greedy(probabilities, start=places[1][0] * 0.02) == (4, 5, 6)
    assert greedy(probabilities[:0]) == ()


def test_aligning_can_be_stopped():
    rng = np.random.default_rng(8)
    words = random_words(rng, 50)
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        align(speak(words, rng)[0], words, cancel=token)
