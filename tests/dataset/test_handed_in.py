"""What people hand in: subtitles for a script, paragraphs in another order, a film with two tracks, a shifted zero."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from gpt_sovits.audio import Audio, level, read_audio, resample, write_wav
from gpt_sovits.dataset.assess import open_recording
from gpt_sovits.dataset.handed_in import in_order_of_reading, join_recordings, plain_script
from gpt_sovits.dataset.transcript import script_words
from gpt_sovits.errors import InputError

DATA = Path(__file__).parents[1] / "data"
SRT = """1
00:00:00,000 --> 00:00:02,500
He could, but what would he do?

2
00:00:02,900 --> 00:00:05,000
<i>She smiled</i> for the first time
that day.
"""
VTT = """WEBVTT

NOTE made by hand

intro
00:00.000 --> 00:02.500 align:start
<v Anna>He could, but what would he do?

00:02.900 --> 00:05.000
She smiled for the first time
that day.
"""


@pytest.mark.parametrize("script", [SRT, VTT, SRT.replace("\n", "\r\n"), "\ufeff" + SRT])
def test_subtitles_are_what_is_said_in_them(script: str) -> None:
    said = plain_script(script)
    assert said.split() == "He could, but what would he do? She smiled for the first time that day.".split()


def test_stage_directions_go_and_ordinary_texts_stay() -> None:
    assert plain_script("[She enters.]\nGood morning.\n（笑）\n早上好。") == "Good morning.\n早上好。"
    for text in ("He (the father) left.", "It is 12:30 --> look.", "(all of it)", "[pause 0.5] Well."):
        assert plain_script(text) == text


def sounding(text: str) -> np.ndarray:
    ids = [i for word in script_words(text, "en") for i in word.ids]
    heard = np.array([732] * 10 + [i for i in ids for _ in range(5)] + [732] * 10)
    odds = np.random.default_rng(0).normal(0.0, 1.0, (len(heard), 733))
    odds[np.arange(len(heard)), heard] += 8.0
    return (odds - np.log(np.exp(odds).sum(axis=1, keepdims=True))).astype(np.float32)


def test_the_order_in_which_paragraphs_were_read_is_found() -> None:
    parts = ["Seven wooden boats crossed the river.", "Nobody remembers that stormy evening.",
             "Bring another basket of yellow apples.", "Their teacher opened every single window."]  # fmt: skip
    heard = sounding(" ".join(parts))
    assert in_order_of_reading("\n\n".join(parts), "en", heard) is None
    assert in_order_of_reading("\n\n".join([parts[2], parts[0], parts[3], parts[1]]), "en", heard) == "\n".join(parts)
    assert in_order_of_reading(" ".join([parts[1], parts[0]]), "en", sounding(" ".join(parts[:2]))) == "\n".join(
        parts[:2]
    )


def test_a_shifted_zero_is_no_noise(tmp_path: Path) -> None:
    minute = resample(read_audio(DATA / "one_minute.opus").between(0, 25), 24_000)
    write_wav(tmp_path / "plain.wav", minute)
    write_wav(tmp_path / "shifted.wav", Audio(0.7 * minute.samples + np.float32(0.02), minute.rate))
    plain, shifted = (open_recording(tmp_path / f"{name}.wav")[1] for name in ("plain", "shifted"))
    assert shifted.verdict == plain.verdict and abs(shifted.snr - plain.snr) < 2.0
    assert abs(float(read_audio(tmp_path / "shifted.wav").samples.mean())) < 1e-4


def test_of_a_films_tracks_the_one_with_speech_is_taken(tmp_path: Path) -> None:
    speech = resample(read_audio(DATA / "one_minute.opus").between(0, 20), 48_000)
    tune = 0.2 * np.sin(2 * np.pi * 440 * np.arange(len(speech.samples)) / 48_000)
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as film:
        streams = [film.add_stream("pcm_s16le", rate=48_000, layout="mono") for _ in range(2)]
        for stream, sound in zip(streams, (tune, speech.samples), strict=True):
            samples = np.round(sound * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = 48_000
            film.mux(stream.encode(frame))
            film.mux(stream.encode(None))
    audio, assessment = open_recording(path)
    assert assessment.speech_seconds > 12 and np.corrcoef(audio.samples, speech.samples)[0, 1] > 0.99


def test_several_recordings_are_one_equally_loud(tmp_path: Path) -> None:
    speech = read_audio(DATA / "short_clip.opus")
    quiet = Audio((resample(speech, 16_000).samples * 0.05).astype(np.float32), 16_000)
    write_wav(tmp_path / "a.wav", speech)
    write_wav(tmp_path / "b.wav", quiet)
    join_recordings([tmp_path / "a.wav", tmp_path / "b.wav"], tmp_path / "both.wav")
    both = read_audio(tmp_path / "both.wav")
    assert both.rate == speech.rate and both.seconds == pytest.approx(2 * speech.seconds + 1.0, abs=0.1)
    first, second = both.between(0.0, speech.seconds), both.between(speech.seconds + 1.0, both.seconds)
    assert level(first) == pytest.approx(level(second), abs=1.0)
    with pytest.raises(InputError, match="30 minutes|long"):
        join_recordings([tmp_path / "a.wav"] * (2 + round(1800 / speech.seconds)), tmp_path / "both.wav")
