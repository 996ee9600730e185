"""A recording is judged before anything is stored: bad ones are refused in a sentence, spoiled ones are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import Audio, concatenate, level, peak, read_audio, resample, silence, write_wav
from gpt_sovits.dataset.assess import GOOD, RECORD_AGAIN, USABLE, Assessment, assess, open_recording
from gpt_sovits.dataset.vad import speech_spans
from gpt_sovits.errors import InputError, MissingError

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def minute() -> Audio:
    return read_audio(DATA / "one_minute.opus")


def kinds(assessment: Assessment) -> set[str]:
    return {problem.kind for problem in assessment.problems}


def spoiled(audio: Audio, extra: np.ndarray) -> Audio:
    return Audio((audio.samples + extra).astype(np.float32), audio.rate)


def test_a_clean_minute_is_good(minute):
    audio, found = open_recording(DATA / "one_minute.opus")
    assert found.verdict == GOOD and found.advice == "" and found.problems == ()
    assert 40 < found.speech_seconds < 58 and found.snr > 25 and 8000 <= found.bandwidth < 12000
    assert abs(audio.seconds - 59) < 1


def test_speech_is_found_and_silence_between_is_not(minute):
    spans = speech_spans(minute)
    assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))
    inside = np.zeros(len(minute.samples), bool)
    for span in spans:
        inside[round(span.start * minute.rate) : round(span.end * minute.rate)] = True
    energy = np.square(minute.samples)
    assert energy[~inside].sum() < 0.002 * energy.sum()  # nothing that is speech is lost
    assert not speech_spans(silence(3.0, 48000))
    assert not speech_spans(Audio(np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32), 16000))


def test_noise_is_measured_and_named(minute):
    rng = np.random.default_rng(1)
    loud = 10 ** (level(minute) / 20)
    noisy = [assess(spoiled(minute, rng.normal(0, loud * 10 ** (-snr / 20), len(minute.samples)))) for snr in (18, 6)]
    assert [n.verdict for n in noisy] == [USABLE, RECORD_AGAIN]
    assert all("noise" in kinds(n) and "quiet room" in n.advice for n in noisy)
    assert abs(noisy[1].snr - 6) < 3


def test_other_troubles_are_named(minute):
    clipped = assess(Audio(np.clip(minute.samples * 6 / peak(minute), -1, 1), minute.rate))
    assert "clipping" in kinds(clipped) and clipped.verdict == RECORD_AGAIN
    assert "quiet" in kinds(assess(Audio(minute.samples * np.float32(0.05), minute.rate)))
    phone = assess(resample(resample(minute, 8000), 48000))
    assert "bandwidth" in kinds(phone) and 3000 < phone.bandwidth < 4300
    time = np.arange(len(minute.samples)) / minute.rate
    mains = sum(0.01 / k * np.sin(2 * np.pi * 60 * k * time) for k in (1, 2, 3))
    assert assess(spoiled(minute, np.asarray(mains))).hum == 60.0


def test_an_echoing_room_is_named(minute):
    part = minute.between(0, 30)
    length = round(1.2 * part.rate)
    room = np.random.default_rng(2).normal(0, 1, length) * 10 ** (-3 * np.arange(length) / length)
    size = len(part.samples) + length
    wet = np.fft.irfft(np.fft.rfft(part.samples, size) * np.fft.rfft(room / np.linalg.norm(room), size), size)
    found = assess(Audio((0.5 * wet[: len(part.samples)]).astype(np.float32), part.rate))
    assert "reverberation" in kinds(found) and found.reverberation > 0.8


def test_music_beside_the_speech_is_named(minute):
    part = minute.between(0, 20)
    time = np.arange(20 * part.rate) / part.rate
    chord = sum(np.sin(2 * np.pi * f * time) for f in (220, 277, 330)) * (0.2 + 0.1 * np.sin(2 * np.pi * 2 * time))
    music = Audio((0.2 * chord).astype(np.float32), part.rate)
    found = assess(concatenate([part, music]))
    assert "foreign" in kinds(found) and found.foreign > 0.15


def test_a_television_in_the_background_is_named(minute):
    part = minute.between(0, 30)
    other = minute.between(30.7, 60).samples[::-1]  # speech of other rhythm, and of nobody in the foreground
    beside = np.resize(other, len(part.samples)) * 10 ** (-12 / 20)
    found = assess(spoiled(part, beside))
    assert "voices" in kinds(found) and "background" in found.advice
    assert assess(part).beside == 0.0 and "voices" not in kinds(assess(part))


def test_holes_in_the_speech_are_named(minute):
    part = minute.between(0, 30)
    holed = part.samples.copy()
    loud = np.flatnonzero(np.abs(part.samples) > 0.3 * peak(part))
    for place in loud[:: len(loud) // 12]:
        holed[place : place + round(0.04 * part.rate)] = 0.0
    found = assess(Audio(holed, part.rate))
    assert "dropouts" in kinds(found) and found.dropouts > 12
    assert assess(part).dropouts == 0.0


def test_a_whine_that_never_changes_is_no_music(minute):
    time = np.arange(len(minute.samples)) / minute.rate
    whine = sum(0.003 * np.sin(2 * np.pi * f * time) for f in (1000, 1730, 2450))
    assert "music" not in kinds(assess(spoiled(minute, np.asarray(whine))))


def test_what_cannot_become_a_voice_is_refused_in_one_sentence(tmp_path, minute):
    write_wav(tmp_path / "two.wav", minute.between(5.0, 7.2))
    write_wav(tmp_path / "silent.wav", silence(20.0, 44100))
    rng = np.random.default_rng(3)
    write_wav(tmp_path / "hiss.wav", Audio(rng.normal(0, 0.1, 16000 * 15).astype(np.float32), 16000))
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("no sound at all " * 100)
    expected = {
        "two.wav": "only 2 seconds of speech",
        "silent.wav": "silent",
        "hiss.wav": "No speech",
        "empty.wav": "empty",
        "text.wav": "not a sound file",
    }
    for name, words in expected.items():
        with pytest.raises(InputError, match=words) as caught:
            open_recording(tmp_path / name)
        assert caught.value.message.count(". ") == 0 and caught.value.action
    with pytest.raises(MissingError):
        open_recording(tmp_path / "absent.wav")
    assert open_recording(tmp_path / "two.wav", min_speech=1.0)[1].speech_seconds < 3  # enough for a reference clip
