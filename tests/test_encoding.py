"""Every format holds the whole sound, whether it is written at once or bit by bit, and says what it is."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from gpt_sovits import encoding
from gpt_sovits.audio import Audio, level, read_audio
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.labels import Label

LABEL = Label("v0123456789", "r0123456789", "c" * 64)
DELAY = 0.07  # seconds that the lossy formats may add at the ends


def tone(seconds: float = 1.7, rate: int = 32000) -> Audio:
    return Audio((0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(np.float32), rate)


def decoded(data: bytes) -> float:
    with av.open(io.BytesIO(data)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


@pytest.mark.parametrize("name", encoding.FILES)
@pytest.mark.parametrize("rate", [24000, 32000, 44100])
def test_a_file_and_a_stream_hold_the_same_sound(name: str, rate: int, tmp_path: Path) -> None:
    sound = tone(1.7, rate)
    pieces = [sound.between(0, 0.61), sound.between(0.61, 0.62), sound.between(0.62, 2)]
    whole, stream = encoding.encode(sound, name), b"".join(encoding.encode_stream(pieces, name))
    assert abs(decoded(whole) - 1.7) < DELAY and abs(decoded(stream) - 1.7) < DELAY
    path = tmp_path / f"x.{name}"
    path.write_bytes(whole)
    assert abs(level(read_audio(path)) - level(sound)) < 0.6


def test_a_stream_gives_sound_before_it_ends() -> None:
    for name in encoding.FORMATS:
        encoder = encoding.Encoder(name, 32000)
        given = [len(encoder.add(tone(1.0))) for _ in range(6)]
        assert sum(given[:3]) > 1000 and all(given[2:]), name
        assert encoder.end() or name in ("wav", "pcm", "raw")


def test_pcm_is_what_openais_clients_expect() -> None:
    data = encoding.encode(tone(2.0), "pcm")
    assert len(data) == 2 * 24000 * 2 and abs(np.abs(np.frombuffer(data, "<i2")).max() / 32767 - 0.5) < 0.02


@pytest.mark.parametrize("name", encoding.FILES)
def test_what_a_machine_said_says_so(name: str, tmp_path: Path) -> None:
    for streaming in (False, True):
        pieces = encoding.encode_stream([tone()], name, label=LABEL)
        path = tmp_path / f"{streaming}.{name}"
        path.write_bytes(b"".join(pieces) if streaming else encoding.encode(tone(), name, label=LABEL))
        found = encoding.inspect(path)
        assert found.synthetic and found.own["voice"] == LABEL.voice and found.own["consent"] == LABEL.consent
        assert found.own["version"] == LABEL.version and found.standard["Label"] == "1" and "AI" in found.comment
        assert set(found.standard) == {
            "Label",
            "ContentProducer",
            "ProduceID",
            "ReservedCode1",
            "ContentPropagator",
            "PropagateID",
            "ReservedCode2",
        }
        assert read_audio(path).seconds > 1.6


def test_a_recording_says_nothing_of_the_kind(tmp_path: Path) -> None:
    encoding.write_audio(tmp_path / "deep" / "x.flac", tone())
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["x.flac"]
    assert not encoding.inspect(tmp_path / "deep" / "x.flac").synthetic
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(InputError):
        encoding.inspect(tmp_path / "text.wav")
    with pytest.raises(MissingError):
        encoding.inspect(tmp_path / "nothing.wav")
    with pytest.raises(InputError):
        encoding.encode(tone(), "exe")


def test_a_labelled_wav_is_read_by_everybody(tmp_path: Path) -> None:
    encoding.write_audio(tmp_path / "x.wav", tone(), label=LABEL)
    with wave.open(str(tmp_path / "x.wav")) as file:
        assert file.getnframes() == 54400 and file.getframerate() == 32000
